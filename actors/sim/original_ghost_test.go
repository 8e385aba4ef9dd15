package sim_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

func TestAGhostIsPutBackAmongTheCandidates(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 5)
		f.original("low", 10)
		f.w.Run(20 * time.Second)
		high := f.original("high", 30)
		f.w.Run(20 * time.Second)
		f.require("high")
		high.Online(nil) // B6: it is no candidate any more, and goes on voting
		f.w.Run(time.Second)
		if v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", "high"); v != int64(0) {
			f.w.Require("a ghost", errors.New("it is a candidate still"))
		}
		f.w.Run(4 * time.Minute)
		if v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", "high"); v != int64(1) {
			f.w.Require("put back", errors.New("no candidate"))
		}
		f.soon("high", 2*time.Minute)
		f.w.Run(3 * time.Minute)
		f.require("high")
	})
}

// The vote by which a ghost is known is of a round that goes on. If a kick of its betters
// comes before its votes are out it takes itself for elected (B1), unless ours kick it
// again in that round.
func TestAGhostThatIsPutBackDoesNotWinTheRoundThatItIsIn(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 20)
		f.original("high", 30)
		low := f.original("low", 10)
		f.w.Run(30 * time.Second)
		f.require("high")
		f.w.SetWeather(sim.Weather{DelayReply: 1, Delay: 10 * time.Millisecond})
		low.Online(nil)
		f.w.Run(time.Second)
		standing := func() bool {
			v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", "low")
			return v == int64(1)
		}
		if standing() || !f.w.RunUntil(standing, 4*time.Minute) {
			f.w.Require("a ghost is put back", errors.New(told(low)))
		}
		won := low.Count("won")
		f.w.Run(3 * time.Minute)
		if n := low.Count("won") - won; n != 0 {
			f.w.Require("it wins nothing", fmt.Errorf("won %d times: %s", n, told(low)))
		}
		f.require("high")
	})
}

// After a FLUSHALL nobody knows of originals. One that comes back as a ghost outranks ours,
// and they must not claim beside it only because their lists do not have it yet.
func TestAGhostThatIsPutBackIsAskedByAllOfOurs(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		for i, id := range []string{"second", "ours"} {
			n := f.w.Node(id, actors.Config{Rank: new(int64(19 + i)), Quarantine: new(false)})
			n.Stand(actors.ElectionConfig{Name: "e", Run: true})
			f.ours = append(f.ours, n)
		}
		f.original("low", 10)
		high := f.original("high", 30)
		f.w.Run(20*time.Second + f.w.Rand().Duration(0, 60*time.Second))
		f.soon("high", 2*time.Minute)
		_, _ = f.w.Redis().Do("FLUSHALL")
		standing := func() bool {
			v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", "high")
			return v == int64(1)
		}
		if !f.w.RunUntil(standing, 4*time.Minute) {
			f.w.Require("put back", errors.New(told(high)))
		}
		f.w.Run(time.Second)
		if f.w.RunUntil(func() bool { return valid(f.ours[0]) || valid(f.ours[1]) }, 3*time.Minute) {
			f.w.Require("ours give way", fmt.Errorf("%q leads", f.leading()))
		}
		f.require("high")
	})
}

func TestOursIsTheWinnerThatOriginalsRead(t *testing.T) {
	onMixed(t, 5, func(f *mixedFleet) {
		f.original("low", 10)
		f.our("ours", 20)
		f.w.Run(20 * time.Second)
		f.require("ours")
		if v, _ := f.w.Redis().Do("GET", "ipc::election:winner"); v != `{"serverId":"ours","pid":20.5}` {
			f.w.Require("the winner's key", fmt.Errorf("%v", v))
		}
	})
}

// The next term may begin before the members' lists have an original that was put back.
func TestOursIsTheWinnerForAnOriginalThatWasJustPutBack(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		for i, id := range []string{"second", "first"} {
			n := f.w.Node(id, actors.Config{Rank: new(int64(19 + i)), Quarantine: new(false)})
			n.Stand(actors.ElectionConfig{Name: "e", Run: true})
			f.ours = append(f.ours, n)
		}
		f.original("low", 10)
		f.w.Run(20*time.Second + f.w.Rand().Duration(0, 60*time.Second))
		f.soon("first", time.Minute)
		_, _ = f.w.Redis().Do("FLUSHALL")
		standing := func() bool {
			v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", "low")
			return v == int64(1)
		}
		if !f.w.RunUntil(standing, 4*time.Minute) || f.leading() != "first" {
			f.w.Require("put back", fmt.Errorf("%q leads", f.leading()))
		}
		f.ours[1].Tell("e", &actors.Resign{})
		f.soon("second", time.Second)
		f.w.Run(10 * time.Millisecond)
		if v, _ := f.w.Redis().Do("GET", "ipc::election:winner"); v != `{"serverId":"second","pid":19.5}` {
			f.w.Require("the winner's key", fmt.Errorf("%v", v))
		}
	})
}

func TestAnOriginalThatQuitIsNotPutBack(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 20)
		low := f.original("low", 10)
		f.w.Run(time.Minute - f.w.Rand().Duration(0, time.Millisecond))
		low.Quit("e") // a vote of it may be under way
		f.w.Run(5 * time.Minute)
		if v, _ := f.w.Redis().Do("SISMEMBER", "ipc::election:e:candidates", "low"); v != int64(0) {
			f.w.Require("it has quit", errors.New("it is a candidate again"))
		}
		f.require("ours")
	})
}

// What a round that was given up left pending is acked together with what the next one
// asks: one ack would cost the original another round (B16).
func TestAnOriginalWithAStaleEntryWinsInItsNextRound(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 5)
		high := f.original("high", 30)
		f.w.Run(59 * time.Second)
		f.w.SetWeather(sim.Weather{LosePubSub: 1})
		f.w.Run(2 * time.Second) // a round in which nobody hears its votes
		f.w.SetWeather(sim.Weather{})
		_, _ = f.w.Redis().Do("PUBLISH", "ipc::bully:high", `{"type":"vote","election":"e","me":99,"id":"x"}`)
		f.w.Run(70 * time.Second)
		if high.LastResult("e") != sim.ResultWon {
			f.w.Require("it has won", errors.New(told(high)))
		}
	})
}
