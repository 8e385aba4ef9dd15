package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

// called tells the machine what a roll call has found.
func (r *rig) called(s fsm.Survey) *rig {
	return r.step(fsm.Input{Kind: fsm.InSurveyed, Round: fsm.RollCall, Survey: &s})
}

func TestAFollowerLearnsByARollCallThatItsLeaderHasGone(t *testing.T) {
	r := newRig(t).lost(high, 9)
	r.called(survey(above(high), ledBy(high, 9))).gives()
	r.called(survey(above(high))).in(fsm.Lost).gives("watch", "tell no leader")
	r.due().in(fsm.Voting)
}

func TestAFollowerLearnsOfAnotherLeaderByARollCall(t *testing.T) {
	newRig(t).lost(high, 9).called(survey(above(higher), ledBy(higher, 12))).in(fsm.Lost).gives("watch higher", "tell leader higher 12")
	newRig(t).lost(high, 9).called(survey(ledBy(low, 12))).in(fsm.Voting)
}

// Who has resigned waits for a successor, and hears of one by a roll call too.
func TestWhoHasResignedDoesNotStandSoonerByARollCall(t *testing.T) {
	r := newRig(t).won(5).resign("").drained().in(fsm.Lost)
	left := r.left()
	r.called(survey()).in(fsm.Lost).gives()
	if r.left() != left {
		t.Errorf("stands in %v, before it was %v", r.left(), left)
	}
	r.called(survey(ledBy(low, 9))).in(fsm.Lost).gives("watch low", "tell leader low 9")
}

// Whoever asks is told just now, and what a roll call has read may be older.
func TestARollCallSaysNothingToWhoAsksRedisItself(t *testing.T) {
	newRig(t).run().called(survey(ledBy(high, 9))).in(fsm.Voting).gives()
	r := newRig(t).lost(high, 9).nudged()
	r.called(survey()).in(fsm.Lost).gives()
	newRig(t).lost(high, 9).called(survey(func(s *fsm.Survey) { s.Fault.Code = fsm.CauseUnreachable })).in(fsm.Lost).gives()
}

func TestARoundHearsOfALeaderByARollCall(t *testing.T) {
	newRig(t).waiting(high).called(survey(ledBy(high, 9))).in(fsm.Lost)
	newRig(t).waiting(high).due().in(fsm.Inconclusive).called(survey(ledBy(high, 9))).in(fsm.Lost)
}

// Nothing keeps others out of an office whose record is gone, or names another, or another
// term: Redis is asked whether it is ours yet.
func TestALeaderWhoseRecordIsGoneReasserts(t *testing.T) {
	for name, found := range map[string]fsm.Survey{
		"gone": survey(), "another's": survey(ledBy(high, 9)), "of another term": survey(ledBy(me, 4)),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).won(5)
			r.called(survey(ledBy(me, 5))).in(fsm.Won).gives()
			r.called(found).in(fsm.Won).gives("reassert 5, epoch e1")
			r.reasserted(fsm.OutcomeSuperseded, first).in(fsm.Lost).does("unlead 5")
			r.due().in(fsm.Voting)
		})
	}
}

// It votes to originals each interval, not at each roll call; and one of which the roll
// call does not tell is not forgotten.
func TestALeaderDoesNotVoteToOriginalsAtARollCall(t *testing.T) {
	r := newRig(t).won(5).called(survey(ledBy(me, 5), originals(oldLo))).gives()
	if !r.m.Mixed() {
		t.Error("the original is not known")
	}
	r.called(survey(ledBy(me, 5)))
	if !r.m.Mixed() {
		t.Error("the original is forgotten")
	}
}

func TestACandidacyThatARollCallRenewedAfterTheQuitIsWithdrawn(t *testing.T) {
	r := newRig(t).lost(high, 9).quit().withdrawn().in(fsm.Idle)
	r.called(survey(outside)).in(fsm.Idle).gives()
	r.called(survey(above(high), ledBy(high, 9))).in(fsm.Idle).gives("withdraw")
	r.called(survey(above(high), ledBy(high, 9))).in(fsm.Idle).gives()
}

// What a roll call costs a follower of whom there is nothing new.
func TestARollCallThatFindsNothingNewAllocatesNothing(t *testing.T) {
	r := newRig(t).lost(high, 9)
	s := survey(above(high), ledBy(high, 9))
	s.Holder.Left = time.Second
	r.called(s)
	in := fsm.Input{Kind: fsm.InSurveyed, Round: fsm.RollCall, Survey: &s}
	if n := testing.AllocsPerRun(100, func() { fsm.Recycle(r.m.Step(r.now, in)) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
