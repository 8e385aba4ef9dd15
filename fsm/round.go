package fsm

import (
	"slices"
	"time"
)

// poll is a round under way. It exists while voting and waiting only.
type poll struct {
	since    time.Duration // when Redis was asked
	asked    []Candidate   // everybody that this round's votes went to
	pending  []Candidate   // whose answers it waits for
	holder   Holder        // a holder that we outrank and asked to step down
	passed   Candidate     // a silent one that was passed over
	drain    time.Duration // within which the holder said that it would release
	eager    bool          // the survey claims, and this round has not used the answer
	claiming bool
	inFlight bool          // a claim is not answered yet
	until    time.Duration // when the present wait ends for good
}

// lookBit marks the numbers of surveys that belong to no round.
const lookBit = 1 << 63

// start begins a round: ask Redis, and be registered by the same request.
func (m *Machine) start(now Instant, why Cause) {
	m.round++
	m.askAnew()
	m.fire(now, Canvass, why, 0)
	m.poll = &poll{since: now.Mono}
	m.wait(now, AnswerTimeout)
	fx := Effect{Kind: DoSurvey, Round: m.round, Register: true}
	if t := m.session.Current(); m.place <= 0 && m.heldBy.ID == "" && t.Holds(now) && !m.deaf() {
		// Perhaps nobody is to be asked: then the office is ours in one round trip.
		m.poll.eager = true
		fx.Eager, fx.Tenancy = true, t.tenancy
	}
	m.do(fx)
}

func (m *Machine) onSurveyed(now Instant, in Input) {
	if in.Round&lookBit != 0 {
		m.onLooked(now, in)
		return
	}
	if m.state != Voting || in.Round != m.round {
		return
	}
	s := in.Survey
	if s.Fault.Code != CauseNone {
		if s.Fault.Code == CauseNoSession {
			m.do(Effect{Kind: DoBeat})
		}
		m.undecided(now, s.Fault)
		return
	}
	m.learn(s)
	// A record that names us is of a claim whose answer was lost. This round's claim
	// will replace it; if there is none, it must be given back.
	m.unsure = s.Holder.ID == m.self.ID
	h := m.rival(s.Holder)
	if h.ID == "" && s.Holder.ID != "" && s.Holder.Outranks(*m.self) {
		// It let go while Redis was asked, and who else outranks us was not listed. Once:
		// whoever said that it let go may have been wrong.
		m.vacated, m.poll.eager = 0, false
		m.do(Effect{Kind: DoSurvey, Round: m.round, Register: true})
		return
	}
	if h.ID == "" && s.HeirLeft > 0 {
		m.kept(now, s)
		return
	}
	if h.ID != "" && !m.mayPreempt(h) {
		m.knowHolder(h)
		m.lose(now, causedBy(CauseHigherLeads, h.Candidate), h.Token)
		return
	}
	if h.ID != "" && s.Quarantine > 0 {
		// It has its office still, and nobody could follow it: neither could we.
		m.knowHolder(h)
		m.undecided(now, Cause{Code: CauseQuarantine, D: s.Quarantine})
		return
	}
	if m.deaf() {
		// A lower holder is not asked to go: who asks it could not follow.
		m.observed(h, s.Originals)
		m.undecided(now, because(CauseDeaf))
		return
	}
	if len(s.Higher) > 0 && len(s.Originals) == 0 && m.silent == 0 && !m.gaveWay {
		m.giveWay(now, s.Higher[0], h)
		return
	}
	m.vote(now, s, h)
}

// giveWay leaves the office to a candidate that outranks us, for as long as our place in
// the ranking says, before it asks anybody. Else all candidates of a fleet would ask the
// same few, who answer that they stand themselves. Where Redis takes long to answer, who
// goes first needs longer, too: a TTL at most, as a crash would cost.
func (m *Machine) giveWay(now Instant, to Candidate, h Holder) {
	m.gaveWay = true
	took := now.Mono - m.poll.since
	if h.ID != "" {
		m.knowHolder(h)
	} else {
		m.knowNothing()
	}
	m.lose(now, causedBy(CauseHigherStands, to), 0)
	m.wait(now, max(m.stagger(), Stagger)+min(2*took, m.session.ttl))
}

// learn takes what every survey tells.
func (m *Machine) learn(s *Survey) {
	m.place = int16(min(s.Place, 1<<15-1)) //nolint:gosec // bounded
	m.seen(s.Token)
	m.mixed = m.rules.Mixed && len(s.Originals) > 0
}

// rival returns the holder if there is one to reckon with. Our own record is of a term
// that we know nothing of: the claim makes a new one. A released one is gone, or about
// to go.
func (m *Machine) rival(h Holder) Holder {
	if h.ID == m.self.ID || h.Token != 0 && h.Token <= m.vacated {
		return Holder{}
	}
	return h
}

// mayPreempt reports whether a holder is one that we ask to step down.
func (m *Machine) mayPreempt(h Holder) bool {
	return m.self.Outranks(h.Candidate) && h.Token != m.deferTo
}

// vote sends the round's votes and goes on to wait, or to claim if nobody matters.
func (m *Machine) vote(now Instant, s *Survey, h Holder) {
	why := because(CausePolled)
	m.gaveWay = false
	p := m.poll
	p.holder = h
	if h.ID == "" && !m.opposed(s) {
		why = because(CauseUnopposed)
	}
	m.fire(now, Polled, why, 0)
	switch {
	case h.ID != "":
		m.knowHolder(h)
	case !m.heldBy.Original || !hasID(s.Originals, m.heldBy.ID):
		m.knowVacant()
	default: // an original writes no record: it is asked, and decides
	}
	for _, c := range s.Higher {
		m.ask(c, true)
	}
	if h.ID != "" {
		m.ask(h.Candidate, true)
	}
	if m.rules.Mixed {
		for _, c := range s.Originals {
			m.ask(c, c.Outranks(*m.self))
		}
	}
	if len(p.pending) == 0 {
		m.claim(now)
		return
	}
	p.eager = false // what it is answered, right behind the survey, is for nobody
	p.until = now.Mono + m.rules.VoteTimeout
	m.deadline = p.until
}

// opposed reports whether a survey names a candidate that outranks us.
func (m *Machine) opposed(s *Survey) bool {
	return len(s.Higher) > 0 || m.rules.Mixed && slices.ContainsFunc(s.Originals, func(c Candidate) bool { return c.Outranks(*m.self) })
}

func (m *Machine) ask(c Candidate, await bool) {
	m.do(Effect{Kind: DoVote, To: c, Round: m.round})
	m.poll.asked = append(m.poll.asked, c)
	if await {
		m.poll.pending = append(m.poll.pending, c)
	}
}

// answered takes somebody off the round's list; the last one off starts the claim.
func (m *Machine) answered(now Instant, id string) {
	p := m.poll
	if m.state != Waiting || p.claiming {
		return
	}
	for i, c := range p.pending {
		if c.ID != id {
			continue
		}
		p.pending = append(p.pending[:i], p.pending[i+1:]...)
		switch {
		case len(p.pending) == 0:
			m.silent = 0
			m.claim(now)
		case p.drain > 0 && id == p.holder.ID:
			p.drain = 0
			p.until = now.Mono + m.rules.VoteTimeout
			m.deadline = p.until
		}
		return
	}
}

// undecided ends a round without a result and plans the next one.
func (m *Machine) undecided(now Instant, why Cause) {
	m.poll = nil
	m.fire(now, Undecided, why, 0)
	d := min(RetryMin<<min(m.retries, 8), RetryMax)
	m.retries = min(m.retries+1, 8)
	switch why.Code {
	case CauseQuarantine:
		// Look again when it ends, and now and then before: a leader of the
		// old dataset may have come back into office.
		d = min(min(why.D, time.Hour)+time.Millisecond+m.stagger(), max(m.session.ttl/3, RetryMin))
		m.wait(now, d)
	case CauseKept:
		m.wait(now, min(max(why.D, 0), KeptFor)+time.Millisecond+m.stagger())
	case CauseNotRegistered:
		m.wait(now, min(d, RetryMin))
	case CauseNoSession:
		// A heartbeat is on its way, which may put that right at once.
		m.wait(now, min(m.jitter(d)+m.stagger(), max(m.session.ttl/3, RetryMin)))
	default:
		m.wait(now, m.jitter(d)+m.stagger())
	}
	if m.told&(1<<why.Code) == 0 {
		m.told |= 1 << why.Code
		m.emit(Notice{Kind: NoticeInconclusive, Cause: why})
	}
}

// onTick: the deadline has come, or came earlier and was moved since.
func (m *Machine) onTick(now Instant) {
	if m.deadline == 0 || now.Mono < m.deadline {
		return
	}
	switch m.state {
	case Voting:
		m.undecided(now, Cause{Code: CauseNoAnswer, D: AnswerTimeout})
	case Waiting:
		m.roundOver(now)
	case Won:
		m.officeDue(now)
	case Lost:
		m.lostOver(now)
	case Inconclusive:
		m.start(now, because(CauseRetry))
	default:
		m.deadline = 0
	}
}

// roundOver: a wait of the round has ended.
func (m *Machine) roundOver(now Instant) {
	p := m.poll
	if p.claiming {
		switch {
		case p.inFlight:
			m.undecided(now, Cause{Code: CauseNoAnswer, D: AnswerTimeout})
		case now.Mono < p.until:
			m.claim(now)
		default:
			m.undecided(now, Cause{Code: CauseNoAnswer, D: m.session.ttl / 3})
		}
		return
	}
	if p.drain > 0 && now.Mono < p.until {
		m.deadline = min(p.until, now.Mono+m.session.ttl)
		m.look(now)
		return
	}
	who := p.pending[0]
	if m.silent >= MaxInconclusive {
		p.passed = who
		p.pending = nil
		m.claim(now)
		return
	}
	if p.drain > 0 && who.ID == p.holder.ID {
		// It did answer. The next round asks it again.
		m.undecided(now, Cause{Code: CauseHolderDrains, Peer: who.ID, Rank: who.Rank, D: p.drain})
		return
	}
	m.silent++
	m.undecided(now, Cause{Code: CauseSilent, Peer: who.ID, Rank: who.Rank, D: m.rules.VoteTimeout})
}

// Pending is a candidate whose answer a round waits for.
type Pending struct {
	Candidate
	Holder bool `json:"holder,omitempty"`
}

// Pending returns whose answers the round waits for.
func (m *Machine) Pending() []Pending {
	if m.poll == nil {
		return nil
	}
	out := make([]Pending, 0, len(m.poll.pending))
	for _, c := range m.poll.pending {
		out = append(out, Pending{c, c.ID == m.poll.holder.ID})
	}
	return out
}

// Knows reports whether id is one whose messages the present round expects, so that
// they need not be verified.
func (m *Machine) Knows(id, inc string) bool {
	if m.poll == nil {
		return false
	}
	for _, c := range m.poll.asked {
		if c.ID == id {
			return c.Original || c.Inc == inc
		}
	}
	return false
}
