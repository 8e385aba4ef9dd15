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
	node  *actor.PID
	props *actor.Props // nil for an election that somebody else spawns, and stops
	env   *env         // of the start, nil without props
	// left is what actors that are being restarted leave their successors, by PID's id.
	left sync.Map
}

// identity tells an election who it is.
type identity struct {
	silent
	name string
	cfg  *ElectionConfig // that of all elections opened by name
	cell *cell
	// env is the node's, if the election belongs to it from the start; else it joins.
	env     *env
	recover bool // another actor of this name was here before
}

// ours reports whether the node spawns, and stops, the elections that come from here.
func (n *nursery) ours() bool { return n.props != nil }

func newNursery(node *actor.PID, s *shared) *nursery {
	n := &nursery{node: node}
	n.props = actor.PropsFromProducer(func() actor.Actor {
		return &election{nursery: n}
	}, actor.WithDispatcher(s.workers), actor.WithMailbox(func() actor.Mailbox { return &mailbox{workers: s.workers} }))
	return n
}

// lean is the mailbox of an election that somebody else spawns.
var lean = actor.WithMailbox(actor.UnboundedLockfree())
