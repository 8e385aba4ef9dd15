package sim_test

import (
	"testing"
	"time"

	"hustings/actors/sim"
	"hustings/redisbridge/redistest"
)

// The model keeps the rules that real servers keep. Its network takes a
// nanosecond a message here, so that only Advance moves TIME.
func TestConformanceOfTheModel(t *testing.T) {
	redistest.Conformance(t, redistest.Exact|redistest.Restarts, func(t *testing.T) *redistest.Fixture {
		w := sim.New(t, 1, sim.Latency(1, 1))
		return &redistest.Fixture{
			T:       t,
			Backend: w.Process("client").Backend(),
			Advance: w.Run,
			Pump:    func() { w.Run(20) },
			Restart: func() {
				w.Redis().Restart(false)
				w.Run(time.Microsecond)
			},
		}
	})
}
