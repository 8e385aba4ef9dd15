package fsm_test

import (
	"testing"

	"hustings/fsm"
)

// outside is a survey as who is no candidate gets it.
func outside(s *fsm.Survey) { s.Place = -1 }

func TestStandingDownWithdrawsAndKeepsWhatIsKnownOfTheLeader(t *testing.T) {
	for name, r := range map[string]*rig{
		"voting":       newRig(t).run(),
		"waiting":      newRig(t).waiting(high),
		"lost":         newRig(t).lost(high, 9),
		"inconclusive": newRig(t).waiting(high).due(),
	} {
		leader := r.m.Leader()
		r.standDown().in(fsm.Idle).does("withdraw").doesNot("tell lost", "tell leader", "answer")
		if r.left() != -1 || r.m.Result() != fsm.NoResult || r.m.Leader() != leader {
			t.Errorf("%s: deadline in %s, result %s, leader %v", name, r.left(), r.m.Result(), r.m.Leader())
		}
		r.withdrawn().in(fsm.Idle).gives("answer quit, refused false")
		r.standDown().in(fsm.Idle).gives("answer quit, refused false") // twice is once
		r.stand().in(fsm.Voting)
		if r.cause() != "told to stand again" {
			t.Errorf("%s: %s", name, r.cause())
		}
	}
}

func TestALeaderThatStandsDownDrainsFirst(t *testing.T) {
	r := newRig(t).won(5).standDown().in(fsm.Won).gives("end work: told to stand down")
	r.drained().in(fsm.Idle).gives(
		"unlead 5",
		"tell no leader",
		"withdraw: won -> idle",
		"tell lost: told to stand down",
		"withdraw",
	)
	r.withdrawn().in(fsm.Idle).gives("answer quit, refused false")
	r.stand().in(fsm.Voting)
}

func TestWhoStandsDownFollowsTheOffice(t *testing.T) {
	r := newRig(t).lost(high, 9).standDown().withdrawn()
	r.nudged().surveyed(survey(ledBy(low, 10), outside)).in(fsm.Idle).does("tell leader low 10")
	r.gone(low).in(fsm.Idle).does("tell no leader").doesNot("survey")
}

func TestRunIsRememberedUntilStand(t *testing.T) {
	r := newRig(t).standDown().in(fsm.Idle).gives("answer quit, refused false")
	r.stand().in(fsm.Idle).gives() // it did not stand before
	r.standDown().run().in(fsm.Idle).gives()
	r.stand().in(fsm.Voting)
	newRig(t).run().standDown().run().withdrawn().in(fsm.Idle).gives("answer quit, refused false").stand().in(fsm.Voting)
}

func TestStandWhileTheWithdrawalIsUnansweredWaitsForIt(t *testing.T) {
	r := newRig(t).run().standDown().in(fsm.Idle)
	r.stand().in(fsm.Idle).gives()
	r.withdrawn().in(fsm.Voting).does("answer quit, refused false", "survey, round 2, register true")

	r = newRig(t).won(5).standDown().stand().in(fsm.Won).gives()
	r.drained().in(fsm.Idle).withdrawn().in(fsm.Voting)
}

func TestQuitEndsStandingDownAndForgetsTheLeader(t *testing.T) {
	r := newRig(t).lost(high, 9).standDown().withdrawn()
	r.quit().in(fsm.Idle).does("tell leader unknown", "answer quit, refused false")
	r.stand().in(fsm.Idle).gives()
	r.run().in(fsm.Voting)

	newRig(t).run().standDown().quit().withdrawn().in(fsm.Idle).stand().in(fsm.Idle)
	newRig(t).run().quit().standDown().withdrawn().stand().in(fsm.Idle) // it had quit
}

func TestALeaderThatStandsDownIsWithdrawnAlsoWhenItsTermEndsOtherwise(t *testing.T) {
	lapse(newRig(t).won(5).standDown().after(term)).in(fsm.Idle).
		does("unlead 5", "release 5, over", "withdraw: won -> idle", "tell lost: told to stand down", "withdraw")
	newRig(t).won(5).standDown().resign("").in(fsm.Won).drained().in(fsm.Idle).does("release 5", "withdraw")
}

func TestACandidacyThatAFailoverBroughtBackIsWithdrawnAgain(t *testing.T) {
	for name, r := range map[string]*rig{
		"observing":  newRig(t),
		"stood down": newRig(t).lost(high, 9).standDown().withdrawn(),
	} {
		r.nudged().surveyed(survey(above(high), ledBy(high, 9))).in(fsm.Idle).does("withdraw")
		r.nudged().surveyed(survey(above(high), ledBy(high, 9))).in(fsm.Idle).doesNot("withdraw") // one is under way
		r.withdrawn().nudged().surveyed(survey(ledBy(high, 9), outside)).doesNot("withdraw")
		if r.m.Leader().ID != "high" {
			t.Errorf("%s: leader %v", name, r.m.Leader())
		}
	}
}

func TestALookWhoseAnswerIsLostIsRepeatedWhenTheLinkIsBack(t *testing.T) {
	r := newRig(t).nudged().does("look")
	r.nudged().gives() // one at a time
	r.linkUp().does("look")
	r.surveyed(survey(ledBy(high, 9), outside)).does("tell leader high 9")
	r.linkUp().gives()
	r.nudged().does("look")
}
