package fsm

// The policy OnDisconnect: a holder that is not subscribed any more is taken for dead
// after EvictGrace, whatever is left of its session. It is for fenced work: a holder that
// lives and does not know of it is trusted for as long as it would have been.

// deaf reports whether we must not lead: nobody could tell us from the dead.
func (m *Machine) deaf() bool { return m.rules.EvictGrace > 0 && m.session.Deaf() }

// doubt asks for a holder to be looked at, if it is under the policy and so are we. The
// holder is not among those who do that before us.
func (m *Machine) doubt(fx *Effect, h Holder) {
	if m.rules.EvictGrace == 0 || h.EvictGrace == 0 || m.state == Idle {
		return
	}
	fx.Grace, fx.Birth, fx.Place = max(m.rules.EvictGrace, h.EvictGrace), h.Birth, max(int(m.place), 0)
	if fx.Place > 0 && h.Outranks(*m.self) {
		fx.Place--
	}
}

// onDeaf: our subscription is lost. A leader steps down at once, drained or not: another
// may be let in within the grace, which no work can be waited for in.
func (m *Machine) onDeaf(now Instant) {
	if m.state != Won || m.rules.EvictGrace == 0 {
		return
	}
	why := Cause{Code: CauseDisconnected, D: m.rules.EvictGrace}
	o := m.office
	token := m.dropLease(why)
	m.do(Effect{Kind: DoRelease, Token: token, To: o.ending().heir, Keep: o.keep})
	m.payOwed(o)
	m.knowVacant()
	m.termOver(now, o, why, token)
}
