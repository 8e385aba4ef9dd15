package actors

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// fleet is what a node knows of the other members. It belongs to the node's actor.
type fleet struct {
	known   []Member // sorted by id
	fullAt  time.Duration
	mixed   bool // an original is listed
	joins   int  // registrations under way
	joined  bool // the last one succeeded, whole
	spoiled bool // a part of it failed
	leaves  int  // leaves under way
	unsure  bool // offline, and perhaps listed in the present dataset
	// After a loss of data the list is incomplete until everybody has registered
	// again: until then nobody has left who is not in it.
	settled  time.Duration
	suspects []suspect
	news     []Event // to be told once readers see the change
	timer    redisbridge.Timer
	watch    watchful
}

// suspect is an original that had no subscriber when it was looked at.
type suspect struct {
	id, election string
	since        time.Duration
}

// maxSuspects bounds how many are looked at in one interval.
const maxSuspects = 64

func (f *fleet) stop() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}

// fullDue reports whether the whole list is to be read: now and then in a mixed fleet,
// where members come and go without saying so.
func (f *fleet) fullDue(now fsm.Instant, interval time.Duration) bool {
	if f.settled != 0 {
		return now.Mono >= f.settled
	}
	return f.mixed && now.Mono-f.fullAt >= interval
}

func (f *fleet) find(id string) (int, bool) {
	return slices.BinarySearchFunc(f.known, id, func(m Member, id string) int { return strings.Compare(m.ID, id) })
}

func (n *nodeActor) readMembers(since uint64) {
	if n.beats.reading {
		return
	}
	n.beats.reading = true
	n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallMembers, ReplyTo: n.ctx.Self(), Since: since})
}

// onMembers takes a change of the fleet, or the whole of it.
func (n *nodeActor) onMembers(a *redisbridge.MembersAnswer) {
	n.beats.reading = false
	if a.Err != nil {
		switch why := n.refusal(a.Err); {
		case n.phase != surveying:
		case why != nil:
			n.retreat(why)
		default:
			n.shared.trouble.Store(&a.Err) // for whoever waits for Start; the bridge has logged it
			n.phase = waitingTurn          // from the next heartbeat on again
			n.planBeat(n.cfg.TTL / 10)
		}
		return
	}
	if err := n.checkMaxTTL(a.Members); err != nil && n.phase == surveying {
		n.retreat(err)
		return
	}
	now := n.env.clock.Now()
	n.beats.version, n.beats.details = a.Version, a.Details
	if a.Full && now.Mono >= n.fleet.settled {
		n.fleet.fullAt, n.fleet.settled = now.Mono, 0
		n.dropUnlisted(now, a.Members)
	}
	for i := range a.Members {
		n.digestMember(now, &a.Members[i], a.Full)
	}
	n.showMembers()
	n.tellNews()
	if n.phase == surveying {
		n.becomeReady()
	}
}

// retreat fails, but first takes back the registration, so that the fleet does not see
// a member die, and whoever starts next under this id need not wait.
func (n *nodeActor) retreat(why error) {
	if n.doomed == nil {
		n.doomed = why
		n.beats.stop()
		n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallLeave, ReplyTo: n.ctx.Self(), End: true})
	}
}

// checkMaxTTL: one constant for the fleet, or leases of the old dataset may outlive the
// quarantine.
func (n *nodeActor) checkMaxTTL(list []redisbridge.Member) error {
	for _, m := range list {
		d := m.Details
		if m.ID != n.cfg.ID && m.Listed && !d.Original() && m.Live > 0 && d.MaxTTL != n.cfg.MaxTTL.Milliseconds() {
			return fmt.Errorf("%w: %q has %v, this node %v (where it is not set it is the TTL)", ErrMaxTTL, m.ID, time.Duration(d.MaxTTL)*time.Millisecond, n.cfg.MaxTTL)
		}
	}
	return nil
}

// dropUnlisted: who is not in the whole list any more has left, or was purged.
func (n *nodeActor) dropUnlisted(now fsm.Instant, list []redisbridge.Member) {
	listed := make(map[string]bool, len(list))
	for _, m := range list {
		listed[m.ID] = true
	}
	for _, m := range append([]Member(nil), n.fleet.known...) {
		switch {
		case listed[m.ID]:
		case m.ID == n.cfg.ID:
		case m.Original || n.fleet.mixed:
			n.vanished(m.ID)
		default:
			n.forget(now, m.ID, false)
		}
	}
	if !listed[n.cfg.ID] && n.phase == ready && n.fleet.joins == 0 {
		// An original took us for dead: a gap of our subscription was enough, or an error
		// of its own. In office nothing else would put us back.
		n.env.logger.Warn("purged while alive: registering again")
		n.join()
	}
	for id := range n.fleet.watch.fallen {
		if !listed[id] {
			delete(n.fleet.watch.fallen, id)
		}
	}
}

// digestMember takes one entry of the log or of the list.
func (n *nodeActor) digestMember(now fsm.Instant, m *redisbridge.Member, full bool) {
	switch {
	case m.Kind == '-':
		n.forget(now, m.ID, false)
	case m.Kind == '!' && m.Live == 0:
		n.died(now, m)
	case m.Kind == '!' && !m.Listed: // purged, and alive again: no member before it registers
		n.forget(now, m.ID, true)
	case !m.Listed:
	case m.Details.Original():
		switch {
		case !*n.cfg.Mixed:
		case n.fleet.watch.fallen[m.ID]:
			n.clearUp(m.ID, true) // if it was not done
		default:
			n.meet(now, m)
		}
	case m.Live > 0 || m.ID == n.cfg.ID:
		n.meet(now, m)
	case full && n.fleet.settled == 0:
		// Listed without a session: dead, and nobody purged it yet.
		n.forget(now, m.ID, true)
		n.clearUp(m.ID, false)
	}
}

// originalHeard: an original is in the fleet that the members' list does not have. One that is
// started in the place of another member changes neither their number nor the log.
type originalHeard struct {
	silent
	id string
}

func (n *nodeActor) onOriginalHeard(id string) {
	if _, known := n.fleet.find(id); !known && n.phase == ready {
		n.readMembers(0)
	}
}

// died: the log says so of one of ours. An original may have been started in its place.
func (n *nodeActor) died(now fsm.Instant, m *redisbridge.Member) {
	old := m.Listed && m.Details.Original()
	if i, known := n.fleet.find(m.ID); !known || !old || !n.fleet.known[i].Original {
		n.forget(now, m.ID, true)
	}
	switch {
	case !m.Listed, m.ID == n.cfg.ID:
	case old && *n.cfg.Mixed && !n.fleet.watch.fallen[m.ID]:
		n.meet(now, m)
	default: // nobody has purged it yet
		n.clearUp(m.ID, old)
	}
}

// meet notes a member that is there.
func (n *nodeActor) meet(now fsm.Instant, m *redisbridge.Member) {
	c := m.Details.Candidate(m.ID)
	peer := Member{
		ID: m.ID, Rank: c.Rank, Original: c.Original, inc: c.Inc,
		Host: m.Details.Host, PID: m.Details.PID, Start: m.Details.Start,
	}
	i, ok := n.fleet.find(m.ID)
	switch {
	case ok && n.fleet.known[i] == peer:
		return
	case ok:
		n.fleet.known[i] = peer
		delete(n.fleet.watch.leaving, m.ID)
	default:
		n.fleet.known = slices.Insert(n.fleet.known, i, peer)
	}
	if m.ID != n.cfg.ID {
		n.env.logger.Debug("peer up", "peer", m.ID, "rank", peer.Rank, "original", peer.Original)
		n.fleet.news = append(n.fleet.news, &PeerUp{At: now, Peer: peer})
	}
}

// forget notes that a member has left or died.
func (n *nodeActor) forget(now fsm.Instant, id string, dead bool) {
	i, ok := n.fleet.find(id)
	if !ok || id == n.cfg.ID {
		return
	}
	peer := n.fleet.known[i]
	n.fleet.known = slices.Delete(n.fleet.known, i, i+1)
	if dead {
		n.env.logger.Info("peer dead", "peer", id)
		n.fleet.news = append(n.fleet.news, &PeerDead{At: now, Peer: peer})
	} else {
		n.env.logger.Debug("peer left", "peer", id)
		n.fleet.news = append(n.fleet.news, &PeerLeft{At: now, Peer: peer})
	}
	if peer.Original {
		// Nobody watches its session, it has none: whoever took it for the
		// leader is told now.
		n.each(fsm.Input{Kind: fsm.InGone, From: fsm.Candidate{ID: id, Rank: peer.Rank, Original: true}})
	} else {
		n.gone(id)
	}
	delete(n.fleet.watch.absent, id)
	if dead {
		n.clearUp(id, peer.Original)
	}
}

// first reports whether this node is the one of the fleet that clears up after the dead:
// the first by id of ours, so that one does it and not all.
func (n *nodeActor) first() bool {
	for _, m := range n.fleet.known {
		if !m.Original {
			return m.ID == n.cfg.ID
		}
	}
	return true
}

// showMembers makes the members known to readers on other goroutines. Mostly they are who
// they were: that somebody has died is told again and again until it is purged.
func (n *nodeActor) showMembers() {
	n.fleet.mixed = slices.ContainsFunc(n.fleet.known, func(m Member) bool { return m.Original })
	n.env.mixed.Store(n.fleet.mixed && *n.cfg.Mixed)
	if !slices.Equal(n.fleet.known, *n.shared.members.Load()) {
		list := slices.Clone(n.fleet.known)
		n.shared.members.Store(&list)
	}
}

// tellNews tells subscribers what has changed; who hears of it may ask Members at once.
func (n *nodeActor) tellNews() {
	news := n.fleet.news
	n.fleet.news = nil
	for _, ev := range news {
		n.hub.publish(n, ev)
	}
}

// onSuspects: candidates that look dead are looked at again after a while, and purged if
// nobody has subscribed in their name since. Those that are members are watched; these are
// the ones that nobody listed, or not whole: they hang the rounds of originals.
func (n *nodeActor) onSuspects(m *redisbridge.Suspects) {
	now := n.env.clock.Now()
	for _, id := range m.IDs {
		_, known := n.fleet.find(id)
		known = known || n.fleet.watch.fallen[id]
		for i := range n.fleet.suspects {
			s := &n.fleet.suspects[i]
			if s.id == id && s.election == m.Election {
				known = true
			}
		}
		if !known && len(n.fleet.suspects) < maxSuspects {
			n.fleet.suspects = append(n.fleet.suspects, suspect{id, m.Election, now.Mono})
		}
	}
	if n.fleet.timer == nil && len(n.fleet.suspects) > 0 {
		n.fleet.timer = n.after(n.cfg.originals.suspect, &purgeDue{})
	}
}

// purgeDue: look at the suspects for the second time.
type purgeDue struct{ silent }

func (n *nodeActor) onPurgeDue() {
	n.fleet.timer = nil
	now := n.env.clock.Now()
	kept := n.fleet.suspects[:0]
	for _, s := range n.fleet.suspects {
		if now.Mono-s.since < n.cfg.originals.suspect {
			kept = append(kept, s)
			continue
		}
		// The script looks again, and purges only what has no subscriber still.
		n.env.root.Send(n.env.bridge, &redisbridge.Call{
			Kind: redisbridge.CallPurge, ReplyTo: n.ctx.Self(), Target: s.id, Original: true, Election: s.election,
		})
	}
	n.fleet.suspects = kept
	if len(kept) > 0 {
		n.fleet.timer = n.after(n.cfg.originals.suspect, &purgeDue{})
	}
}
