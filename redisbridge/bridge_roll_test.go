package redisbridge_test

import (
	"fmt"
	"testing"

	"hustings/redisbridge"
)

// roll is a roll call of elections, with the rank 7 in each.
func roll(elections ...string) redisbridge.Call {
	c := redisbridge.Call{Kind: redisbridge.CallRoll}
	for _, e := range elections {
		c.Entries = append(c.Entries, redisbridge.Membership{Election: e, Rank: 7})
	}
	return c
}

// rollAnswer takes the one answer of a roll call.
func (r *rig) rollAnswer() *redisbridge.RollAnswer {
	r.t.Helper()
	got := r.take()
	if len(got) != 1 {
		r.t.Fatalf("answers: %v", got)
	}
	return got[0].(*redisbridge.RollAnswer)
}

func TestARollCallIsOneCanvassAndTellsEachElectionWhatItFound(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.routes["b"], r.routes["c"] = r.set.Owner, r.set.Owner // nobody has a, any more
	r.told = nil
	call := roll("a", "b", "c")
	call.Original = true
	r.call(call)
	r.wantSent(c, "canvass {} 3000 3 a 7 rm b 7 rm c 7 rm")
	c.reply([]any{"ok", "inc-1", "e1", int64(1), int64(0), []any{[]any{"", int64(0)}, []any{"9", int64(3)}, []any{
		"12", "h", "hh-1", int64(2500), "900", "", int64(1), []any{}, []any{"o", `{"process":5}`, int64(1)}, "", int64(0), "",
	}}})
	told := drain(&r.told)
	if len(told) != 2 {
		t.Fatalf("told: %v", told)
	}
	b, h := told[0].(*redisbridge.Looked).Survey, told[1].(*redisbridge.Looked).Survey
	if b.Token != 9 || b.Place != 3 || b.Holder.ID != "" || h.Holder.ID != "h" || h.Holder.Token != 12 || len(h.Originals) != 1 {
		t.Errorf("told %+v and %+v", b, h)
	}
	if a := r.rollAnswer(); a.Err != nil || a.Status != "ok" || len(a.Entries) != 3 {
		t.Errorf("%+v", a)
	}
}

func TestARollCallThatIsNotDoneTellsNoElection(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.routes["e"] = r.set.Owner
	r.told = nil
	for _, status := range []string{"none", "taken", "stale", "replaced"} {
		items := []any{[]any{"", int64(-1)}}
		if status == "taken" || status == "stale" {
			items = []any{}
		}
		r.call(roll("e"))
		c.reply([]any{status, "", "e1", int64(1), int64(0), items})
		if a := r.rollAnswer(); a.Err != nil || a.Status != status {
			t.Errorf("%s: %+v", status, a)
		}
	}
	r.call(roll("e"))
	c.reply([]any{"ok", "inc-1", "e1", int64(1), int64(0), []any{"rubbish"}})
	if a := r.rollAnswer(); a.Err == nil {
		t.Errorf("%+v", a)
	}
	r.call(roll("e"))
	c.breaks(errLink)
	if a := r.rollAnswer(); a.Err == nil {
		t.Errorf("%+v", a)
	}
	for _, m := range drain(&r.told) {
		if l, ok := m.(*redisbridge.Looked); ok {
			t.Errorf("told %+v", l.Survey)
		}
	}
}

func TestARollCallRegistersNobodyWhoHasQuitBehindIt(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("x", 1))
	r.call(roll("e", "f"))
	r.call(quit("e"))
	c.reply()
	r.wantSent(c, "quit 1 e", "canvass {} 3000 2 e 7  f 7 r")
	r.call(roll("e")) // it stands again
	c.reply([]any{"ok", int64(1)})
	r.wantSent(c, "canvass {} 3000 1 e 7 r")
}

func TestARollCallThatWaitsIsGivenUpForALeave(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("x", 1))
	r.call(roll("e"))
	r.take()
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave})
	if a := r.rollAnswer(); a.Err == nil {
		t.Errorf("%+v", a)
	}
	c.reply()
	r.take()
	r.wantSent(c, "leave 0 500")
	r.call(roll("f"))
	c.reply(someLeft)
	r.wantSent(c, "leave 0 500")
	c.reply(noneLeft)
	r.wantSent(c, "canvass {} 3000 1 f 7 r")
}

// A pipeline carries so many elections, whether they come one by one or in a roll call.
func TestRollCallsCountForAPipelineByTheirElections(t *testing.T) {
	r := newRig(t)
	c := r.up()
	many := make([]string, 256)
	for i := range many {
		many[i] = fmt.Sprint("e", i)
	}
	r.call(survey("x", 1))
	for range 3 {
		r.call(roll(many...))
	}
	c.reply()
	if got := c.names(); len(got) != 1 {
		t.Errorf("%d calls of 256 elections in a pipeline for 256", len(got))
	}
}
