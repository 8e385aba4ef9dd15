package fsm

// standDown withdraws as quit does and is answered as quit is, and remembers whether we
// stood. What is known of the leader stays known: our owner goes on looking (InNudge).
// Until InStand, InRun is remembered and begins nothing.
func (m *Machine) standDown(now Instant, in Input) {
	why := in.Cause
	if why.Code == CauseNone {
		why = because(CauseStandDown)
	}
	if m.state != Idle && !m.parting() {
		m.again = true
	}
	m.down = true
	m.leave(now, why)
}

// stand ends standing down. A withdrawal that is under way is waited for.
func (m *Machine) stand(now Instant) {
	if !m.down {
		return
	}
	m.down = false
	if m.again && m.state == Idle && !m.leaving {
		m.again = false
		m.start(now, because(CauseStand))
	}
}
