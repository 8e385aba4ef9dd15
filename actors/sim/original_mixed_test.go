package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// mixedFleet is a fleet of ours and of originals. Ours come with rank and id, originals
// with pid and id; all stand in "e".
type mixedFleet struct {
	w    *sim.World
	ours []*sim.Node
	old  []*sim.Original
}

func (f *mixedFleet) our(id string, rank int64) *sim.Node {
	n := f.w.Node(id, actors.Config{Rank: &rank})
	n.Stand(actors.ElectionConfig{Name: "e", Run: true})
	f.ours = append(f.ours, n)
	return n
}

func (f *mixedFleet) original(id string, pid int64) *sim.Original {
	o := alone(f.w, id, pid)
	f.old = append(f.old, o)
	return o
}

// leading lists everybody that leads: ours by their trust, originals by their opinion.
func (f *mixedFleet) leading() string {
	ids := leads(f.old...)
	for _, n := range f.ours {
		if valid(n) {
			ids = append(ids, n.ID())
		}
	}
	return strings.Join(ids, " ")
}

func valid(n *sim.Node) bool {
	h := n.Handle()
	if h == nil {
		return false
	}
	l := h.Leadership("e")
	return l != nil && l.Valid()
}

// require fails the world unless id, and nobody else, leads, ours all know it, and no
// original has died.
func (f *mixedFleet) require(id string) {
	f.w.Require("who leads", f.settled(id))
	for _, o := range f.old {
		if o.Count("died") > 0 {
			f.w.Require("nobody kills an original", fmt.Errorf("%s: %s", o.ID(), told(o)))
		}
	}
}

func (f *mixedFleet) settled(id string) error {
	if got := f.leading(); got != id {
		return fmt.Errorf("%q, want %q", got, id)
	}
	for _, n := range f.ours {
		if n.Handle() == nil {
			continue
		}
		if l, err := n.Handle().Leader("e"); err != nil || l.ID != id {
			return fmt.Errorf("%s says %q (%v), want %q", n.ID(), l.ID, err, id)
		}
	}
	return nil
}

// soon runs the world until id leads, and fails it if that takes longer than d.
func (f *mixedFleet) soon(id string, d time.Duration) {
	f.w.RunUntil(func() bool { return f.settled(id) == nil }, d)
	f.require(id)
}

func onMixed(t *testing.T, seeds int, scenario func(f *mixedFleet)) {
	t.Helper()
	sim.Test(t, seeds, func(w *sim.World) { scenario(&mixedFleet{w: w}) })
}

func TestAHigherNodeOfOursWinsAndOriginalsEmitLost(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		low, mid := f.original("low", 10), f.original("mid", 20)
		f.w.Run(f.w.Rand().Duration(0, 90*time.Second))
		f.our("ours", 30)
		f.soon("ours", 20*time.Second)
		f.w.Run(3 * time.Minute)
		f.require("ours")
		for _, o := range []*sim.Original{low, mid} {
			if o.LastResult("e") != sim.ResultLost {
				f.w.Require("originals emit lost", fmt.Errorf("%s: %s", o.ID(), told(o)))
			}
		}
	})
}

func TestALowerNodeOfOursFollowsAnOriginalAndReplacesItWhenItDies(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		high := f.original("high", 30)
		f.our("ours", 20)
		f.our("other", 10)
		f.w.Run(20 * time.Second)
		f.require("high")
		f.w.Run(f.w.Rand().Duration(0, 2*time.Minute))
		high.Crash()
		// It has no session that would end: the next look finds it without a
		// subscriber, and a second one purges it.
		f.soon("ours", 70*time.Second)
		f.w.Run(5 * time.Second)
		for _, key := range []string{"ipc::server:list", "ipc::election:e:candidates"} {
			if v, _ := f.w.Redis().Do("SISMEMBER", key, "high"); v != int64(0) {
				f.w.Require("the dead original is purged", errors.New(key))
			}
		}
	})
}

func TestAHigherOriginalThatJoinsLaterTakesOverFromOurs(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 20)
		f.original("low", 10)
		f.w.Run(f.w.Rand().Duration(20*time.Second, 90*time.Second))
		f.require("ours")
		f.w.Every("an original and ours do not lead at once", func() error {
			if got := f.leading(); strings.Contains(got, "high") && strings.Contains(got, "ours") {
				return errors.New(got)
			}
			return nil
		})
		f.original("high", 30)
		f.soon("high", 12*time.Second)
		f.w.Run(3 * time.Minute)
		f.require("high")
	})
}

func TestALowerOriginalThatJoinsIsKickedAndNobodyElseNotices(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 20)
		f.our("other", 15)
		f.w.Run(20 * time.Second)
		f.require("ours")
		low := f.original("low", 10)
		f.w.Run(500 * time.Millisecond)
		if told(low) != "lost" {
			f.w.Require("it is kicked at once", errors.New(told(low)))
		}
		f.w.Every("ours leads on", func() error {
			if f.leading() != "ours" {
				return errors.New(f.leading())
			}
			return nil
		})
		f.w.Run(3 * time.Minute)
		f.require("ours")
	})
}

func TestOurLeaderThatCrashesIsReplacedByTheNextOfOursOrByAnOriginal(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		first, second := f.our("first", 40), f.our("second", 20)
		f.original("high", 30)
		low := f.original("low", 10)
		f.w.Run(20 * time.Second)
		f.require("first")
		first.Crash()
		// Its own round, and ten seconds. Both originals purge at once here, and a round in
		// the middle of the other's purge has no end (B2): then one round more.
		f.soon("high", 150*time.Second)
		f.old[0].Crash()
		f.soon("second", 70*time.Second)
		second.Crash()
		f.w.RunUntil(func() bool { return low.Leads("e") }, 3*time.Minute)
		f.require("low")
		first.Restart()
		f.soon("first", 20*time.Second)
		if low.LastResult("e") != sim.ResultLost {
			f.w.Require("the original gives way", errors.New(told(low)))
		}
	})
}

func TestOurLeaderThatQuitsLeavesTheOfficeToAnOriginal(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		n := f.our("ours", 20)
		f.original("low", 10)
		f.w.Run(20 * time.Second)
		f.require("ours")
		n.Tell("e", &actors.Quit{})
		f.w.RunUntil(func() bool { return f.leading() == "low" }, 90*time.Second)
		f.w.Require("who leads", f.leads("low"))
		n.Tell("e", &actors.Run{})
		f.soon("ours", 10*time.Second)
	})
}

func (f *mixedFleet) leads(id string) error {
	if got := f.leading(); got != id {
		return fmt.Errorf("%q, want %q", got, id)
	}
	return nil
}

func TestOurLeaderThatResignsYieldsToAnOriginalBelow(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		n := f.our("ours", 20)
		f.original("low", 10)
		f.w.Run(20 * time.Second)
		n.Tell("e", &actors.Resign{})
		f.w.Run(time.Second)
		f.w.Require("nobody leads", f.leads(""))
		f.soon("ours", 30*time.Second) // one TTL without a leader
	})
}

func TestAnOrphanThatHangsTheRoundsOfOriginalsIsPurgedByOurs(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		_, _ = f.w.Redis().Do("SADD", "ipc::election:e:candidates", "9") // comes last: all are integers
		f.original("3", 30)
		f.w.Run(30 * time.Second)
		f.w.Require("hung", f.leads(""))
		f.our("5", 20)
		f.soon("3", 100*time.Second)
	})
}

func TestOursAndOriginalsComeBackAfterAFlush(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 30)
		f.our("other", 20)
		f.original("low", 10)
		f.w.Run(20 * time.Second)
		f.require("ours")
		f.w.Redis().FlushAll()
		f.w.Run(2 * time.Minute)
		f.require("ours")
		for _, id := range []string{"ours", "other"} {
			if v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", id); v != int64(1) {
				f.w.Require("ours register again", errors.New(id))
			}
		}
	})
}

func TestAPatternSubscriberDoesNotKeepTheDeadAlive(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.w.Redis().SetPatternSubscribers(2)
		f.original("low", 10)
		high := f.original("high", 30)
		f.our("ours", 5)
		f.w.Run(20 * time.Second)
		f.require("high")
		high.Crash()
		f.soon("low", 3*time.Minute)
	})
}

func TestAFleetThatIsNotMixedIgnoresOriginals(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		old := f.original("high", 30)
		n := f.w.Node("ours", actors.Config{Rank: new(int64(20)), Mixed: new(false)})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		f.ours = append(f.ours, n)
		f.w.Run(2 * time.Minute)
		if !valid(n) {
			f.w.Require("ours leads", errors.New(f.leading()))
		}
		if old.Count("died") != 0 || len(n.Handle().Members()) != 1 {
			f.w.Require("it is not looked at", fmt.Errorf("%s, %v", told(old), n.Handle().Members()))
		}
	})
}
