package sim_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

var loading = &redisbridge.ServerError{Code: "LOADING", Text: "LOADING Redis is loading the dataset in memory"}

// A record that names a node which knows of no such term is given back: seed 60 left the
// fleet without a leader for ever. A node that missed `leader` while its subscription was
// down believes in the former holder no longer than to its next heartbeat: seeds 36, 61,
// 114, 282. A node that takes its leave does not stand again: seed 68.
var found = []struct {
	seed uint64
	of   time.Duration // of trouble
}{
	{36, time.Minute},
	{60, time.Minute},
	{61, time.Minute},
	{68, time.Minute},
	{88, time.Minute},
	{98, time.Minute},
	{114, time.Minute},
	{282, time.Minute},
	// Of the first 100,000 of TestSweepOfTheStandardSwarm.
	{4292, 20 * time.Second},
	{5345, 20 * time.Second},
	{46734, 20 * time.Second},
	{61152, 20 * time.Second},
	{79749, 20 * time.Second},
	// A heartbeat came seven seconds after its process had died, and was taken for a live one's.
	{950915, 20 * time.Second},
	// A holder was started again before the first heartbeat that asked for its session, which
	// was taken for the one of before; and the hint of its successor was lost.
	{4005018, 20 * time.Second},
	// "I stay for 0.4 ms" was said without a time, and taken for the whole term.
	{5861681, 4 * time.Minute},
	// An answer came half a second late, and what was left in it was taken for a renewal.
	{8524405, 5 * time.Minute},
	// The observer's own: a term that began without a subscription was not taken for one.
	{428, 5 * time.Minute},
}

func TestSeedsThatFoundAFault(t *testing.T) {
	for _, f := range found {
		s := sim.Swarm{For: f.of}
		if v := s.Try(f.seed); v.Err != nil {
			t.Error(s.Explain(v))
		}
	}
}

// brokenRule plays a world in which something is done that a rule forbids.
func brokenRule(t *testing.T, play func(w *sim.World), opts ...sim.Option) (sim.Rule, error) {
	t.Helper()
	w := sim.New(nil, 1, opts...)
	defer w.Close()
	play(w)
	r, _ := w.Broken()
	return r, w.Err()
}

// forgetful deletes the session of a leader that works on, cut off: what by assumption 4 of
// docs/guarantees.md nobody does. Who comes then knows of no leader.
func forgetful(w *sim.World) {
	stand := func(id string) {
		n := w.Node(id, actors.Config{Rank: new(int64(len(w.Processes())))})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
	}
	stand("a")
	stand("b")
	w.Run(20 * time.Second)
	w.Partition(w.Process("b"))
	_, err := w.Redis().Do("DEL", "ipc::session:b")
	if err != nil {
		panic(err)
	}
	stand("c")
	w.Run(10 * time.Second)
}

func TestTwoLeadersAreSeen(t *testing.T) {
	r, err := brokenRule(t, forgetful)
	if r != sim.RuleOneLeader || err == nil {
		t.Fatalf("%q: %v", r.Name, err)
	}
	if !strings.Contains(err.Error(), r.Sentence) {
		t.Errorf("the sentence is missing: %v", err)
	}
}

// The node takes the election's actor for stopped, since nothing reaches it any more: it knows of no
// term, and the actor leads.
func TestATermThatItsNodeHasForgottenIsSeen(t *testing.T) {
	r, err := brokenRule(t, func(w *sim.World) {
		n := w.Node("a", actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(20 * time.Second)
		pid := n.Election("e")
		n.System().ProcessRegistry.Remove(pid)
		n.Send(n.PID(), &actor.Terminated{Who: pid})
		w.Run(time.Second)
	})
	if r != sim.RuleOneLeader || err == nil {
		t.Errorf("%q: %v", r.Name, err)
	}
}

func TestARuleCanBeLeftOutForAnExperiment(t *testing.T) {
	if r, err := brokenRule(t, forgetful, sim.WithoutRules(sim.RuleOneLeader)); err != nil {
		t.Errorf("%q: %v", r.Name, err)
	}
}

// Go code says itself that it works: what the node believes of it is what is to be tested.
func TestWorkThatGoesOnUnderASuccessorIsSeen(t *testing.T) {
	play := func(returns bool) func(w *sim.World) {
		return func(w *sim.World) {
			a, b := w.Node("a", actors.Config{Rank: new(int64(1))}), w.Node("b", actors.Config{Rank: new(int64(2))})
			a.Stand(actors.ElectionConfig{Name: "e", Run: true})
			b.Stand(actors.ElectionConfig{Name: "e", Run: true})
			w.Run(20 * time.Second)
			done := b.Working(context.Background(), b.Handle().Leadership("e"))
			if returns {
				done()
				done()
			}
			b.Tell("e", &actors.Resign{})
			w.Run(5 * time.Second)
		}
	}
	if r, err := brokenRule(t, play(false)); r != sim.RuleWorkOver || err == nil {
		t.Errorf("%q: %v", r.Name, err)
	}
	if r, err := brokenRule(t, play(true)); err != nil {
		t.Errorf("%q: %v", r.Name, err)
	}
}

func TestAFleetWithoutALeaderIsSeen(t *testing.T) {
	r, err := brokenRule(t, func(w *sim.World) {
		w.Node("a", actors.Config{}).Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(time.Second)
		w.Every("nothing heals", func() error {
			w.Redis().RefuseAll(loading)
			return nil
		})
		w.Recover()
	})
	if r != sim.RuleLeader || err == nil {
		t.Errorf("%q: %v", r.Name, err)
	}
}

func TestALeaderThatIsNotTheHighestIsSeen(t *testing.T) {
	r, err := brokenRule(t, func(w *sim.World) {
		w.Node("a", actors.Config{Rank: new(int64(1))}).Stand(actors.ElectionConfig{Name: "e", Run: true})
		b := w.Node("b", actors.Config{Rank: new(int64(2))})
		b.Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(20 * time.Second)
		// Behind the observer's back: it does not know that b was told to quit.
		b.Send(b.Election("e"), &actors.Quit{})
		w.Run(time.Second)
		w.Recover()
	})
	if r != sim.RuleRightLeader || err == nil {
		t.Errorf("%q: %v", r.Name, err)
	}
}

func TestEveryRuleHasANameAndASentence(t *testing.T) {
	var names []string
	for _, r := range sim.Rules() {
		if r.Name == "" || len(r.Sentence) < 40 || slices.Contains(names, r.Name) {
			t.Errorf("%q: %q", r.Name, r.Sentence)
		}
		names = append(names, r.Name)
	}
}

func TestAFailureIsShrunkAndExplained(t *testing.T) {
	s := sim.Swarm{Nodes: 2, Elections: 1, For: 20 * time.Second, Storm: sim.Storm{Hazards: []sim.Hazard{}}}
	deaf := sim.ConnectTimeout(1) // nobody ever gets a connection
	v := s.Try(3, deaf)
	if v.Rule != sim.RuleLeader {
		t.Fatalf("%q: %v", v.Rule.Name, v.Err)
	}
	short, _ := s.Shrink(v, deaf)
	if short.For > time.Second {
		t.Errorf("shrunk to %v only", short.For)
	}
	text := s.Explain(v, deaf)
	for _, want := range []string{"seed 3", "a leader once faults are over", "go run ./cmd/demo sim --seed 3 --nodes 2 --elections 1 --for ", "--faults none"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
