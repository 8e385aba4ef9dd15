package sim_test

import (
	"errors"
	"testing"
	"time"

	"hustings/actors/sim"
)

// C15: what is assumed, and what happens where it does not hold.

// Nobody is promised anything if a session key is deleted alone: whoever looks in that
// moment is let in. It ends with the leader's next heartbeat, which is told of another
// birth, if the rival's message did not end it before.
func TestC15_ASessionKeyLostAloneCanMakeTwoLeadersUntilTheNextHeartbeat(t *testing.T) {
	schedule(t, func(s *stage) {
		s.gap = true
		s.w.Waive(sim.RuleOneLeader)
		holder, rival := s.pair()
		s.beat(holder)
		s.w.SetWeather(sim.Weather{LosePubSub: 1})
		s.change("DEL", keys.Session("holder"))
		s.run(rival)
		s.leads(rival, second/10)
		s.w.Run(10 * second)
		s.overlapped(second, 2*second+second/10)
		if s.trusted(holder) {
			s.w.Require("one leader in the end", errors.New("there are two"))
		}
	})
}

// Nor if the record is deleted alone. The new leader's message ends it at once; where it
// is lost nothing does, since no reply tells the old one that its record is gone.
func TestC15_ALeaderRecordLostAloneCanMakeTwoLeadersForGood(t *testing.T) {
	schedule(t, func(s *stage) {
		s.gap = true
		s.w.Waive(sim.RuleOneLeader)
		holder, rival := s.pair()
		s.change("DEL", keys.Leader(theElection))
		s.run(rival)
		s.leads(rival, second/10)
		s.w.Run(10 * second)
		s.overlapped(0, second/10)
		if s.trusted(holder) {
			s.w.Require("the message ends it", errors.New("there are two leaders"))
		}

		s.w.SetWeather(sim.Weather{LosePubSub: 1})
		s.change("DEL", keys.Leader(theElection))
		s.quit(holder)
		s.w.Run(second)
		s.run(holder)
		s.leads(holder, 10*second) // the rival outranks it, and is passed over
		s.w.Run(10 * second)
		s.overlapped(9*second, 11*second)
	})
}

// The epoch key may go: it costs a quarantine, and nobody the office.
func TestC15_AnEpochKeyLostAloneCostsOneQuarantine(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.w.Run(second / 2)
		s.change("DEL", keys.Epoch())
		s.run(rival)
		s.w.Run(20 * second)
		s.keeps(holder, token)
	})
}

// Trust is counted from before the heartbeat was sent. A reply that was long under way
// proves nothing about the time since.
func TestC15_TrustIsCountedFromTheSendingOfAHeartbeatNotFromItsAnswer(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.pair()
		answered := false
		next(holder, sim.FromRedis, "heartbeat", sim.Mishap{Late: 1900 * time.Millisecond}, func() {
			s.w.After(1950*time.Millisecond, func() {
				answered = true
				cut(holder)
			})
		})
		s.run(rival)
		s.until("a late answer", 6*second, func() bool { return answered })
		s.leads(rival, 8*second)
	})
}

// A duplicated, lost or late word of a leader is only ever a hint: with no message
// arriving at all, everything above holds.
func TestNoMessageIsNeededForSafety(t *testing.T) {
	schedule(t, func(s *stage) {
		s.w.SetWeather(sim.Weather{LosePubSub: 1})
		holder, rival := s.pair()
		token := tokenOf(holder)
		s.w.Run(second / 2)
		s.w.Redis().Failover(second, 0)
		s.run(rival)
		s.w.Run(20 * second)
		s.keeps(holder, token)
	})
}
