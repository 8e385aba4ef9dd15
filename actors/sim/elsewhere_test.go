package sim_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
)

// Ids of actors are unique in their own system only, and a subscriber may live in another one. The
// end of such a subscriber is not that of an election whose actor has the same id.
func TestTheEndOfAnActorElsewhereIsNotThatOfAnElection(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		m := newMeddled(w, 2, 1)
		leader := m.leader("e0")
		term := leader.Handle().Leadership("e0")
		leader.Send(leader.PID(), &actor.Terminated{Who: actor.NewPID("elsewhere:1", leader.Election("e0").Id)})
		w.Run(5 * second)
		if now := m.leader("e0"); now != leader || !term.Valid() {
			w.Require("it stays in office", fmt.Errorf("%s leads, and the term of %s is valid: %v", now.ID(), leader.ID(), term.Valid()))
		}
		leader.Tell("e0", &actors.Resign{})
		if !w.RunUntil(func() bool { return m.leader("e0") != nil && m.leader("e0") != leader }, second) {
			w.Require("it is in the books still", errors.New("it does not hand over"))
		}
	})
}
