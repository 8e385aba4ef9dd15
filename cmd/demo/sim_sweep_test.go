package main

import (
	"errors"
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
