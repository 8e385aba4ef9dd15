package sim

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// seedVariable names the environment variable with which [Test] runs one seed
// only, and twiceVariable the one with which it runs each seed twice and compares.
const (
	seedVariable  = "HUSTINGS_SEED"
	seedsVariable = "HUSTINGS_SEEDS"
	twiceVariable = "HUSTINGS_TWICE"
)

// Test runs scenario in a world of its own for each of the seeds 1 to seeds, on
// as many cores as there are, and fails t with the report of the lowest seed that
// fails. The environment changes it without a change of the test:
//
//	HUSTINGS_SEED=7     only this seed
//	HUSTINGS_SEEDS=1e5  another number of seeds
//	HUSTINGS_TWICE=1    each seed twice; the traces must be the same
//
// scenario runs on several goroutines at once: what it shares between worlds
// makes them depend on each other, and is a fault of the scenario. It may call
// T's methods only through its world.
func Test(t T, seeds int, scenario func(w *World), opts ...Option) {
	t.Helper()
	test(t, seeds, scenario, opts, nil)
}

// test is Test; explain, if it is not nil, makes a better report of a seed that failed.
func test(t T, seeds int, scenario func(w *World), opts []Option, explain func(seed uint64) string) {
	t.Helper()
	first, last, twice := asked(t, seeds)
	if twice {
		opts = append(slices.Clip(opts), keepAll)
	}
	s := sweep{scenario: scenario, opts: opts, last: last, twice: twice}
	s.next.Store(first)
	s.failed.Store(last + 1)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), int(last-first)+1) {
		workers.Go(s.work)
	}
	workers.Wait()
	if s.report != "" {
		if explain != nil {
			if better := explain(s.lowest); better != "" {
				s.report = better
			}
		}
		t.Fatalf("%s", s.report)
	}
}

// asked is which seeds are to be run, and whether twice: what the test says, and the
// environment. A variable that can't be read fails the test: it would run other seeds, and pass.
func asked(t T, seeds int) (first, last uint64, twice bool) {
	t.Helper()
	first, last = 1, uint64(max(seeds, 1))
	if text := os.Getenv(seedsVariable); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 1 && n < 1<<53) {
			t.Fatalf("sim: %s=%s is no number of seeds: give 1 or more, as in 100 or 1e5", seedsVariable, text)
		}
		last = uint64(n)
	}
	if text := os.Getenv(seedVariable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("sim: %s=%s is no seed: give a whole number, as a report does", seedVariable, text)
		}
		first, last = n, n
	}
	return first, last, os.Getenv(twiceVariable) != ""
}

// sweep is one call of Test. Workers take seeds in rising order, so that the
// lowest failing one is known when all have stopped.
type sweep struct {
	scenario func(*World)
	opts     []Option
	last     uint64
	twice    bool
	next     atomic.Uint64
	failed   atomic.Uint64

	mu     sync.Mutex
	lowest uint64 // guarded by mu
	report string // guarded by mu, of the lowest
}

func (s *sweep) work() {
	for {
		seed := s.next.Add(1) - 1
		if seed > s.last || seed > s.failed.Load() {
			return
		}
		report, first := s.one(seed)
		if report == "" && s.twice {
			var second ran
			if report, second = s.one(seed); report == "" && second.hash != first.hash {
				report = notDeterministic(seed, first, second)
			}
		}
		if report != "" {
			s.fail(seed, report)
		}
	}
}

func (s *sweep) fail(seed uint64, report string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report == "" || seed < s.lowest {
		s.lowest, s.report = seed, report
		s.failed.Store(seed)
	}
}

// one runs one seed on a goroutine of its own, which a failure ends.
func (s *sweep) one(seed uint64) (report string, r ran) {
	t := &seedT{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.cleanup()
		w := New(t, seed, s.opts...)
		returned := false
		defer func() {
			if r := recover(); r != nil {
				w.Fail("no panic", fmt.Errorf("the scenario panicked: %v\n%s", r, stack()))
			} else if !returned {
				w.Fail("the scenario returns", errGoexit) // or it has failed already
			}
			if w.failed() && t.report == "" {
				t.report = w.Report()
			}
			r = w.ran()
		}()
		s.scenario(w)
		returned = true
		w.neverRan()
	}()
	<-done
	return t.report, r
}

// seedT is the T of one seed of a sweep.
type seedT struct {
	report   string
	cleanups []func()
}

func (t *seedT) Helper()          {}
func (t *seedT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Fatalf ends the seed, as it ends a test.
func (t *seedT) Fatalf(format string, args ...any) {
	if t.report == "" {
		t.report = fmt.Sprintf(format, args...)
	}
	runtime.Goexit()
}

func (t *seedT) cleanup() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

func stack() []byte {
	buf := make([]byte, 16<<10)
	return buf[:runtime.Stack(buf, false)]
}
