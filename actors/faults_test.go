package actors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whole nodes under what happens to real servers and networks. HUSTINGS_INJECTIONS=100
// repeats each fault so often, on one fleet; without it, once. What is asserted each time:
// never two leaders, tokens that rise, no node that fails, the fleet in order again without
// help; and of the first: no busy loop, a link that says what is wrong, and a log line.
func TestAFleetStandsEveryFaultOfRedisAndOfTheWayToIt(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts forty servers and more")
	}
	t.Parallel()
	sideBySide(t, faults, func(f *fault) string { return f.name }, func(t *testing.T, f *fault) {
		times := injections(t)
		s := newStorm(t, time.Second, f)
		var took outcomes
		for k := range times {
			s.inject(f, k == 0, &took)
		}
		took.report(s, f)
	})
}

// sideBySide runs a subtest for each of a list, ten at a time: they wait more than they
// compute, and -parallel is for those that do.
func sideBySide[T any](t *testing.T, list []T, name func(*T) string, test func(*testing.T, *T)) {
	t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(10, len(list)) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(list)); i = next.Add(1) - 1 {
				t.Run(name(&list[i]), func(t *testing.T) { test(t, &list[i]) })
			}
		})
	}
	all.Wait()
}

// outcomes are what was measured.
type outcomes struct {
	// failover: from the fault to the next term, where there was one. back: from the end
	// of the fault until everything is as it was.
	failover, back []time.Duration
	kept           int
}

// inject does a fault and undoes it.
func (s *storm) inject(f *fault, first bool, o *outcomes) {
	s.t.Helper()
	s.victims = []int{2, 3}
	if f.everybody {
		s.victims = []int{0, 1, 2, 3}
	}
	before := s.nodes[2].Leadership(stormElection).Token()
	logged := len(s.logs.String())
	var downs int
	for _, n := range s.nodes {
		d, _ := n.seen()
		downs += d
	}
	at, began := now(), time.Now()
	f.begin(s)
	if first && f.ttls == long {
		s.watchCost()
	}
	if rest := time.Duration(f.ttls*float64(s.ttl)) - time.Since(began); rest > 0 {
		time.Sleep(rest)
	}
	if first { // a busy machine may be late
		eventually(s.t, "the log or an event says "+f.says, func() bool { return s.said(f, logged, downs) == nil })
	}
	if f.finish != nil {
		f.finish(s)
	}
	o.back = append(o.back, s.settle())
	if l := s.nodes[2].Leadership(stormElection); l.Token() == before {
		o.kept++
	} else if next := s.ref.wonSince(at); next != nil {
		o.failover = append(o.failover, next.won-at)
	}
}

// Bounds on what a node may do in a second in which nothing works. At a TTL of a second it
// beats three times; redialling comes to no more than about twenty.
const (
	maxLoad     = 20 // percent of a core
	maxRequests = 200
	maxDials    = 40
	maxRoutines = 60
)

// watchCost looks at the child for a second of the fault.
func (s *storm) watchCost() {
	s.t.Helper()
	a, at := s.child.stat(), time.Now()
	time.Sleep(time.Second)
	b, d := s.child.stat(), time.Since(at)
	load := int(100 * (b.CPU - a.CPU) / d)
	commands, dials := b.Counts.Commands-a.Counts.Commands, b.Counts.Connects-a.Counts.Connects+b.Counts.Subscribes-a.Counts.Subscribes
	requests := b.Counts.Requests - a.Counts.Requests
	s.t.Logf("one node in %v of it: %d %% of a core, %d requests, %d commands, %d dials, %d goroutines, %d calls waiting",
		d.Round(time.Millisecond), load, requests, commands, dials, b.Routines, b.Counts.Waiting)
	if load > maxLoad || commands > maxRequests || requests > maxRequests || dials > maxDials || b.Routines > maxRoutines || b.Counts.Waiting > 20 {
		s.t.Errorf("too busy: at most %d %% of a core, %d requests, %d dials, %d goroutines, 20 calls", maxLoad, maxRequests, maxDials, maxRoutines)
	}
}

// said: whoever watches events or reads the log is told.
func (s *storm) said(f *fault, logged, downsBefore int) error {
	var downs int
	all := s.logs.String()[logged:]
	for _, n := range s.nodes {
		d, causes := n.seen()
		downs += d
		all += causes
	}
	switch {
	case f.down && downs == downsBefore:
		return errors.New("no LinkChanged says that a link is down or deaf")
	case !strings.Contains(all, f.says):
		return fmt.Errorf("neither the log nor an event says %q", f.says)
	}
	return nil
}

// report says what was measured. How often an office is kept depends on the machine too,
// so it is told and not required.
func (o *outcomes) report(s *storm, f *fault) {
	s.t.Helper()
	in := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(s.ttl)) }
	overlaps, terms := s.ref.count()
	text := fmt.Sprintf("%d injections, %d terms, %d overlaps; kept the office %d times; back in order after p50 %s, max %s TTL",
		len(o.back), terms, overlaps, o.kept, in(percentile(o.back, 50)), in(slices.Max(o.back)))
	if len(o.failover) > 0 {
		text += fmt.Sprintf("; next term after p50 %s, max %s TTL", in(percentile(o.failover, 50)), in(slices.Max(o.failover)))
	}
	s.t.Log(text)
}
