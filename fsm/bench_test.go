package fsm_test

import (
	"runtime"
	"testing"
	"time"

	"hustings/fsm"
)

// A step that changes nothing: what a machine does nearly all of its life. Target:
// 5 million a second on one core, no allocation.
func BenchmarkStepNoChange(b *testing.B) {
	for name, c := range map[string]struct {
		r  *rig
		in fsm.Input
	}{
		"won-tick":         {newRig(b).won(5), fsm.Input{Kind: fsm.InTick}},
		"won-lapse":        {newRig(b).won(5), fsm.Input{Kind: fsm.InLapse}},
		"lost-hint":        {newRig(b).lost(high, 9), fsm.Input{Kind: fsm.InLeader, From: high, Token: 9}},
		"lost-gone":        {newRig(b).lost(high, 9), fsm.Input{Kind: fsm.InGone, From: low}},
		"waiting-late-ack": {newRig(b).waiting(high), fsm.Input{Kind: fsm.InAck, From: high, Round: 7}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if fx := c.r.m.Step(c.r.now, c.in); fx != nil {
					b.Fatalf("gave %d effects", len(fx))
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

// A whole uncontested round, from a new machine into office: three steps and three
// transitions.
func BenchmarkStepRound(b *testing.B) {
	r := newRig(b)
	rules := standard()
	none := &fsm.Survey{}
	b.ReportAllocs()
	for b.Loop() {
		m := fsm.NewMachine(me, &rules, r.s, seed)
		fsm.Recycle(m.Step(r.now, fsm.Input{Kind: fsm.InRun}))
		fsm.Recycle(m.Step(r.now, fsm.Input{Kind: fsm.InSurveyed, Round: 1, Survey: none}))
		fsm.Recycle(m.Step(r.now, fsm.Input{Kind: fsm.InClaimed, Round: 1, Outcome: fsm.OutcomeGranted, Token: 5, Tenancy: first}))
		if m.State() != fsm.Won {
			b.Fatal("not won")
		}
	}
}

// What a machine costs on the heap, idle and in office, with 10,000 in the process.
func BenchmarkMachineMemory(b *testing.B) {
	const n = 10000
	rules := standard()
	now := fsm.Instant{Mono: time.Hour, Wall: time.Hour}
	for name, enter := range map[string]func(*fsm.Machine){
		"idle": func(*fsm.Machine) {},
		"won": func(m *fsm.Machine) {
			m.Step(now, fsm.Input{Kind: fsm.InRun})
			m.Step(now, fsm.Input{Kind: fsm.InSurveyed, Round: 1, Survey: &fsm.Survey{}})
			m.Step(now, fsm.Input{Kind: fsm.InClaimed, Round: 1, Outcome: fsm.OutcomeGranted, Token: 1, Tenancy: first})
		},
		"lost": func(m *fsm.Machine) {
			s := survey(above(high), ledBy(high, 9))
			m.Step(now, fsm.Input{Kind: fsm.InRun})
			m.Step(now, fsm.Input{Kind: fsm.InSurveyed, Round: 1, Survey: &s})
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := fsm.NewSession(inc, ttl)
			s.Answer(now, s.Beat(now), fsm.VerdictCreated, first, fsm.Epoch{})
			for b.Loop() {
				before := heap()
				machines := make([]*fsm.Machine, n)
				for i := range machines {
					machines[i] = fsm.NewMachine(me, &rules, s, uint64(i))
					enter(machines[i])
				}
				b.ReportMetric(float64(heap()-before)/n, "heap-B/machine")
				runtime.KeepAlive(machines)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
