package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// nodeActor is one member of the fleet. It keeps the session, knows the other members,
// supervises the bridge and the elections opened by name, and fans out events.
type nodeActor struct {
	cfg    Config
	shared *shared
	super  *supervisor

	// Of one start of the actor.
	env        *env
	ctx        actor.Context // only inside Receive
	link       redisbridge.Link
	phase      phase
	failure    error
	doomed     error    // it will fail once it has left the fleet
	twin       bool     // another actor has these Props
	restarting bool     // it is being restarted
	broken     bool     // it has panicked, and its supervisor decides
	resumed    bool     // that one let it go on, and it has itself restarted
	led        []string // what it led when it panicked, as far as subscribers know
	yielded    bool     // another process is to have our id: our session is not renewed any more

	beats   beats
	doubts  doubts
	fleet   fleet
	hub     *hub // shared.hub
	nursery *nursery
	els     []*entry
	stopped int  // of els
	fit     bool // an election may be opened by name: its config has no fault

	starting  []func(error) // Start calls that wait
	stopping  []responder
	offlining []responder // Offline calls that wait
	onlining  []responder // Online calls that wait
	returning []responder // Online calls that wait for a leave to be answered
	sends     map[uint64]func(int64, error)
	peers     map[uint64]func(*redisbridge.PeerAnswer)
	corr      uint64
	pinged    int               // where the next Ping begins among els
	clearing  map[uint64]string // elections whose actors have stopped, by the quits under way
	unheard   map[*entry]uint64 // spawned without a link: Counters.Registering at that time
	roll      rollCall

	retirement retirement
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

// NodeProps returns what to spawn for a node. Use it once: a parent makes new ones each time
// that it is started, for what is spawned from old ones stops at once. The actor connects when it is
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
	s.endWith(cfg.Redis.Clock)
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
func (n *nodeActor) Receive(ctx actor.Context) { handle(n, ctx) }

func (n *nodeActor) receive(ctx actor.Context) {
	n.ctx = ctx
	switch {
	case n.twin:
		return
	case n.shared.ending:
		n.afterEnd(ctx)
		return
	case (n.restarting || n.broken) && n.hold(ctx):
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		if self := ctx.Self(); !n.shared.self.CompareAndSwap(nil, self) && !n.shared.self.Load().Equal(self) {
			n.usedTwice(self)
			return
		}
		n.start()
	case *actor.Restarting:
		n.restarting = true
		n.shutdown(errRestarted)
	case *actor.Stopping:
		n.shared.ending = true
		n.turnAway()
		n.forfeit()
		n.unwatch()
		n.shutdown(ErrStopped)
		n.hub.stop(n)
	case *actor.Terminated:
		n.terminated(m.Who)
	case *redisbridge.Link:
		n.onLink(m)
	case *redisbridge.HeartbeatAnswer:
		n.onHeartbeat(m)
	case *redisbridge.JoinAnswer:
		n.onJoined(m)
	case *redisbridge.RollAnswer:
		n.onRolled(m)
	case *redisbridge.MembersAnswer:
		n.onMembers(m)
	case *redisbridge.PurgeAnswer:
		delete(n.fleet.watch.purging, m.Target)
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
	case *redisbridge.Answer:
		n.onCleared(m)
	case *redisbridge.PeerAnswer:
		n.onPeer(m)
	case *redisbridge.Heard:
		n.uninvited(m.Control.Election)
	case *redisbridge.Suspects:
		n.onSuspects(m)
	case *beatDue:
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
	case *originalHeard:
		n.onOriginalHeard(m.id)
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

// usedTwice: these Props have made a node before.
func (n *nodeActor) usedTwice(self *actor.PID) {
	n.twin = true
	n.cfg.Logger.Error("NodeProps was used twice: make new ones for each node", "id", n.cfg.ID)
	n.ctx.Stop(self)
}

// afterEnd: all has been told of the end. What comes while the children stop is for nobody: who
// waits is told by done. An actor that panics when it has been told to stop is restarted by
// protoactor all the same: then it stops again.
func (n *nodeActor) afterEnd(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		select {
		case <-n.shared.done: // that actor has stopped, and this is another one of its name
			n.usedTwice(ctx.Self())
		default:
			ctx.Stop(ctx.Self())
		}
	case *Handle:
		if env := n.shared.start.Load(); env != nil {
			defer n.shared.caught(env.logger, "Handle.Done")
			m.Done(env.handle())
		}
	case *actor.Stopped:
		n.shared.stop()
		n.shared.metrics.stop()
		n.shared.closeBackend()
		close(n.shared.done)
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
	case *retired:
		n.onRetired(m)
	case *retiredDue:
		n.onRetiredDue()
	case *Subscribe:
		n.hub.subscribe(n, m)
	case *subscribeChan:
		n.hub.subscribeChan(n, m)
	case *unsubscribeChan:
		n.hub.unsubscribeChan(n, m)
	case *Unsubscribe:
		n.hub.unsubscribe(n, m)
	case *Ack:
		n.hub.ack(n, m)
	case *ask:
		n.asked(m.request, responder{done: m.done})
	case *Stop:
		n.asked(m, n.responder(m))
	case *sendMessage:
		n.sendMessage(m)
	case *ping:
		n.onPing(m)
	case *Handle:
		defer n.shared.caught(n.env.logger, "Handle.Done")
		m.Done(n.env.handle())
	case *happened:
		for _, ev := range m.events {
			n.hub.publish(n, ev)
		}
	case Event:
		n.hub.publish(n, m)
	case *Run, *Quit, *Resign, *StandDown, *Stand, *Inspect, *Drained:
		n.env.ignore(n.responder(m), errNotElection)
	default:
		if isValue(m) {
			n.env.ignore(n.responder(m), errValue)
		}
	}
}

// responder is the actor that has sent the present message.
func (n *nodeActor) responder(request any) responder {
	return responder{root: n.ctx.ActorSystem().Root, pid: n.ctx.Sender(), from: n.ctx.Self(), request: request}
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

// opened hands on what is asked of an election, or its actor to who asks for that.
func (n *nodeActor) opened(m *open, e *entry) {
	if m.request != nil {
		n.env.root.Send(e.pid, m.request)
		return
	}
	m.done(e.pid, nil)
}

// set has a timer send a message to the node after d, which it is made for when it is first set.
func (n *nodeActor) set(t *redisbridge.Timer, d time.Duration, m any) {
	if *t == nil {
		*t = n.after(d, m)
		return
	}
	(*t).Reset(d)
}

// halt stops timers. It may be called before they are set, and again.
func halt(timers ...redisbridge.Timer) {
	for _, t := range timers {
		if t != nil {
			t.Stop()
		}
	}
}

// after sends a message to the node after d.
func (n *nodeActor) after(d time.Duration, m any) redisbridge.Timer {
	root, self := n.env.root, n.ctx.Self()
	return n.env.clock.AfterFunc(d, func() { root.Send(self, m) })
}
