package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
)

// Names of elections may come without end, one for each order. So the actor of an election
// that was opened by name is stopped when nobody needs it any more: not at once, since its
// history may be of interest, but when so many have been opened since the last time, and as
// many as were needed then.
const keptElections = 1024

type (
	// retire asks an election whether it is needed.
	retire struct{ silent }
	// retired: it is not. From then on it does nothing, so that whoever asks it for something
	// asks its successor at the turnover.
	retired struct {
		silent
		election string
		pid      *actor.PID
	}
	// retiredDue: those that are not needed may be stopped.
	retiredDue struct{ silent }
)

// retirement is what a node has to do with elections that nobody needs.
type retirement struct {
	opened  int                 // by name, since they were last looked through
	there   int                 // how many elections were there then, and were needed
	waiting []*actor.PID        // to be stopped together
	stopped map[string]struct{} // whose end has not been told yet, by their PIDs' ids
}

// spare looks for elections that nobody needs, now and then as more are opened by name.
func (n *nodeActor) spare() {
	r := &n.retirement
	if r.opened++; r.opened < max(n.cfg.kept, r.there) {
		return
	}
	r.opened, r.there = 0, len(n.els)
	for _, e := range n.els {
		if v := e.cell.view.Load(); v != nil && v.state == fsm.Idle && len(n.hub.of[e.name]) == 0 {
			n.env.root.Send(e.pid, &retire{})
		}
	}
}

// onRetire: the node may do without us.
func (e *election) onRetire() {
	e.tidy()
	if !e.nursery.ours() || e.env == nil || e.parting || e.papers != nil || e.lead != nil || e.following() || e.explicit() ||
		!e.m.Unused() {
		return
	}
	e.retired = true
	e.disarm()
	e.root.Send(e.env.node, &retired{election: e.name, pid: e.self})
}

func (n *nodeActor) onRetired(m *retired) {
	e := n.shared.elections.find(m.election)
	if e == nil || !e.pid.Equal(m.pid) {
		return // of a start that is over
	}
	n.strike(e)
	r := &n.retirement
	r.there = max(0, r.there-1)
	if len(r.waiting) == 0 {
		n.env.root.Send(n.ctx.Self(), &retiredDue{})
	}
	r.waiting = append(r.waiting, e.pid)
	n.departIfQuit()
}

func (n *nodeActor) onRetiredDue() {
	r := &n.retirement
	n.shared.turn()
	if r.stopped == nil {
		r.stopped = map[string]struct{}{}
	}
	for _, pid := range r.waiting {
		r.stopped[pid.Id] = struct{}{}
		n.ctx.Stop(pid)
	}
	r.waiting = nil
}

// wasRetired reports whether it is the end of an election that was not needed: all has been
// done about it.
func (n *nodeActor) wasRetired(who *actor.PID) bool {
	r := &n.retirement
	if _, ok := r.stopped[who.Id]; !ok {
		return false
	}
	delete(r.stopped, who.Id)
	return true
}
