package actors

import (
	"maps"
	"slices"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// watchful is what a node knows of the originals in its fleet, which have no session that
// would end. It belongs to the node's actor.
//
// A death is noticed here and told at once, but what the dead left behind stays for a
// while if originals live: they tell their applications of the deaths that they find in
// their own rounds, and of no others.
type watchful struct {
	looking bool
	absent  map[string]time.Duration // since when a listed one has had no subscriber
	fallen  map[string]bool          // told to be dead, and listed still
	leaving map[string]bool          // not listed any more, and not told yet
	graves  map[string]bool          // to be cleared; whether it is an original's
	purging map[string]bool          // being cleared
}

func newWatchful() watchful {
	return watchful{
		absent: make(map[string]time.Duration), fallen: make(map[string]bool),
		leaving: make(map[string]bool), graves: make(map[string]bool), purging: make(map[string]bool),
	}
}

// maxWatched bounds how many originals are looked at with a heartbeat.
const maxWatched = 1024

// lookAtOriginals asks, with a heartbeat, whether the originals have subscribers still.
func (n *nodeActor) lookAtOriginals() {
	w := &n.fleet.watch
	if w.looking || n.phase != ready || !*n.cfg.Mixed {
		return
	}
	var ids []string
	for _, m := range n.fleet.known {
		if m.Original && len(ids) < maxWatched {
			ids = append(ids, m.ID)
		}
	}
	if len(w.fallen) > 0 { // hardly ever
		for _, m := range slices.Sorted(maps.Keys(w.fallen)) {
			if len(ids) < maxWatched {
				ids = append(ids, m)
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	w.looking = true
	n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallSubscribers, ReplyTo: n.ctx.Self(), Watch: ids})
}

// onSubscribers: who has had no subscriber twice, and for longer than it needs to
// reconnect, is dead.
func (n *nodeActor) onSubscribers(a *redisbridge.SubscribersAnswer) {
	w := &n.fleet.watch
	w.looking = false
	if a.Err != nil || n.phase >= leaving {
		return
	}
	now := n.env.clock.Now()
	back := false
	for i, id := range a.IDs {
		since, absent := w.absent[id]
		_, known := n.fleet.find(id)
		switch {
		case w.fallen[id] && a.Counts[i] > 0:
			delete(w.fallen, id)
			back = true
		case w.fallen[id], w.leaving[id], !known:
		case a.Counts[i] > 0:
			delete(w.absent, id)
		case !absent:
			w.absent[id] = now.Mono
		case now.Mono-since >= n.cfg.originals.suspect:
			w.fallen[id] = true
			n.forget(now, id, true)
		}
	}
	n.showMembers()
	n.tellNews()
	if back {
		n.readMembers(0)
	}
}

// vanished: a member is not listed any more, and the log does not say why. Did it take its
// leave, or did an original find it dead? Both remove the same entries. An original lives
// if it is subscribed, one of ours if it has a session; that one registers again. Else what
// tells is that an original's purge takes it out of every election in which it took part,
// and leaves the list of these; who ends in an orderly way has either quit its elections
// before, which empties the list, or (originals) is still a candidate in them.
func (n *nodeActor) vanished(id string) {
	w := &n.fleet.watch
	i, _ := n.fleet.find(id)
	gone := fsm.Input{Kind: fsm.InGone, From: fsm.Candidate{ID: id, Rank: n.fleet.known[i].Rank, Original: true}}
	if w.leaving[id] {
		return
	}
	w.leaving[id] = true
	if n.fleet.known[i].Original {
		n.each(gone)
	}
	n.askAbout(id, false)
}

func (n *nodeActor) askAbout(id string, again bool) {
	n.corr++
	n.peers[n.corr] = func(a *redisbridge.PeerAnswer) { n.leftOrDied(a, again) }
	n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallPeer, ReplyTo: n.ctx.Self(), Gen: n.corr, Target: id})
}

// askAgain: time for the second look at who vanished; a purge takes several commands.
type askAgain struct {
	silent
	id    string
	again bool // for the last time
}

func (n *nodeActor) leftOrDied(a *redisbridge.PeerAnswer, again bool) {
	w := &n.fleet.watch
	if !w.leaving[a.ID] {
		return
	}
	i, known := n.fleet.find(a.ID)
	alive := a.Subscribers != 0
	if known && !n.fleet.known[i].Original {
		alive = a.Live > 0
	}
	switch {
	case !known || a.Err != nil || a.Listed:
	case alive && a.Live > 0:
		n.after(n.cfg.TTL/3, &askAgain{id: a.ID}) // until it is listed, or dead
		return
	case !alive && !again:
		n.after(n.cfg.originals.suspect, &askAgain{id: a.ID, again: true})
		return
	}
	delete(w.leaving, a.ID)
	if a.Listed {
		return // it was only registered again
	}
	n.forget(n.env.clock.Now(), a.ID, a.Err == nil && !alive && a.Participated > 0 && a.Stands == 0)
	n.showMembers()
	n.tellNews()
}

// clearUp removes what a dead member left behind, if this node is the one of the fleet that
// does so: at once, or, where originals live, when each of them has had a round in which
// to find it.
func (n *nodeActor) clearUp(id string, original bool) {
	w := &n.fleet.watch
	if !n.originalsLive() {
		n.bury(id, original)
		return
	}
	if _, due := w.graves[id]; !due {
		w.graves[id] = original
		n.after(n.cfg.Interval+n.cfg.Interval/6, &graveDue{id: id})
	}
}

// graveDue: the originals have had their time.
type graveDue struct {
	silent
	id string
}

func (n *nodeActor) onGraveDue(id string) {
	original := n.fleet.watch.graves[id]
	delete(n.fleet.watch.graves, id)
	if _, known := n.fleet.find(id); !known {
		n.bury(id, original)
	}
}

// bury purges the dead. Until that has succeeded they are listed, and heartbeats tell of
// them again: it is tried again then, by whoever is the first by that time.
func (n *nodeActor) bury(id string, original bool) {
	if n.first() && n.env.bridge != nil && !n.fleet.watch.purging[id] {
		n.fleet.watch.purging[id] = true
		n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallPurge, ReplyTo: n.ctx.Self(), Target: id, Original: original})
	}
}

// originalsLive reports whether there are any that might find a dead one.
func (n *nodeActor) originalsLive() bool {
	for _, m := range n.fleet.known {
		if m.Original {
			return true
		}
	}
	return false
}
