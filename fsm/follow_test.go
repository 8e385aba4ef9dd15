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

func TestAFollowerWhoseLookFailedLooksAgainAndStartsNoRound(t *testing.T) {
	// A round would end in defeat; and one who resigned would take the office back.
	fault := fsm.Survey{Fault: fsm.Cause{Code: fsm.CauseUnreachable, Detail: "gone"}}
	r := newRig(t)
	r.lost(high, 9).step(fsm.Input{Kind: fsm.InLinkUp}).gives("look")
	r.surveyed(fault).in(fsm.Lost).due().in(fsm.Lost).gives("look")
	r.surveyed(survey(above(high), ledBy(high, 9))).in(fsm.Lost)
	if r.left() != -1 {
		t.Errorf("looks again in %s", r.left())
	}

	r = newRig(t)
	r.won(5).resign("").drained().in(fsm.Lost).hint(low, 6).surveyed(survey(ledBy(low, 6))).in(fsm.Lost)
	r.step(fsm.Input{Kind: fsm.InLinkUp}).surveyed(fault).due().in(fsm.Lost).gives("look")
}

func TestALookThatIsNeverAnsweredIsRepeated(t *testing.T) {
	r := newRig(t)
	r.lost(high, 9).step(fsm.Input{Kind: fsm.InLinkUp}).gives("look")
	old := r.effect(fsm.DoSurvey)
	r.hint(higher, 10).gives() // one is under way
	r.due().in(fsm.Lost).gives("look")
	s := survey()
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: old.Round, Survey: &s}).gives()
}
