package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/fsm"
)

// visit begins something in an election and ends it again.
func visit(ctx context.Context, dice *rand.Rand, node *actors.Node, e string) error {
	some, cancel := context.WithTimeout(ctx, beats(dice, 40))
	defer cancel()
	work := beats(dice, 10)
	working := func(ctx context.Context, _ *actors.Leadership) error {
		select {
		case <-ctx.Done():
		case <-time.After(work):
		}
		return nil
	}
	expected := func(err error) error {
		if some.Err() != nil || errors.Is(err, actors.ErrBusy) || errors.Is(err, actors.ErrQuit) {
			return nil
		}
		return err
	}
	switch dice.IntN(8) {
	case 0, 1:
		return expected(node.Lead(some, e, working))
	case 2, 3:
		l, err := node.Campaign(some, e)
		if err == nil {
			_ = working(l.Context(), l)
		}
		return errors.Join(expected(err), l.Release(ctx))
	case 4:
		return errors.Join(node.Run(ctx, e), node.Quit(ctx, e))
	case 5:
		return errors.Join(node.StandDown(ctx, e), node.Stand(ctx, e), node.Quit(ctx, e))
	case 6: // until a term is lost
		go endWithTerm(some, cancel, node, e)
		return expected(node.Lead(some, e, func(ctx context.Context, _ *actors.Leadership) error { <-ctx.Done(); return nil }))
	default:
		ch, err := node.Observe(some, e)
		if err == nil {
			for range ch {
			}
		}
		return expected(err)
	}
}

// Names come and go on two nodes, over roll calls and outages: every call returns, and nobody
// is left a candidate.
func TestOfNamesThatComeAndGoNothingIsLeft(t *testing.T) {
	sim.Bubble(t, 20, func(w *sim.World) {
		dice := rand.New(rand.NewPCG(w.Seed(), 3))
		names := []string{"one", "two", "three"}
		nodes := make([]*sim.Node, 2)
		var over atomic.Bool
		var calls atomic.Int64
		for i := range nodes {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), Quarantine: new(false), TTL: second})
			n.Stand(actors.ElectionConfig{Name: "needed", Run: true})
			nodes[i] = n
		}
		w.Run(5 * second)
		for i, n := range nodes {
			for k := range 4 {
				calls.Add(1)
				n.Go(func(ctx context.Context, node *actors.Node) {
					dice := rand.New(rand.NewPCG(w.Seed(), uint64(10*i+k)))
					for ctx.Err() == nil && !over.Load() {
						if err := visit(ctx, dice, node, names[dice.IntN(len(names))]); err != nil && !errors.Is(err, actors.ErrUnreachable) {
							w.Fail("a visit", err)
						}
						time.Sleep(beats(dice, 8))
					}
					calls.Add(-1)
				})
			}
		}
		for range 12 {
			w.Run(beats(dice, 60))
			if dice.IntN(3) == 0 {
				w.Redis().Bounce(beats(dice, 30), false)
			}
		}
		over.Store(true)
		w.Run(30 * second)
		if left := calls.Load(); left > 0 {
			w.Require("every call returns", fmt.Errorf("%d have not", left))
		}
		for _, n := range nodes {
			for _, e := range names {
				if v, err := n.Handle().View(e); err == nil && v.State != fsm.Idle {
					w.Require("nobody stands", fmt.Errorf("%s in %s: %s", n.ID(), e, v.State))
				}
				for _, key := range []string{keys.Candidates(e), keys.Ranks(e), keys.Leader(e)} {
					if left, err := w.Redis().Do("EXISTS", key); err != nil || left != int64(0) {
						w.Require("nothing is left", fmt.Errorf("%s: %v, %w", key, left, err))
					}
				}
			}
		}
		if l := nodes[1].Handle().Leadership("needed"); !l.Valid() {
			w.Require("what is needed is led", errors.New("it is not"))
		}
	})
}

// An election that a node has given up, since nobody needed it, says nothing any more: another
// one of that name may stand by then.
func TestAnElectionThatWasGivenUpSaysNothingOfItsSuccessor(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{})
		names := make([]string, 1023) // with one more those are given up that nobody needs
		for i := range names {
			names[i] = fmt.Sprintf("order-%d", i)
		}
		few := names[:5]
		w.Require("begin", returns(w, n, second, "begin", func(ctx context.Context, node *actors.Node) error {
			return errors.Join(node.Quit(ctx, few...), node.Run(ctx, names[len(few):]...))
		}))
		stands := map[string]bool{}
		n.Watch(func(ev actors.Event) {
			if s, ok := ev.(*actors.Status); ok && slices.Contains(few, s.Election) {
				if s.State == fsm.Idle && stands[s.Election] {
					w.Fail("the last status is what is so", fmt.Errorf("%s is idle", s.Election))
				}
				stands[s.Election] = s.State != fsm.Idle
			}
		})
		again := map[string]bool{}
		w.Every("", func() error {
			for _, e := range few {
				if _, err := n.Handle().View(e); errors.Is(err, actors.ErrUnknown) && !again[e] { // it is given up just now
					again[e] = true
					n.Go(func(ctx context.Context, node *actors.Node) { _ = node.Run(ctx, e) })
				}
			}
			return nil
		})
		w.Require("Quit", returns(w, n, second, "Quit", func(ctx context.Context, node *actors.Node) error { return node.Quit(ctx, "another") }))
		w.Run(second)
		for _, e := range few {
			if !n.Handle().Leadership(e).Valid() {
				w.Require("it leads", fmt.Errorf("not %s", e))
			}
		}
	})
}
