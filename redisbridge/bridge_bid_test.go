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

// wantFaults returns the answers to surveys, all of them faults.
func (r *rig) wantFaults() (list []fsm.Input) {
	r.t.Helper()
	for _, in := range r.inputs() {
		if in.Kind != fsm.InSurveyed {
			continue
		}
		if in.Survey.Fault.Code != fsm.CauseRefused {
			r.t.Errorf("%+v", in)
		}
		list = append(list, in)
	}
	return list
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
	call.Grace, call.Original = 300*time.Millisecond, true
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

// One election that Redis can't do it for costs the others of its batch nothing.
func TestWhatRedisRefusesTogetherIsAskedForOneByOne(t *testing.T) {
	no := &redisbridge.ServerError{Code: "WRONGTYPE", Text: "WRONGTYPE Operation against a key holding the wrong kind of value"}
	round := map[string]uint64{"a": 1, "bad": 2, "b": 3}
	look := []any{"ok", "b1", "e1", int64(1), int64(0), []any{[]any{"", int64(0)}}}
	granted := []any{"ok", "b1", "e1", int64(1), "901", int64(0), []any{[]any{"granted", "901", ""}}}
	for _, c := range []struct {
		name, script string
		call         func(election string) redisbridge.Call
		reply        []any
		others       string
		refused      string
	}{
		{"surveys", "canvass", func(e string) redisbridge.Call { return survey(e, round[e]) }, look, " surveyed", " fault"},
		{"claims", "claim", func(e string) redisbridge.Call {
			c := claim(e, "b1")
			c.Round = round[e]
			return c
		}, granted, " granted", " unknown"},
		{"re-assertions", "reassert", func(e string) redisbridge.Call {
			return redisbridge.Call{Kind: redisbridge.CallReassert, Election: e, Token: round[e], Tenancy: fsm.Tenancy{Birth: "b1", Epoch: "e1"}}
		}, []any{"ok", "b1", "e1", int64(1), []any{"ok"}}, " reasserted", " unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			conn := r.up()
			r.call(quit("busy"))
			for _, e := range []string{"a", "bad", "b"} {
				r.call(c.call(e))
			}
			conn.reply([]any{"ok", int64(1)})
			r.take()
			conn.reply(no)
			if got, want := conn.names(), []string{c.script, c.script, c.script}; !slices.Equal(got, want) {
				t.Fatalf("sent %q, want %q", got, want)
			}
			r.wantInputs()
			conn.reply(c.reply, no, c.reply)
			want := map[string]int{c.others: 2, c.refused: 1}
			for _, in := range kindsOf(r.inputs()) {
				_, what, _ := strings.Cut(in, " ")
				want[" "+what]--
			}
			for what, n := range want {
				if n != 0 {
					t.Errorf("%d too few answered by%s", n, what)
				}
			}
			if len(conn.done) > 0 {
				t.Errorf("sent again: %q", conn.sent())
			}
		})
	}
}

func TestWhatRedisRefusesAllOfIsAskedForOneByOneOnceASecond(t *testing.T) {
	no := &redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM this user has no permissions to run the 'hset' command"}
	r := newRig(t)
	c := r.up()
	sent := 0
	for range 20 { // each in a tenth of a second
		r.call(quit("busy"))
		r.call(survey("a", 1))
		r.call(survey("b", 2))
		c.reply([]any{"ok", int64(1)})
		for len(c.done) > 0 {
			sent += len(c.sent())
			c.reply(no, no)
		}
		r.advance(100 * time.Millisecond)
	}
	if got := len(r.wantFaults()); got != 40 || sent != 20+2*2 {
		t.Errorf("%d faults for 40 surveys, %d calls, want 24", got, sent)
	}
}

func TestABidThatWasRefusedTogetherWithOthersMayHaveBeenGrantedIfTheLinkIsLostThen(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("busy", 1))
	r.call(quit("q"))
	r.call(bid("a", "b1", 1))
	r.call(bid("b", "b1", 2))
	c.reply()
	r.take()
	c.reply(
		&redisbridge.ServerError{Code: "READONLY", Text: "READONLY You can't write against a read only replica."},
		&redisbridge.ServerError{Code: "WRONGTYPE", Text: "WRONGTYPE no"},
	)
	r.wantInputs("1 fault", "1 unknown", "2 fault", "2 unknown")
}

func TestAClaimForWhichNoTokenIsLeftNamesTheKey(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(bid("e", "b1", 3))
	c.reply([]any{"ok", "b1", "e1", int64(1), "901", int64(0), []any{[]any{"", int64(0)}}, []any{[]any{"spent", "p::election:e:leader"}}})
	in := r.wantInputs("3 surveyed", "3 spent")[1]
	if want := "no token is left above what p::election:e:leader has"; !strings.Contains(in.Cause.String(), want) {
		t.Errorf("cause %q", in.Cause)
	}
}
