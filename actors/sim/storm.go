package sim

import (
	"slices"
	"time"

	"hustings/redisbridge"
)

// Hazard is one kind of disaster that a [Storm] may bring.
type Hazard string

// The hazards. Those of Redis that cost data or move its clock stay within what
// docs/guarantees.md assumes.
const (
	BadWeather    Hazard = "bad weather"    // single messages lost, late, doubled, out of order
	Partitions    Hazard = "partitions"     // one process cut off, one way or both
	Blackouts     Hazard = "blackouts"      // everybody cut off
	Holds         Hazard = "holds"          // one process's messages late, in order
	Crashes       Hazard = "crashes"        // a process killed and started again
	Pauses        Hazard = "pauses"         // SIGSTOP, SIGCONT
	Suspensions   Hazard = "suspensions"    // a virtual machine suspended
	SlowNodes     Hazard = "slow nodes"     // a process busy after each event
	WallJumps     Hazard = "wall jumps"     // a wall clock set forward or back
	Drift         Hazard = "drift"          // clocks that run at other speeds, from the beginning
	DeadSockets   Hazard = "dead sockets"   // connections closed or gone silent
	NoSubscribe   Hazard = "no subscribe"   // SUBSCRIBE refused for a while
	RedisBounces  Hazard = "redis bounces"  // Redis restarted with its data
	RedisLosses   Hazard = "redis losses"   // Redis restarted without data, or flushed
	Failovers     Hazard = "failovers"      // to a replica that lags
	RedisClock    Hazard = "redis clock"    // Redis's clock set back, or a little forward
	RedisRefusals Hazard = "redis refusals" // LOADING and READONLY for a while
)

// Hazards lists every hazard.
func Hazards() []Hazard {
	return []Hazard{
		BadWeather, Partitions, Blackouts, Holds, Crashes, Pauses, Suspensions, SlowNodes, WallJumps,
		Drift, DeadSockets, NoSubscribe, RedisBounces, RedisLosses, Failovers, RedisClock, RedisRefusals,
	}
}

// Storm is a swarm of faults. Which of its hazards a world gets is drawn from the
// seed, half of them on average: faults that never come alone hide each other.
type Storm struct {
	// Hazards to draw from. Default: all.
	Hazards []Hazard
	// Always has the world get all of Hazards.
	Always bool
	// Between is the range of the time from one disaster to the next.
	// Default: 200 ms to 12 s.
	Between [2]time.Duration
	// Longest bounds how long a disaster lasts. Default: 8 s.
	Longest time.Duration
	// Margin bounds what clocks do wrong where it matters: drift is at most a
	// tenth of Margin per second, Redis's clock steps at most half of it forward.
	// Back it steps a second at most, and all steps together never put it behind the
	// highest reading that it had by more than the nodes' shortest MaxTTL: tokens
	// rise across data loss only so far. Default: 80 ms.
	Margin time.Duration
}

// Storm brings a storm over all processes for d of the world's time, beginning
// now, and then calms it; see [World.Calm]. It returns at once, with the hazards
// that the seed chose. Run the world through it, and some quiet time after.
func (w *World) Storm(d time.Duration, s Storm) []Hazard {
	w.scenarios()
	all := s.Hazards
	if all == nil {
		all = Hazards()
	}
	for _, h := range all {
		if !slices.Contains(Hazards(), h) {
			w.helper()
			w.misused("World.Storm: there is no hazard %q; Hazards lists all", h)
		}
	}
	def(&s.Between[0], 200*time.Millisecond)
	def(&s.Between[1], 12*time.Second)
	def(&s.Longest, 8*time.Second)
	def(&s.Margin, 80*time.Millisecond)
	var chosen []Hazard
	for _, h := range all {
		if s.Always || w.faults.Chance(0.5) {
			chosen = append(chosen, h)
			w.trace.note(nil, "storm", string(h), "", 0)
		}
	}
	t := &tempest{w: w, Storm: s, end: w.sched.now + d}
	for _, h := range chosen {
		switch h {
		case BadWeather:
			w.SetWeather(w.drawWeather())
		case Drift:
			for _, p := range w.procs {
				p.SetDrift(int(w.faults.Duration(-s.Margin, s.Margin) / 10 / time.Microsecond))
			}
		default:
			t.disasters = append(t.disasters, h)
		}
	}
	t.next()
	w.At(t.end, w.Calm)
	return chosen
}

func def(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// drawWeather draws each kind of bad luck on or off.
func (w *World) drawWeather() Weather {
	var t Weather
	for _, p := range []*float64{
		&t.LoseCommand, &t.LoseReply, &t.DelayCommand, &t.DelayReply,
		&t.LosePubSub, &t.DuplicatePubSub, &t.DelayPubSub, &t.ReorderPubSub, &t.Tail,
	} {
		if w.faults.Chance(0.5) {
			*p = w.faults.Float64() * 0.1
		}
	}
	t.Delay = w.faults.Duration(time.Millisecond, w.options.lateness)
	return t
}

// Calm ends every fault that can end: fine weather, links open, nobody paused or
// slow, Redis up and in a good mood, crashed processes started again. Drift and
// offsets of clocks stay.
func (w *World) Calm() {
	w.scenarios()
	w.trace.note(nil, "calm", "", "", 0)
	w.weather = Weather{}
	w.Rejoin()
	w.redis.RefuseAll(nil)
	w.redis.RefuseClients(nil)
	w.redis.Permit()
	if !w.redis.up {
		w.redis.Restart(false)
	}
	for _, p := range w.procs {
		for dir := range p.link.cut {
			if p.link.cut[dir] || p.link.held[dir] {
				p.link.open(Direction(dir))
			}
		}
		p.slow = 0
		p.Resume()
		if p.dead && p.boot != nil {
			p.Restart()
		}
	}
}

// tempest is a storm going on.
type tempest struct {
	Storm
	w         *World
	disasters []Hazard
	end       time.Duration
}

func (t *tempest) next() {
	if len(t.disasters) == 0 {
		return
	}
	t.w.After(t.w.faults.Duration(t.Between[0], t.Between[1]), func() {
		if t.w.sched.now >= t.end || len(t.w.procs) == 0 {
			return
		}
		r := t.w.faults
		h := t.disasters[r.IntN(len(t.disasters))]
		p := t.w.procs[r.IntN(len(t.w.procs))]
		d := r.Duration(time.Millisecond, t.Longest)
		if slices.Contains([]Hazard{Crashes, Pauses, Suspensions, SlowNodes, WallJumps}, h) {
			t.strikeProcess(h, p, d)
		} else if slices.Contains([]Hazard{Partitions, Blackouts, Holds, DeadSockets}, h) {
			t.strikeNetwork(h, p, d)
		} else {
			t.strikeRedis(h, d)
		}
		t.next()
	})
}

func (t *tempest) strikeProcess(h Hazard, p *Process, d time.Duration) {
	r := t.w.faults
	switch h {
	case Crashes:
		p.Bounce(d)
	case Pauses:
		p.Pause(d)
	case Suspensions:
		p.Suspend(d)
	case SlowNodes:
		p.Slow(r.Duration(0, 20*time.Millisecond))
		t.w.After(d, func() { p.slow = 0 })
	case WallJumps:
		p.JumpWall(r.Duration(-time.Minute, time.Minute))
	}
}

func (t *tempest) strikeNetwork(h Hazard, p *Process, d time.Duration) {
	w, r := t.w, t.w.faults
	switch h {
	case Partitions:
		switch r.IntN(3) {
		case 0:
			w.PartitionOneway(p, ToRedis)
		case 1:
			w.PartitionOneway(p, FromRedis)
		default:
			w.Partition(p)
		}
		w.After(d, func() { w.Repair(p) })
	case Blackouts:
		w.Partition()
		w.After(d, func() { w.Repair() })
	case Holds:
		if r.Chance(0.5) {
			w.Hold(p)
		} else {
			w.HoldOneway(p, Direction(r.IntN(2)))
		}
		w.After(d, func() { w.Release(p) })
	case DeadSockets:
		switch r.IntN(3) {
		case 0:
			w.redis.Kill(p)
		case 1:
			w.redis.DropSubscribers(p)
		default:
			w.redis.Silence(p)
		}
	}
}

func (t *tempest) strikeRedis(h Hazard, d time.Duration) {
	w, r := t.w, t.w.faults
	redis := w.redis
	switch h {
	case NoSubscribe:
		redis.Forbid("SUBSCRIBE")
		w.After(d, redis.Permit)
	case RedisBounces:
		redis.Bounce(d, false)
	case RedisLosses:
		if r.Chance(0.5) {
			redis.FlushAll()
		} else {
			redis.Bounce(d, true)
		}
	case Failovers:
		if redis.up {
			redis.Failover(r.Duration(0, min(t.Longest, w.options.history)), t.clockStep())
		}
	case RedisClock:
		redis.StepClock(t.clockStep())
	case RedisRefusals:
		e := &redisbridge.ServerError{Code: "LOADING", Text: "LOADING Redis is loading the dataset in memory"}
		if r.Chance(0.5) {
			e = &redisbridge.ServerError{Code: "READONLY", Text: "READONLY You can't write against a read only replica."}
		}
		redis.RefuseAll(e)
		w.After(d, func() { redis.RefuseAll(nil) })
	}
}

// clockStep draws a step of Redis's clock. Steps add up, over all storms of a world.
func (t *tempest) clockStep() time.Duration {
	o, redis := t.w.observer, t.w.redis
	lowest := max(o.redisHigh, redis.offset) - o.quarantine()
	return max(t.w.faults.Duration(-time.Second, t.Margin/2), lowest-redis.offset)
}
