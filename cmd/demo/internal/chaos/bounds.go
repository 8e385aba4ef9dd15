package chaos

import (
	"time"

	"hustings/fsm"
)

// Bounds is what a fleet is held to.
//
// The gap rule: while no fault touches it, an election is without a leader for no longer
// than Leader. What is done to Redis, or to the way to it of all, touches every election
// from its beginning to its end. What is done to one node touches at the instants at which
// it begins and ends only, since the others are there, two of them at least: while a node
// is cut off for long, another must lead.
type Bounds struct {
	TTL, VoteTimeout time.Duration
	Nodes            int
	// Overlap is what two terms may share without being a violation; they are
	// counted apart. 0, but for a takeover that evicts a holder who believes in
	// its lease still.
	Overlap time.Duration
	// Rank of a node in an election.
	Rank func(id, election string) int64
}

// redial is the longest pause before a node dials again.
const redial = 3 * time.Second

// Leader is the longest that an election may have no leader. As in the simulation
// (LeaderWithin of actors/sim), it is the sum of the worst that may come in turn:
//
//	2 x 2 x TTL/3 + redial 3 s   a dead connection is noticed, dialled anew, twice
//	+ TTL + TTL/3                the former session of a restarted node; the next heartbeat
//	+ TTL                        the quarantine (MaxTTL is TTL here)
//	+ TTL                        the session of a holder that will not come back
//	+ 3 x (VoteTimeout + 6.25 s + stagger)
//	                             rounds that a silent higher candidate spoils
//
// Most gaps are a hundredth of it: the table of a run has the figures.
func (b Bounds) Leader() time.Duration {
	return 4*b.TTL/3 + redial + b.TTL + b.TTL/3 + 2*b.TTL + (fsm.MaxInconclusive+1)*b.round()
}

func (b Bounds) round() time.Duration {
	return b.VoteTimeout + fsm.RetryMax + fsm.RetryMax/4 + time.Duration(b.Nodes)*fsm.Stagger
}

// Right is the longest from the end of all faults until the highest rank leads: Leader,
// and the handover; who missed the news of a holder looks within a quarter of the
// node's Interval of 60 s.
func (b Bounds) Right() time.Duration {
	return b.Leader() + b.round() + 2*b.TTL + 15*time.Second
}
