package sim

import (
	"fmt"
	"strings"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

func (n *Node) ttl() time.Duration {
	if n.cfg.TTL > 0 {
		return n.cfg.TTL
	}
	return actors.DefaultTTL
}

func (n *Node) maxTTL() time.Duration {
	if n.cfg.MaxTTL > 0 {
		return n.cfg.MaxTTL
	}
	return n.ttl()
}

func (n *Node) voteTimeout() time.Duration {
	if n.cfg.VoteTimeout > 0 {
		return n.cfg.VoteTimeout
	}
	return actors.DefaultVoteTimeout
}

func (n *Node) interval() time.Duration {
	if n.cfg.Interval > 0 {
		return n.cfg.Interval
	}
	return actors.DefaultInterval
}

// redial is the longest that a node waits before it dials again: two seconds and half
// of it by chance.
const redial = 3 * time.Second

// LeaderWithin is the time from the end of all faults within which every election in
// which somebody stands has a leader. It is the sum of what may have to happen one
// after the other:
//
//	Lateness                       a command sent in the storm takes effect at last
//	2 x client + connect timeout   a node finds its connection dead, and its next
//	+ redial                       and waits before it dials again (2 s, and half by chance)
//	+ TTL                          a former session of its id ends, for a restarted node
//	+ TTL/3                        the next heartbeat sees the new dataset
//	+ MaxTTL                       the quarantine
//	+ TTL                          the session of a holder that will not come back
//	+ KeptFor                      a successor that was named does not come
//	+ (MaxInconclusive + 1) x (VoteTimeout + 5 s x 5/4 + stagger)
//	                               rounds that a silent higher candidate spoils
//
// with the largest settings of the fleet.
func (w *World) LeaderWithin() time.Duration {
	var ttl, maxTTL, vote time.Duration
	for _, n := range w.observer.nodes {
		if n != nil {
			ttl, maxTTL, vote = max(ttl, n.ttl()), max(maxTTL, n.maxTTL()), max(vote, n.voteTimeout())
		}
	}
	o := &w.options
	stagger := time.Duration(len(w.procs)) * fsm.Stagger
	round := vote + fsm.RetryMax + fsm.RetryMax/4 + stagger
	return o.lateness + 2*(o.clientTimeout+o.connectTimeout) + redial + ttl + ttl/3 + maxTTL + ttl + fsm.KeptFor +
		(fsm.MaxInconclusive+1)*round
}

// RightLeaderWithin is the time from the end of all faults within which the right one
// leads: LeaderWithin, and then
//
//	DrainTimeout                   the holder's work returns
//	+ VoteTimeout + 5 s x 5/4 + stagger + TTL/3
//	                               the highest hears of the holder and asks it to step down
//	+ TTL                          a holder that was evicted meanwhile is waited for
//	+ TTL x 5/4                    a holder that was appointed stays, and is asked again
//	+ the greater of TTL and Interval/4, + 2 x TTL/3
//	                               who missed its messages looks at Redis by itself
func (w *World) RightLeaderWithin() time.Duration {
	var drain, ttl, vote, interval time.Duration
	for _, n := range w.observer.nodes {
		if n == nil {
			continue
		}
		interval = max(interval, n.interval())
		ttl, vote = max(ttl, n.ttl()), max(vote, n.voteTimeout())
		for _, s := range n.seats {
			if s.cfg.Drains {
				drain = max(drain, s.drainTimeout())
			}
		}
	}
	stagger := time.Duration(len(w.procs)) * fsm.Stagger
	return w.LeaderWithin() + drain + vote + fsm.RetryMax + fsm.RetryMax/4 + stagger + ttl/3 + ttl + ttl*5/4 + max(ttl, interval/4) + 2*ttl/3
}

func (s *seat) drainTimeout() time.Duration {
	d := s.cfg.DrainTimeout
	if s.cfg.Name == "" { // opened by name
		d = s.node.cfg.Elections.DrainTimeout
	}
	if d > 0 {
		return d
	}
	return actors.DefaultDrainTimeout
}

// Recover ends all faults, as [World.Calm] does, and holds the world to the rules of
// liveness: a leader within [World.LeaderWithin], and the right one within
// [World.RightLeaderWithin], from then on. It returns when both are shown to hold, which is
// mostly much sooner, and a TTL has passed in which nothing changed. A storm must
// be over; a fault that is made while Recover runs may break a rule that was kept.
//
// It returns how long the first leader and the right one took.
func (w *World) Recover() (first, right time.Duration) {
	w.helper()
	w.Calm()
	o, begin := w.observer, w.sched.now
	if !w.runUntil(RuleLeader, begin+w.LeaderWithin(), o.noLeader) {
		return w.sched.now - begin, 0
	}
	first = w.sched.now - begin
	o.first = first
	for {
		if !w.runUntil(RuleRightLeader, begin+w.RightLeaderWithin(), o.wrongLeader) {
			return first, w.sched.now - begin
		}
		right = w.sched.now - begin
		o.right = right
		if w.stays(begin) || w.failed() {
			return first, right
		}
	}
}

// runUntil lets time pass until nothing is wrong, and breaks the rule if that takes
// too long. What is wrong is looked at every few milliseconds.
func (w *World) runUntil(r Rule, limit time.Duration, wrong func() complaint) bool {
	w.helper()
	for !w.failed() {
		what := wrong()
		if what == nil {
			return true
		}
		if w.sched.now >= limit {
			w.observer.breach(r, "%s", what())
			w.finish(limit)
			return false
		}
		w.Run(min(lookEvery, limit-w.sched.now))
	}
	return false
}

// complaint says what is wrong, at the time at which it was found. Most are never asked: what
// they are about passes.
type complaint func() string

// lookEvery is how often Recover looks whether it may go on.
const lookEvery = 20 * time.Millisecond

// stays runs a TTL in which nothing may change. Before the second bound a change is
// waited for again.
func (w *World) stays(begin time.Duration) bool {
	w.helper()
	o := w.observer
	ttl := time.Duration(0)
	for _, n := range o.nodes {
		if n != nil {
			ttl = max(ttl, n.ttl())
		}
	}
	o.calm = w.sched.now-begin >= w.LeaderWithin()
	defer func() { o.calm = false }()
	for end := w.sched.now + ttl; w.sched.now < end && !w.failed(); {
		w.Run(min(ttl/8, end-w.sched.now))
		if what := o.wrongLeader(); what != nil && !w.failed() {
			if w.sched.now-begin > w.RightLeaderWithin() {
				o.breach(RuleRightLeader, "no more: %s", what())
				w.finish(end)
			}
			return false
		}
	}
	return true
}

// stands reports whether a seat is one of a node that works and is told to run.
func (s *seat) stands() bool {
	n := s.node
	return s.standing && !s.down && !n.dead && (n.handle == nil || n.handle.Err() == nil)
}

// noLeader says which election has no trusted leader, nil if none.
func (o *observer) noLeader() complaint {
	for _, c := range o.contest {
		stand, led := false, false
		for _, s := range c.seats {
			stand = stand || s.stands()
			led = led || s.trusted()
		}
		if stand && !led {
			return c.vacant
		}
	}
	return nil
}

// wrongLeader says which election has a leader that should not be, or that is not
// known to all, nil if none.
func (o *observer) wrongLeader() complaint {
	for _, c := range o.contest {
		var holder, highest, willing *seat
		for _, s := range c.seats {
			if s.trusted() {
				holder = s
			}
			if !s.stands() {
				continue
			}
			if highest == nil || s.node.outranks(highest.node, c.name) {
				highest = s
			}
			// Who leads yet was refused: its resignation named nobody who could follow.
			if (!s.resigned || s.trusted()) && (willing == nil || s.node.outranks(willing.node, c.name)) {
				willing = s
			}
		}
		switch {
		case highest == nil:
			continue
		case holder == nil:
			return c.vacant
		case holder != highest && holder != willing && !holder.cfg.Sticky:
			return c.outranked(holder, highest)
		}
		if what := c.disagreement(holder.node.id); what != nil {
			return what
		}
	}
	return nil
}

// vacant says that nobody leads.
func (c *contest) vacant() string { return fmt.Sprintf("nobody leads %s: %s", c.name, c.views()) }

// outranked says that somebody else should lead.
func (c *contest) outranked(holder, highest *seat) complaint {
	return func() string {
		return fmt.Sprintf("%s leads %s, and %s ranks higher: %s", holder.node.id, c.name, highest.node.id, c.views())
	}
}

// disagreement says who does not know the leader, nil if nobody.
func (c *contest) disagreement(leader string) complaint {
	for _, s := range c.seats {
		if !s.stands() {
			continue
		}
		if s.node.handle == nil {
			return func() string { return s.node.id + " has not started" }
		}
		if l, err := s.node.handle.Leader(c.name); err != nil || l.ID != leader {
			return func() string {
				return fmt.Sprintf("%s leads %s, and %s knows %q (%v)", leader, c.name, s.node.id, l.ID, err)
			}
		}
	}
	return nil
}

// views is how an election looks from everywhere.
func (c *contest) views() string {
	var s strings.Builder
	for i, seat := range c.seats {
		if i > 0 {
			s.WriteString("; ")
		}
		n := seat.node
		fmt.Fprintf(&s, "%s ", n.id)
		switch {
		case n.dead:
			s.WriteString("is dead")
		case n.handle == nil:
			s.WriteString("has not started")
		case n.handle.Err() != nil:
			fmt.Fprintf(&s, "has failed: %v", n.handle.Err())
		default:
			v, err := n.handle.View(c.name)
			if err != nil {
				fmt.Fprintf(&s, "is not ready: %v", err)
				break
			}
			fmt.Fprintf(&s, "is %v", v.State)
			if v.Leader.ID != "" {
				fmt.Fprintf(&s, " (%s leads)", v.Leader.ID)
			}
		}
	}
	return s.String()
}
