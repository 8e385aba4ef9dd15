package sim

import (
	"errors"
	"time"
)

// What a client is told when a connection fails it.
var (
	errTimeout = errors.New("sim: i/o timeout")
	errReset   = errors.New("sim: connection reset by peer")
	errRefused = errors.New("sim: connection refused")
	errClosed  = errors.New("sim: connection closed")
)

// Direction is one of the two directions between a process and Redis.
type Direction int

// The directions, as the process sees them.
const (
	ToRedis Direction = iota
	FromRedis
)

// link is what lies between one process and Redis: two directions that can be
// cut or held, and the packets that are stuck meanwhile. It belongs to the
// goroutine of its world.
type link struct {
	world *World
	proc  *Process
	cut   [2]bool
	held  [2]bool
	stuck [2][]packet
	// intercept is the test's word on single requests: see [Process.Intercept].
	intercept func(Direction, []string) Mishap
}

// packet is something under way that could not get through.
type packet struct {
	wire *wire
	do   runner
	sent time.Duration
}

func newLink(w *World, p *Process) *link { return &link{world: w, proc: p} }

// wire is one TCP connection over a link: first in, first out in each direction.
type wire struct {
	link *link
	last [2]time.Duration // when the last packet arrives
	// silent is a connection on which nothing arrives any more, and nobody knows.
	silent bool
	// clientClosed and serverClosed are what each end has done. What a closed
	// client had sent may still arrive.
	clientClosed, serverClosed bool
	client                     clientEnd
	server                     serverEnd
	fate                       fate
}

// clientEnd hears that the connection was reset; it runs in the process.
type clientEnd interface{ reset(err error) }

// serverEnd hears that the client's end is closed.
type serverEnd interface{ gone() }

// fate is what becomes of a wire's stuck packets when a partition ends.
type fate int

const (
	undecided fate = iota
	delivered
	lost
)

// send puts a packet on its way. extra is added to the network's latency;
// unordered packets may overtake others of their wire.
func (l *link) send(dir Direction, c *wire, do runner, extra time.Duration, unordered bool) {
	if c.silent {
		return
	}
	w := l.world
	if l.cut[dir] || l.held[dir] {
		l.stuck[dir] = append(l.stuck[dir], packet{c, do, w.sched.now})
		return
	}
	at := w.sched.now + w.latency() + extra
	if !unordered {
		at = max(at, c.last[dir]+1)
		c.last[dir] = at
	}
	if dir == ToRedis {
		w.sched.post(nil, at, do)
	} else {
		w.sched.post(l.proc, at, do)
	}
}

// latency draws the time of one packet: even within the range, with a tail when
// the swarm has one.
func (w *World) latency() time.Duration {
	d := w.faults.Duration(w.options.latency[0], w.options.latency[1])
	if w.weather.Tail > 0 && w.faults.Chance(w.weather.Tail) {
		d += w.faults.Duration(0, w.weather.Delay)
	}
	return d
}

// open lets a direction through again. After a partition it depends on the seed,
// connection by connection, whether what was stuck arrives late or the connection
// has broken; after a hold everything arrives, in order.
func (l *link) open(dir Direction) {
	stuck := l.stuck[dir]
	partition := l.cut[dir]
	l.cut[dir], l.held[dir], l.stuck[dir] = false, false, nil
	for _, k := range stuck {
		if partition && k.wire.fate == undecided {
			k.wire.fate = delivered
			late := l.world.sched.now - k.sent
			if late > l.world.options.lateness || l.world.faults.Chance(0.5) {
				k.wire.fate = lost
				k.wire.breakUp()
			}
		}
		if k.wire.fate != lost {
			l.send(dir, k.wire, k.do, 0, false)
		}
	}
	for _, k := range stuck {
		k.wire.fate = undecided
	}
}

// ending is the runner that tells one end of a wire that the other is no more.
type ending struct {
	wire *wire
	err  error // for the client; nil tells the server
}

func (e *ending) run() {
	c := e.wire
	if e.err != nil {
		if !c.clientClosed {
			c.clientClosed = true
			c.client.reset(e.err)
		}
		return
	}
	c.closeServer()
}

func (c *wire) closeServer() {
	if !c.serverClosed {
		c.serverClosed = true
		c.server.gone()
	}
}

// closeClient closes the client's end and tells the server, after all that was sent.
func (c *wire) closeClient() {
	if c.clientClosed {
		return
	}
	c.clientClosed = true
	if c.silent {
		c.lapse()
		return
	}
	c.link.send(ToRedis, c, &ending{wire: c}, 0, false)
}

// lapse has the server find out by itself that nobody is at the other end, as
// keep-alive does, within the world's bound on lateness.
func (c *wire) lapse() {
	w := c.link.world
	w.After(w.faults.Duration(0, w.options.lateness), c.closeServer)
}

// breakUp ends a wire at both ends; the client hears of it if it can.
func (c *wire) breakUp() {
	c.closeServer()
	c.tellClient(errReset)
}

// tellClient lets the client's end hear of an error as soon as the network allows.
func (c *wire) tellClient(err error) {
	if !c.clientClosed {
		c.link.send(FromRedis, c, &ending{c, err}, 0, false)
	}
}

// hush makes the wire silent: what is sent from now on arrives in neither
// direction, and neither end is told.
func (c *wire) hush() {
	c.silent = true
	if c.clientClosed {
		c.lapse()
	}
}
