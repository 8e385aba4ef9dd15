package sim_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// under is an original under the id of another process.
func (f *mixedFleet) under(id string, pid int64) *sim.Original {
	o := f.w.Original(id+"'", pid, sim.OriginalConfig{ID: id, Run: []string{"e"}})
	f.old = append(f.old, o)
	return o
}

// What was ours has a rank, which outlives it for a while; what is started in its place has
// none, and is asked and answered all the same.
func TestAnOriginalInThePlaceOfANodeOfOursThatDiedIsOne(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 100 * time.Millisecond, "when it is told dead": 8 * time.Second, "when it is purged": 2 * time.Minute} {
		for _, pid := range []int64{10, 30} {
			for _, beside := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", pid, " ", beside), func(t *testing.T) {
					onMixed(t, 10, func(f *mixedFleet) {
						ours := f.our("ours", 20)
						peers := peersOf(ours)
						dead := f.our("dead", 15)
						if beside {
							f.original("low", 5)
						}
						f.w.Run(25 * time.Second)
						f.require("ours")
						f.ours = f.ours[:1]
						dead.Crash()
						f.w.Run(after)
						o := f.under("dead", pid)
						f.w.Run(150 * time.Second)
						want := "ours"
						if pid > 20 {
							want = "dead"
						}
						if got := f.leading(); pid > 20 && got == "dead'" {
							f.w.Require("ours knows it", f.knows("dead"))
						} else if got != want {
							f.w.Require("who leads", fmt.Errorf("%q; %s", got, told(o)))
						}
						f.tells(peers, "dead", "up", "dead", "up")
						f.alive()
						ours.Tell("e", &actors.Quit{})
						f.w.Run(150 * time.Second)
						if !o.Leads("e") {
							f.w.Require("it is elected", errors.New(f.leading()))
						}
						ours.Tell("e", &actors.Run{})
						f.w.Run(20 * time.Second)
						if valid(ours) != (pid < 20) || o.Leads("e") != (pid > 20) {
							f.w.Require("who leads in the end", errors.New(f.leading()))
						}
					})
				})
			}
		}
	}
}

// knows fails if one of ours takes anybody else for the leader.
func (f *mixedFleet) knows(id string) error {
	for _, n := range f.ours {
		if l, err := n.Handle().Leader("e"); err != nil || l.ID != id {
			return fmt.Errorf("%s says %q (%v), want %q", n.ID(), l.ID, err, id)
		}
	}
	return nil
}
