package sim_test

import (
	"testing"
	"time"

	"hustings/actors/sim"
)

// One operation is one seed of what issue and design state the target for: five nodes,
// five virtual minutes of all faults by the seed, and the time to recover. In CI's one
// iteration it is the same seed each time.
func BenchmarkSwarmOfFiveNodesAndFiveMinutes(b *testing.B) {
	for _, elections := range []int{1, 2} {
		b.Run(map[int]string{1: "one election", 2: "two elections"}[elections], func(b *testing.B) {
			s := sim.Swarm{Elections: elections, For: 5 * time.Minute}
			events := uint64(0)
			b.ReportAllocs()
			for seed := uint64(1); b.Loop(); seed++ {
				v := s.Try(seed)
				if v.Err != nil {
					b.Fatal(s.Explain(v))
				}
				events += v.Events
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(events)/float64(b.N), "events/op")
		})
	}
}
