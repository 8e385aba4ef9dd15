package sim

import (
	"errors"
	"slices"

	"hustings/redisbridge"
)

// Backend returns a new backend on the world's Redis for what runs in p now. It
// dies with the process's life.
func (p *Process) Backend() redisbridge.Backend { return &backend{proc: p} }

// backend is one client of Redis: the simulation's [redisbridge.Backend].
type backend struct {
	proc   *Process
	open   []redisbridge.Subscription // connections and subscriptions
	closed bool
}

// Connect implements [redisbridge.Backend].
func (b *backend) Connect(done func(redisbridge.Conn, error)) {
	p := b.proc
	if b.closed {
		p.Do(func() { done(nil, errClosed) })
		return
	}
	c := &conn{backend: b, connected: done}
	c.wire = wire{link: p.link, client: c, server: c}
	b.open = append(b.open, c)
	p.conns = append(p.conns, c)
	c.opening.begin(p, &c.wire, c)
}

// Subscribe implements [redisbridge.Backend].
func (b *backend) Subscribe(channels []string, h redisbridge.SubscriptionHandler) redisbridge.Subscription {
	p := b.proc
	s := &subscriber{backend: b, channels: slices.Clone(channels), h: h}
	s.wire = wire{link: p.link, client: s, server: s}
	if b.closed {
		s.wire.clientClosed, s.wire.serverClosed = true, true
		s.end(errClosed)
		return s
	}
	b.open = append(b.open, s)
	p.conns = append(p.conns, s)
	s.opening.begin(p, &s.wire, s)
	return s
}

// Close implements [redisbridge.Backend].
func (b *backend) Close() {
	b.closed = true
	for _, o := range slices.Clone(b.open) {
		o.Close()
	}
	b.open = nil
}

func (b *backend) forget(end interface {
	redisbridge.Subscription
	closer
},
) {
	if i := slices.Index(b.open, redisbridge.Subscription(end)); i >= 0 {
		b.open = slices.Delete(b.open, i, i+1)
	}
	p := b.proc
	if i := slices.Index(p.conns, closer(end)); i >= 0 {
		p.conns = slices.Delete(p.conns, i, i+1)
	}
}

// conn is one command connection; it is both its ends.
type conn struct {
	backend   *backend
	wire      wire
	connected func(redisbridge.Conn, error) // nil once called
	opening   opening
	pending   *request
	spare     *request // the last one, which nobody knows any more; nil: somebody may
}

// arrive is the connection's arrival at the server, AUTH included.
func (c *conn) arrive() {
	r := c.backend.proc.server()
	if c.wire.clientClosed {
		c.wire.serverClosed = true
		return
	}
	if !r.up {
		c.wire.serverClosed = true
		c.wire.tellClient(errRefused)
		return
	}
	if r.refuseClients != nil {
		c.wire.serverClosed = true
		c.wire.tellClient(r.refuseClients)
		return
	}
	r.open = append(r.open, &c.wire)
	c.opening.answer(c.backend.proc, &c.wire)
}

func (c *conn) accepted() {
	if done := c.connected; done != nil && !c.wire.clientClosed {
		c.connected = nil
		c.opening.done(c.backend.proc)
		done(c, nil)
	}
}

func (c *conn) giveUp() {
	if c.connected != nil {
		c.wire.closeClient()
		c.reset(errTimeout)
	}
}

// reset implements clientEnd: whoever waits is told.
func (c *conn) reset(err error) {
	c.backend.forget(c)
	if done := c.connected; done != nil {
		c.connected = nil
		c.opening.done(c.backend.proc)
		done(nil, err)
	}
	if r := c.pending; r != nil {
		r.finish(nil, err)
	}
}

// gone implements serverEnd.
func (c *conn) gone() { c.backend.proc.server().drop(&c.wire) }

// abandon implements closer.
func (c *conn) abandon() { c.wire.closeClient() }

// Close implements [redisbridge.Conn].
func (c *conn) Close() {
	if c.wire.clientClosed && c.pending == nil && c.connected == nil {
		return
	}
	c.wire.closeClient()
	c.backend.proc.Do(func() { c.reset(errClosed) })
}

// Do implements [redisbridge.Conn].
func (c *conn) Do(cmds []redisbridge.Command, done func([]redisbridge.Reply, error)) {
	p := c.backend.proc
	w := p.world
	if c.pending != nil {
		w.Fail("one Do at a time", errors.New("a second Do on a connection before the first was answered"))
		return
	}
	if c.wire.clientClosed {
		p.Do(func() { done(nil, errClosed) })
		return
	}
	r := c.spare
	if c.spare = nil; r == nil {
		r = p.requests.next()
	}
	*r = request{conn: c, cmds: cmds, done: done, sheet: r.sheet}
	r.limit.request = r
	c.pending = r
	r.timeout = w.sched.post(p, w.sched.now+w.options.clientTimeout, &r.limit)
	m := r.intercepted(ToRedis)
	extra, drop := w.misfortune(&w.weather.LoseCommand, &w.weather.DelayCommand, &c.wire)
	if !drop && !m.Lost {
		p.link.send(ToRedis, &c.wire, r, extra+m.Late, false)
	}
}

// request is one Do: on its way to the server, then, as the reply, back.
type request struct {
	conn     *conn
	cmds     []redisbridge.Command
	done     func([]redisbridge.Reply, error)
	replies  []redisbridge.Reply
	single   [1]redisbridge.Reply // room for the replies of most requests
	sheet    *sheet               // for the lists in them
	executed bool
	finished bool
	timeout  token
	limit    requestLimit
}

// requestLimit is the client's read timeout.
type requestLimit struct{ request *request }

func (l *requestLimit) run() {
	r := l.request
	if r.finished {
		return
	}
	c := r.conn
	c.backend.proc.world.trace.note(c.backend.proc, "timeout", r.name(), "", 0)
	c.wire.closeClient()
	c.backend.forget(c)
	r.finish(nil, errTimeout)
}

func (r *request) name() string {
	if len(r.cmds) == 0 {
		return ""
	}
	return commandName(r.cmds[0])
}

func commandName(cmd redisbridge.Command) string {
	switch {
	case cmd.Script != nil:
		return cmd.Script.Name
	case len(cmd.Args) > 0:
		return cmd.Args[0]
	}
	return ""
}

// run is the arrival at either end.
func (r *request) run() {
	c := r.conn
	p := c.backend.proc
	w := p.world
	if r.executed {
		if !r.finished && !c.wire.clientClosed {
			w.trace.note(p, "reply", r.name(), "", int64(len(r.cmds)))
			if r.finish(r.replies, nil) {
				c.spare = r
			}
		}
		return
	}
	server := p.server()
	if c.wire.serverClosed || !server.up {
		return
	}
	r.executed = true
	w.trace.note(p, "exec", r.name(), "", int64(len(r.cmds)))
	if r.replies = r.single[:]; len(r.cmds) != 1 {
		r.replies = make([]redisbridge.Reply, len(r.cmds))
	}
	r.execute(server)
	m := r.intercepted(FromRedis)
	extra, drop := w.misfortune(&w.weather.LoseReply, &w.weather.DelayReply, &c.wire)
	if !drop && !m.Lost {
		p.link.send(FromRedis, &c.wire, r, extra+m.Late, false)
	}
}

// execute has the server do what is asked. Who looks at all replies may keep them.
func (r *request) execute(server *Redis) {
	if r.conn.backend.proc.world.tap == nil {
		if r.sheet == nil {
			r.sheet = new(sheet)
		}
		r.sheet.begin()
		server.store.sheet = r.sheet
	}
	for i, cmd := range r.cmds {
		r.replies[i] = server.exec(cmd)
	}
	server.store.sheet = nil
}

// finish calls done, once. A request that may still take effect keeps its own
// copy of the commands: the caller is free to reuse them now. It reports whether its
// timeout will not come any more; one that is held back in a paused process will.
func (r *request) finish(replies []redisbridge.Reply, err error) (alone bool) {
	if r.finished {
		return false
	}
	r.finished = true
	c := r.conn
	c.pending = nil
	alone = c.backend.proc.world.sched.cancel(r.timeout)
	if !r.executed {
		r.cmds = slices.Clone(r.cmds)
		for i := range r.cmds {
			r.cmds[i].Args = slices.Clone(r.cmds[i].Args)
		}
	}
	r.done(replies, err)
	return alone
}
