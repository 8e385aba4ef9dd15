package actors

import (
	"hustings/fsm"
	"hustings/redisbridge"
)

// Presence.
type (
	awaitReady struct{ silent }
	goOffline  struct{ silent }
	goOnline   struct{ silent }
)

// leave: told to stop. Every election quits and drains; then the node takes its leave.
func (n *nodeActor) leave(r responder) {
	n.stopping = append(n.stopping, r)
	switch n.phase {
	case connecting, failed:
		n.phase = parting
		n.ctx.Poison(n.ctx.Self()) // after what waits, perhaps another Stop
	default:
		n.depart(fsm.CauseNodeStopped)
	}
}

// depart drains every election, and then takes the node out of the fleet.
func (n *nodeActor) depart(why fsm.CauseCode) {
	switch n.phase {
	case leaving, parting:
	case ready:
		for _, e := range n.els {
			if e.cell.starts.Load() > 0 && e.cell.view.Load() == nil {
				n.greetNow(e) // it panicked, and can't answer before its next start
			}
			n.quitElection(e, &stopElection{why: why})
		}
		n.phase = leaving
		n.leaveIfDrained()
	default: // no election has begun yet
		n.phase = leaving
		for _, e := range n.els {
			n.halted(e, true)
		}
		n.leaveIfDrained()
	}
}

// quitElection asks one election to quit; it counts as stopped when it has answered. What it
// answers to an Offline that went before does not count: it may have stood again since.
func (n *nodeActor) quitElection(e *entry, request any) {
	n.halted(e, false)
	e.quits++
	root, self, done := n.env.root, n.ctx.Self(), &electionDone{e.name, e.quits}
	root.Send(e.pid, &ask{request: request, done: func(error) { root.Send(self, done) }})
}

// electionDone: an election has quit, as it was asked to for the nth time.
type electionDone struct {
	election string
	n        uint16
}

// IgnoreDeadLetterLogging: see silent.
func (electionDone) IgnoreDeadLetterLogging() {}

func (n *nodeActor) onElectionDone(m *electionDone) {
	if e := n.shared.elections.find(m.election); e != nil && e.quits == m.n {
		n.electionStopped(e)
	}
}

func (n *nodeActor) electionStopped(e *entry) {
	n.halted(e, true)
	n.departIfQuit()
}

// departIfQuit goes on with a Stop or an Offline if that was the last election to quit.
func (n *nodeActor) departIfQuit() {
	n.leaveIfDrained()
	n.offlineIfQuit()
}

// halted notes whether an election of the books has quit. They are counted: each of very many
// that quits asks whether all have.
func (n *nodeActor) halted(e *entry, yes bool) {
	if e.stopped == yes {
		return
	}
	e.stopped = yes
	if yes {
		n.stopped++
	} else {
		n.stopped--
	}
}

func (n *nodeActor) allStopped() bool { return n.stopped == len(n.els) }

func (n *nodeActor) leaveIfDrained() {
	if n.phase == leaving && n.allStopped() {
		n.phase = parting
		n.beats.stop()
		n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallLeave, ReplyTo: n.ctx.Self(), End: true})
	}
}

func (n *nodeActor) onLeft(a *redisbridge.LeaveAnswer) {
	if n.phase == parting {
		if a.Status == "stale" {
			n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallLeave, ReplyTo: n.ctx.Self(), End: true})
			return
		}
		if n.doomed != nil && len(n.stopping) == 0 {
			n.fail(n.doomed)
			return
		}
		n.env.logger.Info("node stopped")
		n.ctx.Stop(n.ctx.Self())
		return
	}
	if n.doomed != nil {
		n.fail(n.doomed)
		return
	}
	n.fleet.leaves = max(0, n.fleet.leaves-1)
	n.answer(&n.offlining, a.Err)
	list := n.returning
	n.returning = nil
	for _, r := range list {
		n.goOnline(r)
	}
}

// goOffline quits every election and leaves the fleet, but keeps the session and the
// connection: messages arrive still. Of Offline and Online the later call counts: those
// that still wait for the other are told.
func (n *nodeActor) goOffline(r responder) {
	if n.phase != ready {
		respond([]responder{r}, n.notReady())
		return
	}
	n.answer(&n.onlining, ErrOffline)
	n.answer(&n.returning, ErrOffline)
	n.offlining = append(n.offlining, r)
	n.shared.offline = true
	n.env.offline.Store(true)
	for _, e := range n.els {
		n.quitElection(e, &Quit{})
	}
	n.offlineIfQuit()
}

func (n *nodeActor) offlineIfQuit() {
	wanted := len(n.offlining) > 0 || n.fleet.unsure
	if n.phase == ready && n.env.offline.Load() && wanted && n.allStopped() && n.fleet.joins+n.fleet.leaves == 0 {
		n.fleet.unsure = false
		n.fleet.leaves++
		n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallLeave, ReplyTo: n.ctx.Self()})
	}
}

// goOnline restores presence, and nothing else: no election is run again.
func (n *nodeActor) goOnline(r responder) {
	if n.phase != ready {
		respond([]responder{r}, n.notReady())
		return
	}
	if n.fleet.leaves > 0 {
		// The leave that is under way would undo it.
		n.returning = append(n.returning, r)
		return
	}
	n.answer(&n.offlining, errOnline)
	n.onlining = append(n.onlining, r)
	n.shared.offline, n.fleet.unsure = false, false
	n.env.offline.Store(false)
	n.join()
}

func (n *nodeActor) notReady() error {
	switch {
	case n.failure != nil:
		return n.failure
	case n.phase >= leaving:
		return ErrStopped
	default:
		return errNotReady
	}
}
