package redisbridge_test

import (
	"context"
	"log/slog"
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

// rude panics at what the bridge says of refusals.
type rude struct{ slog.Handler }

func (h rude) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "Redis refuses a call" {
		panic("a handler's fault")
	}
	return h.Handler.Handle(ctx, r)
}

func TestABridgeThatPanicsOverAnAnswerLosesNoCallOfItsPipeline(t *testing.T) {
	r := newRig(t)
	r.set.Logger = slog.New(rude{r.set.Logger.Handler()})
	c := r.up()
	r.call(survey("x", 1))
	r.call(quit("a"))
	r.call(release("r", 4))
	r.call(redisbridge.Call{Kind: redisbridge.CallMembers})
	c.reply()
	r.take()
	r.wantSent(c, "release r 4  ", "quit 1 a", "members ")
	c.reply([]any{[]any{"released", ""}}, &redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM no"})
	if !c.closed {
		t.Error("it has not panicked")
	}
	got := r.take()
	if len(got) != 2 {
		t.Fatalf("answers %v, want those of the release and, a fault, of the members", got)
	}
	if a, ok := got[1].(*redisbridge.MembersAnswer); !ok || a.Err == nil {
		t.Errorf("answer %+v, want the members' fault", got[1])
	}
	r.wantSent(r.up(), "quit 1 a")
}
