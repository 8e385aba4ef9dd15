package sim

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Process is a simulated operating-system process: some actors, a clock, a link
// to Redis. It belongs to the goroutine that runs its world.
//
// A process is created by [World.Process] and lives as long as the world; what
// dies in [Process.Crash] is what runs in it. Each life has an epoch number, and
// whatever an earlier life left behind (messages, timers, replies) evaporates.
type Process struct {
	world *World
	id    string
	index int

	epoch  uint32
	dead   bool
	paused bool
	boot   func(*Process)

	// held is what happened to the process while it could not run, in order.
	// Once it has something, everything later queues behind it: a resumed
	// process sees its messages in the order in which they came.
	held      []runner
	heldFrom  int
	draining  bool
	drainer   drain
	slow      time.Duration
	busyUntil time.Duration
	wakes     uint32 // counts pauses, so that only the last Resume resumes

	clock   processClock
	random  *Rand
	system  *actor.ActorSystem
	link    *link
	former  *Redis        // the primary that it was cut off with, nil if it was not
	deafAt  time.Duration // when a subscription ended last, at either end
	heardAt time.Duration // when one was last confirmed
	hears   *subscriber   // which, nil once it has ended
	conns   []closer      // open ends in the present life; the kernel closes them at a crash

	deaths []func() // to be called at the end of the present life; guarded by outside.mu

	timers   batch[timer]
	requests batch[request]
}

// closer is an end of a connection that the kernel closes when its process dies.
type closer interface{ abandon() }

// deafened notes the end of a subscription.
func (p *Process) deafened() { p.deafAt = p.world.sched.now }

// ID returns the process's name.
func (p *Process) ID() string { return p.id }

// World returns the process's world.
func (p *Process) World() *World { return p.world }

// Rand returns the process's own randomness, for what must differ between nodes
// and lives: incarnations, jitter.
func (p *Process) Rand() *Rand {
	p.world.scenarios()
	return p.random
}

// Alive reports whether the process runs: it was not crashed, or booted again since.
// A paused process is alive.
func (p *Process) Alive() bool { return !p.dead }

// Paused reports whether the process is stopped by [Process.Pause] or suspended.
func (p *Process) Paused() bool { return p.paused }

// Life returns the number of the present life; a crash begins the next one.
func (p *Process) Life() int { return int(p.epoch) }

// Boot says what runs in the process, and runs it, now and after each
// [Process.Bounce] or [Process.Restart]. A nil f is a machine on which nothing runs.
func (p *Process) Boot(f func(*Process)) {
	p.world.scenarios()
	p.boot = f
	if !p.dead && f != nil {
		f(p)
	}
}

// Do runs f in the process, as an event of its own, at the present instant, or
// when the process is able to run. Go code in a bubble may call it: f does for it what
// only a scenario may, such as crash a process, or send to an actor.
func (p *Process) Do(f func()) {
	if o := p.world.outside; p.world.beside() {
		o.enter(p, o.caller(), f)
		return
	}
	p.world.sched.post(p, p.world.sched.now, call(f))
}

// Crash kills the process as SIGKILL does. Its connections are closed by its
// kernel. Crashing a dead process does nothing.
func (p *Process) Crash() {
	p.world.scenarios()
	if p.dead {
		return
	}
	p.world.trace.note(p, "crash", "", "", 0)
	p.dead, p.paused, p.draining = true, false, false
	p.epoch++
	p.wakes++
	p.hears = nil
	p.set((*processClock).resume)
	clear(p.held)
	p.held, p.heldFrom = p.held[:0], 0
	conns := p.conns
	p.conns = nil
	for _, c := range conns {
		c.abandon()
	}
	dropActors(p.system)
	if o := p.world.outside; o != nil {
		o.dies(p)
	}
}

// Restart starts the process's software again; it crashes it first if it runs.
func (p *Process) Restart() {
	p.Crash()
	p.world.trace.note(p, "boot", "", "", 0)
	p.dead = false
	if p.boot != nil {
		p.world.sched.post(p, p.world.sched.now, call(func() { p.boot(p) }))
	}
}

// Bounce crashes the process and starts it again after d.
func (p *Process) Bounce(d time.Duration) {
	p.Crash()
	life := p.epoch
	p.world.After(d, func() {
		if p.epoch == life && p.dead {
			p.Restart()
		}
	})
}

// Pause stops the process for d, as SIGSTOP and SIGCONT do: both its clocks run
// on, what happens to it waits. Pausing a paused process makes it longer or
// shorter: the last call counts. A d of 0 or less pauses until [Process.Resume].
func (p *Process) Pause(d time.Duration) {
	p.world.scenarios()
	if p.dead {
		return
	}
	p.world.trace.note(p, "pause", "", "", int64(d))
	p.paused = true
	p.wakes++
	if n := p.wakes; d > 0 {
		p.world.After(d, func() {
			if p.wakes == n {
				p.Resume()
			}
		})
	}
}

// Resume ends a pause. What happened meanwhile happens now, in order.
func (p *Process) Resume() {
	p.world.scenarios()
	if !p.paused {
		return
	}
	p.world.trace.note(p, "resume", "", "", 0)
	p.paused = false
	p.wakes++
	p.set((*processClock).resume)
	p.drainLater()
}

// Suspend stops the process for d as the suspension of its virtual machine does:
// the wall clock runs on, the monotonic clock stands still.
func (p *Process) Suspend(d time.Duration) {
	p.world.scenarios()
	if p.dead || d <= 0 {
		return
	}
	p.set((*processClock).suspend)
	p.Pause(d)
}

// Slow makes the process a slow one: after each event it is busy for up to d.
// 0 makes it a normal one again.
func (p *Process) Slow(d time.Duration) {
	p.world.scenarios()
	p.world.trace.note(p, "slow", "", "", int64(d))
	p.slow = d
}

// free reports whether nothing keeps the process from running an event now: the usual case.
func (p *Process) free() bool { return !p.paused && p.slow == 0 && p.heldFrom == len(p.held) }

// holds decides whether the process can run an event now. If not, it keeps it.
func (p *Process) holds(do runner) bool {
	if _, ok := do.(*drain); ok {
		return false
	}
	busy := p.slow > 0 && p.world.sched.now < p.busyUntil
	if !p.paused && p.heldFrom == len(p.held) && !busy {
		p.worked()
		return false
	}
	p.held = append(p.held, do)
	if !p.paused {
		p.drainLater()
	}
	return true
}

// worked makes a slow process busy after an event.
func (p *Process) worked() {
	if p.slow > 0 {
		p.busyUntil = p.world.sched.now + p.world.faults.Duration(0, p.slow)
	}
}

// drain is the event in which a process takes the first of what was held back.
type drain struct{ p *Process }

func (p *Process) drainLater() {
	if p.draining || p.heldFrom == len(p.held) {
		return
	}
	p.draining = true
	p.world.sched.post(p, max(p.world.sched.now, p.busyUntil), &p.drainer)
}

func (d *drain) run() {
	p := d.p
	p.draining = false
	if p.paused || p.heldFrom == len(p.held) {
		return
	}
	do := p.held[p.heldFrom]
	p.held[p.heldFrom] = nil
	if p.heldFrom++; p.heldFrom == len(p.held) {
		p.held, p.heldFrom = p.held[:0], 0
	}
	p.worked()
	do.run()
	p.drainLater()
}
