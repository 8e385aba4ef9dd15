package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// election is the actor of one election: it decodes messages into inputs, steps the
// machine, and performs its effects. All rules are the machine's.
type election struct {
	name    string
	cfg     *ElectionConfig // shared, and never changed; its Name may be another's
	nursery *nursery        // of the node
	cell    *cell           // shared with the predecessor after a restart, and with readers

	env  *env // of the node's present start, nil until attached
	m    *fsm.Machine
	gen  uint64 // of the machine: answers to a predecessor's calls are dropped
	self *actor.PID
	root *actor.RootContext

	armed time.Duration     // monotonic instant of the one timer, 0: none
	timer redisbridge.Timer // nil while there is no deadline: a process may have 100,000 of us

	lead    *Leadership
	papers  *papers // see desk
	meter   *meter  // nil if nothing is measured
	drains  bool    // an actor says, with Drained, when the work of the term has stopped
	parting bool    // the node stops, and has had us quit
	watches bool    // we are told when the node stops
	retired bool    // nobody needs us, and we are to be stopped
	won     bool    // subscribers were told Won last, not Lost
	knew    bool    // they were told who leads, or that nobody does
	broken  bool    // it has panicked, and its supervisor decides
	resumed bool    // that one let it go on, and it has itself restarted
}

// papers are what waits for something else. Most elections have none of them, most of
// the time, and a process may have 100,000 elections.
type papers struct {
	contender *contender
	fault     *fsm.Cause  // why the answer that is being handled is none, while it is
	failed    error       // why the node does not take us, or is gone
	waiting   []any       // requests that came before the node did
	taken     []responder // of the request that is being handled, if it is answered at once
	quitting  []responder
	resigned  []responder
	named     []nomination          // resignations that name a successor, not begun yet
	checks    []redisbridge.Control // whose senders the round does not expect, and Redis is asked about
	ghosts    map[string]time.Duration
	old       *records // of originals, nil while there is nothing to note
	unsent    uint64   // Counters.Registering when the candidacy began without a link, 0: Redis may know of it
}

// desk returns the papers, made if need be.
func (e *election) desk() *papers {
	if e.papers == nil {
		e.papers = &papers{}
	}
	return e.papers
}

// explicit reports whether Run was asked for; else the candidacy lasts as long as somebody
// contends.
func (e *election) explicit() bool { return e.cell.run.Load() }

// contending is who waits for a term, nil if nobody does. One that has left stays on the
// papers until its recant comes, or the next one.
func (e *election) contending() *contender {
	if e.papers == nil || e.papers.contender == nil || e.papers.contender.settled.Load() != nil {
		return nil
	}
	return e.papers.contender
}

// tidy gives the papers up if nothing is on them. Who does not stand hears no votes of ghosts.
func (e *election) tidy() {
	e.tidyRecords()
	if e.papers != nil && e.m != nil && e.m.State() == fsm.Idle {
		e.papers.ghosts = nil
	}
	if e.papers != nil && e.env != nil && e.papers.unsent != e.env.counters.Registering() {
		e.papers.unsent = 0
	}
	if p := e.papers; p != nil && p.unsent == 0 && p.contender == nil && p.fault == nil && p.failed == nil && p.old == nil && len(p.ghosts) == 0 &&
		len(p.waiting)+len(p.taken)+len(p.quitting)+len(p.resigned)+len(p.named)+len(p.checks) == 0 {
		e.papers = nil
	}
}

// maxChecks bounds how many control messages wait for that; a further one is dropped, its sender tries again.
const maxChecks = 64

// maxWaiting bounds the requests that wait for the node.
const maxWaiting = 64

// ElectionProps returns what to spawn to take part in an election as a node does. node is
// the PID of a node's actor of the same actor system. The actor may be spawned under any
// parent; one node has one actor an election, a second one gets Failed with ErrBusy.
//
// An invalid config makes an actor that sends Failed to the node's subscribers and
// answers every request with the error; so does, but for Failed, one without a node. Props
// may be used more than once, as for an actor that comes after one that has stopped.
func ElectionProps(node *actor.PID, cfg ElectionConfig) *actor.Props {
	cfg = cfg.withDefaults()
	outside := &nursery{node: node}
	return actor.PropsFromProducer(func() actor.Actor {
		return &election{name: cfg.Name, cfg: &cfg, nursery: outside, cell: newCell(cfg.Run)}
	}, lean)
}

// Receive is the actor's one entry.
func (e *election) Receive(ctx actor.Context) { handle(e, ctx) }

func (e *election) receive(ctx actor.Context) {
	if e.broken && e.goesOn(ctx) {
		return
	}
	if e.retired {
		if _, stopping := ctx.Message().(*actor.Stopping); !stopping {
			return
		}
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		e.self, e.root = ctx.Self(), ctx.ActorSystem().Root
		id, restarted := e.nursery.left.LoadAndDelete(e.self.Id)
		switch {
		case e.nursery.ours() && restarted:
			e.identify(id.(*identity))
		case e.nursery.ours(): // the node tells who we are
		default:
			if restarted {
				e.cell = id.(*identity).cell
			}
			if err := nodeless(ctx, e.nursery.node); err != nil {
				e.detach(err, fsm.CauseNone)
				break
			}
			ctx.Watch(e.nursery.node)
			e.watches = true
			e.join(e.cfg.Validate())
		}
	case *identity:
		e.identify(m)
	case *actor.Stopping:
		if e.watches {
			unwatch(ctx, e.nursery.node)
		}
		if err := e.over(); err != nil {
			e.detach(err, fsm.CauseNodeStopped)
		} else {
			e.detach(errGone, fsm.CauseActorStopped)
		}
	case *actor.Restarting:
		if !e.broken { // it is restarted with its siblings
			e.breaks()
		}
		e.nursery.left.Store(e.self.Id, &identity{name: e.name, cfg: e.cfg, cell: e.cell})
	case *actor.Terminated:
		if m.Who.Equal(e.nursery.node) {
			e.watches = false
			e.detach(ErrStopped, fsm.CauseNodeStopped)
		}
	case *attached:
		e.attach(m.env, m.recover)
	case *detached:
		e.detach(m.err, fsm.CauseNodeStopped)
	case *pinged:
		m.done(struct{}{}, nil)
	case *retire:
		e.onRetire()
	default:
		if a, ok := m.(*ask); ok && !a.taker.CompareAndSwap(nil, e.self) {
			break
		}
		if err := e.over(); err != nil {
			e.detach(err, fsm.CauseNodeStopped) // its trust has been revoked: that is no lapse
		}
		if e.env == nil {
			e.postpone(ctx, m)
			break
		}
		e.handle(ctx.Sender(), m)
	}
	e.tidy()
}

// nodeless is why nobody can belong to that node, nil if one can. Messages to it are no protobuf, so that
// protoactor's remote takes them nowhere.
func nodeless(ctx actor.Context, node *actor.PID) error {
	if node == nil {
		return errNoNode
	}
	switch node.Address {
	case ctx.Self().Address, ctx.ActorSystem().Address(), "nonhost": // what it was before remote was started
		return nil
	}
	return fmt.Errorf("%w: the node that ElectionProps was given is in another actor system, %q: spawn its elections there", ErrConfig, node.Address)
}

// over is why the node's start has ended to which we belong, nil if it lasts.
func (e *election) over() error {
	env := e.env
	if env == nil {
		env = e.nursery.env // we wait for it to be ready
	}
	if env != nil {
		if why := env.over.Load(); why != nil {
			return *why
		}
	}
	return nil
}

// handle takes everything that needs a machine.
func (e *election) handle(sender *actor.PID, m any) {
	switch m := m.(type) {
	case *redisbridge.Answer:
		if m.Gen == e.gen {
			e.meter.answered(e, &m.Input)
			switch {
			case m.Input.Cause.Code == fsm.CauseNone:
				e.step(m.Input)
				if m.Input.Kind == fsm.InSurveyed {
					e.lookAway() // it may have been asked whether we are still a candidate, and no more
				}
				return
			case m.Input.Kind == fsm.InWithdrawn:
				e.unquit(m.Input.Cause)
				return
			}
			e.desk().fault = &m.Input.Cause
			e.step(m.Input)
			e.desk().fault = nil
		}
	case *tick:
		e.armed = 0
		e.step(fsm.Input{Kind: fsm.InTick})
	case *nudge:
		if m.in.Kind == fsm.InNudge && e.m.State() == fsm.Idle && !e.following() && !m.listed {
			return // nobody wants to know any more
		}
		e.step(m.in)
	case *redisbridge.Looked:
		e.step(fsm.Input{Kind: fsm.InSurveyed, Round: fsm.RollCall, Survey: m.Survey})
	case *redisbridge.Heard:
		e.hear(m.Control)
	case *redisbridge.PeerAnswer:
		e.verified(m)
	case *redisbridge.RestoreAnswer:
		e.restored(m)
	case *rekick:
		e.kickAgain(m)
	default:
		e.request(sender, m)
	}
}

// step feeds the machine and performs what it says. Subscribers are told when all is
// done: whoever waits for Redis must not wait for them too.
func (e *election) step(in fsm.Input) {
	var told news
	defer told.send(e.env) // what was done before a panic is told
	e.stepOnce(in, &told)
}

func (e *election) stepOnce(in fsm.Input, told *news) {
	now := e.env.clock.Now()
	idle := e.m.State() == fsm.Idle
	fx := e.m.Step(now, in)
	if idle && e.m.State() != fsm.Idle {
		e.unheard()
	}
	steps := e.env.cfg.Steps
	if steps != nil {
		e.tell(steps, now, in, fx)
	}
	changed := len(fx) > 0 && e.store() // first: whoever hears of it may ask at once
	for i := range fx {
		e.perform(now, &fx[i], told)
	}
	if steps == nil {
		fsm.Recycle(fx) // who is told of every step may keep them
	}
	if e.m.Draining() && !e.awaited() {
		// Nobody's work is to be waited for.
		e.stepOnce(fsm.Input{Kind: fsm.InDrained}, told)
		return
	}
	e.arm(now)
	if changed && e.env.heard() {
		told.add(&Status{View: e.cell.present(e.name)})
	}
}

// unheard notes, while there is no link, that Redis has heard nothing of the candidacy that
// begins: who gives it up before anything that registers us has gone out has nothing to
// withdraw. Nobody knows of it yet, the node neither, who registers those that stand.
func (e *election) unheard() {
	if l := e.env.link.Load(); l != nil && !l.Commands {
		e.desk().unsent = e.env.counters.Registering()
	}
}

// arm keeps one timer, while there is a deadline. One that is set too early is left: its
// tick finds nothing due.
func (e *election) arm(now fsm.Instant) {
	at, ok := e.m.Deadline()
	if ok && e.armed != 0 && e.armed <= at {
		return
	}
	if !ok {
		e.disarm()
		return
	}
	e.armed = at
	if e.timer != nil {
		e.timer.Reset(at - now.Mono)
		return
	}
	root, self := e.root, e.self
	e.timer = e.env.clock.AfterFunc(at-now.Mono, func() { root.Send(self, &tick{}) })
}

func (e *election) disarm() {
	halt(e.timer)
	e.armed, e.timer = 0, nil
}

// show publishes the state.
func (e *election) show() {
	if e.store() && e.env.heard() {
		e.env.publish(&Status{View: e.cell.present(e.name)})
	}
}

// store makes the state known to readers on other goroutines; it reports whether it
// differs from what they knew.
func (e *election) store() bool {
	v := e.glance()
	if old := e.cell.view.Load(); old != nil && *old == v {
		return false
	}
	kept := v
	e.cell.view.Store(&kept)
	return true
}

func (e *election) glance() glance {
	v := glance{
		state: e.m.State(), since: e.m.Since().Wall, round: e.m.Round(),
		result: e.m.Result(), rank: e.m.Self().Rank, leader: e.m.Leader(), draining: e.m.Draining(),
		stoodDown: e.cell.down.Load(),
	}
	if l := e.m.Lease(); l != nil {
		v.token = l.Token()
	}
	return v
}
