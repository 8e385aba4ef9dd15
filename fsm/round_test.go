package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

func TestACandidateAloneIsElectedInTwoRoundTrips(t *testing.T) {
	r := newRig(t)
	r.run().in(fsm.Voting).gives(
		"canvass: idle -> voting",
		"survey, round 1, register true",
	)
	r.surveyed(survey()).in(fsm.Waiting).gives(
		"polled: voting -> waiting",
		"tell no leader",
		"claim, round 1, epoch e1",
	)
	r.granted(100).in(fsm.Won).gives(
		"elected: waiting -> won",
		"lead 100",
		"tell leader me 100",
		"tell won 100",
	)
	if r.lease.Token() != 100 || !r.lease.Valid(r.now) || r.m.Result() != fsm.ResultWon {
		t.Errorf("token %d, valid %v, result %s", r.lease.Token(), r.lease.Valid(r.now), r.m.Result())
	}
	if r.left() != -1 {
		t.Errorf("won has a timer of its own: %s", r.left())
	}
}

func TestTheHighestOfThreeAsksNobodyAndTheLowestAsksBoth(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).does("claim, round 1, epoch e1").doesNot("vote")

	r = newRig(t)
	r.waiting(higher, high).gives(
		"polled: voting -> waiting",
		"tell no leader",
		"vote to higher, round 2",
		"vote to high, round 2",
	)
	if p := r.m.Pending(); len(p) != 2 || p[0].ID != "higher" || p[1].Holder {
		t.Errorf("pending: %+v", p)
	}
	r.ack(high).in(fsm.Waiting).gives()
	r.ack(higher).in(fsm.Waiting).gives("claim, round 2, epoch e1")
}

func TestWhoeverIsOutrankedGivesWayBeforeItAsks(t *testing.T) {
	r := newRig(t)
	r.run().after(10*time.Millisecond).answered(survey(above(higher, high))).in(fsm.Lost).gives(
		"defeated: voting -> lost",
		"tell lost: higher (rank 950) stands, and goes first",
	)
	// Two places, and twice what Redis took: others may need that, too.
	if want := 2*fsm.Stagger + 20*time.Millisecond; r.left() != want {
		t.Errorf("it asks in %s, not in %s", r.left(), want)
	}
	r.due().answered(survey(above(higher, high))).in(fsm.Waiting).does("vote to higher, round 2", "vote to high, round 2")
	r = newRig(t).run().live(20 * time.Second).answered(survey(above(high)))
	if want := fsm.Stagger + ttl; r.left() != want {
		t.Errorf("it asks in %s, not in %s", r.left(), want)
	}

	// So it is with a holder that is outranked by both, and is asked by the first.
	r = newRig(t)
	r.run().answered(survey(above(high), ledBy(low, 9))).in(fsm.Lost).does("tell leader low 9").doesNot("vote")
	r.due().answered(survey(above(high), ledBy(low, 9))).in(fsm.Waiting).does("vote to high, round 2", "vote to low, round 2")

	// Whoever is told that a higher one stands gives way anew, and then asks.
	r.kick(high).in(fsm.Lost).due().answered(survey(above(high))).in(fsm.Lost).due()
	r.answered(survey(above(high))).in(fsm.Waiting)

	// What it did before it quit is forgotten.
	r = newRig(t).run().answered(survey(above(high))).quit().withdrawn().run()
	r.answered(survey(above(high))).in(fsm.Lost).doesNot("vote")

	// Originals are asked by everybody, as they ask everybody.
	newRig(t).run().answered(survey(above(high), originals(oldLo))).in(fsm.Waiting).does("vote to high, round 1", "vote to old-lo, round 1")
}

func TestARoundConcludesAsSoonAsNothingIsOutstanding(t *testing.T) {
	r := newRig(t)
	r.waiting(high).after(time.Millisecond).ack(high).gives("claim, round 2, epoch e1")
	r.ack(high).gives() // the same ack again claims nothing again
}

func TestAKickEndsARoundAtOnce(t *testing.T) {
	r := newRig(t)
	r.waiting(higher, high).kick(high).in(fsm.Lost).gives(
		"tell leader unknown",
		"defeated: waiting -> lost", // which was told when it gave way
	)
	if r.cause() != "kicked by high (rank 900)" {
		t.Errorf("cause: %q", r.cause())
	}
}

func TestAKickThatComesBeforeTheVotesAreOutCounts(t *testing.T) {
	// The original loses it, and wins falsely (B1 of docs/migration.md).
	r := newRig(t)
	r.run().step(fsm.Input{Kind: fsm.InKick, From: oldHi}).in(fsm.Lost)
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: 1, Survey: &fsm.Survey{}}).in(fsm.Lost).gives()
}

func TestAnswersOfAnOlderRoundAreDropped(t *testing.T) {
	r := newRig(t)
	r.waiting(high).due().in(fsm.Inconclusive).due().surveyed(survey(above(high))).in(fsm.Waiting)
	if r.m.Round() != 3 {
		t.Fatalf("round %d", r.m.Round())
	}
	r.step(fsm.Input{Kind: fsm.InAck, From: high, Round: 2}).in(fsm.Waiting).gives()
	r.step(fsm.Input{Kind: fsm.InKick, From: high, Round: 2}).in(fsm.Waiting).gives()
	r.step(fsm.Input{Kind: fsm.InSurveyed, Round: 2, Survey: &fsm.Survey{}}).in(fsm.Waiting).gives()
	r.step(fsm.Input{Kind: fsm.InAck, From: high, Round: 3}).gives("claim, round 3, epoch e1")
}

func TestAnOriginalsAnswerCountsInWhateverRoundItComes(t *testing.T) {
	// It knows no rounds and echoes none.
	r := newRig(t)
	r.run().surveyed(survey(originals(oldHi))).in(fsm.Waiting)
	r.step(fsm.Input{Kind: fsm.InKick, From: oldHi}).in(fsm.Lost)

	r = newRig(t)
	r.run().surveyed(survey(originals(oldHi, oldLo))).does("vote to old-hi, round 1", "vote to old-lo, round 1")
	r.step(fsm.Input{Kind: fsm.InAck, From: oldHi}).gives("claim, round 1, epoch e1")
}

func TestAKickFromBelowMeansNothing(t *testing.T) {
	r := newRig(t)
	r.waiting(high).kick(low).in(fsm.Waiting).gives()
}

func TestASilentHigherCandidateIsPassedOverFromTheThirdRoundOn(t *testing.T) {
	r := newRig(t)
	r.waiting(high)
	if r.left() != time.Second {
		t.Fatalf("the round waits %s, not VoteTimeout", r.left())
	}
	r.due().in(fsm.Inconclusive).gives(
		"undecided: waiting -> inconclusive",
		"tell inconclusive: high (rank 900) did not answer our vote within 1s",
	)
	r.due().surveyed(survey(above(high))).due().in(fsm.Inconclusive).gives(
		"undecided: waiting -> inconclusive", // told once
	)
	r.due().surveyed(survey(above(high))).due().in(fsm.Waiting).gives("claim, round 4, epoch e1")
	r.granted(7).in(fsm.Won)
	if want := "the claim was granted; high (rank 900) had been silent for too long"; r.cause() != want {
		t.Errorf("cause: %q, want %q", r.cause(), want)
	}
}

func TestASilentLowerCandidateNeverBlocks(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(originals(oldLo))).gives(
		"polled: voting -> waiting",
		"tell no leader",
		"vote to old-lo, round 1", // it steps down on the vote itself
		"claim, round 1, epoch e1",
	)
}

func TestALiveHigherHolderDefeatsAtOnceWithoutVotes(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(above(higher, high), ledBy(high, 9))).in(fsm.Lost).gives(
		"watch high",
		"tell leader high 9",
		"defeated: voting -> lost",
		"tell lost: high (rank 900) leads and outranks us",
	)
	if r.left() != -1 {
		t.Errorf("a timer although the node watches the holder: %s", r.left())
	}
}

func TestALowerHolderIsAskedToStepDown(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(ledBy(low, 9))).in(fsm.Waiting).gives(
		"polled: voting -> waiting",
		"watch low",
		"tell leader low 9",
		"vote to low, round 1",
	)
	if p := r.m.Pending(); len(p) != 1 || !p[0].Holder {
		t.Errorf("pending: %+v", p)
	}
}

func TestADrainingAckExtendsTheWait(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(ledBy(low, 9)))
	r.step(fsm.Input{Kind: fsm.InAck, From: low, Round: 1, Draining: 20 * time.Second}).in(fsm.Waiting).gives()
	r.live(19*time.Second).in(fsm.Waiting).vacant(low, 9, "me").gives("claim, round 1, epoch e1")
}

// Nobody else stands while we do, who outrank them: a vacant message that is lost must not
// cost the DrainTimeout.
func TestWhoWaitsForADrainingHolderLooksWhetherItHasGone(t *testing.T) {
	draining := func() *rig {
		r := newRig(t)
		r.run().surveyed(survey(ledBy(low, 9)))
		return r.step(fsm.Input{Kind: fsm.InAck, From: low, Round: 1, Draining: 20 * time.Second})
	}
	r := draining()
	if r.left() != ttl {
		t.Fatalf("looks after %s, want %s", r.left(), ttl)
	}
	r.due().in(fsm.Waiting).gives("look").surveyed(survey(ledBy(low, 9))).in(fsm.Waiting).gives()
	r.due().gives("look").surveyed(survey(func(s *fsm.Survey) { s.Fault.Code = fsm.CauseUnreachable })).in(fsm.Waiting).gives()
	r.due().gives("look").surveyed(survey()).gives("claim, round 1, epoch e1")

	for name, in := range map[string]fsm.Input{"the link": {Kind: fsm.InLinkUp}, "the dataset": {Kind: fsm.InTenancy}} {
		r := draining().step(in)
		if got := r.surveyed(survey()).effect(fsm.DoClaim); got.Kind != fsm.DoClaim {
			t.Errorf("%s: %v", name, r.fx)
		}
	}

	// Another one, who has not answered yet, has no longer than ever for it then.
	r = newRig(t)
	r.run().surveyed(survey(above(high), ledBy(low, 9)))
	r.step(fsm.Input{Kind: fsm.InAck, From: low, Round: 1, Draining: 20 * time.Second}).vacant(low, 9, "high")
	if want := standard().VoteTimeout; r.left() != want {
		t.Errorf("waits for %s, want %s", r.left(), want)
	}

	// It let go, and took office again.
	draining().due().surveyed(survey(ledBy(low, 12))).gives("claim, round 1, epoch e1")
}

func TestAStickyHolderIsNotAskedAgainInItsTerm(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(ledBy(low, 9))).kick(low).in(fsm.Lost).gives(
		"watch low",
		"defeated: waiting -> lost",
		"tell lost: kicked by low (rank 100)",
	)
	if r.left() != -1 {
		t.Fatalf("tries again in %s", r.left())
	}
	r.step(fsm.Input{Kind: fsm.InTenancy}).gives("look")
	r.surveyed(survey(ledBy(low, 9))).in(fsm.Lost)
	// In its next term it is.
	r.hint(low, 12).gives("look")
	r.surveyed(survey(ledBy(low, 12))).in(fsm.Voting)
}

func TestTheRoundIsInconclusiveWhenRedisDoesNotAnswer(t *testing.T) {
	r := newRig(t)
	r.run().due().in(fsm.Inconclusive).does("tell inconclusive: Redis did not answer within 30s")
	r.due().surveyed(fsm.Survey{Fault: fsm.Cause{Code: fsm.CauseUnreachable, Detail: "connection refused"}}).
		in(fsm.Inconclusive).does("tell inconclusive: Redis is unreachable: connection refused")
	r.due().surveyed(fsm.Survey{Fault: fsm.Cause{Code: fsm.CauseNoSession, Detail: "taken"}}).
		in(fsm.Inconclusive).does("beat", "tell inconclusive: our session is not current: taken")
}

// A server that is busy with thousands of elections answers late. Who asked again meanwhile
// would make it busier, and hear the answer when it does not ask any more.
func TestAnAnswerCountsHoweverManyWaitedBeforeIt(t *testing.T) {
	r := newRig(t).run().live(20 * time.Second).in(fsm.Voting)
	r.surveyed(survey()).in(fsm.Waiting).does("claim, round 1, epoch e1")
	r.live(20 * time.Second).in(fsm.Waiting)
	r.granted(9).in(fsm.Won)

	// None at all is a defect; then it is asked again.
	r = newRig(t).run().surveyed(survey()).in(fsm.Waiting)
	if r.left() != fsm.AnswerTimeout {
		t.Errorf("waits %s for the answer to a claim", r.left())
	}
	r.due().in(fsm.Inconclusive).does("tell inconclusive: Redis did not answer within 30s")
}

func TestRetriesDoubleFromAQuarterSecondToFive(t *testing.T) {
	r := newRig(t)
	r.run().due()
	want := fsm.RetryMin
	for range 12 {
		if got := r.left(); got < want || got > want+want/4 {
			t.Fatalf("waits %s, want %s and up to a quarter more", got, want)
		}
		want = min(2*want, fsm.RetryMax)
		r.due().due()
	}
	r.step(fsm.Input{Kind: fsm.InLinkUp}).in(fsm.Voting) // no reason to wait any longer
}

func TestJitterDependsOnTheSeedAlone(t *testing.T) {
	wait := func(seed uint64) time.Duration {
		r := newRig(t)
		rules := standard()
		r.m = fsm.NewMachine(me, &rules, r.s, seed)
		return r.run().due().left()
	}
	one := wait(1)
	if again := wait(1); again != one {
		t.Error("one seed gives two waits")
	}
	if one == wait(2) {
		t.Error("two seeds give one wait")
	}
}

func TestAnAnswerEndsTheCountOfSilentRounds(t *testing.T) {
	r := newRig(t)
	r.waiting(high).due().due().surveyed(survey(above(high))).due().in(fsm.Inconclusive)
	r.vote(high).in(fsm.Lost) // not silent any more
	r.due().surveyed(survey(above(high))).due().in(fsm.Inconclusive)
}

func TestALeaderDoesNotAskOriginalsWhereThereAreNone(t *testing.T) {
	r := newRig(t, func(rules *fsm.Rules) { rules.Mixed = false })
	r.run().surveyed(survey(originals(oldHi, oldLo))).gives(
		"polled: voting -> waiting",
		"tell no leader",
		"claim, round 1, epoch e1",
	)
	r.granted(3).in(fsm.Won)
	if r.left() != -1 {
		t.Errorf("looks for originals in %s", r.left())
	}
	r.vote(oldHi).in(fsm.Won).gives()
	r.kick(oldHi).in(fsm.Won).gives()
}

func TestAHolderThatDrainsForTooLongIsNamedAsTheCause(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(ledBy(low, 9)))
	r.step(fsm.Input{Kind: fsm.InAck, From: low, Round: 1, Draining: 20 * time.Second})
	for end := r.now.Add(20*time.Second + ttl/3); r.now.Mono < end.Mono; r.surveyed(survey(ledBy(low, 9))) {
		if r.due(); r.m.State() != fsm.Waiting {
			break
		}
	}
	r.in(fsm.Inconclusive)
	if want := "low (rank 100) did not release within 20s"; r.cause() != want {
		t.Errorf("cause: %q, want %q", r.cause(), want)
	}
}

func TestAHolderThatAnswersButDoesNotLetGoIsNotAskedInALoop(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(ledBy(low, 9))).ack(low).gives("claim, round 1, epoch e1")
	r.claimed(fsm.OutcomeHeld, func(in *fsm.Input) { in.Holder = new(holding(low, 9)) }).in(fsm.Lost)
	if r.left() < fsm.RetryMin {
		t.Errorf("asks again after %s", r.left())
	}
}

func TestAKickWhileALowerOneLeadsIsNotFollowedByALoopOfRounds(t *testing.T) {
	// Whoever kicked deals with the lower holder, or has its reasons not to.
	r := newRig(t)
	r.run().surveyed(survey(above(high), ledBy(low, 9))).kick(high).in(fsm.Lost)
	if r.left() < time.Second {
		t.Errorf("next round in %s", r.left())
	}
	if l := r.m.Leader(); l.ID != "low" {
		t.Errorf("leader: %+v", l)
	}
}
