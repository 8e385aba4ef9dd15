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

	e *election
}

// Inspect returns everything that the election knows of itself after the step, nil if its
// actor has stopped. It may be called while Config.Steps is, on the same goroutine; in a
// simulated world, where there is only one, at any time.
func (s Step) Inspect() *Snapshot {
	if s.e == nil || s.e.env == nil || s.e.m == nil {
		return nil
	}
	return s.e.snapshot()
}

// tell gives a step to whoever looks at every one.
func (e *election) tell(steps func(Step), now fsm.Instant, in fsm.Input, fx []fsm.Effect) {
	defer e.env.shared.caught(e.env.logger, "Config.Steps")
	steps(Step{Election: e.name, At: now, Input: in, Effects: fx, State: e.m.State(), e: e})
}
