package fsm

import (
	"cmp"
	"time"
)

func (m *Machine) onVote(now Instant, in Input) {
	if m.state == Idle || in.From.ID == m.self.ID || m.ignores(in.From) {
		return
	}
	m.mixed = m.mixed || in.From.Original
	if in.From.Outranks(*m.self) {
		m.outvoted(now, in)
		return
	}
	if m.stoodOut {
		// We resigned: whoever wants the office may have it.
		m.do(Effect{Kind: DoAck, To: in.From, Round: in.Round})
		return
	}
	m.do(Effect{Kind: DoKick, To: in.From, Round: in.Round})
	why := causedBy(CauseLowerVotes, in.From)
	switch m.state {
	case Won:
		m.office.forget(in.From.ID)
		m.pollOriginals(now)
	case Inconclusive:
		m.start(now, why)
	case Lost:
		if m.heldBy.ID == "" {
			// Who objects to a candidate stands itself, or there is no leader.
			m.start(now, why)
			return
		}
		m.look(now)
	default:
	}
}

// outvoted answers the vote of a candidate that outranks us.
func (m *Machine) outvoted(now Instant, in Input) {
	why := causedBy(CauseOutvoted, in.From)
	m.silent = 0 // whoever outranks us is heard
	switch m.state {
	case Won:
		m.preempted(now, in, why)
	case Voting, Waiting, Inconclusive:
		m.do(Effect{Kind: DoAck, To: in.From, Round: in.Round})
		m.standBack(now, in.From, why)
	case Lost:
		m.do(Effect{Kind: DoAck, To: in.From, Round: in.Round})
		switch {
		case in.From.Original && m.heldBy.Original:
			// Between originals the higher one wins, as they have it.
			if in.From.Outranks(m.heldBy.Candidate) {
				m.knowHolder(Holder{Candidate: in.From})
			}
		case m.deadline != 0:
			m.wait(now, m.rules.VoteTimeout+m.stagger())
		}
	default:
	}
}

// Objects reports whether a vote of an original that was kicked would be kicked again: we stand
// still, and it is behind us.
func (m *Machine) Objects(now Instant, to Candidate) bool {
	switch {
	case m.state == Idle || m.ignores(to):
		return false
	case to.Outranks(*m.self):
		return m.state == Won && !m.office.draining && m.stays(now)
	default:
		return !m.stoodOut
	}
}

// preempted: a higher candidate asks the holder to step down.
func (m *Machine) preempted(now Instant, in Input, why Cause) {
	o := m.office
	if m.stays(now) && !o.draining {
		m.do(Effect{Kind: DoKick, To: in.From, Round: in.Round, Draining: m.tenureLeft(now)})
		return
	}
	switch {
	case in.From.Original:
		o.owe(now, in.From, cmp.Or(m.rules.OriginalPatience, DefaultOriginalPatience))
		if e := o.ending(); e.heir.Original && (in.From.ID == e.heir.ID || in.From.Outranks(e.heir)) {
			e.heir = in.From
		}
	case o.draining:
		m.do(Effect{Kind: DoAck, To: in.From, Round: in.Round, Draining: max(o.until-now.Mono, time.Millisecond)})
	default:
		m.do(Effect{Kind: DoAck, To: in.From, Round: in.Round, Draining: m.rules.DrainTimeout})
	}
	m.drain(now, why, in.From)
	m.armOffice()
}

// stays reports whether a healthy holder keeps its office against a higher candidate.
func (m *Machine) stays(now Instant) bool {
	return m.rules.Sticky || m.tenureLeft(now) > 0
}

// tenureLeft is how long a holder stays that is not sticky.
func (m *Machine) tenureLeft(now Instant) time.Duration {
	if m.rules.Sticky {
		return 0
	}
	tenure := m.rules.MinTenure
	if m.office.appointed {
		// Else whoever outranks the successor undoes at once what the resigner wanted.
		tenure = max(tenure, m.session.ttl)
	}
	return tenure - (now.Mono - m.office.since)
}

func (m *Machine) onAck(now Instant, in Input) {
	if m.state != Waiting || !m.answers(in) || m.ignores(in.From) {
		return
	}
	p := m.poll
	if in.Draining > 0 && in.From.ID == p.holder.ID && !p.claiming {
		// It leads still, and will release. Then `vacant` comes, unless it is lost:
		// we look at Redis now and then.
		m.silent = 0
		p.drain = min(in.Draining, time.Hour)
		p.until = now.Mono + p.drain + m.session.ttl/3
		m.deadline = min(p.until, now.Mono+m.session.ttl)
		return
	}
	m.answered(now, in.From.ID)
}

func (m *Machine) onKick(now Instant, in Input) {
	if m.ignores(in.From) {
		return
	}
	why := causedBy(CauseKicked, in.From)
	switch m.state {
	case Voting, Waiting:
		if !m.answers(in) {
			return
		}
		if h := m.poll.holder; h.ID == in.From.ID {
			// A holder that stays: for this term, or for the time that it names.
			m.deferTo = h.Token
			m.knowHolder(h)
			m.lose(now, why, h.Token)
			if in.Draining > 0 {
				m.askLater = true
				m.wait(now, m.jitter(min(in.Draining, time.Hour)))
			}
			return
		}
		if !in.From.Outranks(*m.self) {
			return
		}
		m.silent = 0
		m.standBack(now, in.From, why)
	case Inconclusive:
		if m.answers(in) && in.From.Outranks(*m.self) {
			m.silent = 0
			m.standBack(now, in.From, why)
		}
	case Won:
		if in.From.Outranks(*m.self) && m.answers(in) && !m.stays(now) {
			m.drain(now, why, in.From)
		}
	default:
	}
}

// answers reports whether a message answers the present round. Ours echo the
// round; originals know none, so theirs counts whenever it comes.
func (m *Machine) answers(in Input) bool {
	return in.From.Original || in.Round == m.round
}

// ignores reports whether somebody counts for nothing: an original, where the fleet
// is said to have none.
func (m *Machine) ignores(c Candidate) bool { return c.Original && !m.rules.Mixed }

// standBack loses to a candidate that outranks us: it is about to lead. Nobody said
// that the present holder is gone.
func (m *Machine) standBack(now Instant, to Candidate, why Cause) {
	presumed, ok := m.presumed(to)
	switch {
	case ok:
		m.knowHolder(Holder{Candidate: presumed})
	case m.heldBy.ID == "":
		m.knowNothing()
	}
	m.lose(now, why, 0)
	if m.deadline != 0 && !m.heldBy.Original {
		// A lower holder is for whoever objected to deal with first.
		m.wait(now, m.jitter(m.rules.VoteTimeout)+m.stagger())
	}
}

// presumed returns the original that is to be taken for the leader after one that
// outranks us voted or kicked: it writes no record that would say so. It is the highest
// of those that we know of, if Redis names nobody in this round and none of ours
// outranks it.
func (m *Machine) presumed(c Candidate) (Candidate, bool) {
	if !c.Original || m.state != Waiting || m.poll.holder.ID != "" {
		return c, false
	}
	for _, a := range m.poll.asked {
		if a.Original && a.Outranks(c) {
			c = a
		}
	}
	for _, a := range m.poll.asked {
		if !a.Original && a.Outranks(c) {
			return c, false
		}
	}
	return c, true
}
