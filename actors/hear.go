package actors

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// hear takes a control message. One from somebody whom the round expects is an input at
// once. Of anybody else Redis is asked first whether it is a candidate: a message alone
// must not make anybody do anything.
func (e *election) hear(c redisbridge.Control) {
	switch c.Type {
	case redisbridge.TypeLeader, redisbridge.TypeVacant:
		if e.m.State() == fsm.Idle {
			e.uninvited()
			return
		}
		e.hint(c)
		return
	default:
	}
	if !*e.env.cfg.Mixed && c.Inc == "" {
		e.drop(redisbridge.DropOriginal, c)
		return
	}
	// An original that has voted is acked, and an ack ends the process of one that has not.
	// Of a vote that has waited somewhere Redis knows whether its sender is there still.
	if e.m.Knows(c.ID, c.Inc) && (c.Inc != "" || c.Type != redisbridge.TypeVote) {
		e.take(c, c.From())
		return
	}
	if c.Type == redisbridge.TypeAck {
		if c.Inc == "" && e.m.Mixed() {
			return // originals ack every vote, those too that a leader only reminds them by
		}
		e.drop(redisbridge.DropUnexpected, c)
		return
	}
	if e.m.State() == fsm.Idle {
		e.drop(redisbridge.DropNotOurs, c)
		if c.Type == redisbridge.TypeVote {
			e.uninvited()
		}
		return
	}
	e.verify(c)
}

// uninvited: somebody takes us for a candidate, which we are not. Redis may do so, too: then others
// would wait for votes that nobody gives, so we quit again.
func (e *election) uninvited() { e.step(fsm.Input{Kind: fsm.InRecover}) }

func (e *election) hint(c redisbridge.Control) {
	in := fsm.Input{Kind: fsm.InLeader, From: fsm.Candidate{ID: c.ID, Inc: c.Inc, Rank: fsm.UnknownRank}, Token: c.Token, Heir: c.Heir}
	if c.Type == redisbridge.TypeVacant {
		in.Kind = fsm.InVacant
	}
	e.step(in)
}

// take makes a vote, ack or kick an input.
func (e *election) take(c redisbridge.Control, from fsm.Candidate) {
	in := fsm.Input{From: from, Round: c.Round, Draining: c.Draining}
	switch c.Type {
	case redisbridge.TypeVote:
		in.Kind = fsm.InVote
	case redisbridge.TypeAck:
		in.Kind = fsm.InAck
	default:
		in.Kind = fsm.InKick
	}
	mixed := e.mixed()
	e.step(in)
	if from.Original && !e.env.mixed.Load() {
		e.root.Send(e.nursery.node, &originalHeard{id: from.ID})
	}
	if e.lead != nil && e.mixed() && !mixed {
		e.tellOriginals() // when we won there was none that would have read it
	}
}

// verify asks Redis about the sender.
func (e *election) verify(c redisbridge.Control) {
	if len(e.desk().checks) >= maxChecks {
		e.drop(redisbridge.DropOverflow, c)
		return
	}
	asked := slices.ContainsFunc(e.desk().checks, func(k redisbridge.Control) bool { return k.ID == c.ID })
	e.desk().checks = append(e.desk().checks, c)
	if !asked {
		e.inquire(c.ID)
	}
}

func (e *election) inquire(id string) {
	e.root.Send(e.env.bridge, &redisbridge.Call{
		Kind: redisbridge.CallPeer, ReplyTo: e.self, Gen: e.gen, Election: e.name, Target: id,
	})
}

// verified: Redis has answered about a sender.
func (e *election) verified(a *redisbridge.PeerAnswer) {
	if a.Gen != e.gen {
		return
	}
	e.nominated(a)
	e.settle(a)
	var mine []redisbridge.Control
	kept := e.desk().checks[:0]
	for _, k := range e.desk().checks {
		if k.ID == a.ID {
			mine = append(mine, k)
		} else {
			kept = append(kept, k)
		}
	}
	e.desk().checks = kept
	for _, c := range mine {
		switch {
		case a.Err != nil: // not known; its sender tries again
		case !a.Candidate, !a.Listed && c.Inc == "":
			if !e.ghost(c, a) {
				e.drop(redisbridge.DropStranger, c)
			}
		case a.Who.Inc != c.Inc, a.Who.Original != (c.Inc == ""):
			e.drop(redisbridge.DropOtherName, c)
		case !a.Who.Original && a.Live == 0:
			e.drop(redisbridge.DropNoSession, c)
		case c.Type == redisbridge.TypeVote && succeeded(c, a):
			e.drop(redisbridge.DropOtherName, c)
		default:
			e.voted(c, a)
			e.take(c, a.Who)
		}
	}
}

// maxGhosts bounds how many are remembered; with one more all are forgotten.
const maxGhosts = 64

// ghost: an original votes that is no candidate, or has no details. Somebody took it for dead, and it never
// looks: its fleet votes without it, and both sides lead. It is put back if it has done so
// for a while. Its vote waits for that, and is answered then: of a round in which it hears
// nothing of ours it may come out as the winner. False if the vote counts for nothing.
func (e *election) ghost(c redisbridge.Control, a *redisbridge.PeerAnswer) bool {
	if !*e.env.cfg.Mixed || c.Inc != "" || c.Type != redisbridge.TypeVote || a.Subscribers < 1 || a.Live > 0 {
		return false
	}
	now := e.env.clock.Now()
	first, known := e.desk().ghosts[c.ID]
	switch {
	case !known:
		if e.desk().ghosts == nil || len(e.desk().ghosts) >= maxGhosts {
			e.desk().ghosts = make(map[string]time.Duration)
		}
		e.desk().ghosts[c.ID] = now.Mono
	case now.Mono-first >= e.env.cfg.originals.ghost:
		delete(e.desk().ghosts, c.ID)
		number := strconv.FormatFloat(c.Number, 'f', -1, 64)
		details := redisbridge.Details{Process: json.Number(number), Timestamp: timestamp(now.Time())}
		e.desk().checks = append(e.desk().checks, c)
		e.root.Send(e.env.bridge, &redisbridge.Call{
			Kind: redisbridge.CallRestore, ReplyTo: e.self, Gen: e.gen, Election: e.name, Target: c.ID, Payload: details.Text(),
		})
		return true
	}
	return false
}

// restored: what a ghost said is looked at again.
func (e *election) restored(a *redisbridge.RestoreAnswer) {
	switch {
	case a.Gen != e.gen:
	case a.Err != nil: // its next vote is as good
		e.desk().checks = slices.DeleteFunc(e.desk().checks, func(k redisbridge.Control) bool { return k.ID == a.ID })
	default:
		e.inquire(a.ID)
	}
}

func (e *election) drop(reason redisbridge.DropReason, c redisbridge.Control) {
	e.root.Send(e.env.bridge, &redisbridge.Drop{Reason: reason, Sample: string(c.Type) + " of " + c.ID + " in " + c.Election})
}
