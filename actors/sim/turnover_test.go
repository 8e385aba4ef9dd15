package sim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// moody is a log whose handler panics now and then, wherever an actor writes a line.
type moody struct {
	dice *rand.Rand
	odds *int // one line in so many; 0: never
}

func (m moody) Enabled(context.Context, slog.Level) bool { return true }
func (m moody) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m moody) WithGroup(string) slog.Handler            { return m }
func (m moody) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "work ended with its leadership" && *m.odds > 0 && m.dice.IntN(*m.odds) == 0 {
		panic("the log's disk is full")
	}
	return nil
}

// callers calls everything that a node can be asked for, at random.
type callers struct {
	w        *sim.World
	n        *sim.Node
	names    []string
	over     atomic.Bool   // nobody begins another call
	patience time.Duration // how long a call may take

	mu  sync.Mutex     // guards out
	out map[string]int // calls that have not returned, by name
}

func (c *callers) count(what string, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out[what] += by
}

// busy says which calls have not returned, "" if all have.
func (c *callers) busy() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, k := range c.out {
		if k > 0 {
			return fmt.Sprintf("%d of %s on %s", k, what, c.n.ID())
		}
	}
	return ""
}

// within fails the world if a call takes longer than that.
func (c *callers) within(ctx context.Context, what string, d time.Duration, call func(context.Context) error) error {
	c.count(what, 1)
	defer c.count(what, -1)
	began := time.Now()
	err := call(ctx)
	if took := time.Since(began); took > d && ctx.Err() == nil {
		c.w.Fail("every call returns", fmt.Errorf("%s took %v: %v", what, took, err))
	}
	return err
}

const (
	forCalls = 20 * time.Second // Redis, DrainTimeout and a back-off fit in many times
	drainFor = 2 * time.Second
)

// beats is a time after which others, too, do something: much happens at one instant.
func beats(dice *rand.Rand, most int) time.Duration {
	return time.Duration(dice.IntN(most)) * 50 * time.Millisecond
}

// call makes one call.
func (c *callers) call(ctx context.Context, dice *rand.Rand, node *actors.Node) {
	e := c.names[dice.IntN(len(c.names))]
	some, cancel := context.WithTimeout(ctx, beats(dice, 80))
	defer cancel()
	work := beats(dice, 30)
	sleep := func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(work):
		}
	}
	switch dice.IntN(14) {
	case 0, 1, 2:
		_ = c.within(some, "Lead", c.patience, func(ctx context.Context) error {
			return node.Lead(ctx, e, func(ctx context.Context, _ *actors.Leadership) error { sleep(ctx); return nil })
		})
	case 3, 4, 5:
		l, err := node.Campaign(some, e)
		if err == nil {
			sleep(l.Context())
			_ = c.within(ctx, "Release", c.patience, l.Release)
		}
	case 6:
		_ = c.within(ctx, "Run", c.patience, func(ctx context.Context) error { return node.Run(ctx, e) })
	case 7:
		_ = c.within(ctx, "Quit", c.patience, func(ctx context.Context) error { return node.Quit(ctx, c.names...) })
	case 8:
		_ = c.within(ctx, "Resign", c.patience, func(ctx context.Context) error { return node.Resign(ctx, e) })
	case 9:
		_ = c.within(ctx, "StandDown", c.patience, func(ctx context.Context) error { return node.StandDown(ctx, e) })
		_ = c.within(ctx, "Stand", c.patience, func(ctx context.Context) error { return node.Stand(ctx, e) })
	case 10:
		_ = c.within(ctx, "Offline", c.patience, node.Offline)
		_ = c.within(ctx, "Online", c.patience, node.Online)
	case 11:
		_ = c.within(ctx, "Inspect", c.patience, func(ctx context.Context) error { _, err := node.Inspect(ctx, e); return err })
	case 12:
		_ = c.within(ctx, "Ping", c.patience, node.Ping)
	case 13:
		ch, err := node.Observe(some, e)
		if err == nil {
			for range ch {
			}
		}
	}
}

// turnovers: whatever happens to its actors, a node answers every call, and in the end each
// election can be led: nobody is left on its books.
// Contexts end here in the very instants in which their calls are answered: a seed gives the
// same trace again with GOMAXPROCS=1.
func turnovers(w *sim.World) {
	dice := rand.New(rand.NewPCG(w.Seed(), 1))
	odds := 0
	cfg := actors.Config{
		Rank: new(int64(1)), Quarantine: new(false), TTL: 3 * time.Second,
		Elections: actors.ElectionConfig{DrainTimeout: drainFor},
		Logger:    slog.New(moody{rand.New(rand.NewPCG(w.Seed(), 2)), &odds}),
	}
	n := w.Node("a", cfg)
	c := &callers{w: w, n: n, names: []string{"one", "two", "own"}, patience: forCalls, out: map[string]int{}}
	rival := w.Node("b", actors.Config{Rank: new(int64(w.Seed() % 3)), Quarantine: new(false), TTL: 3 * time.Second})
	rival.Go(func(ctx context.Context, node *actors.Node) {
		for ctx.Err() == nil {
			some, cancel := context.WithTimeout(ctx, 2*time.Second)
			_ = node.Lead(some, "one", func(ctx context.Context, _ *actors.Leadership) error { <-ctx.Done(); return nil })
			cancel()
			time.Sleep(3 * time.Second)
		}
	})
	w.Run(2 * time.Second)
	for i := range 6 {
		n.Go(func(ctx context.Context, node *actors.Node) {
			dice := rand.New(rand.NewPCG(w.Seed(), uint64(10+i)))
			for ctx.Err() == nil && !c.over.Load() {
				c.call(ctx, dice, node)
				time.Sleep(beats(dice, 4))
			}
		})
	}
	own := actors.ElectionConfig{Name: "own", DrainTimeout: drainFor}
	pid := n.Spawn(actors.ElectionProps(n.PID(), own))
	odds = 8 + dice.IntN(400)
	for range 60 {
		w.Run(beats(dice, 20))
		switch dice.IntN(8) {
		case 0:
			n.Send(n.PID(), (*actors.Subscribe)(nil))
		case 1:
			n.System().Root.Stop(pid)
			w.Run(beats(dice, 2))
			pid = n.Spawn(actors.ElectionProps(n.PID(), own))
		case 2:
			n.Send(pid, (*actors.Drained)(nil))
		case 3:
			if dice.IntN(2) == 0 {
				w.Redis().Bounce(beats(dice, 30), false)
			}
		}
	}
	if w.Seed()%3 == 0 { // it stops while all that goes on
		err := returns(w, n, forCalls, "Stop", func(ctx context.Context, node *actors.Node) error { return node.Stop(ctx) })
		if err != nil && n.Handle().Err() == nil {
			w.Require("Stop", err)
		}
	}
	odds = 0
	c.over.Store(true)
	w.Run(forCalls + 10*time.Second)
	if what := c.busy(); what != "" {
		w.Require("every call returns", errors.New(what))
	}
	if n.Handle().Health().Stopped {
		return
	}
	done := false
	n.Go(func(ctx context.Context, node *actors.Node) {
		check := func(what string, err error) {
			if err != nil {
				w.Fail("in order in the end", fmt.Errorf("%s: %w", what, err))
			}
		}
		check("online", node.Online(ctx))
		for _, e := range c.names {
			some, cancel := context.WithTimeout(ctx, time.Minute)
			check("stand "+e, node.Stand(some, e))
			l, err := node.Campaign(some, e)
			check("campaign "+e, err)
			check("release "+e, l.Release(some))
			cancel()
		}
		check("stop", node.Stop(ctx))
		done = true
	})
	w.RunUntil(func() bool { return done }, 4*time.Minute)
	if !done {
		w.Require("in order in the end", errors.New("it is not"))
	}
}

func TestWhateverHappensToItsActorsANodeAnswersEveryCall(t *testing.T) {
	sim.Bubble(t, 60, turnovers, anyPanic)
}
