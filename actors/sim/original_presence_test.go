package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// peersOf notes what a node tells of the coming and going of others.
func peersOf(n *sim.Node) *[]string {
	told := &[]string{}
	n.Watch(func(ev actors.Event) {
		switch ev := ev.(type) {
		case *actors.PeerUp:
			*told = append(*told, "up "+ev.Peer.ID)
		case *actors.PeerLeft:
			*told = append(*told, "left "+ev.Peer.ID)
		case *actors.PeerDead:
			*told = append(*told, "dead "+ev.Peer.ID)
		}
	})
	return told
}

// tells fails the world unless a node has told this of one id, and nothing else.
func (f *mixedFleet) tells(told *[]string, id string, want ...string) {
	var got []string
	for _, s := range *told {
		if kind, of, _ := strings.Cut(s, " "); of == id {
			got = append(got, kind)
		}
	}
	if !slices.Equal(got, want) {
		f.w.Require("what is told of "+id, fmt.Errorf("%q, want %q", got, want))
	}
}

// leftNothing fails the world if something is left of an id.
func (f *mixedFleet) leftNothing(id string) {
	for key, cmd := range map[string]string{"ipc::server:list": "SISMEMBER", "ipc::election:e:candidates": "SISMEMBER"} {
		if v, _ := f.w.Redis().Do(cmd, key, id); v != int64(0) {
			f.w.Require("nothing is left of "+id, fmt.Errorf("%s has it", key))
		}
	}
	for _, key := range []string{"ipc::election:" + id + ":participated", "ipc::session:" + id} {
		if v, _ := f.w.Redis().Do("EXISTS", key); v != int64(0) {
			f.w.Require("nothing is left of "+id, fmt.Errorf("%s is there", key))
		}
	}
}

func TestADeadOriginalIsToldWithinTwoHeartbeatsAndLeftForOriginalsToFind(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		told := peersOf(f.our("ours", 40))
		other := peersOf(f.our("other", 30))
		low := f.original("low", 10)
		high := f.original("high", 20)
		f.w.Run(20*time.Second + f.w.Rand().Duration(0, 30*time.Second))
		before := len(low.Events())
		high.Crash()
		f.w.Run(6 * time.Second)
		f.tells(told, "high", "up", "dead")
		f.tells(other, "high", "up", "dead")
		f.w.Run(2 * time.Minute)
		if got := toldSince(low, before); got != "dead high" {
			f.w.Require("the originals find it themselves", fmt.Errorf("%s", got))
		}
		f.tells(told, "high", "up", "dead")
		f.leftNothing("high")
		high.Restart()
		f.w.Run(2 * time.Minute)
		f.tells(told, "high", "up", "dead", "up")
		f.tells(other, "high", "up", "dead", "up")
		f.require("ours")
	})
}

// toldSince is what an original was told from an event on.
func toldSince(o *sim.Original, from int) string {
	s := ""
	for _, ev := range o.Events()[from:] {
		s += ev.Kind + " " + ev.ID
	}
	return s
}

func TestOneOfOursThatDiesIsFoundByTheOriginalsToo(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 40)
		told := peersOf(f.ours[0])
		n := f.our("other", 30)
		low := f.original("low", 10)
		f.w.Run(20*time.Second + f.w.Rand().Duration(0, time.Minute))
		before := len(low.Events())
		n.Crash()
		f.ours = f.ours[:1]
		f.w.Run(100 * time.Second)
		if got := toldSince(low, before); got != "dead other" {
			f.w.Require("the original finds it", fmt.Errorf("%s", got))
		}
		f.tells(told, "other", "up", "dead")
		f.leftNothing("other")
		f.require("ours")
	})
}

func TestADeadOriginalThatAnotherOnePurgedBeforeWeLookedIsDead(t *testing.T) {
	onMixed(t, 50, func(f *mixedFleet) {
		told := peersOf(f.our("ours", 40))
		f.original("low", 10) // its rounds are at 0, 60, 120 s
		f.w.Run(5 * time.Second)
		high := f.original("high", 20)
		f.w.Run(55*time.Second - f.w.Rand().Duration(time.Millisecond, 1500*time.Millisecond))
		high.Crash()
		f.w.Run(20 * time.Second)
		f.tells(told, "high", "up", "dead")
		f.w.Run(90 * time.Second)
		f.leftNothing("high")
	})
}

func TestAnOriginalThatTookItsLeaveHasLeft(t *testing.T) {
	onMixed(t, 50, func(f *mixedFleet) {
		told := peersOf(f.our("ours", 40))
		f.original("low", 10)
		quits, forgets, stays := f.original("quits", 20), f.original("forgets", 21), f.original("stays", 22)
		f.w.Run(f.w.Rand().Duration(20*time.Second, 80*time.Second))
		quits.Quit("e")
		f.w.Run(time.Second)
		quits.Offline("quits", nil)
		forgets.Offline("", nil) // its candidacy stays
		stays.Offline("stays", nil)
		f.w.Run(100 * time.Millisecond)
		quits.Crash()
		forgets.Crash()
		f.w.Run(5 * time.Second)
		stays.Crash() // it was seen to live on
		f.w.Run(30 * time.Second)
		for _, id := range []string{"quits", "forgets", "stays"} {
			f.tells(told, id, "up", "left")
		}
	})
}

func TestAnOriginalThatGoesOnlineAgainIsNoNews(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		told := peersOf(f.our("ours", 40))
		low := f.original("low", 10)
		f.w.Run(f.w.Rand().Duration(20*time.Second, 80*time.Second))
		low.Online(nil) // takes it off the list, and puts it on again
		f.w.Run(30 * time.Second)
		f.tells(told, "low", "up")
	})
}

func TestAnOriginalThatReconnectsIsNotTakenForDead(t *testing.T) {
	onMixed(t, 50, func(f *mixedFleet) {
		told := peersOf(f.our("ours", 40))
		low := f.original("low", 10)
		f.w.Run(f.w.Rand().Duration(20*time.Second, 50*time.Second))
		for range 5 {
			f.w.Redis().DropSubscribers(low.Process)
			f.w.Run(f.w.Rand().Duration(3*time.Second, 6*time.Second))
		}
		f.w.Run(10 * time.Second)
		f.tells(told, "low", "up")
	})
}

// An original purges whomever its PUBLISH did not reach: a gap in the subscription is
// enough, or an error of its own (B7, B8). A leader has no rounds in which it would register.
func TestALiveLeaderThatAnOriginalPurgedRegistersAgain(t *testing.T) {
	onMixed(t, 50, func(f *mixedFleet) {
		f.our("ours", 40)
		other := peersOf(f.our("other", 30))
		f.original("low", 10)
		f.w.Run(f.w.Rand().Duration(20*time.Second, 90*time.Second))
		for _, cmd := range [][]string{
			{"SREM", "ipc::server:list", "ours"},
			{"HDEL", "ipc::server:details", "ours"},
			{"SREM", "ipc::election:e:candidates", "ours"},
		} {
			if _, err := f.w.Redis().Do(cmd...); err != nil {
				f.w.Require("purged", err)
			}
		}
		f.w.Run(3 * time.Second)
		for _, key := range []string{"ipc::server:list", "ipc::election:e:candidates"} {
			if v, _ := f.w.Redis().Do("SISMEMBER", key, "ours"); v != int64(1) {
				f.w.Require("it registers again", fmt.Errorf("%s lacks it", key))
			}
		}
		f.w.Run(2 * time.Minute)
		f.require("ours")
		for _, s := range *other {
			if s == "left ours" || s == "dead ours" {
				f.w.Require("it was there all the time", fmt.Errorf("%q", *other))
			}
		}
	})
}

// Who quits last tidies up, but an original knows of none of our keys: a heartbeat does it.
func TestOfAnElectionThatAnOriginalQuitsLastNothingIsLeft(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		ours, low := f.our("ours", 40), f.original("low", 10)
		f.w.Run(20 * time.Second)
		if !valid(ours) {
			f.w.Require("it leads", fmt.Errorf("%s leads", f.leading()))
		}
		ours.Tell("e", &actors.Quit{})
		f.w.Run(f.w.Rand().Duration(time.Second, 30*time.Second))
		if v, _ := f.w.Redis().Do("EXISTS", keys.Leader("e")); v != int64(1) {
			f.w.Require("the original stands yet", fmt.Errorf("%v records", v))
		}
		low.Quit("e")
		f.w.Run(3 * time.Second)
		for _, key := range []string{keys.Leader("e"), keys.Candidates("e"), keys.Deserted()} {
			if v, _ := f.w.Redis().Do("EXISTS", key); v != int64(0) {
				f.w.Require("nothing is left", fmt.Errorf("%s is there", key))
			}
		}
	})
}
