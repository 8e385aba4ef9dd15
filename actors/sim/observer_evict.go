package sim

import (
	"slices"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// eviction is what the observer knows of a session that was ended under OnDisconnect.
type eviction struct {
	at    time.Duration
	until time.Duration // when the session would have ended
	kept  []string      // elections that were re-asserted since
}

// executed sees the commands of Redis that make an exception to the rules, and end one.
func (o *observer) executed(cmd redisbridge.Command, reply redisbridge.Reply) {
	v, ok := reply.Value.([]any)
	if !ok {
		return
	}
	switch cmd.Script {
	case redisbridge.EvictScript:
		for i, it := range v[1].([]any) {
			if item := it.([]any); item[0] == "evicted" {
				o.noteEviction(cmd.Args[6+3*i], time.Duration(item[1].(int64)+1)*time.Millisecond)
			}
		}
	case redisbridge.ReassertScript:
		e := o.evicted[cmd.Args[1]]
		if e == nil {
			return
		}
		for i, word := range v[4].([]any) {
			if word == "ok" {
				e.kept = append(e.kept, cmd.Args[7+3*i])
			}
		}
	}
}

// noteEviction begins an exception. A session that is evicted before the exception for the
// one before it has ended prolongs it: leaderships of both may be trusted.
func (o *observer) noteEviction(id string, left time.Duration) {
	now := o.world.sched.now
	e := &eviction{at: now, until: now + left}
	if old := o.evicted[id]; old != nil {
		e.until = max(e.until, old.until)
	}
	o.evicted[id] = e
	o.world.trace.note(nil, "evicted", id, "", int64(left))
}

// excused reports whether a seat's term is one of a holder that was evicted and may not
// know of it.
func (o *observer) excused(s *seat) bool {
	e := o.evicted[s.node.name()]
	return e != nil && s.policy() == actors.OnDisconnect && s.term.began <= e.at &&
		o.world.sched.now <= e.until && !slices.Contains(e.kept, s.contest.name)
}

// cutOff reports whether the node was without a subscription in the term, under the policy
// that has it step down for that: one ended in the term, or one came in it, since there
// was none before, or there is none yet.
func (s *seat) cutOff() bool {
	n, began := s.node, s.term.began
	return s.policy() == actors.OnDisconnect && (n.deafAt >= began || n.heardAt >= began || n.hears == nil)
}

// policy is the seat's, that of elections opened by name where it has no own.
func (s *seat) policy() actors.Takeover {
	if s.cfg.Name == "" {
		return s.node.cfg.Elections.Takeover
	}
	return s.cfg.Takeover
}

// name is the node's id.
func (n *Node) name() string {
	if n.cfg.ID != "" {
		return n.cfg.ID
	}
	return n.id
}
