package sim_test

import (
	"sync"
	"testing"
	"time"

	"hustings/actors/sim"
)

// The rules hold in every swarm. A seed is five nodes, two elections, twenty seconds of
// trouble, and the time to recover.
func TestSweepOfTheStandardSwarm(t *testing.T) {
	sim.Sweep(t, seeds(1000), sim.Swarm{For: 20 * time.Second})
}

// The same in trouble that lasts longer, so that faults pile up.
func TestSweepOfALongSwarm(t *testing.T) {
	sim.Sweep(t, seeds(20), sim.Swarm{For: 2 * time.Minute})
}

// One seed gives one trace, however many worlds run beside it.
func TestEverySeedGivesTheSameTraceTwice(t *testing.T) {
	s := sim.Swarm{Nodes: 3, Elections: 1, For: 5 * time.Second}
	count := seeds(200)
	first, second := make([]uint64, count), make([]uint64, count)
	var both sync.WaitGroup
	for _, hashes := range [][]uint64{first, second} {
		both.Go(func() {
			for i := range hashes {
				hashes[i] = s.Try(uint64(i)).Hash
			}
		})
	}
	both.Wait()
	for i := range first {
		if first[i] != second[i] || first[i] == 0 {
			t.Errorf("seed %d: %016x, then %016x", i, first[i], second[i])
		}
	}
}

// seeds is how many to run where nobody says otherwise.
func seeds(n int) int {
	switch {
	case testing.Short():
		return n / 10
	case raced && n > 200:
		return n / 5
	}
	return n
}
