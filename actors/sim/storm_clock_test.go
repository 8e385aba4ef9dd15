package sim

import (
	"testing"
	"time"

	"hustings/actors"
)

// A Redis whose clock fell behind by more than the quarantine, a second at a time, and then
// lost its data, would hand out lower tokens: nothing could prevent that.
func TestStepsOfRedissClockDoNotAddUpPastTheQuarantine(t *testing.T) {
	w := New(t, 1)
	const ttl = 2 * time.Second
	w.Node("a", actors.Config{TTL: ttl})
	storm := &tempest{Storm: Storm{Margin: 80 * time.Millisecond}, w: w}
	var low, high time.Duration
	for range 1000 {
		w.redis.StepClock(storm.clockStep())
		high = max(high, w.redis.offset)
		low = min(low, w.redis.offset-high)
		w.observer.redisHigh = high // as after every event
	}
	if low != -ttl {
		t.Errorf("the clock was behind its highest reading by %v at most; want %v, where the bound is", -low, ttl)
	}
}
