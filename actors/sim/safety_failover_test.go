package sim_test

import (
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// The record is gone, the session is not, and no message was lost: the word of the
// heartbeat's reply is `extended`. It names another epoch, and the leader re-asserts.
func TestC1_AFailoverThatRollsBackTheRecordMakesTheLeaderReassert(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.w.Run(second / 2)
		s.w.Redis().Failover(second, 0)
		s.run(rival)
		s.w.Run(20 * second)
		s.keeps(holder, token)
	})
}

// As C1, but the server's own data is replaced, as by REPLICAOF and back: nobody's
// connection breaks, and the rival's claim comes before anybody's heartbeat.
func TestC1_AClaimThatComesFirstIntoANewDatasetIsStale(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.beat(holder)
		s.beat(rival)
		s.change("DEL", keys.Leader(theElection))
		s.w.Redis().NewReplid()
		s.run(rival)
		s.w.Run(20 * second)
		s.keeps(holder, token)
	})
}

// As C1, and nobody else looks: the leader's own heartbeat finds the new dataset.
func TestC1_ALeaderAloneFindsTheNewDatasetByItsHeartbeat(t *testing.T) {
	schedule(t, func(s *stage) {
		holder := s.node("holder", 1)
		s.run(holder)
		s.leads(holder, 15*second)
		token := tokenOf(holder)
		s.w.Run(second / 2)
		s.w.Redis().Failover(second, 0)
		s.w.Run(3 * second)
		s.keeps(holder, token)
	})
}

// The reply `created` is lost and the next one says `extended`: the tenancy that it
// names counts, not the word.
func TestC2_ALostCreatedReplyDoesNotHideTheNewSession(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.w.Run(second / 2)
		s.w.Redis().FlushAll()
		next(holder, sim.FromRedis, "heartbeat", sim.Mishap{Lost: true})
		s.run(rival)
		s.w.Run(20 * second)
		s.keeps(holder, token)
	})
}

// A reply that names a new tenancy prolongs nothing of the old one: a leader that can't
// re-assert ends when its old trust does, before the quarantine is over.
func TestC3_OnlyTheAnswerToAReassertProlongsTheLeadership(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		s.beat(holder)
		s.w.Redis().FlushAll()
		always(holder, sim.ToRedis, "reassert", sim.Mishap{Lost: true})
		s.run(rival)
		s.leads(rival, 15*second)
		s.w.Run(10 * second)
	})
}

// A node with a TTL of 6 s first sees that the data is gone. One with a TTL of 10 s is
// cut off and trusted for longer than 6 s. The quarantine is one constant for the fleet.
func TestC6_TheQuarantineIsAsLongAsTheLongestTTLWhoeverSeesTheLossFirst(t *testing.T) {
	schedule(t, func(s *stage) {
		longest := func(c *actors.Config) { c.MaxTTL = 10 * second }
		holder := s.node("holder", 1, longest, func(c *actors.Config) { c.TTL = 10 * second })
		rival := s.node("rival", 2, longest)
		s.run(holder)
		s.leads(holder, 20*second)
		s.beat(holder)
		s.w.Redis().FlushAll()
		cut(holder)
		s.run(rival)
		s.leads(rival, 15*second)
	})
}

// As C6, and whoever sees it first is new and can have heard of nobody's TTL.
func TestC6_AFreshNodeKeepsTheFleetsQuarantine(t *testing.T) {
	schedule(t, func(s *stage) {
		longest := func(c *actors.Config) { c.MaxTTL = 10 * second }
		holder := s.node("holder", 1, longest, func(c *actors.Config) { c.TTL = 10 * second })
		s.run(holder)
		s.leads(holder, 20*second)
		s.beat(holder)
		s.w.Redis().FlushAll()
		cut(holder)
		rival := s.node("rival", 2, longest)
		s.run(rival)
		s.leads(rival, 15*second)
	})
}

// The primary that was replaced comes back. Its epoch carries its own replid; only the
// number tells that it has gone back in time.
func TestC7_AReplacedPrimaryThatComesBackIsFoundByTheEpochsNumber(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.w.Redis().Failover(0, 0)
		s.w.Run(9 * second)
		s.keeps(holder, token)
		s.beat(holder)
		s.w.Redis().Failback()
		cut(holder)
		s.run(rival)
		s.w.After(2*second, func() { mend(holder) })
		s.w.Run(20 * second)
		s.keeps(holder, token)
	})
}

// Where INFO is refused, a loss of everything is found by the epoch's absence. A
// failover that takes back less than the epoch is not found, and single leadership is
// not promised: here it is broken until the leader hears of its successor.
func TestC7_WithoutInfoAFlushIsFoundAndAFailoverIsNot(t *testing.T) {
	schedule(t, func(s *stage) {
		s.w.Redis().Forbid("INFO")
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.w.Redis().FlushAll()
		s.w.Run(9 * second)
		s.keeps(holder, token)

		s.change("DEL", keys.Leader(theElection)) // what a failover takes back
		s.w.Redis().NewReplid()
		s.gap = true
		s.w.Waive(sim.RuleOneLeader)
		s.run(rival)
		s.leads(rival, 5*second)
		s.w.Run(10 * second)
		s.overlapped(0, second/10)
	})
}

// The new primary's clock is behind, so that tokens taken from it would be lower; a
// re-assert comes after the quarantine and finds another leader. It changes nothing.
func TestC10_ALateReassertDoesNotOverwriteANewerLeader(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		s.w.Run(second / 2)
		s.beat(rival)
		s.w.Redis().Failover(2*second, -25*second)
		cut(holder)
		s.run(rival)
		s.w.Run(2 * second)
		next(holder, sim.ToRedis, "reassert", sim.Mishap{Late: 5 * second}, func() { s.w.After(0, func() { cut(holder) }) })
		s.leads(rival, 6*second)
		token := tokenOf(rival)
		s.w.Run(2 * second)
		mend(holder)
		s.w.Run(20 * second)
		s.keeps(rival, token)
	})
}

// Everything is lost, Redis's clock has gone back by an hour, and the next leader is new.
// Somebody else is alive who has heard of the last token: the fleet's floor carries it.
func TestC11_TokensRiseAlthoughTheNewPrimarysClockIsBehind(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, witness := s.pair()
		s.run(witness)
		s.w.Run(5 * second)
		s.quit(witness)
		s.w.Run(second)
		holder.Crash()
		s.w.Redis().FlushAll()
		s.w.Redis().StepClock(-time.Hour)
		s.w.Run(3 * second)
		fresh := s.node("fresh", 3)
		s.run(fresh)
		s.leads(fresh, 15*second)
	})
}

// Redis's clock goes back after the first sight of a new dataset: the quarantine does
// not wait for it to come again.
func TestC14_AClockThatStepsBackDoesNotProlongTheQuarantine(t *testing.T) {
	schedule(t, func(s *stage) {
		n := s.node("n", 1)
		s.run(n)
		s.w.Run(second)
		s.w.Redis().StepClock(-time.Minute)
		s.leads(n, 10*second)
	})
}
