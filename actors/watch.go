package actors

import (
	"slices"
	"strings"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// watched is a holder whose session elections of this node follow.
type watched struct {
	id    string
	end   time.Duration // monotonic instant at which the session ends if not renewed
	inc   string        // of the holder, as its record has it
	birth string        // of the session, once a heartbeat has told
}

// prolongWatch takes what a heartbeat says of a watched session: when it ends if it is not
// renewed. Another one under the same id means that the holder lapsed or was started again:
// its offices are free.
func (n *nodeActor) prolongWatch(w redisbridge.Watched, end time.Duration) {
	b := &n.beats
	i, ok := b.find(w.ID)
	if !ok {
		return
	}
	old := &b.watched[i]
	same := old.birth == w.Birth
	if old.birth == "" {
		same = old.inc == "" || fsm.BornAs(w.Birth, old.inc)
	}
	if !same {
		b.watched = slices.Delete(b.watched, i, i+1)
		n.gone(w.ID)
		return
	}
	old.birth, old.end = w.Birth, end
}

// whom lists whose sessions a heartbeat asks for. Mostly they are the last one's: then it is
// that one's list, which nobody changes.
func (b *beats) whom() []string {
	if !slices.EqualFunc(b.ids, b.watched, func(id string, w watched) bool { return id == w.id }) {
		b.ids = make([]string, len(b.watched))
		for i, w := range b.watched {
			b.ids[i] = w.id
		}
	}
	return b.ids
}

// watch: an election follows a holder, or nobody.
func (n *nodeActor) watch(m *watch) {
	e := n.shared.elections.find(m.election)
	if e == nil {
		return
	}
	e.holder = m.holder.ID
	n.doubt(e, m)
	now := n.env.clock.Now()
	if e.holder != "" && !m.holder.Original {
		n.beginWatch(m.holder, now.Mono+m.left)
	}
	n.armWatch(now)
}

// find returns where a holder is, or belongs, in the sorted list.
func (b *beats) find(id string) (int, bool) {
	return slices.BinarySearchFunc(b.watched, id, func(x watched, id string) int { return strings.Compare(x.id, id) })
}

// beginWatch notes when a session ends if it is not renewed, unless it is watched: when many
// elections follow one holder, most have waited for their turn since Redis answered, and
// would put the end off by that. An end that is too early costs a look.
func (n *nodeActor) beginWatch(who fsm.Candidate, end time.Duration) {
	b := &n.beats
	if i, ok := b.find(who.ID); !ok {
		b.watched = slices.Insert(b.watched, i, watched{id: who.ID, inc: who.Inc, end: end})
	}
}

// armWatch sets the timer for the next end of a watched session.
func (n *nodeActor) armWatch(now fsm.Instant) {
	b := &n.beats
	next := time.Duration(-1)
	for _, w := range b.watched {
		if next < 0 || w.end < next {
			next = w.end
		}
	}
	if next < 0 {
		halt(b.watch)
		return
	}
	// Redis counts whole milliseconds, and a key lives through its last one.
	n.set(&b.watch, max(next-now.Mono, 0)+time.Millisecond, &watchDue{})
}

// onWatchDue: a watched session has ended, as far as we were told. Whoever follows it
// looks, by its place in the ranking.
func (n *nodeActor) onWatchDue() {
	b := &n.beats
	now := n.env.clock.Now()
	var ended []string
	kept := b.watched[:0]
	for _, w := range b.watched {
		if w.end < now.Mono {
			ended = append(ended, w.id)
		} else {
			kept = append(kept, w)
		}
	}
	b.watched = kept
	for _, id := range ended {
		n.gone(id)
	}
	n.armWatch(now)
}

// gone tells the elections that follow a holder that it is gone.
func (n *nodeActor) gone(id string) { n.tellGone(id, false) }

// tellGone tells them all, or if it was evicted those under OnDisconnect: to the others it
// is the holder still.
func (n *nodeActor) tellGone(id string, evicted bool) {
	from := fsm.Candidate{ID: id, Rank: fsm.UnknownRank}
	for _, m := range *n.shared.members.Load() {
		if m.ID == id {
			from.Rank = m.Rank
		}
	}
	var freed []*entry
	for _, e := range n.els {
		if e.holder == id && (!evicted || e.doubted() == id) {
			freed = append(freed, e)
		}
	}
	in := fsm.Input{Kind: fsm.InGone, From: from, Wait: min(time.Duration(max(len(freed)-1, 0))*claimShare, maxClaimShare)}
	for _, e := range freed {
		e.holder = ""
		n.doubt(e, &watch{})
		n.nudge(e, in)
	}
}

// Who is first in line for many offices that are freed together needs time for all of
// them. Those behind it wait for that much longer: who tries as well costs more than it
// helps.
const (
	claimShare    = 50 * time.Microsecond
	maxClaimShare = time.Second
)
