package sim

import (
	"context"

	"hustings/actors"
)

// Working tells the observer that work under a term begins, and returns what tells it that
// the work has ended. From then on the world is held to [RuleWorkOver] for Go code too:
//
//	node.Lead(ctx, "billing", func(ctx context.Context, l *actors.Leadership) error {
//		defer n.Working(ctx, l)()
//		...
//	})
//
// Without it the rule looks at elections with Drains only: that Lead's function runs is
// nothing that anybody outside could see, and what the node believes of it is what is to be
// tested. The rule is hustings' promise; work that goes on after a lapse, or for longer than
// DrainTimeout, does not break it: count who works in a check of [World.Every] to find that.
// After Campaign, call it when the work begins, and the returned function before
// [actors.Leadership.Release]. ctx is the work's, or the one that [Node.Go] gave. Both may be called
// on any goroutine of the process's Go code; a second call of the returned function does
// nothing.
func (n *Node) Working(ctx context.Context, l *actors.Leadership) (done func()) {
	clock, _ := n.Clock().(simClock)
	clock.Outside(ctx, func() { n.works(l, 1) })
	ended := false
	return func() {
		if !ended {
			ended = true
			clock.Outside(ctx, func() { n.works(l, -1) })
		}
	}
}

// works counts a piece of work of a term.
func (n *Node) works(l *actors.Leadership, by int) {
	for _, s := range n.seats {
		if t := s.term; t != nil && t.lead == l {
			t.works += by
		}
	}
}
