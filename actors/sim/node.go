package sim

import (
	"context"
	"fmt"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
)

// Node is a hustings node in a process of its own: the real one, on the process's
// clock, randomness and link. It belongs to the goroutine of its world.
//
// After a crash and restart it is a new node of the same id, with the same
// elections. Between the two, and until the new one has taken its first message,
// Handle is nil.
type Node struct {
	*Process
	cfg       actors.Config
	elections []actors.ElectionConfig
	watch     []func(actors.Event)
	mains     []func(context.Context, *actors.Node)
	with      []func(*Process)

	pid       *actor.PID
	handle    *actors.Node
	election  map[string]*actor.PID
	observing *actor.PID
	heard     int     // events since the last acknowledgement
	seats     []*seat // the observer's
	turns     uint64  // of the handle, when the observer last looked at the seats
}

// Node starts a node in the process of that name, which must have no other. The
// config's ID is the process's name unless it is set: two processes may have one id.
// Its Redis's Clock, Backend and Entropy are the simulation's, and so are Host and PID
// unless they are set: nothing of this machine shows. A config that [actors.Config.Validate]
// refuses fails the world.
func (w *World) Node(id string, cfg actors.Config) *Node {
	w.helper()
	p := w.Process(id)
	if other := w.observer.node(p); other != nil {
		w.misused("there is a node in process %q already: give each its own name; two processes have one id if Config.ID says so", id)
		return other
	}
	n := &Node{Process: p, cfg: cfg}
	if err := n.config().Validate(); err != nil {
		w.misused("World.Node(%q): %w", id, err)
	}
	w.observer.add(n)
	n.Boot(n.start)
	return n
}

// config is what the present life's node gets.
func (n *Node) config() actors.Config {
	p, cfg := n.Process, n.cfg
	if cfg.ID == "" {
		cfg.ID = p.id
	}
	if cfg.Host == "" {
		cfg.Host = "sim"
	}
	if cfg.PID == 0 {
		cfg.PID = 1
	}
	cfg.Redis.Clock, cfg.Redis.Backend, cfg.Redis.Entropy = p.Clock(), p.Backend(), p.random.Uint64
	return cfg
}

// start is the node's boot.
func (n *Node) start(p *Process) {
	n.handle, n.heard, n.election = nil, 0, make(map[string]*actor.PID)
	n.turns = unseen
	for _, s := range n.seats {
		s.stream, s.standing, s.down = stream{}, s.cfg.Run, false
	}
	n.pid = p.Spawn(actors.NodeProps(n.config()))
	n.observing = p.Spawn(actor.PropsFromProducer(func() actor.Actor { return (*ears)(n) }))
	p.Send(n.pid, &actors.Subscribe{PID: n.observing, Window: window})
	for _, e := range n.elections {
		n.spawn(e)
	}
	for _, f := range n.with {
		f(p)
	}
	p.Send(n.pid, &actors.Handle{Done: func(h *actors.Node) {
		n.handle = h
		for _, f := range n.mains {
			n.main(h, f)
		}
	}})
}

// With has f called now and at each restart, when the node's actor exists: it spawns the
// user's own actors into the node's process.
func (n *Node) With(f func(p *Process)) {
	n.world.scenarios()
	n.with = append(n.with, f)
	if n.Alive() {
		f(n.Process)
	}
}

// Stand opens an election on the node, now and after each restart. A config that
// [actors.ElectionConfig.Validate] or the node refuses fails the world, and so does a second
// call while the election's actor lives.
func (n *Node) Stand(cfg actors.ElectionConfig) {
	n.world.helper()
	n.world.scenarios()
	if err := n.fits(cfg); err != nil {
		n.world.misused("Node.Stand(%q) on %s: %w", cfg.Name, n.id, err)
	}
	if n.stands(cfg.Name) {
		n.world.misused("Node.Stand(%q) on %s: it is open already, and a node has one actor an election", cfg.Name, n.id)
		return
	}
	n.elections = append(slices.DeleteFunc(n.elections, func(e actors.ElectionConfig) bool { return e.Name == cfg.Name }), cfg)
	s := n.world.observer.seat(n, cfg.Name)
	s.cfg, s.standing = cfg, cfg.Run
	if n.Alive() {
		n.spawn(cfg)
	}
}

// fits reports what is wrong with an election's config, on this node.
func (n *Node) fits(cfg actors.ElectionConfig) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	with := n.config()
	with.Elections = cfg
	return with.Validate()
}

// stands reports whether the actor that Stand has spawned for an election lives.
func (n *Node) stands(election string) bool {
	pid := n.election[election]
	if pid == nil {
		return false
	}
	_, lives := n.system.ProcessRegistry.Get(pid)
	return lives
}

// unopened fails the world for a message that would reach nobody.
func (n *Node) unopened(call, election string) {
	n.world.scenarios()
	if !slices.ContainsFunc(n.elections, func(e actors.ElectionConfig) bool { return e.Name == election }) {
		n.world.helper()
		n.world.misused("Node.%s on %s: election %q was not opened by Node.Stand; "+
			"one that an actor or Go code of yours has opened is told by its PID or handle", call, n.id, election)
	}
}

func (n *Node) spawn(cfg actors.ElectionConfig) {
	n.election[cfg.Name] = n.Spawn(actors.ElectionProps(n.pid, cfg))
}

// PID returns the actor of the present node.
func (n *Node) PID() *actor.PID { return n.pid }

// Election returns the actor of an election that was opened by [Node.Stand], nil
// if there is none.
func (n *Node) Election(name string) *actor.PID { return n.election[name] }

// answered reports whether elections answer a message with Done.
func answered(message any) bool {
	switch message.(type) {
	case *actors.Run, *actors.Quit, *actors.Resign, *actors.StandDown, *actors.Stand:
		return true
	}
	return false
}

// Tell sends a message to the actor of an election: a pointer to an actors.Run, Quit, Resign,
// StandDown, Stand or Drained. The election must have been opened by [Node.Stand]; a dead
// process is told nothing.
func (n *Node) Tell(election string, message any) {
	n.world.helper()
	n.unopened("Tell", election)
	if _, drained := message.(*actors.Drained); !drained && !answered(message) {
		n.world.misused("Node.Tell on %s: no election takes %T: tell it &actors.Run{}, Quit, Resign, StandDown, Stand or Drained, by pointer", n.id, message)
	}
	if pid := n.election[election]; pid != nil && n.Alive() {
		n.world.observer.asked(n, election, message)
		n.Send(pid, message)
	}
}

// Ask sends a request to the actor of an election, a pointer to an actors.Run, Quit, Resign,
// StandDown or Stand, and has f called with the answer, as an event of the node's process; never
// if it is dead, or dies before. The election must have been opened by [Node.Stand].
func (n *Node) Ask(election string, request any, f func(error)) {
	n.world.helper()
	n.unopened("Ask", election)
	if !answered(request) {
		n.world.misused("Node.Ask on %s: no election answers %T with Done: ask &actors.Run{}, Quit, Resign, StandDown or Stand, by pointer", n.id, request)
	}
	if pid := n.election[election]; pid != nil && n.Alive() {
		n.world.observer.asked(n, election, request)
		n.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actor.Started:
				c.Request(pid, request)
			case *actors.Done:
				f(m.Err)
				c.Stop(c.Self())
			}
		}))
	}
}

// Handle returns the present node's plain-Go handle, nil while there is none. Of
// its methods only those that do not block may be used: Leader, Leadership, Turns, View,
// Views, LastResult, Members, Health, Counts, Err, ID, TTL, PID. What runs by
// [Node.Go] in a world of [Bubble] is given a handle of which all may be used.
func (n *Node) Handle() *actors.Node {
	if !n.Alive() {
		return nil
	}
	return n.handle
}

// Watch has f called with every event that the node's subscribers get.
func (n *Node) Watch(f func(actors.Event)) {
	n.world.scenarios()
	n.watch = append(n.watch, f)
}

// ears is the actor that subscribes to a node.
type ears Node

// Receive implements [actor.Actor].
func (e *ears) Receive(c actor.Context) {
	n := (*Node)(e)
	ev, ok := c.Message().(actors.Event)
	if !ok {
		return
	}
	n.note(ev)
	n.world.observer.told(n, ev)
	if n.heard++; n.heard == 1<<10 {
		c.Send(n.pid, &actors.Ack{PID: c.Self(), N: n.heard})
		n.heard = 0
	}
	for _, f := range n.watch {
		f(ev)
	}
}

// window is that of the observing subscriber, which is never full.
const window = 1 << 16

// note puts what a subscriber was told into the trace. Describing it is left to the reader.
func (n *Node) note(ev actors.Event) {
	t := &n.world.trace
	switch e := ev.(type) {
	case *actors.Status:
		t.note(n.Process, "status", e.Election, e.State.String(), int64(e.Round)) //nolint:gosec // for eyes only
	case *actors.Won:
		t.event(n.Process, "won", e.Election, e.Token, ev)
	case *actors.Lost:
		t.event(n.Process, "lost", e.Election, uint64(e.Cause.Code), ev)
	case *actors.Ending:
		t.event(n.Process, "ending", e.Election, e.Token, ev)
	case *actors.Inconclusive:
		t.event(n.Process, "inconclusive", e.Election, uint64(e.Cause.Code), ev)
	case *actors.LinkChanged:
		t.event(n.Process, "link", "", uint64(flag(e.Up)), ev) //nolint:gosec // 0 or 1
	case *actors.LeaderChanged:
		t.event(n.Process, "leader", e.Election, e.Leader.Token, ev)
	default:
		t.note(n.Process, describe(ev), "", "", 0)
	}
}

// describe is an event as a line of the trace.
func describe(ev actors.Event) string {
	switch e := ev.(type) {
	case *actors.Won:
		return fmt.Sprintf("won %s, token %d", e.Election, e.Token)
	case *actors.Lost:
		return fmt.Sprintf("lost %s: %v", e.Election, e.Cause)
	case *actors.Ending:
		return fmt.Sprintf("ending %s: %v", e.Election, e.Cause)
	case *actors.Inconclusive:
		return fmt.Sprintf("inconclusive %s: %v", e.Election, e.Cause)
	case *actors.Failed:
		return fmt.Sprintf("failed %s: %v", e.Election, e.Err)
	case *actors.LinkChanged:
		return fmt.Sprintf("link up %v: %v", e.Up, e.Err)
	}
	return fmt.Sprintf("%T", ev)
}
