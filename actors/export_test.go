package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// Dropped is how many received messages the node has dropped.
func (n *Node) Dropped() uint64 { return n.shared.counters.Dropped.Load() }

// ElectionPID is the actor of an election that was opened by name.
func (n *Node) ElectionPID(ctx context.Context, election string) (*actor.PID, error) {
	return n.election(ctx, election)
}
