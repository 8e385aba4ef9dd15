package fsm

import (
	"slices"
	"time"
)

// office is what a leader has on its desk. It exists while won only.
type office struct {
	since      time.Duration // when it began
	until      time.Duration // draining: when the work is overdue
	reassertAt time.Duration // when to re-assert again, if it is not being asked for; 0: nothing to re-assert
	pollAt     time.Duration // when to vote to the originals again; 0: none
	end        *farewell     // nil before anybody wants it to end
	asked      bool          // a re-assertion is under way
	draining   bool          // leadership is ending; the user's work is waited for
	quit       bool          // then withdraw; else be defeated
	resigned   bool
	keep       bool // for the heir: we resigned and named it
	appointed  bool // the leader before us named us
}

// farewell is what the end of a term needs. Most terms last, and have none.
type farewell struct {
	why   Cause
	heir  Candidate
	owed  []Candidate   // originals whose votes are acked when the office is released
	ackAt time.Duration // or then at the latest
}

// ending returns what the end of the term needs.
func (o *office) ending() *farewell {
	if o.end == nil {
		o.end = &farewell{}
	}
	return o.end
}

// ackAt is when originals are acked at the latest, 0 if none is owed that.
func (o *office) ackAt() time.Duration {
	if o.end == nil {
		return 0
	}
	return o.end.ackAt
}

// reassertDue is when to re-assert again, 0 if that is not due at any time. A node may lead very many
// elections: none asks again while it is not answered.
func (o *office) reassertDue() time.Duration {
	if o.asked {
		return 0
	}
	return o.reassertAt
}

// DefaultOriginalPatience is after how long an original's vote is acked at the latest, though
// the office is not released yet: it gives its round up, or wins it, 10 s after its votes.
const DefaultOriginalPatience = 8 * time.Second

// maxOwed bounds the acks that are owed. Who is not among them votes again.
const maxOwed = 64

// armOffice sets the deadline to whatever is due first.
func (m *Machine) armOffice() {
	m.deadline = 0
	o := m.office
	for _, at := range [...]time.Duration{o.until, o.reassertDue(), o.pollAt, o.ackAt()} {
		if at != 0 && (m.deadline == 0 || at < m.deadline) {
			m.deadline = at
		}
	}
}

// pollOriginals sees to it that originals are voted to every interval, as they do:
// nothing else is sure to make those below step down.
func (m *Machine) pollOriginals(now Instant) {
	if m.mixed && m.office.pollAt == 0 {
		m.office.pollAt = now.Mono + m.rules.Interval
	}
	m.armOffice()
}

// officeDue does what is due while in office.
func (m *Machine) officeDue(now Instant) {
	o := m.office
	if at := o.ackAt(); at != 0 && now.Mono >= at {
		m.payOwed(o)
	}
	if o.until != 0 && now.Mono >= o.until {
		m.emit(Notice{Kind: NoticeDrainOverdue, Token: m.lease.token, Cause: Cause{Code: CauseDrainOverdue, D: m.rules.DrainTimeout}})
		m.endTerm(now)
		return
	}
	if o.pollAt != 0 && now.Mono >= o.pollAt {
		o.pollAt = now.Mono + m.rules.Interval
		m.look(now)
	}
	if at := o.reassertDue(); at != 0 && now.Mono >= at {
		m.reassert(now)
	}
	m.armOffice()
}

// drain ends the term while trust lasts: the work is told, and waited for.
func (m *Machine) drain(now Instant, why Cause, heir Candidate) *office {
	o := m.office
	if !o.draining {
		o.draining, o.ending().why, o.ending().heir = true, why, heir
		o.until = now.Mono + m.rules.DrainTimeout
		m.do(Effect{Kind: DoEndWork, Cause: why})
		m.armOffice()
	}
	return o
}

func (m *Machine) onDrained(now Instant, in Input) {
	if in.Token != 0 && (m.lease == nil || in.Token != m.lease.token) {
		return // work of a term that ended without it
	}
	if m.office != nil && m.office.draining {
		m.endTerm(now)
	}
}

// endTerm releases the office after draining.
func (m *Machine) endTerm(now Instant) {
	o := m.office
	why, heir := o.ending().why, o.ending().heir
	token := m.dropLease(why)
	if !o.quit || o.resigned {
		m.do(Effect{Kind: DoRelease, Token: token, To: heir, Keep: o.keep})
	}
	m.payOwed(o)
	if heir.Original {
		m.knowHolder(Holder{Candidate: heir})
	} else {
		m.knowVacant()
	}
	m.termOver(now, o, why, token)
}

// termOver goes on after a term whose lease is dropped: out of the candidates if we were
// told to quit, else as one who has lost.
func (m *Machine) termOver(now Instant, o *office, why Cause, token uint64) {
	if o.quit {
		m.withdraw(now, o.ending().why)
		return
	}
	m.stoodOut = o.resigned
	m.lose(now, why, token)
	if o.resigned {
		// Stand again when the successor's office ends, or if there is none.
		m.wait(now, m.session.ttl)
	}
}

// owe notes that an original's vote is to be acked.
func (o *office) owe(now Instant, c Candidate, patience time.Duration) {
	e := o.ending()
	if len(e.owed) == 0 {
		e.ackAt = now.Mono + patience
	}
	switch i := slices.IndexFunc(e.owed, func(o Candidate) bool { return o.ID == c.ID }); {
	case i >= 0:
		e.owed[i] = c
	case len(e.owed) < maxOwed:
		e.owed = append(e.owed, c)
	}
}

// forget: an original is gone, or has been started again below us. Nothing is owed to it,
// and if we drain for it, it is for the next one that has voted meanwhile, if there is any.
func (o *office) forget(id string) {
	e := o.end
	if e == nil {
		return
	}
	e.owed = slices.DeleteFunc(e.owed, func(c Candidate) bool { return c.ID == id })
	if len(e.owed) == 0 {
		e.ackAt = 0
	}
	if !e.heir.Original || e.heir.ID != id {
		return
	}
	e.heir = Candidate{}
	for _, c := range e.owed {
		if e.heir.ID == "" || c.Outranks(e.heir) {
			e.heir = c
		}
	}
}

// payOwed acks the originals that wait for it.
func (m *Machine) payOwed(o *office) {
	e := o.end
	if e == nil {
		return
	}
	for _, c := range e.owed {
		m.do(Effect{Kind: DoAck, To: c, Owed: true})
	}
	e.owed, e.ackAt = nil, 0
}

// dropLease closes the handle for good and tells the shell.
func (m *Machine) dropLease(why Cause) (token uint64) {
	token = m.lease.token
	m.lease.close()
	m.lease, m.office = nil, nil
	m.do(Effect{Kind: DoUnlead, Token: token, Cause: why})
	return token
}

// lapse: trust ended before anybody said so. The record may name us for as long as
// the session lives in Redis; release it, so that nobody waits for that.
func (m *Machine) lapse(now Instant) {
	why := Cause{Code: CauseLapsed, D: m.session.ttl - m.session.margin}
	o := m.office
	var over Tenancy
	if o.reassertAt == 0 { // else the record may be of a later one
		over = m.lease.trust.Load().tenancy
	}
	token := m.dropLease(why)
	m.do(Effect{Kind: DoRelease, Token: token, Tenancy: over})
	m.payOwed(o)
	m.knowNothing()
	m.termOver(now, o, why, token)
	if !o.quit && !o.resigned {
		m.wait(now, RetryMin+m.stagger())
	}
}

// reassert asks Redis to move our record into the present tenancy.
func (m *Machine) reassert(now Instant) {
	m.office.asked, m.office.reassertAt = true, max(now.Mono, 1)
	m.do(Effect{Kind: DoReassert, Token: m.lease.token, Tenancy: m.session.Current().tenancy})
	m.armOffice()
}

func (m *Machine) onReasserted(now Instant, in Input) {
	if m.lease == nil || in.Token != m.lease.token {
		return
	}
	if in.Outcome == OutcomeSuperseded {
		m.superseded(now, 0)
		return
	}
	o := m.office
	o.asked, o.reassertAt = false, now.Mono+RetryMin // tried again while trust lasts, unless it is done
	trust := m.session.Trust(in.Tenancy, now)
	if in.Outcome == OutcomeReasserted && trust != nil && m.session.Current().tenancy == in.Tenancy {
		m.lease.trust.Store(trust)
		o.reassertAt = 0
	}
	m.armOffice()
}

// superseded: the record no longer carries the term's token. If it is ours, granted
// to a claim that was thought lost, it is given back; the lease is closed by then, for
// whoever comes next may be let in at once.
func (m *Machine) superseded(now Instant, newer uint64) {
	why := because(CauseSuperseded)
	o := m.office
	token := m.dropLease(why)
	if newer != 0 {
		m.do(Effect{Kind: DoRelease, Token: newer})
	}
	if o.draining {
		m.do(Effect{Kind: DoAnswer, Request: InResign, Token: token}) // nothing is left to release
	}
	m.payOwed(o)
	m.knowNothing()
	if o.quit {
		m.withdraw(now, why)
		return
	}
	m.lose(now, why, token)
	m.wait(now, m.stagger()+Stagger)
}

// onTenancy: Redis names another tenancy than before. What was recorded in the old
// one no longer counts until it is re-asserted.
func (m *Machine) onTenancy(now Instant) {
	switch m.state {
	case Won:
		m.reassert(now)
	case Lost:
		m.look(now)
	case Idle:
		if m.round > 0 { // a failover may have brought back what we have quit
			m.withdrawAgain()
		}
	case Waiting:
		if m.poll.drain > 0 {
			m.look(now)
		}
	default:
	}
}
