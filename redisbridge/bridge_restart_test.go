package redisbridge_test

import (
	"testing"

	"hustings/fsm"
	"hustings/redisbridge"
)

func TestABridgeThatPanicsHandsOnWhatIsKeptAndItsRoutes(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.routes["e"] = r.caller
	r.call(survey("x", 1))
	r.call(quit("a"))
	r.call(claim("e", "b1"))
	number := c.number()
	s := r.sub()
	system.Root.Send(r.pid, (*redisbridge.Drop)(nil)) // reading its reason panics

	if !c.closed || !s.closed {
		t.Errorf("given back: connection %v, subscription %v", c.closed, s.closed)
	}
	for _, m := range r.take() {
		if a := m.(*redisbridge.Answer); a.Input.Kind == fsm.InWithdrawn {
			t.Error("the quit was answered")
		}
	}
	next := r.up()
	r.wantSent(next, "quit 1 a")
	if next.number() <= number {
		t.Errorf("connection %s after %s", next.number(), number)
	}
	next.reply([]any{"ok", int64(1)})
	if got := r.take(); len(got) != 1 {
		t.Errorf("answers %v", got)
	}
	r.sub().h.Message("p::bully:me", `{"type":"vote","election":"e","me":1,"id":"n1"}`)
	if got := r.take(); len(got) != 1 {
		t.Errorf("the route was lost: %v", got)
	}
}
