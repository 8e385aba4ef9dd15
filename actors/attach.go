package actors

import (
	"errors"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// identify: the node, or a predecessor, has told us who we are.
func (e *election) identify(id *identity) {
	e.name, e.cfg, e.cell = id.name, id.cfg, id.cell
	if id.env != nil {
		e.attach(id.env, id.recover)
		return
	}
	e.join(nil) // the node has looked at the config
}

// join asks to belong to the node.
func (e *election) join(err error) {
	process, _ := e.root.ActorSystem().ProcessRegistry.Get(e.self)
	e.root.Send(e.nursery.node, &attach{election: e.name, pid: e.self, process: process, cell: e.cell, cfg: *e.cfg, err: err})
}

// attach begins with a node's start: the first one, or the next after the node was
// restarted. A predecessor, one of this actor's own before a panic or another actor of the
// same name, may have left a record or a candidacy: then this one begins by withdrawing,
// and stands when Redis has answered.
func (e *election) attach(env *env, recover bool) {
	if e.env == env {
		return // the node became ready while we asked to join, and has greeted us for both
	}
	e.leave(fsm.CauseNodeStopped)
	rank, err := rankOf(env, e.name)
	if err != nil {
		env.publish(&Failed{Election: e.name, At: env.clock.Now(), Err: err})
		e.detach(err, fsm.CauseNodeStopped)
		return
	}
	e.env, e.parting = env, false
	e.meter = env.metrics.meter(e.name)
	e.gen = env.entropy()
	self := fsm.Candidate{ID: env.cfg.ID, Inc: env.session.Inc(), Rank: rank}
	if e.cfg.EvictGrace > 0 {
		env.evictable.Store(true)
	}
	e.m = fsm.NewMachine(self, env.rulesOf(e.cfg), env.session, env.entropy())
	if starts := e.cell.starts.Add(1); recover || starts > 1 {
		e.step(fsm.Input{Kind: fsm.InRecover})
	}
	if e.cell.down.Load() {
		e.step(fsm.Input{Kind: fsm.InStandDown})
	}
	if e.closed() != nil {
		e.cell.run.Store(false) // as if it had been told to quit
	}
	if e.explicit() || e.contending() != nil {
		e.step(fsm.Input{Kind: fsm.InRun})
	}
	e.show()
	if e.following() {
		e.follow()
	}
	for e.papers != nil && len(e.papers.waiting) > 0 { // one by one: if one panics the others are answered
		w := e.papers.waiting[0].(postponed)
		e.papers.waiting = e.papers.waiting[1:]
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
	case *awake, *actor.DeadLetterResponse, *redisbridge.Answer, *redisbridge.Looked, *redisbridge.Heard, *redisbridge.PeerAnswer, *redisbridge.RestoreAnswer, *tick, *nudge, *rekick:
		return // of a start that is over
	}
	if e.papers != nil && e.papers.failed != nil {
		e.refuse(ctx.Sender(), m, e.papers.failed)
		return
	}
	switch m := m.(type) {
	case *inspect:
		m.done(nil, errNotReady) // it is not to wait for Redis
		return
	case *recant:
		e.forget(m)
		return
	}
	if len(e.desk().waiting) >= maxWaiting {
		e.refuse(ctx.Sender(), m, errCrowded)
		return
	}
	e.desk().waiting = append(e.desk().waiting, postponed{ctx.Sender(), m})
}

// forget drops a contender that waits for the node. Redis has not heard of it.
func (e *election) forget(m *recant) {
	if e.papers != nil {
		e.papers.waiting = slices.DeleteFunc(e.papers.waiting, func(w any) bool {
			c, is := w.(postponed).message.(*contend)
			return is && c.c == m.c
		})
	}
	m.done(nil)
}

// leave ends whatever this start holds, at once: the lease is closed, the context
// cancelled. What Redis holds is left to the successor, or to the TTL.
func (e *election) leave(why fsm.CauseCode) {
	e.disarm()
	if e.m != nil {
		e.m.Abandon()
		e.m = nil
	}
	if e.lead != nil {
		e.unlead(fsm.Cause{Code: why})
	}
	if e.papers != nil {
		e.papers.checks, e.papers.ghosts = nil, nil
	}
}

// detach: the node is gone, or refuses us, or this actor ends.
func (e *election) detach(err error, why fsm.CauseCode) {
	if e.cell == nil {
		return // nobody has told us yet who we are
	}
	// Not what the machine says: a step that has panicked was not told whole.
	won, knew, env := e.won, e.knew, e.env
	e.leave(why)
	e.env, e.won, e.knew = nil, false, false
	e.cell.view.Store(nil)
	if won {
		env.publish(&Lost{Election: e.name, At: env.clock.Now(), Cause: fsm.Cause{Code: why}})
	}
	if knew {
		env.publish(&LeaderChanged{Election: e.name, At: env.clock.Now()})
	}
	if env != nil && !e.retired { // then it is told already, and another one of this name may be there
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
	for _, list := range [][]responder{p.taken, p.quitting, p.resigned} {
		respond(list, err)
	}
	if c := p.contender; c != nil {
		c.answer(nil, err)
	}
	for _, m := range p.waiting {
		w := m.(postponed)
		e.refuse(w.sender, w.message, err)
	}
}
