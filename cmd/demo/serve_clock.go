package main

import (
	"sync"
	"time"

	"hustings/redisbridge"
)

// heldClock is the machine's clock, but its timers can be held: what becomes due meanwhile
// happens when they are released, as in a process that was stopped. Reading it tells the
// time all the same.
type heldClock struct {
	redisbridge.SystemClock

	mu     sync.Mutex // guards the rest
	held   bool
	timers []*heldTimer // due, and held back
}

// heldTimer is one timer. Its clock's mu guards it.
type heldTimer struct {
	f     func()
	ended bool // it ran, or was stopped
}

// AfterFunc calls f once d has passed and the clock is not held.
func (c *heldClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	t := &heldTimer{f: f}
	cancel := c.SystemClock.AfterFunc(d, func() { c.due(t) })
	return func() bool {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		inTime := !t.ended
		t.ended = true
		return inTime
	}
}

func (c *heldClock) due(t *heldTimer) {
	c.mu.Lock()
	if c.held && !t.ended {
		c.timers = append(c.timers, t)
		c.mu.Unlock()
		return
	}
	run := !t.ended
	t.ended = true
	c.mu.Unlock()
	if run {
		t.f()
	}
}

func (c *heldClock) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = true
}

// release runs what became due, in order. Afterwards the clock is as any other.
func (c *heldClock) release() {
	c.mu.Lock()
	c.held = false
	timers := c.timers
	c.timers = nil
	c.mu.Unlock()
	for _, t := range timers {
		c.due(t)
	}
}
