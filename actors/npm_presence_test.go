package actors_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

func TestMessagesGoBothWaysBetweenRealOriginalsAndOurs(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		old, ours := f.old("old", 10), f.our("ours", 20)
		next(ours.peer, func(ev *actors.PeerUp) bool { return ev.Peer.ID == "old" })
		message := func(from int, want string) {
			t.Helper()
			if _, ok := old.Await(patience, from, func(ev redistest.OriginalEvent) bool {
				return ev.Kind == "message" && string(ev.Value) == want
			}); !ok {
				t.Errorf("the original got no %s: %+v", want, old.Events())
			}
		}
		if n, err := ours.Send(bg(t), "old", map[string]any{"a": []int{1, 2}}); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		message(0, `{"a":[1,2]}`)
		if n, err := ours.Broadcast(bg(t), "to all"); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		message(0, `"to all"`)
		if m := next[*actors.Message](ours.peer, nil); !m.Broadcast || string(m.JSON()) != `"to all"` {
			t.Errorf("its own broadcast: %+v", m)
		}
		if n := f.do(old, "send", map[string]any{"id": "ours", "value": map[string]any{"b": nil}}); string(n) != "1" {
			t.Errorf("receivers %s", n)
		}
		if m := next[*actors.Message](ours.peer, nil); m.Broadcast || string(m.JSON()) != `{"b":null}` {
			t.Errorf("%+v", m)
		}
		if n := f.do(old, "broadcast", map[string]any{"value": 7}); string(n) != "2" {
			t.Errorf("receivers %s", n)
		}
		if m := next[*actors.Message](ours.peer, nil); !m.Broadcast || string(m.JSON()) != "7" {
			t.Errorf("%+v", m)
		}
		if n := f.do(old, "send", map[string]any{"id": "nobody", "value": 1}); string(n) != "0" {
			t.Errorf("receivers %s", n)
		}
	})
}

func TestPresenceAndTheWinnerAreSeenByRealOriginalsAndOurs(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		low := f.old("low", 10)
		ours := f.our("ours", 20)
		f.soon("joined", "ours")
		m := ours.Members()
		if i := slices.IndexFunc(m, func(m actors.Member) bool { return m.ID == "low" }); len(m) != 2 || i < 0 || !m[i].Original || m[i].Rank != 10 {
			t.Errorf("members %+v", m)
		}
		var d struct{ Process float64 }
		if err := json.Unmarshal(f.do(low, "details", map[string]any{"id": "ours"}), &d); err != nil || d.Process != 20.5 {
			t.Errorf("the original sees %+v, %v", d, err)
		}
		var text string
		if err := json.Unmarshal(f.do(low, "winner", nil), &text); err != nil || text != `{"serverId":"ours","pid":20.5}` {
			t.Errorf("the original reads the winner %q, %v", text, err)
		}
	})
}

func TestTheDeathOfEitherKindIsToldByBothKinds(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		a, b := f.our("a", 40), f.our("b", 30)
		low, other := f.old("low", 10), f.old("other", 20)
		up := map[string]bool{} // in whatever order
		next(a.peer, func(ev *actors.PeerUp) bool {
			up[ev.Peer.ID] = true
			return up["low"] && up["other"]
		})
		start := time.Now()
		other.Kill()
		for _, p := range []*npmPeer{a, b} {
			next(p.peer, func(ev *actors.PeerDead) bool { return ev.Peer.ID == "other" })
		}
		t.Logf("FIGURE ours tell the death of an original (TTL 2 s): %d ms", time.Since(start).Milliseconds())
		f.hears(low, 0, "dead", "other")
		t.Logf("FIGURE originals tell the death of an original: %d ms", time.Since(start).Milliseconds())
		start = time.Now()
		b.crash()
		next(a.peer, func(ev *actors.PeerDead) bool { return ev.Peer.ID == "b" })
		t.Logf("FIGURE ours tell the death of one of ours (TTL 2 s): %d ms", time.Since(start).Milliseconds())
		f.hears(low, 0, "dead", "b")
		t.Logf("FIGURE originals tell the death of one of ours: %d ms", time.Since(start).Milliseconds())
		f.cleared("b", "other")
	})
}

// cleared waits until nothing is left of somebody.
func (f *npmFleet) cleared(ids ...string) {
	f.t.Helper()
	eventually(f.t, "everything is cleared up", func() bool {
		for _, id := range ids {
			n := f.client.Exists(context.Background(), f.keys.Participated(id)).Val()
			if n > 0 || f.listed(id) || f.candidate("e", id) {
				return false
			}
		}
		return true
	})
}

func TestWhoTookItsLeaveHasLeftAndWhoWasPurgedByAnotherOriginalIsDead(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		f.ttl = 3 * time.Second // so that a purge comes between two looks
		ours := f.our("ours", 40)
		low := f.old("low", 5)
		start := func(id string) *redistest.Original {
			o := f.old(id, 10)
			next(ours.peer, func(ev *actors.PeerUp) bool { return ev.Peer.ID == id })
			return o
		}
		left := func(id string) {
			t.Helper()
			next(ours.peer, func(ev actors.Event) bool {
				switch ev := ev.(type) {
				case *actors.PeerDead:
					t.Errorf("%s is dead", ev.Peer.ID)
				case *actors.PeerLeft:
					return ev.Peer.ID == id
				}
				return false
			})
		}
		o := start("quitter")
		f.do(o, "quit", map[string]any{"election": "e"})
		f.leaves(o, "quitter")
		left("quitter")
		f.leaves(start("forgetful"), "") // its candidacy stays: the package's fault
		left("forgetful")
		f.cleared("forgetful")

		o = start("victim")
		o.Kill()
		purged := false
		for range 20 { // whoever votes next; ours may look before
			f.do(low, "run", map[string]any{"election": "e"})
			if at, ok := low.Await(time.Second, 0, func(ev redistest.OriginalEvent) bool { return ev.Kind == "dead" && ev.ID == "victim" }); ok && at > 0 {
				purged = true
				break
			}
		}
		if !purged {
			t.Fatal("nobody found it")
		}
		next(ours.peer, func(ev actors.Event) bool {
			switch ev := ev.(type) {
			case *actors.PeerLeft:
				t.Errorf("%s has left", ev.Peer.ID)
			case *actors.PeerDead:
				return ev.Peer.ID == "victim"
			}
			return false
		})
		f.cleared("victim")
	})
}

func TestOursDoesNotStartUnderTheIDOfARealOriginal(t *testing.T) {
	mixed(t, func(t *testing.T, f *npmFleet) {
		x := f.old("x", 70)
		f.our("ours", 20)
		f.soon("the original leads", "x")
		_, err := actors.Start(bg(t), system, f.config("x", 90, f.hasten))
		if !errors.Is(err, actors.ErrDuplicateID) || !strings.Contains(err.Error(), "an original, process 70") {
			t.Errorf("%v", err)
		}
		f.stays("x", 5*time.Second)
		x.Kill()
		f.our("x", 90)
		f.soon("it is upgraded in its place", "x")
	})
}
