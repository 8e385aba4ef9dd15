package fsm_test

import (
	"fmt"
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

func TestTheHeirThatAReleaseNamesClaimsInTheSameInstant(t *testing.T) {
	for _, r := range []*rig{newRig(t).lost(high, 9), newRig(t).waiting(high).due()} {
		from := r.m.State()
		before := r.m.Round()
		r.vacant(high, 9, "me").in(fsm.Waiting).does(
			"canvass: "+from.String()+" -> voting",
			"polled: voting -> waiting",
			fmt.Sprintf("claim, round %d, epoch e1", before+1),
		).doesNot("survey", "vote")
		if r.m.Round() != before+1 {
			t.Errorf("round %d after %d", r.m.Round(), before)
		}
		r.granted(10).in(fsm.Won)
	}
}

func TestAnHeirWithoutTrustDoesNotClaim(t *testing.T) {
	newRig(t).lost(high, 9).after(term).vacant(high, 9, "me").in(fsm.Inconclusive).does("beat").doesNot("claim")
}

func TestOthersThanTheHeirWaitForTheirTurn(t *testing.T) {
	for place, want := range map[int]time.Duration{
		0: fsm.Stagger, 1: 2 * fsm.Stagger, 3: 4 * fsm.Stagger, 500: 41 * fsm.Stagger, -1: fsm.Stagger,
	} {
		r := newRig(t).run()
		r.surveyed(survey(above(high), ledBy(high, 9), func(s *fsm.Survey) { s.Place = place })).in(fsm.Lost)
		// A hint is only a reason to look: nobody is told of a vacancy by it.
		// And the heir is not to be disturbed: it is looked at when its time is over.
		r.vacant(high, 9, "other").in(fsm.Lost).gives()
		if r.left() != want {
			t.Errorf("in place %d it looks after %s, want %s", place, r.left(), want)
		}
		r.due().in(fsm.Lost).gives("look")
		r.surveyed(survey(above(high), func(s *fsm.Survey) { s.Place = place })).in(fsm.Lost)
		if r.left() != want {
			t.Errorf("in place %d it waits %s, want %s", place, r.left(), want)
		}
		if r.m.Place() != place {
			t.Errorf("place %d, want %d", r.m.Place(), place)
		}
	}
}

func TestWhoIsToldOfTheHeirsTermMeanwhileWaitsNoLonger(t *testing.T) {
	r := newRig(t).lost(high, 9).vacant(high, 9, "other").gives()
	r.hint(low, 10).gives("look")
	r.surveyed(survey(ledBy(higher, 10))).in(fsm.Lost).does("tell leader higher 10")
	if _, ok := r.m.Deadline(); ok {
		t.Errorf("it waits for %s yet", r.left())
	}
}

func TestAVacancyOfAHolderThatWeAskedLetsTheRoundClaim(t *testing.T) {
	r := newRig(t).run()
	r.surveyed(survey(ledBy(low, 9))).vacant(low, 9, "other").gives("claim, round 1, epoch e1")
}

func TestAVacancyThatComesBeforeTheSurveyIsRemembered(t *testing.T) {
	r := newRig(t).run()
	r.vacant(low, 9, "me").in(fsm.Voting)
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: 1, Survey: ptr(survey(ledBy(low, 9)))}).in(fsm.Waiting).does("claim, round 1, epoch e1")
	// A lie costs one claim.
	r.claimed(fsm.OutcomeHeld, heldBy(low, 9)).in(fsm.Lost).does("tell leader low 9")
}

func TestWhoeverOutranksUsIsAskedForAgainIfTheHolderThatDidHasLetGoMeanwhile(t *testing.T) {
	answer := func(r *rig, change ...func(*fsm.Survey)) *rig {
		return r.step(fsm.Input{Kind: fsm.InSurveyed, Round: r.m.Round(), Survey: ptr(survey(change...))})
	}
	r := newRig(t).run().vacant(high, 9, "higher").in(fsm.Voting)
	// Where the holder outranks us nobody else is listed.
	answer(r, ledBy(high, 9)).in(fsm.Voting).gives("survey, round 1, register true")
	if r.effect(fsm.DoSurvey).Eager {
		t.Error("it claims right behind")
	}
	answer(r, above(higher)).in(fsm.Lost).doesNot("claim").due()
	answer(r, above(higher)).in(fsm.Waiting).does("vote to higher, round 2").doesNot("claim")

	// A lie costs one more look.
	r = answer(newRig(t).run().vacant(high, 9, "me"), ledBy(high, 9))
	answer(r, ledBy(high, 9)).in(fsm.Lost).does("tell leader high 9")
}

func TestTheEndOfTheHoldersSessionMakesTheFirstInLineStandAtOnce(t *testing.T) {
	r := newRig(t).lost(high, 9) // which is the only one above us
	r.gone(high).in(fsm.Voting).gives(
		"watch",
		"tell no leader",
		"canvass: lost -> voting",
		"survey, round 2, register true",
	)
	if want := "the session of high (rank 900) ended"; r.cause() != want {
		t.Errorf("cause: %q", r.cause())
	}
}

func TestTheOthersStandStaggeredByPlace(t *testing.T) {
	r := newRig(t).run()
	r.surveyed(survey(above(higher, high), ledBy(higher, 9))).gone(higher).in(fsm.Lost)
	if r.left() != fsm.Stagger { // second of two, and the first is gone
		t.Errorf("stands in %s", r.left())
	}
	r.due().in(fsm.Voting)

	r = newRig(t).run() // a holder that ranked below us leaves our place as it is
	r.surveyed(survey(above(high), ledBy(low, 9))).kick(low).gone(low).in(fsm.Lost)
	if r.left() != fsm.Stagger {
		t.Errorf("stands in %s", r.left())
	}
}

func TestTheEndOfASessionThatNobodyWatchesMeansNothing(t *testing.T) {
	newRig(t).lost(high, 9).gone(low).in(fsm.Lost).gives()
	newRig(t).won(5).gone(high).in(fsm.Won).gives()
	newRig(t).lost(high, 9).gone(fsm.Candidate{}).in(fsm.Lost).gives()
}

func TestWhoIsGoneIsNotWaitedFor(t *testing.T) {
	newRig(t).waiting(higher, high).gone(high).in(fsm.Waiting).gives().
		gone(higher).in(fsm.Waiting).gives("claim, round 2, epoch e1")
	newRig(t).run().surveyed(survey(ledBy(low, 9))).gone(low).does("claim, round 1, epoch e1", "tell no leader")
}

func TestALeaderHintOnlyMakesUsLook(t *testing.T) {
	r := newRig(t).lost(high, 9)
	r.hint(higher, 8).gives() // of an older term
	r.hint(high, 9).gives()   // known
	r.hint(higher, 10).in(fsm.Lost).gives("look")
	look := r.effect(fsm.DoSurvey).Round
	r.hint(higher, 11).gives() // one look at a time
	if r.m.Leader().ID != "high" {
		t.Error("an unsigned message was believed")
	}
	s := survey(above(higher, high), ledBy(higher, 10))
	// It was answered before the second of them.
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: look, Survey: &s}).in(fsm.Lost).gives("watch higher", "tell leader higher 10", "look")
	look = r.effect(fsm.DoSurvey).Round
	s = survey(above(higher, high), ledBy(higher, 11))
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: look, Survey: &s}).in(fsm.Lost).gives("watch higher", "tell leader higher 11")

	newRig(t).run().hint(high, 9).gives()
	newRig(t).hint(high, 9).gives()
}

func TestALookDuringARoundEndsItIfAHigherOneLeads(t *testing.T) {
	for _, r := range []*rig{newRig(t).waiting(high), newRig(t).waiting(high).due()} {
		r.hint(higher, 9).gives("look").surveyed(survey(above(higher, high), ledBy(higher, 9))).in(fsm.Lost).does("watch higher")
	}
	// The claim says it better.
	r := newRig(t).waiting(high).hint(higher, 9)
	look := r.effect(fsm.DoSurvey)
	r.ack(high)
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: look.Round, Survey: ptr(survey(ledBy(higher, 9)))}).in(fsm.Waiting).gives()
}

func TestALookThatFindsALowerHolderAsksForTheOffice(t *testing.T) {
	r := newRig(t).lost(high, 9).hint(low, 10).surveyed(survey(ledBy(low, 10))).in(fsm.Voting)
	if want := "low (rank 100) leads and ranks below us"; r.cause() != want {
		t.Errorf("cause: %q", r.cause())
	}
}

func TestALookThatFindsNobodyStandsInTurn(t *testing.T) {
	r := newRig(t).lost(high, 9)
	r.step(fsm.Input{Kind: fsm.InNudge}).gives("look")
	r.surveyed(survey(above(high))).in(fsm.Lost).gives("watch", "tell no leader")
	if r.left() != 2*fsm.Stagger {
		t.Errorf("stands in %s", r.left())
	}
}

func TestAnObserverLooksWithoutStanding(t *testing.T) {
	r := newRig(t)
	r.step(fsm.Input{Kind: fsm.InNudge}).in(fsm.Idle).gives("look")
	r.surveyed(survey(ledBy(high, 9), outside)).in(fsm.Idle).gives("watch high", "tell leader high 9")
	r.gone(high).in(fsm.Idle).gives("watch", "tell no leader")
	r.step(fsm.Input{Kind: fsm.InNudge}).surveyed(survey(outside)).in(fsm.Idle).gives()
}

func TestWhatIsNotLookedAtAnyMoreIsNotKnown(t *testing.T) {
	r := newRig(t).step(fsm.Input{Kind: fsm.InNudge}).surveyed(survey(ledBy(high, 9), outside))
	r.step(fsm.Input{Kind: fsm.InForget}).gives("watch", "tell leader unknown")
	r.step(fsm.Input{Kind: fsm.InNudge}).gives("look")
	r.step(fsm.Input{Kind: fsm.InForget}).gives()
	s := survey(ledBy(high, 9), outside)
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: looking | 2, Survey: &s}).gives() // too late
	newRig(t).lost(high, 9).step(fsm.Input{Kind: fsm.InForget}).in(fsm.Lost).gives()
}

func TestAnIdleNodeThatFindsItselfNamedReleases(t *testing.T) {
	// A record of a term that it knows nothing of (safety-cases.md, C9).
	r := newRig(t)
	r.step(fsm.Input{Kind: fsm.InNudge}).surveyed(survey(ledBy(me, 9), outside)).in(fsm.Idle).gives("release 9", "tell no leader")
}

func TestWhatIsExpectedNeedsNoVerification(t *testing.T) {
	r := newRig(t).run().surveyed(survey(above(high), originals(oldLo)))
	for _, c := range []struct {
		id, inc string
		want    bool
	}{
		{"high", "hh", true}, {"high", "another", false}, {"old-lo", "", true}, {"low", "ll", false},
	} {
		if got := r.m.Knows(c.id, c.inc); got != c.want {
			t.Errorf("knows %s %s: %v", c.id, c.inc, got)
		}
	}
	if newRig(t).m.Knows("high", "hh") || newRig(t).m.Pending() != nil {
		t.Error("expects something without a round")
	}
}

func ptr[T any](v T) *T { return &v }

func TestAHolderThatEndsBetweenTwoRoundsIsReplacedAtOnce(t *testing.T) {
	r := newRig(t).run().surveyed(survey(ledBy(low, 9))).due().in(fsm.Inconclusive)
	r.gone(low).in(fsm.Voting)
}

func TestAnElectionHeardOfWhileVotingIsLookedAt(t *testing.T) {
	// The survey was answered before the claim that the hint tells of.
	for token, looks := range map[uint64]bool{12: true, 8: false} {
		r := newRig(t).run()
		old := survey(ledBy(high, 9))
		answer := fsm.Input{Kind: fsm.InSurveyed, Round: r.m.Round(), Survey: &old}
		r.hint(higher, token).step(answer).in(fsm.Lost)
		if looks {
			r.does("look")
		} else {
			r.doesNot("look")
		}
	}
}

func TestAHolderWithinItsTenureIsAskedAgainWhenThatEnds(t *testing.T) {
	r := newRig(t).run().surveyed(survey(ledBy(low, 9)))
	r.step(fsm.Input{Kind: fsm.InKick, From: low, Round: r.m.Round(), Draining: 3 * time.Second}).in(fsm.Lost)
	if d := r.left(); d < 3*time.Second || d > 4*time.Second {
		t.Errorf("asks again after %v, want 3 s and a little", d)
	}
	r.due().in(fsm.Voting)
	r.surveyed(survey(ledBy(low, 9))).in(fsm.Waiting).does("vote to low, round 2")
}

func TestASuccessorBeginsByWithdrawing(t *testing.T) {
	r := newRig(t).step(fsm.Input{Kind: fsm.InRecover}).in(fsm.Idle).does("withdraw")
	r.run().in(fsm.Idle).withdrawn().in(fsm.Voting)
}

func TestAHolderThatStaysForAWhileIsAskedByTheNextRoundAtTheLatest(t *testing.T) {
	// Seed 4292 of the simulator: the holder says that it stays for a while. Before that has
	// passed Redis loses its data, a round begins, and the holder comes back into office with
	// the token that it had. Nobody asked it ever again.
	r := newRig(t).run().surveyed(survey(ledBy(low, 9)))
	r.step(fsm.Input{Kind: fsm.InKick, From: low, Round: r.m.Round(), Draining: 3 * time.Second}).in(fsm.Lost)
	r.gone(low).in(fsm.Voting).surveyed(survey(ledBy(low, 9))).in(fsm.Waiting).does("vote to low, round 2")
}
