package actors_test

import (
	"testing"

	"hustings/actors"
)

// A node may stop, or panic, while it makes an election's actor.
func TestAnElectionThatDoesNotKnowYetWhoItIsCanBeStopped(t *testing.T) {
	props, end := actors.Unnamed(nil)
	defer end()
	if err := system.Root.StopFuture(system.Root.Spawn(props)).Wait(); err != nil {
		t.Error(err)
	}
}
