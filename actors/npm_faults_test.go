package actors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// standing waits until the originals are listed and candidates of "e".
func (f *npmFleet) standing(what string, ids ...string) {
	f.t.Helper()
	start := time.Now()
	eventually(f.t, what, func() bool {
		for _, id := range ids {
			if !f.listed(id) || !f.candidate("e", id) {
				return false
			}
		}
		return true
	})
	f.t.Logf("FIGURE %s: %.1f s of the originals", what, (time.Since(start) * f.speed).Seconds())
}

func TestWithRealOriginalsAFlushedRedisComesBackAndTheHighestLeadsAgain(t *testing.T) {
	for name, rank := range map[string]int64{"under ours": 40, "over ours": 20} {
		t.Run(name, func(t *testing.T) {
			mixed(t, func(t *testing.T, f *npmFleet) {
				f.old("low", 10)
				f.old("high", 30)
				f.our("ours", rank)
				f.our("second", rank-1)
				leader := "ours"
				if rank < 30 {
					leader = "high"
				}
				f.soon("joined", leader)
				f.client.FlushAll(bg(t))
				f.standing("originals are put back after a FLUSHALL", "low", "high")
				f.soon("after a FLUSHALL", leader)
				f.stays(leader, 75*time.Second)
				t.Logf("FIGURE two led after a FLUSHALL: %.1f s of the originals", (f.overlap() * f.speed).Seconds())
				f.nobodyDied()
			})
		})
	}
}

// connections are the addresses of the connections that there are.
func (f *npmFleet) connections() (list []string) {
	f.t.Helper()
	for line := range strings.Lines(f.client.ClientList(bg(f.t)).Val()) {
		for word := range strings.FieldsSeq(line) {
			if addr, is := strings.CutPrefix(word, "addr="); is {
				list = append(list, addr)
			}
		}
	}
	return list
}

func TestWithRealOriginalsOneWhoseConnectionsAreKilledComesBack(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		f.our("ours", 20)
		f.old("low", 10)
		f.soon("ours over an original", "ours")
		for _, id := range []string{"high", "low2"} {
			before := f.connections()
			leader := "high" // in the end
			rank := map[string]int{"high": 30, "low2": 15}[id]
			o := f.old(id, rank)
			f.soon("joined", leader)
			killed := 0
			for range 5 {
				time.Sleep(f.scaled(20 * time.Second)) // past its first round
				for _, addr := range f.connections() {
					if !slices.Contains(before, addr) {
						f.client.ClientKillByFilter(bg(t), "ADDR", addr)
						killed++
					}
				}
			}
			time.Sleep(f.scaled(20 * time.Second))
			switch {
			case strings.Contains(told(o), "died Error: Redis connection"):
				// Reset while something was under way, which ends the package's process.
				t.Logf("%s has died of it: started again under another id", id)
				f.olds = slices.DeleteFunc(f.olds, func(x *redistest.Original) bool { return x == o })
				id += "b"
				f.old(id, rank)
			case killed < 8:
				t.Errorf("%d connections of %s were killed", killed, id)
			}
			f.standing(id+" is a candidate after CLIENT KILL", id)
			f.soon("after CLIENT KILL of "+id, leader)
			f.stays(leader, 75*time.Second)
		}
		f.nobodyDied()
	})
}

func TestWithRealOriginalsTenOfThemElectWithOurs(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		var ids []string
		for i := range 10 {
			f.old(fmt.Sprint("old", i), 10+i)
			ids = append(ids, fmt.Sprint("old", i))
		}
		first := f.our("first", 100)
		second := f.our("second", 50)
		f.soon("ours joins ten originals", "first")
		f.stays("first", time.Minute)
		first.crash()
		f.ours = f.ours[1:]
		f.soon("ours follows ours, over ten", "second")
		f.stays("second", time.Minute)
		f.standing("all ten are candidates", ids...)
		second.must(second.Stop(bg(t)))
		f.ours = nil
		f.soon("the highest of ten follows", "old9")
		f.nobodyDied()
	})
}

// Stopping an original in its round needs a machine that does so in time.
const tooBusy = "the machine is too busy: the original's wait was over before it was stopped, so what follows from the stop is left out"

func TestWithRealOriginalsOneThatStandsStillInItsRound(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		ours := f.our("ours", 20)
		f.soon("alone", "ours")
		low := f.old("low", 10)
		low.Pause() // its votes are out, its wait has begun
		if leadsNow(low, "e") {
			t.Log(tooBusy)
		} else {
			f.stays("ours", 75*time.Second)
		}
		low.Resume()
		f.hears(low, 0, "lost", "")
		f.stays("ours", 75*time.Second)

		high := f.old("high", 30)
		eventually(t, "ours gives way", func() bool { l := ours.Leadership("e"); return l == nil || !l.Valid() })
		high.Pause()
		if leadsNow(high, "e") {
			t.Log(tooBusy)
			return
		}
		f.soon("ours passes over one that stopped in its round", "ours")
		high.Resume()
		f.soon("it goes on", "high")
		f.stays("high", 75*time.Second)
		f.nobodyDied()
	})
}

// The last member of a set of integers is the greatest: an orphan there hangs originals.
func TestWithRealOriginalsAnOrphanOnWhichTheyHangIsCleared(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		if n := f.client.SAdd(bg(t), f.keys.Candidates("e"), "999").Val(); n != 1 {
			t.Fatal(n)
		}
		f.old("1", 10)
		two := f.old("2", 20)
		time.Sleep(f.scaled(80 * time.Second))
		if got := f.leading("e"); got != "" {
			t.Fatalf("they do not hang: %q leads", got)
		}
		f.our("3", 5) // the lowest
		f.soon("originals go on when ours has cleared an orphan", "2")
		f.hears(two, 0, "won", "")
		if f.candidate("e", "999") {
			t.Error("it is there still")
		}
		f.nobodyDied()
	})
}

func TestWithRealOriginalsAGhostIsPutBack(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		low := f.old("low", 10)
		f.old("high", 30)
		f.our("ours", 20)
		f.soon("joined", "high")
		for _, id := range []string{"high", "low"} {
			if err := low.Ask("offline", map[string]any{"id": id}, nil); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is no candidate", func() bool { return !f.candidate("e", id) })
			f.standing("a ghost is put back", id)
			f.soon("after "+id+" was a ghost", "high")
			f.stays("high", 75*time.Second)
		}
		f.nobodyDied()
	})
}

// With a pattern subscriber each PUBLISH has a receiver: originals find no dead one.
func TestWithRealOriginalsAPatternSubscriberHidesNoDeath(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		holder := f.client.PSubscribe(bg(t), "*")
		t.Cleanup(func() { _ = holder.Close() })
		if _, err := holder.Receive(bg(t)); err != nil {
			t.Fatal(err)
		}
		f.old("low", 10)
		f.old("mid", 20)
		high := f.old("high", 30)
		ours := f.our("ours", 25)
		f.soon("joined", "high")
		high.Kill()
		f.soon("ours follows", "ours")
		next(ours.peer, func(ev *actors.PeerDead) bool { return ev.Peer.ID == "high" })
		f.cleared("high")
		ours.must(ours.Quit(bg(t), "e")) // and stays, for presence
		f.ours = nil
		f.soon("an original follows, freed of the dead one", "mid")
		f.nobodyDied()
	})
}

// In containers every process id is 1: such originals take each other for themselves.
func TestWithRealOriginalsOfOneProcessIDOursLeadsAlone(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		for _, id := range []string{"a", "b", "c"} {
			f.old(id, 1)
		}
		f.soon("three originals with one process id, without ours", "a b c")
		f.our("ours", 1)
		f.soon("ours with that process id joins", "ours")
		f.our("zero", 0)
		f.stays("ours", 75*time.Second)
		for _, o := range f.olds {
			o.Kill()
		}
		f.olds = nil
		f.stays("ours", time.Minute)
	})
}
