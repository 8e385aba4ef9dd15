package fsm

import (
	"context"
	"errors"
	"testing"

	looplab "github.com/looplab/fsm"
)

func TestLooplabAndTheTableAgreeInEveryCell(t *testing.T) {
	cells := 0
	for from := range numStates {
		for ev := range numEvents {
			cells++
			want, taken := Table.Next(from, ev)
			got, err := fire(from, ev)
			if got != want {
				t.Errorf("%s in %s leads to %s, the table says %s", ev, from, got, want)
			}
			if taken != (err == nil) {
				t.Errorf("%s in %s: taken is %v by the table, looplab says %v", ev, from, taken, err)
			}
			if err == nil {
				continue
			}
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%s in %s: %v does not wrap ErrRefused", ev, from, err)
			}
			var refused looplab.InvalidEventError
			if !errors.As(err, &refused) || refused.Event != ev.String() || refused.State != from.String() {
				t.Errorf("%s in %s: %v does not say which event and which state", ev, from, err)
			}
		}
	}
	if cells != 36 {
		t.Errorf("%d cells looked at, the table has 36", cells)
	}
}

func TestARowStandsAtItsOwnNumber(t *testing.T) {
	// String and Next index the table by the enum.
	for i, row := range Table.States {
		if int(row.State) != i || row.Name == "" || row.About == "" || row.Timeout == "" {
			t.Errorf("state %d: row is %+v", i, row)
		}
	}
	for i, row := range Table.Events {
		if int(row.Event) != i || row.Name == "" || row.When == "" || len(row.From) == 0 {
			t.Errorf("event %d: row is %+v", i, row)
		}
		for _, from := range row.From {
			if from == row.To {
				t.Errorf("%s leads from %s to itself: looplab calls that an error", row.Name, from)
			}
		}
	}
}

func TestEveryStateIsReachedAndLeft(t *testing.T) {
	reached, left := map[State]bool{Idle: true}, map[State]bool{}
	eachTransition(func(from State, _ Event, to State) { reached[to], left[from] = true, true })
	for s := range numStates {
		if !reached[s] || !left[s] {
			t.Errorf("%s: reached %v, left %v", s, reached[s], left[s])
		}
	}
}

func TestAStateOrEventOutsideTheTableIsRefusedAndHasAName(t *testing.T) {
	if to, ok := Table.Next(Idle, numEvents+3); ok || to != Idle {
		t.Errorf("Next of an unknown event: %s, %v", to, ok)
	}
	if to, ok := Table.Next(numStates+3, Canvass); ok || to != numStates+3 {
		t.Errorf("Next of an unknown state: %s, %v", to, ok)
	}
	if _, err := fire(numStates+3, Canvass); !errors.Is(err, ErrRefused) {
		t.Errorf("firing from an unknown state: %v", err)
	}
	if _, err := parseState("bogus"); err == nil {
		t.Error("parseState took a name that is not in the table")
	}
	if s := (numStates + 3).String(); s != "State(9)" {
		t.Errorf("unknown state is called %q", s)
	}
	if s := (numEvents + 3).String(); s != "Event(9)" {
		t.Errorf("unknown event is called %q", s)
	}
}

// An instance may be left in any state by an event that it refused, and each pair is asked
// of the same one: the order must not matter.
func TestLooplabSaysTheSameInAnyOrder(t *testing.T) {
	f := newInstance(Won)
	for ev := numEvents; ev > 0; ev-- {
		for from := numStates; from > 0; from-- {
			f.SetState((from - 1).String())
			err := f.Event(context.Background(), (ev - 1).String())
			to, refused := fire(from-1, ev-1)
			if f.Current() != to.String() || (err != nil) != (refused != nil) {
				t.Errorf("%s in %s: %s, %v and %s, %v", ev-1, from-1, f.Current(), err, to, refused)
			}
		}
	}
}
