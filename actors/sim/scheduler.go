package sim

import (
	"fmt"
	"time"
)

// zenoLimit is how many events may happen at one instant before the world
// concludes that time will never move again: a timer that is re-armed with
// nothing to wait for, or two actors that answer each other for ever.
const zenoLimit = 100_000

// token names a posted event, so that it can be cancelled. The number tells an
// event from a later one in the same pooled memory. The zero token names none.
type token struct {
	ev  *event
	seq uint64
}

// scheduler keeps the events and the time of a world. All of it belongs to the goroutine
// that runs the world.
type scheduler struct {
	agenda  agenda
	free    *event // to be used again, each with the next one
	ties    *Rand  // decides at one instant; nil: first come, first served
	now     time.Duration
	seq     uint64
	ran     uint64 // events executed
	instant int    // events executed at now
}

// post schedules do at the instant at (not before now). proc nil is for what
// belongs to no process and survives every crash.
func (s *scheduler) post(proc *Process, at time.Duration, do runner) token {
	e := s.free
	if e != nil {
		s.free = e.free
	} else {
		e = new(event)
	}
	s.seq++
	e.at, e.tie, e.seq, e.do, e.proc = max(at, s.now), 0, s.seq, do, proc
	if s.ties != nil {
		e.tie = s.ties.Uint64()
	}
	if proc != nil {
		e.epoch = proc.epoch
	}
	s.agenda.add(e)
	return token{e, e.seq}
}

// cancel takes an event back. It reports whether it was still to come.
func (s *scheduler) cancel(t token) bool {
	if t.ev == nil || t.ev.seq != t.seq {
		return false
	}
	s.agenda.remove(t.ev)
	s.recycle(t.ev)
	return true
}

func (s *scheduler) recycle(e *event) {
	e.do, e.proc, e.seq = nil, nil, 0
	e.free, s.free = s.free, e
}

// step executes the next event that is due by limit. It reports false when there
// is none. Events of dead epochs are dropped without counting as an event.
func (w *World) step(limit time.Duration) bool {
	s := &w.sched
	if w.outside != nil && !w.settle(limit) {
		return false
	}
	for {
		e := s.agenda.take(limit)
		if e == nil {
			return false
		}
		at, do, proc, epoch := e.at, e.do, e.proc, e.epoch
		s.recycle(e)
		s.advance(at)
		if proc != nil {
			if proc.epoch != epoch || proc.dead {
				continue
			}
			if !proc.free() && proc.holds(do) {
				continue
			}
		}
		w.execute(proc, do)
		return true
	}
}

// advance moves the time to at, if that is later: another instant begins.
func (s *scheduler) advance(at time.Duration) {
	if at > s.now {
		s.now, s.instant = at, 0
	}
}

// soon is when the next event is due; ok is false if there is none.
func (s *scheduler) soon() (at time.Duration, ok bool) {
	if e := s.agenda.next(); e != nil {
		return e.at, true
	}
	return 0, false
}

// execute runs one event at the present instant and looks at the checks.
func (w *World) execute(proc *Process, do runner) {
	s := &w.sched
	s.ran++
	if s.instant++; s.instant > zenoLimit {
		w.Fail("zeno: time stands still", fmt.Errorf("more than %d events at one instant", zenoLimit))
		return
	}
	w.trace.mixEvent(s.now, proc)
	w.current = proc
	do.run()
	w.current = nil
	if w.outside != nil {
		w.outside.rest()
	}
	w.observer.look(proc, do)
	for _, c := range w.checks {
		if err := c.check(); err != nil {
			w.Fail(c.rule, err)
			return
		}
	}
}

// Run lets d of virtual time pass. It returns early only when the world failed.
func (w *World) Run(d time.Duration) {
	w.helper()
	w.overslept()
	limit := w.sched.now + d
	for !w.failed() && w.step(limit) {
	}
	w.finish(limit)
}

// RunUntil lets time pass until cond holds, which is looked at before the first
// and after every event, and reports true; false when it did not hold within max.
func (w *World) RunUntil(cond func() bool, max time.Duration) bool {
	w.helper()
	w.overslept()
	limit := w.sched.now + max
	for !w.failed() {
		if cond() {
			return true
		}
		if !w.step(limit) {
			break
		}
	}
	w.finish(limit)
	return !w.failed() && cond()
}

// finish moves the clock to the end of a run, or reports the failure.
func (w *World) finish(limit time.Duration) {
	w.helper()
	if w.failed() {
		w.report()
		return
	}
	w.sched.advance(limit)
}
