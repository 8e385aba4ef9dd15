package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

func TestDrainingEndsTheWorkFirstAndTheOfficeAfterIt(t *testing.T) {
	r := newRig(t)
	r.won(5).resign("").in(fsm.Won).gives("end work: resigned")
	if !r.m.Draining() || !r.lease.Valid(r.now) {
		t.Fatal("the lease is not valid while the work is waited for")
	}
	r.live(10*time.Second).drained().in(fsm.Lost).gives(
		"unlead 5",
		"release 5",
		"tell no leader",
		"defeated: won -> lost",
		"tell lost: resigned",
	)
	if r.lease.Valid(r.now) {
		t.Error("the lease is valid after its release")
	}
	r.released(5).gives("answer resign of 5, refused false")
}

func TestWorkThatDoesNotReturnIsToldOfAndNotWaitedForAnyLonger(t *testing.T) {
	r := newRig(t)
	r.won(5).resign("")
	if r.left() != 30*time.Second {
		t.Fatalf("waits %s", r.left())
	}
	r.due().in(fsm.Lost).gives(
		"tell overdue: the work did not return within 30s",
		"unlead 5",
		"release 5",
		"tell no leader",
		"defeated: won -> lost",
		"tell lost: resigned",
	)
	r.drained().in(fsm.Lost).gives() // it returns after all
}

func TestAStickyHolderKicks(t *testing.T) {
	r := newRig(t, func(rules *fsm.Rules) { rules.Sticky = true })
	r.won(5).vote(high).in(fsm.Won).gives("kick to high, round 77")
	r.kick(high).in(fsm.Won).gives()
	if r.m.Draining() {
		t.Error("gives up the office")
	}
}

func TestAHolderThatDrainsAnywayDoesNotKick(t *testing.T) {
	r := newRig(t, func(rules *fsm.Rules) { rules.Sticky = true })
	r.won(5).quit().vote(high).gives("ack to high, round 77, draining 30s")
}

func TestAKickFromAHigherCandidateThatWasPassedOverEndsTheTerm(t *testing.T) {
	r := newRig(t)
	r.waiting(high).ack(high).granted(5).in(fsm.Won)
	r.step(fsm.Input{Kind: fsm.InKick, From: high, Round: 0}).gives() // of another round
	r.kick(high).in(fsm.Won).gives("end work: kicked by high (rank 900)")
}

func TestALowerCandidatesVoteIsKicked(t *testing.T) {
	newRig(t).won(5).vote(low).in(fsm.Won).gives("kick to low, round 77")
	newRig(t).waiting(high).vote(low).in(fsm.Waiting).gives("kick to low, round 77")
	newRig(t).vote(low).in(fsm.Idle).gives()

	r := newRig(t).lost(high, 9)
	r.vote(low).in(fsm.Lost).gives("kick to low, round 77", "look") // does it know better?

	r = newRig(t).waiting(high).due().in(fsm.Inconclusive)
	r.vote(low).in(fsm.Voting).does("kick to low, round 77", "canvass: inconclusive -> voting")

	r = newRig(t).waiting(high).kick(high).in(fsm.Lost)
	r.vote(low).in(fsm.Voting).does("kick to low, round 77", "canvass: lost -> voting")
}

func TestAHigherCandidatesVoteIsAckedInEveryStateOfACandidate(t *testing.T) {
	for name, r := range map[string]*rig{
		"voting":       newRig(t).run(),
		"waiting":      newRig(t).waiting(high),
		"inconclusive": newRig(t).waiting(high).due(),
		"lost":         newRig(t).lost(higher, 9),
	} {
		before := r.m.State()
		r.vote(high).in(fsm.Lost).does("ack to high, round 77")
		if name == "inconclusive" && before != fsm.Inconclusive {
			t.Errorf("was in %s", before)
		}
	}
	newRig(t).vote(high).in(fsm.Idle).gives()
}

func TestALostCandidateGivesAHigherOneTheTimeOfARound(t *testing.T) {
	r := newRig(t).waiting(high).kick(high).in(fsm.Lost).after(900 * time.Millisecond)
	r.vote(high)
	if r.left() < time.Second {
		t.Errorf("stands in %s", r.left())
	}
	r.due().in(fsm.Voting)
}

func TestOnlyALeaderMayResign(t *testing.T) {
	for _, r := range []*rig{newRig(t), newRig(t).run(), newRig(t).waiting(high), newRig(t).lost(high, 9)} {
		before := r.m.State()
		r.resign("").in(before).gives("answer resign of 0, refused true")
	}
}

func TestTheHeirThatAResignerNamesIsInTheRelease(t *testing.T) {
	newRig(t).won(5).resign("high").gives("end work: resigned in favour of high").drained().does("release 5 to high, kept for it")
}

func TestAResignerAcksLowerVotesAndStandsAgainAfterATTL(t *testing.T) {
	r := newRig(t).won(5).resign("").drained().in(fsm.Lost)
	if r.left() != ttl {
		t.Fatalf("stands again in %s", r.left())
	}
	r.vote(low).in(fsm.Lost).gives("ack to low, round 77")
	r.due().in(fsm.Voting)
	r.surveyed(survey()).vote(low).gives("kick to low, round 77") // it stands
}

func TestAResignerFollowsItsSuccessorAndStandsWhenThatOfficeEnds(t *testing.T) {
	successor := func() *rig {
		r := newRig(t).won(5).resign("").drained()
		r.hint(low, 6).surveyed(survey(ledBy(low, 6))).in(fsm.Lost).does("watch low", "tell leader low 6")
		if r.left() != -1 {
			t.Errorf("acts in %s", r.left())
		}
		return r
	}
	successor().gone(low).in(fsm.Voting)
	r := successor().vacant(low, 6, "").in(fsm.Lost)
	r.due().in(fsm.Voting)
}

func TestAHigherCandidatesVoteIsAckedAtOnceWithTheTimeThatDrainingMayTake(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(high).in(fsm.Won).gives(
		"ack to high, round 77, draining 30s",
		"end work: a vote from high (rank 900), which outranks us",
	)
	r.live(10 * time.Second).vote(high).in(fsm.Won).gives("ack to high, round 77, draining 20s")
	r.drained().in(fsm.Lost).does("release 5 to high", "defeated: won -> lost")
}

func TestAHolderKicksWithinItsMinTenureAndDrainsAfterIt(t *testing.T) {
	r := newRig(t, func(rules *fsm.Rules) { rules.MinTenure = time.Minute })
	r.won(5).live(59 * time.Second).vote(high).in(fsm.Won).gives("kick to high, round 77")
	r.kick(high).in(fsm.Won).gives()
	r.live(time.Second).vote(high).does("end work: a vote from high (rank 900), which outranks us")
}

// Without a time it would say that it stays for its whole term.
func TestAHolderWhoseTenureIsAllButOverSaysSo(t *testing.T) {
	r := newRig(t, func(rules *fsm.Rules) { rules.MinTenure = time.Minute })
	r.won(5).live(time.Minute - 300*time.Microsecond).vote(high).in(fsm.Won).gives("kick to high, round 77")
	if d := r.fx[0].Draining; d != 300*time.Microsecond {
		t.Errorf("it says %v, want all that is left", d)
	}
	newRig(t, func(rules *fsm.Rules) { rules.Sticky = true }).won(5).vote(high).gives("kick to high, round 77")
}

func TestAResignationIsAnsweredWhenItIsDone(t *testing.T) {
	answered := "answer resign of 5, refused false"
	// Another release, of a late grant, is answered meanwhile.
	newRig(t).won(5).resign("").released(4).in(fsm.Won).gives("answer resign of 4, refused false")
	// The record turns out to be somebody else's: nothing is left to release.
	newRig(t).won(5).resign("").reasserted(fsm.OutcomeSuperseded, first).in(fsm.Lost).does(answered)
	newRig(t).won(5).vote(high).reasserted(fsm.OutcomeSuperseded, first).in(fsm.Lost).does(answered) // whoever ended it
	// The lease lapses: it is released all the same.
	r := newRig(t).won(5).resign("").after(term).step(fsm.Input{Kind: fsm.InLapse}).in(fsm.Lost).does("release 5, over")
	r.released(5).gives(answered)
}

func TestAResignerWhoseLeaseLapsesDoesNotStandAtOnce(t *testing.T) {
	r := newRig(t).won(5).resign("").after(term).step(fsm.Input{Kind: fsm.InLapse}).in(fsm.Lost)
	if r.left() != ttl {
		t.Errorf("stands again in %s", r.left())
	}
	r.vote(low).gives("ack to low, round 77")
}

func TestWorkOfAnOlderTermThatReturnsLateEndsNothing(t *testing.T) {
	r := newRig(t).won(5).after(term).step(fsm.Input{Kind: fsm.InLapse}).in(fsm.Lost)
	r.live(0)
	r.due().surveyed(survey()).granted(6).in(fsm.Won).resign("")
	r.step(fsm.Input{Kind: fsm.InDrained, Token: 5}).in(fsm.Won).gives()
	r.step(fsm.Input{Kind: fsm.InDrained, Token: 6}).in(fsm.Lost)
}
