package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/fsm"
)

// soon bounds how long work of tests has to stop.
func soon(d time.Duration) func(*actors.Config) {
	return func(c *actors.Config) { c.Elections.DrainTimeout = d }
}

// The holder of a term that is over may be late in saying so: what has begun since is not his.
func TestReleasingATermThatIsOverLeavesTheNextOneAlone(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1, soon(50*time.Millisecond))
		first, err := a.Campaign(bg(t), "e")
		a.must(err)
		a.must(a.Quit(bg(t), "e")) // its work does not return: the term ends without it
		second, err := a.Campaign(bg(t), "e")
		a.must(err)
		a.must(first.Release(bg(t)))
		a.must(a.Stand(bg(t), "e")) // is answered after that
		if !second.Valid() || second.Context().Err() != nil {
			t.Errorf("the second term: valid %v, %v", second.Valid(), context.Cause(second.Context()))
		}
		a.must(second.Release(bg(t)))
		if f.candidate("e", "a") {
			t.Error("it stands still")
		}
	})
}

// Whoever reads the present term may release it; a contender that comes then gets the next.
func TestATermThatNobodyHoldsCanBeReleased(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		l := a.Leadership("e")
		a.must(l.Release(bg(t)))
		if l.Valid() {
			t.Error("it goes on")
		}
		next, err := a.Campaign(bg(t), "e")
		a.must(err)
		if next.Token() <= l.Token() {
			t.Errorf("token %d after %d", next.Token(), l.Token())
		}
		if _, err := a.Campaign(bg(t), "e"); !errors.Is(err, actors.ErrBusy) {
			t.Errorf("beside the holder: %v", err)
		}
		a.must(next.Release(bg(t)))
	})
}

func TestATermIsReleasedWhileItIsHandedOut(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		var wg sync.WaitGroup
		wg.Go(func() { _ = a.Leadership("e").Release(bg(t)) })
		wg.Go(func() {
			if l, err := a.Campaign(bg(t), "e"); err == nil {
				_ = l.Release(bg(t))
			}
		})
		wg.Wait()
	})
}

func TestOneHolderAtATimeAlsoWhereActorsDrain(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1, func(c *actors.Config) { c.Elections.Drains = true })
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		if _, err := a.Campaign(bg(t), "e"); !errors.Is(err, actors.ErrBusy) {
			t.Errorf("beside the holder: %v", err)
		}
		pid, err := a.ElectionPID(bg(t), "e")
		a.must(err)
		released := make(chan error, 1)
		go func() { released <- l.Release(bg(t)) }()
		next(a, func(ev *actors.Ending) bool { return ev.Election == "e" })
		if !l.Valid() {
			t.Error("it was not waited for the actor")
		}
		system.Root.Send(pid, &actors.Drained{Token: l.Token()})
		a.must(receive(t, "Release returns", released))
	})
}

// The work must end within DrainTimeout of the end of its context, whoever ended it.
func TestWorkThatGoesOnAfterItsCallersContextIsWaitedForUpToDrainTimeout(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		for _, run := range []bool{false, true} {
			e := fmt.Sprintf("run-%v", run)
			a := f.start("a-"+e, 2, soon(300*time.Millisecond))
			b := f.start("b-"+e, 1)
			if run {
				a.run(e)
			}
			ctx, cancel := context.WithCancel(bg(t))
			began, end, left := make(chan *actors.Leadership, 1), make(chan struct{}), make(chan error, 1)
			go func() {
				left <- a.Lead(ctx, e, func(_ context.Context, l *actors.Leadership) error {
					began <- l
					<-end
					return nil
				})
			}()
			l := receive(t, "the work", began)
			b.run(e).follows(e, a.ID())
			cancel()
			next(a, func(ev *actors.Ending) bool { return ev.Election == e })
			next(a, func(ev *actors.DrainOverdue) bool { return ev.Election == e })
			b.won(e)
			if l.Valid() || l.Context().Err() == nil {
				t.Error("the term goes on")
			}
			close(end)
			if err := receive(t, "Lead returns", left); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestWorkThatEndsItsGoroutineGivesTheOfficeUp(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_ = a.Lead(bg(t), "e", func(context.Context, *actors.Leadership) error {
				runtime.Goexit()
				return nil
			})
		}()
		<-gone
		if l := a.Leadership("e"); l.Valid() || f.candidate("e", "a") {
			t.Error("it leads, or stands")
		}
		a.must(a.Lead(bg(t), "e", func(context.Context, *actors.Leadership) error { return nil }))
	})
}

func TestWhatWorkSaysAfterLeadsContextIsInTheLog(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		ctx, cancel := context.WithCancel(bg(t))
		err := a.Lead(ctx, "e", func(ctx context.Context, _ *actors.Leadership) error {
			cancel()
			<-ctx.Done()
			panic("the flush failed")
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if log := f.logs.String(); !strings.Contains(log, "work ended with its leadership") || !strings.Contains(log, "the flush failed") {
			t.Error(log)
		}
	})
}

// Offline asks elections to quit, and so does Stop: what they answered then is not an
// answer now.
func TestStopDrainsAlsoAfterOfflineAndOnline(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 2).run("e")
		a.won("e")
		a.must(a.Offline(bg(t)))
		a.must(a.Online(bg(t)))
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		b := f.start("b", 1).run("e")
		b.follows("e", "a")
		stopped := a.stops(bg(t))
		<-l.Context().Done()
		if b.Leadership("e").Valid() || !l.Valid() {
			t.Errorf("valid: the old term %v, the next %v", l.Valid(), b.Leadership("e").Valid())
		}
		a.stopsAfter(l, stopped)
		b.won("e")
	})
}

func TestOfflineDoesNotWaitForAnElectionThatIsOpenedMeanwhile(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		gone := make(chan error, 1)
		go func() { gone <- a.Offline(bg(t)) }()
		<-l.Context().Done()
		if err := a.Run(bg(t), "other"); !errors.Is(err, actors.ErrOffline) {
			t.Errorf("%v", err)
		}
		a.must(l.Release(bg(t)))
		a.must(receive(t, "Offline returns", gone))
	})
}

// Of Offline and Online the later one counts, and who waits for the other is told.
func TestOfflineAndOnlineOvertakeEachOther(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		offline := make(chan error, 1)
		go func() { offline <- a.Offline(bg(t)) }()
		<-l.Context().Done()
		a.must(a.Online(bg(t)))
		if err := receive(t, "Offline returns", offline); err == nil {
			t.Error("an Offline that was overtaken says that it was done")
		}
		go func() { offline <- a.Offline(bg(t)) }()
		select {
		case err := <-offline:
			t.Errorf("offline while the work runs: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		a.must(l.Release(bg(t)))
		a.must(receive(t, "Offline returns", offline))
		if n, err := f.client.HExists(bg(t), f.keys.Details(), "a").Result(); err != nil || n {
			t.Errorf("it is listed: %v, %v", n, err)
		}
	})
}

// Stop waits for the node, also where its actor panics meanwhile and begins again.
func TestStopOutlastsAPanicOfTheNode(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		stopped := a.stops(bg(t))
		<-l.Context().Done()
		system.Root.Send(a.PID(), (*actors.Subscribe)(nil)) // reading its PID panics
		a.must(receive(t, "Stop returns", stopped))
	})
}

// failing is a log whose handler panics at one line, once.
type failing struct {
	slog.Handler
	at   string
	left *atomic.Int32
}

func (f failing) WithAttrs([]slog.Attr) slog.Handler { return f }

func (f failing) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == f.at && f.left.Add(-1) == 0 {
		panic("the log's disk is full")
	}
	return f.Handler.Handle(ctx, r)
}

func TestStopOutlastsALogThatPanicsAtTheLastLine(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		left := &atomic.Int32{}
		left.Store(1)
		a := f.start("a", 1, func(c *actors.Config) {
			c.Logger = slog.New(failing{slog.NewTextHandler(&f.logs, nil), "node stopped", left})
		})
		a.must(a.Stop(bg(t)))
		if left.Load() != 0 {
			t.Error("it did not panic")
		}
	})
}

// What was run by name runs again after a panic of the node's actor, and who contends does.
func TestElectionsByNameOutlastAPanicOfTheNode(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * time.Second
		a := f.start("a", 1).run("e")
		first := a.won("e")
		led := make(chan error, 1)
		go func() {
			led <- a.Lead(bg(t), "led", func(ctx context.Context, l *actors.Leadership) error {
				if l.Token() > first.Token && ctx.Err() == nil && a.Turns() > 4 {
					return nil // the second term
				}
				<-ctx.Done()
				return nil
			})
		}()
		a.won("led")
		system.Root.Send(a.PID(), (*actors.Subscribe)(nil))
		if again := a.won("e"); again.Token <= first.Token {
			t.Errorf("token %d after %d", again.Token, first.Token)
		}
		a.must(receive(t, "Lead returns", led))
	})
}

// A node that fails answers everybody who waits for it.
func TestANodeThatFailsWhileItStopsHasStopped(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		for id, waits := range map[string]func(*peer) error{
			"stops":   func(p *peer) error { return p.Stop(bg(t)) },
			"offline": func(p *peer) error { return p.Offline(bg(t)) },
		} {
			a := f.start(id, 1)
			l, err := a.Campaign(bg(t), id)
			a.must(err)
			done := make(chan error, 1)
			go func() { done <- waits(a) }()
			<-l.Context().Done()
			system.Root.Stop(a.BridgePID())
			_ = receive(t, "it returns", done)
			if a.Err() == nil {
				t.Error("it has not failed")
			}
		}
	})
}

// Who waits for office is told why it will not come.
func TestWhoWaitsForOfficeIsToldThatTheNodeStops(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high, low := f.start("high", 2).run("e"), f.start("low", 1)
		high.won("e")
		ended := low.campaigns(bg(t), "e")
		low.follows("e", "high")
		low.must(low.Stop(bg(t)))
		if err := receive(t, "Campaign returns", ended); !errors.Is(err, actors.ErrStopped) || errors.Is(err, actors.ErrQuit) {
			t.Errorf("%v", err)
		}
	})
}

func TestANodeThatHasFailedHasNoLink(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		b, err := actors.Start(bg(t), system, f.config("a", 1, func(c *actors.Config) { c.ReplaceDuplicate = true }))
		a.must(err)
		eventually(t, "it has failed", func() bool { return a.Err() != nil })
		if h := a.Health(); h.LinkUp || h.Err == nil {
			t.Errorf("%+v", h)
		}
		a.must(b.Stop(bg(t)))
	})
}

// An election's actor may stop while it is asked for something.
func TestWhatAnActorLeavesUnansweredItsSuccessorIsAsked(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		for i := range 40 {
			e := fmt.Sprintf("e%d", i)
			pid := system.Root.Spawn(actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: e}))
			eventually(t, "it is known", func() bool { _, err := a.View(e); return err == nil })
			system.Root.Stop(pid)
			if i%2 == 0 {
				a.must(a.Quit(bg(t), e))
				continue
			}
			l, err := a.Campaign(bg(t), e)
			a.must(err)
			a.must(l.Release(bg(t)))
		}
	})
}

func TestAnObserverOutlastsTheActorThatItLookedThrough(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b := f.start("a", 1), f.start("b", 2)
		pid := system.Root.Spawn(actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: "e"}))
		eventually(t, "it is known", func() bool { _, err := a.View("e"); return err == nil })
		leaders, err := a.Observe(bg(t), "e")
		a.must(err)
		a.must(system.Root.StopFuture(pid).Wait())
		b.run("e").won("e")
		for l := range leaders {
			if l.ID == "b" {
				return
			}
		}
		t.Error("it saw no leader")
	})
}

// One value of ElectionProps may be used again; the second actor is refused and does the
// first no harm.
func TestPropsOfAnElectionUsedTwice(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		props := actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: "e", Run: true})
		first := system.Root.Spawn(props)
		a.won("e")
		second := system.Root.Spawn(props)
		next(a, func(ev *actors.Failed) bool { return errors.Is(ev.Err, actors.ErrBusy) })
		a.must(system.Root.StopFuture(second).Wait())
		if v, err := a.View("e"); err != nil || v.State != fsm.Won {
			t.Errorf("%+v, %v", v, err)
		}
		if l, err := a.Leader("e"); err != nil || l.ID != "a" {
			t.Errorf("%+v, %v", l, err)
		}
		a.must(system.Root.StopFuture(first).Wait())
		third := system.Root.Spawn(props)
		a.won("e")
		a.must(system.Root.StopFuture(third).Wait())
	})
}

func TestAnElectionWithoutANodeAnswersWithWhatIsMissing(t *testing.T) {
	for _, node := range []*actor.PID{nil, actor.NewPID("elsewhere:1", "$1")} { // that can't be reached
		pid := system.Root.Spawn(actors.ElectionProps(node, actors.ElectionConfig{Name: "e", Run: true}))
		answer, err := system.Root.RequestFuture(pid, &actors.Run{}, patience).Result()
		if done, ok := answer.(*actors.Done); err != nil || !ok || !errors.Is(done.Err, actors.ErrConfig) {
			t.Errorf("%+v, %v", answer, err)
		}
		if err := system.Root.StopFuture(pid).Wait(); err != nil {
			t.Error(err)
		}
	}
}

// Whoever subscribes and does not say who would wait for events for ever.
func TestASubscriptionOfNobodyIsAnswered(t *testing.T) {
	f := newFleet(t, servers["miniredis"])
	a := f.start("a", 1)
	for _, m := range []any{&actors.Subscribe{Window: 1}, &actors.Unsubscribe{}, &actors.Ack{N: 1}} {
		answer, err := system.Root.RequestFuture(a.PID(), m, patience).Result()
		if done, ok := answer.(*actors.Done); err != nil || !ok || done.Err == nil || !strings.Contains(done.Err.Error(), "set PID") {
			t.Errorf("%T: %+v, %v", m, answer, err)
		}
	}
	if n := strings.Count(f.logs.String(), "message ignored"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, f.logs.String())
	}
}

// Elections that are opened just before the node is ready belong to it once.
func TestElectionsThatAreOpenedWhileTheNodeGetsReadyAreGreetedOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		for i := range 12 {
			var recovered atomic.Int32
			pid := system.Root.Spawn(actors.NodeProps(f.config(fmt.Sprintf("a%d", i), 1, func(c *actors.Config) {
				c.Steps = func(s actors.Step) {
					if s.Input.Kind == fsm.InRecover {
						recovered.Add(1)
					}
				}
			})))
			n, err := actors.Attach(bg(t), system, pid)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for k := range 60 {
				time.Sleep(100 * time.Microsecond)
				wg.Go(func() {
					names := make([]string, 20)
					for j := range names {
						names[j] = fmt.Sprintf("e-%d-%d-%d", i, k, j)
					}
					if err := n.Run(bg(t), names...); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if err := n.Stop(bg(t)); err != nil {
				t.Error(err)
			}
			if k := recovered.Load(); k != 0 {
				t.Errorf("%d new elections were told to recover", k)
			}
		}
	})
}

func TestInspectDoesNotWaitForANodeThatIsNotReady(t *testing.T) {
	f := newFleet(t, "127.0.0.1:1") // nobody listens there
	pid := system.Root.Spawn(actors.NodeProps(f.config("a", 1)))
	n, err := actors.Attach(bg(t), system, pid)
	if err != nil {
		t.Fatal(err)
	}
	system.Root.Send(pid, &actors.Subscribe{}) // nothing comes of it
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = n.Run(ctx, "e")
	if _, err := n.Inspect(bg(t), "e"); err == nil || !strings.Contains(err.Error(), "not ready") {
		t.Errorf("%v", err)
	}
	if err := n.Stop(bg(t)); err != nil {
		t.Error(err)
	}
	if _, err := actors.Attach(bg(t), system, pid); !errors.Is(err, actors.ErrStopped) {
		t.Errorf("%v", err)
	}
}

// An actor that subscribes whenever it is started, and is restarted, has one subscription.
func TestASubscriberThatIsRestartedGetsEachEventOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		got := make(chan string, 100)
		started := make(chan struct{}, 10)
		sub := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				ctx.Send(a.PID(), &actors.Subscribe{PID: ctx.Self(), Window: 100})
				started <- struct{}{}
			case *actors.Message:
				got <- string(m.JSON())
			case string:
				panic(m)
			}
		}))
		for range 3 {
			receive(t, "it starts", started)
			system.Root.Send(sub, "die")
		}
		receive(t, "it starts", started)
		for i := range 3 {
			_, err := a.Broadcast(bg(t), i)
			a.must(err)
			if m := receive(t, "a message", got); m != fmt.Sprint(i) {
				t.Errorf("message %d is %s", i, m)
			}
		}
		a.must(system.Root.StopFuture(sub).Wait())
	})
}

// Who is told by messages is told at the node's end, too.
func TestActorsAreToldOfTheEndOfTermsWhenTheNodesActorIsStopped(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		for _, window := range []int{0, 1000} {
			a := f.start(fmt.Sprintf("a%d", window), 1)
			e := a.ID()
			events := make(chan actors.Event, 1000)
			sub := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if ev, ok := ctx.Message().(actors.Event); ok {
					events <- ev
				}
			}))
			system.Root.Send(a.PID(), &actors.Subscribe{PID: sub, Election: e, Window: window})
			a.run(e).won(e)
			a.crash()
			a.must(system.Root.PoisonFuture(sub).Wait())
			close(events)
			var last *actors.Status
			lost := 0
			for ev := range events {
				switch ev := ev.(type) {
				case *actors.Status:
					last = ev
				case *actors.Lost:
					lost++
				}
			}
			if last == nil || last.State != fsm.Idle {
				t.Errorf("window %d: the last state is %+v", window, last)
			}
			if window > 0 && lost != 1 {
				t.Errorf("window %d: Lost came %d times", window, lost)
			}
		}
	})
}

// A quit that Redis refuses is done later: else the office would name somebody who does not
// want it, for as long as that one lives.
func TestAnOfficeIsGivenUpAtLastWhereRedisRefusesAtFirst(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b := f.start("a", 2).run("e"), f.start("b", 1).run("e")
		a.won("e")
		b.follows("e", "a")
		vacant := string(f.keys) + "::vacant"
		if err := f.client.Set(bg(t), vacant, "x", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := a.Quit(bg(t), "e"); !errors.Is(err, actors.ErrRefused) || !strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("%v", err)
		}
		if err := a.StandDown(bg(t), "e"); !errors.Is(err, actors.ErrRefused) {
			t.Errorf("again: %v", err)
		}
		if err := f.client.Del(bg(t), vacant).Err(); err != nil {
			t.Fatal(err)
		}
		b.won("e")
		a.must(a.StandDown(bg(t), "e"))
	})
}

// Messages for the other kind of actor say so.
func TestMessagesToTheWrongActorAreAnswered(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		pid, err := a.ElectionPID(bg(t), "e")
		a.must(err)
		for _, m := range []struct {
			to      *actor.PID
			message any
		}{
			{a.PID(), &actors.Run{}},
			{a.PID(), &actors.Drained{}},
			{pid, &actors.Stop{}},
			{pid, &actors.Subscribe{PID: pid}},
			{pid, &actors.Ack{PID: pid, N: 1}},
			// A value is not what is meant either.
			{pid, actors.Quit{}},
			{pid, actors.Drained{}},
			{a.PID(), actors.Stop{}},
			{a.PID(), actors.Subscribe{PID: pid}},
			{a.PID(), actors.Ack{PID: pid, N: 1}},
		} {
			answer, err := system.Root.RequestFuture(m.to, m.message, patience).Result()
			if done, ok := answer.(*actors.Done); err != nil || !ok || done.Err == nil || !strings.Contains(done.Err.Error(), "send ") {
				t.Errorf("%T: %+v, %v", m.message, answer, err)
			}
		}
		a.leads("e", a.Leadership("e").Token())
	})
}

// Most messages are sent without anybody to answer to: then the log says so, once.
func TestAMessageThatIsNotTakenIsLoggedOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		pid, err := a.ElectionPID(bg(t), "e")
		a.must(err)
		for range 3 {
			system.Root.Send(pid, actors.Quit{})
			system.Root.Send(a.PID(), actors.Ack{PID: pid, N: 1})
		}
		a.must(a.Ping(bg(t))) // both have had them
		if n := strings.Count(f.logs.String(), "message ignored"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, f.logs.String())
		}
		if text := f.logs.String(); !strings.Contains(text, "type=actors.") || !strings.Contains(text, "pointer") {
			t.Errorf("the log does not say what was ignored, and why:\n%s", text)
		}
		a.leads("e", a.Leadership("e").Token())
	})
}

// Whoever outlives a node sends it nothing more.
func TestANodeThatHasStoppedLeavesNoDeadLetters(t *testing.T) {
	f := newFleet(t, servers["miniredis"])
	own := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	var dead sync.Map
	own.EventStream.Subscribe(func(m any) {
		if d, ok := m.(*actor.DeadLetterEvent); ok {
			dead.Store(fmt.Sprintf("%T", d.Message), true)
		}
	})
	n, err := actors.Start(bg(t), own, f.config("a", 1))
	if err != nil {
		t.Fatal(err)
	}
	e := own.Root.Spawn(actors.ElectionProps(n.PID(), actors.ElectionConfig{Name: "e", Run: true}))
	sub := own.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	own.Root.Send(n.PID(), &actors.Subscribe{PID: sub, Window: 10})
	former := own.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	own.Root.Send(n.PID(), &actors.Subscribe{PID: former, Window: 10})
	own.Root.Send(n.PID(), &actors.Unsubscribe{PID: former})
	eventually(t, "it leads", func() bool { return n.Leadership("e").Valid() })
	if err := n.Stop(bg(t)); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []*actor.PID{e, sub, former} {
		if err := own.Root.StopFuture(pid).Wait(); err != nil {
			t.Error(err)
		}
	}
	dead.Range(func(what, _ any) bool {
		if strings.Contains(what.(string), "actor.") { // protoactor's own; ours are not logged
			t.Error(what)
		}
		return true
	})
	own.Shutdown()
}
