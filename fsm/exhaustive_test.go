package fsm_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"hustings/fsm"
)

// situations are ways to stand in each state, office in its various moods included.
var situations = map[string]func(*rig) *rig{
	"idle":                     func(r *rig) *rig { return r },
	"idle, leaving":            func(r *rig) *rig { return r.run().quit() },
	"idle, leaving, to return": func(r *rig) *rig { return r.run().quit().run() },
	"idle, looking":            func(r *rig) *rig { return r.step(fsm.Input{Kind: fsm.InNudge}) },
	"idle, stood down":         func(r *rig) *rig { return r.lost(high, 9).standDown().withdrawn() },
	"idle, standing down":      func(r *rig) *rig { return r.lost(high, 9).standDown() },
	"won, standing down":       func(r *rig) *rig { return r.won(5).standDown() },
	"voting":                   func(r *rig) *rig { return r.run() },
	"voting, trust lapsed":     func(r *rig) *rig { return r.run().after(term) },
	"waiting for a vote":       func(r *rig) *rig { return r.waiting(higher, high) },
	"waiting for the holder":   func(r *rig) *rig { return r.run().surveyed(survey(ledBy(low, 9))) },
	"waiting for a claim":      func(r *rig) *rig { return r.run().surveyed(survey()) },
	"waiting to claim again":   func(r *rig) *rig { return r.run().surveyed(survey()).claimed(fsm.OutcomeUnknown) },
	"won":                      func(r *rig) *rig { return r.won(5) },
	"won, lapsed":              func(r *rig) *rig { return r.won(5).after(term) },
	"won, draining":            func(r *rig) *rig { return r.won(5).vote(high) },
	"won, resigning":           func(r *rig) *rig { return r.won(5).resign("high") },
	"won, quitting":            func(r *rig) *rig { return r.won(5).quit() },
	"won, owing":               func(r *rig) *rig { return r.won(5).vote(oldHi) },
	"lost, holder known":       func(r *rig) *rig { return r.lost(high, 9) },
	"lost, nobody known":       func(r *rig) *rig { return r.waiting(high).kick(high) },
	"lost, giving way":         func(r *rig) *rig { return r.run().answered(survey(above(high), ledBy(low, 9))) },
	"lost, resigned":           func(r *rig) *rig { return r.won(5).resign("").drained() },
	"lost, sticky holder":      func(r *rig) *rig { return r.run().surveyed(survey(ledBy(low, 9))).kick(low) },
	"lost, to an original":     func(r *rig) *rig { return r.run().surveyed(survey(originals(oldHi))).kick(oldHi) },
	"inconclusive":             func(r *rig) *rig { return r.waiting(high).due() },
	"inconclusive, quarantine": func(r *rig) *rig {
		return r.run().surveyed(survey()).claimed(fsm.OutcomeQuarantine, func(in *fsm.Input) { in.Wait = time.Second })
	},
}

// Every situation takes every input, with members that no honest sender would set, and
// fifty more after it: no panic, and the invariants hold.
func TestEveryInputIsTakenInEverySituation(t *testing.T) {
	states := map[fsm.State]bool{}
	for name, enter := range situations {
		for kind := range fsm.InTick + 3 {
			for seed := range uint64(8) {
				r := enter(newRig(t))
				states[r.m.State()] = true
				w := &world{src: seeded{rand.New(rand.NewPCG(seed, uint64(kind)))}, m: r.m, s: r.s, now: r.now, token: 100, ended: map[*fsm.Lease]bool{}}
				h := r.m.History()
				w.seq, w.at, w.lastWon, w.told = uint64(len(h)), r.m.State(), r.m.Result() == fsm.ResultWon, r.m.Result() != fsm.NoResult
				if r.lease != nil {
					w.leases = append(w.leases, r.lease)
				}
				in := w.anything()
				in.Kind = kind
				if kind == fsm.InSurveyed {
					in.Survey = w.someSurvey()
				}
				if kind == fsm.InClaimed && in.Outcome == fsm.OutcomeGranted {
					w.token++
					in.Token = w.token
				}
				if err := w.step(in); err != nil {
					t.Fatalf("%s, seed %d: %v", name, seed, err)
				}
				for range 50 {
					if err := w.turn(); err != nil {
						t.Fatalf("%s, input %d, seed %d: %v", name, kind, seed, err)
					}
				}
			}
		}
	}
	if len(states) != len(fsm.Table.States) {
		t.Errorf("situations in %d states only", len(states))
	}
}
