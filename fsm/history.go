package fsm

import "fmt"

// HistoryLen is how many transitions an election remembers.
const HistoryLen = 64

// Transition is one step of an election's history.
type Transition struct {
	// Seq counts the election's transitions from 1 and never repeats.
	Seq uint64 `json:"seq"`
	// At is when it happened.
	At    Instant `json:"at"`
	From  State   `json:"from"`
	Event Event   `json:"event"`
	To    State   `json:"to"`
	// Cause says why, in a sentence that a person can act on.
	Cause Cause `json:"cause"`
	// Round is the round's number at that time.
	Round uint64 `json:"round"`
	// Token is the fencing token involved, 0 if none.
	Token uint64 `json:"token,omitempty"`
}

// String says what happened and why, for people: "polled: voting -> waiting (nobody outranks us)".
func (t Transition) String() string {
	return fmt.Sprintf("%v: %v -> %v (%v)", t.Event, t.From, t.To, t.Cause)
}

// history is a ring that grows as it fills, so that an election that moved three
// times pays for three entries, not for 64.
type history struct {
	ring []moved
	seq  uint64
}

// moved is a Transition as the ring keeps it: less than half the size. Its Seq follows
// from its place, and few causes say more than their code.
type moved struct {
	at       Instant
	token    uint64
	more     *Cause // nil: the code says it all
	round    uint32
	from, to State
	event    Event
	code     CauseCode
}

// since is when the last one happened.
func (h *history) since() Instant {
	if h.seq == 0 {
		return Instant{}
	}
	return h.ring[(h.seq-1)%HistoryLen].at
}

// add takes a transition and numbers it. Causes are shared with other histories.
func (h *history) add(t Transition, causes *shared[Cause]) Transition {
	h.seq++
	t.Seq = h.seq
	m := moved{at: t.At, round: uint32(t.Round), token: t.Token, from: t.From, to: t.To, event: t.Event, code: t.Cause.Code}
	if t.Cause != because(t.Cause.Code) {
		m.more = causes.share(t.Cause)
	}
	if len(h.ring) < HistoryLen {
		if len(h.ring) == cap(h.ring) {
			grown := make([]moved, len(h.ring), min(HistoryLen, len(h.ring)+3+len(h.ring)/2))
			copy(grown, h.ring)
			h.ring = grown
		}
		h.ring = append(h.ring, m)
		return t
	}
	h.ring[(h.seq-1)%HistoryLen] = m
	return t
}

// list returns a copy, oldest first.
func (h *history) list() []Transition {
	out := make([]Transition, 0, len(h.ring))
	for seq := h.seq - uint64(len(h.ring)) + 1; seq <= h.seq; seq++ {
		m := &h.ring[(seq-1)%HistoryLen]
		t := Transition{
			Seq: seq, At: m.at, From: m.from, Event: m.event, To: m.to,
			Cause: because(m.code), Round: uint64(m.round), Token: m.token,
		}
		if m.more != nil {
			t.Cause = *m.more
		}
		out = append(out, t)
	}
	return out
}
