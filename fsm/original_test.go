package fsm_test

import (
	"strings"
	"testing"
	"time"

	"hustings/fsm"
)

func TestAnOriginalThatOutranksUsIsTakenForTheLeaderForAnInterval(t *testing.T) {
	// It writes no record and has no session. A round every VoteTimeout would only
	// collect its kicks.
	for name, act := range map[string]func(*rig) *rig{
		"kick":       func(r *rig) *rig { return r.run().surveyed(survey(originals(oldHi))).kick(oldHi) },
		"vote":       func(r *rig) *rig { return r.run().surveyed(survey()).vote(oldHi) },
		"preemption": func(r *rig) *rig { return r.won(5).vote(oldHi).drained() },
	} {
		r := act(newRig(t)).in(fsm.Lost)
		if l := r.m.Leader(); l != (fsm.Leader{ID: "old-hi", Known: true, Original: true}) {
			t.Errorf("%s: leader is %+v", name, l)
		}
		if r.left() != time.Minute {
			t.Errorf("%s: next round in %s", name, r.left())
		}
		r.doesNot("watch old-hi")
		// The next round asks it again, and tells subscribers nothing new meanwhile.
		before := len(r.all)
		r.due().surveyed(survey(originals(oldHi))).does("vote to old-hi, round 2").kick(oldHi).in(fsm.Lost)
		if name == "kick" && len(r.all) != before {
			t.Errorf("told: %q", r.all[before:])
		}
	}
}

func TestALookDoesNotForgetAnOriginalInOffice(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(originals(oldHi))).kick(oldHi).in(fsm.Lost)
	r.step(fsm.Input{Kind: fsm.InLinkUp}).surveyed(survey()).in(fsm.Lost).gives()
	if r.left() != time.Minute {
		t.Errorf("next round in %s", r.left())
	}
}

func TestAnOriginalInOfficeThatIsGoneIsReplaced(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(originals(oldHi))).kick(oldHi).in(fsm.Lost)
	r.gone(oldHi).in(fsm.Voting)

	r = newRig(t) // or nobody said so, and the next round does not find it
	r.run().surveyed(survey(originals(oldHi))).kick(oldHi).due().surveyed(survey()).in(fsm.Waiting).does("tell no leader")
}

func TestAnOriginalsVoteIsAckedAfterTheRelease(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(oldHi).in(fsm.Won).gives("end work: a vote from old-hi (rank 800), which outranks us")
	r.drained().in(fsm.Lost).does("unlead 5", "release 5 to old-hi", "ack to old-hi, round 0, owed")
}

func TestAnOriginalsVoteIsAckedAfterEightSecondsAtTheLatest(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(oldHi)
	if r.left() != 8*time.Second {
		t.Fatalf("acks after %s", r.left())
	}
	r.due().in(fsm.Won).gives("ack to old-hi, round 0, owed")
	if r.left() != 22*time.Second {
		t.Errorf("the work is overdue in %s", r.left())
	}
	r.drained().in(fsm.Lost).doesNot("ack") // once
}

func TestALeaderVotesToOriginalsEveryInterval(t *testing.T) {
	// They step down on a vote, and on nothing else for sure.
	r := newRig(t)
	r.run().surveyed(survey(originals(oldLo))).granted(5).in(fsm.Won)
	if r.left() != time.Minute {
		t.Fatalf("looks in %s", r.left())
	}
	r.due().gives("look").surveyed(survey(originals(oldLo), ledBy(me, 5))).in(fsm.Won).gives("vote to old-lo, round 1")
	if r.left() != time.Minute {
		t.Errorf("looks again in %s", r.left())
	}
}

func TestALeaderThatFindsAnotherOneInTheRecordAsksRedis(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(originals(oldLo))).granted(5).due()
	r.surveyed(survey(originals(oldLo), ledBy(high, 9))).in(fsm.Won).does("reassert 5, epoch e1")
}

func TestAnOriginalIsNotTakenForTheLeaderWhereOneOfOursMayBe(t *testing.T) {
	r := newRig(t)
	r.run().surveyed(survey(above(high), originals(oldHi))).kick(oldHi).in(fsm.Lost).does("tell leader unknown")
	if r.left() > 2*time.Second {
		t.Errorf("next round in %s", r.left())
	}

	r = newRig(t) // nor before Redis was asked
	r.run().vote(oldHi).in(fsm.Lost)
	if r.left() > 2*time.Second {
		t.Errorf("next round in %s", r.left())
	}
}

func TestEveryOriginalThatVotesWhileWeDrainIsAcked(t *testing.T) {
	other := fsm.Candidate{ID: "old-2", Rank: 700, Original: true}
	r := newRig(t)
	r.won(5).vote(oldHi).vote(other).vote(oldHi)
	r.drained().does("release 5 to old-hi", "ack to old-hi, round 0, owed", "ack to old-2, round 0, owed")
}

func TestAnOriginalIsAckedAlsoWhenTheLeaseLapsesOrIsSuperseded(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(oldHi).after(term).step(fsm.Input{Kind: fsm.InLapse}).in(fsm.Lost).
		does("unlead 5", "release 5, over", "ack to old-hi, round 0, owed")

	r = newRig(t)
	r.won(5).vote(oldHi).reasserted(fsm.OutcomeSuperseded, first).in(fsm.Lost).does("unlead 5", "ack to old-hi, round 0, owed")
}

func TestAnOriginalThatVotesWhileWeDrainForAnotherReasonIsAckedInTime(t *testing.T) {
	r := newRig(t)
	r.won(5).resign("").vote(oldHi)
	if r.left() != 8*time.Second {
		t.Errorf("acks after %s", r.left())
	}
}

func TestALeaderThatMeetsItsFirstOriginalInOfficeVotesToItAsWell(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(oldLo).in(fsm.Won).gives("kick to old-lo, round 77")
	if r.left() != time.Minute {
		t.Errorf("looks in %s", r.left())
	}
}

func TestOfSeveralOriginalsTheHighestIsTakenForTheLeader(t *testing.T) {
	// All that outrank us kick; only the highest of them can win.
	oldMid := fsm.Candidate{ID: "old-mid", Rank: 600, Original: true}
	for name, act := range map[string]func(*rig) *rig{
		"the kick of another": func(r *rig) *rig { return r.run().surveyed(survey(originals(oldMid, oldHi))).kick(oldMid) },
		"a later vote":        func(r *rig) *rig { return r.run().surveyed(survey(originals(oldMid))).kick(oldMid).vote(oldHi) },
		"a vote while it drains": func(r *rig) *rig {
			return r.won(5).vote(oldMid).vote(oldHi).drained()
		},
	} {
		r := act(newRig(t)).in(fsm.Lost)
		if l := r.m.Leader(); l.ID != "old-hi" {
			t.Errorf("%s: leader is %+v", name, l)
		}
		if r.left() != time.Minute {
			t.Errorf("%s: next round in %s", name, r.left())
		}
	}
	r := newRig(t).run().surveyed(survey(originals(oldHi))).kick(oldHi).vote(oldMid).in(fsm.Lost)
	if l := r.m.Leader(); l.ID != "old-hi" {
		t.Errorf("after the vote of a lower one: leader is %+v", l)
	}
}

func TestWhoHasAnOriginalAboveItIsNotUnopposed(t *testing.T) {
	for want, list := range map[string][]fsm.Candidate{"the votes are out": {oldHi}, "nobody outranks us": {oldLo}} {
		r := newRig(t)
		r.run().surveyed(survey(originals(list...))).in(fsm.Waiting)
		h := r.m.History()
		if got := h[len(h)-1].Cause.String(); got != want {
			t.Errorf("%v: %q", list, got)
		}
	}
}

func TestAnHeirAsksTheOriginalsFirst(t *testing.T) {
	// The holder may have left the office to one that outranks us; the script, which
	// names the heir, knows ours only.
	r := newRig(t)
	r.run().surveyed(survey(originals(oldHi))).kick(oldHi).in(fsm.Lost)
	r.vacant(low, 5, me.ID).in(fsm.Voting).doesNot("claim")
	r.surveyed(survey(originals(oldHi))).does("vote to old-hi, round 2").kick(oldHi).in(fsm.Lost)
	if l := r.m.Leader(); l.ID != "old-hi" {
		t.Errorf("leader is %+v", l)
	}
}

func TestNothingIsOwedToAnOriginalThatIsGone(t *testing.T) {
	other := fsm.Candidate{ID: "old-2", Rank: 700, Original: true}
	r := newRig(t)
	r.won(5).vote(oldHi).vote(other).gone(oldHi).in(fsm.Won)
	if r.left() != 8*time.Second {
		t.Errorf("acks the other after %s", r.left())
	}
	r.drained().does("unlead 5", "release 5 to old-2", "ack to old-2, round 0, owed").doesNot("ack to old-hi")
	if l := r.m.Leader(); l.ID != "old-2" {
		t.Errorf("leader is %+v", l)
	}
	r = newRig(t) // nor to one that came back below us
	r.won(5).vote(oldHi).vote(fsm.Candidate{ID: oldHi.ID, Rank: 10, Original: true}).drained().doesNot("ack")
}

func TestWhoDrainedForAnOriginalThatIsGoneStandsAgain(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(oldHi).gone(oldHi)
	if r.left() != 30*time.Second {
		t.Errorf("wakes up after %s", r.left())
	}
	r.drained().in(fsm.Lost).does("unlead 5", "release 5", "tell no leader").doesNot("ack")
	if r.left() > 2*time.Second {
		t.Errorf("next round in %s", r.left())
	}
	r = newRig(t) // or it is found to be gone when it is to be acked
	r.won(5).vote(oldHi).drained().gone(oldHi).in(fsm.Voting)
}

func TestWhomWeKickAgain(t *testing.T) {
	for name, c := range map[string]struct {
		r    *rig
		to   fsm.Candidate
		want bool
	}{
		"it is behind us":            {newRig(t).won(5), oldLo, true},
		"it outranks us":             {newRig(t).won(5), oldHi, false},
		"it outranks us, who stay":   {newRig(t, func(r *fsm.Rules) { r.Sticky = true }).won(5), oldHi, true},
		"we have quit":               {newRig(t).won(5).quit().drained(), oldLo, false},
		"we have resigned":           {newRig(t).won(5).resign("").drained(), oldLo, false},
		"the fleet has no originals": {newRig(t, func(r *fsm.Rules) { r.Mixed = false }).won(5), oldLo, false},
	} {
		if got := c.r.m.Objects(c.r.now, c.to); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAnOddIDOfAnOriginalDoesNotBreakASentence(t *testing.T) {
	for id, want := range map[string]string{
		"web 1":                   `kicked by "web 1" (rank 800)`,
		"a\nb\x1b[2J":             `kicked by "a\nb\x1b[2J" (rank 800)`,
		"w\u202eb":                `kicked by "w\u202eb" (rank 800)`,
		"ünï:😀":                   "kicked by ünï:😀 (rank 800)",
		strings.Repeat("x", 4096): `kicked by "` + strings.Repeat("x", 256) + `"… (rank 800)`,
	} {
		odd := fsm.Candidate{ID: id, Rank: 800, Original: true}
		r := newRig(t).run().surveyed(survey(originals(odd))).kick(odd).in(fsm.Lost)
		if got := r.cause(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWhoOnlyLooksDoesNotSayThatNobodyLeadsWhereOriginalsStand(t *testing.T) {
	outside := func(s *fsm.Survey) { s.Place = -1 }
	r := newRig(t)
	r.nudged().surveyed(survey(outside, originals(oldHi, oldLo))).in(fsm.Idle)
	if l := r.m.Leader(); l.Known {
		t.Errorf("leader is %+v", l)
	}
	r.nudged().surveyed(survey(outside, originals(oldHi), ledBy(low, 5)))
	if l := r.m.Leader(); l.ID != "low" {
		t.Errorf("leader is %+v", l)
	}
	r.nudged().surveyed(survey(outside, originals(oldHi)))
	if l := r.m.Leader(); l.Known {
		t.Errorf("leader is %+v", l)
	}
	r.nudged().surveyed(survey(outside)).does("tell no leader")
}

func TestWhoStandsDownKnowsAnOriginalInOfficeStill(t *testing.T) {
	outside := func(s *fsm.Survey) { s.Place = -1 }
	stood := func() *rig {
		r := newRig(t).run().surveyed(survey(originals(oldHi, oldLo))).kick(oldHi).in(fsm.Lost)
		return r.standDown().withdrawn().in(fsm.Idle).nudged().surveyed(survey(outside, originals(oldHi, oldLo)))
	}
	if l := stood().m.Leader(); l != (fsm.Leader{ID: "old-hi", Known: true, Original: true}) {
		t.Errorf("leader is %+v", l)
	}
	top := fsm.Candidate{ID: "old-top", Rank: 900, Original: true}
	for name, r := range map[string]*rig{
		"a higher one stands": stood().nudged().surveyed(survey(outside, originals(oldHi, top))),
		"it stands no more":   stood().nudged().surveyed(survey(outside, originals(oldLo))),
		"it is gone":          stood().gone(oldHi),
	} {
		if l := r.m.Leader(); l.Known {
			t.Errorf("%s: leader is %+v", name, l)
		}
	}
}
