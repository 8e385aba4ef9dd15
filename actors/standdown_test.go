package actors_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/fsm"
)

func TestALeaderThatStandsDownHandsOverAndFollows(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 2).run("e")
		first := high.won("e")
		low := f.start("low", 1).run("e") // not before: it could win meanwhile
		low.follows("e", "high")
		high.must(high.StandDown(bg(t), "e"))
		if f.candidate("e", "high") {
			t.Error("it is a candidate though the answer came")
		}
		if lost := high.lost("e"); lost.Cause.Code != fsm.CauseStandDown {
			t.Errorf("%v", lost.Cause)
		}
		second := low.won("e")
		if second.Token <= first.Token {
			t.Errorf("token %d after %d", second.Token, first.Token)
		}
		high.follows("e", "low") // it looks with each heartbeat
		if v, err := high.View("e"); err != nil || !v.StoodDown || v.State != fsm.Idle {
			t.Errorf("%+v, %v", v, err)
		}
		if len(low.Members()) != 2 {
			t.Errorf("it left the fleet: %v", low.Members())
		}
		high.must(high.Run(bg(t), "e")) // remembered, and no more
		high.must(high.StandDown(bg(t), "e"))
		if f.candidate("e", "high") {
			t.Error("Run made it a candidate")
		}
		high.must(high.Stand(bg(t), "e"))
		if third := high.won("e"); third.Token <= second.Token {
			t.Errorf("token %d after %d", third.Token, second.Token)
		}
		if v, err := high.View("e"); err != nil || v.StoodDown {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

func TestLeadIsRememberedWhileItsNodeStandsDown(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		var contended atomic.Int32
		a := f.start("a", 1, func(cfg *actors.Config) {
			cfg.Steps = func(s actors.Step) {
				if s.Input.Kind == fsm.InRun {
					contended.Add(1)
				}
			}
		})
		ctx, cancel := context.WithCancel(bg(t))
		began, slow, done := make(chan uint64, 4), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- a.Lead(ctx, "e", func(ctx context.Context, l *actors.Leadership) error {
				began <- l.Token()
				<-ctx.Done()
				<-slow
				return nil
			})
		}()
		first := <-began
		down := make(chan error, 1)
		go func() { down <- a.StandDown(bg(t), "e") }()
		next[*actors.Ending](a, nil)
		select {
		case err := <-down:
			t.Errorf("answered while the work goes on: %v", err)
		default:
		}
		close(slow)
		a.must(<-down)
		a.lost("e")
		// A campaign of ours that comes first would be the contender.
		eventually(t, "the contender waits", func() bool { return contended.Load() == 2 })
		if _, err := a.Campaign(bg(t), "e"); !errors.Is(err, actors.ErrBusy) {
			t.Errorf("%v, while somebody contends", err)
		}
		if f.candidate("e", "a") {
			t.Error("a contender made it a candidate")
		}
		a.must(a.Stand(bg(t), "e"))
		if second := <-began; second <= first {
			t.Errorf("token %d after %d", second, first)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestACampaignEndsAlsoWhileItsNodeStandsDown(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		a.must(a.StandDown(bg(t), "e"))
		ctx, cancel := context.WithTimeout(bg(t), 50*time.Millisecond)
		defer cancel()
		if l, err := a.Campaign(ctx, "e"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v", l, err)
		}
		a.must(a.Stand(bg(t), "e"))
		if v, err := a.View("e"); err != nil || v.State != fsm.Idle || v.StoodDown {
			t.Errorf("nobody wants the office any more: %+v, %v", v, err)
		}
		a.run("e").won("e")
	})
}

func TestStandingDownOutlastsAPanic(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high, low := f.start("high", 2), f.start("low", 1).run("e")
		low.won("e")
		high.run("e").must(high.StandDown(bg(t), "e"))
		pid, err := high.ElectionPID(bg(t), "e")
		high.must(err)
		system.Root.Send(pid, (*actors.Resign)(nil)) // reading its To panics
		next[*actors.Failed](high, nil)
		high.must(high.Run(bg(t), "e"))
		if v, err := high.View("e"); err != nil || v.State != fsm.Idle || !v.StoodDown {
			t.Errorf("%+v, %v", v, err)
		}
		high.follows("e", "low")
		if f.candidate("e", "high") {
			t.Error("it stands")
		}
		high.must(high.Stand(bg(t), "e"))
		high.won("e")
	})
}

func TestStandingDownOutlastsAPanicOfTheNode(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * time.Second
		a := f.start("a", 1).run("e")
		a.won("e")
		a.must(a.StandDown(bg(t), "e"))
		before, err := a.Inspect(bg(t), "e")
		a.must(err)
		system.Root.Send(a.PID(), (*actors.Subscribe)(nil))
		eventually(t, "the node has panicked, and is there again", func() bool {
			after, err := a.Inspect(bg(t), "e")
			return err == nil && after.Incarnation != before.Incarnation
		})
		if v, err := a.View("e"); err != nil || v.State != fsm.Idle || !v.StoodDown {
			t.Errorf("%+v, %v", v, err)
		}
		a.must(a.Stand(bg(t), "e"))
		a.won("e")
	})
}

func TestQuitAndOfflineEndStandingDown(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		for _, end := range []func() error{
			func() error { return a.Quit(bg(t), "e") },
			func() error { return errors.Join(a.Offline(bg(t)), a.Online(bg(t))) },
		} {
			a.run("e").must(a.StandDown(bg(t), "e"))
			a.must(end())
			a.must(a.Stand(bg(t), "e")) // nothing to end
			if v, err := a.View("e"); err != nil || v.State != fsm.Idle || v.StoodDown || v.Leader.Known {
				t.Errorf("%+v, %v", v, err)
			}
			a.run("e").won("e")
		}
		a.must(a.Offline(bg(t)))
		if err := a.StandDown(bg(t), "e"); !errors.Is(err, actors.ErrOffline) {
			t.Errorf("offline: %v", err)
		}
	})
}

func TestACandidacyThatAFailoverBroughtBackIsWithdrawn(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = 1500 * time.Millisecond
		high := f.start("high", 2).run("e")
		high.won("e")
		low := f.start("low", 1).run("e")
		low.follows("e", "high")
		high.must(high.StandDown(bg(t), "e"))
		low.won("e")
		f.client.SAdd(bg(t), f.keys.Candidates("e"), "high")
		f.client.ZAdd(bg(t), f.keys.Ranks("e"), redis.Z{Score: 2, Member: "high"})
		eventually(t, "it withdraws again", func() bool { return !f.candidate("e", "high") })
	})
}
