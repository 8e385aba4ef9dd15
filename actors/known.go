package actors

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hustings/fsm"
	"hustings/redisbridge"
)

// Inspect returns everything that the election knows of itself. It never blocks on Redis.
// ErrUnknown if this node neither stands in it nor observes it, nor did lately: Inspect does
// not open it.
// Before the node is ready it is refused with an error.
func (n *Node) Inspect(ctx context.Context, election string) (*Snapshot, error) {
	for {
		e := n.shared.elections.find(election)
		if e == nil {
			break
		}
		ch, done := answers[*Snapshot]()
		s, err := askAt(ctx, n, stay{election, e.pid}, &inspect{done: done}, ch)
		switch {
		case err == nil:
			return s, nil
		case !errors.Is(err, errGone):
			return nil, fmt.Errorf("inspect %q: %w", election, err)
		}
	}
	select {
	case <-n.shared.done:
		return nil, fmt.Errorf("inspect %q: %w", election, n.stoppedErr())
	default:
		return nil, fmt.Errorf("inspect %q: %w: %s", election, ErrUnknown, stranger)
	}
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

// stranger is why a node knows nothing of an election.
const stranger = "this node neither stands in it nor observes it: Run, Lead or Observe it"

// Leader says who leads, from local knowledge: it asks nobody. ErrNoLeader: the office is
// vacant. ErrUnknown: nobody has looked yet, or looks any more (Run or Observe the election), no
// heartbeat was answered for longer than the TTL, or this node does not stand, originals do,
// and which of them leads is in no record.
//
// A change is known as soon as the message about it has come. The end of the leader's
// session is known without one. Where the message about another change was lost, what is
// said here of another node is old until this one looks: a quarter of Config.Interval (at
// least a TTL) after a term began anywhere in the fleet, 15 s by default. While somebody
// observes the election it looks every TTL/3. Of an original it is as old as an Interval.
// Only the leader's own Valid is sure.
func (n *Node) Leader(election string) (Leader, error) {
	v, err := n.View(election)
	if err != nil {
		return Leader{}, err
	}
	env := n.shared.start.Load()
	switch {
	case env == nil || !env.fresh():
		return Leader{}, fmt.Errorf("election %q: %w: no heartbeat was answered for longer than the TTL", election, ErrUnknown)
	case !v.Leader.Known && v.State == fsm.Idle && !env.mixed.Load():
		return Leader{}, fmt.Errorf("election %q: %w: nobody has looked yet, or looks any more: Run, Lead or Observe it", election, ErrUnknown)
	case !v.Leader.Known:
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

// Turns is another number whenever Leadership may answer differently than before, for
// whatever election: while it stays the same, no term of this node has begun or ended.
// Who watches many elections closely need not ask for each of them until then.
func (n *Node) Turns() uint64 { return n.shared.elections.turns.Load() }

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
		return View{}, fmt.Errorf("election %q: %w: %s", election, ErrUnknown, stranger)
	}
	return c.present(election), nil
}

// LastResult is the last decided result of an election: none, won or lost; none again when
// it was quit or stands down. It is what the original's getLastStatus meant to tell.
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
// closed when ctx ends or the node stops, so its end tells of the node's; a node that has
// failed tells Failed, and its channels stay open until Stop. A slow reader never blocks
// anybody. Subscribing to an election does not open it: Run, Observe or the like do.
func (n *Node) Subscribe(ctx context.Context, o SubscribeOptions) <-chan Event {
	if o.Buffer <= 0 {
		o.Buffer = maxQueued
	}
	ch := make(chan Event, max(o.Buffer, 2)+1) // one for Missed: see hub.toChannel
	closeCh := sync.OnceFunc(func() { close(ch) })
	// The node may stop, or have stopped, before it has heard of us.
	forget := context.AfterFunc(n.shared.stopped, closeCh)
	n.send(ctx, n.pid, &subscribeChan{election: o.Election, transitions: o.Transitions, ch: ch, closeCh: func() { forget(); closeCh() }})
	context.AfterFunc(ctx, func() { n.send(ctx, n.pid, &unsubscribeChan{ch: ch}) })
	return ch
}

// besideOriginals reports whether an original is in the fleet.
func (n *Node) besideOriginals() bool {
	env := n.shared.start.Load()
	return env != nil && env.mixed.Load()
}

// Observe streams who leads an election, without standing in it: first what is known now,
// then what has changed, at most TTL/3 late; a leader or a vacancy that is over before this
// node looks is not told. Before anything is known nothing comes, as while
// Redis is away; nor does it say that what is known has become old: see [Node.Leader]. A
// Leader with an empty ID is a vacancy, or, where originals are in the fleet, that none of
// ours leads and it is not known who of them does. The channel has room for one: a slow
// reader gets the latest. It is closed when ctx ends or the node stops. With
// Config.Elections.Run the node stands in what it observes.
func (n *Node) Observe(ctx context.Context, election string) (<-chan Leader, error) {
	turnover, at := n.turnover(), stay{election: election}
	look := func() error {
		pid, err := n.election(ctx, election)
		if err == nil && (at.pid == nil || !at.pid.Equal(pid)) { // else it has counted us
			at.pid = pid
			n.send(ctx, pid, &observe{delta: 1})
		}
		return err
	}
	out := make(chan Leader, 1)
	if err := look(); err != nil {
		return nil, fmt.Errorf("observe %q: %w", election, err)
	}
	events := n.Subscribe(ctx, SubscribeOptions{Election: election})
	go func() {
		defer close(out)
		defer func() { n.send(ctx, at.pid, &observe{delta: -1}) }()
		var last Leader
		told := false
		for {
			select {
			case <-turnover:
				if turnover = n.turnover(); at.gone(n) && look() != nil {
					turnover = nil // the node is gone, or nobody wants to know any more
				}
			case ev, ok := <-events:
				if !ok {
					return
				}
				s, ok := ev.(*Status)
				if !ok || !s.Leader.Known && (!told || !n.besideOriginals()) {
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
		}
	}()
	return out, nil
}
