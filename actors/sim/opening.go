package sim

// opening is a connection or a subscription on its way to the server, then, as the answer,
// back; and the client's patience with it.
type opening struct {
	of       opened
	reached  bool // the server
	patience patience
	limit    token
}

// opened is what an opening is of.
type opened interface {
	// arrive is the arrival at the server, accepted that of its answer at the client.
	arrive()
	accepted()
	// giveUp is the client's timeout.
	giveUp()
}

// patience is the client's timeout as an event.
type patience struct{ opening *opening }

func (l *patience) run() { l.opening.of.giveUp() }

// begin sends it off.
func (o *opening) begin(p *Process, wire *wire, of opened) {
	w := p.world
	o.of, o.patience.opening = of, o
	o.limit = w.sched.post(p, w.sched.now+w.options.connectTimeout, &o.patience)
	p.link.send(ToRedis, wire, o, 0, false)
}

// answer has the server answer it.
func (o *opening) answer(p *Process, wire *wire) { p.link.send(FromRedis, wire, o, 0, false) }

// done ends the client's patience.
func (o *opening) done(p *Process) { p.world.sched.cancel(o.limit) }

// run is the arrival at either end.
func (o *opening) run() {
	if o.reached {
		o.of.accepted()
		return
	}
	o.reached = true
	o.of.arrive()
}
