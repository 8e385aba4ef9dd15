package actors_test

import (
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

func TestAnElectionThatPanicsStepsDownAndStartsIdle(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 2)
		l, err := high.Campaign(bg(t), "e")
		high.must(err)
		other := high.run("other").won("other").Token
		low := f.start("low", 1).run("e")
		low.follows("e", "high")
		pid, err := high.ElectionPID(bg(t), "e")
		high.must(err)
		system.Root.Send(pid, (*actors.Drained)(nil)) // a nil message: reading its token panics
		high.lost("e")                                // and only then who watches is told why
		if failed := next[*actors.Failed](high, nil); failed.Election != "e" || !strings.Contains(failed.Err.Error(), "run it again") {
			t.Errorf("%+v", failed)
		}
		if l.Valid() || l.Context().Err() == nil {
			t.Errorf("the term goes on: valid %v, context %v", l.Valid(), l.Context().Err())
		}
		low.won("e") // at once, not after a TTL: the successor quits the record
		eventually(t, "it stands no more", func() bool { return !f.candidate("e", "high") })
		if s, err := high.Inspect(bg(t), "e"); err != nil || s.State != fsm.Idle {
			t.Errorf("%+v, %v", s, err)
		}
		high.leads("other", other) // an election of its own
		high.must(l.Release(bg(t)))
		high.run("e")
		if again := high.won("e"); again.Token <= l.Token() {
			t.Errorf("token %d after %d", again.Token, l.Token())
		}
	})
}

func TestANodeThatPanicsStepsDownAndComesBackWithANewIncarnation(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * time.Second
		a := f.start("a", 1).run("e")
		first := a.won("e")
		before, err := a.Inspect(bg(t), "e")
		a.must(err)
		system.Root.Send(a.PID(), (*actors.Subscribe)(nil)) // reading its PID panics
		if lost := a.lost("e"); lost.Cause.Code != fsm.CauseNodeStopped {
			t.Errorf("%v", lost.Cause)
		}
		eventually(t, "it runs again", func() bool { return a.Run(bg(t), "e") == nil })
		if second := a.won("e"); second.Token <= first.Token {
			t.Errorf("token %d after %d", second.Token, first.Token)
		}
		after, err := a.Inspect(bg(t), "e")
		a.must(err)
		if after.Incarnation == before.Incarnation {
			t.Error("it has the old incarnation")
		}
	})
}
