package inspect

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hustings/actors"
)

// Fleet is a Source of nodes that run in this process: one, as [Node] makes it, or many
// that come and go. Its methods may be called from any goroutine.
type Fleet struct {
	clock Clock

	mu       sync.Mutex // guards the rest
	nodes    map[string]*actors.Node
	watchers map[*watcher]struct{}
}

// watcher is one call of Watch.
type watcher struct {
	ctx   context.Context
	board *Board
	pumps sync.WaitGroup
}

// NewFleet returns a fleet of these nodes.
func NewFleet(nodes ...*actors.Node) *Fleet {
	f := &Fleet{clock: system, nodes: map[string]*actors.Node{}, watchers: map[*watcher]struct{}{}}
	for _, n := range nodes {
		f.Put(n)
	}
	return f
}

// Node returns a Source that shows one node, and what it knows of the others.
func Node(n *actors.Node) *Fleet { return NewFleet(n) }

// Put takes a node into the fleet, in the place of one of the same id that stopped.
func (f *Fleet) Put(n *actors.Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[n.ID()] = n
	for w := range f.watchers {
		f.watch(w, n)
	}
}

// Get returns the node of that id, nil if there is none.
func (f *Fleet) Get(id string) *actors.Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[id]
}

// Boards calls fn for each board that the fleet is shown on: for news that no node tells.
func (f *Fleet) Boards(fn func(*Board)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		fn(w.board)
	}
}

// watch begins to tell of a node. mu is held.
func (f *Fleet) watch(w *watcher, n *actors.Node) {
	w.pumps.Go(func() { f.pump(w.ctx, w.board, n) })
}

// Watch tells of all nodes until ctx ends.
func (f *Fleet) Watch(ctx context.Context, b *Board) {
	w := &watcher{ctx: ctx, board: b}
	f.mu.Lock()
	f.watchers[w] = struct{}{}
	for _, n := range f.nodes {
		f.watch(w, n)
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	delete(f.watchers, w)
	f.mu.Unlock()
	w.pumps.Wait()
}

// buffer is how many events of a node may wait to be put on the board. With more, the
// board reads the state of everything instead, and single transitions are lost to it.
const buffer = 4096

// pump puts a node's events on a board until the node stops or ctx ends.
func (f *Fleet) pump(ctx context.Context, b *Board, n *actors.Node) {
	events := n.Subscribe(ctx, actors.SubscribeOptions{Transitions: true, Buffer: buffer})
	id := n.ID()
	b.Change(f.time(), id, "", "", func(s *NodeState) { s.Note = "" })
	f.readAll(b, n)
	// A node that is not ready yet is no member, and nobody tells it when it is one.
	ready := make(chan struct{}, 1)
	timer := f.clock.AfterFunc(0, func() { ready <- struct{}{} })
	defer func() { timer.Stop() }()
	crowded := false
	for open := true; open; {
		var ev actors.Event
		select {
		case <-ready:
			if !f.readMembers(b, n) {
				timer.Reset(readyAgain)
			}
			continue
		case ev, open = <-events:
		}
		if !open {
			break
		}
		f.tell(b, n, ev)
		// Everything is read once after a flood, not at each sign of it; and also if its
		// last events were dropped, with nothing after them to say so.
		_, missed := ev.(*actors.Missed)
		crowded = crowded || missed || len(events) > buffer/2
		if crowded && len(events) == 0 {
			crowded = false
			f.readAll(b, n)
			f.miss(b, n)
		}
	}
	if ctx.Err() == nil && f.Get(id) == n {
		why := "stopped"
		if err := n.Err(); err != nil {
			why = "failed: " + err.Error()
		}
		b.Stopped(f.time(), id, why)
	}
}

func (f *Fleet) time() time.Time { return f.clock.Now().Time() }

// readAll puts everything that a node knows on the board.
func (f *Fleet) readAll(b *Board, n *actors.Node) {
	at, h := f.time(), n.Health()
	b.Change(at, n.ID(), "", "", func(s *NodeState) { s.Here, s.Link, s.Up = true, h.LinkUp, h.LinkUp || s.Up })
	f.readMembers(b, n)
	for _, v := range n.Views() {
		b.View(at, n.ID(), v)
	}
}

// readyAgain is how long until a node is asked again whether it is a member.
const readyAgain = 100 * time.Millisecond

// readMembers puts the members that a node knows on the board, and reports whether it is one
// itself: it is when it is ready, and nobody tells it.
func (f *Fleet) readMembers(b *Board, n *actors.Node) (ready bool) {
	for _, m := range n.Members() {
		ready = ready || m.ID == n.ID()
		b.Change(f.time(), m.ID, "", "", func(s *NodeState) { member(s, m) })
	}
	return ready
}

// miss takes those out of the fleet whose leave was among events that were lost.
func (f *Fleet) miss(b *Board, n *actors.Node) {
	there := map[string]bool{}
	for _, m := range n.Members() {
		there[m.ID] = true
	}
	for _, id := range b.elsewhere() {
		if !there[id] {
			b.Change(f.time(), id, "", id+" has left the fleet", func(s *NodeState) { s.Up = false })
		}
	}
}

func member(s *NodeState, m actors.Member) {
	s.Rank, s.Original, s.Host, s.PID, s.Up = m.Rank, m.Original, m.Host, m.PID, true
}

// tell puts one event on the board.
func (f *Fleet) tell(b *Board, n *actors.Node, ev actors.Event) {
	id := n.ID()
	switch ev := ev.(type) {
	case *actors.Moved:
		b.Moved(id, ev.Election, ev.Transition)
	case *actors.Status:
		b.View(f.time(), id, ev.View)
	case *actors.Ending:
		b.Note(ev.At.Time(), id, ev.Election, "lost", fmt.Sprintf("%s is to stop its work in %q: %v", id, ev.Election, ev.Cause))
	case *actors.DrainOverdue:
		b.Note(ev.At.Time(), id, ev.Election, "bad", fmt.Sprintf("%s gave up the office of %q while its work may still run: %v", id, ev.Election, ev.Cause))
	case *actors.LinkChanged:
		link(b, id, ev)
	case *actors.PeerUp:
		b.Change(ev.At.Time(), ev.Peer.ID, "good", ev.Peer.ID+" is in the fleet", func(s *NodeState) { member(s, ev.Peer) })
	case *actors.PeerLeft:
		b.Change(ev.At.Time(), ev.Peer.ID, "", ev.Peer.ID+" has left the fleet", func(s *NodeState) { s.Up = false })
	case *actors.PeerDead:
		b.Change(ev.At.Time(), ev.Peer.ID, "bad", ev.Peer.ID+" is dead: its session ended", func(s *NodeState) { s.Up = false })
	case *actors.Failed:
		about := ""
		if ev.Election != "" {
			about = fmt.Sprintf(" in %q", ev.Election)
		}
		b.Note(ev.At.Time(), id, ev.Election, "bad", fmt.Sprintf("%s has failed%s: %v", id, about, ev.Err))
	}
}

func link(b *Board, id string, ev *actors.LinkChanged) {
	text, tone := id+" has its link to Redis", "good"
	if !ev.Up {
		text, tone = id+" has lost its link to Redis", "bad"
		if ev.Err != nil {
			text += ": " + ev.Err.Error()
		}
	}
	b.Change(ev.At.Time(), id, tone, text, func(s *NodeState) { s.Link, s.Up = ev.Up, s.Up || ev.Up })
}

// Trust is how long a node's term is trusted yet.
func (f *Fleet) Trust(node, election string) time.Duration {
	n := f.Get(node)
	if n == nil {
		return 0
	}
	return n.Leadership(election).Left()
}

// Inspect asks a node.
func (f *Fleet) Inspect(ctx context.Context, node, election string) (*actors.Snapshot, error) {
	n := f.Get(node)
	if n == nil {
		return nil, fmt.Errorf("inspect: there is no node %q in this process", node)
	}
	return n.Inspect(ctx, election)
}

// Actions are what an election can be told.
func (f *Fleet) Actions() []Action {
	return []Action{
		{Name: "run", Label: "Run", Scope: "seat", If: []string{"idle"}, Help: "Stand in the election."},
		{Name: "resign", Label: "Resign", Scope: "seat", If: []string{"leads"}, Help: "Give up the office and stay a candidate; the next in rank follows."},
		{Name: "appoint", Label: "Appoint", Scope: "seat", If: []string{"stands"}, Help: "Has the leader, if this process runs it, resign in favour of this node."},
		{Name: "standdown", Label: "Stand down", Scope: "seat", If: []string{"leads", "stands"}, Help: "Give up the office and stay out of the election until told to stand, for maintenance."},
		{Name: "stand", Label: "Stand again", Scope: "seat", If: []string{"stood down"}, Help: "Stand again after standing down, if it was a candidate before."},
		{Name: "quit", Label: "Quit", Scope: "seat", If: []string{"leads", "stands", "stood down"}, Danger: true, Help: "Withdraw from the election, giving up the office first."},
	}
}

// appoint has the leader resign in favour of a node.
func (f *Fleet) appoint(ctx context.Context, node, election string) (string, error) {
	f.mu.Lock()
	var leader *actors.Node
	for _, n := range f.nodes {
		if n.Leadership(election).Valid() {
			leader = n
		}
	}
	f.mu.Unlock()
	if leader == nil {
		return "", fmt.Errorf("no node of this process leads %q", election)
	}
	if err := leader.ResignTo(ctx, election, node); err != nil {
		return "", err
	}
	return leader.ID() + " has resigned in favour of " + node, nil
}

// Do tells a node's election to run, resign, be appointed, stand down, stand again or quit.
func (f *Fleet) Do(ctx context.Context, c Command) (string, error) {
	n := f.Get(c.Node)
	if n == nil {
		return "", fmt.Errorf("there is no node %q in this process", c.Node)
	}
	switch c.Action {
	case "run":
		return c.Node + " stands", n.Run(ctx, c.Election)
	case "resign":
		return c.Node + " has resigned", n.Resign(ctx, c.Election)
	case "appoint":
		return f.appoint(ctx, c.Node, c.Election)
	case "standdown":
		return c.Node + " has stood down", n.StandDown(ctx, c.Election)
	case "stand":
		return c.Node + " stands again", n.Stand(ctx, c.Election)
	case "quit":
		return c.Node + " has quit", n.Quit(ctx, c.Election)
	}
	return "", fmt.Errorf("%q is no action", c.Action)
}
