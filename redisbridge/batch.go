package redisbridge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hustings/fsm"
)

// flight is one command of the pipeline that is under way, and the calls it carries: nil for
// the leave before the first join.
type flight struct {
	kind  CallKind
	calls []*Call
}

var (
	errQueueFull  = errors.New("redisbridge: too many calls are waiting")
	errNotCleared = errors.New("redisbridge: the session ended before the node was registered")
	errLeft       = errors.New("redisbridge: the node has left meanwhile")
)

// enqueue takes a call. A lone call goes out at once; what comes while a pipeline is
// under way goes out together in the next one.
func (b *Bridge) enqueue(c *Call) {
	b.set.Counters.Requests.Add(1)
	switch {
	case c.Kind == CallQuit && b.conn == nil && c.Since != 0 && c.Since == b.set.Counters.Registering():
		b.withdrawn(c) // Redis has not heard of it: an outage may see names without end
		return
	case b.queued+len(b.retry) >= maxQueue && !c.Kind.owed() && c.Kind != CallHeartbeat:
		b.answer(c, fault(c, errQueueFull))
		return
	case c.Kind.kept() && len(b.retry) > 0:
		// What gives something up keeps its order: an older one that the server
		// could not do must not come after this one.
		b.retry = append(b.retry, c)
		return
	case b.conn == nil && !c.Kind.kept():
		b.answer(c, fault(c, b.downErr()))
		return
	}
	b.overtake(c)
	q := &b.queue[c.Kind]
	if *q == nil {
		*q, b.spare[c.Kind] = b.spare[c.Kind], nil
	}
	*q = append(*q, c)
	b.queued++
	b.flush()
}

// overtake: a quit or a leave goes out before registrations that wait, though it came
// after them. They must not undo it.
func (b *Bridge) overtake(c *Call) {
	b.seq++
	c.seq = b.seq
	switch c.Kind {
	case CallQuit:
		if b.registering() {
			b.quits[c.Election] = c.seq
		}
	case CallLeave:
		for _, s := range b.queue[CallSurvey] {
			s.Register = false
		}
		for _, k := range [...]CallKind{CallJoin, CallRoll} {
			joins := b.queue[k]
			b.queue[k] = nil
			b.queued -= len(joins)
			b.refuse(joins, errLeft)
		}
	default:
	}
}

// registering reports whether calls wait that register us.
func (b *Bridge) registering() bool {
	return len(b.queue[CallSurvey])+len(b.queue[CallJoin])+len(b.queue[CallRoll]) > 0
}

// stands reports whether a call may register us in an election: no later quit of it went
// out before.
func (b *Bridge) stands(c *Call, election string) bool { return c.seq >= b.quits[election] }

// flush sends what waits, if the connection is free. Kinds go out in the order of
// their numbers: what gives something up before what asks for something.
func (b *Bridge) flush() {
	if b.conn == nil || len(b.flying) > 0 || b.queued == 0 {
		return
	}
	b.scratch.begin()
	cmds := b.scratch.cmds
	b.flying = b.scratch.flights // nothing is under way
	room, bytes := b.window.items, payloadRoom{left: maxBytes}
	leaving, registering := len(b.queue[CallLeave]) > 0, false
	for k := CallKind(0); k < numCalls && b.queued > 0 && len(cmds) < maxCommands; k++ {
		if k == CallPublish {
			room = b.window.items // of their own: others wait for what these say
		}
		if leaving && k.registers() {
			continue // the leave would undo it
		}
		for len(b.queue[k]) > 0 && len(cmds) < maxCommands && room > 0 {
			if !bytes.admits(b.queue[k]) {
				break
			}
			var calls []*Call
			switch k {
			case CallPublish:
				calls = b.gather(k, maxItems)
			case CallPeer:
				calls = b.gather(k, min(maxItems, room))
			default:
				calls = b.take(k, min(b.together(k), room))
			}
			room -= weight(calls)
			if k == CallJoin && !b.set.cleared {
				// In front of the first one: see Settings.cleared.
				cmds = append(cmds, b.composeLeave("f"+flag(b.heard)))
				b.flying = append(b.flying, flight{kind: CallJoin})
			}
			cmds = append(cmds, b.compose(k, calls))
			b.flying = append(b.flying, flight{k, calls})
			registering = registering || k.registers()
			if b.lone(k) {
				break
			}
		}
	}
	if len(b.quits) > 0 && !b.registering() {
		clear(b.quits)
	}
	if b.waited = b.set.MinReplicas > 0 && slices.ContainsFunc(b.flying, replicated); b.waited {
		cmds = append(cmds, b.composeWait())
	}
	b.window.sent(b.set.Clock.Now().Mono, b.queued > 0 && !bytes.full)
	b.set.Counters.Batches.Add(1)
	if registering {
		b.set.Counters.registering.Add(1)
	}
	b.set.Counters.Commands.Add(uint64(len(cmds)))
	b.scratch.cmds = cmds
	b.conn.Do(cmds, b.answered)
}

// lone reports whether no more than one call of a kind goes into a pipeline: a purge may keep
// the server busy for as long as a call can, and the first join may have to be repeated.
func (b *Bridge) lone(k CallKind) bool { return k == CallPurge || k == CallJoin && !b.set.cleared }

// together is how many of the waiting calls of a kind one command can carry. Claims
// and re-assertions name a tenancy: only those of the same one travel together, those that
// are part of a survey among them.
func (b *Bridge) together(k CallKind) int {
	apart := func(c, first *Call) bool { return c.alone || first.alone }
	switch k {
	case CallRelease, CallQuit:
		return b.alike(k, func(c, first *Call) bool { return !apart(c, first) })
	case CallSurvey:
		var bid *Call // the first one
		return b.alike(k, func(c, first *Call) bool {
			if bid == nil && first.Claim {
				bid = first
			}
			if bid == nil && c.Claim {
				bid = c
			}
			return !apart(c, first) && (!c.Claim || c.Tenancy == bid.Tenancy)
		})
	case CallClaim, CallReassert:
		return b.alike(k, func(c, first *Call) bool { return !apart(c, first) && c.Tenancy == first.Tenancy })
	default:
		return 1
	}
}

// alike is how many of the waiting calls of a kind, from the first one on, are like it.
func (b *Bridge) alike(k CallKind, like func(c, first *Call) bool) int {
	q := b.queue[k]
	n := 1
	for n < len(q) && n < maxItems && like(q[n], q[0]) {
		n++
	}
	return n
}

func (b *Bridge) take(k CallKind, n int) []*Call {
	q := b.queue[k]
	n = min(n, len(q))
	calls := q[:n:n]
	if b.queue[k] = q[n:]; len(q) == n {
		b.queue[k] = nil
	}
	b.queued -= n
	return calls
}

// sameNode reports whether a call can travel with another one, since both are for the same
// node: control messages to one of ours, and looks at it that name an election.
func sameNode(c, first *Call) bool {
	if c.Target != first.Target {
		return false
	}
	if c.Kind == CallPeer {
		return c.Election != "" && first.Election != ""
	}
	return c.Control != nil && !c.Original && first.Control != nil && !first.Original
}

// farthest is how far behind the first call others are looked for that can go with it.
// Elections of many nodes take turns in the queue.
const farthest = 64 * maxItems

// gather takes the first of the waiting calls of a kind, and others for the same node, most
// at most; the rest keep their order.
func (b *Bridge) gather(k CallKind, most int) []*Call {
	q := b.queue[k]
	first := q[0]
	if len(q) == 1 || !sameNode(first, first) {
		return b.take(k, 1)
	}
	calls, rest := []*Call{first}, q[:0]
	for i, c := range q[1:] {
		if len(calls) == most || i == farthest {
			rest = append(rest, q[1+i:]...)
			break
		}
		if sameNode(c, first) {
			calls = append(calls, c)
		} else {
			rest = append(rest, c)
		}
	}
	clear(q[len(rest):])
	if b.queue[k] = rest; len(rest) == 0 {
		b.queue[k] = nil
	}
	b.queued -= len(calls)
	return calls
}

// onLanded: a pipeline was answered, or the connection failed under it.
func (b *Bridge) onLanded(m *landed) {
	if m.number != b.number || b.conn == nil {
		return
	}
	if m.err != nil {
		b.failed(m.err)
		return
	}
	replies := m.replies
	m.replies = nil // they may be many, and the next pipeline far away
	b.short = nil
	if n := len(replies) - 1; b.waited && n >= 0 {
		replies, b.short = replies[:n], b.acknowledged(replies[n])
	}
	if len(replies) != len(b.flying) {
		b.failed(errShape)
		return
	}
	b.window.answered(b.set.Clock.Now().Mono, b.set.Session.TTL())
	flying := b.flying
	var fatal error
	for i, f := range flying {
		b.flying = flying[i:] // a panic hands on those that are not answered yet
		r := replies[i]
		if r.Err != nil && Classify(r.Err) == Reconnect && fatal == nil {
			fatal = r.Err
		}
		if r.Err != nil {
			b.refusal(f.kind, r.Err)
		}
		if f.kind == CallJoin && (f.calls == nil || !b.set.cleared) {
			b.landFirst(f, r)
			continue
		}
		if f.kind.kept() && passing(r.Err) {
			b.later(f.calls)
			continue
		}
		if r.Err != nil && !passing(r.Err) && b.part(f) {
			continue
		}
		if f.kind.owed() && r.Err != nil {
			b.declined(f.calls[0], r.Err)
			continue
		}
		if (f.kind == CallLeave || f.kind == CallPurge) && unfinished(r) {
			b.repeat(f)
			continue
		}
		b.land(f, r)
	}
	b.flying = nil
	b.grounded(flying)
	switch {
	case fatal != nil:
		b.failed(fatal) // it reads the wrong server
	default:
		b.dials = 0 // it serves
		b.flush()
	}
}

// unfinished reports whether a leave or a purge has left elections for another call.
func unfinished(r Reply) bool {
	l := newList(r.Value)
	return r.Err == nil && len(l.items) == 2 && l.number(1) == 1
}

// repeat sends calls again, in the next pipeline.
func (b *Bridge) repeat(f flight) {
	b.queue[f.kind] = slices.Concat(f.calls, b.queue[f.kind])
	b.queued += len(f.calls)
}

// landFirst: the first join counts only if what went before it was cleared.
func (b *Bridge) landFirst(f flight, r Reply) {
	if f.calls == nil {
		l := newList(r.Value)
		b.original = nil
		if r.Err == nil && l.text(0) == "original" {
			d, _ := ParseDetails(l.text(1))
			b.original = &d
		}
		b.partly = b.original == nil && unfinished(r)
		b.set.cleared = r.Err == nil && l.text(0) == "ok" && !b.partly
		if b.unclear = errNotCleared; r.Err != nil {
			b.unclear = fmt.Errorf("redisbridge: what an earlier process with this id left behind could not be cleared: %w", r.Err)
		}
		return
	}
	if b.original != nil {
		for _, c := range f.calls {
			b.answer(c, &JoinAnswer{Status: "original", Other: b.original, Entries: c.Entries})
		}
		return
	}
	if b.partly {
		b.repeat(f)
		return
	}
	for _, c := range f.calls {
		b.answer(c, fault(c, b.unclear))
	}
}

// passing reports whether an error will pass, so that a kept call is to be tried again.
func passing(err error) bool {
	switch Classify(err) {
	case Reconnect, Busy, Outage:
		return true
	default:
		return false
	}
}

// part: Redis refuses what calls ask for together, perhaps because of one of them. Each is sent
// again, alone, so that one election that it can't be done for does not stand in the way of
// the others. What is not owed is taken apart once in a while only: Redis may refuse all of it,
// and goes on to.
func (b *Bridge) part(f flight) bool {
	now := b.set.Clock.Now().Mono
	if len(f.calls) == 1 || !f.kind.joint() || !f.kind.owed() && now < b.partAt[f.kind] {
		return false
	}
	b.partAt[f.kind] = now + partAgain
	for _, c := range f.calls {
		c.alone = true
	}
	b.requeue(f.calls)
	return true
}

// partAgain is how long calls of a kind that are not owed stay together after some of them
// were taken apart.
const partAgain = time.Second

// declined: Redis does not do what is owed. Who asked is told, and it is tried again.
func (b *Bridge) declined(c *Call, err error) {
	c.alone = true
	b.answer(c, fault(c, err))
	b.owing = append(b.owing, c)
	if len(b.owing) == 1 {
		b.after(owingAfter, &owed{})
	}
}

// owingAfter is how long a call waits that Redis has refused and is still to do.
const owingAfter = time.Second

func (b *Bridge) onOwed() {
	b.requeue(b.owing)
	b.owing = nil
	b.flush()
}

// requeue has calls sent again, behind those that wait.
func (b *Bridge) requeue(calls []*Call) {
	for _, c := range calls {
		b.queue[c.Kind] = append(b.queue[c.Kind], c)
	}
	b.queued += len(calls)
}

// fault is the answer to a call that could not be carried out, or of which nobody
// knows whether it was.
func fault(c *Call, err error) any {
	in := fsm.Input{Round: c.Round, Token: c.Token}
	switch c.Kind {
	case CallHeartbeat:
		return &HeartbeatAnswer{Req: c.Req, Err: err}
	case CallSurvey:
		in.Kind, in.Survey = fsm.InSurveyed, &fsm.Survey{Fault: unreachable(err)}
	case CallClaim:
		in.Kind = fsm.InClaimed
	case CallReassert:
		in.Kind = fsm.InReasserted
	case CallRelease:
		in.Kind, in.Cause = fsm.InReleased, unreachable(err)
	case CallQuit:
		in.Kind, in.Cause = fsm.InWithdrawn, unreachable(err)
	case CallLeave:
		return &LeaveAnswer{Err: err}
	case CallEvict:
		return &EvictAnswer{Err: err}
	case CallJoin:
		return &JoinAnswer{Err: err}
	case CallPeer:
		return &PeerAnswer{Gen: c.Gen, Election: c.Election, ID: c.Target, Err: err}
	case CallMembers:
		return &MembersAnswer{Err: err}
	case CallPurge:
		return &PurgeAnswer{Err: err, Target: c.Target}
	case CallSubscribers:
		return &SubscribersAnswer{Err: err}
	case CallRestore:
		return &RestoreAnswer{Gen: c.Gen, ID: c.Target, Err: err}
	case CallRoll:
		return &RollAnswer{Gen: c.Gen, Err: err}
	default:
		return &Published{Gen: c.Gen, Err: err}
	}
	return &Answer{Gen: c.Gen, Input: in}
}

// unsure answers a call that went out and has no answer, or an error: what it would claim may
// have been granted.
func (b *Bridge) unsure(c *Call, err error) {
	b.answer(c, fault(c, err))
	if c.Kind == CallSurvey && c.Claim {
		b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InClaimed, Round: c.Round, Outcome: fsm.OutcomeUnknown}})
	}
}

func (b *Bridge) answer(c *Call, m any) {
	if c.ReplyTo != nil {
		b.root.Send(c.ReplyTo, m)
	}
}
