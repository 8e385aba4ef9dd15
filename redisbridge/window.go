package redisbridge

import (
	"slices"
	"time"
)

// window bounds how much goes out in one pipeline by how long the last ones took. Nothing
// of a node gets past a pipeline that is under way, its heartbeat neither; and who
// is not answered within TTL/3 takes the link for lost, and what it carried begins again.
// In a fleet that comes to run thousands of elections at once all nodes wait for
// one server: then each sends less at a time, until a pipeline takes a small part of the TTL.
// None is so large that either waits for the other: while Redis is at it, the node deals with
// the answers to the one before.
type window struct {
	items int           // that one pipeline may carry, and goes beyond with the last call
	at    time.Duration // when the one under way was sent, monotonic
	full  bool          // more waited than it could carry
}

const (
	firstWindow = 1 << 8
	minWindow   = 1 << 5
	maxWindow   = 1 << 12
)

// sent notes a pipeline, and whether it is full.
func (w *window) sent(now time.Duration, full bool) { w.at, w.full = now, full }

// answered halves the window after a pipeline that took longer than TTL/16, and doubles it
// after a full one that took less than half of that.
func (w *window) answered(now, ttl time.Duration) {
	switch took := now - w.at; {
	case took > ttl/16:
		w.items = max(w.items/2, minWindow)
	case w.full && took < ttl/32:
		w.items = min(w.items*2, maxWindow)
	}
}

// lost: the link failed under a pipeline.
func (w *window) lost() { w.items = max(w.items/4, minWindow) }

// weight is how many items calls are: a registration or a roll call is one for each of its elections.
func weight(calls []*Call) int {
	n := 0
	for _, c := range calls {
		n += max(len(c.Entries), 1)
	}
	return n
}

// control reports whether a call publishes a control message.
func (c *Call) control() bool { return c.Control != nil }

// payloadRoom bounds the payloads of one pipeline: on a slow link a heartbeat would wait
// behind all that an application has to say at once. One may be larger than that, and goes alone.
type payloadRoom struct {
	left int
	full bool // something waits for the next pipeline
}

// admits takes the first of the waiting calls of a kind, if there is room for it. Control
// messages have none of the payload, and pass those that wait for room.
func (r *payloadRoom) admits(q []*Call) bool {
	if n := len(q[0].Payload); n <= r.left || r.left == maxBytes {
		r.left = max(r.left-n, 0)
		return true
	}
	r.full = true
	if !slices.ContainsFunc(q, (*Call).control) {
		return false
	}
	waiting := slices.DeleteFunc(slices.Clone(q), (*Call).control)
	controls := slices.DeleteFunc(q, func(c *Call) bool { return !c.control() })
	copy(q[len(controls):], waiting)
	return true
}
