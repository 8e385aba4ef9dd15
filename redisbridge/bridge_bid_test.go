package redisbridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// bid is a survey that claims in a tenancy.
func bid(election, birth string, round uint64) redisbridge.Call {
	return redisbridge.Call{
		Kind: redisbridge.CallSurvey, Election: election, Rank: 7, Register: true, Claim: true,
		Round: round, Tenancy: fsm.Tenancy{Birth: birth, Epoch: "e1"},
	}
}

// inputs are what the answers say, in their order.
func (r *rig) inputs() (list []fsm.Input) {
	for _, m := range r.take() {
		list = append(list, m.(*redisbridge.Answer).Input)
	}
	return list
}

func kindsOf(list []fsm.Input) (kinds []string) {
	for _, in := range list {
		switch {
		case in.Kind == fsm.InSurveyed && in.Survey.Fault.Code != fsm.CauseNone:
			kinds = append(kinds, fmt.Sprint(in.Round, " fault"))
		case in.Kind == fsm.InSurveyed:
			kinds = append(kinds, fmt.Sprint(in.Round, " surveyed"))
		default:
			kinds = append(kinds, fmt.Sprint(in.Round, " ", in.Outcome))
		}
	}
	return kinds
}

func (r *rig) wantInputs(want ...string) []fsm.Input {
	r.t.Helper()
	list := r.inputs()
	if got := kindsOf(list); !slices.Equal(got, want) {
		r.t.Errorf("answers %q, want %q", got, want)
	}
	return list
}

func TestASurveyThatClaimsIsOneScriptAndHasTwoAnswers(t *testing.T) {
	r := newRig(t)
	c := r.up()
	call := bid("e", "b1", 3)
	call.Grace, call.Mixed = 300*time.Millisecond, true
	r.call(call)
	r.wantSent(c, "bid 1 0 0  0 3000 b1 e1 {} 1 e 7 rtd300m")
	c.reply([]any{"ok", "b1", "e1", int64(1), "901", int64(0), []any{[]any{"", int64(0)}}, []any{[]any{"granted", "901", ""}}})
	got := r.wantInputs("3 surveyed", "3 granted")
	if in := got[1]; in.Token != 901 || in.Tenancy != (fsm.Tenancy{Birth: "b1", Epoch: "e1"}) {
		t.Errorf("%+v", in)
	}
	if r.set.Session.Token() != 901 || r.set.Session.Epoch().Number != 1 {
		t.Errorf("floor and epoch were not noted: %d, %+v", r.set.Session.Token(), r.set.Session.Epoch())
	}
}

func TestSurveysTravelTogetherWhetherTheyClaimOrNotButInOneTenancy(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(quit("x"))
	r.call(survey("a", 1))
	r.call(bid("b", "b1", 2))
	r.call(survey("c", 3))
	r.call(bid("d", "b1", 4))
	r.call(bid("e", "b2", 5))
	r.call(survey("f", 6))
	c.reply([]any{"ok", int64(1)})
	sent := c.sent()
	if len(sent) != 2 || !strings.HasSuffix(sent[0], " b1 e1 {} 4 a 0  b 7 rt c 0  d 7 rt") || !strings.HasSuffix(sent[1], " b2 e1 {} 2 e 7 rt f 0 ") {
		t.Fatalf("sent %q", sent)
	}
	r.take()
	look := []any{"", int64(1)}
	c.reply(
		[]any{"ok", "b1", "e1", int64(1), "0", int64(0), []any{look, look, look, look}, []any{[]any{}, []any{"outranked"}, []any{}, []any{"refused"}}},
		[]any{"ok", "b1", "e1", int64(1), "0", int64(0), []any{look, look}, []any{}},
	)
	r.wantInputs("1 surveyed", "2 surveyed", "2 outranked", "3 surveyed", "4 surveyed", "4 refused", "5 surveyed", "5 stale", "6 surveyed")
}

func TestABidWithoutASessionIsAFaultAndStale(t *testing.T) {
	for _, status := range []string{"taken", "stale", "none"} {
		r := newRig(t)
		c := r.up()
		r.call(bid("e", "b1", 3))
		var looks []any
		if status == "none" {
			looks = []any{[]any{"", int64(-1)}}
		}
		c.reply([]any{status, "", "e1", int64(1), "0", int64(0), append([]any{}, looks...), []any{}})
		r.wantInputs("3 fault", "3 stale")
	}
}

// A bid that went out may have been granted, whatever came of its answer. One that did not
// go out was not.
func TestWhatBecameOfABidIsUnknownOnceItWentOut(t *testing.T) {
	for name, end := range map[string]func(r *rig, c *rigConn){
		"the link breaks":      func(_ *rig, c *rigConn) { c.breaks(errLink) },
		"the server refuses":   func(_ *rig, c *rigConn) { c.reply(errBusy) },
		"the bridge restarts":  func(r *rig, _ *rigConn) { system.Root.Send(r.pid, (*redisbridge.Drop)(nil)) },
		"the answer is no bid": func(_ *rig, c *rigConn) { c.reply([]any{"ok", "b1"}) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c := r.up()
			r.call(bid("e", "b1", 3))
			end(r, c)
			r.wantInputs("3 fault", "3 unknown")
		})
	}
	r := newRig(t)
	r.call(bid("e", "b1", 3)) // there is no link yet
	r.wantInputs("3 fault")
	c := r.up()
	r.call(survey("a", 1))
	r.call(bid("e", "b1", 4)) // waits behind it
	c.breaks(errLink)
	r.wantInputs("1 fault", "4 fault")
}

func TestABidBehindTheQuitOfItsElectionNeitherRegistersNorClaims(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	r.call(bid("e", "b1", 2))
	r.call(quit("e"))
	c.reply()
	sent := c.sent()
	if len(sent) != 2 || sent[0] != "quit 1 e" || !strings.HasSuffix(sent[1], " 1 e 7 t") {
		t.Errorf("sent %q", sent)
	}
	r.take()
	c.reply([]any{"ok", int64(1)}, []any{"ok", "b1", "e1", int64(1), "0", int64(0), []any{[]any{"", int64(-1)}}, []any{[]any{"refused"}}})
	if got := kindsOf(r.inputs()[1:]); !slices.Equal(got, []string{"2 surveyed", "2 refused"}) {
		t.Errorf("answers %q", got)
	}
}
