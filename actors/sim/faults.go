package sim

import "time"

// Weather is how the network treats single messages: probabilities, each drawn
// anew for every message. The zero value is fine weather.
type Weather struct {
	// LoseCommand loses a command on its way to Redis, LoseReply one that took
	// effect on its way back: half of the time the connection breaks, half of
	// the time it goes silent until the client's timeout.
	LoseCommand, LoseReply float64
	// DelayCommand and DelayReply add up to Delay.
	DelayCommand, DelayReply float64
	// LosePubSub, DuplicatePubSub, DelayPubSub and ReorderPubSub are for
	// published messages; a reordered one may overtake and be overtaken.
	LosePubSub, DuplicatePubSub, DelayPubSub, ReorderPubSub float64
	// Tail gives any packet a latency of up to Delay more.
	Tail float64
	// Delay bounds what is added. Default: a tenth of the world's [Lateness].
	Delay time.Duration
}

// SetWeather changes how the network treats messages from now on.
func (w *World) SetWeather(weather Weather) {
	w.scenarios()
	if weather.Delay <= 0 {
		weather.Delay = w.options.lateness / 10
	}
	w.weather = weather
}

// misfortune draws what happens to a command or a reply: an extra delay, or that
// it gets lost and its connection with it.
func (w *World) misfortune(lose, delay *float64, c *wire) (extra time.Duration, dropped bool) {
	if *lose > 0 && w.faults.Chance(*lose) {
		w.trace.note(c.link.proc, "lost", "", "", 0)
		if w.faults.Chance(0.5) {
			c.breakUp()
		} else {
			c.hush()
		}
		return 0, true
	}
	if *delay > 0 && w.faults.Chance(*delay) {
		extra = w.faults.Duration(0, w.weather.Delay)
	}
	return extra, false
}

// publish sends a published message to one subscriber.
func (w *World) publish(m posted) {
	t, c := &w.weather, &m.to.wire
	if w.faults.Chance(t.LosePubSub) {
		w.trace.note(c.link.proc, "message lost", m.channel, "", 0)
		return
	}
	copies := 1
	if w.faults.Chance(t.DuplicatePubSub) {
		copies = 2
	}
	for range copies {
		extra, reorder := time.Duration(0), w.faults.Chance(t.ReorderPubSub)
		if reorder || w.faults.Chance(t.DelayPubSub) {
			extra = w.faults.Duration(0, t.Delay)
		}
		c.link.send(FromRedis, c, w.delivery(m), extra, reorder)
	}
}

func (w *World) delivery(m posted) *delivery {
	var d *delivery
	if n := len(w.deliveries); n > 0 {
		d, w.deliveries = w.deliveries[n-1], w.deliveries[:n-1]
	} else {
		d = new(delivery)
	}
	*d = delivery(m)
	return d
}

// each runs f for the processes named, or for all if none is.
func (w *World) each(procs []*Process, what string, f func(*link)) {
	w.scenarios()
	if len(procs) == 0 {
		procs = w.procs
	}
	for _, p := range procs {
		w.trace.note(p, what, "", "", 0)
		f(p.link)
	}
}

// Partition cuts processes off from Redis, all if none is named. Neither side is
// told. What is sent meanwhile is stuck: see [World.Repair].
func (w *World) Partition(procs ...*Process) {
	w.each(procs, "partition", func(l *link) { l.cut = [2]bool{true, true} })
}

// PartitionOneway cuts one direction only.
func (w *World) PartitionOneway(p *Process, dir Direction) {
	w.each([]*Process{p}, "partition oneway", func(l *link) { l.cut[dir] = true })
}

// Repair ends partitions, of all processes if none is named. For each connection
// with something stuck the seed decides: it has broken, or all arrives late
// (commands of connections that the client gave up included), if it is not older
// than the world's [Lateness].
func (w *World) Repair(procs ...*Process) {
	w.each(procs, "repair", func(l *link) {
		for dir := range l.cut {
			if l.cut[dir] {
				l.open(Direction(dir))
			}
		}
	})
}

// Hold keeps back everything between processes and Redis, all if none is named.
func (w *World) Hold(procs ...*Process) {
	w.each(procs, "hold", func(l *link) { l.held = [2]bool{true, true} })
}

// HoldOneway keeps back one direction only.
func (w *World) HoldOneway(p *Process, dir Direction) {
	w.each([]*Process{p}, "hold oneway", func(l *link) { l.held[dir] = true })
}

// Release lets through what was held, in order, and what follows.
func (w *World) Release(procs ...*Process) {
	w.each(procs, "release", func(l *link) {
		for dir := range l.held {
			if l.held[dir] {
				l.open(Direction(dir))
			}
		}
	})
}
