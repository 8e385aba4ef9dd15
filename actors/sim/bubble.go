package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// Bubble is [Test] for code that is not written as actors: it runs scenario in a world
// for each of the seeds 1 to seeds, each in a bubble of testing/synctest. There
// [Process.Go] and [Node.Go] run ordinary Go code, with goroutines, channels, select,
// contexts, package time and the blocking calls of actors.Node: [actors.Node.Lead] and
// [actors.Node.Campaign] work as they do in production. Package time shows the world's
// virtual time; no clock of a process is skewed for it.
//
// The order of events is the seed's here too. What is not: two goroutines of one Go
// function that wake at the same instant and share memory or call the node both. Such code
// may behave differently from run to run, as it may in production.
//
// A paused process's Go code is not stopped: what it says to its node waits. A crash ends
// the context that Go code was given, then the terms of its node, and then all that it waits
// for of its node, as the node's end would: the channels of Subscribe and Observe are closed,
// and calls return actors.ErrStopped. Nothing of what it does later reaches anybody.
// Of the world, Go code may call Now, Fail, Err, Seed and [Node.Working]; all else belongs to the
// scenario's goroutine.
//
// When the scenario returns, all contexts of Go code end, and it has a minute to return; the
// world's own rules hold to the end, the checks of [World.Every] do not. Whatever goes wrong
// is reported with its seed, also a panic or a t.Fatal in Go code, and what waits for ever.
// The environment changes a bubble as it does a [Test].
//
// It costs about twice the time of [Test], and seeds run one after the other.
func Bubble(t *testing.T, seeds int, scenario func(w *World), opts ...Option) {
	t.Helper()
	first, last, twice := asked(seeds)
	for seed := first; seed <= last; seed++ {
		hash := bubble(t, seed, scenario, opts)
		if twice {
			if again := bubble(t, seed, scenario, opts); again != hash {
				t.Fatal(notDeterministic(seed, hash, again))
			}
		}
	}
}

// bubble runs one seed, and returns the hash of its trace.
func bubble(t *testing.T, seed uint64, scenario func(w *World), opts []Option) (hash uint64) {
	t.Helper()
	var w *World
	defer func() {
		if r := recover(); r != nil { // synctest's: goroutines wait for what never comes
			if w == nil {
				panic(r) // or there could be no bubble
			}
			if w.reported {
				t.FailNow() // it was to be expected, and is named
			}
			w.failure.Store(newFailure("no deadlock", fmt.Errorf("%v; the bubble's goroutines:\n%s", r, bubbled(w.outside.name))))
			t.Fatal(w.Report())
		}
	}()
	synctest.Test(t, func(inner *testing.T) {
		inner.Helper()
		w = New(inner, seed, opts...)
		w.outside = &outside{start: time.Now(), wake: make(chan struct{}, 1), name: bubbleName()}
		defer func() { hash = w.Hash() }()
		w.play(scenario, t)
	})
	return hash
}

// play runs the scenario, and its Go code to its end. Whatever ends it too soon is reported
// with the seed. outer is the test that the scenario may have by another way than the world.
func (w *World) play(scenario func(w *World), outer *testing.T) {
	w.helper()
	returned := false
	defer func() {
		w.helper()
		if r := recover(); r != nil {
			w.Fail("no panic", fmt.Errorf("the scenario panicked: %v\n%s", r, stack()))
		} else if !returned && !outer.Skipped() {
			w.Fail("the scenario returns", errGoexit)
		}
		report := ""
		if w.failed() && !w.reported {
			report = w.Report() // of now
		}
		w.endGo()
		if report == "" && w.failed() && !w.reported {
			report = w.Report()
		}
		if report != "" {
			w.tell(report)
		}
	}()
	scenario(w)
	returned = true
}

// errGoexit is what the scenario or Go code did with a test of its own.
var errGoexit = errors.New("it has ended its goroutine: t.Fatal, t.FailNow or runtime.Goexit; World.Fail and World.Require say more")

// bubbleWords come before a bubble's number in the head of a goroutine's stack.
const bubbleWords = "synctest bubble "

// bubbleName is how the traces of goroutines call the bubble that the caller is in.
func bubbleName() string {
	head, _, _ := strings.Cut(string(stack()), "\n")
	if i := strings.Index(head, bubbleWords); i >= 0 {
		name, _, _ := strings.Cut(head[i+len(bubbleWords):], "]")
		name, _, _ = strings.Cut(name, " ") // labels follow
		return bubbleWords + name
	}
	return bubbleWords
}

// bubbled returns the stacks of the goroutines of a bubble, but for those that only run the test.
func bubbled(name string) string {
	buf := make([]byte, 1<<20)
	var list []string
	for s := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		head, _, _ := strings.Cut(s, "\n")
		if !strings.Contains(head, name+"]") && !strings.Contains(head, name+" ") {
			continue
		}
		if !strings.Contains(s, "testing.testingSynctestTest(") && !strings.Contains(s, "sim.bubbled(") {
			list = append(list, s)
		}
	}
	return strings.Join(list, "\n\n")
}

// outside is what runs beside a world's events: goroutines of Go code. The driver, which
// runs the events, lets them run until all of them wait, then takes what they want of the
// world, in an order that does not depend on how they were scheduled.
type outside struct {
	name    string    // of the bubble
	start   time.Time // of the bubble's clock
	wake    chan struct{}
	started int // Go functions; the driver's
	cancels []context.CancelFunc
	live    atomic.Int64 // Go functions that have not returned
	deaths  []func()     // of processes that were killed; the driver's

	mu    sync.Mutex
	inbox []entrant // guarded by mu

	clocks sync.RWMutex // held to change a process's clocks, and by Go code to read them
}

// entrant is something that Go code wants done inside the world.
type entrant struct {
	proc  *Process
	by    *goer
	order int // its own program order
	do    func()
}

// goer is one Go function: its number, and the life of the process that it belongs to.
type goer struct {
	number int
	life   uint32
}

// nobody is a goroutine whose context is not from Go.
var nobody = &goer{}

// goerKey finds the Go function in its context.
type goerKey struct{}

// now is the virtual time by the bubble's clock.
func (o *outside) now() time.Duration { return time.Since(o.start) }

// farewell is how long Go code may take to end when the world does.
const farewell = time.Minute

// endGo ends the contexts of all Go code and runs the world until it has returned. All that
// the world is held to counts until then, but the checks of Every: they need not know
// that everybody is told to end. What happens after a failure is no matter.
func (w *World) endGo() {
	o, before := w.outside, w.failure.Swap(nil)
	w.checks = nil
	for _, cancel := range o.cancels {
		cancel()
	}
	for limit := w.sched.now + farewell; o.live.Load() > 0 && w.step(limit); {
	}
	for _, p := range w.procs {
		o.dies(p)
	}
	for synctest.Wait(); o.bury(); synctest.Wait() {
	}
	if n := o.live.Load(); n > 0 && !w.failed() {
		w.Fail("Go code ends", fmt.Errorf("%d functions of Go have not returned %v after their contexts ended; the bubble's goroutines:\n%s",
			n, farewell, bubbled(o.name)))
	}
	if before != nil {
		w.failure.Store(before)
	}
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
	o.mu.Lock()
	o.inbox = append(o.inbox, entrant{c.p, by, len(o.inbox), f})
	o.mu.Unlock()
	o.nudge()
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
		synctest.Wait()
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
		if (e.by == nobody || e.by.life == e.proc.epoch) && !e.proc.dead {
			w.sched.post(e.proc, w.sched.now, call(e.do))
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
	o.started++
	o.live.Add(1)
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), goerKey{}, &goer{o.started, p.epoch}))
	o.cancels = append(o.cancels, cancel)
	p.conns = append(p.conns, mainEnd(cancel))
	go p.outside(o, f, ctx)
}

// outside is the goroutine of Go code.
func (p *Process) outside(o *outside, f func(context.Context), ctx context.Context) { //nolint:revive // a context that is handed on
	defer o.live.Add(-1)
	w, returned := p.world, false
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
