package actors

import "hustings/fsm"

// standDown withdraws and stays away until stand. Run and contenders are remembered here,
// the mark in the cell, so that a successor after a panic stays away too.
func (e *election) standDown(r responder) {
	if err := e.closed(); err != nil {
		respond([]responder{r}, err)
		return
	}
	e.cell.down.Store(true)
	e.follow()
	e.desk().quitting = append(e.desk().quitting, r)
	e.withdraw()
	e.show()
}

// stand ends standing down.
func (e *election) stand(r responder) {
	if err := e.closed(); err != nil {
		respond([]responder{r}, err)
		return
	}
	e.taking(r)
	if e.cell.down.Load() {
		e.cell.down.Store(false)
		e.follow()
		if e.explicit() || e.contending() != nil {
			e.step(fsm.Input{Kind: fsm.InStand})
			e.step(fsm.Input{Kind: fsm.InRun}) // who was told so since knows it only now
		} else {
			e.step(fsm.Input{Kind: fsm.InQuit}) // who stood before has stopped meanwhile
		}
		e.show()
	}
	e.taken()
}

// withdraw leaves the candidates. Who stands down goes on doing so.
func (e *election) withdraw() {
	kind := fsm.InQuit
	if e.cell.down.Load() {
		kind = fsm.InStandDown
	}
	e.step(fsm.Input{Kind: kind})
}

// following reports whether the office is looked at although we may not stand.
func (e *election) following() bool { return e.cell.observers > 0 || e.cell.down.Load() }

// lookAway: what an idle election knows of the office grows old when nobody follows it.
func (e *election) lookAway() {
	if e.m.State() == fsm.Idle && !e.following() {
		e.step(fsm.Input{Kind: fsm.InForget})
	}
}

// follow has the node look at the office with each heartbeat, or look no more.
func (e *election) follow() {
	e.root.Send(e.nursery.node, &observing{election: e.name, on: e.following()})
}

// keepDown remembers that an election opened by name stands down, for the actor that comes
// after the one that is lost.
func (n *nodeActor) keepDown(e *entry) {
	if e.cell.down.Load() {
		n.shared.down[e.name] = true
	}
}
