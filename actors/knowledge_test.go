package actors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// It is asked for by those who read no docs: a program that asks who leads what it has quit, say.
func TestWhoAsksForTheLeaderOfWhatItHasQuitIsToldWhatToDo(t *testing.T) {
	f := newFleet(t, servers["miniredis"])
	a := f.start("a", 1).run("e")
	a.won("e")
	a.must(a.Quit(bg(t), "e"))
	if _, err := a.Leader("e"); !errors.Is(err, actors.ErrUnknown) || !strings.Contains(err.Error(), "Observe it") {
		t.Errorf("%v, want ErrUnknown that says what to do", err)
	}
}

func TestLeaderIsUnknownThenNobodyThenSomebody(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		if _, err := a.Leader("e"); !errors.Is(err, actors.ErrUnknown) || !strings.Contains(err.Error(), "Observe it") {
			t.Errorf("before anybody looked: %v", err)
		}
		ctx, cancel := context.WithCancel(bg(t))
		defer cancel()
		leaders, err := a.Observe(ctx, "e")
		a.must(err)
		if l := receive(t, "the vacancy", leaders); l.ID != "" {
			t.Errorf("%+v", l)
		}
		if _, err := a.Leader("e"); !errors.Is(err, actors.ErrNoLeader) {
			t.Errorf("vacant: %v", err)
		}
		if got := a.LastResult("e"); got != "none" {
			t.Errorf("last result %q", got)
		}
		a.run("e")
		a.won("e")
		if l, err := a.Leader("e"); err != nil || l.ID != "a" || !l.Self {
			t.Errorf("%+v, %v", l, err)
		}
		if got := a.LastResult("e"); got != "won" {
			t.Errorf("last result %q", got)
		}
	})
}

func TestAnObserverSeesLeadersComeAndGoWithoutStanding(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = 2 * time.Second
		watcher, a, b := f.start("watcher", 9), f.start("a", 1), f.start("b", 2)
		ctx, cancel := context.WithCancel(bg(t))
		leaders, err := watcher.Observe(ctx, "e")
		watcher.must(err)
		until := func(id string) {
			t.Helper()
			for receive(t, "leader "+id, leaders).ID != id {
			}
		}
		until("")
		a.run("e")
		until("a")
		b.run("e")
		until("b")
		b.must(b.Quit(bg(t), "e"))
		until("a")
		a.must(a.Quit(bg(t), "e"))
		until("")
		if f.candidate("e", "watcher") || watcher.LastResult("e") != "none" {
			t.Error("the observer stands")
		}
		cancel()
		for range leaders { // it is closed
		}
	})
}

func ids(list []actors.Member) (out []string) {
	for _, m := range list {
		out = append(out, m.ID)
	}
	return out
}

func TestMembersComeLeaveAndDie(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		// The default TTL: a shorter one lapses where a machine has other things to do.
		a := f.start("a", 1)
		if got := ids(a.Members()); !slices.Equal(got, []string{"a"}) {
			t.Errorf("alone: %q", got)
		}
		b, c := f.start("b", 2), f.start("c", 3)
		for seen := map[string]bool{}; len(seen) < 2; { // in any order
			up := next[*actors.PeerUp](a, nil)
			if _, known := slices.BinarySearch(ids(a.Members()), up.Peer.ID); !known {
				t.Errorf("%s is up and no member", up.Peer.ID)
			}
			if up.Peer.Rank == 0 || up.Peer.PID == 0 || up.Peer.Start == "" || up.Peer.Original {
				t.Errorf("%+v", up.Peer)
			}
			seen[up.Peer.ID] = true
		}
		if got := ids(a.Members()); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("members %q", got)
		}
		if got := ids(c.Members()); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("a newcomer's members %q", got)
		}
		b.must(b.Stop(bg(t)))
		at := time.Now()
		next(a, func(ev *actors.PeerLeft) bool { return ev.Peer.ID == "b" })
		t.Logf("PeerLeft after %v", time.Since(at))
		c.crash()
		at = time.Now()
		next(a, func(ev *actors.PeerDead) bool { return ev.Peer.ID == "c" })
		t.Logf("PeerDead after %v", time.Since(at))
		eventually(t, "c is purged", func() bool {
			return f.client.HLen(context.Background(), f.keys.Details()).Val() == 1
		})
		if got := ids(a.Members()); !slices.Equal(got, []string{"a"}) {
			t.Errorf("alone again: %q", got)
		}
	})
}

func TestOfflineQuitsEverythingAndKeepsTheConnection(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = 2 * time.Second
		a, b := f.start("a", 1), f.start("b", 2).run("e").run("x")
		next(a, func(ev *actors.PeerUp) bool { return ev.Peer.ID == "b" })
		b.won("x")
		b.must(b.Offline(bg(t)))
		b.lost("x")
		next(a, func(ev *actors.PeerLeft) bool { return ev.Peer.ID == "b" })
		if f.candidate("e", "b") || f.candidate("x", "b") {
			t.Error("it stands still")
		}
		if err := b.Run(bg(t), "e"); !errors.Is(err, actors.ErrOffline) {
			t.Errorf("run while offline: %v", err)
		}
		if _, err := b.Campaign(bg(t), "e"); !errors.Is(err, actors.ErrOffline) {
			t.Errorf("campaign while offline: %v", err)
		}
		_, err := a.Send(bg(t), "b", "still there?")
		a.must(err)
		next[*actors.Message](b, nil)
		b.must(b.Online(bg(t)))
		next(a, func(ev *actors.PeerUp) bool { return ev.Peer.ID == "b" })
		for _, ev := range b.rest(300 * time.Millisecond) {
			if _, won := ev.(*actors.Won); won {
				t.Error("online ran an election again")
			}
		}
		b.run("e")
		b.won("e")
	})
}

func TestInspectTellsTheHistoryWithItsCauses(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 5)
		if _, err := a.Inspect(bg(t), "e"); !errors.Is(err, actors.ErrUnknown) {
			t.Errorf("before: %v", err)
		}
		if _, err := a.Observe(bg(t), "e"); err != nil {
			t.Fatal(err)
		}
		if s, err := a.Inspect(bg(t), "e"); err != nil || s.State != fsm.Idle || !s.Since.IsZero() || s.Transitions != 0 {
			t.Errorf("before the first step: %+v, %v", s, err)
		}
		begun := time.Now().Round(0)
		token := a.run("e").won("e").Token
		s, err := a.Inspect(bg(t), "e")
		a.must(err)
		if s.State != fsm.Won || s.Since.Before(begun) || s.Since.After(time.Now()) {
			t.Errorf("%v since %v, begun at %v", s.State, s.Since, begun)
		}
		if s.ID != "a" || s.Rank != 5 || s.Token != token || s.TrustedMS <= 0 || s.TrustedMS > f.ttl.Milliseconds() || s.Place != 0 || len(s.Incarnation) != 32 {
			t.Errorf("%+v", s)
		}
		if len(s.History) != 3 || s.History[0].Cause.String() != "told to run" || s.History[2].Token != token {
			t.Errorf("history %+v", s.History)
		}
	})
}
