package actors

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// A process waits for the session of a former life to end. It gives up if that is renewed as a
// live process would.
func TestAnAnswerThatIsLateIsNoRenewalOfAnotherSession(t *testing.T) {
	const second = time.Second
	type answer struct {
		sent, heard, left time.Duration
		birth             string
	}
	for name, c := range map[string]struct {
		answers []answer
		renewed bool
	}{
		"late answers":   {[]answer{{0, 0, second, "b1"}, {3 * second, 3 * second, second, "b1"}, {3 * second, 4 * second, second, "b1"}, {3 * second, 5 * second, second, "b1"}}, false},
		"one renewal":    {[]answer{{0, 0, second, "b1"}, {3 * second, 3 * second, second, "b1"}, {4 * second, 5 * second, second / 10, "b1"}}, false},
		"late, renewed":  {[]answer{{0, 0, second, "b1"}, {3 * second, 4 * second, second, "b1"}, {5 * second, 6 * second, second, "b1"}}, true},
		"two births":     {[]answer{{0, 0, second, "b1"}, {3 * second, 3 * second, second, "b2"}, {4 * second, 4 * second, second / 10, "b3"}}, true},
		"two, too early": {[]answer{{0, 0, second, "b1"}, {second, second, second, "b1"}, {2 * second, 2 * second, second, "b1"}}, false},
	} {
		s, clock := newShared(), redisbridge.SystemClock{}
		s.stopped = context.Background()
		n := &nodeActor{
			cfg: Config{ID: "me", TTL: second}, shared: s,
			env: &env{shared: s, clock: clock, logger: slog.New(slog.DiscardHandler)},
		}
		got := false
		for _, a := range c.answers {
			at := func(d time.Duration) fsm.Instant { return fsm.Instant{Mono: time.Minute + d} }
			got = n.renewed(at(a.sent), at(a.heard), &redisbridge.HeartbeatAnswer{Other: &redisbridge.Namesake{Birth: a.birth, Left: a.left}})
		}
		if got != c.renewed {
			t.Errorf("%s: renewed %v", name, got)
		}
	}
}
