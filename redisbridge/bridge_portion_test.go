package redisbridge_test

import (
	"testing"
	"time"

	"hustings/redisbridge"
)

var (
	someLeft = []any{"ok", int64(1)}
	noneLeft = []any{"ok", int64(0)}
)

func TestALeaveIsRepeatedUntilNoElectionIsLeftAndOthersGetBetween(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave, End: true})
	r.wantSent(c, "leave 1 500")
	r.call(release("r", 1))
	c.reply(someLeft)
	r.wantSent(c, "release r 1  ", "leave 1 500")
	c.reply([]any{[]any{"released", ""}}, someLeft)
	r.wantSent(c, "leave 1 500")
	if got := r.take(); len(got) != 1 {
		t.Fatalf("answers: %v, want the release's", got)
	}
	c.reply(noneLeft)
	got := r.take()
	if len(got) != 1 || len(c.done) != 0 {
		t.Fatalf("answers: %v", got)
	}
	if a := got[0].(*redisbridge.LeaveAnswer); a.Err != nil || a.Status != "ok" {
		t.Errorf("%+v", a)
	}
}

func TestALeaveGoesOnWhereItWasAfterALostConnection(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave})
	c.reply(someLeft)
	c.breaks(errLink)
	r.advance(time.Minute)
	c = r.accept()
	r.wantSent(c, "leave 0 500")
	c.reply(noneLeft)
	if got := r.take(); len(got) != 1 {
		t.Errorf("answers: %v", got)
	}
}

func TestNothingRegistersUsWhileALeaveIsNotDone(t *testing.T) {
	r := newRig(t)
	c := r.up()
	register := survey("e", 1)
	register.Register = true
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave})
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	r.call(register)
	r.call(quit("f"))
	c.reply(someLeft)
	r.wantSent(c, "quit 1 f", "leave 0 500")
	c.reply([]any{"ok", int64(1)}, noneLeft)
	r.wantSent(c, "leave f1 500", "join {} 0 1", "canvass {} 3000 1 e 0 r")
}

func TestTheFirstJoinWaitsUntilAllOfAFormerLifeIsCleared(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallMembers})
	for _, e := range []string{"e", "f"} {
		r.call(redisbridge.Call{Kind: redisbridge.CallJoin, Entries: []redisbridge.Membership{{Election: e, Rank: 1}}})
	}
	c.reply([]any{int64(1), int64(1), []any{}, int64(0)})
	r.take()
	for range 3 {
		r.wantSent(c, "leave f1 500", "join {} 1 e 1 1")
		c.reply(someLeft, []any{"early", int64(1)})
		if got := r.take(); len(got) != 0 {
			t.Fatalf("answers: %v", got)
		}
	}
	r.wantSent(c, "leave f1 500", "join {} 1 e 1 1")
	c.reply(noneLeft, []any{"ok", int64(2)})
	r.wantSent(c, "join {} 1 f 1")
	c.reply([]any{"ok", int64(3)})
	got := r.take()
	if len(got) != 2 {
		t.Fatalf("answers: %v", got)
	}
	for _, m := range got {
		if a := m.(*redisbridge.JoinAnswer); a.Err != nil || a.Status != "ok" {
			t.Errorf("%+v", a)
		}
	}
}

func TestAPurgeIsRepeatedUntilNoElectionIsLeftOneAPipeline(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallPurge, Target: "x", Election: "e"})
	r.call(redisbridge.Call{Kind: redisbridge.CallPurge, Target: "y", Original: true})
	r.wantSent(c, "purge x ours 500 e")
	c.reply([]any{int64(1), int64(1)})
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: 1})
	r.wantSent(c, "purge x ours 500 e")
	c.reply([]any{int64(1), int64(1)})
	if got := c.names(); len(got) != 2 || got[0] != "heartbeat" || got[1] != "purge" {
		t.Errorf("sent %q, want a heartbeat and one purge", got)
	}
	c.reply(nil, []any{int64(1), int64(0)})
	r.wantSent(c, "purge y original 500")
	c.reply([]any{int64(0), int64(0)})
	var got []redisbridge.PurgeAnswer
	for _, m := range r.take() {
		if a, ok := m.(*redisbridge.PurgeAnswer); ok {
			got = append(got, *a)
		}
	}
	if len(got) != 2 || !got[0].Purged || got[0].Target != "x" || got[1].Purged || got[0].Err != nil || got[1].Err != nil {
		t.Errorf("%+v", got)
	}
}

func TestAPurgeThatIsNotDoneIsAFaultWhenTheConnectionIsLost(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallPurge, Target: "x"})
	c.reply([]any{int64(1), int64(1)})
	c.breaks(errLink)
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.PurgeAnswer).Err == nil {
		t.Errorf("answers: %v", got)
	}
}

func TestTheFirstJoinIsToldWhichOriginalHasOurID(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	for range 2 { // nothing is cleared until it has gone
		r.wantSent(c, "leave f1 500", "join {} 0 1")
		c.reply([]any{"original", `{"process":7,"timestamp":"t"}`}, []any{"none", int64(1)})
		got := r.take()
		a, ok := got[0].(*redisbridge.JoinAnswer)
		if len(got) != 1 || !ok || a.Err != nil || a.Status != "original" || a.Other.Process != "7" {
			t.Fatalf("answers: %v", got)
		}
		r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	}
	r.wantSent(c, "leave f1 500", "join {} 0 1")
	c.reply(noneLeft, []any{"ok", int64(2)})
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.JoinAnswer).Other != nil {
		t.Fatalf("answers: %v", got)
	}
}
