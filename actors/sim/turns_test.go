package sim

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"hustings/actors"
)

// What the observer believes of every seat is what the node answers, after every event, though
// it asks only after those that can have changed the answer.
func TestTheObserverMissesNoTerm(t *testing.T) {
	var terms atomic.Int64 // worlds run side by side
	Test(t, 100, func(w *World) {
		s := Swarm{Nodes: 3, For: 30 * time.Second}.begin(w)
		w.Every("the observer knows", w.observer.unsure)
		w.Run(s.For + 20*time.Second)
		terms.Add(int64(w.observer.terms))
	})
	if terms.Load() < 100 {
		t.Errorf("only %d terms", terms.Load())
	}
}

// An election that is opened by name has a seat only when something is told of it: it may
// lead by then.
func TestTheObserverMissesNoTermOfElectionsOpenedByName(t *testing.T) {
	Bubble(t, 10, func(w *World) {
		for i := range 2 {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{})
			n.Go(func(ctx context.Context, node *actors.Node) {
				_ = node.Lead(ctx, "e", func(ctx context.Context, _ *actors.Leadership) error {
					<-ctx.Done()
					return nil
				})
			})
		}
		w.Every("the observer knows", w.observer.unsure)
		w.Run(10 * time.Second)
		w.Storm(20*time.Second, Storm{})
		w.Run(30 * time.Second)
	})
}

// unsure is what the observer does not know, by asking every node that runs for every seat.
func (o *observer) unsure() error {
	for _, n := range o.nodes {
		if n == nil || n.handle == nil || n.dead {
			continue
		}
		for _, s := range n.seats {
			known, l := (*actors.Leadership)(nil), n.handle.Leadership(s.contest.name)
			if t := s.term; t != nil && s.life != n.epoch && l == t.lead {
				continue // it is started again, and this handle is of its former life
			} else if t != nil && !t.over {
				known = t.lead
			}
			if l != known {
				return fmt.Errorf("%s in %s: token %d, and known is %d", n.id, s.contest.name, l.Token(), known.Token())
			}
		}
	}
	return nil
}
