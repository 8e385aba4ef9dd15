package sim

import "time"

// Mishap is what befalls one request or its reply. The zero value is none.
type Mishap struct {
	// Late adds to the network's latency. What follows on the connection waits
	// behind it; a client that gives up meanwhile goes on with another one.
	Late time.Duration
	// Lost loses it, and breaks the connection. A lost reply leaves what the
	// request did in effect.
	Lost bool
}

// Intercept has f decide about each request of the process to Redis, and about the
// reply to it, by the names of the scripts and commands that it carries. It is for
// schedules in which one command goes wrong and not the next. A nil f ends it; a crash
// does not.
func (p *Process) Intercept(f func(dir Direction, commands []string) Mishap) {
	p.world.scenarios()
	p.link.intercept = f
}

// intercepted asks the process's interceptor, if there is one.
func (r *request) intercepted(dir Direction) Mishap {
	c := r.conn
	f := c.wire.link.intercept
	if f == nil {
		return Mishap{}
	}
	names := make([]string, len(r.cmds))
	for i, cmd := range r.cmds {
		names[i] = commandName(cmd)
	}
	m := f(dir, names)
	switch {
	case m.Lost:
		c.wire.link.world.trace.note(c.wire.link.proc, "intercepted", r.name(), "lost", int64(dir))
		c.wire.breakUp()
	case m.Late > 0:
		c.wire.link.world.trace.note(c.wire.link.proc, "intercepted", r.name(), "late", int64(dir))
	}
	return m
}
