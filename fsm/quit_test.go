package fsm_test

import (
	"slices"
	"testing"
	"time"

	"hustings/fsm"
)

func TestQuitWithdrawsFromEveryState(t *testing.T) {
	for name, r := range map[string]*rig{
		"voting":       newRig(t).run(),
		"waiting":      newRig(t).waiting(high),
		"lost":         newRig(t).lost(high, 9),
		"inconclusive": newRig(t).waiting(high).due(),
	} {
		r.quit().in(fsm.Idle).does("withdraw").doesNot("tell lost", "answer")
		if r.left() != -1 || r.m.Result() != fsm.NoResult {
			t.Errorf("%s: deadline in %s, result %s", name, r.left(), r.m.Result())
		}
		r.withdrawn().in(fsm.Idle).gives("answer quit, refused false")
	}
	newRig(t).quit().in(fsm.Idle).gives("answer quit, refused false")
}

func TestALeaderThatQuitsDrainsFirstAndTellsOfTheLoss(t *testing.T) {
	r := newRig(t).won(5).quit().in(fsm.Won).gives("end work: told to quit")
	r.drained().in(fsm.Idle).gives(
		"unlead 5",
		"tell no leader",
		"withdraw: won -> idle",
		"tell lost: told to quit",
		"tell leader unknown",
		"withdraw",
	)
	r.withdrawn().gives("answer quit, refused false")
}

func TestQuitNamesTheCauseThatItIsGiven(t *testing.T) {
	r := newRig(t).won(5).step(fsm.Input{Kind: fsm.InQuit, Cause: fsm.Cause{Code: fsm.CauseNodeStopped}})
	r.gives("end work: the node stopped").drained().does("tell lost: the node stopped")
}

func TestALeaderThatQuitsIsWithdrawnAlsoWhenItsTermEndsOtherwise(t *testing.T) {
	lapse(newRig(t).won(5).quit().after(term)).in(fsm.Idle).
		does("unlead 5", "release 5, over", "withdraw: won -> idle", "tell lost: told to quit", "withdraw")
	newRig(t).won(5).quit().reasserted(fsm.OutcomeSuperseded, first).in(fsm.Idle).does("unlead 5", "withdraw")
}

func TestNothingIsToldOrDoneOnceWithdrawn(t *testing.T) {
	r := newRig(t).waiting(high).quit().withdrawn().in(fsm.Idle)
	round := r.m.Round()
	s := survey(above(high), ledBy(high, 9))
	for _, in := range []fsm.Input{
		{Kind: fsm.InSurveyed, Round: round, Survey: &s},
		{Kind: fsm.InSurveyed, Round: looking | 1, Survey: &s},
		{Kind: fsm.InClaimed, Round: round, Outcome: fsm.OutcomeHeld, Holder: new(holding(high, 9))},
		{Kind: fsm.InReasserted, Token: 5, Outcome: fsm.OutcomeSuperseded},
		{Kind: fsm.InWithdrawn},
		{Kind: fsm.InVote, From: high},
		{Kind: fsm.InVote, From: low},
		{Kind: fsm.InAck, From: high, Round: round},
		{Kind: fsm.InKick, From: high, Round: round},
		{Kind: fsm.InLeader, From: high, Token: 9},
		{Kind: fsm.InVacant, From: high, Token: 9, Heir: "me"},
		{Kind: fsm.InLapse},
		{Kind: fsm.InGone, From: high},
		{Kind: fsm.InLinkUp},
		{Kind: fsm.InForget},
		{Kind: fsm.InDrained},
		{Kind: fsm.InTick},
	} {
		r.after(time.Hour).step(in).in(fsm.Idle).gives()
	}
}

// A dataset that has gone back in time may have us for a candidate again.
func TestWhoHasQuitDoesSoAgainInANewDataset(t *testing.T) {
	r := newRig(t).run().quit().withdrawn().in(fsm.Idle)
	r.step(fsm.Input{Kind: fsm.InTenancy}).in(fsm.Idle).gives("withdraw")
	r.step(fsm.Input{Kind: fsm.InTenancy}).gives() // it is under way
	r.run().in(fsm.Idle).withdrawn().in(fsm.Voting)
}

func TestRunWhileTheWithdrawalIsUnansweredWaitsForIt(t *testing.T) {
	// Else a late withdrawal would take the new candidate out again.
	r := newRig(t).run().quit().in(fsm.Idle)
	r.run().in(fsm.Idle).gives()
	r.withdrawn().in(fsm.Voting).gives(
		"answer quit, refused false",
		"canvass: idle -> voting",
		"survey, round 2, register true",
	)
}

func TestTheLastOfRunAndQuitCounts(t *testing.T) {
	newRig(t).run().quit().run().quit().withdrawn().in(fsm.Idle).gives("answer quit, refused false")
	newRig(t).run().quit().run().quit().run().withdrawn().in(fsm.Voting)
	newRig(t).won(5).quit().run().quit().drained().withdrawn().in(fsm.Idle)
}

func TestRunTwiceIsRunOnce(t *testing.T) {
	newRig(t).run().run().in(fsm.Voting).gives()
	newRig(t).won(5).run().in(fsm.Won).gives()
}

func TestWonAndLostAreToldOnlyWhenTheResultChanges(t *testing.T) {
	r := newRig(t).lost(high, 9).gone(high).in(fsm.Voting) // elsewhere: nothing new
	r.surveyed(survey(above(higher), ledBy(higher, 10))).in(fsm.Lost)
	r.gone(higher).surveyed(survey()).granted(11).in(fsm.Won)
	r.vote(high).drained().in(fsm.Lost)
	r.due().surveyed(survey()).granted(12).in(fsm.Won)
	r.quit().drained().withdrawn()
	r.run().surveyed(survey()).granted(13)
	results := slices.DeleteFunc(slices.Clone(r.all), func(s string) bool { return s[:8] != "tell won" && s[:8] != "tell los" })
	want := []string{
		"tell lost: high (rank 900) leads and outranks us",
		"tell won 11",
		"tell lost: a vote from high (rank 900), which outranks us",
		"tell won 12",
		"tell lost: told to quit",
		"tell won 13",
	}
	if !slices.Equal(results, want) {
		t.Errorf("told:\n%q\nwant:\n%q", results, want)
	}
}

func TestRunWhileALeaderThatQuitsIsDrainingIsNotForgotten(t *testing.T) {
	r := newRig(t).won(5).quit().run().in(fsm.Won).gives()
	r.drained().in(fsm.Idle).withdrawn().in(fsm.Voting)
}
