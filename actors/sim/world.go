package sim

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hustings/redisbridge"
)

// T is what a world needs of a test; a *testing.T, *testing.B, *testing.F and
// *rapid.T have it.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// World is one simulated fleet: processes, a network, a Redis, and the time that
// they share. Everything in it happens on the goroutine that calls [World.Run],
// and a world must be used by one goroutine only. Any number of worlds may run
// side by side: they share nothing.
type World struct {
	t       T
	seed    uint64
	options options

	sched      scheduler
	trace      trace
	random     *Rand // for users and boots: what a process draws for itself
	faults     *Rand // for the network and the faults
	procs      []*Process
	byID       map[string]*Process
	redis      *Redis
	weather    Weather
	deliveries []*delivery // to be used again
	current    *Process    // whose event is executed
	outside    *outside    // Go code beside the events; nil but in a bubble

	checks  []namedCheck
	failure atomic.Pointer[failure] // nil while all is well
	noted   bool                    // the trace has it
	// reported: the test was told of it.
	reported bool
	tap      func(redisbridge.Command, redisbridge.Reply) // sees what Redis executes; nil: nobody looks

	observer *observer
	hazards  []Hazard // of a Swarm
}

// failure is how a world failed.
type failure struct {
	rule string
	why  error // as it was told
	err  error // with the rule
}

type namedCheck struct {
	rule  string
	check func() error
}

// New makes a world for a seed. A nil t is allowed, for programs: then a failure
// is only to be had from [World.Err]. Otherwise a failure ends the test.
func New(t T, seed uint64, opts ...Option) *World {
	o := defaultOptions()
	for _, opt := range opts {
		opt(&o)
	}
	root := NewRand(seed)
	w := &World{t: t, seed: seed, options: o, byID: make(map[string]*Process)}
	w.sched.ties = root.Fork()
	w.random = root.Fork()
	w.faults = root.Fork()
	w.trace.sched = &w.sched
	w.trace.ring, w.trace.all = make([]entry, o.keep), o.all
	w.redis = newRedis(w, root.Fork())
	w.observer = newObserver(w)
	w.Waive(o.without...)
	if t != nil {
		t.Cleanup(w.Close)
	}
	return w
}

// Close stops everything and gives back what worlds reuse. It is called by the
// test's cleanup; a program that passed a nil t calls it itself. Further calls do nothing.
func (w *World) Close() {
	for _, p := range w.procs {
		if p.system != nil {
			dropActors(p.system)
			systems.put(p.system)
			p.system = nil
		}
		p.dead = true
	}
	w.procs = nil
}

// Seed returns the seed that the world was made from.
func (w *World) Seed() uint64 { return w.seed }

// Now returns the time since the world began. No process can see it: see [Process.Now].
// Go code in a bubble may call it.
func (w *World) Now() time.Duration {
	if w.outside != nil {
		return w.outside.now()
	}
	return w.sched.now
}

// Events returns how many events have been executed.
func (w *World) Events() uint64 { return w.sched.ran }

// Rand returns the world's randomness for tests: drawing from it changes nothing
// that the network or the faults draw.
func (w *World) Rand() *Rand {
	w.scenarios()
	return w.random
}

// Redis returns the world's Redis.
func (w *World) Redis() *Redis {
	w.scenarios()
	return w.redis
}

// Process returns the process of that name, and makes it if there is none.
func (w *World) Process(id string) *Process {
	w.scenarios()
	if p := w.byID[id]; p != nil {
		return p
	}
	p := &Process{world: w, id: id, index: len(w.procs), system: systems.get()}
	p.drainer.p = p
	p.system.ID = id
	p.clock = processClock{
		base: w.sched.now,
		// Every machine was started at another time, so that monotonic readings
		// of two machines can't be mixed up without being noticed.
		mono: w.random.Duration(time.Second, 1000*time.Hour),
		wall: w.options.wall + w.sched.now,
	}
	p.random = w.random.Fork()
	p.link = newLink(w, p)
	adoptSystem(p)
	w.procs = append(w.procs, p)
	w.byID[id] = p
	return p
}

// Processes returns the processes in the order in which they were made.
func (w *World) Processes() []*Process { return append([]*Process(nil), w.procs...) }

// After runs f after d of the world's time, outside all processes: no crash or
// pause holds it back. It is for scripts of what shall happen.
func (w *World) After(d time.Duration, f func()) {
	w.scenarios()
	w.sched.post(nil, w.sched.now+max(d, 0), call(f))
}

// At runs f at an instant of the world, as [World.After] does.
func (w *World) At(at time.Duration, f func()) {
	w.scenarios()
	w.sched.post(nil, at, call(f))
}

// Every has check looked at after every event. An error fails the world, under the rule's
// name. In a bubble it is looked at when the Go code that the event has woken waits again,
// so what Go code writes stands still meanwhile. Share it by atomics, or under a lock that
// nobody waits with, all the same: the race detector does not know that order where package
// time wakes Go code.
func (w *World) Every(rule string, check func() error) {
	w.scenarios()
	w.checks = append(w.checks, namedCheck{rule, check})
}

// Fail fails the world: the run ends after the present event. The first failure counts.
// A nil err fails it too: for one that may be nil there is [World.Require]. Go code in
// a bubble may call it; it goes on, until it returns.
func (w *World) Fail(rule string, err error) {
	switch f := newFailure(rule, err); {
	case !w.failure.CompareAndSwap(nil, f):
	case w.outside != nil: // perhaps beside the world's goroutine, which notes it later
		w.outside.nudge()
	default:
		w.note(f)
	}
}

func newFailure(rule string, err error) *failure {
	if err == nil {
		err = errUnsaid
	}
	return &failure{rule, err, fmt.Errorf("%s: %w", rule, err)}
}

// errUnsaid is why a world failed whose user does not say it.
var errUnsaid = errors.New("failed without an error")

// note has the trace say that the world failed.
func (w *World) note(f *failure) {
	w.noted = true
	why, _, _ := strings.Cut(f.why.Error(), "\n")
	w.trace.note(w.current, "FAILED", f.rule, why, 0)
}

func (w *World) failed() bool { return w.failure.Load() != nil }

// Err returns why the world failed, or nil. Go code in a bubble may call it.
func (w *World) Err() error {
	if f := w.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// Require fails the world, and the test with it, if err is not nil. It is for
// conditions between runs; [World.Every] is for those that always hold.
func (w *World) Require(rule string, err error) {
	w.helper()
	w.scenarios()
	if err != nil {
		w.Fail(rule, err)
		w.report()
	}
}

// asDocumented is the rule that misuse of the kit breaks.
const asDocumented = "the kit is used as documented"

// misused fails the world, and the test with it, for a call that would have no effect.
func (w *World) misused(format string, args ...any) {
	w.helper()
	_, at := user()
	w.Require(asDocumented, fmt.Errorf("%w\n  called at %s", fmt.Errorf(format, args...), at))
}

// neverRan fails a world in which something was to happen, and no time passed at all.
func (w *World) neverRan() {
	w.helper()
	if _, waits := w.sched.soon(); waits && w.sched.ran == 0 && w.sched.now == 0 && !w.failed() {
		w.Require(asDocumented, errors.New("the scenario returned before anything could happen: let time pass by World.Run, RunUntil or Recover"))
	}
}

// user is what of the kit the user's code has called, and where.
func user() (call, at string) {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.File, "_test.go") || !slices.ContainsFunc(kit, func(of string) bool { return strings.HasPrefix(f.Function, of) }) {
			return call, fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return call, "a place unknown"
		}
		call = method.Replace(strings.TrimPrefix(f.Function[strings.LastIndexByte(f.Function, '/')+1:], "sim."))
	}
}

// kit is by what the functions begin that the user's code calls, and those which they call.
var kit = []string{"hustings/actors/sim.", "hustings/actors.", "github.com/asynkron/protoactor-go/actor."}

// method is how documents call a method of a pointer.
var method = strings.NewReplacer("(*", "", ")", "")

// Report describes the failure: the seed, the rule, and how it came about.
func (w *World) Report() string {
	if f := w.failure.Load(); f != nil && !w.noted {
		w.note(f)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "sim: seed %d failed at %v, event %d\n  %v\n", w.seed, w.sched.now, w.sched.ran, w.Err())
	fmt.Fprintf(&s, "  again with %s=%d; the last lines of the trace (hash %016x):\n", seedVariable, w.seed, w.trace.hash)
	for _, e := range w.trace.last(40) {
		s.WriteString("    ")
		s.WriteString(e.String())
		s.WriteByte('\n')
	}
	return s.String()
}

func (w *World) report() {
	w.helper()
	w.tell(w.Report())
}

// tell ends the test with a report.
func (w *World) tell(report string) {
	w.reported = true
	if w.t != nil {
		w.t.Helper()
		w.t.Fatalf("%s", report)
	}
}

func (w *World) helper() {
	if w.t != nil {
		w.t.Helper()
	}
}

// errPanic is how a panic of user code appears in a report.
var errPanic = errors.New("an actor panicked")
