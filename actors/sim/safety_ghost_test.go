package sim_test

import (
	"strings"
	"testing"
	"time"

	"hustings/actors/sim"
)

// The ghosts are live nodes that a record names without their knowing. Nobody may claim
// while a record counts, so each of these would be an election without a leader for ever.

// The ghost could quit again in the new dataset: it stands still, and its session lasts.
func TestC9a_AReleaseThatIsRolledBackNamesNobody(t *testing.T) {
	schedule(t, func(s *stage) {
		ghost, n := s.pair()
		s.w.Run(second)
		s.quit(ghost)
		s.w.Run(second / 2)
		ghost.Process.Pause(30 * second)
		s.w.Redis().Failover(second, 0)
		session := keys.Session(ghost.ID())
		behind(t, s.w, "SET", session, s.get("GET", session), "PX", "60000")
		s.run(n)
		s.leads(n, 12*second)
	})
}

func TestC9b_AQuitReleasesAGrantThatNobodyHeardOf(t *testing.T) {
	bothWays(t, func(s *way) {
		ghost, n := s.node("ghost", 1), s.node("n", 2)
		s.w.Run(firstQuarantine)
		s.prepare(ghost)
		next(ghost, sim.FromRedis, s.script, sim.Mishap{Lost: true}, func() { s.w.After(0, func() { s.quit(ghost) }) })
		s.ask(ghost)
		s.until("a grant", 5*second, func() bool { return s.get("HGET", keys.Leader(theElection), "id") == "ghost" })
		s.run(n)
		s.leads(n, 12*second)
	})
}

func TestC9c_AClaimThatComesAfterTheQuitIsRefused(t *testing.T) {
	bothWays(t, func(s *way) {
		ghost, n := s.node("ghost", 1), s.node("n", 2)
		s.w.Run(firstQuarantine)
		s.prepare(ghost)
		next(ghost, sim.ToRedis, s.script, sim.Mishap{Late: 5 * second})
		s.ask(ghost)
		s.w.Run(time.Second)
		s.quit(ghost)
		s.w.Run(5 * second)
		s.run(n)
		s.leads(n, 12*second)
	})
}

// As C9c, and the quit is rolled back before the claim comes: connection number and
// candidacy are what they were. The epoch is not.
func TestC9d_AClaimThatComesAfterTheQuitWasRolledBackIsStale(t *testing.T) {
	bothWays(t, func(s *way) {
		ghost, n := s.node("ghost", 1), s.node("n", 2)
		s.w.Run(firstQuarantine)
		s.prepare(ghost)
		session := ""
		next(ghost, sim.ToRedis, s.script, sim.Mishap{Late: 5 * second}, func() { session = s.get("GET", keys.Session("ghost")) })
		s.ask(ghost)
		s.w.Run(time.Second)
		s.quit(ghost)
		s.w.Run(3 * second)
		s.change("SADD", keys.Candidates(theElection), "ghost")
		s.change("ZADD", keys.Ranks(theElection), "1", "ghost")
		s.change("SET", keys.Session("ghost"), session, "KEEPTTL")
		s.w.Redis().NewReplid()
		s.w.Run(2 * second)
		s.run(n)
		s.leads(n, 12*second)
	})
}

// The session is made anew, with the same incarnation, after its leader lapsed: the
// record of the old one stays dead.
func TestC9e_ALapsedRecordDoesNotComeBackWithTheSession(t *testing.T) {
	schedule(t, func(s *stage) {
		ghost, n := s.pair()
		ghost.Pause(10 * second)
		s.w.Run(10500 * time.Millisecond)
		s.quit(ghost)
		s.w.Run(second)
		s.run(n)
		s.leads(n, 12*second)
	})
}

// As C9e, and it is another incarnation, which never stands: nobody quits.
func TestC9e_ADeadLeadersRecordDoesNotComeBackWithItsSuccessorOfTheSameID(t *testing.T) {
	schedule(t, func(s *stage) {
		ghost, n := s.pair()
		birth := s.get("HGET", keys.Leader(theElection), "birth")
		ghost.Restart()
		s.until("another session", 12*second, func() bool {
			now := s.get("GET", keys.Session("ghost"))
			holder := s.get("GET", keys.Session("holder"))
			return now == "" && holder != "" && !strings.HasPrefix(holder, birth)
		})
		s.run(n)
		s.leads(n, 12*second)
	})
}
