package actors

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// hub knows a node's subscribers. It belongs to the node's actor: all events pass
// through it, so that each subscriber sees them in one order.
type hub struct {
	subs   []*subscriber            // in the order of their coming
	of     map[string][]*subscriber // by election, "" for all
	by     map[string][]*subscriber // those of an actor, by its PID
	closed bool
}

// subscriber gets events by a channel, or as messages to a PID.
type subscriber struct {
	election    string
	transitions bool
	ch          chan Event
	closeCh     func()
	pid         *actor.PID
	process     actor.Process // pid may come to be another actor's
	window      int
	unacked     int
	queue       []Event
	missed      uint64
	metrics     *metrics
	// With a channel: how long until it is looked at again, 0 if it need not be.
	retell time.Duration
	// Without a window: the latest Status of each election, in the order in which they
	// first changed; where each is in it; and when one was sent.
	latest []*Status
	place  map[string]int
	sentAt time.Duration
	armed  bool
}

// Bounds of a subscription.
const (
	maxQueued = 256
	conflate  = 50 * time.Millisecond
	// A reader that missed something is told as soon as its channel has room, which
	// nobody announces: it is looked at after retellMin, twice that, up to retellMax.
	retellMin = 20 * time.Millisecond
	retellMax = time.Second
)

// subscribeChan subscribes a channel; unsubscribing closes it.
type subscribeChan struct {
	silent
	election    string
	transitions bool
	ch          chan Event
	closeCh     func() // closes ch; a second call does nothing
}

// unsubscribeChan ends a channel's subscription.
type unsubscribeChan struct {
	silent
	ch chan Event
}

// flushDue: a conflated subscriber's pause is over.
type flushDue struct {
	silent
	s *subscriber
}

// retellDue: a channel whose reader missed something is looked at again.
type retellDue struct {
	silent
	s *subscriber
}

// stop closes the channels, and sends actors what was kept back for them, or how much of it
// there was: the node is gone for good.
func (h *hub) stop(n *nodeActor) {
	for _, s := range h.subs {
		switch {
		case s.ch != nil:
			s.close()
		case s.window > 0 && s.missed+uint64(len(s.queue)) > 0:
			n.sendTo(s.pid, &Missed{N: s.missed + uint64(len(s.queue))})
		default:
			h.flush(n, s)
		}
	}
	*h = hub{closed: true}
}

func (h *hub) count(n *nodeActor) {
	observed := int64(0)
	for _, s := range h.subs {
		if s.transitions {
			observed++
		}
	}
	n.env.observed.Store(observed)
	n.shared.subscribed.Store(int64(len(h.subs)))
}

func (h *hub) subscribe(n *nodeActor, m *Subscribe) {
	if m.PID == nil {
		n.env.ignore(n.responder(m), errNoPID)
		return
	}
	n.ctx.Watch(m.PID)
	// It may have been restarted, and have forgotten that it has subscribed.
	h.dismiss(n, m.PID, func(s *subscriber) bool { return s.election == m.Election })
	process, _ := n.ctx.ActorSystem().ProcessRegistry.Get(m.PID)
	h.add(n, &subscriber{election: m.Election, transitions: m.Transitions, pid: m.PID, process: process, window: max(m.Window, 0), sentAt: -conflate})
}

func (h *hub) subscribeChan(n *nodeActor, m *subscribeChan) {
	h.add(n, &subscriber{election: m.election, transitions: m.transitions, ch: m.ch, closeCh: m.closeCh})
}

// add tells a new subscriber the present state first.
func (h *hub) add(n *nodeActor, s *subscriber) {
	if h.closed {
		if s.ch != nil {
			s.closeCh()
		}
		return
	}
	s.metrics = n.shared.metrics
	h.subs = append(h.subs, s)
	h.of = enter(h.of, s.election, s)
	if s.pid != nil {
		h.by = enter(h.by, s.pid.String(), s)
	}
	h.count(n)
	now := n.env.clock.Now()
	if s.election == "" {
		h.offer(n, s, &LinkChanged{At: now, Up: n.link.Up, Deaf: n.link.Deaf, Err: n.link.Err})
		for _, m := range n.fleet.known {
			if m.ID != n.cfg.ID {
				h.offer(n, s, &PeerUp{At: now, Peer: m})
			}
		}
	}
	names := []string{s.election}
	if s.election == "" {
		names = n.names()
	}
	for _, name := range names {
		if e := n.shared.elections.find(name); e != nil {
			h.offer(n, s, &Status{View: e.cell.present(name)})
		}
	}
	if n.failure != nil {
		h.offer(n, s, &Failed{At: now, Err: n.failure})
	}
}

// enter and strike keep an index of subscribers.
func enter(index map[string][]*subscriber, key string, s *subscriber) map[string][]*subscriber {
	if index == nil {
		index = map[string][]*subscriber{}
	}
	index[key] = append(index[key], s)
	return index
}

func strike(index map[string][]*subscriber, key string, s *subscriber) {
	if list := without(index[key], s); len(list) > 0 {
		index[key] = list
	} else {
		delete(index, key)
	}
}

func without(list []*subscriber, s *subscriber) []*subscriber {
	return slices.DeleteFunc(list, func(other *subscriber) bool { return other == s })
}

func (h *hub) unsubscribe(n *nodeActor, m *Unsubscribe) {
	switch {
	case m.PID == nil:
		n.env.ignore(n.responder(m), errNoPID)
		return
	case len(h.by[m.PID.String()]) == 0:
		return
	}
	h.dismiss(n, m.PID, nil)
	unwatch(n.ctx, m.PID) // it may outlive us
}

// ended: an actor has stopped. What the next one of its PID has subscribed to meanwhile lasts.
func (h *hub) ended(n *nodeActor, who *actor.PID) {
	if who == nil || len(h.by) == 0 {
		return
	}
	h.dismiss(n, who, func(s *subscriber) bool { return !n.is(who, s.process) })
}

// is reports whether an actor lives that has this PID and is this process.
func (n *nodeActor) is(pid *actor.PID, process actor.Process) bool {
	p, lives := n.ctx.ActorSystem().ProcessRegistry.Get(pid)
	return lives && p == process
}

// dismiss ends subscriptions of an actor: all, or those that are meant.
func (h *hub) dismiss(n *nodeActor, who *actor.PID, meant func(*subscriber) bool) {
	if who == nil || len(h.by) == 0 {
		return
	}
	for _, s := range slices.Clone(h.by[who.String()]) {
		if meant == nil || meant(s) {
			h.remove(n, s)
		}
	}
}

// unsubscribeChan ends the subscription of a channel.
func (h *hub) unsubscribeChan(n *nodeActor, m *unsubscribeChan) {
	if i := slices.IndexFunc(h.subs, func(s *subscriber) bool { return s.ch == m.ch }); i >= 0 {
		h.remove(n, h.subs[i])
	}
}

// remove ends a subscription.
func (h *hub) remove(n *nodeActor, s *subscriber) {
	h.subs = without(h.subs, s)
	strike(h.of, s.election, s)
	if s.pid != nil {
		strike(h.by, s.pid.String(), s)
	}
	if s.ch != nil {
		s.close()
	}
	s.latest = nil // nothing is sent any more
	clear(s.place)
	h.count(n)
}

// publish offers an event to everybody whom it concerns. That the node has failed concerns
// all.
func (h *hub) publish(n *nodeActor, ev Event) {
	election := ev.event()
	_, failed := ev.(*Failed)
	_, moved := ev.(*Moved)
	lists := [2][]*subscriber{h.of[""]}
	switch {
	case election != "":
		lists[1] = h.of[election]
	case failed:
		lists[0] = h.subs
	}
	for _, list := range lists {
		for _, s := range list {
			if !moved || s.transitions {
				h.offer(n, s, ev)
			}
		}
	}
}

// offer gives an event to one subscriber and never waits for it.
func (h *hub) offer(n *nodeActor, s *subscriber, ev Event) {
	switch {
	case s.ch != nil:
		h.toChannel(n, s, ev)
	case s.window > s.unacked && s.missed == 0 && len(s.queue) == 0:
		n.sendTo(s.pid, ev)
		s.unacked++
	case s.window > 0:
		s.queue = append(s.queue, ev)
		if len(s.queue) > maxQueued {
			s.queue = append(s.queue[:0], s.queue[1:]...)
			s.miss()
		}
		h.drain(n, s)
	default:
		if st, ok := ev.(*Status); ok {
			h.conflate(n, s, st)
		}
	}
}

// sendTo sends an event to an actor, which may subscribe to several nodes.
func (n *nodeActor) sendTo(pid *actor.PID, ev Event) {
	n.env.root.RequestWithCustomSender(pid, ev, n.env.node)
}

// miss counts an event that is dropped.
func (s *subscriber) miss() {
	s.missed++
	s.metrics.dropped(1)
}

// toChannel never blocks. A full channel costs the event. Before the next one comes a
// Missed, which does not wait for that: it is sent as soon as there is room. One place is
// kept for it, so that it is there also where the channel is closed while it is full.
func (h *hub) toChannel(n *nodeActor, s *subscriber, ev Event) {
	need := 2 // the event, and what is kept
	if s.missed > 0 {
		need = 3 // Missed before it
	}
	if s.room() < need {
		s.miss()
		h.arm(n, s)
		return
	}
	s.tell()
	s.ch <- ev
}

// room is how many more fit into the channel. Only the hub sends, so there will not be less.
func (s *subscriber) room() int { return cap(s.ch) - len(s.ch) }

// tell says how many events were missed, if any. There must be room.
func (s *subscriber) tell() {
	if s.missed > 0 {
		s.ch <- &Missed{N: s.missed}
		s.missed = 0
	}
}

// close ends a subscription by channel. What was missed fits: a place is kept for it.
func (s *subscriber) close() {
	s.tell()
	s.closeCh()
}

// arm has the channel looked at again in a while; once is enough.
func (h *hub) arm(n *nodeActor, s *subscriber) {
	if s.retell == 0 {
		s.retell = retellMin
		n.after(s.retell, &retellDue{s: s})
	}
}

// retellDue tells what was missed if there is room now, else looks again later.
func (h *hub) retellDue(n *nodeActor, m *retellDue) {
	s := m.s
	if !slices.Contains(h.subs, s) {
		return // over: its channel may be closed
	}
	if s.room() >= 2 {
		s.tell()
	}
	if s.missed == 0 {
		s.retell = 0
		return
	}
	s.retell = min(2*s.retell, retellMax)
	n.after(s.retell, m)
}

// drain sends what the window allows.
func (h *hub) drain(n *nodeActor, s *subscriber) {
	for len(s.queue) > 0 && s.unacked < s.window {
		if s.missed > 0 {
			n.sendTo(s.pid, &Missed{N: s.missed})
			s.missed = 0
			s.unacked++
			continue
		}
		n.sendTo(s.pid, s.queue[0])
		s.queue = s.queue[1:]
		s.unacked++
	}
}

// ack takes N events of a subscriber as read. Which of its subscriptions they came from it
// does not say: all together may not be read less than that.
func (h *hub) ack(n *nodeActor, m *Ack) {
	left := max(m.N, 0)
	if m.PID == nil {
		n.env.ignore(n.responder(m), errNoPID)
		return
	}
	for _, s := range h.by[m.PID.String()] {
		read := min(left, s.unacked)
		s.unacked -= read
		left -= read
		h.drain(n, s)
	}
}

// conflate keeps the latest state of each election, and sends at most once in a while.
func (h *hub) conflate(n *nodeActor, s *subscriber, st *Status) {
	if i, found := s.place[st.Election]; found {
		s.latest[i] = st
	} else {
		if s.place == nil {
			s.place = map[string]int{}
		}
		s.place[st.Election] = len(s.latest)
		s.latest = append(s.latest, st)
	}
	if s.armed {
		return
	}
	now := n.env.clock.Now()
	if wait := s.sentAt + conflate - now.Mono; wait > 0 {
		s.armed = true
		n.after(wait, &flushDue{s: s})
		return
	}
	h.flushDue(n, &flushDue{s: s})
}

func (h *hub) flushDue(n *nodeActor, m *flushDue) {
	m.s.armed = false
	m.s.sentAt = n.env.clock.Now().Mono
	h.flush(n, m.s)
}

// flush sends the latest state of each election that has changed.
func (h *hub) flush(n *nodeActor, s *subscriber) {
	for _, st := range s.latest {
		n.sendTo(s.pid, st)
	}
	s.latest = nil
	clear(s.place)
}
