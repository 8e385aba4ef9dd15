package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hustings/actors"
	"hustings/actors/sim"
)

// under stands a node for the election under OnDisconnect, sticky as everybody here.
func (s *stage) under(id string, rank int64) *sim.Node {
	n := s.w.Node(id, actors.Config{Rank: &rank, TTL: 6 * second})
	n.Stand(actors.ElectionConfig{Name: theElection, Sticky: true, Takeover: actors.OnDisconnect})
	s.nodes = append(s.nodes, n)
	return n
}

// underPair has the lower of two nodes lead, and the higher one follow it.
func (s *stage) underPair() (holder, rival *sim.Node) {
	holder, rival = s.under("holder", 1), s.under("rival", 2)
	s.run(holder)
	s.leads(holder, 15*second)
	s.run(rival)
	s.beat(holder)
	return holder, rival
}

// Redis forgets the subscription of a leader, which does not notice. It is evicted; its
// next heartbeat, not the one after it, tells it so. That is the exception that
// OnDisconnect makes by choice.
func TestC8_WhoWasEvictedLearnsItFromItsNextHeartbeat(t *testing.T) {
	schedule(t, func(s *stage) {
		s.gap = true
		holder, rival := s.underPair()
		s.w.Redis().ForgetSubscribers(holder.Process)
		s.leads(rival, second/2)
		s.w.Run(10 * second)
		s.overlapped(second, 2*second+second/10)
		if s.trusted(holder) {
			s.w.Require("one leader in the end", errors.New("there are two"))
		}
	})
}

// A leader that does notice steps down before anybody can be let in: no overlap.
func TestC8_WhoLosesItsSubscriptionStepsDownAtOnce(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.underPair()
		token := tokenOf(holder)
		s.w.Redis().DropSubscribers(holder.Process)
		s.leads(rival, second/10)
		if tokenOf(rival) <= token {
			s.w.Require("tokens rise", errors.New("it did not"))
		}
	})
}

// A process that is killed is replaced in about the grace, whatever the TTL.
func TestC8_AKilledLeaderIsReplacedInAboutTheGrace(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.underPair()
		at := s.w.Now()
		holder.Crash()
		s.leads(rival, second/2)
		if d := s.w.Now() - at; d < actors.DefaultEvictGrace {
			s.w.Require("not before the grace", errors.New(d.String()))
		}
	})
}

// The office of another election that the same node holds under OnExpiry is not touched:
// nobody else leads it before the node's trust has ended.
func TestC8_AnEvictionDoesNotTouchOfficesUnderOnExpiry(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.underPair()
		s.gap = true // in the one election
		for _, n := range []*sim.Node{holder, rival} {
			n.Stand(actors.ElectionConfig{Name: "other", Sticky: true, Run: n == holder})
		}
		s.until("both are held", 5*second, func() bool { l := holder.Handle().Leadership("other"); return l != nil && l.Valid() })
		rival.Tell("other", &actors.Run{})
		s.w.Run(second)
		cutNow := func() {
			s.w.Redis().ForgetSubscribers(holder.Process)
			s.w.Partition(holder.Process) // and it hears of nothing
		}
		old := holder.Handle().Leadership("other")
		s.w.Every("the other office is one node's", func() error {
			l := rival.Handle().Leadership("other")
			if l != nil && l.Valid() && old.Valid() {
				return errors.New("both lead it")
			}
			return nil
		})
		cutNow()
		s.leads(rival, second/2)
		s.until("it has the other one too, later", 10*second, func() bool {
			l := rival.Handle().Leadership("other")
			return l != nil && l.Valid()
		})
	})
}

// While nobody can say who is subscribed, nobody is evicted.
func TestWhereSubscribersCannotBeCountedNobodyIsEvicted(t *testing.T) {
	schedule(t, func(s *stage) {
		s.w.Redis().Forbid("PUBSUB")
		holder, rival := s.underPair()
		holder.Crash()
		s.w.Run(3 * second)
		if s.trusted(rival) {
			s.w.Require("its session must run out", errors.New("it was evicted"))
		}
		s.leads(rival, 4*second)
	})
}

// Who loses its session otherwise is told so, and does not blame its subscription.
func TestASessionThatIsDeletedIsNoEviction(t *testing.T) {
	schedule(t, func(s *stage) {
		var log bytes.Buffer
		n := s.node("a", 1, func(c *actors.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		s.run(n)
		s.leads(n, 15*second)
		before := n.Handle().Counts().Subscribes
		s.change("DEL", "ipc::session:a")
		s.w.Run(6 * second)
		if text := log.String(); !strings.Contains(text, "maxmemory-policy") || strings.Contains(text, "evicted") {
			s.w.Require("the log says what may be wrong", errors.New(text))
		}
		if now := n.Handle().Counts().Subscribes; now != before || !s.trusted(n) {
			s.w.Require("its subscription and its office stay", fmt.Errorf("%d subscriptions, %d before", now, before))
		}
	})
}

// Candidates that differ: the holder's own policy decides.
func TestALeaderUnderOnExpiryIsNotEvicted(t *testing.T) {
	schedule(t, func(s *stage) {
		holder, rival := s.node("holder", 1), s.under("rival", 2)
		s.run(holder)
		s.leads(holder, 15*second)
		s.run(rival)
		s.beat(holder)
		holder.Crash()
		s.w.Run(3 * second)
		if s.trusted(rival) {
			s.w.Require("its session must run out", errors.New("it was evicted"))
		}
		s.leads(rival, 4*second)
	})
}

// Without a subscription nobody stands under OnDisconnect: it would be evicted at once.
func TestWhoCannotSubscribeDoesNotLeadUnderOnDisconnect(t *testing.T) {
	schedule(t, func(s *stage) {
		s.w.Redis().Forbid("SUBSCRIBE")
		n := s.under("deaf", 1)
		s.run(n)
		s.w.Run(20 * second)
		if s.trusted(n) {
			s.w.Require("it does not lead", errors.New("it does"))
		}
		s.w.Redis().Permit()
		s.leads(n, 8*second)
	})
}

// A process is killed, evicted, and started again, under its own id or another, while its session
// would still live. Nobody stands any more for offices that it held, under either policy: once
// that session would have ended nothing is left of them.
func TestOfOfficesOfWhoWasEvictedNothingIsLeftOnceNobodyStands(t *testing.T) {
	for _, id := range []string{"holder", "another"} {
		t.Run(id, func(t *testing.T) {
			schedule(t, func(s *stage) {
				holder, rival := s.underPair()
				s.gap = true // the dead one's handle is looked at, too
				holder.Stand(actors.ElectionConfig{Name: "d", Takeover: actors.OnDisconnect})
				holder.Stand(actors.ElectionConfig{Name: "x"})
				for _, e := range []string{"d", "x"} {
					holder.Tell(e, &actors.Run{})
				}
				s.w.Run(second)
				for _, e := range []string{"d", "x"} {
					if !holder.Handle().Leadership(e).Valid() {
						s.w.Require("it leads", errors.New("not "+e))
					}
				}
				s.beat(holder)
				holder.Crash()
				s.leads(rival, second/2)
				if id == holder.ID() {
					holder.Restart()
				} else {
					s.node(id, 3)
				}
				s.w.Run(6*second + 2*second + second/10) // its session, and a heartbeat
				for _, key := range []string{keys.Leader("d"), keys.Leader("x"), keys.Candidates("d"), keys.Candidates("x"), keys.Deserted()} {
					if n, err := s.w.Redis().Do("EXISTS", key); n != int64(0) || err != nil {
						s.w.Require("nothing is left", fmt.Errorf("%s: %v, %w", key, n, err))
					}
				}
			})
		})
	}
}
