package sim

import (
	"hustings/actors"
	"hustings/fsm"
)

// stream is what a node's subscribers were told of one election, in one life.
type stream struct {
	result fsm.Result
	idle   bool
	leader fsm.Leader
	known  bool   // leader was told
	token  uint64 // of the term that was told of, while won
	ending bool
	causes uint64 // of Inconclusive, since the last decision
}

// told looks at one event that a node's subscribers get.
func (o *observer) told(n *Node, ev actors.Event) {
	switch e := ev.(type) {
	case *actors.Status:
		o.toldStatus(o.named(n, ev, e.Election), e)
	case *actors.Won:
		o.toldWon(o.named(n, ev, e.Election), e)
	case *actors.Lost:
		o.toldLost(o.named(n, ev, e.Election), e)
	case *actors.Ending:
		o.toldEnding(o.named(n, ev, e.Election), e)
	case *actors.DrainOverdue:
		s := o.named(n, ev, e.Election)
		if !s.stream.ending || s.stream.token != e.Token {
			o.breach(RuleWellFormed, "%s: DrainOverdue of %s, token %d, without Ending", n.id, e.Election, e.Token)
		}
		o.quiet(s, ev)
	case *actors.Inconclusive:
		s := o.named(n, ev, e.Election)
		o.quiet(s, ev)
		bit := uint64(1) << e.Cause.Code
		if s.stream.causes&bit != 0 || e.Cause.Code == fsm.CauseNone {
			o.breach(RuleWellFormed, "%s: Inconclusive of %s again, without a decision between: %v", n.id, e.Election, e.Cause)
		}
		s.stream.causes |= bit
	case *actors.LeaderChanged:
		s := o.named(n, ev, e.Election)
		if s.stream.known && s.stream.leader == e.Leader {
			o.breach(RuleWellFormed, "%s: LeaderChanged of %s, and nothing changed: %+v", n.id, e.Election, e.Leader)
		}
		s.stream.known, s.stream.leader = true, e.Leader
	}
}

// named finds the seat that an event is about.
func (o *observer) named(n *Node, ev actors.Event, election string) *seat {
	if election == "" {
		o.breach(RuleWellFormed, "%s: %s names no election", n.id, describe(ev))
	}
	return o.seat(n, election)
}

func (o *observer) quiet(s *seat, ev actors.Event) {
	if s.stream.idle {
		o.breach(RuleQuiet, "%s: %s, and it does not stand", s.node.id, describe(ev))
	}
}

// toldStatus: the state after everything that was told before.
func (o *observer) toldStatus(s *seat, e *actors.Status) {
	s.stream.idle = e.State == fsm.Idle
	if s.stream.idle {
		if s.stream.result == fsm.ResultWon {
			o.breach(RuleWellFormed, "%s: %s is idle, and Lost was not told", s.node.id, e.Election)
		}
		s.stream.result, s.stream.causes = fsm.NoResult, 0
	}
	if e.StoodDown && e.State != fsm.Idle && !e.Draining {
		o.breach(RuleQuiet, "%s: it stands down in %s, and is %s", s.node.id, e.Election, e.State)
	}
	if e.State == fsm.Lost || e.State == fsm.Won {
		s.stream.causes = 0 // a round had a result, if the same as before
	}
	if e.Result != s.stream.result {
		o.breach(RuleWellFormed, "%s: the status of %s says %v, and told was %v", s.node.id, e.Election, e.Result, s.stream.result)
	}
}

func (o *observer) toldWon(s *seat, e *actors.Won) {
	o.quiet(s, e)
	if s.stream.result == fsm.ResultWon {
		o.breach(RuleWellFormed, "%s: Won %s twice", s.node.id, e.Election)
	}
	s.stream.result, s.stream.token, s.stream.ending, s.stream.causes = fsm.ResultWon, e.Token, false, 0
}

func (o *observer) toldEnding(s *seat, e *actors.Ending) {
	o.quiet(s, e)
	if s.stream.result != fsm.ResultWon || s.stream.token != e.Token || s.stream.ending {
		o.breach(RuleWellFormed, "%s: Ending of %s, token %d, outside the term or twice", s.node.id, e.Election, e.Token)
	}
	s.stream.ending = true
	o.justified(s, e.At, e.Cause)
}

func (o *observer) toldLost(s *seat, e *actors.Lost) {
	o.quiet(s, e)
	if s.stream.result == fsm.ResultLost {
		o.breach(RuleWellFormed, "%s: Lost %s twice", s.node.id, e.Election)
	}
	if s.stream.result == fsm.ResultWon && !s.stream.ending {
		o.justified(s, e.At, e.Cause)
	}
	s.stream.result, s.stream.causes = fsm.ResultLost, 0
}

// justified holds a leader's reason for stepping down to what is so.
func (o *observer) justified(s *seat, at fsm.Instant, why fsm.Cause) {
	n, election := s.node, s.contest.name
	switch why.Code {
	case fsm.CauseNone:
		o.breach(RuleCause, "%s gives up %s and does not say why", n.id, election)
	case fsm.CauseLapsed:
		if t := s.term; t != nil && t.token == s.stream.token && within(at, t.lead.Until()) {
			o.breach(RuleCause, "%s says that its session lapsed at %v, and it was trusted until %v", n.id, at, t.lead.Until())
		}
		if o.calm {
			o.breach(RuleCause, "%s lost %s long after the faults were over: %v", n.id, election, why)
		}
	case fsm.CauseSuperseded:
		if o.calm {
			o.breach(RuleCause, "%s lost %s long after the faults were over: %v", n.id, election, why)
		}
	case fsm.CauseOutvoted, fsm.CauseKicked:
		if s.cfg.Sticky {
			o.breach(RuleCause, "%s is sticky and gives up %s: %v", n.id, election, why)
		}
		// A dead one says nothing: an original may have been started in its place.
		if p := o.world.byID[why.Peer]; p != nil && p.Alive() && p.index < len(o.nodes) && o.nodes[p.index] != nil {
			if other := o.nodes[p.index]; !other.outranks(n, election) {
				o.breach(RuleCause, "%s gives up %s: %v, which does not outrank it", n.id, election, why)
			}
		}
	}
}

// candidate is how a node ranks in an election.
func (n *Node) candidate(election string) fsm.Candidate {
	c := fsm.Candidate{ID: n.id, Rank: 1} // the process id of every simulated node
	switch {
	case n.cfg.RankFor != nil:
		c.Rank = n.cfg.RankFor(election)
	case n.cfg.Rank != nil:
		c.Rank = *n.cfg.Rank
	}
	return c
}

func (n *Node) outranks(other *Node, election string) bool {
	return n.candidate(election).Outranks(other.candidate(election))
}
