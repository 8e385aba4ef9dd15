package fsm

func (m *Machine) onRequest(now Instant, in Input) {
	switch in.Kind {
	case InRun:
		switch {
		case m.down || m.parting():
			m.again = true
		case m.state == Idle:
			m.start(now, because(CauseRun))
		}
	case InQuit:
		m.quit(now, in)
	case InRecover:
		if m.state == Idle {
			m.withdrawAgain()
		}
	case InResign:
		m.resign(now, in)
	case InStandDown:
		m.standDown(now, in)
	case InStand:
		m.stand(now)
	default:
	}
}

func (m *Machine) quit(now Instant, in Input) {
	why := in.Cause
	if why.Code == CauseNone {
		why = because(CauseQuit)
	}
	m.again, m.down = false, false
	m.onForget()
	m.leave(now, why)
}

// onForget: who has stood down, or observed, may look, and know a leader. From now on nothing
// would tell when that one is gone.
func (m *Machine) onForget() {
	if m.state == Idle {
		m.looking = false
		m.knowNothing()
	}
}

// leave withdraws, after draining. The request is answered once Redis knows.
func (m *Machine) leave(now Instant, why Cause) {
	switch {
	case m.state == Won:
		m.drain(now, why, Candidate{}).quit = true
	case m.state != Idle:
		m.withdraw(now, why)
	case !m.leaving:
		m.do(Effect{Kind: DoAnswer, Request: InQuit})
	}
}

// parting reports whether we are on our way out of the candidates.
func (m *Machine) parting() bool { return m.leaving || m.office != nil && m.office.quit }

// withdraw leaves the candidates. Nothing is sent to subscribers once it is done.
func (m *Machine) withdraw(now Instant, why Cause) {
	m.poll = nil
	m.fire(now, Withdraw, why, 0)
	if m.result == ResultWon {
		m.emit(Notice{Kind: NoticeLost, Cause: why})
	}
	if !m.down {
		m.knowNothing()
	}
	m.result, m.retries, m.silent, m.told = NoResult, 0, 0, 0
	m.stoodOut, m.gaveWay, m.vacated, m.deferTo, m.looking, m.unsure = false, false, 0, 0, false, false
	m.place = -1
	m.leaving = true
	m.do(Effect{Kind: DoWithdraw})
}

func (m *Machine) onWithdrawn(now Instant) {
	if !m.leaving {
		return
	}
	m.leaving = false
	m.do(Effect{Kind: DoAnswer, Request: InQuit})
	if m.again && !m.down {
		m.again = false
		m.start(now, because(CauseRun))
	}
}

// lose goes to lost and decides when to look again.
func (m *Machine) lose(now Instant, why Cause, token uint64) {
	m.poll, m.askLater = nil, false
	m.fire(now, Defeated, why, token)
	m.decide(ResultLost, why, token)
	m.planLost(now)
	if m.unsure || m.heard > m.heldBy.Token {
		// Nobody may claim while a record names us, and nobody else can end it;
		// or somebody was elected after Redis had answered us.
		m.look(now)
	}
}

// planLost sets the deadline of lost. A holder of ours is watched by the node: its
// end is told, no timer is needed.
func (m *Machine) planLost(now Instant) {
	h := *m.heldBy
	switch {
	case h.ID == "" || h.ID == m.self.ID:
		m.wait(now, m.jitter(m.rules.VoteTimeout)+m.stagger())
	case h.Original:
		m.wait(now, m.rules.Interval)
	case m.askLater && m.deadline != 0: // as the holder said
	case !m.mayPreempt(h) || m.stoodOut:
		m.deadline = 0
	case m.silent >= MaxInconclusive:
		m.wait(now, m.jitter(RetryMax))
	default:
		m.wait(now, 1)
	}
}

// lostOver: the wait of lost has ended.
func (m *Machine) lostOver(now Instant) {
	h := *m.heldBy
	m.askAnew()
	switch {
	case h.ID == "" || h.Original:
		m.stoodOut, m.gaveWay = false, true // the wait was for our turn
		m.start(now, because(CauseNoLeader))
	case m.mayPreempt(h) && !m.stoodOut:
		m.start(now, causedBy(CauseLowerHolder, h.Candidate))
	default: // the last look failed
		m.deadline, m.looking = 0, false
		m.look(now)
	}
}

// askAnew forgets that the holder said to come back later: it is asked again when it has
// said that, or with the next round, which no timer of the last one outlives. One that
// stays for its whole term is not asked again.
func (m *Machine) askAnew() {
	if m.askLater {
		m.askLater, m.deferTo = false, 0
	}
}

// onHint: leader and vacant are published from inside scripts; they are unsigned and
// may be lost, late or forged. They only make us look.
func (m *Machine) onHint(now Instant, in Input) {
	if in.From.ID == m.self.ID {
		return
	}
	if in.Kind == InVacant {
		m.onVacant(now, in)
		return
	}
	switch m.state {
	case Lost:
		if in.Token >= m.leader.Token && (m.leader.ID != in.From.ID || m.leader.Token != in.Token) {
			m.lookFor(now, in.Token)
		}
	case Inconclusive, Waiting:
		m.lookFor(now, in.Token)
	case Voting:
		m.heard = max(m.heard, in.Token) // the survey may be older
	case Won:
		if in.Token > m.lease.token && m.office.reassertAt == 0 {
			m.reassert(now)
		}
	default:
	}
}

// onVacant: the holder let go. The heir that it names claims at once; the others wait
// for their turn.
func (m *Machine) onVacant(now Instant, in Input) {
	if in.Token < m.leader.Token || m.state == Idle || m.state == Won {
		return // of a term that is long over, or nothing to us
	}
	m.vacated = max(m.vacated, in.Token)
	switch m.state {
	case Waiting:
		if in.From.ID == m.poll.holder.ID {
			m.answered(now, in.From.ID)
		}
		if in.Heir == m.self.ID && m.state == Waiting && !m.poll.claiming {
			m.look(now) // is it kept for us? Then nobody else need be asked
		}
	case Lost, Inconclusive:
		if m.leader.ID != "" && m.leader.ID != m.self.ID && (in.Heir == "" || in.Heir == m.self.ID) {
			m.stoodOut = false // the successor's office has ended
		}
		switch {
		case in.Heir == m.self.ID && m.mixed:
			// The script knows no originals: one may outrank us, and the office may have
			// been left to it.
			m.stoodOut = false
			m.start(now, causedBy(CauseVacant, in.From))
		case in.Heir == m.self.ID: // the claim reads it back
			m.inherit(now, causedBy(CauseVacant, in.From), causedBy(CauseHeir, in.From), in.Token)
		case m.stoodOut:
			// In favour of another: of one that outranks us, or that our successor
			// was preempted by, or named. It has its time.
			if m.heldBy.ID != "" {
				m.wait(now, m.rules.VoteTimeout+m.stagger())
			}
		case m.state == Lost && (in.Heir == "" || m.heldBy.Original):
			m.look(now)
		default:
			// The heir claims just now. Whoever looked at once would be in its way, and
			// be told of the new leader anyway.
			if at := m.stagger() + Stagger; m.deadline == 0 || now.Mono+at < m.deadline {
				m.wait(now, at)
			}
		}
	default:
	}
}

// inherit passes voting and waiting in the same instant: the release named us.
func (m *Machine) inherit(now Instant, canvass, polled Cause, token uint64) {
	m.stoodOut = false
	m.round++
	m.fire(now, Canvass, canvass, token)
	m.poll = &poll{}
	m.fire(now, Polled, polled, token)
	m.claim(now)
}

// onGone: the node watched a session end, or saw somebody leave.
func (m *Machine) onGone(now Instant, in Input) {
	if m.poll != nil {
		m.answered(now, in.From.ID)
	}
	if m.office != nil && in.From.Original {
		m.office.forget(in.From.ID)
		m.armOffice()
	}
	if in.From.ID == "" || m.heldBy.ID != in.From.ID {
		return
	}
	if m.place > 0 && m.heldBy.Outranks(*m.self) && !m.heldBy.Original {
		m.place--
	}
	if m.state == Idle && m.heldBy.Original {
		m.knowNothing() // another one may lead
		return
	}
	m.knowVacant()
	if m.state != Lost && m.state != Inconclusive {
		return
	}
	m.stoodOut = false
	if d := m.stagger(); d > 0 {
		m.wait(now, d+d/Stagger*in.Wait)
		return
	}
	m.start(now, causedBy(CauseHolderEnded, in.From))
}

func (m *Machine) onLinkUp(now Instant) {
	switch m.state {
	case Lost:
		if m.rules.EvictGrace > 0 && m.heldBy.ID == "" && !m.stoodOut {
			m.start(now, because(CauseLinkUp)) // we stepped down for want of it
			return
		}
		m.look(now)
	case Inconclusive:
		m.start(now, because(CauseLinkUp))
	case Waiting:
		// A claim in flight is answered, if only with "unknown". Two of them
		// could be granted two tokens.
		switch {
		case m.poll.claiming && !m.poll.inFlight:
			m.claim(now)
		case m.poll.drain > 0:
			m.look(now)
		}
	default:
		// Who is in none of these waits for no answer: one that was lost would stop
		// all further looks.
		if m.looking {
			m.looking = false
			m.look(now)
		}
	}
}
