package sim

import (
	"testing"

	"hustings/actors"
	"hustings/fsm"
)

func TestAStoryHasWordsForEveryInput(t *testing.T) {
	for kind := fsm.InRun; kind <= fsm.InTick; kind++ {
		if describeInput(actors.Step{Input: fsm.Input{Kind: kind, Survey: &fsm.Survey{}}}) == "" {
			t.Errorf("input %d has none", kind)
		}
	}
}
