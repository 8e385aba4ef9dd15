package sim

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"
)

// systems keeps actor systems for reuse: making one costs milliseconds and
// megabytes, a world lives for milliseconds. It is the only thing that worlds
// have in common, and a system that comes out of it shows nothing of its past.
var systems systemPool

type systemPool struct {
	mu   sync.Mutex
	idle []*actor.ActorSystem // guarded by mu
}

// maxIdleSystems bounds the pool; what is above is left to the collector.
const maxIdleSystems = 256

func (p *systemPool) get() *actor.ActorSystem {
	p.mu.Lock()
	var sys *actor.ActorSystem
	if n := len(p.idle); n > 0 {
		sys, p.idle = p.idle[n-1], p.idle[:n-1]
	}
	p.mu.Unlock()
	if sys == nil {
		sys = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}))
		// One bucket is enough, and makes emptying cheap; the others go.
		buckets := sys.ProcessRegistry.LocalPIDs
		buckets.LocalPIDs = append(buckets.LocalPIDs[:0:0], buckets.LocalPIDs[0])
	}
	ResetSystem(sys)
	return sys
}

func (p *systemPool) put(sys *actor.ActorSystem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdleSystems {
		p.idle = append(p.idle, sys)
	}
}

// ResetSystem makes an actor system as good as new: no actors, no subscribers,
// the first name is $1 again. Only exported fields of protoactor are touched.
// The ID, random in a new system, becomes "sim".
//
// The event stream that comes with a system starts a goroutine and a real ticker
// at the first dead letter; the one put in its place does the same service (a
// sender hears of its dead letter, a watcher of a stopped actor) without.
func ResetSystem(sys *actor.ActorSystem) {
	dropActors(sys)
	sys.ID = "sim"
	sys.Root = actor.NewRootContext(sys, nil)
	sys.ProcessRegistry.SequenceID = 0
}

// dropActors removes all actors at once, as the death of their process does. They
// don't hear of it. Names go on counting, so that a PID of a former life can't
// come to mean an actor of the next.
func dropActors(sys *actor.ActorSystem) {
	registry := sys.ProcessRegistry
	var names []string
	for _, bucket := range registry.LocalPIDs.LocalPIDs {
		bucket.IterCb(func(name string, _ any) { names = append(names, name) })
	}
	for _, name := range names { // in any order: nobody notices
		pid := sys.NewLocalPID(name)
		if p, found := registry.Get(pid); found && isFuture(pid) {
			p.SendUserMessage(pid, &actor.DeadLetterResponse{}) // its timer would remove a namesake in a later world
		}
		registry.Remove(pid)
	}
	sys.Guardians = actor.NewGuardians(sys)
	sys.EventStream = eventstream.NewEventStream()
	sys.EventStream.Subscribe(func(event any) { deadLetter(sys, event) })
	registry.Add(sys.DeadLetter, "deadletter")
	registry.Add(actor.NewEventStreamProcess(sys), "eventstream")
}

// isFuture reports whether a PID may be that of a Future, by the names that they get.
func isFuture(pid *actor.PID) bool { return pid != nil && strings.HasPrefix(pid.Id, "future") }

// refuseTimed fails the world if who asks is a Future with a timeout: that is counted in real
// time, and ends on a goroutine of its own, in the middle of whatever the world does then.
// The Future is ended here, and its timer with it.
func (p *Process) refuseTimed(asker *actor.PID) {
	if !isFuture(asker) {
		return
	}
	f, found := p.system.ProcessRegistry.Get(asker)
	if !found || !timed(f) {
		return
	}
	f.SendUserMessage(asker, &actor.DeadLetterResponse{})
	p.world.Fail("no real time", errors.New("RequestFuture with a timeout, which is counted in real time: "+
		"give -1 for none and use ReenterAfter, or use Request and a timer of Process.Clock"))
}

// timed tells whether a Future has a timer. There is no exported way to ask.
func timed(f actor.Process) bool {
	v := reflect.Indirect(reflect.ValueOf(f))
	if v.Kind() != reflect.Struct {
		return false
	}
	t := v.FieldByName("t")
	return t.Kind() == reflect.Pointer && !t.IsNil()
}

func deadLetter(sys *actor.ActorSystem, event any) {
	dead, ok := event.(*actor.DeadLetterEvent)
	if !ok {
		return
	}
	if dead.Sender != nil {
		sys.Root.Send(dead.Sender, &actor.DeadLetterResponse{})
	}
	if watch, ok := dead.Message.(*actor.Watch); ok {
		if p, found := sys.ProcessRegistry.Get(watch.Watcher); found {
			p.SendSystemMessage(watch.Watcher, &actor.Terminated{Who: dead.PID, Why: actor.TerminatedReason_NotFound})
		}
	}
}

// adoptSystem makes everything that is spawned in p's system run in p.
func adoptSystem(p *Process) {
	sys := p.system
	sys.Root = actor.NewRootContext(sys, nil).
		WithGuardian(restarter).
		WithSpawnMiddleware(func(actor.SpawnFunc) actor.SpawnFunc {
			// Not next: it has forgotten the props' own guardian.
			return func(sys *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
				p.world.scenarios()
				return actor.DefaultSpawner(sys, id, Adopt(props, p), parent)
			}
		})
}

// Adopt returns props whose actors, and all their children, run as events of p.
// What is spawned through [Process.Spawn], [Process.System] or a context of an
// adopted actor is adopted already.
//
// A mailbox, dispatcher or (for a root actor) spawner that the props name is not used.
func Adopt(props *actor.Props, p *Process) *actor.Props {
	opts := []actor.PropsOption{
		actor.WithDispatcher(dispatcher{p}),
		actor.WithMailbox(func() actor.Mailbox { return &mailbox{proc: p} }),
		actor.WithSpawnMiddleware(func(next actor.SpawnFunc) actor.SpawnFunc {
			return func(sys *actor.ActorSystem, id string, child *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
				return next(sys, id, Adopt(child, p), parent)
			}
		}),
	}
	if !hasSupervisor(props) {
		opts = append(opts, actor.WithSupervisor(restarter))
	}
	return props.Clone(opts...)
}

// hasSupervisor tells whether props name a strategy for children. There is no
// exported way to ask, and the default that applies otherwise counts restarts
// per ten seconds of real time.
func hasSupervisor(props *actor.Props) bool {
	f := reflect.ValueOf(props).Elem().FieldByName("supervisionStrategy")
	return f.IsValid() && !f.IsNil()
}

// restarter is the strategy where the user named none: restart, without counting.
var restarter actor.SupervisorStrategy = actor.NewRestartingStrategy()

// System returns the process's actor system. Spawning through its Root adopts. Go code in a
// bubble may give it to actors.Start, and neither spawns nor sends through it itself, nor gives
// it to actors.Attach: that fails the world. A system that is made by actor.NewActorSystem is none
// of the world's: what is spawned there runs beside it, and finds none of its actors.
func (p *Process) System() *actor.ActorSystem { return p.system }

// Spawn starts an actor in the process.
func (p *Process) Spawn(props *actor.Props) *actor.PID {
	p.world.scenarios()
	return p.system.Root.Spawn(props)
}

// SpawnNamed starts an actor of that name in the process.
func (p *Process) SpawnNamed(props *actor.Props, name string) (*actor.PID, error) {
	p.world.scenarios()
	return p.system.Root.SpawnNamed(props, name)
}

// Send sends a message to an actor of the process, from outside.
func (p *Process) Send(pid *actor.PID, message any) {
	p.world.scenarios()
	p.system.Root.Send(pid, message)
}
