package actors_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

var errWork = errors.New("the work failed")

// leading is one call of Lead, seen from outside.
type leading struct {
	began chan *actors.Leadership // each time the work begins
	work  chan func(context.Context, *actors.Leadership) error
	ended chan error
}

// contend calls Lead with work that does what the test sends it.
func contend(ctx context.Context, p *peer, election string) *leading {
	l := &leading{
		began: make(chan *actors.Leadership, 10), ended: make(chan error, 1),
		work: make(chan func(context.Context, *actors.Leadership) error),
	}
	go func() {
		l.ended <- p.Lead(ctx, election, func(ctx context.Context, term *actors.Leadership) error {
			l.began <- term
			select {
			case do := <-l.work:
				return do(ctx, term)
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return l
}

func receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case v := <-ch:
		return v
	case <-late.C:
		t.Fatalf("not in %v: %s", patience, what)
		panic("unreachable")
	}
}

func TestLeadRunsTheWorkInOfficeAndGivesItUpWithTheWorksError(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l := contend(bg(t), a, "e")
		term := receive(t, "the work begins", l.began)
		if !term.Valid() || term.Token() == 0 || term.Election() != "e" || term.Context().Err() != nil {
			t.Errorf("valid %v, token %d, election %q, context %v", term.Valid(), term.Token(), term.Election(), term.Context().Err())
		}
		l.work <- func(ctx context.Context, _ *actors.Leadership) error {
			if ctx.Err() != nil {
				t.Error("the work's context had ended")
			}
			return errWork
		}
		if err := receive(t, "Lead returns", l.ended); !errors.Is(err, errWork) {
			t.Errorf("%v", err)
		}
		if term.Valid() || term.Context().Err() == nil || !errors.Is(context.Cause(term.Context()), actors.ErrLost) {
			t.Errorf("afterwards: valid %v, context %v (%v)", term.Valid(), term.Context().Err(), context.Cause(term.Context()))
		}
		if f.candidate("e", "a") {
			t.Error("it stands still")
		}
	})
}

func TestLeadReturnsNilWhenTheWorkIsDone(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		l := contend(bg(t), a, "e")
		l.work <- func(context.Context, *actors.Leadership) error { return nil }
		if err := receive(t, "Lead returns", l.ended); err != nil {
			t.Error(err)
		}
		if a.lost("e").Cause.Code != fsm.CauseResigned || !f.candidate("e", "a") {
			t.Error("who was told to run stays a candidate when the work is done")
		}
	})
}

func TestAPanicInTheWorkIsItsError(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l := contend(bg(t), a, "e")
		l.work <- func(context.Context, *actors.Leadership) error { panic("ouch") }
		err := receive(t, "Lead returns", l.ended)
		if !errors.Is(err, actors.ErrPanic) || !strings.Contains(err.Error(), "ouch") {
			t.Errorf("%v", err)
		}
	})
}

func TestLeadContendsAgainAfterALoss(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		low, high := f.start("low", 1), f.start("high", 2)
		l := contend(bg(t), low, "e")
		first := receive(t, "the work begins", l.began)
		high.run("e")
		high.won("e") // the work has seen its context end
		if first.Valid() {
			t.Error("two are valid")
		}
		high.must(high.Quit(bg(t), "e"))
		second := receive(t, "the work begins again", l.began)
		if second.Token() <= first.Token() {
			t.Errorf("token %d after %d", second.Token(), first.Token())
		}
		l.work <- func(context.Context, *actors.Leadership) error { return nil }
		if err := receive(t, "Lead returns", l.ended); err != nil {
			t.Error(err)
		}
	})
}

func TestLeadWaitsForTheWorkWhenItsContextEnds(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		ctx, cancel := context.WithCancelCause(bg(t))
		l := contend(ctx, a, "e")
		receive(t, "the work begins", l.began)
		told, may := make(chan error, 1), make(chan struct{})
		l.work <- func(ctx context.Context, _ *actors.Leadership) error {
			<-ctx.Done()
			told <- context.Cause(ctx)
			<-may
			return nil
		}
		why := errors.New("enough")
		cancel(why)
		if err := receive(t, "the work is told", told); !errors.Is(err, why) {
			t.Errorf("the work was told %v", err)
		}
		select {
		case err := <-l.ended:
			t.Fatalf("Lead did not wait for the work: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		if l, err := a.Leader("e"); err != nil || !l.Self {
			t.Errorf("the office was not kept for the work: %+v, %v", l, err)
		}
		close(may)
		if err := receive(t, "Lead returns", l.ended); !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
		if f.candidate("e", "a") {
			t.Error("it stands still")
		}
	})
}

func TestASuccessorWaitsUntilTheWorkHasReturned(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		low, high := f.start("low", 1), f.start("high", 2)
		l := contend(bg(t), low, "e")
		term := receive(t, "the work begins", l.began)
		told, may := make(chan struct{}), make(chan struct{})
		l.work <- func(ctx context.Context, _ *actors.Leadership) error {
			<-ctx.Done()
			close(told)
			<-may
			return nil
		}
		high.run("e")
		receive(t, "the work is told", told)
		if ending := next[*actors.Ending](low, nil); ending.Cause.Code != fsm.CauseOutvoted || ending.Token != term.Token() {
			t.Errorf("ending: %+v", ending)
		}
		if !term.Valid() || term.Context().Err() == nil {
			t.Errorf("draining: valid %v, context %v", term.Valid(), term.Context().Err())
		}
		for _, ev := range high.rest(1500 * time.Millisecond) { // longer than VoteTimeout
			if _, won := ev.(*actors.Won); won {
				t.Fatal("two work at once")
			}
		}
		close(may)
		high.won("e")
		if term.Valid() {
			t.Error("both are valid")
		}
	})
}

func TestWorkThatDoesNotReturnIsLoudAndLosesTheOffice(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		low := f.start("low", 1, func(c *actors.Config) { c.Elections.DrainTimeout = 300 * time.Millisecond })
		high := f.start("high", 2)
		ctx, cancel := context.WithCancel(bg(t))
		l := contend(ctx, low, "e")
		term := receive(t, "the work begins", l.began)
		may := make(chan struct{})
		l.work <- func(context.Context, *actors.Leadership) error { <-may; return nil }
		high.run("e")
		high.won("e")
		if overdue := next[*actors.DrainOverdue](low, nil); overdue.Token != term.Token() {
			t.Errorf("%+v", overdue)
		}
		if !strings.Contains(f.logs.String(), "level=ERROR msg=\"drain overdue") {
			t.Error("it was not loud")
		}
		if term.Valid() {
			t.Error("it is valid still")
		}
		cancel()
		close(may)
		_ = receive(t, "Lead returns", l.ended)
	})
}
