package sim_test

import (
	"testing"
	"time"

	"hustings/actors/sim"
)

// Light faults, which do not end an original by themselves: once they are over the highest
// leads, then the next, and nothing that ours said has killed an original.
func TestMixedFleetsUnderLightFaults(t *testing.T) {
	onMixed(t, 100, func(f *mixedFleet) {
		r := f.w.Rand()
		ours := []*sim.Node{f.our("a", 50), f.our("b", 20), f.our("c", 10)}
		f.original("low", 15)
		high := f.original("high", []int64{30, 60}[r.IntN(2)])
		f.w.SetWeather(sim.Weather{LosePubSub: 0.02, DuplicatePubSub: 0.02, DelayPubSub: 0.1, ReorderPubSub: 0.05, Delay: 2 * time.Second})
		for range 8 {
			f.trouble(ours[r.IntN(3)])
			f.w.Run(r.Duration(time.Second, 40*time.Second))
		}
		f.w.Calm()
		if high.PID() == 60 {
			f.soon("high", 5*time.Minute)
			high.Crash()
		}
		f.soon("a", 3*time.Minute)
		ours[0].Crash()
		if high.Alive() {
			f.soon("high", 3*time.Minute)
			high.Crash()
		}
		f.soon("b", 3*time.Minute)
		f.our("d", 5)
		f.w.Run(3 * time.Minute)
		f.require("b")
	})
}

// trouble does something to one of ours.
func (f *mixedFleet) trouble(n *sim.Node) {
	r := f.w.Rand()
	switch r.IntN(4) {
	case 0:
		n.Bounce(r.Duration(0, 20*time.Second))
	case 1:
		f.w.Partition(n.Process)
		f.w.After(r.Duration(0, 20*time.Second), func() { f.w.Repair(n.Process) })
	case 2:
		n.Pause(r.Duration(0, 20*time.Second))
	default:
		f.w.Redis().Kill(n.Process)
	}
}
