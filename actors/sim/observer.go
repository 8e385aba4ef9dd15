package sim

import (
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// observer holds the nodes of a world to the rules; see [Rules]. It looks after every
// event at what the event can have changed: the terms of the node whose event it was,
// and, where two nodes hold a term of one election, whether both are valid. Looking
// changes nothing: it never asks a lease that could notice its own end by it.
type observer struct {
	world   *World
	nodes   []*Node // by the index of their process, nil where there is none
	contest []*contest
	rivalry int // contests in which more than one seat has a term
	byName  map[string]*contest
	broken  Rule
	waived  []string             // names of rules
	evicted map[string]*eviction // by id, the last
	calm    bool                 // Recover: faults are over, nobody's session may lapse

	terms        int           // that began
	redisHigh    time.Duration // highest offset of Redis's clock
	first, right time.Duration // what the last Recover took
}

// contest is one election, over all nodes.
type contest struct {
	name   string
	seats  []*seat
	held   int    // seats with a term, dead nodes' included
	top    uint64 // highest token of any term
	topBy  string
	topped time.Duration
}

// seat is one node in one election.
type seat struct {
	node     *Node
	contest  *contest
	cfg      actors.ElectionConfig
	life     uint32 // of the process, in which the term began
	term     *term  // the present one, or the last
	stream   stream
	standing bool // told to run, and not to quit
	down     bool // told to stand down, and not to stand again
	resigned bool // told to resign, and not in office since
}

// term is one leadership.
type term struct {
	lead    *actors.Leadership
	done    <-chan struct{} // its context's
	token   uint64
	over    bool
	lapsed  bool          // its trust had ended by then
	drained bool          // its work has returned
	works   int           // pieces of work under it, of Go code that said so: see Working
	ending  time.Duration // when its context was done, on its own monotonic clock; 0: not yet
	overdue bool
	began   time.Duration // of the world
}

func newObserver(w *World) *observer {
	return &observer{world: w, byName: make(map[string]*contest), evicted: make(map[string]*eviction)}
}

// add begins to observe a node.
func (o *observer) add(n *Node) {
	for len(o.nodes) <= n.index {
		o.nodes = append(o.nodes, nil)
	}
	o.nodes[n.index] = n
}

// node returns the node of a process, nil if it has none.
func (o *observer) node(p *Process) *Node {
	if p.index < len(o.nodes) {
		return o.nodes[p.index]
	}
	return nil
}

// seat finds or makes the seat of a node in an election.
func (o *observer) seat(n *Node, election string) *seat {
	for _, s := range n.seats {
		if s.contest.name == election {
			return s
		}
	}
	c := o.byName[election]
	if c == nil {
		c = &contest{name: election}
		o.byName[election] = c
		o.contest = append(o.contest, c)
	}
	s := &seat{node: n, contest: c}
	c.seats = append(c.seats, s)
	n.seats = append(n.seats, s)
	n.turns = unseen // it may have a term already
	return s
}

// look is called after every event.
func (o *observer) look(p *Process, do runner) {
	switch {
	case p == nil:
		o.redisHigh = max(o.redisHigh, o.world.redis.offset)
	case !apart(do):
		if n := o.node(p); n != nil && n.handle != nil && !p.dead {
			o.lookAt(n)
		}
	}
	if o.rivalry == 0 {
		return
	}
	for _, c := range o.contest {
		if c.held > 1 {
			o.compare(c)
		}
	}
}

// hold notes how many seats of a contest have a term.
func (o *observer) hold(c *contest, seats int) {
	o.rivalry += int(flag(seats > 1) - flag(c.held > 1))
	c.held = seats
}

// apart reports whether an event can neither begin nor end a term. Both come with a message
// to a node's actor or an election's: what a bridge or the observing actor does, and what
// arrives on a link, which only sends a message to a bridge, cannot change one.
func apart(do runner) bool {
	switch do := do.(type) {
	case *mailbox:
		return do.apart
	case *request, *requestLimit, *delivery, *ending:
		return true
	}
	return false
}

// unseen is no number of turns: who has not looked at a node yet is to look.
const unseen = 1<<64 - 1

// lookAt sees what an event of a node did to its terms. A term begins and ends by what
// Leadership answers, and while Turns stays the same that is the same for all of them: then
// there is nothing to ask, and a term that goes on is only to be followed.
func (o *observer) lookAt(n *Node) {
	turns := n.handle.Turns()
	turned := turns != n.turns
	n.turns = turns
	for _, s := range n.seats {
		if turned {
			o.turn(s)
		} else if t := s.term; t != nil && !t.over {
			s.during(t)
		}
	}
}

// turn sees whether a term has begun or ended.
func (o *observer) turn(s *seat) {
	l := s.node.handle.Leadership(s.contest.name)
	t := s.term
	if t != nil && !t.over {
		if l != t.lead {
			o.ended(s)
		} else {
			s.during(t)
		}
	}
	if l != nil && (t == nil || l != t.lead) {
		o.began(s, l)
	}
}

// during follows a term that goes on.
func (s *seat) during(t *term) {
	if t.ending == 0 {
		select {
		case <-t.done:
			t.ending = max(s.node.Now().Mono, 1)
		default:
		}
	}
}

// asked notes what a node was told to do.
func (o *observer) asked(n *Node, election string, message any) {
	s := o.seat(n, election)
	switch m := message.(type) {
	case *actors.Run:
		s.standing = true
	case *actors.Quit:
		s.standing, s.down = false, false
	case *actors.StandDown:
		s.down = true
	case *actors.Stand:
		s.down = false
	case *actors.Resign:
		s.resigned = s.term != nil && !s.term.over
	case *actors.Drained:
		if s.term != nil && s.term.token == m.Token {
			s.term.drained = true
		}
	}
}

// began: a node leads.
func (o *observer) began(s *seat, l *actors.Leadership) {
	c, w := s.contest, o.world
	t := &term{lead: l, done: l.Context().Done(), token: l.Token(), began: w.sched.now}
	s.life, s.resigned = s.node.epoch, false
	if t.token <= c.top {
		o.breach(RuleTokensRise, "%s leads %s with token %d; %s had %d at %v", s.node.id, c.name, t.token, c.topBy, c.top, c.topped)
	}
	if t.token > c.top {
		c.top, c.topBy, c.topped = t.token, s.node.id, w.sched.now
	}
	for _, other := range c.seats {
		if other != s {
			o.successor(other, s)
		}
	}
	s.term = t
	o.hold(c, c.held+1)
	o.terms++
}

// quarantine is the shortest of the nodes'.
func (o *observer) quarantine() time.Duration {
	quarantine := time.Duration(1 << 62)
	for _, n := range o.nodes {
		if n != nil {
			quarantine = min(quarantine, n.maxTTL())
		}
	}
	return quarantine
}

// ended: a node does not lead any more. Whoever has the Leadership is told so, too.
func (o *observer) ended(s *seat) {
	t := s.term
	if s.trusted() {
		o.breach(RuleOneLeader, "%s does not name its Leadership of %s any more (token %d), which is valid", s.node.id, s.contest.name, t.token)
	}
	now := s.node.Now()
	t.over, t.lapsed = true, !within(now, t.lead.Until()) || s.blind()
	if t.ending == 0 {
		t.ending = max(now.Mono, 1)
	}
	t.overdue = now.Mono-t.ending >= s.drainTimeout()
	o.hold(s.contest, s.contest.held-1)
}

// successor: another's term begins; the work of this one must be over.
func (o *observer) successor(s, next *seat) {
	t := s.term
	if t == nil || !t.over || t.lapsed || t.overdue || s.cutOff() {
		return
	}
	if t.works == 0 && (!s.cfg.Drains || t.drained) {
		return
	}
	n := s.node
	if n.dead || n.epoch != s.life || n.paused || n.handle == nil || n.handle.Err() != nil {
		return
	}
	o.breach(RuleWorkOver, "%s leads %s while the work of %s under token %d has not returned", next.node.id, s.contest.name, n.id, t.token)
}

// within reports whether an end has not come yet, on either clock.
func within(now, end fsm.Instant) bool { return now.Mono < end.Mono && now.Wall < end.Wall }

// compare looks for two valid terms.
func (o *observer) compare(c *contest) {
	var first *seat
	held := 0
	defer func() { o.hold(c, held) }()
	for _, s := range c.seats {
		if s.gone() {
			continue
		}
		held++
		if !s.trusted() {
			continue
		}
		switch {
		case first == nil, o.excused(first):
		case o.excused(s):
			continue
		default:
			o.breach(RuleOneLeader, "%s (token %d) and %s (token %d) lead %s", first.node.id, first.term.token, s.node.id, s.term.token, c.name)
			return
		}
		first = s
	}
}

// gone reports whether the seat has no term, or it died with its process.
func (s *seat) gone() bool {
	t, n := s.term, s.node
	if t == nil || t.over {
		return true
	}
	if n.dead || n.epoch != s.life {
		t.over = true
		return true
	}
	return false
}

// trusted reports whether who asks the seat's Leadership now hears yes. It is not
// asked where its trust is over by the clocks: it would notice, and a lapse is final.
func (s *seat) trusted() bool {
	t := s.term
	if t == nil || t.over || s.node.dead || s.node.epoch != s.life {
		return false
	}
	return !s.blind() && within(s.node.Now(), t.lead.Until()) && t.lead.Valid()
}

// blind reports whether neither of the node's clocks counted the time: since about the
// beginning of the term its machine was suspended and its wall clock set back. A TTL
// after it runs again, no trust is left from before.
func (s *seat) blind() bool {
	c, ttl := &s.node.clock, s.node.ttl()
	if !c.suspended && s.node.world.sched.now-c.resumed > ttl+ttl/10 {
		return false
	}
	since := s.term.began - ttl
	return c.stood > 0 && c.stood >= since && c.setBack > 0 && c.setBack >= since
}
