package actors_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

func TestInABubbleAnElectionThatPanicsTooOftenFailsForGoodAndTheOthersGoOn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		a := b.node("a", 2).run("other")
		token := a.won("other").Token
		a.run("e").won("e")
		low := b.node("low", 1).run("e")
		pid, err := a.ElectionPID(bg(t), "e")
		a.must(err)
		var gaps []time.Duration
		for range 10 {
			at := time.Now()
			system.Root.Send(pid, (*actors.Drained)(nil))
			if f := next[*actors.Failed](a, nil); !strings.Contains(f.Err.Error(), "restarted after a panic") {
				t.Fatalf("%v", f.Err)
			}
			// It answers when its back-off is over.
			a.must(a.Run(bg(t), "e"))
			gaps = append(gaps, time.Since(at))
			a.won("e")
		}
		if first, last := gaps[0], gaps[9]; first > 100*time.Millisecond || last < 500*time.Millisecond || last > 2*time.Second {
			t.Errorf("pauses from %v to %v, want them to grow from little to a second", first, last)
		}
		system.Root.Send(pid, (*actors.Drained)(nil))
		next(a, func(f *actors.Failed) bool { return strings.Contains(f.Err.Error(), "too often") })
		low.won("e")
		eventually(t, "it is no candidate", func() bool { return !b.candidate("e", "a") })
		a.leads("other", token)
	})
}

func TestInABubbleABridgeThatPanicsCostsNoTerm(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		a := b.node("a", 2).run("e")
		token := a.won("e").Token
		before := a.Counts().Connects
		for range 3 {
			system.Root.Send(a.BridgePID(), (*redisbridge.Call)(nil))
			time.Sleep(10 * time.Second)
		}
		a.leads("e", token)
		if after := a.Counts().Connects; after < before+3 {
			t.Errorf("%d connections before, %d after three panics: the bridge did not restart", before, after)
		}
	})
}

// What a user's code does, or does not do, is not the lease's affair.
func TestInABubbleUsersWhoBlockForAMinuteDoNotTouchALease(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		a := b.node("a", 2)
		deaf := a.Subscribe(context.Background(), actors.SubscribeOptions{Buffer: 1, Transitions: true})
		working := make(chan *actors.Leadership, 1)
		done := make(chan error, 1)
		go func() {
			done <- a.Lead(context.Background(), "e", func(_ context.Context, l *actors.Leadership) error {
				working <- l
				time.Sleep(time.Minute)
				return nil
			})
		}()
		l := <-working
		low := b.node("low", 1).run("e")
		low.follows("e", "a")
		for range 58 {
			time.Sleep(time.Second)
			if !l.Valid() || l.Context().Err() != nil {
				t.Fatalf("the term has ended: %v", context.Cause(l.Context()))
			}
		}
		if err := <-done; err != nil {
			t.Errorf("Lead: %v", err)
		}
		low.won("e")
		if len(deaf) > 2 {
			t.Errorf("%d events wait for who does not read", len(deaf))
		}
	})
}
