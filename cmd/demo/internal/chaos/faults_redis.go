package chaos

import (
	"time"

	"hustings/redisbridge/redistest"
)

func (r *run) clientKill(p *plan, begun func(string)) error {
	kind := "normal"
	if p.coin%2 == 0 {
		kind = "pubsub"
	}
	begun(kind)
	return expect(r.store.primary, "CLIENT", "KILL", "TYPE", kind)
}

func (r *run) stopRedis(p *plan, begun func(string)) error {
	begun(p.hold.Round(time.Millisecond).String())
	freezeServer(r.store.primary)
	r.wait(p.hold)
	thawServer(r.store.primary)
	return nil
}

func (r *run) restartKeep(_ *plan, begun func(string)) error {
	begun("")
	// SAVE is refused while a replica is being served.
	return r.persist(func() error { return r.store.primary.Restart(true) })
}

func (r *run) restartLose(p *plan, begun func(string)) error {
	begun(p.hold.Round(time.Millisecond).String())
	r.store.primary.Kill()
	r.wait(p.hold)
	return r.persist(func() error { return r.store.primary.Restart(false) })
}

func (r *run) flushAll(_ *plan, begun func(string)) error {
	begun("")
	return expect(r.store.primary, "FLUSHALL")
}

func (r *run) scriptFlush(_ *plan, begun func(string)) error {
	begun("")
	return expect(r.store.primary, "SCRIPT", "FLUSH")
}

func (r *run) failover(p *plan, begun func(string)) error {
	lag, note := p.hold, ""
	if p.kind == Failover {
		lag = 0
	} else {
		note = "lagging by " + lag.Round(time.Millisecond).String()
	}
	return r.store.failover(lag, func() { begun(note) }, r.persist)
}

func (r *run) loseLogin(p *plan, begun func(string)) error {
	begun(p.hold.Round(time.Millisecond).String())
	if err := r.store.lock(); err != nil {
		return err
	}
	r.wait(p.hold)
	return r.store.unlock()
}

// persist tries again what may fail for a moment: a port that somebody else has taken, a
// command that Redis refuses meanwhile.
func (r *run) persist(f func() error) error {
	for end := r.clock.Now().Add(patience); ; redistest.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil || r.clock.Now().Mono > end.Mono || r.ctx.Err() != nil {
			return err
		}
	}
}
