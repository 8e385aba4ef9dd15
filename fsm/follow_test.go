package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

func TestALookFromBeforeAReleaseDoesNotBringTheHolderBack(t *testing.T) {
	// The look was executed, then the holder released, and `vacant` came first. To
	// believe the look would be to wait for a session that lives on.
	r := newRig(t)
	r.lost(high, 9).step(fsm.Input{Kind: fsm.InTenancy}).gives("look")
	look := r.effect(fsm.DoSurvey)
	r.vacant(high, 9, "somebody")
	s := survey(above(high), ledBy(high, 9))
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: look.Round, Survey: &s}).in(fsm.Lost).doesNot("watch high", "tell leader")
	if r.left() < 0 || r.left() > time.Second {
		t.Errorf("stands in %s", r.left())
	}
}

func TestAVacancyOfAnOlderTermIsIgnored(t *testing.T) {
	r := newRig(t)
	r.lost(high, 9).vacant(high, 8, "me").in(fsm.Lost).gives()
	r.vacant(higher, 8, "me").in(fsm.Lost).gives()
}

func TestAVacancyHeardInOfficeOrIdleDoesNotSpoilWhatIsLearntLater(t *testing.T) {
	r := newRig(t)
	r.won(5).vacant(low, 1<<60, "").in(fsm.Won).gives()
	r.resign("").drained().in(fsm.Lost).hint(high, 6).gives("look")
	r.surveyed(survey(above(high), ledBy(high, 6))).in(fsm.Lost).does("tell leader high 6")

	r = newRig(t)
	r.vacant(low, 1<<60, "me").in(fsm.Idle).gives()
	r.run().surveyed(survey(above(high), ledBy(high, 6))).in(fsm.Lost)
}
