package main

import (
	"errors"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"hustings/actors/sim"
)

func TestASweepNamesTheSeedsThatFailed(t *testing.T) {
	all := &tally{hazards: map[sim.Hazard]int{}, broken: map[string][]uint64{}}
	for seed := range uint64(10) {
		v := sim.Verdict{Seed: seed}
		if seed%4 == 3 {
			v.Err, v.Rule = errors.New("broken"), sim.RuleLeader
		}
		all.add(v)
	}
	if len(all.failed) != 1 || all.failed[0].Seed != 3 {
		t.Errorf("explains %+v, want the first", all.failed)
	}
	all.failed = nil // explaining would play it
	var out strings.Builder
	all.report(&simOptions{}, &out, time.Second)
	if want := "in 2 seeds: [3 7]"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

// What a sweep asks of Go's collector ends with it, and GOMEMLIMIT is never raised.
func TestTheCollectorIsAsItWasAfterASweep(t *testing.T) {
	percent := debug.SetGCPercent(123)
	limit := debug.SetMemoryLimit(1 << 40)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	for _, set := range []int64{1 << 40, 700 << 20} {
		debug.SetMemoryLimit(set)
		undo := collectSeldom()
		if got := debug.SetMemoryLimit(-1); got > set || got > 1<<38 {
			t.Errorf("limit %d in a sweep, of %d", got, set)
		}
		undo()
		if got := debug.SetMemoryLimit(-1); got != set {
			t.Errorf("limit %d after it, was %d", got, set)
		}
	}
	if got := debug.SetGCPercent(123); got != 123 {
		t.Errorf("%d percent after it", got)
	}
}
