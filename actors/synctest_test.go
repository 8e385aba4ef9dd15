package actors_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
)

// sessionEnd is when a session ends if it is not renewed, by the bubble's clock.
func (b *bubble) sessionEnd(id string) time.Time {
	b.t.Helper()
	left, err := b.client.PTTL(context.Background(), b.keys.Session(id)).Result()
	if err != nil || left <= 0 {
		b.t.Fatalf("session of %s: %v left, %v", id, left, err)
	}
	return time.Now().Add(left)
}

// wins returns how long after an instant a node is elected.
func (p *peer) wins(since time.Time) time.Duration {
	p.t.Helper()
	return next(p, func(ev *actors.Won) bool { return !ev.At.Time().Before(since) }).At.Time().Sub(since)
}

func TestInABubbleTheClockIsSane(t *testing.T) {
	for range 2 { // nothing of the first bubble may be left in the second
		inBubble(t, func(t *testing.T, _ *bubble) {
			clock := redisbridge.SystemClock{}
			before := clock.Now()
			if before.Mono <= 0 || !before.Time().Equal(time.Now()) {
				t.Errorf("%+v at %v", before, time.Now())
			}
			fired := make(chan time.Duration, 1)
			clock.AfterFunc(time.Hour, func() { fired <- clock.Now().Sub(before) })
			if d := <-fired; d != time.Hour || clock.Now().Wall-before.Wall != time.Hour {
				t.Errorf("an hour took %v", d)
			}
		})
	}
}

func TestInABubbleTheHighestIsElectedAndAllKnowIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		begin := time.Now()
		a, c, d := b.node("a", 1).run("e"), b.node("c", 2).run("e"), b.node("d", 3).run("e")
		d.won("e")
		for _, p := range []*peer{a, c, d} {
			p.follows("e", "d")
		}
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("settled after %v", took)
		}
		time.Sleep(3 * time.Minute)
		if l := d.Leadership("e"); l == nil || !l.Valid() || a.Leadership("e") != nil {
			t.Error("not the same leader three minutes later")
		}
	})
}

func TestInABubbleACrashedLeaderIsReplacedWithinMillisecondsOfItsSessionsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		low, high := b.node("low", 1).run("e"), b.node("high", 2).run("e")
		high.won("e")
		low.follows("e", "high")
		time.Sleep(12345 * time.Millisecond)
		term := high.Leadership("e")
		high.crash()
		end := b.sessionEnd("high")
		if term.Valid() {
			t.Error("a crashed node's term is valid")
		}
		if late := low.wins(end); late > 5*time.Millisecond {
			t.Errorf("elected %v after the session's end", late)
		}
	})
}

func TestInABubbleALeaderThatIsCutOffStepsDownBeforeItsSuccessorComes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		low, high := b.node("low", 1).run("e"), b.node("high", 2).run("e")
		high.won("e")
		low.follows("e", "high")
		time.Sleep(time.Minute)
		term := high.Leadership("e")
		begin := time.Now()
		b.hold("high") // open connections that carry nothing
		until := term.Until().Time()
		<-term.Context().Done()
		if now := time.Now(); !now.Equal(until) || now.Sub(begin) > 4500*time.Millisecond {
			t.Errorf("stepped down %v after its trust, %v after the server was gone", now.Sub(until), now.Sub(begin))
		}
		if late := high.lost("e").At.Time().Sub(until); late != 0 {
			t.Errorf("Lost %v after the end of trust", late)
		}
		if gap := low.wins(until); gap < 500*time.Millisecond || gap > 510*time.Millisecond {
			t.Errorf("the successor came %v after the end of trust", gap) // the margin
		}
		b.release("high")
		if late := high.wins(time.Now()); late > 5*time.Second {
			t.Errorf("back in office after %v", late)
		}
	})
}

func TestInABubbleTheFirstLeaderWaitsOutTheQuarantine(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		begin := time.Now()
		a := b.node("a", 1, func(cfg *actors.Config) { cfg.Quarantine = new(true) }).run("e")
		if late := a.wins(begin); late < 5*time.Second || late > 5100*time.Millisecond {
			t.Errorf("elected after %v", late)
		}
	})
}

func TestInABubbleLeadAndCampaignRunInFakeTime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		low, high := b.node("low", 1), b.node("high", 2)
		ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
		defer cancel()
		ended := make(chan error, 1)
		work := make(chan string, 4)
		go func() {
			ended <- low.Lead(ctx, "e", func(ctx context.Context, _ *actors.Leadership) error {
				work <- "began"
				<-ctx.Done()
				work <- "stopped"
				return ctx.Err()
			})
		}()
		if got := <-work; got != "began" {
			t.Fatal(got)
		}
		term, err := high.Campaign(ctx, "e") // preempts; the work of the lower ends first
		if err != nil || !term.Valid() {
			t.Fatal(err)
		}
		if got := <-work; got != "stopped" {
			t.Fatal(got)
		}
		time.Sleep(3 * time.Minute)
		if err := term.Release(ctx); err != nil || term.Valid() {
			t.Fatal(err)
		}
		if got := <-work; got != "began" {
			t.Fatal(got)
		}
		begin := time.Now()
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if waited := time.Since(begin); waited < 2*time.Minute || waited > 3*time.Minute {
			t.Errorf("the context ended after %v", waited)
		}
	})
}

func TestInABubbleAGracefulStopHandsOverAtOnceAndLeavesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		low, high := b.node("low", 1).run("e"), b.node("high", 2).run("e")
		high.won("e")
		low.follows("e", "high")
		time.Sleep(time.Minute)
		begin := time.Now()
		high.must(high.Stop(context.Background()))
		if late := low.wins(begin); late > 5*time.Millisecond {
			t.Errorf("handed over in %v", late)
		}
		if b.candidate("e", "high") || b.mini.Exists(b.keys.Session("high")) {
			t.Error("the stopped node is registered still")
		}
		synctest.Wait()
	})
}

// Who compares the logs of two leaders sees whether they are of one fleet, and no password.
func TestTheLogNamesTheFleet(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.node("a", 1)
		b.start("b", 1, func(cfg *actors.Config) {
			cfg.Redis.Prefix = "other"
			cfg.Redis.Options = &redis.UniversalOptions{Addrs: []string{"redis://me:secret@r:1"}, Dialer: b.dialer("b")}
		})
		for _, want := range []string{"prefix=ipc redis=127.0.0.1:1 db=0", "prefix=other redis=redis://me:***@r:1 db=0"} {
			if log := b.logs.String(); !strings.Contains(log, want) || strings.Contains(log, "secret") {
				t.Errorf("%q is not in\n%s", want, log)
			}
		}
	})
}
