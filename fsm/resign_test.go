package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

func keptFor(heir string, left time.Duration) func(*fsm.Survey) {
	return func(s *fsm.Survey) { s.Heir, s.HeirLeft = heir, left }
}

func TestANamedSuccessorIsNotReplacedByWhoeverVotesMeanwhile(t *testing.T) {
	r := newRig(t).won(5).resign("low")
	r.vote(high).gives("ack to high, round 77, draining 30s")
	r.drained().does("release 5 to low, kept for it", "tell lost: resigned in favour of low")
}

func TestWhoIsPreemptedWhileItDrainsKeepsTheHeirThatItHas(t *testing.T) {
	// The higher candidate was told that the office is its.
	newRig(t).won(5).vote(high).resign("low").drained().does("release 5 to high")
}

func TestANamedSuccessorClaimsWithoutAVote(t *testing.T) {
	claim := "claim, round 1, epoch e1"
	// By the message, or, if that is lost, by whatever makes it look at Redis.
	r := newRig(t).lost(high, 9).vacant(high, 9, "me").in(fsm.Waiting)
	r.does("claim, round 2, epoch e1")
	r = newRig(t).run().surveyed(survey(above(high), keptFor("me", time.Second))).in(fsm.Waiting)
	r.does(claim).doesNot("vote")
	if r.cause() != "the leader that resigned named us" {
		t.Error(r.cause())
	}
	r = newRig(t).lost(high, 9).step(fsm.Input{Kind: fsm.InNudge})
	r.surveyed(survey(above(high), keptFor("me", time.Second))).in(fsm.Waiting).does("claim, round 2, epoch e1").doesNot("vote")
	r = newRig(t).waiting(high).due().in(fsm.Inconclusive).hint(low, 9)
	r.surveyed(survey(above(high), keptFor("me", time.Second))).in(fsm.Waiting).does("claim, round 3, epoch e1")
}

func TestANamedSuccessorThatWaitsForVotesLooksAndClaims(t *testing.T) {
	r := newRig(t).run().surveyed(survey(above(high), ledBy(low, 9))).in(fsm.Waiting)
	r.vacant(low, 9, "me").in(fsm.Waiting).gives("look") // high has not answered yet
	r.surveyed(survey(above(high), keptFor("me", time.Second))).gives("claim, round 2, epoch e1")
	// A forged message makes nobody claim past those who outrank it.
	r = newRig(t).waiting(high).vacant(low, 9, "me").gives("look")
	r.surveyed(survey(above(high))).in(fsm.Waiting).doesNot("claim")
}

func TestTheOthersHoldBackWhileTheOfficeIsKept(t *testing.T) {
	const left = 400 * time.Millisecond
	r := newRig(t).run().surveyed(survey(keptFor("low", left))).in(fsm.Inconclusive)
	r.does("tell inconclusive: the office is kept for low for 400ms more: the leader that resigned named it").doesNot("vote", "claim")
	if d := r.left(); d < left || d > left+2*time.Millisecond {
		t.Errorf("tries again in %v", d)
	}
	r = newRig(t).run().surveyed(survey()).claimed(fsm.OutcomeKept, func(in *fsm.Input) { in.Heir, in.Wait = "low", left }).in(fsm.Inconclusive)
	if d := r.left(); d < left || d > left+2*time.Millisecond {
		t.Errorf("tries again in %v", d)
	}
	r = newRig(t).lost(high, 9).vacant(high, 9, "higher").gives()
	r.due().gives("look")
	r.surveyed(survey(keptFor("higher", left))).in(fsm.Lost).does("tell no leader").doesNot("claim")
	if d := r.left(); d < left || d > left+2*fsm.Stagger {
		t.Errorf("stands in %v", d)
	}
	r.due().in(fsm.Voting)
}

func TestNoWordFromRedisMakesAnybodyHoldBackForLong(t *testing.T) {
	r := newRig(t).run().surveyed(survey(keptFor("low", time.Hour))).in(fsm.Inconclusive)
	if r.left() > 2*fsm.KeptFor {
		t.Errorf("tries again in %v", r.left())
	}
	r = newRig(t).lost(high, 9).vacant(high, 9, "higher").due().surveyed(survey(keptFor("higher", time.Hour))).in(fsm.Lost)
	if r.left() > 2*fsm.KeptFor {
		t.Errorf("stands in %v", r.left())
	}
}

func TestAHolderThatCountsGoesBeforeAKeptOffice(t *testing.T) {
	newRig(t).run().surveyed(survey(above(high), ledBy(high, 9), keptFor("me", time.Second))).in(fsm.Lost).doesNot("claim")
	newRig(t).lost(high, 9).hint(higher, 10).surveyed(survey(ledBy(higher, 10), keptFor("me", time.Second))).in(fsm.Lost).doesNot("claim")
}

func appointed(r *rig, token uint64) *rig {
	r.run().surveyed(survey(keptFor("me", time.Second)))
	return r.claimed(fsm.OutcomeGranted, func(in *fsm.Input) { in.Token, in.Appointed = token, true }).in(fsm.Won)
}

func TestAnAppointedHolderIsNotPreemptedBeforeATTL(t *testing.T) {
	r := appointed(newRig(t), 5)
	if !r.m.Leader().Appointed {
		t.Error("it does not say that it was appointed")
	}
	r.live(2 * time.Second).vote(high).in(fsm.Won).gives("kick to high, round 77")
	if d := r.effect(fsm.DoKick).Draining; d != ttl-2*time.Second {
		t.Errorf("tells the higher candidate to come back in %v", d)
	}
	r.kick(high).in(fsm.Won).gives()
	r.live(3 * time.Second).vote(high).in(fsm.Won).does("end work: a vote from high (rank 900), which outranks us")
}

func TestAnAppointedHolderIsNotPreemptedBeforeItsMinTenure(t *testing.T) {
	r := appointed(newRig(t, func(rules *fsm.Rules) { rules.MinTenure = time.Minute }), 5)
	r.live(59 * time.Second).vote(high).in(fsm.Won).gives("kick to high, round 77")
	r.live(time.Second).vote(high).does("end work: a vote from high (rank 900), which outranks us")
}

func TestTheNextTermOfAnAppointedHolderIsAnOrdinaryOne(t *testing.T) {
	r := appointed(newRig(t), 5).quit().drained().withdrawn()
	r.run().surveyed(survey()).granted(6).in(fsm.Won).vote(high).does("ack to high, round 77, draining 30s")
}

func TestWhoAsksAnAppointedHolderComesBackWhenItSays(t *testing.T) {
	r := newRig(t).run().surveyed(survey(ledBy(low, 9))).in(fsm.Waiting)
	r.step(fsm.Input{Kind: fsm.InKick, From: low, Round: 1, Draining: ttl}).in(fsm.Lost)
	if r.left() < ttl || r.left() > ttl+ttl/4 {
		t.Errorf("asks again in %v", r.left())
	}
	r.due().in(fsm.Voting)
}

func TestAResignerDoesNotStandAgainstWhoPreemptedItsSuccessor(t *testing.T) {
	follows := func() *rig {
		return newRig(t).won(5).resign("low").drained().hint(low, 6).surveyed(survey(ledBy(low, 6))).in(fsm.Lost)
	}
	// low gives way to mid, which ranks below us. We heard of it as the next in line.
	mid := fsm.Candidate{ID: "mid", Inc: "mm", Rank: 300}
	r := follows().vacant(low, 6, "mid").in(fsm.Lost).gives()
	r.hint(mid, 7).surveyed(survey(ledBy(mid, 7))).in(fsm.Lost).does("tell leader mid 7").doesNot("vote", "survey")
	if r.left() != -1 {
		t.Errorf("acts in %v", r.left())
	}
	// mid does not come: we look, and stand.
	r = follows().vacant(low, 6, "mid").due().gives("look").surveyed(survey()).in(fsm.Lost)
	r.due().in(fsm.Voting)
	// mid's office ends by itself.
	follows().vacant(low, 6, "mid").hint(mid, 7).surveyed(survey(ledBy(mid, 7))).gone(mid).in(fsm.Voting)
}

func TestAResignerDoesNotStandWhileTheOfficeIsKeptForItsSuccessor(t *testing.T) {
	r := newRig(t).won(5).resign("low").drained().step(fsm.Input{Kind: fsm.InLinkUp})
	r.surveyed(survey(keptFor("low", time.Second))).in(fsm.Lost)
	if r.left() != ttl {
		t.Errorf("stands again in %v", r.left())
	}
}
