package sim

import (
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// million is the unit of drift: parts per million.
const million = 1_000_000

// processClock is the pair of clocks of one simulated machine: straight lines
// through the point (base; mono, wall), of slope 1 + drift/million. Integer
// arithmetic only: floating point would round differently on other processors.
type processClock struct {
	base       time.Duration // world time
	mono, wall time.Duration // readings at base
	drift      int64         // parts per million, above -million
	suspended  bool          // the monotonic clock stands still

	// When the world last did this, of its own time; for the observer.
	stood, setBack, resumed time.Duration
}

// elapsed is what the clock counts while the world counts d.
func (c *processClock) elapsed(d time.Duration) time.Duration {
	if c.drift == 0 { // half of all worlds have none, and they need not divide
		return d
	}
	q, r := int64(d)/million, int64(d)%million
	return d + time.Duration(q*c.drift+r*c.drift/million)
}

func (c *processClock) read(now time.Duration) fsm.Instant {
	d := c.elapsed(now - c.base)
	i := fsm.Instant{Mono: c.mono, Wall: c.wall + d}
	if !c.suspended {
		i.Mono += d
	}
	return i
}

// rebase moves the lines' common point to now, before a slope or offset changes.
func (c *processClock) rebase(now time.Duration) {
	i := c.read(now)
	c.base, c.mono, c.wall = now, i.Mono, i.Wall
}

func (c *processClock) suspend(now time.Duration) {
	c.rebase(now)
	c.suspended, c.stood = true, now
}

func (c *processClock) resume(now time.Duration) {
	c.rebase(now)
	if c.suspended {
		c.suspended, c.resumed = false, now
	}
}

// when is the first instant of the world at which the monotonic clock shows at
// least mono. Rounding is up: a timer that came a nanosecond early would be
// armed again for nothing, and time would stand still.
func (c *processClock) when(mono, now time.Duration) time.Duration {
	left := int64(mono - c.mono)
	if left <= 0 {
		return now
	}
	if c.drift == 0 {
		return max(c.base+time.Duration(left), now)
	}
	per := million + c.drift
	q, r := left/per, left%per
	at := c.base + time.Duration(q*million+(r*million+per-1)/per)
	for c.mono+c.elapsed(at-c.base) < mono {
		at++
	}
	return max(at, now)
}

// Clock returns the process's clock. Its timers die with the process's life, and
// fire as events of the process; they may only send a message, as everywhere.
func (p *Process) Clock() redisbridge.Clock { return simClock{p} }

type simClock struct{ p *Process }

// Now implements [redisbridge.Clock].
func (c simClock) Now() fsm.Instant { return c.p.Now() }

// AfterFunc implements [redisbridge.Clock].
func (c simClock) AfterFunc(d time.Duration, f func()) redisbridge.Timer {
	t := c.p.timers.next()
	t.p, t.f = c.p, f
	t.Reset(d)
	return t
}

// Now reads the process's clocks.
func (p *Process) Now() fsm.Instant {
	if o := p.world.outside; o != nil {
		o.clocks.RLock()
		defer o.clocks.RUnlock()
		return p.clock.read(o.now()) // Go code asks, too, between events
	}
	return p.clock.read(p.world.sched.now)
}

// set changes the process's clocks at the present instant.
func (p *Process) set(change func(c *processClock, now time.Duration)) {
	if o := p.world.outside; o != nil {
		o.clocks.Lock()
		defer o.clocks.Unlock()
	}
	change(&p.clock, p.world.sched.now)
}

// timer is a one-shot timer on a process's monotonic clock, which may be set again.
type timer struct {
	p     *Process
	f     func()
	due   time.Duration // on the process's monotonic clock
	event token
	armed bool
	stale int // events that were taken back too late: they are held back in a paused process
}

func (t *timer) arm() {
	now := t.p.world.sched.now
	t.event = t.p.world.sched.post(t.p, t.p.clock.when(t.due, now), t)
}

func (t *timer) run() {
	if t.stale > 0 { // what is held back comes before what is posted later
		t.stale--
		return
	}
	// The clock may have stood still or slowed down since the timer was armed.
	if t.p.Now().Mono < t.due {
		t.arm()
		return
	}
	t.armed = false
	t.f()
}

// Stop implements [redisbridge.Timer].
func (t *timer) Stop() bool {
	was := t.armed
	if t.armed = false; was && !t.p.world.sched.cancel(t.event) {
		t.stale++
	}
	return was
}

// Reset implements [redisbridge.Timer].
func (t *timer) Reset(d time.Duration) bool {
	was := t.Stop()
	t.due, t.armed = t.p.Now().Mono+max(d, 0), true
	t.arm()
	return was
}

// SetDrift makes the process's clocks run at 1 + ppm/1,000,000 of the world's
// speed from now on. Timers already armed come at the right reading if the clock
// became slower, and late by the difference if it became faster.
func (p *Process) SetDrift(ppm int) {
	p.world.scenarios()
	p.world.trace.note(p, "drift", "", "", int64(ppm))
	p.set(func(c *processClock, now time.Duration) {
		c.rebase(now)
		c.drift = max(int64(ppm), 1-million)
	})
}

// JumpWall sets the process's wall clock forward by d, or back if d is negative.
// The monotonic clock and the timers do not notice.
func (p *Process) JumpWall(d time.Duration) {
	p.world.scenarios()
	p.world.trace.note(p, "wall", "", "", int64(d))
	p.set(func(c *processClock, now time.Duration) {
		c.rebase(now)
		c.wall += d
		if d < 0 {
			c.setBack = now
		}
	})
}
