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
	timers []*heldCall // due, and held back
}

// heldTimer is one timer. Its clock's mu guards it.
type heldTimer struct {
	clock *heldClock
	f     func()
	once  *heldCall // nil after Stop
}

// heldCall is what a timer was last set to do. Its clock's mu guards it.
type heldCall struct {
	f     func()
	timer redisbridge.Timer
	ended bool // it ran, or was stopped
}

// AfterFunc calls f once d has passed and the clock is not held.
func (c *heldClock) AfterFunc(d time.Duration, f func()) redisbridge.Timer {
	t := &heldTimer{clock: c, f: f}
	t.Reset(d)
	return t
}

// Stop implements [redisbridge.Timer].
func (t *heldTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	once := t.once
	if t.once = nil; once == nil {
		return false
	}
	once.timer.Stop()
	inTime := !once.ended
	once.ended = true
	return inTime
}

// Reset implements [redisbridge.Timer].
func (t *heldTimer) Reset(d time.Duration) bool {
	inTime := t.Stop()
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	once := &heldCall{f: t.f}
	once.timer = t.clock.SystemClock.AfterFunc(d, func() { t.clock.due(once) })
	t.once = once
	return inTime
}

func (c *heldClock) due(t *heldCall) {
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
