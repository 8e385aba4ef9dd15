package actors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// start begins with a new incarnation.
func (n *nodeActor) start() {
	self, root := n.ctx.Self(), n.ctx.ActorSystem().Root
	n.unheard = map[*entry]uint64{}
	n.sends, n.peers = map[uint64]func(int64, error){}, map[uint64]func(*redisbridge.PeerAnswer){}
	n.fleet.watch = newWatchful()
	clock, entropy := n.cfg.Redis.Clock, n.cfg.Redis.Entropy
	n.env = &env{
		cfg: &n.cfg, clock: clock, logger: n.cfg.Logger.With("id", n.cfg.ID), entropy: entropy, root: root, node: self,
		session: fsm.NewSession(fmt.Sprintf("%016x%016x", entropy(), entropy()), n.cfg.TTL),
		offline: &atomic.Bool{}, mixed: &atomic.Bool{}, observed: &atomic.Int64{}, shared: n.shared,
		rules: newRules(&n.cfg, &n.cfg.Elections),
	}
	for _, m := range n.shared.held {
		root.Send(self, m)
	}
	n.shared.held = nil
	n.nursery = newNursery(self, n.shared)
	n.nursery.env = n.env
	n.env.session.SetDeaf(true) // until the subscription is confirmed
	n.hub = &n.shared.hub
	n.hub.count(n)
	n.shared.closeBackend()
	for _, e := range n.shared.spawned() {
		e.holder, e.doubts, e.observed, e.stopped = "", nil, false, false
		n.enter(e)
		n.shared.elections.put(e)
	}
	if err := n.cfg.Validate(); err != nil {
		n.fail(err)
		return
	}
	if p := n.shared.failed.Load(); p != nil {
		n.fail(*p) // before the panic; it is for good
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
	rerun := n.shared.rerun
	n.shared.rerun = nil
	for _, name := range rerun {
		n.open(&open{election: name, run: true, done: func(*actor.PID, error) {}})
	}
	n.env.logger.Info("node starts", append([]any{
		"incarnation", n.env.session.Inc(), "rank", *n.cfg.Rank, "ttl", n.cfg.TTL, "quarantine", *n.cfg.Quarantine,
	}, n.cfg.fleet()...)...)
}

func (n *nodeActor) spawnBridge() error {
	backend := n.cfg.Redis.Backend
	if backend == nil {
		b, err := redisbridge.NewBackend(redisbridge.BackendConfig{
			Redis: *n.cfg.Redis.Options, Keys: redisbridge.Keys(n.cfg.Redis.Prefix), Timeout: n.cfg.TTL / 3, Logger: n.env.logger,
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
	n.revoke(why)
	for _, e := range n.els {
		n.env.root.Send(e.pid, &detached{err: why})
		if n.shared.roster[e.pid.Id].entry != e {
			n.keepDown(e)
			if e.cell.run.Load() {
				n.shared.rerun = append(n.shared.rerun, e.name)
			}
		}
	}
	n.shared.elections.clear()
	n.shared.turn()
	if n.failure != nil {
		n.answerAll(n.failure)
	}
	n.answerAll(why)
	if (n.phase == parting || n.phase == failed) && !errors.Is(why, errRestarted) {
		why = nil
	}
	respond(n.stopping, why)
	n.stopping = nil
	n.phase = parting
}

// revoke ends the start and all its trust. Elections are to see why they lose it.
func (n *nodeActor) revoke(why error) {
	n.env.over.Store(&why)
	n.env.session.Revoke()
}

// forfeit tells that the terms of elections which have not quit are over: after this nobody
// hears of them from here.
func (n *nodeActor) forfeit() {
	n.revoke(ErrStopped)
	if !n.env.heard() {
		return
	}
	now := n.env.clock.Now()
	for _, name := range n.names() {
		e := n.shared.elections.find(name)
		if e == nil {
			continue // it was told already: we were about to begin anew
		}
		v, led := e.cell.present(name), slices.Contains(n.led, name)
		if v.Result == fsm.ResultWon || led {
			n.hub.publish(n, &Lost{Election: name, At: now, Cause: fsm.Cause{Code: fsm.CauseNodeStopped}})
		}
		if v.State != fsm.Idle || led {
			n.hub.publish(n, &Status{View: View{Election: name}})
		}
	}
}

// unwatch ends a watch of an actor that is there: else protoactor would log a dead letter.
func unwatch(ctx actor.Context, pid *actor.PID) {
	if _, lives := ctx.ActorSystem().ProcessRegistry.Get(pid); lives {
		ctx.Unwatch(pid)
	}
}

// unwatch: who stops after us tells us no more of it.
func (n *nodeActor) unwatch() {
	for _, e := range n.shared.spawned() {
		unwatch(n.ctx, e.pid)
	}
	for _, s := range n.hub.subs {
		if s.pid != nil {
			unwatch(n.ctx, s.pid)
		}
	}
}

// answerAll answers everybody who waits for something of this start, but its end.
func (n *nodeActor) answerAll(err error) {
	for _, done := range n.starting {
		done(err)
	}
	for _, k := range slices.Sorted(maps.Keys(n.sends)) {
		n.sends[k](0, err)
	}
	for _, k := range slices.Sorted(maps.Keys(n.peers)) {
		n.peers[k](&redisbridge.PeerAnswer{Err: err})
	}
	for _, list := range []*[]responder{&n.offlining, &n.onlining, &n.returning} {
		n.answer(list, err)
	}
	n.starting = nil
	clear(n.sends)
	clear(n.peers)
}

// answer answers those who wait in a list, and empties it.
func (n *nodeActor) answer(list *[]responder, err error) {
	waiting := *list
	*list = nil
	respond(waiting, err)
}

// fail: nothing will heal this. The node leads nothing and answers with the error until
// it is stopped.
func (n *nodeActor) fail(err error) {
	n.phase, n.failure = failed, err
	n.shared.failed.Store(&err)
	n.beats.stop()
	n.doubts.stop()
	n.fleet.stop()
	n.revoke(err)
	n.link = redisbridge.Link{Err: err} // the bridge is stopped, and says no more
	n.shared.link.Store(&redisbridge.Link{Err: err})
	n.env.logger.Error("node failed", "error", err.Error())
	n.hub.publish(n, &Failed{At: n.env.clock.Now(), Err: err})
	for _, e := range n.els {
		n.env.root.Send(e.pid, &detached{err: err})
	}
	n.answerAll(err)
	if n.env.bridge != nil {
		n.ctx.Stop(n.env.bridge)
	}
	if len(n.stopping) > 0 {
		n.phase = parting
		n.ctx.Stop(n.ctx.Self()) // it was told to while nothing had failed yet
	}
}

// refusal is the end of a start, if an error is one: only a person can heal it. Else nil.
func (n *nodeActor) refusal(err error) error {
	if n.phase >= ready || redisbridge.Classify(err) != redisbridge.Permanent {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
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
	if l.Err != nil && n.phase < ready && n.beats.waited.again(l.Err, now.Mono) {
		n.env.logger.Warn("waiting for Redis", "cause", l.Err.Error())
	}
	if l.Up != was.Up || l.Deaf != was.Deaf || l.Err != nil {
		n.hub.publish(n, &LinkChanged{At: now, Up: l.Up, Deaf: l.Deaf, Err: l.Err})
	}
	if l.Err != nil {
		// The log has it from the bridge. Heartbeats may be answered all the same.
		n.shared.trouble.Store(&l.Err)
	}
	// The subscription is confirmed before the session exists: who can be elected
	// must be able to hear.
	if l.Commands && (l.Up || n.phase > connecting) && n.phase < parting {
		n.beat()
	}
	if l.Up && (!was.Up || was.Deaf && !l.Deaf) && n.phase == ready {
		n.plainly(fsm.InLinkUp)
	}
}

// becomeReady: session, registration and subscription are there.
func (n *nodeActor) becomeReady() {
	n.phase = ready
	n.env.logger.Info("node ready", "members", len(*n.shared.members.Load()))
	if n.shared.offline {
		n.goOffline(responder{}) // as before the panic
	}
	for _, e := range n.els {
		n.greetNow(e)
	}
	for _, done := range n.starting {
		done(nil)
	}
	n.starting = nil
}
