package sim

import (
	"slices"
	"time"
)

// Split cuts the primary off together with some processes, which go on talking to it, and
// promotes a replica that is lag behind for all the others: both sides have a primary then.
// It returns the one that was cut off, which replicas still follow as told by
// [Redis.SetReplicas], none at first. [World.Rejoin] ends it.
func (r *Redis) Split(lag time.Duration, procs ...*Process) *Redis {
	r.note("redis is split", int64(lag))
	w := r.world
	old := &Redis{world: w, up: true, offset: r.offset}
	old.store = newStore(old.Now, r.store.world, r.store.random.Fork(), r.store.history)
	data := r.store.snapshot()
	old.store.keys.reset(r.store.keys.all)
	old.store.replid = r.store.replid
	r.store.keys.reset(data.keys)
	for _, c := range slices.Clone(r.open) {
		if !slices.Contains(procs, c.link.proc) {
			continue
		}
		r.drop(c)
		old.open = append(old.open, c)
		if s, ok := c.server.(*subscriber); ok {
			r.store.unsubscribe(s, s.channels)
			old.store.subscribe(s, s.channels)
		}
	}
	for _, p := range procs {
		p.former = old
	}
	r.disconnect()
	r.store.rollback(lag)
	r.store.newReplid()
	return old
}

// Rejoin leads processes that were cut off with a former primary back to the present one:
// all of them if none is named. Their connections break.
func (w *World) Rejoin(procs ...*Process) {
	w.scenarios()
	if len(procs) == 0 {
		procs = w.procs
	}
	for _, p := range procs {
		old := p.former
		if old == nil {
			continue
		}
		w.trace.note(p, "rejoin", "", "", 0)
		old.Kill(p)
		p.former = nil
	}
}

// server is the Redis that a process reaches.
func (p *Process) server() *Redis {
	if p.former != nil {
		return p.former
	}
	return p.world.redis
}
