package actors

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Against a look at each of them, which is what the count saves.
func TestHowManyElectionsHaveQuitIsCounted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := &nodeActor{shared: newShared()}
		made := 0
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			pick := func() *entry { return n.els[rapid.IntRange(0, len(n.els)-1).Draw(rt, "which")] }
			switch step := rapid.IntRange(0, 9).Draw(rt, "step"); {
			case step < 3 || len(n.els) == 0:
				made++
				e := &entry{name: fmt.Sprint(made), stopped: rapid.Bool().Draw(rt, "offline")}
				n.shared.elections.put(e)
				n.enter(e)
			case step < 5:
				n.strike(pick())
			default:
				n.halted(pick(), rapid.Bool().Draw(rt, "has quit"))
			}
			all := true
			for _, e := range n.els {
				all = all && e.stopped
			}
			if n.allStopped() != all {
				rt.Fatalf("all of %d have quit: %v, and %d are counted", len(n.els), all, n.stopped)
			}
		}
	})
}
