package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

func heldBy(c fsm.Candidate, token uint64) func(*fsm.Input) {
	return func(in *fsm.Input) { in.Holder = new(holding(c, token)) }
}

func TestAGrantThatComesAfterItsTrustIsReleasedAndNotWon(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).after(time.Second).granted(100).in(fsm.Won)

	r = newRig(t)
	r.after(term - time.Second)
	r.run().surveyed(survey()).after(time.Second)
	r.granted(100).in(fsm.Inconclusive).gives(
		"release 100",
		"undecided: waiting -> inconclusive",
		"tell inconclusive: the claim was granted too late: its lease may be over",
	)
}

func TestAGrantOfATenancyThatWasNeverTrustedIsReleased(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey())
	r.claimed(fsm.OutcomeGranted, func(in *fsm.Input) { in.Token, in.Tenancy = 100, second }).in(fsm.Inconclusive).does("release 100")
}

func TestAGrantOfAnOlderRoundIsReleased(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).vote(high).in(fsm.Lost)
	r.granted(100).in(fsm.Lost).gives("release 100")

	r = newRig(t)
	r.run().surveyed(survey()).due().in(fsm.Inconclusive).due().surveyed(survey()).in(fsm.Waiting)
	r.step(fsm.Input{Kind: fsm.InClaimed, Round: 1, Outcome: fsm.OutcomeGranted, Token: 100, Tenancy: first}).in(fsm.Waiting).gives("release 100")
	r.granted(101).in(fsm.Won)
}

func TestAGrantAfterQuitIsReleasedByTheWithdrawal(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).quit().in(fsm.Idle)
	r.granted(100).in(fsm.Idle).gives()
	r.withdrawn().granted(101).in(fsm.Idle).gives("release 101")
}

func TestAClaimWithoutTrustIsNotSent(t *testing.T) {
	r := newRig(t)
	r.after(term).run().surveyed(survey()).in(fsm.Inconclusive).doesNot("claim").does("beat")
}

func TestAClaimOfUnknownOutcomeIsRepeatedUntilTheRoundsDeadline(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey())
	began, claims := r.now, 1
	for r.claimed(fsm.OutcomeUnknown).in(fsm.Waiting).due(); r.m.State() == fsm.Waiting; r.claimed(fsm.OutcomeUnknown).due() {
		r.gives("claim, round 1, epoch e1")
		if claims++; claims > 10 {
			t.Fatal("repeated without end")
		}
	}
	if d := r.now.Sub(began); d != ttl/3 {
		t.Errorf("gave up after %s, want TTL/3", d)
	}
	if claims != 7 { // every 250 ms in 1.67 s
		t.Errorf("%d claims", claims)
	}
	r.in(fsm.Inconclusive).does("tell inconclusive: Redis did not answer within 1.667s")
}

func TestACandidateThatFindsTheLeaseHeldFollows(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeHeld, heldBy(high, 9)).in(fsm.Lost).gives(
		"watch high",
		"tell leader high 9",
		"defeated: waiting -> lost",
		"tell lost: high (rank 900) holds the lease",
	)
	if r.left() != -1 {
		t.Errorf("a timer for a holder that the node watches: %s", r.left())
	}
}

func TestARefusedClaimRegistersAgainSoon(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeRefused).in(fsm.Inconclusive).
		does("tell inconclusive: Redis does not know us as a candidate")
	if r.left() > fsm.RetryMin {
		t.Errorf("waits %s", r.left())
	}
	r.due().gives("canvass: inconclusive -> voting", "survey, round 2, register true")
}

func TestAStaleClaimAsksForAHeartbeat(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeStale).in(fsm.Inconclusive).does("beat", "undecided: waiting -> inconclusive")
}

func TestInconclusiveIsToldOncePerCauseUntilADecision(t *testing.T) {
	r := newRig(t)
	tell := "tell inconclusive: Redis does not know us as a candidate"
	r.run().surveyed(survey()).claimed(fsm.OutcomeRefused).does(tell)
	r.due().surveyed(survey()).claimed(fsm.OutcomeRefused).doesNot("tell inconclusive")
	r.due().surveyed(survey()).claimed(fsm.OutcomeStale).does("tell inconclusive: our session is not current: Redis knows another one")
	r.vote(high).in(fsm.Lost).due().surveyed(survey()).claimed(fsm.OutcomeRefused).does(tell)
}

func TestASurveyThatNamesUsIsNoReasonNotToClaim(t *testing.T) {
	// The record is of a term that we know nothing of; the claim makes a new one.
	r := newRig(t)
	r.run().surveyed(survey(ledBy(me, 50))).does("claim, round 1, epoch e1")
}

func TestAClaimIsNotRepeatedWhileOneIsOnItsWay(t *testing.T) {
	// Two grants in one round are two tokens, and the record carries the second.
	r := newRig(t)
	r.run().surveyed(survey()).does("claim, round 1, epoch e1")
	r.step(fsm.Input{Kind: fsm.InLinkUp}).gives()
	r.claimed(fsm.OutcomeUnknown).gives()
	r.step(fsm.Input{Kind: fsm.InLinkUp}).gives("claim, round 1, epoch e1")
	r.step(fsm.Input{Kind: fsm.InLinkUp}).gives()
}

func TestASecondGrantInOneTermEndsIt(t *testing.T) {
	// The record carries the newer token; to release it while the older one counts
	// as valid would let a second leader in.
	r := newRig(t)
	r.won(100).granted(101).in(fsm.Lost).does("unlead 100", "release 101")
	if r.lease.Valid(r.now) {
		t.Error("the older lease is still valid")
	}

	r = newRig(t)
	r.won(100).granted(99).in(fsm.Won).gives("release 99")
}

// In a quarantine nobody can follow a holder that steps down for us, we included.
func TestALowerHolderIsNotAskedToStepDownInAQuarantine(t *testing.T) {
	r := newRig(t)
	fresh := func(s *fsm.Survey) { s.Quarantine = 400 * time.Millisecond }
	r.run().surveyed(survey(ledBy(low, 9), fresh)).in(fsm.Inconclusive).doesNot("vote", "claim").does("watch low")
	if want := "the dataset is new: claims are refused for 400ms more, so that every older lease ends first"; r.cause() != want {
		t.Errorf("cause: %q", r.cause())
	}
	if r.left() < 400*time.Millisecond || r.left() > time.Second {
		t.Errorf("looks again after %s", r.left())
	}
	r.due().surveyed(survey(ledBy(low, 9))).in(fsm.Waiting).does("vote to low, round 2")

	// A holder that does not step down for us is followed, as ever.
	r = newRig(t)
	r.run().surveyed(survey(above(high), ledBy(high, 9), fresh)).in(fsm.Lost)
}

func TestAQuarantineIsWaitedOut(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeQuarantine, func(in *fsm.Input) { in.Wait = 400 * time.Millisecond })
	r.in(fsm.Inconclusive).does("tell inconclusive: the dataset is new: claims are refused for 400ms more, so that every older lease ends first")
	if want := 401 * time.Millisecond; r.left() != want {
		t.Errorf("waits %s, want %s", r.left(), want)
	}
	// A long one is looked at now and then: its old leader may come back.
	r.due().surveyed(survey()).claimed(fsm.OutcomeQuarantine, func(in *fsm.Input) { in.Wait = time.Minute }).in(fsm.Inconclusive)
	if r.left() != ttl/3 {
		t.Errorf("waits %s, want %s", r.left(), ttl/3)
	}
	r.due().surveyed(survey()).claimed(fsm.OutcomeQuarantine, func(in *fsm.Input) { in.Wait = 1<<63 - 1 }).in(fsm.Inconclusive)
	if r.left() != ttl/3 {
		t.Errorf("waits %s, want %s", r.left(), ttl/3)
	}
}

func TestASessionThatIsNotCurrentIsLookedAtAgainWithTheNextHeartbeatAtTheLatest(t *testing.T) {
	// After an outage the first heartbeat is answered in a moment: to wait for five
	// seconds because rounds before it had no result leaves the office empty.
	r := newRig(t)
	r.run()
	for range 8 {
		r.surveyed(survey()).claimed(fsm.OutcomeStale).in(fsm.Inconclusive)
		if r.left() > ttl/3 {
			t.Fatalf("waits %s, want %s at most", r.left(), ttl/3)
		}
		r.due()
	}
}

func TestOurOwnRecordIsNoRivalInALook(t *testing.T) {
	r := newRig(t)
	r.waiting(high).hint(low, 3).gives("look")
	r.surveyed(survey(above(high), ledBy(me, 2))).in(fsm.Waiting).gives()
}

func TestACandidateLooksForARecordThatAnUnknownClaimMayHaveLeft(t *testing.T) {
	// The claim was granted and its reply lost; then we are outvoted. The record
	// names us, our session lives on, and nobody else may claim (safety-cases.md, C9).
	r := newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeUnknown).vote(high).in(fsm.Lost).does("look")
	r.surveyed(survey(ledBy(me, 100))).in(fsm.Lost).does("release 100")

	r = newRig(t)
	r.run().surveyed(survey()).vote(high).in(fsm.Lost).doesNot("look")
	r.claimed(fsm.OutcomeUnknown).gives("look")

	r = newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeUnknown).due().granted(100).in(fsm.Won).
		resign("").drained().in(fsm.Lost).doesNot("look") // answered since
}

func TestALookDuringARoundDoesNotMakeARecordThatNamesUsForgotten(t *testing.T) {
	// Seed 46734 of the simulator: the round finds a record that names us, of a claim whose
	// answer was lost, and so does a look; then we are outvoted. We had forgotten it, and
	// nobody could claim as long as our session lived.
	r := newRig(t)
	r.run().answered(survey(above(high))).in(fsm.Lost).due() // gives way first
	r.answered(survey(above(high), ledBy(me, 100))).in(fsm.Waiting)
	r.vacant(low, 9, "me").gives("look").surveyed(survey(above(high), ledBy(me, 100))).in(fsm.Waiting)
	r.vote(high).in(fsm.Lost).does("look").surveyed(survey(above(high), ledBy(me, 100))).does("release 100")
}

func TestACandidateThatFindsTheLeaseHeldByALowerOneAsksForIt(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey()).claimed(fsm.OutcomeHeld, heldBy(low, 9)).in(fsm.Lost)
	r.due().in(fsm.Voting)
	if want := "low (rank 100) leads and ranks below us"; r.cause() != want {
		t.Errorf("cause: %q, want %q", r.cause(), want)
	}
	r.surveyed(survey(ledBy(low, 9))).does("vote to low, round 2")
}

func TestWhoMayBeFirstClaimsRightBehindItsSurvey(t *testing.T) {
	r := newRig(t).run()
	if fx := r.effect(fsm.DoSurvey); !fx.Eager || fx.Tenancy.Epoch != "e1" {
		t.Errorf("%+v", fx)
	}
	r.surveyed(survey()).in(fsm.Waiting).does("claim, round 1, epoch e1")
	if !r.effect(fsm.DoClaim).Eager {
		t.Error("it claims twice")
	}
	r.granted(9).in(fsm.Won)
}

func TestWhoIsBelowOthersForgetsTheClaimBehindItsSurvey(t *testing.T) {
	r := newRig(t).run().answered(survey(above(high))).in(fsm.Lost).doesNot("claim")
	r.claimed(fsm.OutcomeOutranked).in(fsm.Lost).gives()
	r = newRig(t).run()
	r.answered(survey(above(high))).due().answered(survey(above(high))).in(fsm.Waiting).doesNot("claim")
	r.claimed(fsm.OutcomeOutranked).in(fsm.Waiting).gives()
	r.ack(high).in(fsm.Waiting).does("claim, round 2, epoch e1")
	if r.effect(fsm.DoClaim).Eager {
		t.Error("it waits for a claim that was answered")
	}
}

func TestAHigherCandidateBetweenSurveyAndClaimIsTooLate(t *testing.T) {
	r := newRig(t).run().surveyed(survey()).claimed(fsm.OutcomeOutranked).in(fsm.Waiting).gives("claim, round 1, epoch e1")
	if r.effect(fsm.DoClaim).Eager {
		t.Error("nothing is sent")
	}
	r.granted(9).in(fsm.Won)
}

func TestWhatAClaimBehindAFaultySurveyIsGrantedIsGivenBack(t *testing.T) {
	r := newRig(t).run().surveyed(fsm.Survey{Fault: fsm.Cause{Code: fsm.CauseUnreachable}}).in(fsm.Inconclusive)
	r.granted(9).in(fsm.Inconclusive).gives("release 9")
}

func TestNobodyClaimsRightBehindItsSurveyWhoKnowsBetter(t *testing.T) {
	for what, r := range map[string]*rig{
		"below others":      newRig(t).run().surveyed(survey(above(high), func(s *fsm.Survey) { s.Place = 1 })).due().due(),
		"a holder is known": newRig(t).run().surveyed(survey()).claimed(fsm.OutcomeHeld, heldBy(low, 9)).due(),
		"no trust":          newRig(t).after(term).run(),
	} {
		if fx := r.effect(fsm.DoSurvey); fx.Eager {
			t.Errorf("%s: %+v", what, fx)
		}
	}
}

// A record of which no token can be read keeps others out: whoever it names is a holder to
// reckon with, whatever has been released, and is not asked to go.
func TestAHolderWithoutATokenIsFollowed(t *testing.T) {
	r := newRig(t).run().answered(survey(above(high), ledBy(high, 0))).in(fsm.Lost).does("watch high", "tell leader high 0")
	if at := r.left(); at != -1 {
		t.Errorf("looks again in %v", at)
	}
	newRig(t).run().answered(survey(ledBy(low, 0))).in(fsm.Lost).does("watch low")
	newRig(t).lost(high, 9).vacant(high, 9, "other").due().answered(survey(above(higher), ledBy(higher, 0))).in(fsm.Lost).does("tell leader higher 0")
	newRig(t).lost(high, 9).called(survey(ledBy(me, 0))).in(fsm.Lost).does("release 0") // of ours, which nobody knows
}

func TestAClaimForWhichNoTokenIsLeftSaysSo(t *testing.T) {
	why := fsm.Cause{Code: fsm.CauseRefused, Detail: "no token is left"}
	r := newRig(t).run().surveyed(survey()).claimed(fsm.OutcomeSpent, func(in *fsm.Input) { in.Cause = why })
	r.in(fsm.Inconclusive).does("tell inconclusive: Redis refuses: no token is left")
	r.due().in(fsm.Voting)
}
