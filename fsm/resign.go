package fsm

import "time"

// resign gives up the office and leaves us a candidate. Whom the resigner names has the
// office kept for it for a while; the node has asked Redis whether it is a live candidate.
// Where the term is ending already, its heir stays who it is.
func (m *Machine) resign(now Instant, in Input) {
	if m.lease == nil {
		m.do(Effect{Kind: DoAnswer, Request: InResign, Refused: true})
		return
	}
	why := because(CauseResigned)
	if in.Heir != "" {
		why = causedBy(CauseResignedTo, Candidate{ID: in.Heir, Rank: UnknownRank})
	}
	o := m.office
	o.keep = o.keep || in.Heir != "" && !o.draining
	m.drain(now, why, Candidate{ID: in.Heir}).resigned = true
}

func keptFor(heir string, left time.Duration) Cause {
	return Cause{Code: CauseKept, Peer: heir, Rank: UnknownRank, D: left}
}

// kept: a round finds the office kept for the successor that a resigner named. That one
// asks nobody; the others wait for as long as it is kept, and ask then.
func (m *Machine) kept(now Instant, s *Survey) {
	if s.Heir != m.self.ID {
		m.undecided(now, keptFor(s.Heir, s.HeirLeft))
		return
	}
	m.stoodOut = false
	m.fire(now, Polled, because(CauseAppointed), s.Token)
	m.knowVacant()
	m.claim(now)
}

// keptLooked: the same, seen by who has lost.
func (m *Machine) keptLooked(now Instant, s *Survey) {
	if s.Heir == m.self.ID {
		m.appointed(now, s)
		return
	}
	m.knowVacant()
	switch {
	case !m.stoodOut:
		m.wait(now, min(s.HeirLeft, KeptFor)+m.stagger()+Stagger)
	case m.deadline == 0:
		m.wait(now, m.session.ttl)
	default: // it stands again when that wait ends
	}
}

// appointed claims at once: a resigner named us, and the message was lost or came while
// we waited for others.
func (m *Machine) appointed(now Instant, s *Survey) {
	switch {
	case m.state != Waiting:
		m.inherit(now, because(CauseAppointed), because(CauseAppointed), s.Token)
	case !m.poll.claiming:
		m.poll.pending = nil
		m.claim(now)
	}
}
