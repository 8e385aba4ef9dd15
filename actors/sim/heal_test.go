package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// meddled is a fleet whose keys are deleted by hand.
type meddled struct {
	w     *sim.World
	nodes []*sim.Node
	names []string
}

// healsWithin is how long after the last deletion every election is led: each node has had
// its turn of a roll call, which takes 9 TTLs and a heartbeat; the session of a holder that
// is gone has ended; and there was a round.
const healsWithin = 9*second + second/3 + second + 4*second

func newMeddled(w *sim.World, nodes, elections int) *meddled {
	m := &meddled{w: w}
	for i := range elections {
		m.names = append(m.names, fmt.Sprintf("e%d", i))
	}
	for i := range nodes {
		n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), TTL: second})
		for _, e := range m.names {
			n.Stand(actors.ElectionConfig{Name: e, Run: true})
		}
		m.nodes = append(m.nodes, n)
	}
	w.Run(5 * second)
	return m
}

func (m *meddled) del(keys ...string) { m.do(append([]string{"DEL"}, keys...)...) }

// do returns what Redis answers, which is no error.
func (m *meddled) do(words ...string) any {
	v, err := m.w.Redis().Do(words...)
	if err != nil {
		m.w.Require("Redis answers", err)
	}
	return v
}

// leader is who leads an election, nil if nobody does.
func (m *meddled) leader(election string) *sim.Node {
	for _, n := range m.nodes {
		if h := n.Handle(); h != nil && h.Leadership(election) != nil && h.Leadership(election).Valid() {
			return n
		}
	}
	return nil
}

// unsettled says which election is not led, or not known to be by all who stand; "" if none.
func (m *meddled) unsettled() string {
	for _, e := range m.names {
		l := m.leader(e)
		if l == nil {
			return "nobody leads " + e
		}
		for _, n := range m.nodes {
			v, err := n.Handle().View(e)
			if err != nil || v.State.String() == "idle" {
				continue
			}
			if v.Leader.ID != l.ID() {
				return fmt.Sprintf("%s leads %s, and %s knows %q", l.ID(), e, n.ID(), v.Leader.ID)
			}
		}
	}
	return ""
}

// heals requires that all is well after a time.
func (m *meddled) heals(within time.Duration) {
	m.w.Run(within)
	if what := m.unsettled(); what != "" {
		m.w.Require("every election is led, and all know by whom", fmt.Errorf("after %v: %s", within, what))
	}
}

// Without the ranking nobody is told that the office is free, and it is not on the list
// of those that are.
func TestAnOfficeThatIsGivenUpWithoutARankingIsTakenAllTheSame(t *testing.T) {
	for name, give := range map[string]any{
		"stand down": &actors.StandDown{}, "quit": &actors.Quit{},
	} {
		t.Run(name, func(t *testing.T) {
			sim.Test(t, seedsPerCase, func(w *sim.World) {
				m := newMeddled(w, 3, 1)
				l := m.leader("e0")
				m.del(keys.Ranks("e0"))
				if w.Rand().Chance(0.5) {
					m.del(keys.Candidates("e0"))
				}
				l.Tell("e0", give)
				m.heals(healsWithin)
			})
		})
	}
}

// A leader learns from its roll call that nothing keeps others out of its office, and steps
// down; then whoever is the first in line is elected, with a higher token.
func TestALeaderWhoseRecordIsDeletedStepsDownAndIsElectedAnew(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		m := newMeddled(w, 3, 1)
		l := m.leader("e0").Handle().Leadership("e0")
		m.del(keys.Leader("e0"))
		if !w.RunUntil(func() bool { return !l.Valid() }, healsWithin) {
			w.Require("it steps down", fmt.Errorf("%v after the record was deleted", healsWithin))
		}
		m.heals(2 * second)
		if again := m.leader("e0").Handle().Leadership("e0"); again.Token() <= l.Token() {
			w.Require("the token rises", fmt.Errorf("%d after %d", again.Token(), l.Token()))
		}
	})
}

// A fleet that changes its leaders while somebody deletes keys that leases do not rest on,
// and messages are lost: once that is over every election is led, and all know by whom.
func TestElectionsHealWhoseKeysAreDeletedByHand(t *testing.T) {
	sim.Test(t, 5*seedsPerCase, func(w *sim.World) { deleteByHand(w) })
}

// The same with leader records and the epoch, on which leases do rest: there may be two
// leaders for a while.
func TestElectionsHealWhoseRecordsAreDeletedByHandToo(t *testing.T) {
	sim.Test(t, 5*seedsPerCase, func(w *sim.World) {
		deleteByHand(w, keys.Epoch(), keys.Leader("e0"), keys.Leader("e1"), keys.Leader("e2"))
	}, sim.WithoutRules(sim.RuleOneLeader, sim.RuleWorkOver))
}

// Numbers in the epoch and in leader records that no script writes: no two leaders, no
// token that is not above all before it, and once nobody writes any more all is well.
func TestElectionsHealWhoseNumbersAreSpoiledByHand(t *testing.T) {
	sim.Test(t, 5*seedsPerCase, func(w *sim.World) {
		m := newMeddled(w, 4, 2)
		r := w.Rand()
		texts := []string{"", "rubbish", "-5", "1.5", "inf", "nan", "007", "4503599627370496", "9007199254740991", "99999999999999999999"}
		for range 20 {
			w.Run(r.Duration(0, 2*second))
			e := m.names[r.IntN(len(m.names))]
			key, field, text := keys.Leader(e), "token", texts[r.IntN(len(texts))]
			switch {
			case r.Chance(0.4):
				key, field = keys.Epoch(), []string{"floor", "number", "since"}[r.IntN(3)]
			case r.Chance(0.1):
				key, field, text = keys.Epoch(), "number", "4503599627370495" // the last that there is
			case r.Chance(0.2):
				field = "evict"
			}
			m.do("HSET", key, field, text)
			if r.Chance(0.2) {
				m.do("HDEL", key, field)
			}
			m.change(e)
		}
		m.heals(healsWithin + second) // and a quarantine
	})
}

// Where no higher token can be counted nobody is elected, and everybody says why.
func TestWhoCannotBeGivenAHigherTokenSaysWhatIsToBeMended(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		m := newMeddled(w, 2, 2)
		said := ""
		for _, n := range m.nodes {
			n.Watch(func(ev actors.Event) {
				if e, ok := ev.(*actors.Inconclusive); ok && e.Election == "e0" {
					said = e.Cause.String()
				}
			})
		}
		m.do("HSET", keys.Leader("e0"), "token", "4503599627370495")
		m.leader("e0").Tell("e0", &actors.Quit{})
		w.Run(healsWithin)
		if l := m.leader("e0"); l != nil {
			w.Require("nobody is elected", fmt.Errorf("%s is", l.ID()))
		}
		if !strings.Contains(said, keys.Leader("e0")+" has") {
			w.Require("the key is named", fmt.Errorf("%q", said))
		}
		for _, n := range m.nodes { // whoever lives has seen that token
			n.Crash()
		}
		w.Run(second) // what was on its way has arrived
		m.do("HDEL", keys.Leader("e0"), "token")
		m.do("DEL", keys.Epoch())
		for _, n := range m.nodes {
			n.Restart()
		}
		m.heals(healsWithin)
	})
}

// Redis refuses a script where a key is of another type, and does nothing for those that are
// behind it: roll calls find out which it is, and go on with the others.
func TestAnElectionThatRedisRefusesDoesNotKeepOthersFromARollCall(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		m := newMeddled(w, 2, 8)
		m.do("SET", keys.Ranks("e3"), "rubbish")
		for _, e := range m.names {
			if e != "e3" {
				m.del(keys.Ranks(e))
				m.nodes[1].Tell(e, &actors.Quit{})
			}
		}
		m.names = append(m.names[:3:3], m.names[4:]...)
		m.heals(9 * (7*second + second/2 + second/3))
	})
}

// change has somebody of an election told something, or nobody.
func (m *meddled) change(election string) {
	r := m.w.Rand()
	n, l := m.nodes[r.IntN(len(m.nodes))], m.leader(election)
	switch r.IntN(6) {
	case 0:
		if l != nil {
			l.Tell(election, &actors.Resign{})
		}
	case 1:
		if l != nil && l != m.nodes[0] { // who always stands
			l.Tell(election, &actors.StandDown{})
		}
	case 2:
		n.Tell(election, &actors.Stand{})
		n.Tell(election, &actors.Run{})
	case 3:
		if n != m.nodes[0] {
			n.Tell(election, &actors.Quit{})
		}
	}
}

func deleteByHand(w *sim.World, more ...string) {
	m := newMeddled(w, 4, 3)
	r := w.Rand()
	w.SetWeather(sim.Weather{LosePubSub: 0.5 * r.Float64()})
	for range 30 {
		w.Run(r.Duration(0, second))
		e, n := m.names[r.IntN(len(m.names))], m.nodes[r.IntN(len(m.nodes))]
		all := []string{
			keys.Ranks(e), keys.Candidates(e), keys.Participated(n.ID()), keys.Details(), keys.List(),
			keys.Sessions(), keys.Members(), keys.Vacant(),
		}
		all = append(all, more...)
		for range 1 + r.IntN(3) {
			m.del(all[r.IntN(len(all))])
		}
		m.change(e)
	}
	for _, e := range m.names { // at last in the way that hurts most
		m.del(keys.Ranks(e))
		if l := m.leader(e); l != nil && l != m.nodes[0] {
			l.Tell(e, &actors.StandDown{})
		}
	}
	w.Calm()
	m.heals(healsWithin)
}
