package actors

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// nodeActor is one member of the fleet. It keeps the session, knows the other members,
// supervises the bridge and the elections opened by name, and fans out events.
type nodeActor struct {
	cfg    Config
	shared *shared
	super  *supervisor

	// Of one start of the actor.
	env     *env
	ctx     actor.Context // only inside Receive
	link    redisbridge.Link
	phase   phase
	failure error
	doomed  error // it will fail once it has left the fleet
	yielded bool  // another process is to have our id: our session is not renewed any more

	beats   beats
	doubts  doubts
	fleet   fleet
	hub     *hub // shared.hub
	nursery *nursery
	els     []*entry // in the order of their coming
	fit     bool     // an election may be opened by name: its config has no fault

	starting  []func(error) // Start calls that wait
	stopping  []responder
	presence  []responder // Offline and Online calls that wait
	returning []responder // Online calls that wait for a leave to be answered
	sends     map[uint64]func(int64, error)
	peers     map[uint64]func(*redisbridge.PeerAnswer)
	corr      uint64
	pinged    int // where the next Ping begins among els
}

// phase is how far a start has come.
type phase uint8

const (
	connecting  phase = iota // no link yet
	waitingTurn              // an older session of our id still lives
	registering              // the session exists
	surveying                // registered; the members are being read
	ready
	leaving // told to stop: elections drain
	parting // the leave script is under way
	failed
)

// entry is an election of this node.
type entry struct {
	name     string
	pid      *actor.PID
	cell     *cell
	holder   string  // whose session it follows
	doubts   *string // whose subscription it wants looked at; nil, nobody's
	observed bool
	stopped  bool // has quit for good, the node is leaving
}

// idle reports whether the election is no candidate.
func (e *entry) idle() bool {
	v := e.cell.view.Load()
	return v == nil || v.state == fsm.Idle
}

// NodeProps returns what to spawn for a node. Use it once. The actor connects when it is
// started, restarts with a new incarnation if it panics, and never gives up on Redis
// before it is stopped, except for faults that cannot heal, which it tells subscribers
// with Failed.
//
// An invalid config makes an actor that has failed from the start; check it with
// Validate.
func NodeProps(cfg Config) *actor.Props {
	return nodeProps(cfg.withDefaults(), newShared())
}

func nodeProps(cfg Config, s *shared) *actor.Props {
	s.metrics = newMetrics(&cfg)
	if s.metrics != nil {
		s.workers.depth = &s.metrics.mailbox
	}
	super := newSupervisor(cfg.Redis.Clock, cfg.Logger, s.metrics)
	return s.metrics.measured(actor.PropsFromProducer(func() actor.Actor {
		return &nodeActor{cfg: cfg, shared: s, super: super}
	}, actor.WithSupervisor(super), actor.WithDispatcher(newWorkers(1, s.done))))
}

// Receive is the actor's one entry.
func (n *nodeActor) Receive(ctx actor.Context) {
	n.ctx = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		n.start()
	case *actor.Restarting:
		n.shutdown(errRestarted)
	case *actor.Stopping:
		n.shutdown(ErrStopped)
		n.hub.stop()
	case *actor.Stopped:
		n.shared.stop()
		n.shared.metrics.stop()
		n.shared.closeBackend()
		close(n.shared.done)
	case *actor.Terminated:
		n.terminated(m.Who)
	case *redisbridge.Link:
		n.onLink(m)
	case *redisbridge.HeartbeatAnswer:
		n.onHeartbeat(m)
	case *redisbridge.JoinAnswer:
		n.onJoined(m)
	case *redisbridge.MembersAnswer:
		n.onMembers(m)
	case *redisbridge.PurgeAnswer:
	case *redisbridge.EvictAnswer:
		n.onEvict(m)
	case *redisbridge.Subscribed:
		n.onSubscribed(m)
	case *redisbridge.LeaveAnswer:
		n.onLeft(m)
	case *redisbridge.AppMessage:
		n.onMessage(m)
	case *redisbridge.Published:
		n.onPublished(m)
	case *redisbridge.PeerAnswer:
		n.onPeer(m)
	case *redisbridge.Suspects:
		n.onSuspects(m)
	case *beatDue:
		n.beats.timer = nil
		n.beat()
	case *beatNow:
		if n.beats.out == 0 { // else the answer is on its way
			n.beat()
		}
	case *lapseDue:
		n.onLapse()
	case *watchDue:
		n.onWatchDue()
	case *doubtDue:
		n.onDoubtDue()
	case *purgeDue:
		n.onPurgeDue()
	case *redisbridge.SubscribersAnswer:
		n.onSubscribers(m)
	case *graveDue:
		n.onGraveDue(m.id)
	case *askAgain:
		n.askAbout(m.id, m.again)
	case *greetDue:
		n.greetNow(m.e)
	case *yieldDue:
		n.onYieldDue()
	case *sweepDue:
		n.onSweep()
	case *electionDone:
		n.onElectionDone(m)
	case *flushDue:
		n.hub.flushDue(n, m)
	case *retellDue:
		n.hub.retellDue(n, m)
	default:
		n.request(m)
	}
}

// request takes what elections and users ask.
func (n *nodeActor) request(m any) {
	switch m := m.(type) {
	case *attach:
		n.attach(m)
	case *watch:
		n.watch(m)
	case *observing:
		if e := n.shared.elections.find(m.election); e != nil {
			e.observed = m.on
			if m.on {
				n.look(e)
			}
		}
	case *open:
		n.open(m)
	case *Subscribe:
		n.hub.subscribe(n, m)
	case *subscribeChan:
		n.hub.subscribeChan(n, m)
	case *unsubscribeChan:
		n.hub.remove(n, func(s *subscriber) bool { return s.ch == m.ch })
	case *Unsubscribe:
		n.hub.unsubscribe(n, m)
	case *Ack:
		n.hub.ack(n, m)
	case *ask:
		n.asked(m.request, responder{done: m.done})
	case *Stop:
		n.asked(m, responder{root: n.ctx.ActorSystem().Root, pid: n.ctx.Sender(), request: m})
	case *sendMessage:
		n.sendMessage(m)
	case *ping:
		n.onPing(m)
	case *Handle:
		defer n.shared.caught(n.env.logger, "Handle.Done")
		m.Done(&Node{system: n.ctx.ActorSystem(), pid: n.ctx.Self(), shared: n.shared, cfg: &n.cfg})
	case *happened:
		for _, ev := range m.events {
			n.hub.publish(n, ev)
		}
	case Event:
		n.hub.publish(n, m)
	}
}

// asked takes the requests that are answered later.
func (n *nodeActor) asked(request any, r responder) {
	switch request.(type) {
	case *Stop:
		n.leave(r)
	case *awaitReady:
		switch {
		case n.phase == failed:
			respond([]responder{r}, n.failure)
		case n.phase == ready:
			respond([]responder{r}, nil)
		default:
			n.starting = append(n.starting, r.done)
		}
	case *goOffline:
		n.goOffline(r)
	case *goOnline:
		n.goOnline(r)
	}
}

// start begins with a new incarnation.
func (n *nodeActor) start() {
	self, root := n.ctx.Self(), n.ctx.ActorSystem().Root
	n.sends, n.peers = map[uint64]func(int64, error){}, map[uint64]func(*redisbridge.PeerAnswer){}
	n.fleet.watch = newWatchful()
	clock, entropy := n.cfg.Redis.Clock, n.cfg.Redis.Entropy
	n.env = &env{
		cfg: &n.cfg, clock: clock, logger: n.cfg.Logger.With("id", n.cfg.ID), entropy: entropy, root: root, node: self,
		session: fsm.NewSession(fmt.Sprintf("%016x%016x", entropy(), entropy()), n.cfg.TTL),
		offline: &atomic.Bool{}, mixed: &atomic.Bool{}, observed: &atomic.Int64{}, shared: n.shared,
		rules: newRules(&n.cfg, &n.cfg.Elections),
	}
	n.nursery = newNursery(self, n.shared)
	n.env.session.SetDeaf(true) // until the subscription is confirmed
	n.hub = &n.shared.hub
	n.hub.count(n)
	n.shared.closeBackend()
	for _, e := range n.shared.roster {
		e.holder, e.doubts, e.observed, e.stopped = "", nil, false, false
		n.els = append(n.els, e)
		n.shared.elections.put(e)
	}
	if err := n.cfg.Validate(); err != nil {
		n.fail(err)
		return
	}
	if err := n.shared.metrics.observe(n.shared); err != nil {
		n.fail(fmt.Errorf("%w: MeterProvider: %w", ErrConfig, err))
		return
	}
	if err := n.spawnBridge(); err != nil {
		n.fail(err)
		return
	}
	n.shared.start.Store(n.env)
	n.env.logger.Info("node starts", "incarnation", n.env.session.Inc(), "rank", *n.cfg.Rank, "ttl", n.cfg.TTL, "quarantine", *n.cfg.Quarantine)
}

func (n *nodeActor) spawnBridge() error {
	backend := n.cfg.Redis.Backend
	if backend == nil {
		b, err := redisbridge.NewBackend(redisbridge.BackendConfig{
			Redis: *n.cfg.Redis.Options, Keys: redisbridge.Keys(n.cfg.Redis.Prefix), Timeout: n.cfg.TTL / 3,
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		backend, n.shared.backend = b, b
	}
	details := n.cfg.details(n.env.session.Inc(), n.env.clock.Now().Time())
	n.beats.started = details.Start
	set := &redisbridge.Settings{
		ID: n.cfg.ID, Session: n.env.session, Keys: redisbridge.Keys(n.cfg.Redis.Prefix), Backend: backend,
		Clock: n.env.clock, Entropy: n.env.entropy, Logger: n.cfg.Logger, Owner: n.ctx.Self(),
		Details: details.Text(), Number: n.cfg.number,
		MinReplicas: n.cfg.MinReplicas, SharedKeys: n.cfg.keys(), Conn: &atomic.Uint64{}, Counters: &n.shared.counters,
		Route: n.shared.route,
	}
	if *n.cfg.Quarantine {
		set.MaxTTL = n.cfg.MaxTTL
	}
	bridge := redisbridge.Props(set).Configure(actor.WithDispatcher(newWorkers(1, n.shared.done)))
	n.env.bridge = n.ctx.Spawn(n.shared.metrics.measured(bridge))
	return nil
}

// shutdown ends this start at once. What Redis holds is left to the TTL unless the node
// has taken its leave. The children are stopped next, by protoactor.
func (n *nodeActor) shutdown(why error) {
	n.beats.stop()
	n.doubts.stop()
	n.fleet.stop()
	n.env.session.Revoke()
	for _, e := range n.els {
		n.env.root.Send(e.pid, &detached{err: why})
		if !slices.Contains(n.shared.roster, e) {
			n.keepDown(e)
		}
	}
	n.shared.elections.clear()
	told := why
	if n.failure != nil {
		told = n.failure
	}
	for _, done := range n.starting {
		done(told)
	}
	for _, done := range n.sends {
		done(0, why)
	}
	for _, done := range n.peers {
		done(&redisbridge.PeerAnswer{Err: why})
	}
	respond(n.presence, why)
	respond(n.returning, why)
	n.returning = nil
	if n.phase == parting || n.phase == failed {
		why = nil
	}
	respond(n.stopping, why)
	n.starting, n.sends, n.peers, n.presence, n.stopping = nil, nil, nil, nil, nil
	n.phase = parting
}

// fail: nothing will heal this. The node leads nothing and answers with the error until
// it is stopped.
func (n *nodeActor) fail(err error) {
	n.phase, n.failure = failed, err
	n.shared.failed.Store(&err)
	n.beats.stop()
	n.doubts.stop()
	n.fleet.stop()
	n.env.session.Revoke()
	n.env.logger.Error("node failed", "error", err.Error())
	n.hub.publish(n, &Failed{At: n.env.clock.Now(), Err: err})
	for _, e := range n.els {
		n.env.root.Send(e.pid, &detached{err: err})
	}
	for _, done := range n.starting {
		done(err)
	}
	n.starting = nil
	if n.env.bridge != nil {
		n.ctx.Stop(n.env.bridge)
	}
}

// onLink: the bridge tells how things stand.
func (n *nodeActor) onLink(l *redisbridge.Link) {
	was := n.link
	n.link = *l
	n.shared.link.Store(l)
	now := n.env.clock.Now()
	if l.Permanent && n.phase < ready {
		n.fail(fmt.Errorf("%w: %w", ErrRefused, l.Err))
		return
	}
	if l.Err != nil && n.phase < ready {
		n.env.logger.Warn("waiting for Redis", "cause", l.Err.Error())
	}
	if l.Up != was.Up || l.Deaf != was.Deaf || l.Err != nil {
		n.hub.publish(n, &LinkChanged{At: now, Up: l.Up, Deaf: l.Deaf, Err: l.Err})
	}
	if l.Err != nil {
		n.trouble(l.Err)
	}
	// The subscription is confirmed before the session exists: who can be elected
	// must be able to hear.
	if l.Commands && (l.Up || n.phase > connecting) && n.phase < parting {
		n.beat()
	}
	if l.Up && (!was.Up || was.Deaf && !l.Deaf) && n.phase == ready {
		n.each(fsm.Input{Kind: fsm.InLinkUp})
	}
}

// attach takes an election into this start.
func (n *nodeActor) attach(m *attach) {
	known := n.shared.elections.find(m.election)
	if m.err == nil {
		m.err = n.unfit(m.cfg)
	}
	switch {
	case m.err != nil:
		n.refuse(m, m.err)
		return
	case n.phase >= leaving:
		n.refuse(m, n.notReady())
		return
	case known != nil && !known.pid.Equal(m.pid):
		n.refuse(m, ErrBusy)
		return
	}
	if known == nil {
		known = &entry{name: m.election, pid: m.pid, cell: m.cell}
		n.shared.elections.put(known)
		n.els = append(n.els, known)
		n.ctx.Watch(m.pid)
		n.shared.roster = append(n.shared.roster, known)
	}
	if n.phase == ready {
		n.greet(known)
	}
}

// Back-off of an election that panics again and again.
const (
	greetMin = 10 * time.Millisecond
	greetMax = time.Second
)

// greet gives an election its node: at once the first time, later the more often it was
// restarted.
func (n *nodeActor) greet(e *entry) {
	if e.cell.starts == 0 {
		n.greetNow(e)
		return
	}
	n.after(min(greetMin<<min(e.cell.starts, 10), greetMax), &greetDue{e: e})
}

func (n *nodeActor) greetNow(e *entry) {
	if n.phase != ready || n.shared.elections.find(e.name) != e {
		return
	}
	n.env.root.Send(e.pid, &attached{env: n.env, recover: n.shared.departed[e.name]})
	delete(n.shared.departed, e.name)
}

func (n *nodeActor) refuse(m *attach, err error) {
	err = fmt.Errorf("election %q: %w", m.election, err)
	n.hub.publish(n, &Failed{Election: m.election, At: n.env.clock.Now(), Err: err})
	n.env.root.Send(m.pid, &detached{err: err})
}

// terminated: an election's actor, the bridge, or a subscriber has stopped for good.
func (n *nodeActor) terminated(who *actor.PID) {
	n.hub.remove(n, func(s *subscriber) bool { return s.pid != nil && s.pid.Equal(who) })
	if n.env.bridge != nil && who.Equal(n.env.bridge) {
		if n.phase != failed && n.phase != parting {
			n.fail(errors.New("hustings: the bridge has stopped"))
		}
		return
	}
	if n.phase == parting && len(n.shared.roster) == 0 {
		return // all of them stop now
	}
	for i, e := range n.els {
		if !e.pid.Equal(who) {
			continue
		}
		n.els = append(n.els[:i], n.els[i+1:]...)
		n.doubt(e, &watch{})
		n.shared.elections.remove(e.name)
		n.shared.dropFromRoster(e)
		if n.phase < parting {
			// Whatever it held is not ours any more.
			n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallQuit, Election: e.name})
			n.shared.departed[e.name] = true
		}
		if n.super.exhausted(who.Id) {
			n.keepDown(e)
			n.hub.publish(n, &Failed{Election: e.name, At: n.env.clock.Now(), Err: errExhausted})
		}
		n.electionStopped(e)
		return
	}
}

// open finds or makes the actor of an election that is asked for by name.
func (n *nodeActor) open(m *open) {
	if e := n.shared.elections.find(m.election); e != nil {
		n.opened(m, e)
		return
	}
	if n.phase >= leaving {
		m.done(nil, n.notReady())
		return
	}
	if !n.fit {
		cfg := n.cfg.Elections
		cfg.Name = m.election
		if err := errors.Join(cfg.Validate(), n.unfit(cfg)); err != nil {
			m.done(nil, err)
			return
		}
		n.fit = true
	}
	c := &cell{}
	if n.shared.down[m.election] {
		c.down.Store(true)
		delete(n.shared.down, m.election)
	}
	e := &entry{name: m.election, pid: n.ctx.Spawn(n.nursery.props), cell: c}
	who := &identity{name: e.name, cfg: &n.cfg.Elections, cell: c}
	if n.phase == ready {
		who.env, who.recover = n.env, n.shared.departed[e.name]
		delete(n.shared.departed, e.name)
	}
	n.env.root.Send(e.pid, who)
	n.els = append(n.els, e) // a child: protoactor tells of its end unasked
	n.shared.elections.put(e)
	n.opened(m, e)
}

// opened hands on what is asked of an election, or its actor to who asks for that.
func (n *nodeActor) opened(m *open, e *entry) {
	if m.request != nil {
		n.env.root.Send(e.pid, m.request)
		return
	}
	m.done(e.pid, nil)
}

// each gives every election an input; all get one message.
func (n *nodeActor) each(in fsm.Input) {
	m := &nudge{in: in}
	for _, e := range n.els {
		n.env.root.Send(e.pid, m)
	}
}

func (n *nodeActor) nudge(e *entry, in fsm.Input) { n.env.root.Send(e.pid, &nudge{in: in}) }

// look has an election look at Redis. The message is the same for all of them: many may
// have to look at once, and inputs are large.
func (n *nodeActor) look(e *entry) { n.env.root.Send(e.pid, lookAgain) }

var lookAgain = &nudge{in: fsm.Input{Kind: fsm.InNudge}}

// becomeReady: session, registration and subscription are there.
func (n *nodeActor) becomeReady() {
	n.phase = ready
	n.env.logger.Info("node ready", "members", len(*n.shared.members.Load()))
	for _, e := range n.els {
		n.greetNow(e)
	}
	for _, done := range n.starting {
		done(nil)
	}
	n.starting = nil
}

// after sends a message to the node after d.
func (n *nodeActor) after(d time.Duration, m any) func() bool {
	root, self := n.env.root, n.ctx.Self()
	return n.env.clock.AfterFunc(d, func() { root.Send(self, m) })
}

// names returns the elections' names in order, for loops whose order shows.
func (n *nodeActor) names() []string {
	out := make([]string, 0, len(n.els))
	for _, e := range n.els {
		out = append(out, e.name)
	}
	sort.Strings(out)
	return out
}
