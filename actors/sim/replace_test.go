package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// replacer is a process that takes the id "n" over from whoever has it.
func replacer(w *sim.World, process string, pid int) *twin {
	return startTwinWith(w, process, actors.Config{ID: "n", Rank: new(int64(1)), PID: pid, ReplaceDuplicate: true},
		actors.ElectionConfig{Name: "e", Run: true})
}

func TestAReplacerTakesTheIDOverAndTheOlderOneIsToldByWhom(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		first := startTwin(w, "web-1", "n", 1, 4711)
		w.Run(w.Rand().Duration(20*time.Second, 25*time.Second))
		requireTrue(w, "the first leads", first.trusted(), first.state())
		second := replacer(w, "web-2", 4712)
		neverTwo(w, first, second)
		// It is marked at once, the older one hears of it with its next heartbeat, and leaves.
		requireTrue(w, "the second leads soon", w.RunUntil(second.trusted, actors.DefaultTTL/2+time.Second), second.state())
		err := first.err()
		requireTrue(w, "the first is replaced", errors.Is(err, actors.ErrReplaced), err)
		requireTrue(w, "it is told by whom", strings.Contains(err.Error(), `process 4712 on host "web-2"`), err)
		w.Run(time.Minute)
		requireTrue(w, "the second leads on", second.trusted() && second.err() == nil, second.state())
	})
}

// The older one can't be told: its trust is waited for.
func TestAReplacerWaitsForTheTrustOfOneThatItCannotReach(t *testing.T) {
	for _, fault := range []struct {
		name   string
		strike func(w *sim.World, first *twin)
	}{
		{"cut off", func(w *sim.World, first *twin) { w.Partition(first.Process) }},
		{"its replies are lost", func(w *sim.World, first *twin) { w.PartitionOneway(first.Process, sim.FromRedis) }},
		{"paused", func(w *sim.World, first *twin) { first.Pause(w.Rand().Duration(time.Second, 20*time.Second)) }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			sim.Test(t, 40, func(w *sim.World) {
				first := startTwin(w, "web-1", "n", 1, 1)
				w.Run(w.Rand().Duration(20*time.Second, 25*time.Second))
				fault.strike(w, first)
				w.Run(w.Rand().Duration(0, 3*time.Second))
				second := replacer(w, "web-2", 2)
				neverTwo(w, first, second)
				limit := actors.DefaultTTL + actors.DefaultTTL/3
				if fault.name == "its replies are lost" {
					limit += actors.DefaultTTL // what it had sent renews the session up to the mark
				}
				requireTrue(w, "the second leads", w.RunUntil(second.trusted, limit), second.state())
				w.Run(20 * time.Second)
				w.Repair()
				w.Run(time.Minute)
				requireTrue(w, "the second leads on", second.trusted() && second.err() == nil, second.state())
				requireTrue(w, "the first is replaced", errors.Is(first.err(), actors.ErrReplaced), first.state())
			})
		})
	}
}

// Work that ends in time is waited for, as with every other end of an office.
func TestTheWorkOfAReplacedLeaderIsOverBeforeTheReplacerLeads(t *testing.T) {
	sim.Test(t, 40, func(w *sim.World) {
		first := startTwinWith(w, "web-1", actors.Config{ID: "n", Rank: new(int64(1)), PID: 1},
			actors.ElectionConfig{Name: "e", Run: true, Drains: true})
		w.Run(20 * time.Second)
		lead := first.handle.Leadership("e")
		second := replacer(w, "web-2", 2)
		neverTwo(w, first, second)
		done := func() bool { return lead.Context().Err() != nil }
		requireTrue(w, "the work is told to end", w.RunUntil(done, 2*time.Second), first.state())
		requireTrue(w, "while the lease is trusted", lead.Valid(), first.state())
		w.Run(time.Second)
		requireTrue(w, "nobody else leads meanwhile", !second.trusted() && lead.Valid(), second.state())
		first.Send(first.election, &actors.Drained{Token: lead.Token()})
		requireTrue(w, "then the second leads", w.RunUntil(second.trusted, 500*time.Millisecond), second.state())
		requireTrue(w, "the first is replaced", errors.Is(first.err(), actors.ErrReplaced), first.state())
	})
}

// Work that does not end costs no more than the trust.
func TestTheWorkOfAReplacedLeaderIsNotWaitedForBeyondItsTrust(t *testing.T) {
	sim.Test(t, 20, func(w *sim.World) {
		first := startTwinWith(w, "web-1", actors.Config{ID: "n", Rank: new(int64(1)), PID: 1},
			actors.ElectionConfig{Name: "e", Run: true, Drains: true})
		w.Run(20 * time.Second)
		second := replacer(w, "web-2", 2)
		neverTwo(w, first, second)
		requireTrue(w, "the second leads", w.RunUntil(second.trusted, actors.DefaultTTL+actors.DefaultTTL/3), second.state())
		w.Run(actors.DefaultTTL)
		requireTrue(w, "the first is replaced", errors.Is(first.err(), actors.ErrReplaced), first.state())
	})
}

func TestADuelOfReplacersHasOneWinnerAndIsOver(t *testing.T) {
	sim.Test(t, 100, func(w *sim.World) {
		list := []*twin{startTwin(w, "web-1", "n", 1, 1)}
		same := w.Rand().Chance(0.7)
		if same {
			w.Run(20 * time.Second)
		} else { // nobody has the id before them, and they come one after the other
			list[0].Crash()
		}
		for i := range 3 {
			list = append(list, replacer(w, fmt.Sprintf("web-%d", i+2), i+2))
			if !same {
				w.Run(w.Rand().Duration(0, 100*time.Millisecond))
			}
		}
		neverTwo(w, list...)
		led := map[*twin]bool{}
		w.Every("of those that replace the same one, only the first leads", func() error {
			for _, d := range list[1:] {
				led[d] = led[d] || d.trusted()
			}
			if n := len(slices.DeleteFunc(slices.Clone(list[1:]), func(d *twin) bool { return !led[d] })); same && n > 1 {
				return fmt.Errorf("%d have led", n)
			}
			return nil
		})
		w.Run(time.Minute)
		states := make([]string, 0, len(list))
		var winner *twin
		for _, d := range list {
			states = append(states, d.Process.ID()+": "+d.state())
			if d.trusted() {
				winner = d
			}
		}
		requireTrue(w, "one leads", winner != nil && winner != list[0], states)
		token := winner.handle.Leadership("e").Token()
		for _, d := range list {
			over := errors.Is(d.err(), actors.ErrReplaced) || errors.Is(d.err(), actors.ErrDuplicateID)
			requireTrue(w, "the others have failed for good", d == winner || !d.Alive() || over, states)
		}
		w.Run(time.Minute)
		requireTrue(w, "and nothing changes any more", winner.trusted() && winner.handle.Leadership("e").Token() == token, states)
	})
}

func TestReplacersUnderFaultsAreNeverTwoLeaders(t *testing.T) {
	sim.Test(t, seeds(150), func(w *sim.World) {
		a, c := startTwin(w, "web-1", "n", 1, 1), startTwin(w, "web-3", "other", 0, 3)
		w.Run(10 * time.Second)
		w.Storm(time.Minute, sim.Storm{Hazards: survivable()})
		w.Run(w.Rand().Duration(0, 20*time.Second))
		b := replacer(w, "web-2", 2)
		w.Run(w.Rand().Duration(0, 10*time.Second))
		d := replacer(w, "web-4", 4)
		neverTwo(w, a, b, c, d)
		w.Run(100 * time.Second)
		leads := func() bool { return a.trusted() || b.trusted() || c.trusted() || d.trusted() }
		requireTrue(w, "somebody leads", leads(), []string{a.state(), b.state(), c.state(), d.state()})
		alive := 0
		for _, n := range []*twin{a, b, d} {
			if n.err() == nil {
				alive++
			}
		}
		requireTrue(w, "one of the id lives at most", alive <= 1, []string{a.state(), b.state(), d.state()})
	})
}
