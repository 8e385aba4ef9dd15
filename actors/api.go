package actors

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// Node is a handle on a node's actor for code without actors. All methods may be called
// from any goroutine, at any time; after the node has stopped they return ErrStopped.
// They block on the node's actors only, never on a user's code.
type Node struct {
	system *actor.ActorSystem
	pid    *actor.PID
	shared *shared
	cfg    *Config
}

// Start spawns a node and waits until it is ready: its session exists, it is registered,
// its subscription is confirmed. While Redis is down it keeps trying until ctx ends, and
// says so in the log. A fault that cannot heal is returned at once: a bad configuration
// (ErrConfig), wrong credentials or permissions (ErrRefused), an id that is in use
// (ErrDuplicateID), another MaxTTL than the fleet's (ErrMaxTTL). After an error nothing
// is left running. ctx matters for the start only.
func Start(ctx context.Context, system *actor.ActorSystem, cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := newShared()
	n := &Node{system: system, shared: s, cfg: &cfg}
	n.pid = system.Root.Spawn(nodeProps(cfg, s))
	err := n.ask(ctx, n.pid, &awaitReady{})
	if err == nil {
		return n, nil
	}
	system.Root.Stop(n.pid)
	<-s.done
	if ctx.Err() != nil {
		why := ErrUnreachable
		if p := s.trouble.Load(); p != nil {
			why = fmt.Errorf("%w: %w", ErrUnreachable, *p)
		}
		return nil, fmt.Errorf("start %q: not ready when the context ended (%w): %w", cfg.ID, context.Cause(ctx), why)
	}
	return nil, fmt.Errorf("start %q: %w", cfg.ID, err)
}

// Attach returns a handle on a node that was spawned from NodeProps.
func Attach(ctx context.Context, system *actor.ActorSystem, node *actor.PID) (*Node, error) {
	ch := make(chan *Node, 1)
	system.Root.Send(node, &Handle{Done: func(n *Node) { ch <- n }})
	select {
	case n := <-ch:
		return n, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("attach: %w", context.Cause(ctx))
	}
}

// PID returns the node's actor, for ElectionProps and Subscribe.
func (n *Node) PID() *actor.PID { return n.pid }

// ID returns the node's id.
func (n *Node) ID() string { return n.cfg.ID }

// send is how code outside the actors sends: in a simulation, as the simulation decides.
func (n *Node) send(ctx context.Context, pid *actor.PID, m any) {
	if o, ok := n.cfg.Redis.Clock.(redisbridge.Outsider); ok {
		o.Outside(ctx, func() { n.system.Root.Send(pid, m) })
		return
	}
	n.system.Root.Send(pid, m)
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

// election finds or makes the actor of an election.
func (n *Node) election(ctx context.Context, name string) (*actor.PID, error) {
	if err := redisbridge.CheckName(name); err != nil {
		return nil, fmt.Errorf("%w: election name %q %w", ErrConfig, name, err)
	}
	if e := n.shared.elections.find(name); e != nil {
		return e.pid, nil // the node need not be asked
	}
	ch, done := answers[*actor.PID]()
	n.send(ctx, n.pid, &open{election: name, done: done})
	return await(ctx, n, ch)
}

// askElection asks the actor of an election, made if need be: then the node hands on the
// request.
func (n *Node) askElection(ctx context.Context, doing, name string, request any) error {
	if err := redisbridge.CheckName(name); err != nil {
		return fmt.Errorf("%s %q: %w: election name %q %w", doing, name, ErrConfig, name, err)
	}
	ch, done := answers[struct{}]()
	q := &ask{request: request, done: func(err error) { done(struct{}{}, err) }}
	if e := n.shared.elections.find(name); e != nil {
		n.send(ctx, e.pid, q)
	} else {
		n.send(ctx, n.pid, &open{election: name, request: q, done: func(_ *actor.PID, err error) { q.done(err) }})
	}
	if _, err := await(ctx, n, ch); err != nil {
		return fmt.Errorf("%s %q: %w", doing, name, err)
	}
	return nil
}

// Run stands in an election, until Quit. It returns when the election has heard it;
// whether it is won comes as an event. Running twice is running once.
func (n *Node) Run(ctx context.Context, election string) error {
	return n.askElection(ctx, "run", election, &Run{})
}

// Quit withdraws from an election and returns when Redis knows; a leader drains first
// and Lost is sent. Who does not stand gets nil.
func (n *Node) Quit(ctx context.Context, election string) error {
	return n.askElection(ctx, "quit", election, &Quit{})
}

// Resign gives up the office, drains, and returns when it is released. The node stays a
// candidate; it stands again when its successor's office ends, or after one TTL without
// a leader. ErrNotLeader if this node does not lead.
func (n *Node) Resign(ctx context.Context, election string) error {
	return n.askElection(ctx, "resign", election, &Resign{})
}

// ResignTo resigns in favour of one candidate, by its id: it is asked first and has a
// second to take the office; then all may. The other promises are Resign's. Redis is asked
// before anything is given up: ErrSuccessor if to is no live candidate of ours, or this
// node itself, ErrUnreachable if Redis does not answer; then nothing has changed. nil says
// that the office is released, not that to has it: LeaderChanged tells who has. A candidate
// that outranks to does not make it step down before its MinTenure or one TTL, whichever is
// longer. An empty to is Resign.
func (n *Node) ResignTo(ctx context.Context, election, to string) error {
	return n.askElection(ctx, "resign", election, &Resign{To: to})
}

// StandDown stays in the fleet and does not stand in the election before Stand, as for
// maintenance. It returns when Redis knows; a leader drains first, and Lost is sent. Run,
// Lead and Campaign, called before or meanwhile, are remembered: they go on after Stand.
// Leader and LeaderChanged go on working. Standing down twice is standing down once. It
// lasts until Stand, Quit, Offline, or the end of the process.
func (n *Node) StandDown(ctx context.Context, election string) error {
	return n.askElection(ctx, "stand down", election, &StandDown{})
}

// Stand ends standing down, and returns when the election has heard it: the node stands
// again if Run was called or somebody contends. Without StandDown before it, it changes
// nothing.
func (n *Node) Stand(ctx context.Context, election string) error {
	return n.askElection(ctx, "stand", election, &Stand{})
}

// Inspect returns everything that the election knows of itself. It never blocks on Redis.
func (n *Node) Inspect(ctx context.Context, election string) (*Snapshot, error) {
	if n.shared.cellOf(election) == nil {
		return nil, fmt.Errorf("inspect %q: %w: this node neither stands in it nor observes it", election, ErrUnknown)
	}
	pid, err := n.election(ctx, election)
	if err != nil {
		return nil, fmt.Errorf("inspect %q: %w", election, err)
	}
	ch, done := answers[*Snapshot]()
	n.send(ctx, pid, &inspect{done: done})
	s, err := await(ctx, n, ch)
	if err != nil {
		return nil, fmt.Errorf("inspect %q: %w", election, err)
	}
	return s, nil
}

// Leader is who leads an election.
type Leader struct {
	ID string `json:"id"`
	// Token is the term's; 0 for an original, which holds no lease.
	Token uint64 `json:"token,omitempty"`
	// Original: a node of npm ipc@0.0.1.
	Original bool `json:"original,omitempty"`
	// Self: this node, which may be asked Valid of its Leadership.
	Self bool `json:"self,omitempty"`
}

// Leader says who leads, from local knowledge: it asks nobody. ErrNoLeader: the office is
// vacant. ErrUnknown: nobody has looked yet (Run or Observe the election), or no
// heartbeat was answered for longer than the TTL. What it says of another node may be
// as old as TTL/3; only that node's Valid is sure.
func (n *Node) Leader(election string) (Leader, error) {
	v, err := n.View(election)
	if err != nil {
		return Leader{}, err
	}
	env := n.shared.start.Load()
	switch {
	case env == nil || !env.fresh() || !v.Leader.Known:
		return Leader{}, fmt.Errorf("election %q: %w", election, ErrUnknown)
	case v.Leader.ID == "":
		return Leader{}, fmt.Errorf("election %q: %w", election, ErrNoLeader)
	}
	return Leader{ID: v.Leader.ID, Token: v.Leader.Token, Original: v.Leader.Original, Self: v.Leader.ID == n.cfg.ID}, nil
}

// Leadership returns this node's present term in an election, nil if it does not lead.
// It does not make the caller the term's holder: nobody waits for its work.
func (n *Node) Leadership(election string) *Leadership {
	if c := n.shared.cellOf(election); c != nil {
		return c.lead.Load()
	}
	return nil
}

// View returns the present state of an election as it was last published. ErrUnknown if
// this node has nothing to do with it.
func (n *Node) View(election string) (View, error) {
	select {
	case <-n.shared.done:
		return View{}, n.stoppedErr()
	default:
	}
	c := n.shared.cellOf(election)
	if c == nil {
		return View{}, fmt.Errorf("election %q: %w", election, ErrUnknown)
	}
	return c.present(election), nil
}

// LastResult is the last decided result of an election: none, won or lost. It is what
// the original's getLastStatus meant to tell.
func (n *Node) LastResult(election string) string {
	v, err := n.View(election)
	if err != nil {
		return "none"
	}
	return v.Result.String()
}

// Members returns the fleet as this node knows it, sorted by id, itself included. A
// newcomer is seen within TTL/3, a dead member is gone within TTL + TTL/3.
func (n *Node) Members() []Member { return append([]Member(nil), *n.shared.members.Load()...) }

// Counts returns what the node's bridge has counted since the node was made: requests,
// messages, and what was dropped of these.
func (n *Node) Counts() redisbridge.Counts { return n.shared.counters.Read() }

// Offline quits every election and leaves the fleet, but keeps the session and the
// connections. Online undoes it.
func (n *Node) Offline(ctx context.Context) error { return n.ask(ctx, n.pid, &goOffline{}) }

// Online restores presence. No election is run again by it.
func (n *Node) Online(ctx context.Context) error { return n.ask(ctx, n.pid, &goOnline{}) }

// Send sends a value to one node and returns how many received it: 1, or more if others
// listen to its channel too. ErrNoReceiver if nobody did. Delivery is at most once. The
// value must have a JSON form, or a MessagePack form if the Packer says so and the
// receiver is one of ours.
func (n *Node) Send(ctx context.Context, to string, value any) (receivers int64, err error) {
	if err := redisbridge.CheckName(to); err != nil {
		return 0, fmt.Errorf("%w: send: server id %q %w", ErrConfig, to, err)
	}
	receivers, err = n.publish(ctx, to, value)
	if err != nil {
		return receivers, fmt.Errorf("send to %q: %w", to, err)
	}
	return receivers, nil
}

// Broadcast sends a value to every node, this one included, and returns how many received
// it. While an original is in the fleet it goes out as bare JSON, without a sender.
func (n *Node) Broadcast(ctx context.Context, value any) (receivers int64, err error) {
	receivers, err = n.publish(ctx, "", value)
	if err != nil {
		return receivers, fmt.Errorf("broadcast: %w", err)
	}
	return receivers, nil
}

func (n *Node) publish(ctx context.Context, to string, value any) (int64, error) {
	env := n.shared.start.Load()
	if env == nil {
		return 0, n.stoppedErr()
	}
	m := &sendMessage{to: to}
	var err error
	if m.envelope, err = redisbridge.Pack(n.cfg.Packer, n.cfg.ID, env.session.Inc(), value, false); err != nil {
		return 0, err
	}
	m.bare, m.bareError = redisbridge.Pack(n.cfg.Packer, n.cfg.ID, env.session.Inc(), value, true)
	if len(m.envelope) > redisbridge.MaxPayload || len(m.bare) > redisbridge.MaxPayload {
		return 0, fmt.Errorf("%w: the message is larger than %d bytes: send a reference instead", ErrConfig, redisbridge.MaxPayload)
	}
	ch, done := answers[int64]()
	m.done = done
	n.send(ctx, n.pid, m)
	return await(ctx, n, ch)
}

// SubscribeOptions say what a subscription gets.
type SubscribeOptions struct {
	// Election, "" for all elections and the node's own events.
	Election string
	// Transitions: every transition of the state machine too.
	Transitions bool
	// Buffer is how many events may wait; default 256, at least 2. When it is full,
	// events are dropped. Missed tells how many, before the next event, or within a
	// second of the reader's having made room if no event comes, or last before the
	// channel is closed.
	Buffer int
}

// Subscribe returns a channel of events. First comes the present state. The channel is
// closed when ctx ends or the node stops. A slow reader never blocks anybody.
func (n *Node) Subscribe(ctx context.Context, o SubscribeOptions) <-chan Event {
	if o.Buffer <= 0 {
		o.Buffer = maxQueued
	}
	ch := make(chan Event, max(o.Buffer, 2)+1) // one for Missed: see hub.toChannel
	closeCh := sync.OnceFunc(func() { close(ch) })
	n.send(ctx, n.pid, &subscribeChan{election: o.Election, transitions: o.Transitions, ch: ch, closeCh: closeCh})
	// The node may stop, or have stopped, before it has heard of us.
	context.AfterFunc(n.shared.stopped, closeCh)
	context.AfterFunc(ctx, func() { n.send(ctx, n.pid, &unsubscribeChan{ch: ch}) })
	return ch
}

// Observe streams who leads an election, without standing in it: first what is known now,
// then every change, at most TTL/3 late. A Leader with an empty ID is a vacancy. The
// channel has room for one: a slow reader gets the latest. It is closed when ctx ends or
// the node stops.
func (n *Node) Observe(ctx context.Context, election string) (<-chan Leader, error) {
	pid, err := n.election(ctx, election)
	if err != nil {
		return nil, fmt.Errorf("observe %q: %w", election, err)
	}
	out := make(chan Leader, 1)
	events := n.Subscribe(ctx, SubscribeOptions{Election: election})
	n.send(ctx, pid, &observe{delta: 1})
	go func() {
		defer close(out)
		defer n.send(ctx, pid, &observe{delta: -1})
		var last Leader
		told := false
		for ev := range events {
			s, ok := ev.(*Status)
			if !ok || !s.Leader.Known {
				continue
			}
			l := Leader{ID: s.Leader.ID, Token: s.Leader.Token, Original: s.Leader.Original, Self: s.Leader.ID == n.cfg.ID}
			if told && l == last {
				continue
			}
			last, told = l, true
			select {
			case <-out: // the reader was slow: the latest counts
			default:
			}
			out <- l
		}
	}()
	return out, nil
}

// Campaign stands in an election and returns when this node is elected. When ctx ends
// first, it withdraws (unless Run was called), waits a TTL at most for Redis to know, and
// returns ctx's error. One contender an
// election and node: a second gets ErrBusy. ctx does not bound the leadership: watch
// its Context, and call Release when the work has stopped.
func (n *Node) Campaign(ctx context.Context, election string) (*Leadership, error) {
	pid, err := n.election(ctx, election)
	if err != nil {
		return nil, fmt.Errorf("campaign %q: %w", election, err)
	}
	ch, done := answers[*Leadership]()
	c := &contender{
		done:   done,
		finish: func(ctx context.Context, l *Leadership) error { return n.finish(ctx, pid, l, false) },
	}
	n.send(ctx, pid, &contend{c: c})
	select {
	case a := <-ch:
		if a.err != nil {
			return nil, fmt.Errorf("campaign %q: %w", election, a.err)
		}
		return a.value, nil
	case <-n.shared.done:
		return nil, fmt.Errorf("campaign %q: %w", election, n.stoppedErr())
	case <-ctx.Done():
	}
	gone := make(chan struct{})
	n.send(ctx, pid, &recant{c: c, done: func(error) { close(gone) }})
	bounded, cancel := n.bounded(ctx)
	defer cancel()
	select {
	case <-gone:
	case <-bounded.Done(): // Redis is away: it is told when it is back
	case <-n.shared.done:
	}
	select {
	case a := <-ch: // elected in the same instant: not wanted any more
		if a.value != nil {
			n.letGo(ctx, a.value)
		}
	default:
	}
	return nil, fmt.Errorf("campaign %q: %w", election, context.Cause(ctx))
}

// finish tells an election that a leadership's work has stopped.
func (n *Node) finish(ctx context.Context, pid *actor.PID, l *Leadership, again bool) error {
	ch, done := answers[struct{}]()
	n.send(ctx, pid, &finished{l: l, again: again, done: func(err error) { done(struct{}{}, err) }})
	_, err := await(ctx, n, ch)
	return err
}

// Lead contends in an election and runs work each time this node is elected; it returns
// when the work is done, or ctx ends.
//
// The context that work gets ends when leadership ends or ctx does; work must return soon
// then, since the office is released only when it has, or after DrainTimeout. If work
// returns while leadership lasts, the office is given up and Lead returns the work's
// error. If it returns after leadership has ended, its error is logged and Lead contends
// again, unless Quit was called: then it returns ErrQuit. A panic in work counts as an error
// (ErrPanic). When ctx ends, Lead waits for the
// work, withdraws, and returns ctx's error.
//
// work runs on the goroutine that called Lead.
func (n *Node) Lead(ctx context.Context, election string, work func(ctx context.Context, l *Leadership) error) error {
	for {
		l, err := n.Campaign(ctx, election)
		if err != nil {
			return err
		}
		workCtx, cancel := l.under(ctx)
		err = guarded(workCtx, l, work)
		lasting := l.cause.Load() == nil && l.Valid()
		cancel()
		switch {
		case ctx.Err() != nil:
			n.letGo(ctx, l)
			return fmt.Errorf("lead %q: %w", election, context.Cause(ctx))
		case lasting:
			n.letGo(ctx, l)
			if err != nil {
				return fmt.Errorf("lead %q: %w", election, err)
			}
			return nil
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			n.cfg.Logger.Warn("work ended with its leadership", "id", n.cfg.ID, "election", election, "error", err.Error())
		}
		if l.finished.CompareAndSwap(false, true) {
			pid, err := n.election(ctx, election)
			if err != nil {
				return fmt.Errorf("lead %q: %w", election, err)
			}
			_ = n.finish(ctx, pid, l, true)
		}
		if l.quit.Load() {
			return fmt.Errorf("lead %q: %w", election, ErrQuit)
		}
	}
}

// letGo releases, without a context of its own to end it: the release is on its way
// however long it is waited for, and nobody waits longer than a TTL.
func (n *Node) letGo(ctx context.Context, l *Leadership) {
	ctx, cancel := n.bounded(ctx)
	defer cancel()
	_ = l.Release(ctx)
}

// bounded returns a context for what comes after ctx has ended: it ends after a TTL.
func (n *Node) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	after := n.cfg.Redis.Clock.AfterFunc
	if o, ok := n.cfg.Redis.Clock.(redisbridge.Outsider); ok {
		after = o.OutsideAfter
	}
	stop := after(n.cfg.TTL, cancel)
	return ctx, func() { stop(); cancel() }
}

// guarded runs the work; its panic becomes an error.
func guarded(ctx context.Context, l *Leadership, work func(context.Context, *Leadership) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, r, debug.Stack())
		}
	}()
	return work(ctx, l)
}

// Stop stops the node gracefully: every election drains and quits, the node leaves the
// fleet and its session is removed, so that successors need not wait. While Redis is away
// it waits, until ctx ends: then it stops at once and returns why, and the session runs out
// by itself. A second Stop returns nil.
func (n *Node) Stop(ctx context.Context) error {
	err := n.ask(ctx, n.pid, &Stop{})
	select {
	case <-n.shared.done:
		return nil
	default:
	}
	if err != nil && ctx.Err() != nil {
		n.system.Root.Stop(n.pid)
	}
	<-n.shared.done
	return err
}

// Done is closed when the node has stopped.
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
