package sim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/fsm"
)

// endWithTerm ends a context when a term is lost.
func endWithTerm(ctx context.Context, cancel context.CancelFunc, node *actors.Node, e string) {
	for ev := range node.Subscribe(ctx, actors.SubscribeOptions{Election: e}) {
		if _, lost := ev.(*actors.Lost); lost {
			cancel()
		}
	}
}

// Whoever ends the context of Lead when it hears that a term is lost is through with the
// election: the node does not stand on for nobody, and be elected when the next leader goes.
func TestANodeDoesNotStandForALeadThatEndsWithItsTerm(t *testing.T) {
	sim.Bubble(t, 40, func(w *sim.World) {
		a := w.Node("a", actors.Config{Rank: new(int64(1)), Quarantine: new(false)})
		b := w.Node("b", actors.Config{Rank: new(int64(2)), Quarantine: new(false)})
		w.Run(2 * time.Second)
		ended := false
		a.Go(func(ctx context.Context, node *actors.Node) {
			some, cancel := context.WithCancel(ctx)
			defer cancel()
			go endWithTerm(some, cancel, node, "e")
			_ = node.Lead(some, "e", func(ctx context.Context, _ *actors.Leadership) error { <-ctx.Done(); return nil })
			ended = true
		})
		w.Run(time.Second)
		b.Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(5 * time.Second)
		if l := b.Handle().Leadership("e"); !l.Valid() || !ended {
			w.Require("b leads, and Lead has returned", fmt.Errorf("%v, %v", l.Valid(), ended))
		}
		b.Tell("e", &actors.Quit{})
		w.Run(20 * time.Second)
		if v, _ := a.Handle().View("e"); v.State != fsm.Idle {
			w.Require("a does not stand", fmt.Errorf("it does: %s, token %d", v.State, v.Token))
		}
	})
}

// Whoever has stopped observing an election hears of no change any more: what was known of its
// leader is not said as if it were so.
func TestWhatWasObservedIsNotKnownForEver(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{})
		for i, id := range []string{"b", "c"} {
			w.Node(id, actors.Config{Rank: new(int64(i)), Quarantine: new(false)}).Stand(actors.ElectionConfig{Name: "e", Run: true})
		}
		w.Run(5 * time.Second)
		said := make(chan actors.Leader, 1)
		n.Go(func(ctx context.Context, node *actors.Node) {
			some, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			ch, err := node.Observe(some, "e")
			if err != nil {
				w.Fail("Observe", err)
				return
			}
			for l := range ch {
				said <- l
			}
		})
		w.Run(4 * time.Second)
		if l, err := n.Handle().Leader("e"); err != nil || l != <-said || l.ID != "c" {
			w.Require("the leader is known", fmt.Errorf("%v, %w", l, err))
		}
		w.Run(2 * time.Second)
		if l, err := n.Handle().Leader("e"); !errors.Is(err, actors.ErrUnknown) {
			w.Require("nobody looks any more", fmt.Errorf("%v, %w", l, err))
		}
	})
}
