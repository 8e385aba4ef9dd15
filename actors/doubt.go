package actors

import (
	"slices"
	"strings"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// doubts is whom a node looks at under OnDisconnect: the holders that elections of that
// policy follow, each once, however many elections that is. One timer and one request
// serve them all. It belongs to the node's actor.
type doubts struct {
	list  []doubted // sorted by id
	timer redisbridge.Timer
	armed time.Duration // monotonic instant of the timer, 0: none
	out   bool          // a look is under way
	due   []redisbridge.Doubt
	look  *redisbridge.Call // the last one
	told  bool              // that nobody can be counted here
}

// doubted is a holder that is looked at.
type doubted struct {
	redisbridge.Doubt
	place  int           // how many will have evicted it before us
	follow int           // elections that want it
	next   time.Duration // when to look again
}

// doubtDue: time to look at somebody.
type doubtDue struct{ silent }

// Times of the looks.
const (
	// lookEvery is how often the first in line looks at the holder. Each one after it
	// takes twice as long as the one before it, up to maxLookPlace.
	lookEvery    = 50 * time.Millisecond
	maxLookPlace = 5
	// lookTogether: looks that are due within it go out together.
	lookTogether = 5 * time.Millisecond
)

func (d *doubts) stop() {
	halt(d.timer)
	*d = doubts{}
}

func (d *doubts) find(id string) (int, bool) {
	return slices.BinarySearchFunc(d.list, id, func(x doubted, id string) int { return strings.Compare(x.ID, id) })
}

// unfit is why an election's settings do not work in this node, nil if they do.
func (n *nodeActor) unfit(cfg ElectionConfig) error {
	f := faults{list: n.cfg.fits(cfg, "")}
	return f.err()
}

// doubt notes whom an election follows now, under OnDisconnect or not.
func (n *nodeActor) doubt(e *entry, m *watch) {
	d := &n.doubts
	want := ""
	if m.grace > 0 {
		want = m.holder.ID
	}
	was := e.doubted()
	if was != "" && was != want {
		if i, ok := d.find(was); ok {
			if d.list[i].follow--; d.list[i].follow <= 0 {
				d.list = slices.Delete(d.list, i, i+1)
			}
		}
	}
	if want == "" {
		e.doubts = nil
		return
	}
	if was != want {
		other := want
		e.doubts = &other
	}
	now := n.env.clock.Now()
	i, ok := d.find(want)
	if !ok {
		at := doubted{Doubt: redisbridge.Doubt{ID: want}, place: m.place, next: now.Mono + period(m.place)}
		d.list = slices.Insert(d.list, i, at)
	}
	h := &d.list[i]
	if was != want {
		h.follow++
	}
	// For several elections the nearest place counts, and the longest grace: nobody is
	// evicted sooner than any of them wants.
	if m.place < h.place {
		h.place = m.place
		h.next = min(h.next, now.Mono+period(m.place))
	}
	h.Birth, h.Grace = m.birth, max(h.Grace, m.grace)
	n.armDoubt(now)
}

// doubted is whose subscription an election wants looked at, "" for nobody's.
func (e *entry) doubted() string {
	if e.doubts == nil {
		return ""
	}
	return *e.doubts
}

// period is how often who has that place in the ranking looks.
func period(place int) time.Duration { return lookEvery << min(max(place, 0), maxLookPlace) }

// armDoubt sets the timer for the next look. One that is set too early is left.
func (n *nodeActor) armDoubt(now fsm.Instant) {
	d := &n.doubts
	if d.out || len(d.list) == 0 {
		return
	}
	next := d.list[0].next
	for _, h := range d.list[1:] {
		next = min(next, h.next)
	}
	if d.armed != 0 && d.armed <= next {
		return
	}
	d.armed = next
	n.set(&d.timer, max(next-now.Mono, 0), &doubtDue{})
}

// onDoubtDue looks at everybody who is due, in one request.
func (n *nodeActor) onDoubtDue() {
	d := &n.doubts
	d.armed = 0
	now := n.env.clock.Now()
	if d.out || n.phase >= parting {
		return
	}
	d.due = d.due[:0]
	for i := range d.list {
		if h := &d.list[i]; h.next <= now.Mono+lookTogether {
			h.next = now.Mono + period(h.place)
			d.due = append(d.due, h.Doubt)
		}
	}
	if len(d.due) == 0 || n.phase < ready {
		n.armDoubt(now)
		return
	}
	d.out = true
	if d.look == nil || !slices.Equal(d.look.Doubts, d.due) { // else it goes again: it was answered
		d.look = &redisbridge.Call{Kind: redisbridge.CallEvict, ReplyTo: n.ctx.Self(), Doubts: slices.Clone(d.due)}
	}
	n.env.root.Send(n.env.bridge, d.look)
}

// onEvict takes the answer.
func (n *nodeActor) onEvict(a *redisbridge.EvictAnswer) {
	d := &n.doubts
	d.out = false
	if n.phase >= parting {
		return
	}
	now := n.env.clock.Now()
	for _, v := range a.Items {
		n.judged(now, v)
	}
	n.armDoubt(now)
}

// judged: Redis has looked at one holder.
func (n *nodeActor) judged(now fsm.Instant, v redisbridge.Eviction) {
	i, ok := n.doubts.find(v.ID)
	if !ok || n.doubts.list[i].Birth != v.Birth {
		return // nobody follows it any more, or it was born again
	}
	h := &n.doubts.list[i]
	switch v.Word {
	case redisbridge.DoubtStands:
		// Redis counts whole milliseconds.
		if wait := v.Left + time.Millisecond; wait < period(h.place) {
			h.next = now.Mono + wait
		}
	case redisbridge.DoubtEvicted:
		n.env.logger.Warn("leader evicted: it was not subscribed", "leader", v.ID, "for", v.Grace,
			"trusted_at_most", v.Left)
		n.tellGone(v.ID, true)
	case redisbridge.DoubtGone:
		n.tellGone(v.ID, true)
	case redisbridge.DoubtUnknown:
		if !n.doubts.told {
			n.doubts.told = true
			n.env.logger.Warn("nobody is evicted: this Redis does not tell who is subscribed (PUBSUB NUMSUB); a dead leader's session must run out", "leader", v.ID)
		}
	default:
	}
}

// evicted: our session was ended while it is trusted. Under OnDisconnect that means that Redis
// knew of no subscription of ours: it may be dead without our knowing.
func (n *nodeActor) evicted() {
	if !n.shared.evictable.Load() {
		n.env.logger.Warn("the session was deleted while it lived: is maxmemory-policy noeviction, and does nobody delete keys?")
		return
	}
	n.env.logger.Warn("evicted: Redis did not know of our subscription; subscribing again")
	n.env.root.Send(n.env.bridge, &redisbridge.Resubscribe{})
}

// onSubscribed: the subscription is there, or is lost. Leaders under OnDisconnect step down
// then, before anybody else is let in.
func (n *nodeActor) onSubscribed(m *redisbridge.Subscribed) {
	n.env.session.SetDeaf(!m.On)
	if !m.On && n.phase >= ready && n.phase < parting {
		n.plainly(fsm.InDeaf)
	}
}
