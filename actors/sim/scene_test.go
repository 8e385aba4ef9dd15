package sim_test

import (
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

func TestLookingOnAndPlayingInSlicesChangesNothing(t *testing.T) {
	const trouble = 20 * time.Second
	for seed := uint64(1); seed <= 4; seed++ {
		plain := sim.New(t, seed)
		sim.Swarm{For: trouble}.Begin(plain)
		plain.Run(trouble)

		watched := sim.New(t, seed)
		steps, lines, looked := 0, 0, 0
		watched.Tell(func(sim.Line) { lines++ })
		var last actors.Step
		scene := sim.Swarm{For: trouble, Steps: func(_ string, s actors.Step) { steps++; last = s }}.Begin(watched)
		for watched.Now() < trouble {
			watched.Run(min(137*time.Millisecond, trouble-watched.Now()))
			if s := last.Inspect(); s != nil && s.Explain() != "" {
				looked++
			}
		}
		if watched.Hash() != plain.Hash() || watched.Events() != plain.Events() {
			t.Errorf("seed %d: %d events, trace %016x; looked on: %d, %016x", seed, plain.Events(), plain.Hash(), watched.Events(), watched.Hash())
		}
		if steps == 0 || lines == 0 || looked == 0 || len(scene.Nodes()) != 5 || scene.End() != trouble {
			t.Errorf("seed %d: %d steps, %d lines, %d looks, %d nodes, end %v", seed, steps, lines, looked, len(scene.Nodes()), scene.End())
		}
	}
}
