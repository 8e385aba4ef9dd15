package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// A node may be a candidate in Redis of an election that it knows nothing of. Whoever takes it for
// one, and says so, has it quit: the office is handed over past it without a wait.
func TestACandidacyThatItsNodeKnowsNothingOfHoldsNobodyUp(t *testing.T) {
	origins := map[string]func(w *sim.World, m *meddled) string{
		// It was quit, its actor has gone, and a replica that had not got that is promoted.
		"a failover brought it back": func(w *sim.World, m *meddled) string {
			w.Redis().Failover(second, 0)
			return "n2"
		},
		"and another actor is there that does not stand": func(w *sim.World, m *meddled) string {
			m.nodes[2].Stand(actors.ElectionConfig{Name: "e0"})
			w.Run(second / 10)
			w.Redis().Failover(second, 0)
			return "n2"
		},
		// Somebody has deleted its list of elections, and then it was killed.
		"a former life left it behind": func(w *sim.World, m *meddled) string {
			w.Node("n3", actors.Config{TTL: second})
			w.Run(5 * second)
			m.do("SADD", keys.Candidates("e0"), "n3")
			m.do("ZADD", keys.Ranks("e0"), "3", "n3")
			return "n3"
		},
	}
	ends := map[string]struct {
		within time.Duration
		end    func(n *sim.Node)
	}{
		"quit":   {second / 5, func(n *sim.Node) { n.Tell("e0", &actors.Quit{}) }},
		"resign": {second / 5, func(n *sim.Node) { n.Tell("e0", &actors.Resign{}) }},
		"crash": {2*second + second/2, // it is asked for its vote, once
			func(n *sim.Node) { n.With(func(p *sim.Process) { p.Crash() }) }},
	}
	for origin, arise := range origins {
		for how, c := range ends {
			t.Run(origin+", "+how, func(t *testing.T) {
				sim.Test(t, seedsPerCase, func(w *sim.World) {
					m := newMeddled(w, 3, 1)
					m.nodes[2].Tell("e0", &actors.Quit{})
					w.Run(second / 4)
					m.nodes[2].System().Root.Stop(m.nodes[2].Election("e0"))
					w.Run(second / 4)
					uninvited := arise(w, m)
					w.Run(10 * second)
					if m.leader("e0") != m.nodes[1] || m.do("SISMEMBER", keys.Candidates("e0"), uninvited) != int64(1) {
						w.Require("it is a candidate, and n1 leads", errors.New("it is not so"))
					}
					c.end(m.nodes[1])
					if !w.RunUntil(func() bool { return m.leader("e0") == m.nodes[0] }, c.within) {
						w.Require("the office is handed over", fmt.Errorf("not within %v", c.within))
					}
					w.Run(second / 5)
					if m.do("SISMEMBER", keys.Candidates("e0"), uninvited) != int64(0) || m.do("ZSCORE", keys.Ranks("e0"), uninvited) != nil {
						w.Require("it is no candidate", fmt.Errorf("%v", m.do("SMEMBERS", keys.Candidates("e0"))))
					}
				})
			})
		}
	}
}

// Redis refuses the quit of such a candidacy, and it is tried again: by then somebody stands under
// that name, and leads.
func TestALateQuitOfACandidacyThatIsUnknownLeavesTheNextOneInOffice(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
		w.Run(3 * second)
		quits := 0
		n.Intercept(func(dir sim.Direction, commands []string) sim.Mishap {
			if dir == sim.ToRedis {
				w.Redis().RefuseAll(nil)
				if slices.Contains(commands, "quit") {
					if quits++; quits == 1 {
						w.Redis().RefuseAll(&redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM not now"})
					}
				}
			}
			return sim.Mishap{}
		})
		hint(w, "a", "e")
		if !w.RunUntil(func() bool { return quits == 1 }, second) {
			w.Require("it quits", errors.New("it does not"))
		}
		w.Run(w.Rand().Duration(0, 2*time.Millisecond))
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		if !w.RunUntil(func() bool { return n.Handle().Leadership("e").Valid() }, 5*second) {
			w.Require("the next one leads", errors.New("it does not"))
		}
		token := n.Handle().Leadership("e").Token()
		// A message may have waited for the node until somebody stood.
		n.Send(n.PID(), &redisbridge.Heard{Control: redisbridge.Control{Type: redisbridge.TypeVote, Election: "e", ID: "b", Inc: "x"}})
		w.Run(20 * second)
		if l := n.Handle().Leadership("e"); !l.Valid() || l.Token() != token {
			w.Require("it stays in office", fmt.Errorf("%v, token %d, was %d; %d quits", l.Valid(), l.Token(), token, quits))
		}
		if holder, err := w.Redis().Do("HGET", keys.Leader("e"), "id"); err != nil || holder != "a" {
			w.Require("Redis knows", fmt.Errorf("%v, %w, %d quits", holder, err, quits))
		}
	})
}

// Anybody may send such messages, and without end.
func TestQuitsThatOthersAskForHaveABound(t *testing.T) {
	const most, names = 1024, 3000
	sim.Test(t, 3, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second})
		w.Run(3 * second)
		calls := func(names ...string) uint64 {
			before := n.Handle().Counts().Requests
			for _, e := range names {
				hint(w, "a", e)
			}
			w.Run(second / 20)
			return n.Handle().Counts().Requests - before
		}
		w.HoldOneway(n.Process, sim.ToRedis)
		if got := calls("e0", "e0", "e0", "e0"); got > 2 {
			w.Require("one quit of an election", fmt.Errorf("%d calls, want one and perhaps a heartbeat", got))
		}
		list := make([]string, names)
		for i := range list {
			list[i] = "e" + strconv.Itoa(i)
		}
		if got := calls(list...); got < most-1 || got > most {
			w.Require("quits have a bound", fmt.Errorf("%d calls, want %d and perhaps a heartbeat", got, most-1))
		}
		w.Release(n.Process)
		w.Run(second / 20)
		if got := calls(list[names-100:]...); got < 100 {
			w.Require("there is room again", fmt.Errorf("%d calls, want 100", got))
		}
	})
}

// hint tells a node, as a script does, that it may inherit an office.
func hint(w *sim.World, id, election string) {
	_, err := w.Redis().Do("PUBLISH", keys.Bully(id), fmt.Sprintf(`{"type":"vacant","election":%q,"id":"b","token":"1","heir":%q}`, election, id))
	w.Require("PUBLISH", err)
}
