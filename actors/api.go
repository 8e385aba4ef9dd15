package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// Node is a handle on a node's actor for code without actors. All methods may be called
// from any goroutine, at any time.
//
// Once the node has failed for good or has stopped, those that return an error return why
// it failed, or ErrStopped if it did not; Stop returns nil. The others say what was last
// known, or nothing: Leadership is nil, a channel is closed when the node stops.
//
// Calls wait for the node's actors; Send, Broadcast, ResignTo and Online for Redis, too.
// Quit, Resign, ResignTo, StandDown, Offline and Stop wait for Redis and for the work of a
// term, at most DrainTimeout. Work that calls one of them for its own election waits for
// itself, until ctx ends: let it return instead.
type Node struct {
	system *actor.ActorSystem
	pid    *actor.PID
	shared *shared
	cfg    *Config
}

// Start spawns a node and waits until it is ready: its session exists, it is registered,
// its subscription is confirmed. While Redis is down it keeps trying until ctx ends
// (ErrUnreachable), and says so in the log. A fault that cannot heal is returned at once:
// a bad configuration (ErrConfig), wrong credentials or permissions (ErrRefused), another
// MaxTTL than the fleet's (ErrMaxTTL). After an error nothing is left running. ctx matters
// for the start only.
//
// An id that is in use (ErrDuplicateID) takes longer to tell from one whose process has
// died: the other session must be renewed twice, later than two TTLs after we first saw it
// (of the longer TTL, where they differ). Give ctx three TTLs at least. If it ends before,
// the error is "not ready", with "waiting for the session of an earlier process". A node of
// npm ipc under our id has two TTLs to end.
func Start(ctx context.Context, system *actor.ActorSystem, cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := newShared()
	n := &Node{system: system, shared: s, cfg: &cfg}
	props, spawned := nodeProps(cfg, s), make(chan struct{})
	n.outside(ctx, func() {
		n.pid = system.Root.Spawn(props)
		close(spawned)
	})
	select {
	case <-spawned:
	case <-s.done: // the process was killed before
		return nil, fmt.Errorf("start %q: %w", cfg.ID, ErrStopped)
	}
	err := n.ask(ctx, n.pid, &awaitReady{})
	if err == nil {
		return n, nil
	}
	n.outside(ctx, func() { system.Root.Stop(n.pid) })
	<-s.done
	if ctx.Err() != nil {
		why := ErrUnreachable
		switch p := s.trouble.Load(); {
		case p == nil:
		case errors.Is(*p, errFormerLife):
			why = *p
		default:
			why = fmt.Errorf("%w: %w", ErrUnreachable, *p)
		}
		return nil, fmt.Errorf("start %q: not ready when the context ended (%w): %w", cfg.ID, context.Cause(ctx), why)
	}
	return nil, fmt.Errorf("start %q: %w", cfg.ID, err)
}

// Attach returns a handle on a node that was spawned from NodeProps; it need not be ready.
// ErrStopped if there is no such actor any more. An actor that is no node does not answer:
// then Attach returns when ctx ends, with its cause.
func Attach(ctx context.Context, system *actor.ActorSystem, node *actor.PID) (*Node, error) {
	ch := make(chan *Node, 1)
	at, lives := system.ProcessRegistry.Get(node)
	if !lives {
		return nil, fmt.Errorf("attach: %w", ErrStopped)
	}
	end := lookout{make(chan struct{})}
	self, _ := system.ProcessRegistry.Add(end, "attach"+system.ProcessRegistry.NextId())
	defer system.ProcessRegistry.Remove(self)
	system.Root.Send(node, &Handle{Done: func(n *Node) { ch <- n }})
	at.SendSystemMessage(node, &actor.Watch{Watcher: self})
	defer at.SendSystemMessage(node, &actor.Unwatch{Watcher: self})
	select {
	case n := <-ch:
		return n, nil
	case <-end.gone:
		select {
		case n := <-ch:
			return n, nil
		default:
			return nil, fmt.Errorf("attach: %w", ErrStopped)
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("attach: %w", context.Cause(ctx))
	}
}

// lookout is who is told by protoactor when an actor stops: what waits in its mailbox then is
// not answered.
type lookout struct{ gone chan struct{} }

// SendSystemMessage implements [actor.Process].
func (l lookout) SendSystemMessage(_ *actor.PID, m any) {
	if _, is := m.(*actor.Terminated); is {
		close(l.gone) // it comes once
	}
}

// SendUserMessage implements [actor.Process].
func (lookout) SendUserMessage(*actor.PID, any) {}

// Stop implements [actor.Process].
func (lookout) Stop(*actor.PID) {}

// PID returns the node's actor, for ElectionProps and Subscribe.
func (n *Node) PID() *actor.PID { return n.pid }

// ID returns the node's id.
func (n *Node) ID() string { return n.cfg.ID }

// outside has code outside the actors send, or spawn or stop one: in a simulation, when the
// simulation comes to it.
func (n *Node) outside(ctx context.Context, f func()) {
	if o, ok := n.cfg.Redis.Clock.(redisbridge.Outsider); ok {
		o.Outside(ctx, f)
		return
	}
	f()
}

// send is how code outside the actors sends: in a simulation, as the simulation decides.
func (n *Node) send(ctx context.Context, pid *actor.PID, m any) {
	n.outside(ctx, func() { n.system.Root.Send(pid, m) })
}

// ask sends a request and waits for its answer.
func (n *Node) ask(ctx context.Context, pid *actor.PID, request any) error {
	ch, done := answers[struct{}]()
	n.send(ctx, pid, &ask{request: request, done: func(err error) { done(struct{}{}, err) }})
	_, err := await(ctx, n, ch)
	return err
}

// answer is what an actor answers a call with.
type answer[T any] struct {
	value T
	err   error
}

// answers returns the channel on which one answer comes, and the function that an actor
// gives it to, once; that does not block.
func answers[T any]() (<-chan answer[T], func(T, error)) {
	ch := make(chan answer[T], 1)
	return ch, func(value T, err error) { ch <- answer[T]{value, err} }
}

// await waits for an answer, for the end of the node, or for that of ctx. An answer that
// came before the node's end counts.
func await[T any](ctx context.Context, n *Node, ch <-chan answer[T]) (value T, err error) {
	select {
	case a := <-ch:
		return a.value, a.err
	case <-n.shared.done:
		select {
		case a := <-ch:
			return a.value, a.err
		default:
			return value, n.stoppedErr()
		}
	case <-ctx.Done():
		return value, context.Cause(ctx)
	}
}

func (n *Node) stoppedErr() error {
	if p := n.shared.failed.Load(); p != nil {
		return *p
	}
	return ErrStopped
}

func checkElection(name string) error {
	if err := redisbridge.CheckName(name); err != nil {
		return fmt.Errorf("%w: election name %q %w", ErrConfig, name, err)
	}
	return nil
}

// election finds or makes the actor of an election.
func (n *Node) election(ctx context.Context, name string) (*actor.PID, error) {
	if err := checkElection(name); err != nil {
		return nil, err
	}
	if e := n.shared.elections.find(name); e != nil {
		return e.pid, nil // the node need not be asked
	}
	ch, done := answers[*actor.PID]()
	n.send(ctx, n.pid, &open{election: name, done: done})
	return await(ctx, n, ch)
}

// askAbout asks the actor of one election and waits for its answer.
func (n *Node) askAbout(ctx context.Context, doing, name string, request any) error {
	return n.askAll(ctx, doing, []string{name}, 1, request)
}

// An election's actor may stop before it answers: its parent is a user's, or it panics too
// often. What waits in its mailbox is lost then, and what is sent to it later too. So who
// waits for an answer looks, at each turnover, whether the actor is still there.

// stay is the actor of an election as it was when it was asked for something.
type stay struct {
	election string
	pid      *actor.PID
}

// gone reports, after a turnover, whether the actor is not there any more.
func (s stay) gone(n *Node) bool {
	e := n.shared.elections.find(s.election)
	return e == nil || !e.pid.Equal(s.pid)
}

// turnover is closed at the next one. It is to be had before one looks for the actor.
func (n *Node) turnover() <-chan struct{} { return *n.shared.turnover.Load() }

// awaitOf waits as await does, and for a turnover: errTurnover.
func awaitOf[T any](ctx context.Context, n *Node, ch <-chan answer[T], turnover <-chan struct{}) (value T, err error) {
	select {
	case a := <-ch:
		return a.value, a.err
	case <-turnover:
		select {
		case a := <-ch:
			return a.value, a.err
		default:
			return value, errTurnover
		}
	case <-n.shared.done:
		return await(ctx, n, ch)
	case <-ctx.Done():
		return value, context.Cause(ctx)
	}
}

// askAt asks one actor of an election, and waits for what it answers on the channel: errGone
// if it has stopped without an answer.
func askAt[T any](ctx context.Context, n *Node, at stay, m any, ch <-chan answer[T]) (value T, err error) {
	turnover := n.turnover()
	if at.gone(n) {
		return value, errGone
	}
	n.send(ctx, at.pid, m)
	return awaitAt(ctx, n, at, ch, turnover)
}

// awaitAt waits for an answer of an actor that was there at the turnover before the one that
// is waited for.
func awaitAt[T any](ctx context.Context, n *Node, at stay, ch <-chan answer[T], turnover <-chan struct{}) (value T, err error) {
	for {
		value, err = awaitOf(ctx, n, ch, turnover)
		if !errors.Is(err, errTurnover) {
			return value, err
		}
		if turnover = n.turnover(); at.gone(n) {
			return value, errGone
		}
	}
}

// askElection asks the actor of an election, made if need be: then the node hands on the
// request.
func (n *Node) askElection(ctx context.Context, name string, q *ask) {
	if e := n.shared.elections.find(name); e != nil {
		n.send(ctx, e.pid, q)
	} else {
		n.send(ctx, n.pid, &open{election: name, request: q, done: func(_ *actor.PID, err error) { q.done(err) }})
	}
}

// askAll asks the actors of some elections the same, so many of them at once, and waits
// for their answers. A name that none can have is an error before anybody is asked.
func (n *Node) askAll(ctx context.Context, doing string, names []string, atOnce int, request any) error {
	if len(names) == 0 {
		return nil
	}
	for _, name := range names {
		if err := checkElection(name); err != nil {
			return fmt.Errorf("%s %q: %w", doing, name, err)
		}
	}
	for some := range slices.Chunk(names, atOnce) {
		if err := n.askSome(ctx, doing, some, request); err != nil {
			return err
		}
	}
	return nil
}

// askSome returns when all have answered. Where an actor has stopped before it answered,
// who comes after it is asked. The error is that of the first which failed.
func (n *Node) askSome(ctx context.Context, doing string, names []string, request any) error {
	ch, all := answers[struct{}]()
	var failed atomic.Pointer[error]
	var left atomic.Int64
	left.Store(int64(len(names)))
	asked := make([]struct {
		q        *ask
		answered atomic.Bool
	}, len(names))
	anew := func(i int) {
		asked[i].q = &ask{request: request, done: func(err error) {
			if !asked[i].answered.CompareAndSwap(false, true) {
				return
			}
			if err != nil {
				err = fmt.Errorf("%s %q: %w", doing, names[i], err)
				failed.CompareAndSwap(nil, &err)
			}
			if left.Add(-1) == 0 {
				all(struct{}{}, nil)
			}
		}}
		n.askElection(ctx, names[i], asked[i].q)
	}
	turnover := n.turnover()
	for i := range names {
		anew(i)
	}
	for {
		_, err := awaitOf(ctx, n, ch, turnover)
		switch {
		case errors.Is(err, errTurnover):
			turnover = n.turnover()
			for i := range asked {
				switch taker := asked[i].q.taker.Load(); {
				case asked[i].answered.Load():
				case taker == nil: // it may be lost, with an actor that has stopped; if it is not, it is taken once
					n.askElection(ctx, names[i], asked[i].q)
				case (stay{names[i], taker}).gone(n):
					anew(i)
				}
			}
			continue
		case err != nil && len(names) == 1:
			return fmt.Errorf("%s %q: %w", doing, names[0], err)
		case err != nil:
			return fmt.Errorf("%s %d elections: %w", doing, len(names), err)
		}
		if p := failed.Load(); p != nil {
			return *p
		}
		return nil
	}
}

// opensAtOnce is how many elections a node opens before it gets to its heartbeats.
const opensAtOnce = 256

// Run stands in elections, until Quit. It returns when each has heard it, which before the
// node is ready is later; whether it is won comes as an event. Running twice is running
// once. One call for thousands of elections is cheaper than one for each. The error is that
// of one election; those named after it may not stand then. ErrOffline after Offline. In an
// election that stands down it is remembered.
func (n *Node) Run(ctx context.Context, elections ...string) error {
	return n.askAll(ctx, "run", elections, opensAtOnce, &Run{})
}

// Quit withdraws from elections and returns when Redis knows of each; a leader drains first
// and Lost is sent. Who does not stand gets nil. All withdraw at once. The error is that of
// one election; ErrRefused and ErrUnreachable say that Redis does not know yet, and that it
// is tried again. Lead and Campaign return ErrQuit. Standing down is over.
//
// From inside the work of Lead it waits for that work, until DrainTimeout, or until ctx
// ends, which that of the work does at once: return from the work instead.
func (n *Node) Quit(ctx context.Context, elections ...string) error {
	return n.askAll(ctx, "quit", elections, len(elections), &Quit{}) // all drain at once
}

// Resign gives up the office, drains, and returns when it is released. The node stays a
// candidate; it stands again when its successor's office ends, or after one TTL without
// a leader. ErrNotLeader if this node does not lead. From inside the work it waits for
// itself, as Quit does.
func (n *Node) Resign(ctx context.Context, election string) error {
	return n.askAbout(ctx, "resign", election, &Resign{})
}

// ResignTo resigns in favour of one candidate, by its id: it is asked first and has a
// second to take the office; then all may. The other promises are Resign's. Redis is asked
// before anything is given up: ErrSuccessor if to is no live candidate of ours, or this
// node itself, ErrUnreachable if Redis does not answer; then nothing has changed. nil says
// that the office is released, not that to has it: LeaderChanged tells who has. A candidate
// that outranks to does not make it step down before its MinTenure or one TTL, whichever is
// longer. An empty to is Resign.
func (n *Node) ResignTo(ctx context.Context, election, to string) error {
	return n.askAbout(ctx, "resign", election, &Resign{To: to})
}

// StandDown stays in the fleet and does not stand in the election before Stand, as for
// maintenance. It returns when Redis knows; a leader drains first, and Lost is sent. Run,
// Lead and Campaign, called before or meanwhile, are remembered: they go on after Stand.
// Leader and LeaderChanged go on working. Standing down twice is standing down once. It
// lasts until Stand, Quit, Offline, or the end of the process. From inside the work it
// waits for itself, as Quit does. ErrOffline after Offline.
func (n *Node) StandDown(ctx context.Context, election string) error {
	return n.askAbout(ctx, "stand down", election, &StandDown{})
}

// Stand ends standing down, and returns when the election has heard it: the node stands
// again if Run was called or somebody contends. Without StandDown before it, it changes
// nothing. ErrOffline after Offline.
func (n *Node) Stand(ctx context.Context, election string) error {
	return n.askAbout(ctx, "stand", election, &Stand{})
}

// Offline quits every election and leaves the fleet, but keeps the session and the
// connections. It returns when Redis knows; leaders drain first. Messages are sent and
// received still, and elections are observed. Lead and Campaign return ErrQuit, later ones
// ErrOffline. Online undoes it, a panic of the node's actor does not. An Offline that is
// still waiting when Online is called returns an error, as an Online does that Offline
// overtakes (ErrOffline). Both are refused with an error before the node is ready.
func (n *Node) Offline(ctx context.Context) error { return n.ask(ctx, n.pid, &goOffline{}) }

// Online restores presence, and returns when Redis knows. No election is run again by it.
func (n *Node) Online(ctx context.Context) error { return n.ask(ctx, n.pid, &goOnline{}) }

// Stop stops the node gracefully: every election drains and quits, the node leaves the
// fleet and its session is removed, so that successors need not wait. While Redis is away
// it waits, until ctx ends: then it stops at once and returns why, and the session runs out
// by itself. A second Stop returns nil, as does that of a node that has failed. Call it
// before ActorSystem.Shutdown, which does not stop nodes. From inside the work of Lead it
// waits for that work; with the context of the work, which ends then, it stops at once and
// hands nothing over. End the context of Lead instead, and stop the node when Lead has
// returned.
func (n *Node) Stop(ctx context.Context) error {
	err := n.ask(ctx, n.pid, &Stop{})
	for errors.Is(err, errRestarted) { // its actor panicked, and has forgotten
		err = n.ask(ctx, n.pid, &Stop{})
	}
	select {
	case <-n.shared.done:
		return nil
	default:
	}
	if err != nil && ctx.Err() != nil {
		n.outside(ctx, func() { n.system.Root.Stop(n.pid) })
		err = fmt.Errorf("stop %q: its leave was not over when the context ended, so its session runs out by itself: %w", n.ID(), err)
	}
	<-n.shared.done
	return err
}

// Done is closed when the node has stopped. One that has failed has not: it leads nothing,
// answers with the error, and waits for Stop. That it failed a subscriber learns by Failed
// without an Election, anybody by Err, Health and Ping.
func (n *Node) Done() <-chan struct{} { return n.shared.done }

// Err is why the node failed, nil if it did not.
func (n *Node) Err() error {
	if p := n.shared.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// TTL returns the session's TTL.
func (n *Node) TTL() time.Duration { return n.cfg.TTL }
