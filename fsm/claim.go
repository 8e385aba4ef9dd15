package fsm

func (m *Machine) claim(now Instant) {
	t := m.session.Current()
	if !t.Holds(now) {
		m.do(Effect{Kind: DoBeat})
		m.undecided(now, Cause{Code: CauseNoSession, Detail: "no heartbeat was answered lately"})
		return
	}
	if m.deaf() {
		m.undecided(now, because(CauseDeaf))
		return
	}
	p := m.poll
	if !p.claiming {
		p.claiming = true
		p.until = now.Mono + m.session.ttl/3
	}
	p.inFlight = true
	m.wait(now, AnswerTimeout)
	m.do(Effect{Kind: DoClaim, Round: m.round, Tenancy: t.tenancy, Eager: p.eager})
	p.eager = false
}

func (m *Machine) onClaimed(now Instant, in Input) {
	if in.granted() {
		m.seen(in.Token)
		if m.lease != nil && in.Token > m.lease.token {
			m.superseded(now, in.Token)
			return
		}
	}
	if in.Outcome == OutcomeUnknown && m.state != Idle {
		// What is being looked at now may have been read before the claim.
		m.unsure, m.looking = true, false
	}
	if m.state != Waiting || in.Round != m.round || !m.poll.claiming {
		m.claimedLate(now, in)
		return
	}
	m.poll.inFlight = false
	switch in.Outcome {
	case OutcomeGranted:
		m.elected(now, in)
	case OutcomeHeld:
		m.held(now, *in.Holder)
	case OutcomeUnreplicated:
		m.do(Effect{Kind: DoRelease, Token: in.Token})
		m.undecided(now, in.Cause)
	case OutcomeSpent:
		m.undecided(now, in.Cause)
	case OutcomeQuarantine:
		m.undecided(now, Cause{Code: CauseQuarantine, D: in.Wait})
	case OutcomeKept:
		m.undecided(now, keptFor(in.Heir, in.Wait))
	case OutcomeOutranked:
		// Whoever outranks us came between the survey and the claim: too late for this round.
		m.claim(now)
	case OutcomeRefused:
		m.undecided(now, because(CauseNotRegistered))
	case OutcomeStale:
		m.do(Effect{Kind: DoBeat})
		m.undecided(now, Cause{Code: CauseNoSession, Detail: "Redis knows another one"})
	default:
		// The outcome is unknown. A claim is simply repeated: each grant has a
		// new token, and the last one counts.
		m.deadline = min(m.poll.until, now.Mono+RetryMin)
	}
}

// claimedLate: of a round that is over. A grant is no leadership: it is given back.
func (m *Machine) claimedLate(now Instant, in Input) {
	switch {
	case in.granted() && m.lease != nil && in.Token == m.lease.token:
		// Told a second time of the term that we are in: Redis does not do that.
	case in.granted() && !m.leaving:
		m.do(Effect{Kind: DoRelease, Token: in.Token})
	case in.Outcome == OutcomeUnknown && m.state == Lost:
		m.look(now)
	}
}

func (m *Machine) elected(now Instant, in Input) {
	trust := m.session.Trust(in.Tenancy, now)
	if trust == nil {
		m.do(Effect{Kind: DoRelease, Token: in.Token})
		m.undecided(now, because(CauseLateGrant))
		return
	}
	if m.deaf() {
		m.do(Effect{Kind: DoRelease, Token: in.Token})
		m.undecided(now, because(CauseDeaf))
		return
	}
	why := because(CauseGranted)
	if m.poll.passed.ID != "" {
		why = causedBy(CausePassedOver, m.poll.passed)
	}
	m.poll = nil
	m.silent, m.vacated, m.deferTo, m.stoodOut, m.unsure = 0, 0, 0, false, false
	m.lease = newLease(in.Token, trust)
	m.fire(now, Elected, why, in.Token)
	m.office = &office{since: now.Mono, appointed: in.Appointed}
	m.do(Effect{Kind: DoLead, Lease: m.lease})
	m.know(Leader{ID: m.self.ID, Token: in.Token, Known: true, Appointed: in.Appointed}, Holder{})
	m.decide(ResultWon, why, in.Token)
	if cur := m.session.Current(); cur.tenancy != in.Tenancy {
		m.reassert(now)
	}
	m.pollOriginals(now)
}

// held: somebody was faster, or did not let go.
func (m *Machine) held(now Instant, h Holder) {
	m.vacated = 0 // whoever said that the office was released was wrong
	asked := m.poll.holder.ID != "" && m.poll.holder.Token == h.Token
	m.seen(h.Token)
	m.knowHolder(h)
	m.lose(now, causedBy(CauseHeld, h.Candidate), h.Token)
	if asked && m.deadline != 0 {
		// It stood back, and its record is still there: don't ask in a loop.
		m.deadline = max(m.deadline, now.Mono+m.jitter(RetryMin))
	}
}

// granted reports whether Redis has written a record for us with Token.
func (in *Input) granted() bool {
	return in.Outcome == OutcomeGranted || in.Outcome == OutcomeUnreplicated
}
