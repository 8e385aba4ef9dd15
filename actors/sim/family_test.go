package sim_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
)

// family is a user's actor that supervises a node, an election, and an actor of its own, as a
// service does that was there before hustings was.
type family struct {
	p     *sim.Process
	props *actor.Props // of the node, made once
	name  string       // of the node's actor, "" for any

	self, node, election, own *actor.PID
	handle                    *actors.Node
	heard                     []any
}

func newFamily(w *sim.World, s actor.SupervisorStrategy, name string, change ...func(*actors.Config)) *family {
	p := w.Process("a")
	cfg := actors.Config{ID: "a", TTL: second, Quarantine: new(false), Host: "sim", PID: 1}
	cfg.Redis.Clock, cfg.Redis.Backend, cfg.Redis.Entropy = p.Clock(), p.Backend(), p.Rand().Uint64
	for _, c := range change {
		c(&cfg)
	}
	f := &family{p: p, props: actors.NodeProps(cfg), name: name}
	f.self = p.Spawn(actor.PropsFromProducer(func() actor.Actor { return f }, actor.WithSupervisor(s)))
	w.Run(3 * second)
	if f.handle == nil || !f.handle.Leadership("e").Valid() {
		w.Require("it leads", errors.New("it does not"))
	}
	return f
}

func (f *family) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		if f.name == "" {
			f.node = c.Spawn(f.props)
		} else {
			f.node, _ = c.SpawnNamed(f.props, f.name)
		}
		f.election = c.Spawn(actors.ElectionProps(f.node, actors.ElectionConfig{Name: "e", Run: true}))
		c.Send(f.node, &actors.Subscribe{PID: c.Self(), Window: 1000})
		f.own = c.Spawn(actor.PropsFromFunc(fragile))
		c.Send(f.node, &actors.Handle{Done: func(h *actors.Node) { f.handle = h }})
	case string:
		panic(m)
	default:
		f.heard = append(f.heard, m)
	}
}

// fragile is an actor that does what it is told to.
func fragile(c actor.Context) {
	if m, is := c.Message().(string); is {
		panic(m)
	}
}

// A parent that keeps the Props of its node and is restarted spawns it a second time. That is
// refused; and the parent can be stopped.
func TestAParentThatSpawnsItsNodeTwiceUnderOneNameCanBeStopped(t *testing.T) {
	sim.Test(t, 10, func(w *sim.World) {
		f := newFamily(w, actor.RestartingSupervisorStrategy(), "node")
		f.p.Send(f.self, "ouch")
		w.Run(second)
		f.p.System().Root.Stop(f.self)
		w.Run(second)
		if _, lives := f.p.System().ProcessRegistry.Get(f.self); lives {
			w.Require("the parent stops", errors.New("it waits for a child"))
		}
	}, anyPanic)
}

// inTurn has an actor do something after a number of messages to itself.
func (f *family) inTurn(after int, do func(c actor.Context)) {
	f.p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *actor.Started:
			c.Send(c.Self(), after)
		case int:
			if m > 0 {
				c.Send(c.Self(), m-1)
			} else {
				do(c)
			}
		}
	}))
}

// A node that is restarted with its siblings does not panic, and is asked for things while it waits for
// its children to stop.
func TestWhatIsAskedOfANodeThatIsRestartedWithItsSiblingsIsAnswered(t *testing.T) {
	for after := range 4 {
		sim.Test(t, 40, func(w *sim.World) {
			f := newFamily(w, actor.NewAllForOneStrategy(10, 10*time.Second, actor.DefaultDecider), "")
			f.heard = nil
			f.p.Send(f.own, "ouch")
			f.inTurn(after, func(c actor.Context) { c.RequestWithCustomSender(f.node, &actors.Stop{}, f.self) })
			w.Run(10 * second)
			answers := 0
			for _, m := range f.heard {
				if done, is := m.(*actors.Done); is {
					answers++
					if _, lives := f.p.System().ProcessRegistry.Get(f.node); lives && done.Err == nil {
						w.Require("it has stopped", errors.New("it was said, and is not so"))
					}
				}
			}
			if answers != 1 {
				w.Require("Stop is answered", fmt.Errorf("%d times", answers))
			}
		}, anyPanic)
	}
}

func TestANodeAndAnElectionThatAreRestartedWithTheirSiblingsGoOn(t *testing.T) {
	sim.Test(t, 100, func(w *sim.World) {
		f := newFamily(w, actor.NewAllForOneStrategy(10, 10*time.Second, actor.DefaultDecider), "")
		token := f.handle.Leadership("e").Token()
		f.p.Send(f.own, "ouch")
		w.Run(10 * second)
		if l := f.handle.Leadership("e"); !l.Valid() || l.Token() <= token {
			w.Require("it leads again", fmt.Errorf("token %d, was %d", l.Token(), token))
		}
		for _, m := range f.heard {
			if failed, is := m.(*actors.Failed); is && errors.Is(failed.Err, actors.ErrStopped) {
				w.Require("nobody is told that the node has stopped", failed.Err)
			}
		}
	}, anyPanic)
}

// patient is a supervisor that takes its time.
type patient struct {
	w     *sim.World
	delay time.Duration
	then  actor.Directive
}

func (s *patient) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	s.w.After(s.delay, func() {
		switch s.then {
		case actor.RestartDirective:
			parent.RestartChildren(child)
		case actor.ResumeDirective:
			parent.ResumeChildren(child)
		default:
			parent.StopChildren(child)
		}
	})
}

// Whatever a user's supervisor decides about a panic, and however late: the term ends with it, and who stands
// stands again.
func TestATermEndsWithThePanicWhateverTheSupervisorDecides(t *testing.T) {
	for _, then := range []actor.Directive{actor.RestartDirective, actor.ResumeDirective, actor.StopDirective} {
		for _, delay := range []time.Duration{0, 20 * second} {
			for what, panics := range map[string]func(f *family){
				"node":     func(f *family) { f.p.Send(f.node, (*actors.Subscribe)(nil)) },
				"election": func(f *family) { f.p.Send(f.election, (*actors.Drained)(nil)) },
			} {
				t.Run(fmt.Sprintf("%v of a %s after %v", then, what, delay), func(t *testing.T) {
					sim.Test(t, 20, func(w *sim.World) {
						f := newFamily(w, &patient{w, delay, then}, "")
						term := f.handle.Leadership("e")
						ctx := term.Context()
						panics(f)
						w.Run(second / 10)
						if ctx.Err() == nil || term.Valid() {
							w.Require("the term is over", fmt.Errorf("valid %v", term.Valid()))
						}
						select {
						case <-ctx.Done():
						default:
							w.Require("the work is told", errors.New("it is not"))
						}
						w.Run(delay + 10*second)
						again := f.handle.Leadership("e")
						switch {
						case then == actor.StopDirective && again != nil:
							w.Require("it has stopped", fmt.Errorf("token %d", again.Token()))
						case then != actor.StopDirective && (!again.Valid() || again.Token() <= term.Token()):
							w.Require("it leads again", fmt.Errorf("token %d, was %d", again.Token(), term.Token()))
						}
						lost := 0
						for _, m := range f.heard {
							if _, is := m.(*actors.Lost); is {
								lost++
							}
						}
						if lost != 1 {
							w.Require("subscribers are told of the end", fmt.Errorf("%d times", lost))
						}
						f.p.System().Root.Stop(f.self)
						w.Run(second)
						if _, lives := f.p.System().ProcessRegistry.Get(f.self); lives {
							w.Require("the parent stops", errors.New("it waits for a child"))
						}
					}, anyPanic)
				})
			}
		}
	}
}

// A node that panics at every start, and is let go on each time, starts once a second.
func TestANodeThatIsLetGoOnIsRestartedNowAndThen(t *testing.T) {
	sim.Test(t, 5, func(w *sim.World) {
		log := &panics{at: "node starts"}
		f := newFamily(w, &patient{w, 0, actor.ResumeDirective}, "", func(c *actors.Config) { c.Logger = slog.New(log) })
		log.left = 1000
		f.p.Send(f.node, (*actors.Subscribe)(nil))
		w.Run(10 * second)
		if starts := 1000 - log.left; starts < 5 || starts > 11 {
			w.Require("it starts now and then", fmt.Errorf("%d times in 10 s", starts))
		}
		log.left = 0
		w.Run(5 * second)
		if !f.handle.Leadership("e").Valid() {
			w.Require("it leads again", errors.New("it does not"))
		}
	}, anyPanic)
}

// One actor may ask several elections, and listen to several nodes: who sends an answer or an event says
// which it is of.
func TestAnswersAndEventsComeFromWhoeverTheyAreOf(t *testing.T) {
	sim.Test(t, 5, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
		from := map[string]*actor.PID{}
		var asked []*actor.PID
		ear := n.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actors.Done:
				asked = append(asked, c.Sender())
			case *actors.Snapshot:
				from[m.Election] = c.Sender()
			case actors.Event:
				from[fmt.Sprintf("%T", m)] = c.Sender()
			}
		}))
		root := n.System().Root
		root.Send(n.PID(), &actors.Subscribe{PID: ear, Window: 1000})
		for _, e := range []string{"e0", "e1"} {
			n.Stand(actors.ElectionConfig{Name: e, Run: true})
			root.RequestWithCustomSender(n.Election(e), &actors.Inspect{}, ear)
			w.Run(second)
			root.RequestWithCustomSender(n.Election(e), &actors.Quit{}, ear)
		}
		w.Run(second)
		root.RequestWithCustomSender(n.PID(), &actors.Stop{}, ear)
		w.Run(second)
		for what, want := range map[string]*actor.PID{"e0": n.Election("e0"), "e1": n.Election("e1"), "*actors.Won": n.PID(), "*actors.Status": n.PID()} {
			if !want.Equal(from[what]) {
				w.Require("who sends it is known", fmt.Errorf("%s came from %v", what, from[what]))
			}
		}
		if len(asked) != 3 || !n.Election("e0").Equal(asked[0]) || !n.Election("e1").Equal(asked[1]) || !n.PID().Equal(asked[2]) {
			w.Require("who is done is known", fmt.Errorf("%v", asked))
		}
	})
}

// A parent that stops its children at once, as at every end of a program, makes no dead letters of those that
// watch each other, as far as that is in their hands.
func TestActorsThatStopTogetherDoNotUnwatchTheDead(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		f := newFamily(w, actor.RestartingSupervisorStrategy(), "")
		f.p.System().EventStream.Subscribe(func(event any) {
			if dead, is := event.(*actor.DeadLetterEvent); is {
				if _, is := dead.Message.(*actor.Unwatch); is {
					w.Require("nobody unwatches the dead", fmt.Errorf("%v", dead.PID))
				}
			}
		})
		f.p.System().Root.Stop(f.self)
		w.Run(second)
	})
}
