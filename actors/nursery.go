package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// nursery makes the elections that are opened by name. One start of a node has one: its
// props are those of all of them, for props are the largest part of an actor, and say the
// same of every election. So an actor that comes from here does not know who it is. The
// node tells it, before anybody else knows its PID; a successor after a panic is told by
// its predecessor.
type nursery struct {
	props *actor.Props
	// left is what actors that are being restarted leave their successors, by PID's id.
	left sync.Map
}

// identity tells an election who it is.
type identity struct {
	silent
	cfg  ElectionConfig
	cell *cell
}

func newNursery(node *actor.PID, s *shared) *nursery {
	n := &nursery{}
	n.props = s.metrics.measured(actor.PropsFromProducer(func() actor.Actor {
		return &election{node: node, nursery: n}
	}, lean, actor.WithDispatcher(s.workers)))
	return n
}

// lean is the mailbox of an election: a process may have 100,000 of them, most of which
// get a message a minute.
var lean = actor.WithMailbox(actor.UnboundedLockfree())
