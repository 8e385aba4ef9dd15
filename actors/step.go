package actors

import "hustings/fsm"

// Step is one step of an election's state machine: what came, and what it made of it.
// Config.Steps gets every one.
type Step struct {
	Election string
	At       fsm.Instant
	// Input is what came, Effects what is now to be done, in this order. Transitions
	// are effects of the kind fsm.DoMoved. Neither may be changed.
	Input   fsm.Input
	Effects []fsm.Effect
	// State is the state after the step.
	State fsm.State
}

// tell gives a step to whoever looks at every one.
func (e *election) tell(now fsm.Instant, in fsm.Input, fx []fsm.Effect) {
	if f := e.env.cfg.Steps; f != nil {
		f(Step{Election: e.cfg.Name, At: now, Input: in, Effects: fx, State: e.m.State()})
	}
}
