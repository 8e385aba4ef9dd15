package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// ElectionPID is the actor of an election that was opened by name.
func (n *Node) ElectionPID(ctx context.Context, election string) (*actor.PID, error) {
	return n.election(ctx, election)
}
