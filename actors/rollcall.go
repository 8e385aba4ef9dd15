package actors

import (
	"slices"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// rollCall is when the node next makes sure, election by election, that Redis has it as a
// candidate, and looks who leads. Whoever deletes a ranking or a list of candidates takes
// everybody out of it, and nothing would tell those who wait there for the leader to go.
// One call serves many elections, whatever their states; an election has no part in it
// until something is found. It belongs to the node's actor.
type rollCall struct {
	due   time.Duration // monotonic instant of the next one, 0: not planned yet
	next  int           // among els, where it begins
	swept time.Duration // when all that follow somebody were called, 0: it failed, or never
	turns uint64        // how many there were
	began int           // where the last one did
	size  int           // of how many elections it was
	// suspects is among how many of the next elections one is that Redis refuses to look at.
	suspects int
}

const (
	// rollEvery is how many TTLs are between two roll calls, and a quarter more by
	// chance. A heartbeat is sent every third of a TTL: this adds at most 1 to 18 of
	// them, 0.03 requests/s at a TTL of 5 s.
	rollEvery = 6
	// maxCalled is how many elections are called at once: one script call.
	maxCalled = 256
	// rollShy is how long before the end of a holder's session its followers are left out:
	// they stand at that instant, and one that has just been told of a vacancy waits longer.
	rollShy = 100 * time.Millisecond
)

// rollPeriod is the least time between two roll calls.
func (n *nodeActor) rollPeriod() time.Duration { return rollEvery * n.cfg.TTL }

// plan sets when the next one is due: not by the node's randomness, which other things
// depend on, but by its incarnation, which is random.
func (r *rollCall) plan(now, period time.Duration, inc string) {
	r.turns++
	h := r.turns
	for _, c := range []byte(inc) {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	r.due = now + period + time.Duration(h%uint64(period/4)) //nolint:gosec // a period is not negative
}

// callRoll makes one if it is due. A heartbeat was answered just now, so it will be, too.
func (n *nodeActor) callRoll(now fsm.Instant) {
	r := &n.roll
	if n.phase != ready || n.env.offline.Load() || now.Mono < r.due {
		return
	}
	first := r.due == 0
	if !first && !n.fleet.joined {
		return // it is registered anew just now
	}
	r.plan(now.Mono, n.rollPeriod(), n.env.session.Inc())
	if first {
		return
	}
	r.began = r.next
	most, swept := maxCalled, r.swept != 0 && now.Mono-r.swept < n.rollPeriod()/4
	if r.suspects > 0 {
		most, swept = max(r.suspects/2, 1), false
	}
	var list []redisbridge.Membership
	for range len(n.els) {
		if r.next >= len(n.els) {
			r.next = 0
		}
		e := n.els[r.next]
		r.next++
		if m, ok := n.called(e, now); ok && !(swept && e.holder != "") {
			list = append(list, m)
		}
		if len(list) == most {
			break
		}
	}
	r.size = len(list)
	n.sendRoll(list, r.turns, false)
}

// callFollowers makes a roll call of all elections that follow somebody. Grants are rare
// enough for it to look for originals, too, which takes longer the more candidates there are.
func (n *nodeActor) callFollowers(now fsm.Instant) {
	n.roll.swept = now.Mono
	var list []redisbridge.Membership
	for _, e := range n.els {
		if m, ok := n.called(e, now); ok && e.holder != "" {
			list = append(list, m)
		}
	}
	for some := range slices.Chunk(list, maxCalled) {
		n.sendRoll(some, 0, n.env.mixed.Load())
	}
}

// sendRoll sends one, with its number among those that take turns; 0: it is none of these.
func (n *nodeActor) sendRoll(list []redisbridge.Membership, turn uint64, mixed bool) {
	if len(list) > 0 {
		n.env.root.Send(n.env.bridge, &redisbridge.Call{
			Kind: redisbridge.CallRoll, ReplyTo: n.ctx.Self(), Gen: turn, Entries: list, Original: mixed,
		})
	}
}

// onRolled: the elections have been told what was found, if it was done.
func (n *nodeActor) onRolled(a *redisbridge.RollAnswer) {
	r := &n.roll
	if a.Err != nil || a.Status != "ok" {
		r.swept = 0
	} else if n.phase < parting {
		n.unregister(a.Entries)
	}
	if a.Gen != r.turns {
		return
	}
	switch redisbridge.Classify(a.Err) {
	case redisbridge.Healthy:
		r.suspects = max(r.suspects-r.size, 0)
	case redisbridge.Refused, redisbridge.Permanent:
		// A key of one of them is not what it should be. Half of them are next, until it is
		// called alone, and then those behind it: it is not to stand in their way for ever.
		if r.suspects = 0; r.size > 1 {
			r.suspects, r.next = r.size, min(r.began, len(n.els)) // some may have gone meanwhile
		}
	default: // the link
	}
}

// called is what registers an election that is to be called now.
func (n *nodeActor) called(e *entry, now fsm.Instant) (m redisbridge.Membership, ok bool) {
	if i, watched := n.beats.find(e.holder); watched && n.beats.watched[i].end < now.Mono+rollShy {
		return m, false
	}
	return e.candidacy()
}
