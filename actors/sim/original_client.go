package sim

import (
	"errors"
	"math"
	"slices"
	"time"

	"hustings/redisbridge"
)

// originalClient is the package's Redis client: two connections, one for commands, which
// are pipelined, one for its three channels. It has no timeouts. A connection that is lost
// is made again after 255 ms, and each further try comes 1.7 times as late; one that is
// refused is an error that nobody catches.
type originalClient struct {
	o     *Original
	line  *originalLine
	queue []*originalCall // made while there is no connection
	sub   redisbridge.Subscription
	sent  int

	tries struct{ line, sub int }
}

// hopeless is how long TCP repeats what nobody acknowledges before it gives up.
const hopeless = 15*time.Minute + 28*time.Second

func newOriginalClient(o *Original) *originalClient {
	c := &originalClient{o: o}
	c.dial()
	c.subscribe()
	return c
}

// again is when a lost connection is tried again, for the n-th time.
func again(n int) time.Duration {
	return time.Duration(255 * math.Pow(1.7, float64(min(n-1, 20))) * float64(time.Millisecond))
}

func (c *originalClient) dial() {
	l := &originalLine{client: c}
	p := c.o.Process
	l.wire = wire{link: p.link, client: l, server: l}
	c.line = l
	p.conns = append(p.conns, l)
	p.link.send(ToRedis, &l.wire, call(l.arrive), 0, false)
}

func (c *originalClient) subscribe() {
	k, o := c.o.keys, c.o
	c.sent += 4 // INFO, and a SUBSCRIBE for each channel
	// A backend of its own: closing happens with the process only.
	c.sub = o.Backend().Subscribe([]string{k.Comm(o.cfg.ID), k.Bully(o.cfg.ID), k.Public()}, redisbridge.SubscriptionHandler{
		Confirmed: func() { c.tries.sub = 0 },
		Message:   o.heard,
		Ended:     func(err error) { c.lost(err, &c.tries.sub, c.subscribe) },
	})
}

// lost plans the next try for a connection.
func (c *originalClient) lost(err error, tries *int, try func()) {
	if errors.Is(err, errRefused) {
		c.o.die("connection to Redis refused")
		return
	}
	*tries++
	c.o.Clock().AfterFunc(again(*tries), try)
}

// do sends one command, or several as one transaction. done gets their replies, or the
// error with which the connection was lost.
func (c *originalClient) do(done func([]redisbridge.Reply, error), words ...[]string) {
	k := &originalCall{line: c.line, done: done}
	for _, w := range words {
		k.cmds = append(k.cmds, redisbridge.Command{Args: w})
	}
	if c.sent++; k.multi() {
		c.sent += len(words) + 1 // MULTI, EXEC
	}
	if !c.line.ready {
		c.queue = append(c.queue, k)
		return
	}
	c.line.send(k)
}

// one sends a command and gives its reply.
func (c *originalClient) one(done func(any, error), words ...string) {
	c.do(func(replies []redisbridge.Reply, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(replies[0].Value, replies[0].Err)
	}, words)
}

// set sends a command that gives a list of texts.
func (c *originalClient) set(done func([]string, error), words ...string) {
	c.one(func(v any, err error) {
		items, _ := v.([]any)
		out := make([]string, 0, len(items))
		for _, it := range items {
			s, _ := it.(string)
			out = append(out, s)
		}
		done(out, err)
	}, words...)
}

func (c *originalClient) publish(channel, payload string, done func(int64, error)) {
	c.one(func(v any, err error) {
		n, _ := v.(int64)
		done(n, err)
	}, "PUBLISH", channel, payload)
}

// originalLine is one command connection; it is both its ends.
type originalLine struct {
	client *originalClient
	wire   wire
	ready  bool
	flying []*originalCall
	limit  token // while something is unanswered
}

// arrive is the connection's arrival at the server.
func (l *originalLine) arrive() {
	r := l.client.o.world.redis
	if l.wire.clientClosed {
		l.wire.serverClosed = true
		return
	}
	refusal := r.refuseClients
	if !r.up {
		refusal = errRefused
	}
	if refusal != nil {
		l.wire.serverClosed = true
		l.wire.tellClient(refusal)
		return
	}
	r.open = append(r.open, &l.wire)
	l.wire.link.send(FromRedis, &l.wire, call(l.accepted), 0, false)
}

func (l *originalLine) accepted() {
	c := l.client
	if l.wire.clientClosed {
		return
	}
	l.ready, c.tries.line = true, 0
	c.sent++ // INFO
	queue := c.queue
	c.queue = nil
	for _, k := range queue {
		k.line = l
		l.send(k)
	}
}

func (l *originalLine) send(k *originalCall) {
	p := l.client.o.Process
	w := p.world
	if len(l.flying) == 0 {
		l.limit = w.sched.post(p, w.sched.now+hopeless, call(l.giveUp))
	}
	l.flying = append(l.flying, k)
	if extra, drop := w.misfortune(&w.weather.LoseCommand, &w.weather.DelayCommand, &l.wire); !drop {
		p.link.send(ToRedis, &l.wire, k, extra, false)
	}
}

func (l *originalLine) giveUp() {
	l.wire.closeClient()
	l.reset(errTimeout)
}

// reset implements clientEnd: every command under way fails, and a transaction under way
// is an error that nobody catches.
func (l *originalLine) reset(err error) {
	c, p := l.client, l.client.o.Process
	l.ready = false
	if i := slices.Index(p.conns, closer(l)); i >= 0 {
		p.conns = slices.Delete(p.conns, i, i+1)
	}
	if len(l.flying) > 0 {
		p.world.sched.cancel(l.limit)
	}
	flying := l.flying
	l.flying = nil
	if errors.Is(err, errRefused) {
		c.o.die("connection to Redis refused")
		return
	}
	for _, k := range flying {
		if k.multi() {
			c.o.die("connection lost under a transaction")
			return
		}
	}
	for _, k := range flying {
		k.done(nil, err)
	}
	c.lost(err, &c.tries.line, c.dial)
}

// gone implements serverEnd.
func (l *originalLine) gone() { l.client.o.world.redis.drop(&l.wire) }

// abandon implements closer.
func (l *originalLine) abandon() { l.wire.closeClient() }

// originalCall is a command, or a transaction: on its way to the server, then, as the
// reply, back.
type originalCall struct {
	line     *originalLine
	cmds     []redisbridge.Command
	replies  []redisbridge.Reply
	executed bool
	done     func([]redisbridge.Reply, error)
}

// multi reports whether it is a transaction.
func (k *originalCall) multi() bool { return len(k.cmds) > 1 }

func (k *originalCall) name() string { return commandName(k.cmds[0]) }

// run is the arrival at either end.
func (k *originalCall) run() {
	l := k.line
	p := l.client.o.Process
	w := p.world
	if k.executed {
		k.arrived()
		return
	}
	if l.wire.serverClosed || !w.redis.up {
		return
	}
	k.executed = true
	w.trace.note(p, "exec", k.name(), "", int64(len(k.cmds)))
	for _, cmd := range k.cmds {
		k.replies = append(k.replies, w.redis.exec(cmd))
	}
	if extra, drop := w.misfortune(&w.weather.LoseReply, &w.weather.DelayReply, &l.wire); !drop {
		p.link.send(FromRedis, &l.wire, k, extra, false)
	}
}

// arrived: the reply is there. Replies come in the order of the commands.
func (k *originalCall) arrived() {
	l := k.line
	if l.wire.clientClosed || len(l.flying) == 0 || l.flying[0] != k {
		return
	}
	w := l.client.o.world
	l.flying = l.flying[1:]
	w.sched.cancel(l.limit)
	if len(l.flying) > 0 {
		l.limit = w.sched.post(l.client.o.Process, w.sched.now+hopeless, call(l.giveUp))
	}
	k.done(k.replies, nil)
}
