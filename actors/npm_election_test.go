package actors_test

import (
	"syscall"
	"testing"
	"time"

	"hustings/redisbridge/redistest"
)

func TestWithRealOriginalsOursWinsOverLowerOnesAndTheyEmitLost(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		low, mid := f.old("low", 10), f.old("mid", 20)
		f.soon("two originals elect one", "mid")
		f.our("ours", 30)
		f.soon("ours joins lower originals", "ours")
		f.hears(low, 0, "lost", "")
		f.hears(mid, f.hears(mid, 0, "won", ""), "lost", "")
		f.stays("ours", 75*time.Second)
		f.nobodyDied()
	})
}

func TestWithRealOriginalsOursLosesToAHigherOne(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		f.old("high", 30)
		f.soon("an original alone", "high")
		ours := f.our("ours", 20)
		f.soon("ours joins a higher original", "high")
		if l, err := ours.Leader("e"); err != nil || !l.Original || l.Token != 0 || l.Self {
			f.t.Errorf("leader %+v, %v", l, err)
		}
		if ours.LastResult("e") != "lost" {
			f.t.Errorf("last result %q", ours.LastResult("e"))
		}
		f.stays("high", 75*time.Second)
		f.nobodyDied()
	})
}

func TestWithRealOriginalsAHigherOneThatJoinsLaterTakesOver(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		f.our("ours", 20)
		f.soon("ours alone", "ours")
		f.old("low", 10)
		f.old("high", 30)
		f.soon("a higher original joins", "high")
		f.stays("high", 75*time.Second)
		if d := f.overlap(); d > 0 {
			f.t.Errorf("two led at once for %v", d)
		}
		f.nobodyDied()
	})
}

func TestWithRealOriginalsALowerOneThatJoinsIsKickedAndNobodyElseNotices(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		f.our("ours", 20)
		f.our("other", 15)
		f.soon("ours alone", "ours")
		start := time.Now()
		low := f.old("low", 10)
		f.hears(low, 0, "lost", "")
		f.t.Logf("FIGURE a lower original is told, its start included: %d ms", time.Since(start).Milliseconds())
		f.stays("ours", 75*time.Second)
		if s := told(low); s != "lost" {
			f.t.Errorf("it was told %s", s)
		}
	})
}

func TestWithRealOriginalsOurKilledLeaderIsReplacedByTheNextWhoeverThatIs(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		first := f.spawn("first", 40)
		first.hears(f.t, "won")
		f.old("high", 30)
		f.our("second", 20)
		f.old("low", 10)
		f.soon("joined", "first")
		first.signal(syscall.SIGKILL)
		f.soon("an original above the other of ours follows our killed leader", "high")
		f.olds[0].Kill()
		f.soon("ours follows a killed original", "second")
		f.stays("second", 75*time.Second)
		f.nobodyDied()
	})
}

func TestWithRealOriginalsOurKilledLeaderIsReplacedByTheNextOfOurs(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		first := f.spawn("first", 40)
		first.hears(f.t, "won")
		low := f.old("low", 10)
		f.our("second", 20)
		f.soon("joined", "first")
		first.signal(syscall.SIGKILL)
		f.soon("ours follows our killed leader (TTL 2 s)", "second")
		f.stays("second", 75*time.Second)
		if leadsNow(low, "e") {
			f.t.Error("the original leads beside it")
		}
		f.nobodyDied()
	})
}

func TestWithRealOriginalsAloneOurKilledLeaderIsReplacedByAnOriginal(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		first := f.spawn("first", 40)
		first.hears(f.t, "won")
		low, high := f.old("low", 10), f.old("high", 20)
		f.soon("joined", "first")
		first.signal(syscall.SIGKILL)
		f.soon("an original follows our only node, killed", "high")
		if _, ok := low.Await(0, 0, func(ev redistest.OriginalEvent) bool { return ev.Kind == "dead" && ev.ID == "first" }); !ok {
			f.hears(high, 0, "dead", "first")
		}
		f.spawn("first", 40).hears(f.t, "won")
		f.soon("it is started again", "first")
		f.nobodyDied()
	})
}

func TestWithRealOriginalsOurLeaderThatQuitsOrResignsIsFollowed(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		first := f.our("first", 40)
		f.our("second", 20)
		low := f.old("low", 10)
		f.soon("joined", "first")
		first.must(first.Resign(bg(f.t), "e"))
		f.soon("ours follows our leader that resigned", "second")
		first.must(first.Quit(bg(f.t), "e"))
		f.ours = f.ours[1:] // it is no candidate, and does not look
		f.stays("second", time.Minute)
		second := f.ours[0]
		f.ours = nil
		second.must(second.Quit(bg(f.t), "e"))
		f.soon("an original follows ours that quit", "low")
		second.run("e")
		f.ours = []*npmPeer{second}
		f.soon("ours stands again", "second")
		f.hears(low, f.hears(low, 0, "won", ""), "lost", "")
		f.nobodyDied()
	})
}

func TestWithRealOriginalsOurHungLeaderIsReplacedAndStepsDownWhenItWakes(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		first := f.spawn("first", 40)
		first.hears(f.t, "won")
		f.our("second", 20)
		low := f.old("low", 10)
		f.soon("joined", "first")
		first.signal(syscall.SIGSTOP)
		f.others = nil
		f.soon("ours follows our hung leader (TTL 2 s)", "second")
		f.stays("second", 75*time.Second)
		first.signal(syscall.SIGCONT)
		first.hears(f.t, "lost")
		f.others = append(f.others, first)
		f.soon("our hung leader wakes", "first")
		if d := f.overlap(); d > 0 || leadsNow(low, "e") {
			f.t.Errorf("overlap with an original: %v", d)
		}
		f.nobodyDied()
	})
}

func TestWithRealOriginalsOneThatLeadsAndHangsIsPassedOver(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		high := f.old("high", 30)
		f.soon("an original alone", "high")
		f.our("ours", 20)
		low := f.old("low", 10)
		f.soon("joined", "high")
		high.Pause()
		f.olds = []*redistest.Original{low}
		f.soon("ours passes over an original that hangs", "ours")
		f.stays("ours", 75*time.Second)
		high.Resume()
		f.olds = append(f.olds, high)
		f.soon("the hung original wakes", "high")
		f.stays("high", 75*time.Second)
		f.nobodyDied()
	})
}

func TestWithRealOriginalsOneThatLeadsAndTakesItsLeaveIsFollowed(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		high := f.old("high", 30)
		f.soon("an original alone", "high")
		f.our("ours", 20)
		f.soon("joined", "high")
		f.do(high, "quit", map[string]any{"election": "e"})
		f.leaves(high, "")
		f.soon("ours follows an original that took its leave", "ours")
		f.nobodyDied()
	})
}

func TestWithRealOriginalsTwoElectionsAtOnceHaveTwoLeaders(t *testing.T) {
	mixed(t, func(_ *testing.T, f *npmFleet) {
		f.old("high", 30, "e", "x")
		a := f.our("a", 20)
		b := f.our("b", 40)
		f.old("low", 10, "x")
		a.run("x")
		f.soon("the election with the highest of ours", "b")
		b.must(b.Quit(bg(f.t), "x"))
		f.ours = f.ours[:1]
		f.soonIn("x", "the election without it", "high")
		f.ours = append(f.ours, b)
		b.run("x")
		f.soonIn("x", "it stands there, too", "b")
		f.soon("and leads still where it led", "b")
		f.nobodyDied()
	})
}
