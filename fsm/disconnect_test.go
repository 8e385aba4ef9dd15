package fsm_test

import (
	"strings"
	"testing"
	"time"

	"hustings/fsm"
)

const grace = 250 * time.Millisecond

// underDisconnect is the policy OnDisconnect, with a grace.
func underDisconnect(r *fsm.Rules) { r.EvictGrace = grace }

// deafen loses the subscription, as the node tells its elections.
func (r *rig) deafen() *rig {
	r.s.SetDeaf(true)
	return r.step(fsm.Input{Kind: fsm.InDeaf})
}

// evictable is a holder that is under OnDisconnect itself.
func evictable(c fsm.Candidate, token uint64, d time.Duration) func(*fsm.Survey) {
	return func(s *fsm.Survey) {
		s.Holder, s.Token = holding(c, token), token
		s.Holder.Birth, s.Holder.EvictGrace = c.Inc+"-1", d
	}
}

func TestWhoIsDoubtedAndForHowLong(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, theirs time.Duration
		above        []fsm.Candidate
		grace        time.Duration
		place        int
	}{
		{"neither is under the policy", 0, 0, []fsm.Candidate{high}, 0, 0},
		{"only we are", grace, 0, []fsm.Candidate{high}, 0, 0},
		{"only the holder is", 0, grace, []fsm.Candidate{high}, 0, 0},
		{"both are", grace, grace, []fsm.Candidate{high}, grace, 0},
		{"ours is the longer grace", 2 * grace, grace, []fsm.Candidate{high}, 2 * grace, 0},
		{"the holder's is", grace, 3 * grace, []fsm.Candidate{high}, 3 * grace, 0},
		{"another one is before us", grace, grace, []fsm.Candidate{higher, high}, grace, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(rules *fsm.Rules) { rules.EvictGrace = c.ours })
			r.run().surveyed(survey(above(c.above...), evictable(high, 9, c.theirs))).in(fsm.Lost)
			e := r.effect(fsm.DoWatch)
			birth := ""
			if c.grace > 0 {
				birth = "hh-1"
			}
			if e.To.ID != "high" || e.Grace != c.grace || e.Place != c.place || e.Birth != birth {
				t.Errorf("watch %s: grace %v, place %d, birth %q; want %v, %d, %q", e.To.ID, e.Grace, e.Place, e.Birth, c.grace, c.place, birth)
			}
		})
	}
}

func TestALowerHolderIsNotAmongThoseBeforeUs(t *testing.T) {
	// It refuses to go, so we follow it, third in line behind two that are higher.
	r := newRig(t, underDisconnect).run()
	s := survey(above(higher, high), evictable(low, 9, grace))
	s.Holder.Appointed = true
	r.surveyed(s)
	if e := r.effect(fsm.DoWatch); e.Place != 2 {
		t.Errorf("place %d, want 2", e.Place)
	}
}

func TestALeaderThatLosesItsSubscriptionStepsDownAtOnce(t *testing.T) {
	r := newRig(t, underDisconnect).won(5)
	l := r.lease
	r.deafen().in(fsm.Lost).does("unlead 5", "release 5", "tell no leader")
	if l.Valid(r.now) {
		t.Error("its lease is valid")
	}
	if !strings.Contains(r.cause(), "within 250ms") {
		t.Errorf("cause %q", r.cause())
	}
	// It claims nothing while it is deaf, and stands again once it is not.
	r.due().doesNot("claim")
	r.s.SetDeaf(false)
	r.step(fsm.Input{Kind: fsm.InLinkUp})
	if r.m.State() == fsm.Lost {
		t.Error("it does not stand again")
	}
}

func TestDeafnessIsNothingToWhoDoesNotLeadUnderThePolicy(t *testing.T) {
	for name, r := range map[string]*rig{
		"a leader under OnExpiry": newRig(t).won(5),
		"a follower":              newRig(t, underDisconnect).lost(high, 9),
		"one that votes":          newRig(t, underDisconnect).run(),
		"one that waits":          newRig(t, underDisconnect).waiting(high),
		"one that does not stand": newRig(t, underDisconnect),
	} {
		t.Run(name, func(t *testing.T) {
			was := r.m.State()
			r.deafen().in(was).gives()
		})
	}
}

func TestADeafLeaderDoesNotWaitForItsWork(t *testing.T) {
	// Told to quit, it is draining: the office goes at once all the same.
	r := newRig(t, underDisconnect).won(5).quit().in(fsm.Won)
	r.deafen().in(fsm.Idle).does("unlead 5", "release 5", "withdraw")
	r.withdrawn().gives("answer quit, refused false")
	// One that resigns to somebody names it, and does not stand again before it.
	r = newRig(t, underDisconnect).won(5).resign("low").in(fsm.Won)
	r.deafen().in(fsm.Lost).does("unlead 5", "release 5 to low, kept for it")
	if r.left() < 0 {
		t.Error("it waits for ever")
	}
}

func TestWhoIsDeafDoesNotTakeOffice(t *testing.T) {
	t.Run("a grant is given back", func(t *testing.T) {
		r := newRig(t, underDisconnect).run().surveyed(survey())
		r.s.SetDeaf(true)
		r.granted(7).does("release 7").doesNot("lead")
		if r.m.State() == fsm.Won {
			t.Error("it leads")
		}
	})
	t.Run("no round is begun", func(t *testing.T) {
		r := newRig(t, underDisconnect).run()
		r.s.SetDeaf(true)
		r.surveyed(survey()).in(fsm.Inconclusive).doesNot("claim", "vote")
	})
	t.Run("a lower holder is not asked to go", func(t *testing.T) {
		r := newRig(t, underDisconnect).run()
		r.s.SetDeaf(true)
		r.surveyed(survey(ledBy(low, 9))).in(fsm.Inconclusive).doesNot("claim", "vote", "kick")
	})
	t.Run("under OnExpiry it does", func(t *testing.T) {
		r := newRig(t)
		r.s.SetDeaf(true)
		r.won(5)
	})
}
