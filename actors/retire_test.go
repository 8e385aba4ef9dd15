package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// TestNamesMayComeWithoutEnd: neither the process nor Redis keeps what nobody needs.
func TestNamesMayComeWithoutEnd(t *testing.T) {
	t.Parallel()
	f := newFleet(t, redistest.NewMini(t).Addr())
	const kept, names = 32, 500
	p := f.start("a", 1, func(c *actors.Config) { actors.Keep(c, kept) })
	p.must(p.Run(bg(t), "needed"))
	var first uint64
	for i := range names {
		l, err := p.Campaign(bg(t), fmt.Sprint("order-", i))
		p.must(err)
		if i == 0 {
			first = l.Token()
		}
		p.must(l.Release(bg(t)))
	}
	eventually(t, "those that nobody needs are gone", func() bool { return len(p.Views()) <= 2*kept+1 })
	if _, err := p.Inspect(bg(t), "order-0"); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("the first one: %v, want ErrUnknown", err)
	}
	if s, err := p.Inspect(bg(t), fmt.Sprint("order-", names-1)); err != nil || len(s.History) == 0 {
		t.Errorf("the last one has no history: %v", err)
	}
	if p.Leadership("needed") == nil {
		t.Error("the one that is needed is not led")
	}
	keys, err := f.client.Keys(bg(t), string(f.keys)+"::election:order-*").Result()
	p.must(err)
	if len(keys) > 0 {
		t.Errorf("left in Redis: %d keys, %v…", len(keys), keys[0])
	}
	l, err := p.Campaign(bg(t), "order-0")
	p.must(err)
	if l.Token() <= first {
		t.Errorf("token %d after %d", l.Token(), first)
	}
	p.must(l.Release(bg(t)))
}

// TestElectionsOfOnesOwnMayComeWithoutEnd: of one that a program spawns and stops nothing is kept
// either, once Redis knows.
func TestElectionsOfOnesOwnMayComeWithoutEnd(t *testing.T) {
	t.Parallel()
	mini := redistest.NewMini(t)
	f := newFleet(t, mini.Addr())
	p := f.start("a", 1)
	stopAll := func() {
		t.Helper()
		for i := range 20 {
			e := fmt.Sprint("order-", i)
			pid := system.Root.Spawn(actors.ElectionProps(p.PID(), actors.ElectionConfig{Name: e, Run: true}))
			p.won(e)
			p.must(system.Root.StopFuture(pid).Wait())
		}
	}
	stopAll()
	eventually(t, "Redis knows", func() bool { return p.Departed() == 0 })
	stopAll()
	eventually(t, "Redis knows of the next ones", func() bool { return p.Departed() == 0 })
	pid := system.Root.Spawn(actors.ElectionProps(p.PID(), actors.ElectionConfig{Name: "refused", Run: true}))
	p.won("refused")
	mini.SetError("NOPERM not now")
	p.must(system.Root.StopFuture(pid).Wait())
	eventually(t, "Redis refuses the quit", func() bool { return strings.Contains(f.logs.String(), "call=quit") })
	mini.SetError("")
	eventually(t, "Redis knows in the end", func() bool { return p.Departed() == 0 })
	if keys := mini.Keys(); slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(k, "order-") }) {
		t.Errorf("left in Redis: %v", keys)
	}
}

// TestWhatIsNeededStays: each of these has a reason to be there.
func TestWhatIsNeededStays(t *testing.T) {
	t.Parallel()
	f := newFleet(t, redistest.NewMini(t).Addr())
	a := f.start("a", 9).run("down")
	p := f.start("b", 1, func(c *actors.Config) { actors.Keep(c, 8) })
	ctx := bg(t)
	p.must(p.Run(ctx, "followed", "down"))
	p.must(p.StandDown(ctx, "down"))
	a.must(a.Run(ctx, "followed", "observed"))
	leaders, err := p.Observe(ctx, "observed")
	p.must(err)
	told := p.Subscribe(ctx, actors.SubscribeOptions{Election: "subscribed"})
	p.must(p.Quit(ctx, "subscribed"))
	for i := range 600 {
		p.must(p.Quit(ctx, fmt.Sprint("x", i)))
	}
	eventually(t, "the others are gone", func() bool { return len(p.Views()) <= 4+2*8 })
	for _, e := range []string{"followed", "down", "observed", "subscribed"} {
		if _, err := p.Inspect(ctx, e); err != nil {
			t.Error(err)
		}
	}
	for l := range leaders {
		if l.ID == "a" {
			break
		}
	}
	a.must(a.Quit(ctx, "down"))
	p.must(p.Stand(ctx, "down"))
	p.won("down")
	for len(told) > 0 {
		if s, ok := (<-told).(*actors.Status); ok && s.Leader.Known {
			t.Error("nobody leads in", s.Election)
		}
	}
}

// TestCallsFindTheirElectionWhileItIsGivenUp: whoever asks an election in the instant in which
// it is found to be unneeded is answered by the next of that name.
func TestCallsFindTheirElectionWhileItIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFleet(t, redistest.NewMini(t).Addr())
	p := f.start("a", 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := range 50 {
		for what, call := range map[string]func(e string) error{
			"quit":  func(e string) error { return p.Quit(ctx, e) },
			"run":   func(e string) error { return errors.Join(p.Run(ctx, e), p.Quit(ctx, e)) },
			"stand": func(e string) error { return errors.Join(p.StandDown(ctx, e), p.Stand(ctx, e)) },
			"ping":  func(string) error { return p.Ping(ctx) },
			"campaign": func(e string) error {
				l, err := p.Campaign(ctx, e)
				return errors.Join(err, l.Release(ctx))
			},
			"observe": func(e string) error {
				some, stop := context.WithCancel(ctx)
				defer stop()
				leaders, err := p.Observe(some, e)
				if err == nil {
					<-leaders
				}
				return err
			},
			"inspect": func(e string) error {
				if _, err := p.Inspect(ctx, e); !errors.Is(err, actors.ErrUnknown) {
					return err
				}
				return nil
			},
		} {
			e := fmt.Sprint(what, i%3)
			p.must(p.Quit(ctx, e)) // nobody needs it
			p.must(p.Retire(ctx, e))
			if err := call(e); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// TestAGhostKeepsNoElection: an original that votes and is no candidate is remembered for as
// long as somebody stands here, and no longer.
func TestAGhostKeepsNoElection(t *testing.T) {
	t.Parallel()
	f := newFleet(t, redistest.NewMini(t).Addr())
	p := f.start("a", 9).run("e")
	p.won("e")
	ghost := f.original("old", 3)
	ghost.says("vote", "a", "e")
	eventually(t, "its vote counts for nothing yet", func() bool { return p.Counts().Dropped == 1 })
	p.must(p.Quit(bg(t), "e"))
	p.must(p.Retire(bg(t), "e"))
	eventually(t, "nobody needs it", func() bool {
		_, err := p.Inspect(bg(t), "e")
		return errors.Is(err, actors.ErrUnknown)
	})
}
