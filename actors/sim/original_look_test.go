package sim_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hustings/actors"
)

func TestWhoDoesNotStandDoesNotSayThatNobodyLeadsBesideOriginals(t *testing.T) {
	onMixed(t, 10, func(f *mixedFleet) {
		high := f.original("high", 30)
		f.original("low", 10)
		n := f.our("ours", 20)
		f.w.Run(20 * time.Second)
		f.require("high")
		n.Tell("e", &actors.StandDown{})
		f.w.Run(20 * time.Second)
		l, err := n.Handle().Leader("e")
		requireTrue(f.w, "who has stood down knows it still", err == nil && l.ID == "high" && l.Original, fmt.Sprint(l, err))
		high.Crash()
		f.w.Run(8 * time.Second)
		l, err = n.Handle().Leader("e")
		requireTrue(f.w, "who follows it is not known", errors.Is(err, actors.ErrUnknown), fmt.Sprint(l, err))
		n.Tell("e", &actors.Stand{})
		f.soon("ours", 10*time.Second)
	})
}

// What originals answer to a leader that reminds them of itself is nothing to warn of.
func TestAcksOfOriginalsBelowALeaderAreNotCountedAsDropped(t *testing.T) {
	onMixed(t, 5, func(f *mixedFleet) {
		n := f.our("ours", 20)
		f.original("low", 10)
		f.w.Run(5 * time.Minute)
		f.require("ours")
		requireTrue(f.w, "nothing is dropped", n.Handle().Counts().Dropped == 0, n.Handle().Counts().DroppedFor)
	})
}
