package actors

import (
	"context"
	"time"

	"hustings/fsm"
)

// meter measures one election. It belongs to the election's actor; nil measures nothing.
type meter struct {
	*metrics
	election string
	asking   bool          // a claim is under way,
	askedAt  time.Duration // since then
	knew     bool          // a leader was known before
	lostAt   time.Duration // since when none is known, 0 if one is
	served   bool          // a term has begun
}

// meter returns what measures an election.
func (m *metrics) meter(election string) *meter {
	if m == nil {
		return nil
	}
	return &meter{metrics: m, election: election}
}

// moved counts a transition, and the round that it ended.
func (m *meter) moved(t *fsm.Transition) {
	if m == nil {
		return
	}
	ctx := context.Background()
	m.transitions.Add(ctx, 1, m.with("hustings.election", m.election,
		"hustings.from", t.From.String(), "hustings.to", t.To.String(), "hustings.cause", t.Cause.Code.String()))
	if (t.From == fsm.Voting || t.From == fsm.Waiting) && t.To >= fsm.Won {
		m.rounds.Add(ctx, 1, m.with("hustings.election", m.election, "hustings.outcome", t.To.String()))
	}
	if t.To == fsm.Won && !m.served {
		m.served = true
		opt := m.with("hustings.election", m.election)
		m.lapses.Add(ctx, 0, opt)
		m.overdue.Add(ctx, 0, opt)
	}
	if t.From == fsm.Won && t.Cause.Code == fsm.CauseLapsed {
		m.lapses.Add(ctx, 1, m.with("hustings.election", m.election))
	}
}

// drainOverdue counts an office that was released over running work.
func (m *meter) drainOverdue() {
	if m != nil {
		m.overdue.Add(context.Background(), 1, m.with("hustings.election", m.election))
	}
}

// leader counts another leader, and measures how long none was known before; id is "" if
// none is known now.
func (m *meter) leader(now fsm.Instant, id string) {
	switch {
	case m == nil:
	case id == "":
		if m.knew && m.lostAt == 0 {
			m.lostAt = now.Mono
		}
	default:
		opt := m.with("hustings.election", m.election)
		m.changes.Add(context.Background(), 1, opt)
		if m.knew {
			vacant := time.Duration(0) // handed over
			if m.lostAt != 0 {
				vacant = now.Mono - m.lostAt
			}
			m.vacancy.Record(context.Background(), vacant.Seconds(), opt)
		}
		m.knew, m.lostAt = true, 0
	}
}

// asked notes that a claim is sent.
func (m *meter) asked(e *election) {
	if m != nil {
		m.asking, m.askedAt = true, e.env.clock.Now().Mono
	}
}

// answered measures a claim.
func (m *meter) answered(e *election, in *fsm.Input) {
	if m == nil || in.Kind != fsm.InClaimed || !m.asking {
		return
	}
	m.asking = false
	took := e.env.clock.Now().Mono - m.askedAt
	m.claim.Record(context.Background(), took.Seconds(), m.with("hustings.election", m.election, "hustings.outcome", in.Outcome.String()))
}
