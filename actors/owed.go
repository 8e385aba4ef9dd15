package actors

import (
	"hustings/fsm"
	"hustings/redisbridge"
)

// records are what an election notes of originals: what is to be said to one of them later.
// An original has no incarnation. Its process may have ended since, and another one run
// under its id, which has asked for nothing: an ack ends it, and a kick costs it a round. So
// Redis is asked before anything late is said.
type records struct {
	lives map[string]string // of those that voted while we led: by id, what tells its life
	owed  []owed
	kicks []rekick
}

// owed is an ack that waits for Redis.
type owed struct {
	to   fsm.Candidate
	life string
}

// maxRecords bounds each of them. What does not fit is not said: an original votes again.
const maxRecords = 64

// records returns them, made if need be.
func (e *election) records() *records {
	if e.desk().old == nil {
		e.desk().old = &records{}
	}
	return e.desk().old
}

// tidyRecords gives them up where nothing is on them. Out of office no further ack is owed.
func (e *election) tidyRecords() {
	if e.papers == nil || e.papers.old == nil {
		return
	}
	r := e.papers.old
	if e.lead == nil {
		r.lives = nil
	}
	if len(r.lives)+len(r.owed)+len(r.kicks) == 0 {
		e.papers.old = nil
	}
}

// lifeOf is what tells one life of an original from the next, as far as anything does: each
// writes its process id and the time when it goes online.
func lifeOf(a *redisbridge.PeerAnswer) string {
	return a.Details.Process.String() + " " + a.Details.Timestamp
}

// succeeded reports whether a vote is of a process that another one has taken the place of.
func succeeded(c redisbridge.Control, a *redisbridge.PeerAnswer) bool {
	number, err := a.Details.Process.Float64()
	return a.Who.Original && err == nil && number != c.Number
}

// voted notes which life of an original has voted, where the ack may be owed.
func (e *election) voted(c redisbridge.Control, a *redisbridge.PeerAnswer) {
	if c.Type != redisbridge.TypeVote || !a.Who.Original || e.lead == nil {
		return
	}
	r := e.records()
	if r.lives == nil {
		r.lives = make(map[string]string)
	}
	if _, known := r.lives[a.ID]; known || len(r.lives) < maxRecords {
		r.lives[a.ID] = lifeOf(a)
	}
}

// ackTwice: it may wait for us twice, from a round that it gave up.
func (e *election) ackTwice(fx *fsm.Effect) {
	e.publish(fx)
	e.publish(fx)
}

// payLater acks an original whose vote came a while ago, if it is the one that voted.
func (e *election) payLater(to fsm.Candidate) {
	r := e.records()
	if life, ok := r.lives[to.ID]; ok && len(r.owed) < maxRecords {
		r.owed = append(r.owed, owed{to, life})
		e.inquire(to.ID)
	}
}

// repeatKick: an original forgets a kick that comes before its votes are all out.
func (e *election) repeatKick(fx *fsm.Effect) {
	root, self, m := e.root, e.self, &rekick{to: fx.To, round: fx.Round}
	e.env.clock.AfterFunc(e.env.cfg.originals.rekick, func() { root.Send(self, m) })
}

func (e *election) kickAgain(m *rekick) {
	if r := e.records(); len(r.kicks) < maxRecords {
		r.kicks = append(r.kicks, *m)
		e.inquire(m.to.ID)
	}
}

// settle: Redis has answered about somebody to whom something is to be said.
func (e *election) settle(a *redisbridge.PeerAnswer) {
	if e.papers == nil || e.papers.old == nil {
		return
	}
	r := e.papers.old
	stands := a.Err == nil && a.Candidate && a.Listed && a.Who.Original
	kicks := r.kicks[:0]
	for _, k := range r.kicks {
		switch {
		case k.to.ID != a.ID:
			kicks = append(kicks, k)
		case stands && a.Who.Rank == k.to.Rank && e.m.Objects(e.env.clock.Now(), k.to):
			e.publish(&fsm.Effect{Kind: fsm.DoKick, To: k.to, Round: k.round})
		}
	}
	r.kicks = kicks
	var gone []fsm.Candidate
	kept := r.owed[:0]
	for _, o := range r.owed {
		switch {
		case o.to.ID != a.ID:
			kept = append(kept, o)
		case a.Err != nil, a.Subscribers < 0: // not known; it votes again
		case stands && a.Subscribers > 0 && lifeOf(a) == o.life:
			e.ackTwice(&fsm.Effect{Kind: fsm.DoAck, To: o.to})
		default:
			gone = append(gone, o.to)
		}
	}
	r.owed = kept
	for _, c := range gone {
		e.step(fsm.Input{Kind: fsm.InGone, From: c})
	}
}
