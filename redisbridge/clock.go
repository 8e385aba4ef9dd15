package redisbridge

import (
	"context"
	"time"

	"hustings/fsm"
)

// started is where the monotonic clock of this process begins to count. It lies far in the
// past, so that readings are positive in a bubble of testing/synctest, too, where the year
// is 2000. (After 1885, or package time forgets the monotonic reading.)
var started = time.Now().Add(-100 * 365 * 24 * time.Hour)

// SystemClock is the [Clock] of the machine. Its zero value is ready; it has no
// state of its own, so any number of them agree. This file holds the project's
// only calls of the clock of package time.
type SystemClock struct{}

// Now reads both clocks. They are separate readings on purpose: time.Since uses
// the monotonic clock, which stands still in a suspended machine; Round(0) strips
// it, so that the wall reading is what the wall clock says, jumps included.
func (SystemClock) Now() fsm.Instant {
	return fsm.Instant{
		Mono: time.Since(started),
		Wall: time.Duration(time.Now().Round(0).UnixNano()),
	}
}

// until is ctx with a deadline in d, and without the timer that package context would set
// for it: whoever is given it looks at the deadline by itself, as the sockets of go-redis do.
func until(ctx context.Context, d time.Duration) context.Context {
	return deadline{ctx, time.Now().Add(d)}
}

type deadline struct {
	context.Context
	at time.Time
}

// Deadline implements context.Context.
func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

// AfterFunc calls f on a goroutine of its own once d has passed; d <= 0 means at
// once.
func (SystemClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
