package sim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// A call that could have no effect fails at once, and says what to do.
func TestMisuseIsSaidAtTheCall(t *testing.T) {
	node := func(w *sim.World) *sim.Node { return w.Node("a", actors.Config{}) }
	stands := func(w *sim.World) *sim.Node {
		n := node(w)
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		return n
	}
	for name, c := range map[string]struct {
		wrong func(w *sim.World)
		says  string
	}{
		"Go code without a bubble": {
			func(w *sim.World) { node(w).Go(func(context.Context, *actors.Node) {}) },
			"Node.Go needs a world of sim.Bubble",
		},
		"Go code of a process without a bubble": {
			func(w *sim.World) { w.Process("a").Go(func(context.Context) {}) },
			"Process.Go needs a world of sim.Bubble",
		},
		"a config": {
			func(w *sim.World) { w.Node("a", actors.Config{TTL: time.Millisecond}) },
			"TTL 1ms is too short",
		},
		"a name": {
			func(w *sim.World) { w.Node("a b", actors.Config{}) },
			`ID "a b"`,
		},
		"two nodes in a process": {
			func(w *sim.World) { node(w); node(w) },
			`there is a node in process "a" already`,
		},
		"an election's name": {
			func(w *sim.World) { node(w).Stand(actors.ElectionConfig{Name: "e e", Run: true}) },
			`election name "e e"`,
		},
		"an election's config": {
			func(w *sim.World) { node(w).Stand(actors.ElectionConfig{Name: "e", MinTenure: -1}) },
			"MinTenure -1ns is negative",
		},
		"an election that does not fit the node": {
			func(w *sim.World) {
				node(w).Stand(actors.ElectionConfig{Name: "e", Takeover: actors.OnDisconnect, EvictGrace: time.Minute})
			},
			"EvictGrace 1m0s is longer than TTL",
		},
		"an election that is open": {
			func(w *sim.World) { stands(w).Stand(actors.ElectionConfig{Name: "e", Sticky: true}) },
			`Node.Stand("e") on a: it is open already`,
		},
		"Tell to nobody": {
			func(w *sim.World) { node(w).Tell("e", &actors.Run{}) },
			`Node.Tell on a: election "e" was not opened by Node.Stand`,
		},
		"Ask of nobody": {
			func(w *sim.World) { node(w).Ask("e", &actors.Run{}, func(error) {}) },
			`Node.Ask on a: election "e" was not opened by Node.Stand`,
		},
		"a message that is no pointer": {
			func(w *sim.World) { stands(w).Tell("e", actors.Quit{}) },
			"Node.Tell on a: no election takes actors.Quit",
		},
		"a message of one's own": {
			func(w *sim.World) { stands(w).Tell("e", "quit") },
			"Node.Tell on a: no election takes string",
		},
		"a request that is no pointer": {
			func(w *sim.World) { stands(w).Ask("e", actors.Quit{}, func(error) {}) },
			"Node.Ask on a: no election answers actors.Quit with Done",
		},
		"a request that has another answer": {
			func(w *sim.World) { stands(w).Ask("e", &actors.Inspect{}, func(error) {}) },
			"Node.Ask on a: no election answers *actors.Inspect with Done",
		},
		"a hazard that there is not": {
			func(w *sim.World) { w.Storm(time.Minute, sim.Storm{Hazards: []sim.Hazard{sim.Pauses, "crash"}}) },
			`there is no hazard "crash"`,
		},
		"a command that there is not": {
			func(w *sim.World) { w.Redis().Forbid("INFO", "subscribe") },
			`"subscribe"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var rec recorder
			func() {
				defer func() { _ = recover() }()
				sim.Test(&rec, 1, c.wrong)
			}()
			for _, text := range []string{"seed 1", c.says, "called at ", "misuse_test.go:"} {
				if !strings.Contains(rec.said, text) {
					t.Errorf("it does not say %q:\n%s", text, rec.said)
				}
			}
			w := sim.New(nil, 1) // a program: nothing ends it
			defer w.Close()
			c.wrong(w)
			if w.Err() == nil {
				t.Error("the world did not fail")
			}
			w.Run(time.Second)
		})
	}
}

// A seed that can't be read would run others, and pass.
func TestAVariableThatIsNoNumberIsSaid(t *testing.T) {
	for variable, values := range map[string][]string{
		"HUSTINGS_SEED":  {"seven", "0x7", "-1", "7.5"},
		"HUSTINGS_SEEDS": {"many", "0", "-3", "NaN", "Inf", "1e30"},
	} {
		for _, value := range values {
			t.Run(variable+"="+value, func(t *testing.T) {
				t.Setenv("HUSTINGS_SEED", "")
				t.Setenv(variable, value)
				var rec recorder
				func() {
					defer func() { _ = recover() }()
					sim.Test(&rec, 1, func(w *sim.World) { w.Run(time.Second) })
				}()
				if !strings.Contains(rec.said, variable+"="+value) {
					t.Errorf("it says %q", rec.said)
				}
			})
		}
	}
}
