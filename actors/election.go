package actors

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

	armed time.Duration // monotonic instant of the one timer, 0: none
	stop  func() bool

	lead     *Leadership
	papers   *papers // see desk
	meter    *meter  // nil if nothing is measured
	held     bool    // somebody was handed the leadership and says when its work stopped
	explicit bool    // Run was asked for; else the candidacy lasts as long as somebody contends
	parting  bool    // the node stops, and has had us quit
}

// papers are what waits for something else. Most elections have none of them, most of
// the time, and a process may have 100,000 elections.
type papers struct {
	contender *contender
	fault     *fsm.Cause // why the answer that is being handled is none, while it is
	failed    error      // why the node does not take us, or is gone
	waiting   []any      // requests that came before the node did
	quitting  []responder
	resigned  []responder
	named     []nomination // resignations that name a successor, not begun yet
	checks    []check      // control messages whose sender is being verified
	ghosts    map[string]time.Duration
}

// desk returns the papers, made if need be.
func (e *election) desk() *papers {
	if e.papers == nil {
		e.papers = &papers{}
	}
	return e.papers
}

// contending is who waits for a term, nil if nobody does.
func (e *election) contending() *contender {
	if e.papers == nil {
		return nil
	}
	return e.papers.contender
}

// tidy gives the papers up if nothing is on them.
func (e *election) tidy() {
	if p := e.papers; p != nil && p.contender == nil && p.fault == nil && p.failed == nil && len(p.ghosts) == 0 &&
		len(p.waiting)+len(p.quitting)+len(p.resigned)+len(p.named)+len(p.checks) == 0 {
		e.papers = nil
	}
}

// check is a control message from somebody whom the round does not expect.
type check struct {
	control redisbridge.Control
	asked   bool
}

// maxChecks bounds how many wait; a further one is dropped, its sender tries again.
const maxChecks = 64

// maxWaiting bounds the requests that wait for the node.
const maxWaiting = 64

// ElectionProps returns what to spawn to take part in an election as a node does. node is
// the PID of a node's actor of the same actor system. The actor may be spawned under any
// parent; one node has one actor an election, a second one gets Failed with ErrBusy.
//
// An invalid config makes an actor that sends Failed to the node's subscribers and
// answers every request with the error.
func ElectionProps(node *actor.PID, cfg ElectionConfig) *actor.Props {
	cfg = cfg.withDefaults()
	return electionProps(node, cfg, &cell{})
}

func electionProps(node *actor.PID, cfg ElectionConfig, c *cell) *actor.Props {
	outside := &nursery{node: node}
	return actor.PropsFromProducer(func() actor.Actor {
		return &election{name: cfg.Name, cfg: &cfg, nursery: outside, cell: c}
	}, lean)
}

// Receive is the actor's one entry.
func (e *election) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		e.self, e.root = ctx.Self(), ctx.ActorSystem().Root
		if !e.nursery.ours() {
			ctx.Watch(e.nursery.node)
			e.join(e.cfg.Validate())
		} else if id, ok := e.nursery.left.LoadAndDelete(e.self.Id); ok {
			e.identify(id.(*identity))
		}
	case *identity:
		e.identify(m)
	case *actor.Stopping:
		if !e.nursery.ours() {
			ctx.Unwatch(e.nursery.node)
		}
		e.detach(ErrStopped)
	case *actor.Restarting:
		if env := e.env; env != nil {
			env.publish(&Failed{Election: e.name, At: env.clock.Now(), Err: errRestarted})
		}
		e.detach(errRestarted)
		if e.nursery.ours() {
			e.nursery.left.Store(e.self.Id, &identity{name: e.name, cfg: e.cfg, cell: e.cell})
		}
	case *actor.Terminated:
		if m.Who.Equal(e.nursery.node) {
			e.detach(ErrStopped)
		}
	case *attached:
		e.attach(m.env, m.recover)
	case *detached:
		e.detach(m.err)
	case *pinged:
		m.done(struct{}{}, nil)
	default:
		if e.env == nil {
			e.postpone(ctx, m)
			break
		}
		e.handle(ctx.Sender(), m)
	}
	e.tidy()
}

// identify: the node, or a predecessor, has told us who we are.
func (e *election) identify(id *identity) {
	e.name, e.cfg, e.cell = id.name, id.cfg, id.cell
	if id.env != nil {
		e.explicit = e.cfg.Run
		e.attach(id.env, id.recover)
		return
	}
	e.join(nil) // the node has looked at the config
}

// join asks to belong to the node.
func (e *election) join(err error) {
	e.explicit = e.cfg.Run
	e.root.Send(e.nursery.node, &attach{election: e.name, pid: e.self, cell: e.cell, cfg: *e.cfg, err: err})
}

// handle takes everything that needs a machine.
func (e *election) handle(sender *actor.PID, m any) {
	switch m := m.(type) {
	case *redisbridge.Answer:
		if m.Gen == e.gen {
			e.meter.answered(e, &m.Input)
			if m.Input.Cause.Code == fsm.CauseNone {
				e.step(m.Input)
				return
			}
			e.desk().fault = &m.Input.Cause
			e.step(m.Input)
			e.desk().fault = nil
		}
	case *tick:
		e.armed, e.stop = 0, nil
		e.step(fsm.Input{Kind: fsm.InTick})
	case *nudge:
		if m.in.Kind == fsm.InNudge && e.m.State() == fsm.Idle && !e.following() && !m.listed {
			return // nobody wants to know any more
		}
		e.step(m.in)
	case *redisbridge.Heard:
		e.hear(m.Control)
	case *redisbridge.PeerAnswer:
		e.verified(m)
	case *rekick:
		e.publish(&fsm.Effect{Kind: fsm.DoKick, To: m.to, Round: m.round})
	default:
		e.request(sender, m)
	}
}

// attach begins with a node's start: the first one, or the next after the node was
// restarted. A predecessor, one of this actor's own before a panic or another actor of the
// same name, may have left a record or a candidacy: then this one begins by withdrawing,
// and stands when Redis has answered.
func (e *election) attach(env *env, recover bool) {
	e.leave()
	rank, err := rankOf(env, e.name)
	if err != nil {
		env.publish(&Failed{Election: e.name, At: env.clock.Now(), Err: err})
		e.detach(err)
		return
	}
	e.env, e.parting = env, false
	e.meter = env.metrics.meter(e.name)
	e.gen = env.entropy()
	self := fsm.Candidate{ID: env.cfg.ID, Inc: env.session.Inc(), Rank: rank}
	e.m = fsm.NewMachine(self, env.rulesOf(e.cfg), env.session, env.entropy())
	if e.cell.starts++; recover || e.cell.starts > 1 {
		e.step(fsm.Input{Kind: fsm.InRecover})
	}
	if e.cell.down.Load() {
		e.step(fsm.Input{Kind: fsm.InStandDown})
	}
	if e.explicit || e.contending() != nil {
		e.step(fsm.Input{Kind: fsm.InRun})
	}
	e.show()
	if e.following() {
		e.follow()
	}
	if e.papers == nil {
		return
	}
	waiting := e.papers.waiting
	e.papers.waiting = nil
	for _, m := range waiting {
		w := m.(postponed)
		e.handle(w.sender, w.message)
	}
}

// postponed is a request that came before the node did.
type postponed struct {
	sender  *actor.PID
	message any
}

func (e *election) postpone(ctx actor.Context, m any) {
	switch m.(type) {
	case *redisbridge.Answer, *redisbridge.Heard, *redisbridge.PeerAnswer, *tick, *nudge, *rekick:
		return // of a start that is over
	}
	if e.papers != nil && e.papers.failed != nil {
		e.refuse(ctx.Sender(), m, e.papers.failed)
		return
	}
	if len(e.desk().waiting) >= maxWaiting {
		e.refuse(ctx.Sender(), m, ErrBusy)
		return
	}
	e.desk().waiting = append(e.desk().waiting, postponed{ctx.Sender(), m})
}

// leave ends whatever this start holds, at once: the lease is closed, the context
// cancelled. What Redis holds is left to the successor, or to the TTL.
func (e *election) leave() {
	if e.stop != nil {
		e.stop()
		e.armed, e.stop = 0, nil
	}
	if e.m != nil {
		e.m.Abandon()
		e.m = nil
	}
	if e.lead != nil {
		e.unlead(fsm.Cause{Code: fsm.CauseNodeStopped})
	}
	if e.papers != nil {
		e.papers.checks, e.papers.ghosts = nil, nil
	}
}

// detach: the node is gone, or refuses us.
func (e *election) detach(err error) {
	won := e.m != nil && e.m.Result() == fsm.ResultWon
	env := e.env
	e.leave()
	e.env = nil
	e.cell.view.Store(nil)
	if won {
		env.publish(&Lost{Election: e.name, At: env.clock.Now(), Cause: fsm.Cause{Code: fsm.CauseNodeStopped}})
	}
	if env != nil && env.heard() {
		env.publish(&Status{View: View{Election: e.name}})
	}
	p := e.papers
	if e.papers = nil; p == nil {
		p = &papers{}
	}
	if !errors.Is(err, errRestarted) {
		e.desk().failed = err
	}
	for _, n := range p.named {
		p.resigned = append(p.resigned, n.r)
	}
	for _, list := range [][]responder{p.quitting, p.resigned} {
		respond(list, err)
	}
	if c := p.contender; c != nil {
		c.done(nil, err)
	}
	for _, m := range p.waiting {
		w := m.(postponed)
		e.refuse(w.sender, w.message, err)
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
	fx := e.m.Step(now, in)
	e.tell(now, in, fx)
	changed := len(fx) > 0 && e.store() // first: whoever hears of it may ask at once
	for i := range fx {
		e.perform(now, &fx[i], told)
	}
	if e.env.cfg.Steps == nil {
		fsm.Recycle(fx) // who is told of every step may keep them
	}
	if e.m.Draining() && !e.held {
		// Nobody's work is to be waited for.
		e.stepOnce(fsm.Input{Kind: fsm.InDrained}, told)
		return
	}
	e.arm(now)
	if changed && e.env.heard() {
		told.add(&Status{View: e.cell.present(e.name)})
	}
}

// arm keeps one timer, while there is a deadline. One that is set too early is left: its
// tick finds nothing due.
func (e *election) arm(now fsm.Instant) {
	at, ok := e.m.Deadline()
	if ok && e.armed != 0 && e.armed <= at {
		return
	}
	if e.stop != nil {
		e.stop()
		e.armed, e.stop = 0, nil
	}
	if !ok {
		return
	}
	e.armed = at
	root, self := e.root, e.self
	e.stop = e.env.clock.AfterFunc(at-now.Mono, func() { root.Send(self, &tick{}) })
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

// perform does one effect.
func (e *election) perform(now fsm.Instant, fx *fsm.Effect, told *news) {
	switch fx.Kind {
	case fsm.DoVote, fsm.DoAck, fsm.DoKick:
		e.publish(fx)
		switch {
		case !fx.To.Original:
		case fx.Kind == fsm.DoKick:
			e.repeatKick(fx)
		case fx.Kind == fsm.DoAck:
			e.publish(fx) // it may wait for us twice, from a round that it gave up
		}
	case fsm.DoSurvey, fsm.DoClaim, fsm.DoReassert, fsm.DoRelease, fsm.DoWithdraw:
		e.call(fx)
	case fsm.DoBeat:
		e.root.Send(e.nursery.node, &beatNow{})
	case fsm.DoWatch:
		e.root.Send(e.nursery.node, &watch{election: e.name, holder: fx.To, left: fx.Left, grace: fx.Grace, place: fx.Place, birth: fx.Birth})
	case fsm.DoLead:
		e.begin(fx.Lease)
	case fsm.DoEndWork:
		e.lead.end(fx.Cause)
		if e.env.heard() {
			told.add(&Ending{Election: e.name, At: now, Token: e.lead.Token(), Cause: fx.Cause})
		}
	case fsm.DoUnlead:
		e.unlead(fx.Cause)
	case fsm.DoEmit:
		e.emit(now, &fx.Notice, told)
	case fsm.DoMoved:
		e.moved(&fx.Transition, told)
	case fsm.DoAnswer:
		e.answer(fx)
	}
}

// call asks Redis.
func (e *election) call(fx *fsm.Effect) {
	if fx.Kind == fsm.DoClaim && fx.Eager {
		return // it went out with the survey
	}
	c := &redisbridge.Call{
		ReplyTo: e.self, Gen: e.gen, Election: e.name, Round: fx.Round, Register: fx.Register,
		Token: fx.Token, Tenancy: fx.Tenancy, Heir: fx.To.ID, Keep: fx.Keep, Rank: e.m.Self().Rank, Mixed: e.env.mixed.Load(),
		Grace: e.cfg.EvictGrace,
	}
	switch fx.Kind {
	case fsm.DoSurvey:
		c.Kind, c.Claim = redisbridge.CallSurvey, fx.Eager
		if fx.Eager {
			e.meter.asked(e)
		}
	case fsm.DoClaim:
		c.Kind = redisbridge.CallClaim
		e.meter.asked(e)
	case fsm.DoReassert:
		c.Kind = redisbridge.CallReassert
	case fsm.DoRelease:
		c.Kind = redisbridge.CallRelease
	case fsm.DoWithdraw:
		c.Kind = redisbridge.CallQuit
	}
	e.root.Send(e.env.bridge, c)
}

var wireTypes = map[fsm.EffectKind]redisbridge.MessageType{
	fsm.DoVote: redisbridge.TypeVote, fsm.DoAck: redisbridge.TypeAck, fsm.DoKick: redisbridge.TypeKick,
}

// publish sends a control message.
func (e *election) publish(fx *fsm.Effect) {
	self := e.m.Self()
	e.root.Send(e.env.bridge, &redisbridge.Call{
		Kind: redisbridge.CallPublish, Target: fx.To.ID, TargetInc: fx.To.Inc, Original: fx.To.Original, Rank: self.Rank,
		Control: &redisbridge.Control{
			Type: wireTypes[fx.Kind], Election: e.name, ID: self.ID, Inc: self.Inc,
			Round: fx.Round, Draining: fx.Draining,
		},
	})
}

func (e *election) repeatKick(fx *fsm.Effect) {
	root, self, m := e.root, e.self, &rekick{to: fx.To, round: fx.Round}
	e.env.clock.AfterFunc(e.env.cfg.originals.rekick, func() { root.Send(self, m) })
}

// begin: a term begins.
func (e *election) begin(lease *fsm.Lease) {
	e.lead = newLeadership(e.name, lease, e.env)
	e.cell.lead.Store(e.lead)
	e.held = e.cfg.Drains
	if c := e.contending(); c != nil {
		e.desk().contender, e.held = nil, true
		e.lead.finish = c.finish
		c.done(e.lead, nil)
	}
}

// unlead: a term is over.
func (e *election) unlead(why fsm.Cause) {
	e.lead.end(why)
	e.lead, e.held = nil, false
	e.cell.lead.Store(nil)
}

// emit tells subscribers and the log.
func (e *election) emit(now fsm.Instant, n *fsm.Notice, told *news) {
	if e.env.heard() {
		told.add(e.event(now, n))
	}
	e.log(n)
	switch n.Kind {
	case fsm.NoticeWon:
		e.tellOriginals()
	case fsm.NoticeLeader:
		e.meter.leader(now, n.Leader.ID)
	case fsm.NoticeDrainOverdue:
		e.meter.drainOverdue()
	default:
	}
}

// event is a notice as subscribers get it.
func (e *election) event(now fsm.Instant, n *fsm.Notice) Event {
	switch n.Kind {
	case fsm.NoticeWon:
		return &Won{Election: e.name, At: now, Token: n.Token, Trusted: e.lead.Until()}
	case fsm.NoticeLost:
		return &Lost{Election: e.name, At: now, Cause: n.Cause, Leader: n.Leader.ID}
	case fsm.NoticeInconclusive:
		return &Inconclusive{Election: e.name, At: now, Cause: n.Cause}
	case fsm.NoticeLeader:
		return &LeaderChanged{Election: e.name, At: now, Leader: n.Leader}
	default:
		return &DrainOverdue{Election: e.name, At: now, Token: n.Token, Cause: n.Cause}
	}
}

// log writes a notice's line. Nothing is put together that nobody reads.
func (e *election) log(n *fsm.Notice) {
	log := e.env.logger
	switch n.Kind {
	case fsm.NoticeWon:
		if e.env.logs(slog.LevelInfo) {
			log.Info("won", "election", e.name, "token", n.Token)
		}
	case fsm.NoticeLost:
		if e.env.logs(slog.LevelInfo) {
			log.Info("lost", "election", e.name, "cause", n.Cause.String(), "leader", n.Leader.ID)
		}
	case fsm.NoticeInconclusive:
		log.Warn("inconclusive", "election", e.name, "cause", n.Cause.String())
	case fsm.NoticeLeader:
		if e.env.logs(slog.LevelDebug) {
			log.Debug("leader", "election", e.name, "leader", n.Leader.ID, "token", n.Leader.Token)
		}
	case fsm.NoticeDrainOverdue:
		log.Error("drain overdue: the office is released while its work may still run", "election", e.name, "token", n.Token, "cause", n.Cause.String())
	}
}

// tellOriginals writes what an original reads as the winner, of whatever election.
func (e *election) tellOriginals() {
	if !e.env.mixed.Load() {
		return
	}
	id, _ := json.Marshal(e.env.cfg.ID) // valid UTF-8: Validate has seen to it
	e.root.Send(e.env.bridge, &redisbridge.Call{
		Kind:    redisbridge.CallWinner,
		Payload: fmt.Sprintf(`{"serverId":%s,"pid":%s}`, id, e.env.cfg.number(e.m.Self().Rank)),
	})
}

func (e *election) moved(t *fsm.Transition, told *news) {
	e.meter.moved(t)
	if e.env.observed.Load() > 0 {
		told.add(&Moved{Election: e.name, Transition: *t})
	}
	if e.env.logs(slog.LevelDebug) {
		e.env.logger.Debug("transition", "election", e.name, "from", t.From.String(), "event", t.Event.String(),
			"to", t.To.String(), "cause", t.Cause.String(), "round", t.Round)
	}
}
