package fsm

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

// history is a ring that grows as it fills, so that an election that moved three
// times pays for four entries, not for 64.
type history struct {
	ring []Transition
	seq  uint64
}

func (h *history) add(t Transition) Transition {
	h.seq++
	t.Seq = h.seq
	if len(h.ring) < HistoryLen {
		if len(h.ring) == cap(h.ring) {
			grown := make([]Transition, len(h.ring), min(HistoryLen, len(h.ring)+4+len(h.ring)/2))
			copy(grown, h.ring)
			h.ring = grown
		}
		h.ring = append(h.ring, t)
		return t
	}
	h.ring[(h.seq-1)%HistoryLen] = t
	return t
}

// list returns a copy, oldest first.
func (h *history) list() []Transition {
	out := make([]Transition, 0, len(h.ring))
	if len(h.ring) < HistoryLen {
		return append(out, h.ring...)
	}
	at := h.seq % HistoryLen
	out = append(out, h.ring[at:]...)
	return append(out, h.ring[:at]...)
}
