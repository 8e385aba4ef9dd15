package fsm

import (
	"fmt"
	"time"
)

// Result is the last decided result of an election, as the original's getLastStatus
// meant to tell it.
type Result uint8

// The results.
const (
	NoResult Result = iota
	ResultWon
	ResultLost
)

func (r Result) String() string {
	if names := [...]string{"none", "won", "lost"}; int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("Result(%d)", uint8(r))
}

// MarshalText writes the result's name.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Rules are the settings of an election. They are shared by many machines and
// never changed. Times are added to instants as they are: whoever makes the rules sees to it
// that none is longer than some decades (package actors refuses more than ten years).
type Rules struct {
	// VoteTimeout is how long a round waits for answers.
	VoteTimeout time.Duration
	// Interval is how often an election is looked at that an original may lead.
	Interval time.Duration
	// DrainTimeout is how long the work may take to return.
	DrainTimeout time.Duration
	// Sticky: we do not give up the office to a higher candidate.
	Sticky bool
	// MinTenure: nor before we have been in office for so long.
	MinTenure time.Duration
	// Mixed: originals may be in the fleet.
	Mixed bool
	// OriginalPatience is how long an original's vote may wait for its ack while we
	// drain. Default DefaultOriginalPatience.
	OriginalPatience time.Duration
	// EvictGrace: 0 is the policy OnExpiry. Otherwise OnDisconnect: who holds the
	// office and has been without a subscription for so long is evicted, and who
	// loses its own steps down at once.
	EvictGrace time.Duration
}

// Fixed rules of the protocol.
const (
	// MaxInconclusive is how many rounds a silent higher candidate may spoil.
	MaxInconclusive = 2
	// Stagger is how long each place in the ranking waits for the one before it.
	Stagger = 25 * time.Millisecond
	// RetryMin and RetryMax bound the wait after a round without result.
	RetryMin = 250 * time.Millisecond
	RetryMax = 5 * time.Second
	// KeptFor is the longest that a released office is kept for a named successor.
	KeptFor = time.Second
	// AnswerTimeout is how long an answer of Redis is waited for. Whoever asks for us gives
	// one to every question, if only that Redis is unreachable, however many wait
	// before it: to ask again sooner would only make more wait.
	AnswerTimeout = 30 * time.Second
	// maxPlace bounds the stagger in a large fleet.
	maxPlace = 40
)

// Machine is one election, seen from one candidate. It has no clock, no goroutine,
// no I/O and no randomness of its own: Step takes the time and one input and returns
// what to do. One goroutine owns it.
type Machine struct {
	rules   *Rules
	session *Session
	self    *Candidate // shared by the elections of a session that have one rank
	rng     uint64

	deadline time.Duration // monotonic; 0: none
	round    uint64
	leader   Leader
	heldBy   *Holder // never nil: who the record named when Redis was last asked, or an original

	lease  *Lease
	office *office // while won
	poll   *poll   // while voting or waiting

	told    uint64 // causes that subscribers heard of since the last decision
	vacated uint64 // highest token that is said to have been released
	deferTo uint64 // token of a holder that refuses to be preempted
	heard   uint64 // highest token of a leader hint since Redis was last asked
	looks   uint32

	// A process may have 100,000 machines: what is small stands together.
	place    int16
	state    State
	result   Result
	retries  uint8 // rounds without result since the last decision
	silent   uint8 // of these, rounds that a silent candidate spoiled
	looking  bool  // a look is under way
	unsure   bool  // a claim's outcome is unknown: the record may name us
	mixed    bool  // an original was seen in this election
	leaving  bool  // a withdrawal is not answered yet
	again    bool  // run again once it is, or once we are told to stand
	down     bool  // stood down: no round begins before InStand
	askLater bool  // lost: ask the holder again when the wait ends
	stoodOut bool  // resigned: not before the successor's office ends
	gaveWay  bool  // to whoever outranks us, since somebody that does was in office

	hist history
	fx   []Effect
}

// NewMachine returns an idle election. seed feeds the jitter.
func NewMachine(self Candidate, rules *Rules, session *Session, seed uint64) *Machine {
	return &Machine{rules: rules, session: session, self: session.self.share(self), heldBy: nobody, rng: seed, place: -1}
}

// Step takes one input at an instant and returns what to do, in order. The slice is
// the caller's, who may give it back by [Recycle]. An input that changes nothing
// allocates nothing.
//
// Before the input is looked at, a lease whose trust has ended is closed: a lapse is
// final, whatever arrives with it.
func (m *Machine) Step(now Instant, in Input) []Effect {
	if m.lease != nil && !m.lease.Valid(now) {
		m.lapse(now)
	}
	switch in.Kind {
	case InRun, InQuit, InResign, InRecover, InStandDown, InStand:
		m.onRequest(now, in)
	case InSurveyed:
		m.onSurveyed(now, in)
	case InClaimed:
		m.onClaimed(now, in)
	case InReasserted:
		m.onReasserted(now, in)
	case InReleased:
		m.do(Effect{Kind: DoAnswer, Request: InResign, Token: in.Token})
	case InWithdrawn:
		m.onWithdrawn(now)
	case InVote:
		m.onVote(now, in)
	case InAck:
		m.onAck(now, in)
	case InKick:
		m.onKick(now, in)
	case InLeader, InVacant:
		m.onHint(now, in)
	case InLapse: // done above
	case InTenancy:
		m.onTenancy(now)
	case InGone:
		m.onGone(now, in)
	case InNudge:
		// Who resigned, and knows no successor, waits for one.
		if m.state == Idle || m.state == Lost && (!m.stoodOut || m.heldBy.ID != "") {
			m.look(now)
		}
	case InForget:
		m.onForget()
	case InDeaf:
		m.onDeaf(now)
	case InLinkUp:
		m.onLinkUp(now)
	case InDrained:
		m.onDrained(now, in)
	case InTick:
		m.onTick(now)
	}
	fx := m.fx
	m.fx = nil
	return fx
}

// Unused reports whether the machine has nothing to do, and nothing to remember: it is idle, and
// neither withdraws nor stands down.
func (m *Machine) Unused() bool { return m.state == Idle && !m.leaving && !m.down }

// Deadline returns the monotonic instant at which InTick is due; ok is false if
// there is none.
func (m *Machine) Deadline() (at time.Duration, ok bool) { return m.deadline, m.deadline != 0 }

// State returns the state.
func (m *Machine) State() State { return m.state }

// Mixed reports whether an original was seen in this election. The members' list may not
// have it yet, so a survey is to ask for originals.
func (m *Machine) Mixed() bool { return m.mixed }

// Result returns the last decided result.
func (m *Machine) Result() Result { return m.result }

// Leader returns what is known of who leads.
func (m *Machine) Leader() Leader { return m.leader }

// Lease returns the present term, nil unless won.
func (m *Machine) Lease() *Lease { return m.lease }

// Round returns the number of the last round.
func (m *Machine) Round() uint64 { return m.round }

// Self returns us as a candidate of this election.
func (m *Machine) Self() Candidate { return *m.self }

// Since returns when the state was entered.
func (m *Machine) Since() Instant { return m.hist.since() }

// Place returns how many candidates of ours outrank us as of the last survey, -1 if
// unknown.
func (m *Machine) Place() int { return int(m.place) }

// History returns a copy of the last transitions, oldest first.
func (m *Machine) History() []Transition { return m.hist.list() }

// Draining reports whether leadership is ending and waits for the user's work.
func (m *Machine) Draining() bool { return m.office != nil && m.office.draining }

// Abandon closes the lease, if there is one: the owner of the machine is going away and
// will not step it again. What Redis holds is left to the successor, or to the TTL.
func (m *Machine) Abandon() {
	if m.lease != nil {
		m.lease.close()
	}
}

func (m *Machine) do(e Effect) {
	if m.fx == nil {
		m.fx = effects.Get().(*effectArray)[:0]
	}
	m.fx = append(m.fx, e)
}

func (m *Machine) emit(n Notice) { m.do(Effect{Kind: DoEmit, Notice: n}) }

// fire takes a transition. The table decides; an event that the state does not
// take is a fault of this package, and the exhaustive test looks for it.
func (m *Machine) fire(now Instant, ev Event, why Cause, token uint64) {
	to, err := fire(m.state, ev)
	if err != nil {
		panic("fsm: broken invariant: " + err.Error())
	}
	t := m.hist.add(Transition{At: now, From: m.state, Event: ev, To: to, Cause: why, Round: m.round, Token: token}, &m.session.cause)
	m.state, m.deadline = to, 0
	m.do(Effect{Kind: DoMoved, Transition: t})
}

// decide notes a decided result and tells subscribers when it changed.
func (m *Machine) decide(r Result, why Cause, token uint64) {
	m.retries, m.told = 0, 0
	if m.result == r {
		return
	}
	m.result = r
	if r == ResultWon {
		m.emit(Notice{Kind: NoticeWon, Token: token})
		return
	}
	m.emit(Notice{Kind: NoticeLost, Cause: why, Leader: m.leader})
}

// know notes who leads, tells subscribers, and watches the holder's session.
func (m *Machine) know(l Leader, h Holder) {
	if h.ID != "" && h.ID != m.self.ID && !h.Original {
		fx := Effect{Kind: DoWatch, To: h.Candidate, Left: h.Left}
		m.doubt(&fx, h)
		m.do(fx)
	} else if m.heldBy.ID != "" && !m.heldBy.Original {
		m.do(Effect{Kind: DoWatch})
	}
	m.hold(h)
	m.gaveWay = m.gaveWay && !h.Outranks(*m.self)
	if l == m.leader {
		return
	}
	m.leader = l
	m.emit(Notice{Kind: NoticeLeader, Leader: l})
}

// nobody is what all machines share that know of no holder: most of them.
var nobody = &Holder{}

// hold notes the holder. One that was noted is never changed: who has read it may keep it.
func (m *Machine) hold(h Holder) {
	switch {
	case h == Holder{}:
		m.heldBy = nobody
	case *m.heldBy != h:
		other := h
		m.heldBy = &other
	}
}

func (m *Machine) knowHolder(h Holder) {
	m.know(Leader{ID: h.ID, Token: h.Token, Known: true, Original: h.Original, Appointed: h.Appointed}, h)
}

func (m *Machine) knowVacant()  { m.know(Leader{Known: true}, Holder{}) }
func (m *Machine) knowNothing() { m.know(Leader{}, Holder{}) }

// seen raises the node's highest token.
func (m *Machine) seen(token uint64) { m.session.Seen(token) }

// wait sets the deadline.
func (m *Machine) wait(now Instant, d time.Duration) { m.deadline = now.Mono + max(d, 1) }

// jitter returns d plus up to a quarter of it.
func (m *Machine) jitter(d time.Duration) time.Duration {
	m.rng += 0x9e3779b97f4a7c15
	return d + time.Duration(mix(m.rng)%uint64(d/4+1)) //nolint:gosec // d > 0
}

// stagger is how long our place in the ranking waits, so that one heir tries first.
func (m *Machine) stagger() time.Duration {
	return time.Duration(min(max(m.place, 0), maxPlace)) * Stagger
}
