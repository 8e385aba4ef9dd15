package fsm_test

import (
	"testing"
	"time"

	"hustings/fsm"
)

func lapse(r *rig) *rig { return r.step(fsm.Input{Kind: fsm.InLapse}) }

func TestALapseEndsTheTermBeforeTheInputIsLookedAt(t *testing.T) {
	r := newRig(t).won(5).after(term)
	r.vote(low).in(fsm.Voting).does(
		"unlead 5",
		"release 5, over",
		"defeated: won -> lost",
		"tell lost: session lapsed: no heartbeat was answered that was sent in the last 4.5s",
		"kick to low, round 77",
	)
}

func TestALapseIsFinalWhateverIsAnsweredAfterIt(t *testing.T) {
	r := newRig(t).won(5)
	req := r.s.Beat(r.now.Add(time.Second)) // sent in time, answered too late
	r.after(term)
	if r.lease.Valid(r.now) {
		t.Fatal("valid at the end of trust")
	}
	r.s.Answer(r.now, req, fsm.VerdictExtended, first, fsm.Epoch{})
	if r.lease.Valid(r.now) {
		t.Fatal("an answer revived the lease")
	}
	lapse(r).in(fsm.Lost)
	r.beat(first)
	if r.lease.Valid(r.now) || r.m.Lease() != nil {
		t.Fatal("a heartbeat revived the lease")
	}
	r.step(fsm.Input{Kind: fsm.InReasserted, Outcome: fsm.OutcomeReasserted, Token: 5, Tenancy: first}).in(fsm.Lost).gives()
	r.granted(6).in(fsm.Lost).gives("release 6")
}

func TestALapseThatNobodyHasSeenYetIsFinalToo(t *testing.T) {
	// The answer comes before anybody asked: it is looked at after the trust.
	r := newRig(t).won(5)
	req := r.s.Beat(r.now.Add(time.Second))
	r.after(term)
	r.s.Answer(r.now, req, fsm.VerdictExtended, first, fsm.Epoch{})
	if r.lease.Valid(r.now) {
		t.Error("revived")
	}
}

func TestALapseInputBeforeTheEndOfTrustChangesNothing(t *testing.T) {
	lapse(newRig(t).won(5).after(term - 1)).in(fsm.Won).gives()
}

func TestAHeartbeatAnsweredInTimeProlongsTheLease(t *testing.T) {
	r := newRig(t).won(5).live(10 * ttl)
	lapse(r).in(fsm.Won).gives()
	if want := r.now.Add(term); r.lease.Until() != want {
		t.Errorf("trusted until %v, want %v", r.lease.Until(), want)
	}
}

func TestAWallClockThatJumpsForwardEndsTheLease(t *testing.T) {
	// As after a suspend, in which the monotonic clock stands still.
	r := newRig(t).won(5)
	r.now.Wall += term
	if r.lease.Valid(r.now) {
		t.Error("valid after the jump")
	}
	r.now.Wall -= term
	if r.lease.Valid(r.now) {
		t.Error("a lapse was undone by setting the clock back")
	}
	lapse(r).in(fsm.Lost)
}

func TestAWallClockThatJumpsBackProlongsNothing(t *testing.T) {
	r := newRig(t).won(5)
	r.now.Wall -= time.Hour
	r.after(term - 1)
	if !r.lease.Valid(r.now) {
		t.Error("ended before the monotonic clock said so")
	}
	if r.after(1); r.lease.Valid(r.now) {
		t.Error("prolonged by setting the wall clock back")
	}
}

func TestAHeartbeatAfterAJumpBackDoesNotShortenTheTrust(t *testing.T) {
	r := newRig(t)
	r.now.Wall -= time.Hour
	r.after(time.Second).beat(first)
	// Both ends are the heartbeat's: a later one would leave the wall clock without a
	// say until it has caught up.
	if until := r.s.Current().Until(); until != r.now.Add(term) {
		t.Errorf("trusted until %v at %v", until, r.now)
	}
}

func TestAnAbandonedOrRevokedLeaseIsOverForGood(t *testing.T) {
	r := newRig(t).won(5)
	r.m.Abandon()
	if r.beat(first); r.lease.Valid(r.now) {
		t.Error("valid after Abandon")
	}
	newRig(t).m.Abandon() // no lease, no harm

	r = newRig(t).won(5)
	r.s.Revoke()
	if r.beat(first); r.lease.Valid(r.now) {
		t.Error("valid after Revoke")
	}
}

func TestNoLeaseAndNoTrustAreNeverValid(t *testing.T) {
	var l *fsm.Lease
	var tr *fsm.Trust
	if l.Valid(fsm.Instant{}) || tr.Holds(fsm.Instant{}) {
		t.Error("nil is valid")
	}
}

func TestALeaseRestsOnItsOwnTenancyOnly(t *testing.T) {
	// `extended` names another dataset: the term is trusted as long as it was.
	r := newRig(t).won(5).after(time.Second)
	until := r.lease.Until()
	if a := r.beat(second); !a.Changed {
		t.Fatal("the change of tenancy is not noticed")
	}
	if r.lease.Until() != until {
		t.Fatalf("prolonged from %v to %v", until, r.lease.Until())
	}
	r.step(fsm.Input{Kind: fsm.InTenancy}).in(fsm.Won).gives("reassert 5, epoch e2")
	r.after(term - time.Second)
	// It may have been re-asserted, though nobody knows.
	lapse(r).in(fsm.Lost).does("release 5")
}

func TestAReassertionMovesTheLeaseIntoTheNewTenancy(t *testing.T) {
	r := newRig(t).won(5).after(time.Second)
	r.beat(second)
	r.step(fsm.Input{Kind: fsm.InTenancy})
	r.reasserted(fsm.OutcomeReasserted, second).in(fsm.Won).gives()
	if want := r.now.Add(term); r.lease.Until() != want {
		t.Errorf("trusted until %v, want %v", r.lease.Until(), want)
	}
	if r.left() != -1 {
		t.Errorf("re-asserts again in %s", r.left())
	}
	r.live(3 * ttl)
	lapse(r).in(fsm.Won)
	// A heartbeat that names the old one no longer prolongs it.
	until := r.lease.Until()
	if r.after(time.Second).beat(first); r.lease.Until() != until {
		t.Error("prolonged by the tenancy that it left")
	}
}

func TestAReassertionOfAnotherTenancyThanThePresentOneIsTriedAgain(t *testing.T) {
	r := newRig(t).won(5).after(time.Second)
	until := r.lease.Until()
	r.beat(second)
	r.step(fsm.Input{Kind: fsm.InTenancy})
	for _, other := range []fsm.Tenancy{first, {Birth: inc + "-9", Epoch: "e9"}} { // one that is over, though it is trusted, and one not heard of
		r.reasserted(fsm.OutcomeReasserted, other).in(fsm.Won).gives()
		if r.lease.Until() != until {
			t.Error("prolonged")
		}
		r.due().gives("reassert 5, epoch e2")
	}
}

// A node may lead so many that its own repetitions would fill the queue.
func TestAReassertionIsNotAskedForAgainBeforeItIsAnswered(t *testing.T) {
	r := newRig(t).won(5)
	r.beat(second)
	r.step(fsm.Input{Kind: fsm.InTenancy}).gives("reassert 5, epoch e2")
	r.after(2 * fsm.RetryMin).step(fsm.Input{Kind: fsm.InTick}).in(fsm.Won).gives()
	if r.left() != -1 {
		t.Errorf("asks again in %s", r.left())
	}
	third := fsm.Tenancy{Birth: inc + "-3", Epoch: "e3"}
	r.beat(third)
	r.step(fsm.Input{Kind: fsm.InTenancy}).gives("reassert 5, epoch e3") // another question
	r.reasserted(fsm.OutcomeStale, second).reasserted(fsm.OutcomeReasserted, third)
	if r.left() != -1 {
		t.Errorf("asks again in %s", r.left())
	}
}

func TestAReassertionThatIsStaleRefusedOrUnansweredIsRepeatedWhileTrustLasts(t *testing.T) {
	for _, o := range []fsm.Outcome{fsm.OutcomeStale, fsm.OutcomeRefused, fsm.OutcomeUnknown} {
		r := newRig(t).won(5)
		r.beat(second)
		r.step(fsm.Input{Kind: fsm.InTenancy})
		for range 3 {
			r.reasserted(o, second).in(fsm.Won).gives()
			if r.left() != fsm.RetryMin {
				t.Fatalf("tried again after %s", r.left())
			}
			r.due().gives("reassert 5, epoch e2")
		}
	}
}

func TestSupersededEndsTheTermAtOnce(t *testing.T) {
	r := newRig(t).won(5).reasserted(fsm.OutcomeSuperseded, first).in(fsm.Lost)
	r.gives(
		"unlead 5",
		"tell leader unknown",
		"defeated: won -> lost",
		"tell lost: superseded: the record of our term is gone, or names somebody newer",
	)
	if r.lease.Valid(r.now) {
		t.Error("still valid")
	}
	r.due().in(fsm.Voting)
}

func TestAnAnswerForAnotherTokenIsNotForThisTerm(t *testing.T) {
	r := newRig(t).won(5)
	r.step(fsm.Input{Kind: fsm.InReasserted, Outcome: fsm.OutcomeSuperseded, Token: 4}).in(fsm.Won).gives()
}

func TestAGrantInATenancyThatIsTrustedButNotPresentIsReassertedAtOnce(t *testing.T) {
	r := newRig(t).run().surveyed(survey())
	r.beat(second)
	r.granted(5).in(fsm.Won).does("lead 5", "tell won 5", "reassert 5, epoch e2")
}

func TestAHintOfANewerTermMakesALeaderAskRedis(t *testing.T) {
	r := newRig(t).won(5)
	r.hint(high, 4).in(fsm.Won).gives()
	r.hint(high, 6).in(fsm.Won).gives("reassert 5, epoch e1")
	r.hint(high, 6).gives() // once
	r.reasserted(fsm.OutcomeReasserted, first).in(fsm.Won)
	if r.left() != -1 {
		t.Errorf("asks again in %s", r.left())
	}
}

func TestACandidateHearsOfANewDataset(t *testing.T) {
	newRig(t).lost(high, 9).step(fsm.Input{Kind: fsm.InTenancy}).gives("look")
	newRig(t).waiting(high).step(fsm.Input{Kind: fsm.InTenancy}).gives()
	newRig(t).step(fsm.Input{Kind: fsm.InTenancy}).gives()
}

func TestAWallClockSetBackDoesNotLoseItsSay(t *testing.T) {
	s := fsm.NewSession("i", 10*time.Second)
	here := fsm.Tenancy{Birth: "i-1", Epoch: "e"}
	now := fsm.Instant{Mono: time.Hour, Wall: 20 * time.Hour}
	s.Answer(now, s.Beat(now), fsm.VerdictCreated, here, fsm.Epoch{})
	now = fsm.Instant{Mono: now.Mono + 3*time.Second, Wall: now.Wall - time.Minute}
	s.Answer(now, s.Beat(now), fsm.VerdictExtended, here, fsm.Epoch{})
	// A suspension: the monotonic clock stood still.
	now = fsm.Instant{Mono: now.Mono + time.Second, Wall: now.Wall + 10*time.Second}
	if s.Current().Holds(now) {
		t.Errorf("trusted until %v at %v", s.Current().Until(), now)
	}
}
