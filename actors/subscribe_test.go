package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/fsm"
)

// mailbox is an actor whose messages a test reads.
func mailbox(t testing.TB) (*actor.PID, <-chan any) {
	t.Helper()
	ch := make(chan any, 10_000)
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started, *actor.Stopping, *actor.Stopped:
		default:
			ch <- m
		}
	}))
	t.Cleanup(func() { _ = system.Root.StopFuture(pid).Wait() })
	return pid, ch
}

// shout broadcasts and waits until its sender has heard it, n times.
func shout(p *peer, n int) {
	p.t.Helper()
	for i := range n {
		_, err := p.Broadcast(bg(p.t), i)
		p.must(err)
		next[*actors.Message](p, nil)
	}
}

func TestASubscriberFirstGetsThePresentState(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.start("b", 1)
		a := f.start("a", 2).run("e").run("x")
		token := a.won("e").Token
		ctx, cancel := context.WithCancel(bg(t))
		defer cancel()
		eventually(t, "the state is won", func() bool { v, err := a.View("e"); return err == nil && v.State == fsm.Won })
		events := a.Subscribe(ctx, actors.SubscribeOptions{})
		if up, ok := receive(t, "the link", events).(*actors.LinkChanged); !ok || !up.Up {
			t.Errorf("first %+v", up)
		}
		if peer, ok := receive(t, "the peers", events).(*actors.PeerUp); !ok || peer.Peer.ID != "b" {
			t.Errorf("then %+v", peer)
		}
		if s, ok := receive(t, "the elections", events).(*actors.Status); !ok || s.Election != "e" || s.State != fsm.Won || s.Token != token {
			t.Errorf("then %+v", s)
		}
		one := a.Subscribe(ctx, actors.SubscribeOptions{Election: "e"})
		if s, ok := receive(t, "the election", one).(*actors.Status); !ok || s.Election != "e" {
			t.Errorf("of one election: %+v", s)
		}
	})
}

func TestASubscriptionOfOneElectionGetsItsEventsOnlyAndTransitionsIfAsked(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		ctx, cancel := context.WithCancel(bg(t))
		plain := a.Subscribe(ctx, actors.SubscribeOptions{Election: "e"})
		moves := a.Subscribe(ctx, actors.SubscribeOptions{Election: "e", Transitions: true})
		a.run("x").run("e")
		a.won("e")
		shout(a, 1)
		a.must(a.Quit(bg(t), "e"))
		a.lost("e")
		cancel() // closes both
		var path []fsm.State
		for ev := range moves {
			if m, ok := ev.(*actors.Moved); ok {
				path = append(path, m.Transition.To)
			}
		}
		if len(path) != 4 || path[0] != fsm.Voting || path[1] != fsm.Waiting || path[2] != fsm.Won || path[3] != fsm.Idle {
			t.Errorf("transitions to %v", path)
		}
		for ev := range plain {
			switch ev := ev.(type) {
			case *actors.Moved, *actors.Message, *actors.LinkChanged:
				t.Errorf("%T", ev)
			case *actors.Status:
				if ev.Election != "e" {
					t.Errorf("%+v", ev)
				}
			}
		}
	})
}

func TestAChannelThatIsFullCostsEventsAndSaysHowMany(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		events := a.Subscribe(bg(t), actors.SubscribeOptions{Buffer: 3})
		shout(a, 100) // nobody reads
		count := func(ev actors.Event) (heard, missed int) {
			switch ev := ev.(type) {
			case *actors.Missed:
				return 0, int(ev.N)
			case *actors.Message:
				return 1, 0
			}
			return 0, 0
		}
		heard, missed := 0, 0
		for range 3 {
			h, m := count(receive(t, "what was there", events))
			heard, missed = heard+h, missed+m
		}
		shout(a, 1)
		for heard+missed < 101 {
			h, m := count(receive(t, "what came later", events))
			heard, missed = heard+h, missed+m
		}
		if heard != 3 || missed != 98 { // the link, two messages; then the last
			t.Errorf("%d heard, %d missed", heard, missed)
		}
	})
}

func TestASlowReaderLearnsWhatItMissedAlsoWhenNothingMoreComes(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		events := a.Subscribe(bg(t), actors.SubscribeOptions{Buffer: 3})
		shout(a, 100) // nobody reads
		for range 3 { // the link, two messages
			receive(t, "what was there", events)
		}
		if m, ok := receive(t, "what was missed", events).(*actors.Missed); !ok || m.N != 98 {
			t.Errorf("then %+v, want 98 missed", m)
		}
	})
}

func TestAChannelThatIsClosedWhileItIsFullEndsWithWhatWasMissed(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		events := a.Subscribe(bg(t), actors.SubscribeOptions{Buffer: 3})
		shout(a, 10)
		a.must(a.Stop(bg(t)))
		var last actors.Event
		read := 0
		for ev := range events {
			last = ev
			read++
		}
		if m, ok := last.(*actors.Missed); !ok || m.N < 8 || read != 4 {
			t.Errorf("last of %d: %T %+v; want at least 8 missed, after 3 events", read, last, last)
		}
	})
}

func TestAPIDWithAWindowGetsNoMoreThanItAcknowledges(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		pid, inbox := mailbox(t)
		system.Root.Send(a.PID(), &actors.Subscribe{PID: pid, Window: 2})
		shout(a, 400)
		receive(t, "the link", inbox)
		heard, missed := 0, 0
		take := func() {
			switch m := receive(t, "an event", inbox).(type) {
			case *actors.Missed:
				missed += int(m.N)
			case *actors.Message:
				heard++
			default:
				t.Errorf("%T", m)
			}
		}
		take()
		select {
		case m := <-inbox:
			t.Fatalf("beyond the window: %T", m)
		case <-time.After(50 * time.Millisecond):
		}
		system.Root.Send(a.PID(), &actors.Ack{PID: pid, N: 2})
		for heard+missed < 400 {
			take()
			system.Root.Send(a.PID(), &actors.Ack{PID: pid, N: 1})
		}
		if heard != 1+256 || missed != 400-257 {
			t.Errorf("%d heard, %d missed", heard, missed)
		}
		system.Root.Send(a.PID(), &actors.Unsubscribe{PID: pid})
		shout(a, 1)
		if len(inbox) != 0 {
			t.Errorf("after unsubscribing: %T", <-inbox)
		}
	})
}

func TestAPIDWithoutAWindowGetsTheLatestStatusOnly(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		pid, inbox := mailbox(t)
		system.Root.Send(a.PID(), &actors.Subscribe{PID: pid})
		a.run("e")
		a.won("e")
		shout(a, 20)
		for {
			s, ok := receive(t, "a status", inbox).(*actors.Status)
			if !ok {
				t.Fatalf("%T", s)
			}
			if s.State == fsm.Won {
				break
			}
		}
		count := len(inbox)
		for range 20 {
			a.must(a.Quit(bg(t), "e"))
			a.run("e")
			a.won("e")
		}
		if n := len(inbox) - count; n > 60 {
			t.Errorf("%d of some 80 states were sent", n)
		}
	})
}

func TestAChannelIsClosedWhenTheNodeStops(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		events := a.Subscribe(bg(t), actors.SubscribeOptions{})
		leaders, err := a.Observe(bg(t), "e")
		a.must(err)
		a.must(a.Stop(bg(t)))
		for range events { // until closed
		}
		for range leaders {
		}
		if _, ok := <-a.Subscribe(bg(t), actors.SubscribeOptions{}); ok {
			t.Error("a stopped node takes subscriptions")
		}
	})
}

// A subscriber's name is free before its watchers are told of its end, and while its own Stopped is handled. The next
// one of that name, which subscribes meanwhile, is none that has stopped.
func TestTheEndOfASubscriberIsNotThatOfTheNextOneOfItsName(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		heard, stopped, told := make(chan any, 100), make(chan struct{}, 2), make(chan struct{})
		props := actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				ctx.Send(a.PID(), &actors.Subscribe{PID: ctx.Self(), Window: 100})
			case *actor.Stopped:
				stopped <- struct{}{}
				<-told
			case actors.Event:
				heard <- m
			}
		})
		first, err := system.Root.SpawnNamed(props, string(f.keys))
		a.must(err)
		receive(t, "the present state", heard)
		end := system.Root.StopFuture(first)
		receive(t, "its end", stopped)
		second, err := system.Root.SpawnNamed(props, string(f.keys))
		a.must(err)
		receive(t, "the present state", heard)
		close(told)
		a.must(end.Wait()) // and the node was told before
		a.must(a.Ping(bg(t)))
		if _, err := a.Broadcast(bg(t), "hello"); err != nil {
			t.Error(err)
		}
		for {
			if _, is := receive(t, "the message", heard).(*actors.Message); is {
				break
			}
		}
		a.must(system.Root.StopFuture(second).Wait())
	})
}
