package fsm

import "slices"

// look asks Redis who leads, outside of any round.
func (m *Machine) look(now Instant) {
	if m.looking {
		return
	}
	m.looking = true
	m.looks++
	m.do(Effect{Kind: DoSurvey, Round: lookBit | uint64(m.looks)})
	if m.state == Lost && m.deadline == 0 {
		m.wait(now, AnswerTimeout)
	}
}

// lookFor looks for a term that we were told of. A look that is under way may have been
// answered before that.
func (m *Machine) lookFor(now Instant, token uint64) {
	if m.looking {
		m.heard = max(m.heard, token)
	}
	m.look(now)
}

// lookAgain: somebody was elected after Redis had answered, and said so while we waited.
func (m *Machine) lookAgain(now Instant) {
	if m.state == Lost || m.state == Inconclusive || m.state == Waiting {
		m.look(now)
	}
}

func (m *Machine) onLooked(now Instant, in Input) {
	if in.Round == RollCall {
		m.onRollCall(now, in.Survey)
		return
	}
	if !m.looking || in.Round != lookBit|uint64(m.looks) {
		return
	}
	m.looking = false
	s := in.Survey
	if s.Fault.Code != CauseNone {
		if m.state == Lost && m.heldBy.ID != "" && !m.heldBy.Original {
			m.wait(now, m.jitter(m.session.ttl/3))
		}
		return
	}
	m.looked(now, s)
}

// RollCall is the round of a survey that no machine has asked for: the owner of many
// registers us again and looks now and then, whatever we know.
const RollCall uint64 = lookBit

// onRollCall takes such a survey. It was not read before anything that Redis has told us.
func (m *Machine) onRollCall(now Instant, s *Survey) {
	switch {
	case m.looking || m.state == Voting || s.Fault.Code != CauseNone:
		// Who asks is told just now.
	case m.state == Idle:
		m.uninvited(s)
	default:
		mixed := m.mixed
		switch {
		case m.state == Won:
			m.learn(s)
			m.recordLooked(now, s.Holder)
		case m.state == Lost && m.follows(s.Holder):
			m.learn(s)
		default:
			m.looked(now, s)
		}
		m.mixed = m.mixed || mixed // it need not have listed originals
	}
}

// follows reports whether a holder is the one that we know, and leave in office.
func (m *Machine) follows(h Holder) bool {
	h.Left = m.heldBy.Left
	return h.ID != "" && h.ID != m.self.ID && h == *m.heldBy && (m.stoodOut || !m.mayPreempt(h))
}

// uninvited: a candidacy that we gave up is there again. Others would ask us for a vote
// that nobody gives.
func (m *Machine) uninvited(s *Survey) {
	if s.Place >= 0 {
		m.withdrawAgain()
	}
}

// withdrawAgain has Redis take us out of the candidates once more.
func (m *Machine) withdrawAgain() {
	if !m.leaving {
		m.leaving = true
		m.do(Effect{Kind: DoWithdraw})
	}
}

// looked takes what Redis says outside of any round.
func (m *Machine) looked(now Instant, s *Survey) {
	m.seen(s.Token)
	if m.heard > s.Token {
		defer m.lookAgain(now)
	}
	m.unsure, m.heard = false, 0
	h := s.Holder
	if h.ID == m.self.ID && m.lease == nil && !m.leaving {
		// A record names us, and we know of no such term. Nobody else may
		// claim while it stands.
		if m.poll == nil {
			m.do(Effect{Kind: DoRelease, Token: h.Token})
		} else {
			m.unsure = true // the round's claim replaces it, if it comes to that
		}
	}
	h = m.rival(h)
	switch m.state {
	case Idle:
		m.uninvited(s) // a failover has brought it back
		m.observed(h, s.Originals)
	case Lost:
		m.learn(s)
		if h.ID == "" && s.HeirLeft > 0 {
			m.keptLooked(now, s)
			return
		}
		m.followLooked(now, h)
	case Inconclusive, Waiting:
		if h.ID == "" && s.HeirLeft > 0 && s.Heir == m.self.ID {
			m.appointed(now, s)
			return
		}
		if h.ID != "" && !m.mayPreempt(h) && (m.poll == nil || !m.poll.claiming) {
			m.knowHolder(h)
			m.lose(now, causedBy(CauseHigherLeads, h.Candidate), h.Token)
			return
		}
		m.letGo(now, h)
	case Won:
		m.officeLooked(now, s)
	default:
	}
}

// observed: we are no candidate and only want to know. Of originals the record says nothing:
// one that was known to lead leads still, if it stands and none that outranks it does.
func (m *Machine) observed(h Holder, old []Candidate) {
	switch {
	case h.ID != "":
		m.knowHolder(h)
	case !m.rules.Mixed || len(old) == 0:
		m.knowVacant()
	case !m.heldBy.Original || !hasID(old, m.heldBy.ID),
		slices.ContainsFunc(old, func(c Candidate) bool { return c.ID != m.heldBy.ID && c.Outranks(m.heldBy.Candidate) }):
		m.knowNothing()
	default:
	}
}

// letGo goes on with a round that waits for a holder to drain, if it has gone. Its vacant
// message may have been lost; to those below us we object meanwhile, so nobody leads.
func (m *Machine) letGo(now Instant, h Holder) {
	if p := m.poll; p != nil && p.drain > 0 && (h.ID != p.holder.ID || h.Token != p.holder.Token) {
		m.answered(now, p.holder.ID)
	}
}

func (m *Machine) followLooked(now Instant, h Holder) {
	switch {
	case h.ID == "" && m.heldBy.Original:
		// It writes no record: the next round asks it.
	case h.ID == "":
		if m.heldBy.ID != "" {
			m.wait(now, m.stagger()+Stagger)
		}
		m.knowVacant()
	case m.mayPreempt(h) && !m.stoodOut:
		m.knowHolder(h)
		m.start(now, causedBy(CauseLowerHolder, h.Candidate))
	default:
		m.knowHolder(h)
		m.planLost(now)
	}
}

// officeLooked: the leader votes to originals now and then, as they do, so that
// those below step down.
func (m *Machine) officeLooked(now Instant, s *Survey) {
	m.learn(s)
	m.recordLooked(now, s.Holder)
	if !m.rules.Mixed {
		return
	}
	for _, c := range s.Originals {
		m.do(Effect{Kind: DoVote, To: c, Round: m.round})
	}
	m.pollOriginals(now)
}

// recordLooked: Redis has said whom our office's record names. If it is not our term, or
// there is none, nothing keeps others out. Whether we lead yet is for Redis to say; we do
// not write the record again, for somebody may have come and gone meanwhile.
func (m *Machine) recordLooked(now Instant, h Holder) {
	if h.ID != m.self.ID || h.Token != m.lease.token {
		m.reassert(now)
	}
}
