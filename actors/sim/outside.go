package sim

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// outside is what runs beside a world's events: goroutines of Go code. The driver, which
// runs the events, lets them run until all of them wait, then takes what they want of the
// world, in an order that does not depend on how they were scheduled.
type outside struct {
	seed    uint64
	name    string    // of the bubble
	driver  uint64    // its goroutine
	start   time.Time // of the bubble's clock
	wake    chan struct{}
	started int  // Go functions; the driver's
	ended   bool // the scenario has returned: no more of them begin; the driver's
	cancels []context.CancelFunc
	live    atomic.Int64 // Go functions that have not returned
	resting atomic.Bool  // the driver waits: whatever is done is done by Go code
	deaths  []func()     // of processes that were killed; the driver's

	mu    sync.Mutex
	inbox []entrant        // guarded by mu
	goers map[uint64]*goer // by goroutine; guarded by mu

	// For the guard: how often all Go code waited, and the world's time then.
	rests atomic.Uint64
	at    atomic.Int64

	clocks sync.RWMutex // held to change a process's clocks, and by Go code to read them
}

func newOutside(seed uint64, bubble string) *outside {
	return &outside{seed: seed, name: bubble, driver: goroutine(), start: time.Now(), wake: make(chan struct{}, 1), goers: make(map[uint64]*goer)}
}

// beside reports whether the caller is Go code, beside the goroutine that runs the world.
func (w *World) beside() bool { return w.outside != nil && goroutine() != w.outside.driver }

// scenarios ends Go code that makes a call which is the scenario's, and fails the world: the
// world may be in the middle of an event, and is at an earlier instant than the code.
func (w *World) scenarios() {
	if w.beside() {
		w.refuse()
	}
}

// strays does the same with Go code that sends to an actor by itself, as far as that is seen: to
// ask each time who runs would cost more than all else that an event does. What the code does
// before it has waited, while the event goes on that has woken it, may not be.
func (w *World) strays() {
	if o := w.outside; o != nil && o.resting.Load() {
		w.refuse()
	}
}

func (w *World) refuse() {
	call, at := user()
	w.Fail(asDocumented, fmt.Errorf("%s from Go code: that is for the scenario, or for a function that Process.Do is given; "+
		"Go code itself may call actors.Start, Process.Do, Node.Working, and World.Now, Fail, Err and Seed\n  called at %s", call, at))
	runtime.Goexit()
}

// goroutine is the number of the caller's goroutine, which only its trace shows.
func goroutine() (n uint64) {
	var buf [32]byte
	for _, c := range buf[len("goroutine "):runtime.Stack(buf[:], false)] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + uint64(c-'0')
	}
	return n
}

// entrant is something that Go code wants done inside the world.
type entrant struct {
	proc  *Process
	by    *goer
	order int // its own program order
	do    func()
}

// goer is one Go function: its number, the life of the process that it belongs to, and what
// it wants done in that process, the oldest first; the driver's.
type goer struct {
	number int
	life   uint32
	wants  []func()
}

// next does what it wanted first: the seed decides when, not in which order.
func (g *goer) next() {
	do := g.wants[0]
	g.wants = g.wants[1:]
	do()
}

// nobody is a goroutine that is not known to be of a Go function.
var nobody = &goer{}

// goerKey finds the Go function in its context.
type goerKey struct{}

// now is the virtual time by the bubble's clock.
func (o *outside) now() time.Duration { return time.Since(o.start) }

// overslept fails the world if package time's clock went on between two runs: the world
// stood still, and would be behind from then on.
func (w *World) overslept() {
	w.helper()
	w.scenarios()
	if err := w.slept(); err != nil {
		w.misused("%w", err)
	}
}

// slept is an error if package time's clock is ahead of the world's.
func (w *World) slept() error {
	if o := w.outside; o != nil && !w.failed() {
		if d := o.now() - w.sched.now; d > 0 {
			return fmt.Errorf("the scenario slept or waited for %v, and nothing happens in the world meanwhile: let time pass by World.Run or RunUntil", d)
		}
	}
	return nil
}

// Outside implements redisbridge.Outsider: code on goroutines of its own enters the world
// through it.
func (c simClock) Outside(ctx context.Context, f func()) {
	o := c.p.world.outside
	if o == nil {
		f() // called on the world's goroutine: there is no other
		return
	}
	by, ok := ctx.Value(goerKey{}).(*goer)
	if !ok {
		by = nobody
	}
	o.enter(c.p, by, f)
}

// enter has f done in a process.
func (o *outside) enter(p *Process, by *goer, f func()) {
	o.mu.Lock()
	o.inbox = append(o.inbox, entrant{p, by, len(o.inbox), f})
	o.mu.Unlock()
	o.nudge()
}

// caller is the Go function that runs on the caller's goroutine.
func (o *outside) caller() *goer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return cmp.Or(o.goers[goroutine()], nobody)
}

// nudge has the driver look at once.
func (o *outside) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// rest returns when all Go code waits. What it wrote before may be read then.
func (o *outside) rest() {
	if o.started > 0 {
		o.resting.Store(true)
		synctest.Wait()
		o.resting.Store(false)
	}
}

// AtDeath implements redisbridge.Outsider.
func (c simClock) AtDeath(f func()) {
	if o := c.p.world.outside; o != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		c.p.deaths = append(c.p.deaths, f)
	}
}

// dies: what Go code of the process waits for is to end.
func (o *outside) dies(p *Process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deaths = append(o.deaths, p.deaths...)
	p.deaths = nil
}

// bury ends what Go code of dead processes waits for, when it has seen already that its
// contexts have ended: it should not be chance which of the two it sees. It reports
// whether there was any.
func (o *outside) bury() bool {
	deaths := o.deaths
	o.deaths = nil
	for _, f := range deaths {
		f()
	}
	return len(deaths) > 0
}

// linger gives the goroutines that Go code has left behind a minute more of the bubble's time.
func (o *outside) linger() {
	if o.started > 0 {
		o.resting.Store(true)
		time.Sleep(farewell)
	}
}

// OutsideAfter implements redisbridge.Outsider: package time's clock is the bubble's.
func (simClock) OutsideAfter(d time.Duration, f func()) redisbridge.Timer {
	return time.AfterFunc(max(d, 1), f) // at 0 it would not wait until the other goroutines do
}

// settle lets Go code run until all of it waits, and brings the bubble's clock to the next
// event, or to the limit. Whatever Go code does on the way becomes an event of its
// instant. It reports false when Go code has failed the world.
func (w *World) settle(limit time.Duration) bool {
	o := w.outside
	for {
		for o.rest(); o.bury(); o.rest() {
		}
		w.sched.advance(min(o.now(), limit))
		o.rests.Add(1)
		o.at.Store(int64(w.sched.now))
		if w.failed() {
			return false
		}
		o.admit(w)
		next := limit
		if at, ok := w.sched.soon(); ok {
			next = min(next, at)
		}
		wait := next - o.now()
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		o.resting.Store(o.started > 0) // until all Go code waits that wakes with us
		select {
		case <-timer.C:
		case <-o.wake:
			timer.Stop()
		}
	}
}

// admit makes events of what Go code wants, by process, Go function and program order.
func (o *outside) admit(w *World) {
	select {
	case <-o.wake:
	default:
	}
	o.mu.Lock()
	inbox := o.inbox
	o.inbox = nil
	o.mu.Unlock()
	slices.SortFunc(inbox, func(a, b entrant) int {
		return cmp.Or(cmp.Compare(a.proc.index, b.proc.index), cmp.Compare(a.by.number, b.by.number), cmp.Compare(a.order, b.order))
	})
	for _, e := range inbox {
		switch {
		case e.proc.dead:
		case e.by == nobody:
			w.sched.post(e.proc, w.sched.now, call(e.do))
		case e.by.life == e.proc.epoch:
			e.by.wants = append(e.by.wants, e.do)
			w.sched.post(e.proc, w.sched.now, call(e.by.next))
		}
	}
}

// Go runs f on a goroutine of its own, as code of the process's present life: its context
// ends with that life, or with the world. f must return then. Only in a world of
// [Bubble].
func (p *Process) Go(f func(ctx context.Context)) {
	o := p.world.outside
	if o == nil {
		p.world.helper()
		p.world.noGoCode("Process.Go")
		return
	}
	p.world.scenarios()
	if o.ended {
		return
	}
	o.started++
	o.live.Add(1)
	by := &goer{number: o.started, life: p.epoch}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), goerKey{}, by))
	o.cancels = append(o.cancels, cancel)
	p.conns = append(p.conns, mainEnd(cancel))
	go p.outside(o, by, f, ctx)
}

// outside is the goroutine of Go code.
func (p *Process) outside(o *outside, by *goer, f func(context.Context), ctx context.Context) { //nolint:revive // a context that is handed on
	defer o.live.Add(-1)
	w, returned, here := p.world, false, goroutine()
	o.mu.Lock()
	o.goers[here] = by
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.goers, here)
	}()
	// With GODEBUG=tracebacklabels=1 the seed is in the traces also of the goroutines that f begins.
	pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels(seedVariable, strconv.FormatUint(w.seed, 10))))
	defer func() {
		if r := recover(); r != nil {
			w.Fail("no panic", fmt.Errorf("Go code of %s panicked: %v\n%s", p.id, r, stack()))
		} else if !returned {
			w.Fail("Go code returns", fmt.Errorf("a function of Go, of %s: %w", p.id, errGoexit))
		}
	}()
	f(ctx)
	returned = true
}

// mainEnd ends a Go function's context when its process dies.
type mainEnd context.CancelFunc

func (e mainEnd) abandon() { e() }

// Go runs f as the main function of a program that uses the node, now and after each
// restart of its process: see [Process.Go].
func (n *Node) Go(f func(ctx context.Context, node *actors.Node)) {
	if n.world.outside == nil {
		n.world.helper()
		n.world.noGoCode("Node.Go")
		return
	}
	n.world.scenarios()
	n.mains = append(n.mains, f)
	if n.handle != nil && n.Alive() {
		n.main(n.handle, f)
	}
}

func (w *World) noGoCode(call string) {
	w.helper()
	w.misused("%s needs a world of sim.Bubble: elsewhere there are no goroutines but the world's, and f would never run; "+
		"use Bubble instead of Test or New, or Node.Stand and actors of your own", call)
}

func (n *Node) main(handle *actors.Node, f func(context.Context, *actors.Node)) {
	n.Process.Go(func(ctx context.Context) { f(ctx, handle) })
}
