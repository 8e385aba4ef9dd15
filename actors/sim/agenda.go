package sim

import (
	"slices"
	"time"
)

// runner is what an event does. Mailboxes, messages on a link and timers are
// runners themselves, so that posting one allocates nothing; call wraps a function.
type runner interface{ run() }

// call is a function as a runner.
type call func()

func (f call) run() { f() }

// batch makes things by the dozen that are many and short-lived, which costs less than
// making each. They are not used again: there is no telling who still knows one.
type batch[T any] struct{ rest []T }

func (b *batch[T]) next() *T {
	if len(b.rest) == 0 {
		b.rest = make([]T, 24)
	}
	x := &b.rest[0]
	b.rest = b.rest[1:]
	return x
}

// event is one entry of the agenda. Events are pooled by the scheduler: nobody
// keeps one after it ran or was cancelled (see [token]).
type event struct {
	at    time.Duration
	tie   uint64
	seq   uint64
	do    runner
	proc  *Process // nil for events of the network and of the world
	epoch uint32   // the process's at posting; another one now: the event evaporates
	pos   int      // in the heap, -1 when not there
	free  *event   // the next one that is to be used again, if this one is
}

// before is the order of the world: instant, seeded tie, number.
func (e *event) before(f *event) bool {
	if e.at != f.at {
		return e.at < f.at
	}
	if e.tie != f.tie {
		return e.tie < f.tie
	}
	return e.seq < f.seq
}

// agenda is what is to come, in the order of the world. Most events are posted for the
// present, or for when a message arrives, and come before the next timer: in the heap
// they would pass all timers on their way in, and again on their way out.
type agenda struct {
	soon  []*event // what comes before all that is later, the first one last: not many
	later eventHeap
}

// soonest bounds what is soon.
const soonest = 32

func (a *agenda) add(e *event) {
	if len(a.later) > 0 && !e.before(a.later[0].event) {
		a.later.push(e)
		return
	}
	e.pos = -1
	a.soon = append(a.soon, e)
	i := len(a.soon) - 1
	for ; i > 0 && a.soon[i-1].before(e); i-- {
		a.soon[i] = a.soon[i-1]
	}
	a.soon[i] = e
	if len(a.soon) > soonest {
		a.later.push(a.soon[0])
		a.soon = slices.Delete(a.soon, 0, 1)
	}
}

// next returns what comes first, nil if nothing does.
func (a *agenda) next() *event {
	switch {
	case len(a.soon) > 0:
		return a.soon[len(a.soon)-1]
	case len(a.later) > 0:
		return a.later[0].event
	}
	return nil
}

// take takes out what comes first, if it is due by limit; else it returns nil.
func (a *agenda) take(limit time.Duration) *event {
	e := a.next()
	if e == nil || e.at > limit {
		return nil
	}
	if last := len(a.soon) - 1; last >= 0 {
		a.soon = a.soon[:last]
	} else {
		a.later.remove(0)
	}
	return e
}

// remove takes an event out that is there.
func (a *agenda) remove(e *event) {
	if e.pos >= 0 {
		a.later.remove(e.pos)
		return
	}
	last := len(a.soon) - 1
	if a.soon[last] != e {
		i := slices.Index(a.soon, e)
		copy(a.soon[i:], a.soon[i+1:])
	}
	a.soon = a.soon[:last]
}

// eventHeap is a 4-ary heap that knows each event's place, so that cancelled
// timers leave at once instead of being carried along until they are due.
// The instants stand beside the events: most comparisons need nothing else.
type eventHeap []place

type place struct {
	at time.Duration
	*event
}

// before is the order of the world.
func (p place) before(q place) bool {
	if p.at != q.at {
		return p.at < q.at
	}
	return p.event.before(q.event)
}

func (h *eventHeap) push(e *event) {
	*h = append(*h, place{e.at, e})
	h.up(len(*h) - 1)
}

func (h *eventHeap) remove(i int) {
	s := *h
	e, last := s[i], len(s)-1
	moved := s[last]
	*h = s[:last] // what stays behind it is kept alive by the pool anyhow
	e.pos = -1
	if i == last {
		return
	}
	s[i], moved.pos = moved, i
	h.down(i)
	if moved.pos == i {
		h.up(i)
	}
}

func (h *eventHeap) up(i int) {
	s := *h
	e := s[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(s[parent]) {
			break
		}
		s[i] = s[parent]
		s[i].pos = i
		i = parent
	}
	s[i], e.pos = e, i
}

func (h *eventHeap) down(i int) {
	s := *h
	e := s[i]
	for first := 4*i + 1; first < len(s); first = 4*i + 1 {
		children := s[first:min(first+4, len(s))]
		least := 0
		for c := 1; c < len(children); c++ {
			if children[c].before(children[least]) {
				least = c
			}
		}
		if !children[least].before(e) {
			break
		}
		s[i] = children[least]
		s[i].pos = i
		i = first + least
	}
	s[i], e.pos = e, i
}
