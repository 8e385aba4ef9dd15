package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"hustings/actors"
)

// A world that Go code holds up is named after so many looks, once, with the code that does it.
func TestAWorldThatGoCodeHoldsUpIsNamed(t *testing.T) {
	var said strings.Builder
	g := &guard{out: &said}
	held, let := make(chan struct{}), make(chan struct{}) // not of the bubble
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		<-held
		for range standstill {
			g.look()
		}
		if said.Len() > 0 {
			t.Errorf("it was said too soon: %s", said.String())
		}
		for range 2 * standstill {
			g.look()
		}
		close(let)
	}()
	bubble(t, 7, func(w *World) {
		w.Node("a", actors.Config{}).Go(func(context.Context, *actors.Node) {
			time.Sleep(3 * time.Second)
			holdUp(held, let)
		})
		w.Run(time.Minute)
	}, nil, g)
	<-looked
	for _, text := range []string{"seed 7 has stood still for 10s of real time, since 1.", "HUSTINGS_SEED=7", "holdUp"} {
		if strings.Count(said.String(), text) == 0 {
			t.Errorf("it does not say %q:\n%s", text, said.String())
		}
	}
	if n := strings.Count(said.String(), "has stood still"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	for _, waits := range []string{"World).settle", "(durable)"} {
		if strings.Contains(said.String(), waits) {
			t.Errorf("it shows who waits, %q:\n%s", waits, said.String())
		}
	}
}

func holdUp(held, let chan struct{}) {
	close(held)
	<-let
}

// While Go code comes to rest now and then, nothing is said, however often it is looked at.
func TestAWorldThatGoesOnIsNotTakenForOneThatStandsStill(t *testing.T) {
	var said strings.Builder
	g := &guard{out: &said}
	bubble(t, 1, func(w *World) {
		w.Node("a", actors.Config{}).Go(func(ctx context.Context, _ *actors.Node) { <-ctx.Done() })
		for range 3 * standstill {
			w.Run(time.Second)
			g.look()
		}
	}, nil, g)
	if said.Len() > 0 {
		t.Error(said.String())
	}
}
