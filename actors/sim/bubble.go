package sim

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
// Of the world, Go code may call Now, Fail, Err, Seed, [Node.Working] and [Process.Do]; all else belongs
// to the scenario's goroutine, and fails the world and ends the code at the call if it would
// change something.
//
// When the scenario returns, all contexts of Go code end, and it has a minute to return, and the
// goroutines that it has left behind a minute more; the
// world's own rules hold to the end, the checks of [World.Every] do not. Whatever goes wrong
// is reported with its seed, also a panic or a t.Fatal in Go code, and what waits for ever. Where
// Go code spins, or waits for what is not of the bubble, that can only be said: on standard
// error, with its stacks, after 10 s of real time.
//
// Time passes by [World.Run] and [World.RunUntil]. A scenario that sleeps or waits itself, between
// them or after the last, fails.
//
// The environment changes a bubble as it does a [Test].
//
// It costs about twice the time of [Test], and seeds run one after the other.
func Bubble(t *testing.T, seeds int, scenario func(w *World), opts ...Option) {
	t.Helper()
	first, last, twice := asked(t, seeds)
	if twice {
		opts = append(slices.Clip(opts), keepAll)
	}
	g := &guard{out: os.Stderr}
	defer g.begin()()
	for seed := first; seed <= last; seed++ {
		once := bubble(t, seed, scenario, opts, g)
		if twice {
			if again := bubble(t, seed, scenario, opts, g); again.hash != once.hash {
				t.Fatal(notDeterministic(seed, once, again))
			}
		}
	}
}

// bubble runs one seed, and returns what there is to compare with another run.
func bubble(t *testing.T, seed uint64, scenario func(w *World), opts []Option, g *guard) (run ran) {
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
			w.failure.Store(stuck(r, bubbled(w.outside.name)))
			t.Fatal(w.Report())
		}
	}()
	synctest.Test(t, func(inner *testing.T) {
		inner.Helper()
		w = New(inner, seed, opts...)
		w.outside = newOutside(seed, bubbleName())
		g.present.Store(w.outside)
		defer func() { run = w.ran() }()
		w.play(scenario, t)
	})
	return run
}

// stuck is what synctest finds when a bubble's goroutines wait for what never comes.
func stuck(found any, goroutines string) *failure {
	if strings.Contains(fmt.Sprint(found), "main bubble goroutine has exited") {
		return newFailure("Go code ends", fmt.Errorf("goroutines are left in the bubble %v after all contexts ended:\n%s", farewell, goroutines))
	}
	return newFailure("no deadlock", fmt.Errorf("%v; the bubble's goroutines:\n%s", found, goroutines))
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
	w.Require(asDocumented, w.slept())
	w.neverRan()
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
		if !strings.Contains(s, "testingSynctestTest(") && !strings.Contains(s, "synctest.Run(") && !strings.Contains(s, "sim.bubbled(") {
			list = append(list, s)
		}
	}
	return strings.Join(list, "\n\n")
}

// farewell is how long Go code may take to end when the world does.
const farewell = time.Minute

// endGo ends the contexts of all Go code and runs the world until it has returned. All that
// the world is held to counts until then, but the checks of Every: they need not know
// that everybody is told to end. What happens after a failure is no matter.
func (w *World) endGo() {
	o, before := w.outside, w.failure.Swap(nil)
	w.checks, o.ended = nil, true
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
	o.linger()
	if before != nil {
		w.failure.Store(before)
	}
}
