package actors_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/fsm"
)

// parent is a user's actor that has a node and an election of its own.
type parent struct {
	node     actors.Config
	election actors.ElectionConfig
	ready    chan *actor.PID // the node, then the election
	heard    chan any
	at       *actor.PID // the election
	work     func(ctx actor.Context, m any)
}

type tell struct{ message any }

func (p *parent) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		node := ctx.Spawn(actors.NodeProps(p.node))
		ctx.Send(node, &actors.Subscribe{PID: ctx.Self(), Window: 1000})
		p.at = ctx.Spawn(actors.ElectionProps(node, p.election))
		p.ready <- node
		p.ready <- p.at
	case *tell:
		ctx.Request(p.at, m.message)
	case *actor.Stopping, *actor.Stopped, *actor.Terminated:
	default:
		p.heard <- m
		if p.work != nil {
			p.work(ctx, m)
		}
	}
}

// spawn spawns a parent and returns its PID, and the node's.
func (p *parent) spawn(t testing.TB) (self, node *actor.PID) {
	t.Helper()
	p.ready, p.heard = make(chan *actor.PID, 2), make(chan any, 10_000)
	self = system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return p }))
	t.Cleanup(func() { _ = system.Root.StopFuture(self).Wait() })
	node = receive(t, "the node", p.ready)
	receive(t, "the election", p.ready)
	return self, node
}

// hears waits for a message of type M; others are passed over.
func hears[M any](t testing.TB, p *parent) M {
	t.Helper()
	for {
		if m, ok := receive(t, "a message", p.heard).(M); ok {
			return m
		}
	}
}

func TestElectionsLiveUnderAUsersOwnActors(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		p := &parent{node: f.config("a", 1), election: actors.ElectionConfig{Name: "e"}}
		self, node := p.spawn(t)
		ask := func(m any) { system.Root.Send(self, &tell{m}) }

		ask(&actors.Run{}) // before the node is ready
		if done := hears[*actors.Done](t, p); done.Err != nil {
			t.Errorf("run: %v", done.Err)
		}
		token := hears[*actors.Won](t, p).Token
		ask(&actors.Inspect{})
		if s := hears[*actors.Snapshot](t, p); s.State != fsm.Won || s.Token != token || s.ID != "a" || s.Election != "e" {
			t.Errorf("%+v", s)
		}
		ask(&actors.Resign{})
		if done := hears[*actors.Done](t, p); done.Err != nil {
			t.Errorf("resign: %v", done.Err)
		}
		ask(&actors.Resign{})
		done := hears[*actors.Done](t, p)
		if _, is := done.Request.(*actors.Resign); !is || !errors.Is(done.Err, actors.ErrNotLeader) {
			t.Errorf("resign twice: %T %v", done.Request, done.Err)
		}
		ask(&actors.Quit{})
		if done := hears[*actors.Done](t, p); done.Err != nil || f.candidate("e", "a") {
			t.Errorf("quit: %v", done.Err)
		}

		n, err := actors.Attach(bg(t), system, node)
		if err != nil || n.ID() != "a" {
			t.Fatal(err)
		}
		if v, err := n.View("e"); err != nil || v.State != fsm.Idle {
			t.Errorf("%+v, %v", v, err)
		}
		if err := n.Run(bg(t), "e"); err != nil { // the same election
			t.Error(err)
		}
		hears[*actors.Won](t, p)
		if err := n.Stop(bg(t)); err != nil {
			t.Error(err)
		}
		hears[*actors.Lost](t, p)
		ask(&actors.Run{})
		if done := hears[*actors.Done](t, p); !errors.Is(done.Err, actors.ErrStopped) {
			t.Errorf("after the node stopped: %v", done.Err)
		}
	})
}

func TestAnActorThatDrainsIsWaitedFor(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		p := &parent{node: f.config("low", 1), election: actors.ElectionConfig{Name: "e", Run: true, Drains: true}}
		self, _ := p.spawn(t)
		token := hears[*actors.Won](t, p).Token
		high := f.start("high", 2).run("e")
		if ending := hears[*actors.Ending](t, p); ending.Token != token {
			t.Errorf("%+v", ending)
		}
		if l, err := high.Leader("e"); err == nil && l.ID == "high" {
			t.Error("it was not waited for")
		}
		system.Root.Send(self, &tell{&actors.Drained{Token: token - 1}}) // of an earlier term
		system.Root.Send(self, &tell{&actors.Inspect{}})
		if s := hears[*actors.Snapshot](t, p); !s.Draining || s.State != fsm.Won {
			t.Errorf("%+v", s.View)
		}
		system.Root.Send(self, &tell{&actors.Drained{Token: token}})
		hears[*actors.Lost](t, p)
		high.won("e")
	})
}

func TestAnElectionHasOneActorANode(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		reply, inbox := mailbox(t)
		second := system.Root.Spawn(actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: "e"}))
		defer system.Root.Stop(second)
		if failed := next[*actors.Failed](a, nil); failed.Election != "e" || !errors.Is(failed.Err, actors.ErrBusy) {
			t.Errorf("%+v", failed)
		}
		system.Root.RequestWithCustomSender(second, &actors.Run{}, reply)
		if done, ok := receive(t, "an answer", inbox).(*actors.Done); !ok || !errors.Is(done.Err, actors.ErrBusy) {
			t.Errorf("%+v", done)
		}
		if l, err := a.Leader("e"); err != nil || !l.Self {
			t.Errorf("the first one: %+v, %v", l, err)
		}
	})
}

func TestABadConfigOfASpawnedElectionIsToldToSubscribersAndAskers(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		reply, inbox := mailbox(t)
		pid := system.Root.Spawn(actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: "no name", MinTenure: -1}))
		defer system.Root.Stop(pid)
		failed := next[*actors.Failed](a, nil)
		if !errors.Is(failed.Err, actors.ErrConfig) || !strings.Contains(failed.Err.Error(), "white space") || !strings.Contains(failed.Err.Error(), "MinTenure") {
			t.Errorf("%v", failed.Err)
		}
		system.Root.RequestWithCustomSender(pid, &actors.Run{}, reply)
		if done, ok := receive(t, "an answer", inbox).(*actors.Done); !ok || !errors.Is(done.Err, actors.ErrConfig) {
			t.Errorf("%+v", done)
		}
	})
}

func TestABadConfigOfASpawnedNodeIsTold(t *testing.T) {
	p := &parent{node: actors.Config{ID: "no name", TTL: 1}, election: actors.ElectionConfig{Name: "e", Run: true}}
	self, node := p.spawn(t)
	if failed := hears[*actors.Failed](t, p); !errors.Is(failed.Err, actors.ErrConfig) {
		t.Errorf("%v", failed.Err)
	}
	system.Root.Send(self, &tell{&actors.Run{}})
	if done := hears[*actors.Done](t, p); !errors.Is(done.Err, actors.ErrConfig) {
		t.Errorf("run: %v", done.Err)
	}
	n, err := actors.Attach(bg(t), system, node)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(bg(t), "x"); !errors.Is(err, actors.ErrConfig) || !errors.Is(n.Err(), actors.ErrConfig) {
		t.Errorf("%v, %v", err, n.Err())
	}
}

// successor is a watcher that is told of an actor's end before the node is, and spawns another one of its name.
type successor struct{ spawn func() }

func (s successor) SendSystemMessage(_ *actor.PID, m any) {
	if _, is := m.(*actor.Terminated); is {
		s.spawn()
	}
}

func (successor) SendUserMessage(*actor.PID, any) {}

func (successor) Stop(*actor.PID) {}

// Who waits for the end of an election's actor, and spawns the next one under its name, may be there before
// the node has been told: then the end is not that of the next one, which leads.
func TestTheEndOfAnElectionIsNotThatOfTheNextOneOfItsName(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		props, name := actors.ElectionProps(a.PID(), actors.ElectionConfig{Name: "e", Run: true}), string(f.keys)
		first, err := system.Root.SpawnNamed(props, name)
		a.must(err)
		spawned, leads := make(chan *actor.PID, 1), make(chan struct{})
		watcher, _ := system.ProcessRegistry.Add(successor{func() {
			next, _ := system.Root.SpawnNamed(props, name)
			spawned <- next
			<-leads
		}}, name+"-watcher")
		defer system.ProcessRegistry.Remove(watcher)
		process, _ := system.ProcessRegistry.Get(first)
		process.SendSystemMessage(first, &actor.Watch{Watcher: watcher}) // before the node does
		token := a.won("e").Token
		stopped := system.Root.StopFuture(first)
		second := receive(t, "the next one", spawned)
		next := a.won("e").Token
		close(leads)
		a.must(stopped.Wait()) // and the node was told before
		a.must(a.Ping(bg(t)))
		if _, err := a.Broadcast(bg(t), "what the node asks Redis goes before this"); err != nil {
			t.Error(err)
		}
		if l := a.Leadership("e"); next <= token || !l.Valid() || l.Token() != next || !f.candidate("e", "a") {
			t.Errorf("token %d after %d, now %d, valid %v, candidate %v", next, token, l.Token(), l.Valid(), f.candidate("e", "a"))
		}
		a.must(system.Root.StopFuture(second).Wait())
		a.must(a.Ping(bg(t)))
		if l := a.Leadership("e"); l != nil {
			t.Errorf("it leads on: token %d", l.Token())
		}
		eventually(t, "it is no candidate", func() bool { return !f.candidate("e", "a") })
	})
}
