package actors_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// An election's actor may stop between the look for it and the question: nobody is asked then,
// and nobody waited for. So Release returns, too.
func TestAnActorThatStopsBeforeItIsAskedIsNotWaitedFor(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		pid := system.Root.Spawn(actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: "e"}))
		eventually(t, "it is known", func() bool { _, err := a.View("e"); return err == nil })
		a.must(system.Root.StopFuture(pid).Wait())
		eventually(t, "its end is known", func() bool { _, err := a.View("e"); return err != nil })
		ctx, cancel := context.WithTimeout(bg(t), 5*time.Second)
		defer cancel()
		if err := a.Ask(ctx, "e", pid); !errors.Is(err, actors.ErrGone) {
			t.Errorf("%v", err)
		}
		a.run("e").won("e") // another actor
		if err := a.Ask(ctx, "e", pid); !errors.Is(err, actors.ErrGone) {
			t.Errorf("beside a successor: %v", err)
		}
	})
}

// A node may stop, or panic, while it makes an election's actor.
func TestAnElectionThatDoesNotKnowYetWhoItIsCanBeStopped(t *testing.T) {
	props, end := actors.Unnamed(nil)
	defer end()
	if err := system.Root.StopFuture(system.Root.Spawn(props)).Wait(); err != nil {
		t.Error(err)
	}
}

// What an election answered to an Offline is no answer to Stop: its work may run again.
func TestStopTakesNoAnswerThatWasMeantForOffline(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		stopped := a.stops(context.Background())
		<-l.Context().Done()
		a.AnswerOfBefore("e")
		a.stopsAfter(l, stopped)
	})
}

// A node whose bridge is given up while Redis is to be told of its leave stops without that.
func TestStopDoesNotWaitForABridgeThatHasStopped(t *testing.T) {
	mini := redistest.NewMini(t)
	f := newFleet(t, mini.Addr())
	a := f.start("a", 1)
	mini.Close()
	stopped := a.stops(context.Background())
	eventually(t, "it takes its leave", func() bool { _, err := a.Send(bg(t), "a", 1); return errors.Is(err, actors.ErrStopped) })
	system.Root.Stop(a.BridgePID())
	_ = receive(t, "Stop returns", stopped)
}

// A node's actor may stop when it has been asked for a handle, and has not got to that.
func TestAttachDoesNotWaitForANodeThatStopsInThatInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
		defer system.Shutdown()
		pid := system.Root.Spawn(actors.NodeProps(actors.Config{TTL: -1})) // it has failed, and no children to wait for
		busy := make(chan struct{})
		system.Root.Send(pid, &actors.Handle{Done: func(*actors.Node) { <-busy }})
		synctest.Wait()
		attached := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, err := actors.Attach(ctx, system, pid)
			attached <- err
		}()
		synctest.Wait()
		system.Root.Stop(pid)
		close(busy)
		if err := <-attached; !errors.Is(err, actors.ErrStopped) {
			t.Errorf("%v", err)
		}
	})
}
