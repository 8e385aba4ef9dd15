package sim_test

import (
	"errors"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
)

// family is a user's actor that supervises a node, an election, and an actor of its own, as a
// service does that was there before hustings was.
type family struct {
	p     *sim.Process
	props *actor.Props // of the node, made once
	name  string       // of the node's actor, "" for any

	self, node, election, own *actor.PID
	handle                    *actors.Node
	heard                     []any
}

func newFamily(w *sim.World, s actor.SupervisorStrategy, name string) *family {
	p := w.Process("a")
	cfg := actors.Config{ID: "a", TTL: second, Quarantine: new(false), Host: "sim", PID: 1}
	cfg.Redis.Clock, cfg.Redis.Backend, cfg.Redis.Entropy = p.Clock(), p.Backend(), p.Rand().Uint64
	f := &family{p: p, props: actors.NodeProps(cfg), name: name}
	f.self = p.Spawn(actor.PropsFromProducer(func() actor.Actor { return f }, actor.WithSupervisor(s)))
	w.Run(3 * second)
	if f.handle == nil || !f.handle.Leadership("e").Valid() {
		w.Require("it leads", errors.New("it does not"))
	}
	return f
}

func (f *family) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		if f.name == "" {
			f.node = c.Spawn(f.props)
		} else {
			f.node, _ = c.SpawnNamed(f.props, f.name)
		}
		f.election = c.Spawn(actors.ElectionProps(f.node, actors.ElectionConfig{Name: "e", Run: true}))
		f.own = c.Spawn(actor.PropsFromFunc(fragile))
		c.Send(f.node, &actors.Handle{Done: func(h *actors.Node) { f.handle = h }})
	case string:
		panic(m)
	default:
		f.heard = append(f.heard, m)
	}
}

// fragile is an actor that does what it is told to.
func fragile(c actor.Context) {
	if m, is := c.Message().(string); is {
		panic(m)
	}
}

// A parent that keeps the Props of its node and is restarted spawns it a second time. That is
// refused; and the parent can be stopped.
func TestAParentThatSpawnsItsNodeTwiceUnderOneNameCanBeStopped(t *testing.T) {
	sim.Test(t, 10, func(w *sim.World) {
		f := newFamily(w, actor.RestartingSupervisorStrategy(), "node")
		f.p.Send(f.self, "ouch")
		w.Run(second)
		f.p.System().Root.Stop(f.self)
		w.Run(second)
		if _, lives := f.p.System().ProcessRegistry.Get(f.self); lives {
			w.Require("the parent stops", errors.New("it waits for a child"))
		}
	}, anyPanic)
}
