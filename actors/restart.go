package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
)

// The user's own parent of a node, or of an election, decides what becomes of it when it panics, and
// when: it may restart it with its siblings, or after a while, or have it go on as if nothing had been.

// breakable is an actor that does something about its own panic.
type breakable interface {
	receive(ctx actor.Context)
	breaks() // the message that it was given has made it panic
}

// handle has an actor handle a message. A panic goes on to its supervisor.
func handle(a breakable, ctx actor.Context) {
	whole := false
	defer func() {
		if !whole {
			a.breaks()
		}
	}()
	a.receive(ctx)
	whole = true
}

// awake is what an actor that panics sends itself: it is handled when the mailbox is no longer suspended.
type awake struct{ silent }

// breaks: a message has made the node panic. Its supervisor may take its time, and the mailbox
// is suspended meanwhile, so that no timer is heard: all terms end now.
func (n *nodeActor) breaks() {
	n.broken = true
	if n.twin || n.shared.ending || n.env == nil {
		return
	}
	n.revoke(errRestarted)
	for _, e := range n.els {
		if e.cell.present(e.name).Result == fsm.ResultWon {
			n.led = append(n.led, e.name)
		}
		n.env.root.Send(e.pid, &detached{err: errRestarted})
	}
	root, self := n.env.root, n.env.node
	n.env.clock.AfterFunc(greetMax, func() { root.Send(self, &awake{}) }) // not at once: it may panic at every start
}

// hold keeps what is asked of the node for its successor: it is being restarted, and waits for its
// children to stop. A supervisor that has it go on after a panic has it restarted all the same, since
// its terms are over and what else it had begun is not known.
func (n *nodeActor) hold(ctx actor.Context) bool {
	message := ctx.Message()
	switch message.(type) {
	case *actor.Restarting, *actor.Stopping, *actor.Terminated:
		return false
	}
	if _, is := message.(*awake); is && !n.restarting && !n.resumed {
		n.resumed = true
		restart(ctx)
	}
	switch message.(type) {
	case *attach, *open, *ask, *Stop, *sendMessage, *ping:
		n.shared.held = append(n.shared.held, &actor.MessageEnvelope{Message: message, Sender: ctx.Sender()})
		return true
	case Event, *happened, *Subscribe, *Unsubscribe, *Ack, *subscribeChan, *unsubscribeChan, *Handle:
		return false // the subscribers are the successor's, too
	}
	return n.broken
}

// turnAway answers the actors that have asked it to stop while it was being restarted, for now it is stopped
// instead; others hear of that.
func (n *nodeActor) turnAway() {
	for _, m := range n.shared.held {
		if _, is := m.Message.(*Stop); is {
			n.stopping = append(n.stopping, responder{root: n.env.root, pid: m.Sender, from: n.env.node, request: m.Message})
		}
	}
	n.shared.held = nil
}

// restart does what a supervisor does.
func restart(ctx actor.Context) {
	if p, lives := ctx.ActorSystem().ProcessRegistry.Get(ctx.Self()); lives {
		p.SendSystemMessage(ctx.Self(), &actor.Restart{})
	}
}

// breaks: a message has made the election panic. It steps down now, since its supervisor may take its time.
// Who hears of the failure is told first that the term has ended.
func (e *election) breaks() {
	env := e.env
	e.broken = true
	e.detach(errRestarted, fsm.CauseActorPanicked)
	if env != nil {
		env.publish(&Failed{Election: e.name, At: env.clock.Now(), Err: errRestarted})
	}
	if e.cell != nil {
		e.cell.run.Store(e.cfg.Run)
	}
	if e.root != nil {
		e.root.Send(e.self, &awake{})
	}
}

// goesOn: its supervisor has it go on after the panic. Then it has itself restarted, and does nothing before.
func (e *election) goesOn(ctx actor.Context) bool {
	switch m := ctx.Message().(type) {
	case *actor.Restarting, *actor.Stopping, *actor.Terminated, *pinged:
		return false
	case *ask:
		if !m.taker.CompareAndSwap(nil, e.self) {
			return true
		}
	}
	if !e.resumed {
		e.resumed = true
		restart(ctx)
	}
	e.refuse(ctx.Sender(), ctx.Message(), errRestarted)
	return true
}
