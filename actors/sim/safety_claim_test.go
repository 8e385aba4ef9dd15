package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// A grant whose reply is lost, a second one, and then the release of the first: it
// carries a token that nothing matches any more.
func TestC4_ALateReleaseOfAnUnknownGrantDoesNotEndTheTermAfterIt(t *testing.T) {
	bothWays(t, func(s *way) {
		n, rival := s.node("n", 1), s.node("rival", 2)
		s.w.Run(firstQuarantine)
		s.prepare(n)
		next(n, sim.FromRedis, s.script, sim.Mishap{Lost: true})
		first := ""
		s.ask(n)
		s.until("a grant", 10*second, func() bool {
			first = s.get("HGET", keys.Leader(theElection), "token")
			return s.get("HGET", keys.Leader(theElection), "id") == "n"
		})
		s.leads(n, 5*second)
		token := tokenOf(n)
		inc, _, _ := strings.Cut(s.get("HGET", keys.Leader(theElection), "birth"), "-")
		_, err := s.w.Redis().Eval(redisbridge.ReleaseScript, string(keys), "n", inc, "1", theElection, first, "", "")
		s.w.Require("the release", err)
		s.run(rival)
		s.w.Run(10 * second)
		s.keeps(n, token)
	})
}

// A leader lapses, by its wall clock, while its session and its record live on. Its next
// term has another token, so that work of the first one passes no fence.
func TestC4_TwoTermsOfOneNodeHaveTwoTokens(t *testing.T) {
	schedule(t, func(s *stage) {
		n := s.node("n", 1)
		s.run(n)
		s.leads(n, 15*second)
		first := tokenOf(n)
		n.JumpWall(10 * second)
		s.w.Run(15 * second)
		s.leads(n, second)
		if tokenOf(n) <= first {
			s.w.Require("another token", fmt.Errorf("%d after %d", tokenOf(n), first))
		}
	})
}

// A failover brings back the record of a former leader, which claims while its successor
// is cut off, and trusted: the quarantine comes before whose record it is.
func TestC4_AFormerLeadersRecordDoesNotExemptItFromTheQuarantine(t *testing.T) {
	schedule(t, func(s *stage) {
		former, holder := s.node("former", 2), s.node("holder", 1)
		s.run(former)
		s.leads(former, 15*second)
		s.run(holder)
		s.w.Run(4 * second)
		former.Tell(theElection, &actors.Resign{})
		s.leads(holder, 5*second)
		s.w.Run(second)
		s.beat(holder)
		s.w.Redis().Failover(4*second, 0)
		cut(holder)
		s.w.After(7*second, func() { mend(holder) })
		s.w.Run(20 * second)
	})
}

// A claim is granted and its reply is read when the session is over: the machine was
// suspended, and no timer of it has noticed. The grant is given back. The claim is an
// heir's, which goes out by itself: of one that goes out behind a canvass the round is over
// when the canvass is read.
func TestC5_AGrantThatArrivesAfterItsSessionIsNoLeadership(t *testing.T) {
	schedule(t, func(s *stage) {
		late, rival := s.node("late", 1), s.node("rival", 2)
		s.run(rival)
		s.leads(rival, 15*second)
		s.run(late)
		s.w.Run(2 * second)
		rival.Tell(theElection, &actors.Resign{})
		s.until("a grant", 15*second, func() bool {
			return s.get("HGET", keys.Leader(theElection), "id") == "late"
		})
		late.Suspend(8 * second)
		s.leads(rival, 8*second)
		token := tokenOf(rival)
		s.w.Run(15 * second)
		s.keeps(rival, token)
	})
}

// A quit comes late, and the node runs again and leads: what was sent on a connection
// that was given up has no effect after the first script of the next.
func TestC12_ALateQuitDoesNotEndTheTermAfterIt(t *testing.T) {
	schedule(t, func(s *stage) {
		n, rival := s.pair()
		next(n, sim.ToRedis, "quit", sim.Mishap{Late: 5 * second})
		s.quit(n)
		s.run(n)
		s.w.Run(4 * second)
		s.leads(n, second/2)
		token := tokenOf(n)
		s.run(rival)
		s.w.Run(15 * second)
		s.keeps(n, token)
	})
}

// The last heartbeat of a process that was killed is executed after its successor has
// started. That is no proof that somebody else is alive.
func TestC13_ALateHeartbeatOfAFormerLifeIsNoDuplicate(t *testing.T) {
	schedule(t, func(s *stage) {
		n := s.node("n", 1)
		s.w.Run(5 * second)
		next(n, sim.ToRedis, "heartbeat", sim.Mishap{Late: 3 * second}, func() { s.w.After(0, n.Restart) })
		s.w.Run(3 * second)
		s.w.Run(15 * second)
		s.w.Require("no duplicate", n.Handle().Err())
		s.run(n)
		s.leads(n, 5*second)
	})
}
