package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ElectionPID is the actor of an election that was opened by name.
func (n *Node) ElectionPID(ctx context.Context, election string) (*actor.PID, error) {
	return n.election(ctx, election)
}

// HastenOriginals fits a node's config to originals whose times are divided by speed.
func HastenOriginals(c *Config, speed time.Duration) {
	c.Interval = DefaultInterval / speed
	c.VoteTimeout = DefaultVoteTimeout / speed
	c.originals = originalTimes{
		rekick: 2 * time.Second / speed, ghost: time.Second / speed, suspect: time.Second / speed,
		patience: 8 * time.Second / speed,
	}
}

// Departed is of how many elections whose actors have stopped Redis does not know yet.
func (n *Node) Departed() int {
	ch := make(chan int, 1)
	n.system.Root.Send(n.pid, &ping{done: func([]responderOf) { ch <- len(n.shared.departed) }})
	return <-ch
}

// Keep is how many elections that nobody needs a node keeps.
func Keep(c *Config, elections int) { c.kept = elections }

// Retire has an election that was opened by name given up, if nobody needs it.
func (n *Node) Retire(ctx context.Context, election string) error {
	pid, err := n.election(ctx, election)
	n.system.Root.Send(pid, &retire{})
	return err
}

// KickOriginalsOnce leaves the second kick out.
func KickOriginalsOnce(c *Config) { c.originals.rekick = time.Hour }

// BridgePID is the actor of the node's bridge.
func (n *Node) BridgePID() *actor.PID { return n.shared.start.Load().bridge }

// Unnamed returns what a node spawns for an election that it has not told yet who it is.
func Unnamed(node *actor.PID) (props *actor.Props, end func()) {
	s := newShared()
	return newNursery(node, s).props, func() { close(s.done) }
}

// AnswerOfBefore has the node hear what an election answered to an Offline before the present
// request to quit.
func (n *Node) AnswerOfBefore(election string) {
	n.system.Root.Send(n.pid, &electionDone{election, 0})
}

// Ask asks an actor of an election as the plain calls do, which have looked for it before.
func (n *Node) Ask(ctx context.Context, election string, found *actor.PID) error {
	ch, done := answers[struct{}]()
	_, err := askAt(ctx, n, stay{election, found}, &ask{request: &Run{}, done: func(err error) { done(struct{}{}, err) }}, ch)
	return err
}

// ErrGone is what the plain calls get where an actor has stopped without an answer.
var ErrGone = errGone
