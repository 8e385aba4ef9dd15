package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hustings/actors"
)

func TestOneCallRunsAndQuitsManyElections(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		names := make([]string, 400) // more than one node opens at once; of the events of more some might be missed
		for i := range names {
			names[i] = fmt.Sprintf("e%03d", i)
		}
		a.must(a.Run(bg(t), names...))
		won := map[string]bool{}
		for len(won) < len(names) {
			won[next[*actors.Won](a, nil).Election] = true
		}
		a.must(a.Quit(bg(t), names...))
		for _, name := range names {
			if f.candidate(name, "a") {
				t.Fatalf("it is a candidate of %s though the answer came", name)
			}
		}
		a.must(a.Run(bg(t)))
		a.must(a.Quit(bg(t)))
	})
}

func TestOneNameThatNoneCanHaveRunsNothing(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		err := a.Run(bg(t), "good", "not good")
		if !errors.Is(err, actors.ErrConfig) || !strings.Contains(err.Error(), `run "not good"`) {
			t.Errorf("%v", err)
		}
		if v := a.Views(); len(v) != 0 {
			t.Errorf("%+v", v)
		}
	})
}

func TestARunOfManyEndsWithItsContextOrItsNode(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		ctx, cancel := context.WithCancelCause(bg(t))
		why := errors.New("no more")
		cancel(why)
		// What was answered before the context's end was looked at counts.
		if err := a.Run(ctx, "x", "y"); err != nil && (!errors.Is(err, why) || !strings.Contains(err.Error(), "run 2 elections")) {
			t.Errorf("%v", err)
		}
		a.must(a.Stop(bg(t)))
		if err := a.Run(bg(t), "v", "w"); !errors.Is(err, actors.ErrStopped) {
			t.Errorf("%v", err)
		}
	})
}
