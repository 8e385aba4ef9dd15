package inspect

import (
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// Clock is where the time comes from, so that a test can own it. redisbridge.SystemClock
// is one.
type Clock interface {
	Now() fsm.Instant
	AfterFunc(d time.Duration, f func()) actors.Timer
}

var system Clock = actors.SystemClock{}

// after returns a channel that is closed once d has passed.
func after(c Clock, d time.Duration) (due <-chan struct{}, stop func()) {
	ch := make(chan struct{})
	t := c.AfterFunc(d, func() { close(ch) })
	return ch, func() { t.Stop() }
}
