package fsm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/fsm"
)

const (
	ttl      = 5 * time.Second
	term     = ttl - ttl/10 // how long an answered heartbeat is trusted
	election = "billing"
	inc      = "0123456789abcdef0123456789abcdef"
	seed     = 42
)

// Who takes part: the machine under test is me.
var (
	me     = fsm.Candidate{ID: "me", Inc: inc, Rank: 500}
	high   = fsm.Candidate{ID: "high", Inc: "hh", Rank: 900}
	higher = fsm.Candidate{ID: "higher", Inc: "hr", Rank: 950}
	low    = fsm.Candidate{ID: "low", Inc: "ll", Rank: 100}
	oldHi  = fsm.Candidate{ID: "old-hi", Rank: 800, Original: true}
	oldLo  = fsm.Candidate{ID: "old-lo", Rank: 50, Original: true}
)

// first is the tenancy that a rig starts with, second another one.
var (
	first  = fsm.Tenancy{Birth: inc + "-1", Epoch: "e1"}
	second = fsm.Tenancy{Birth: inc + "-1", Epoch: "e2"}
)

func standard() fsm.Rules {
	return fsm.Rules{VoteTimeout: time.Second, Interval: time.Minute, DrainTimeout: 30 * time.Second, Mixed: true}
}

// rig is a machine with a clock and a session in the test's hand.
type rig struct {
	t       testing.TB
	m       *fsm.Machine
	s       *fsm.Session
	now     fsm.Instant
	fx      []fsm.Effect // of the last step
	lease   *fsm.Lease   // of the last DoLead
	all     []string     // every notice so far
	tenancy fsm.Tenancy  // of the last heartbeat
}

// newRig returns an idle election whose session is trusted from now on.
func newRig(t testing.TB, change ...func(*fsm.Rules)) *rig {
	t.Helper()
	rules := standard()
	for _, c := range change {
		c(&rules)
	}
	r := &rig{t: t, s: fsm.NewSession(inc, ttl), now: fsm.Instant{Mono: time.Hour, Wall: 1000 * time.Hour}}
	r.m = fsm.NewMachine(me, &rules, r.s, seed)
	r.beat(first)
	return r
}

// beat has a heartbeat answered at once, in a tenancy.
func (r *rig) beat(t fsm.Tenancy) fsm.Answered {
	r.tenancy = t
	return r.s.Answer(r.now, r.s.Beat(r.now), fsm.VerdictExtended, t, fsm.Epoch{Number: 1, Name: t.Epoch})
}

// step takes an input and notes what it gives.
func (r *rig) step(in fsm.Input) *rig {
	r.fx = r.m.Step(r.now, in)
	for _, e := range r.fx {
		switch e.Kind {
		case fsm.DoLead:
			r.lease = e.Lease
		case fsm.DoEmit:
			r.all = append(r.all, describe(e))
		}
	}
	return r
}

func (r *rig) after(d time.Duration) *rig { r.now = r.now.Add(d); return r }

// live lets time pass with a heartbeat answered every TTL/3.
func (r *rig) live(d time.Duration) *rig {
	for d > ttl/3 {
		r.after(ttl / 3).beat(r.tenancy)
		d -= ttl / 3
	}
	r.after(d).beat(r.tenancy)
	return r
}

// due goes to the machine's deadline and lets it tick.
func (r *rig) due() *rig {
	r.t.Helper()
	at, ok := r.m.Deadline()
	if !ok {
		r.t.Fatalf("no deadline in %s", r.m.State())
	}
	if d := at - r.now.Mono; d > 0 {
		r.live(d)
	}
	return r.step(fsm.Input{Kind: fsm.InTick})
}

// left is how long it is to the deadline; -1 if there is none.
func (r *rig) left() time.Duration {
	at, ok := r.m.Deadline()
	if !ok {
		return -1
	}
	return at - r.now.Mono
}

// Inputs, in the words of the bridge.

func (r *rig) run() *rig       { return r.step(fsm.Input{Kind: fsm.InRun}) }
func (r *rig) quit() *rig      { return r.step(fsm.Input{Kind: fsm.InQuit}) }
func (r *rig) drained() *rig   { return r.step(fsm.Input{Kind: fsm.InDrained}) }
func (r *rig) withdrawn() *rig { return r.step(fsm.Input{Kind: fsm.InWithdrawn}) }
func (r *rig) released(token uint64) *rig {
	return r.step(fsm.Input{Kind: fsm.InReleased, Token: token})
}

func (r *rig) standDown() *rig { return r.step(fsm.Input{Kind: fsm.InStandDown}) }
func (r *rig) stand() *rig     { return r.step(fsm.Input{Kind: fsm.InStand}) }
func (r *rig) nudged() *rig    { return r.step(fsm.Input{Kind: fsm.InNudge}) }
func (r *rig) linkUp() *rig    { return r.step(fsm.Input{Kind: fsm.InLinkUp}) }

func (r *rig) resign(to string) *rig { return r.step(fsm.Input{Kind: fsm.InResign, Heir: to}) }

// answered answers the last survey asked for.
func (r *rig) answered(s fsm.Survey) *rig {
	r.t.Helper()
	return r.step(fsm.Input{Kind: fsm.InSurveyed, Round: r.effect(fsm.DoSurvey).Round, Survey: &s})
}

// surveyed does so again when it has given way to whoever outranks it.
func (r *rig) surveyed(s fsm.Survey) *rig {
	r.t.Helper()
	r.answered(s)
	if h := r.m.History(); len(h) > 0 && h[len(h)-1].Cause.Code == fsm.CauseHigherStands {
		r.due().answered(s)
	}
	return r
}

func (r *rig) granted(token uint64) *rig {
	return r.step(fsm.Input{Kind: fsm.InClaimed, Round: r.m.Round(), Outcome: fsm.OutcomeGranted, Token: token, Tenancy: first})
}

func (r *rig) claimed(o fsm.Outcome, change ...func(*fsm.Input)) *rig {
	in := fsm.Input{Kind: fsm.InClaimed, Round: r.m.Round(), Outcome: o, Tenancy: first}
	for _, c := range change {
		c(&in)
	}
	return r.step(in)
}

func (r *rig) reasserted(o fsm.Outcome, t fsm.Tenancy) *rig {
	return r.step(fsm.Input{Kind: fsm.InReasserted, Outcome: o, Token: r.m.Lease().Token(), Tenancy: t})
}

func (r *rig) vote(from fsm.Candidate) *rig {
	return r.step(fsm.Input{Kind: fsm.InVote, From: from, Round: 77})
}

func (r *rig) ack(from fsm.Candidate) *rig {
	return r.step(fsm.Input{Kind: fsm.InAck, From: from, Round: r.m.Round()})
}

func (r *rig) kick(from fsm.Candidate) *rig {
	return r.step(fsm.Input{Kind: fsm.InKick, From: from, Round: r.m.Round()})
}

func (r *rig) gone(who fsm.Candidate) *rig { return r.step(fsm.Input{Kind: fsm.InGone, From: who}) }

func (r *rig) vacant(from fsm.Candidate, token uint64, heir string) *rig {
	return r.step(fsm.Input{Kind: fsm.InVacant, From: from, Token: token, Heir: heir})
}

func (r *rig) hint(from fsm.Candidate, token uint64) *rig {
	return r.step(fsm.Input{Kind: fsm.InLeader, From: from, Token: token})
}

// Whole passages.

func survey(change ...func(*fsm.Survey)) fsm.Survey {
	s := fsm.Survey{}
	for _, c := range change {
		c(&s)
	}
	return s
}

func above(cs ...fsm.Candidate) func(*fsm.Survey) {
	return func(s *fsm.Survey) { s.Higher, s.Place = cs, len(cs) }
}

func originals(cs ...fsm.Candidate) func(*fsm.Survey) {
	return func(s *fsm.Survey) { s.Originals = cs }
}

func ledBy(c fsm.Candidate, token uint64) func(*fsm.Survey) {
	return func(s *fsm.Survey) {
		s.Holder, s.Token = holding(c, token), token
	}
}

func holding(c fsm.Candidate, token uint64) fsm.Holder {
	return fsm.Holder{Candidate: c, Token: token, Left: ttl}
}

// won goes straight into office.
func (r *rig) won(token uint64) *rig {
	r.t.Helper()
	r.run().surveyed(survey())
	r.granted(token)
	return r.in(fsm.Won)
}

// lost follows a holder from the first round on.
func (r *rig) lost(to fsm.Candidate, token uint64) *rig {
	r.t.Helper()
	return r.run().surveyed(survey(above(to), ledBy(to, token))).in(fsm.Lost)
}

// waiting has asked these, who outrank us.
func (r *rig) waiting(cs ...fsm.Candidate) *rig {
	r.t.Helper()
	return r.run().surveyed(survey(above(cs...))).in(fsm.Waiting)
}

// Expectations.

// in checks the state.
func (r *rig) in(s fsm.State) *rig {
	r.t.Helper()
	if r.m.State() != s {
		r.t.Fatalf("in %s, want %s; last effects:\n%s", r.m.State(), s, strings.Join(r.said(), "\n"))
	}
	if (r.m.Lease() != nil) != (s == fsm.Won) {
		r.t.Fatalf("in %s with lease %v", s, r.m.Lease())
	}
	return r
}

// gives checks the effects of the last step, in order.
func (r *rig) gives(want ...string) *rig {
	r.t.Helper()
	if got := r.said(); !slices.Equal(got, want) {
		r.t.Fatalf("effects:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	return r
}

// does checks that the last step gave these effects, in this order, among others.
func (r *rig) does(want ...string) *rig {
	r.t.Helper()
	got := r.said()
	for i := 0; len(want) > 0; i++ {
		if i == len(got) {
			r.t.Fatalf("no %q in order among:\n  %s", want[0], strings.Join(got, "\n  "))
		}
		if got[i] == want[0] {
			want = want[1:]
		}
	}
	return r
}

// doesNot checks that no effect of the last step begins like this.
func (r *rig) doesNot(prefix ...string) *rig {
	r.t.Helper()
	for _, line := range r.said() {
		for _, p := range prefix {
			if strings.HasPrefix(line, p) {
				r.t.Fatalf("%q was not to be done; effects:\n  %s", line, strings.Join(r.said(), "\n  "))
			}
		}
	}
	return r
}

func (r *rig) said() []string {
	out := make([]string, len(r.fx))
	for i, e := range r.fx {
		out[i] = describe(e)
	}
	return out
}

// effect returns the last effect of a kind.
func (r *rig) effect(k fsm.EffectKind) fsm.Effect {
	r.t.Helper()
	for _, e := range slices.Backward(r.fx) {
		if e.Kind == k {
			return e
		}
	}
	r.t.Fatalf("no effect of kind %d among:\n  %s", k, strings.Join(r.said(), "\n  "))
	return fsm.Effect{}
}

// cause returns the cause of the last transition.
func (r *rig) cause() string {
	h := r.m.History()
	return h[len(h)-1].Cause.String()
}
