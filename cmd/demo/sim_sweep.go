package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"hustings/actors/sim"
	"hustings/redisbridge"
)

// tally is the sum of many seeds.
type tally struct {
	seeds, events, terms uint64
	virtual              time.Duration
	first, right         time.Duration // the longest
	hazards              map[sim.Hazard]int
	failed               []sim.Verdict       // the first of each rule
	broken               map[string][]uint64 // seeds, by rule
}

func (t *tally) add(v sim.Verdict) {
	t.seeds++
	t.events += v.Events
	t.terms += uint64(v.Terms) //nolint:gosec // not negative
	t.virtual += v.Took
	for _, h := range v.Hazards {
		t.hazards[h]++
	}
	if v.Err == nil {
		t.first, t.right = max(t.first, v.First), max(t.right, v.Right)
		return
	}
	name := v.Rule.Name
	if name == "" {
		name = "something else"
	}
	if t.broken[name] = append(t.broken[name], v.Seed); len(t.broken[name]) == 1 {
		v.Trace = nil
		t.failed = append(t.failed, v)
	}
}

// playMany plays all seeds on all cores. A signal ends it early, with what there is; the
// next one at once, with nothing.
func playMany(o *simOptions, c *console) int {
	defer collectSeldom()()
	var clock redisbridge.SystemClock
	begin := clock.Now()
	total := o.last - o.first + 1
	var next atomic.Uint64
	next.Store(o.first)
	verdicts, left := make(chan sim.Verdict), make(chan struct{})
	defer close(left)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed <= o.last; seed = next.Add(1) - 1 {
				select {
				case verdicts <- o.swarm.Try(seed):
				case <-left:
					return
				}
			}
		})
	}
	go func() {
		workers.Wait()
		close(verdicts)
	}()
	t := &tally{hazards: map[sim.Hazard]int{}, broken: map[string][]uint64{}}
	shown, told := time.Duration(-1), false
	for verdicts != nil {
		select {
		case v, more := <-verdicts:
			if !more {
				verdicts = nil
				break
			}
			t.add(v)
			if at := clock.Now().Sub(begin); shown < 0 || at-shown >= progressEvery(c) {
				shown = at
				progress(c, t, total, at)
			}
		case <-c.signals:
			if told {
				fmt.Fprintf(c.err, "\ndemo sim: %v\n", errInterrupted)
				return exitFault
			}
			told = true
			next.Store(o.last + 1) // what is under way is played to its end
		}
	}
	if c.colour {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
	code := t.report(o, c.out, clock.Now().Sub(begin))
	if t.seeds < total {
		fmt.Fprintf(c.err, "demo sim: %v after %d of %d seeds\n", errInterrupted, t.seeds, total)
		return exitFault
	}
	return code
}

// collectSeldom has Go's collector run seldom: a world holds a few megabytes, and lives for
// milliseconds. That costs some 100 to 190 MB a core, but no more in all than 1 GiB or 64 MiB
// a core, whichever is more, or what GOMEMLIMIT says; at the bound it runs more often. What it returns undoes it.
func collectSeldom() (undo func()) {
	percent := debug.SetGCPercent(3200)
	most := debug.SetMemoryLimit(-1) // reads it
	debug.SetMemoryLimit(min(most, max(1<<30, int64(runtime.GOMAXPROCS(0))<<26)))
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(most)
	}
}

// progressEvery is how often progress is shown: a bar moves, a log does not run.
func progressEvery(c *console) time.Duration {
	if c.colour {
		return 100 * time.Millisecond
	}
	return 10 * time.Second
}

// progress goes to stderr: a bar on a terminal, else a line.
func progress(c *console, t *tally, total uint64, took time.Duration) {
	const width = 30
	broken := 0
	for _, seeds := range t.broken {
		broken += len(seeds)
	}
	if !c.colour {
		fmt.Fprintf(c.err, "%d of %d seeds, %d failed, %v\n", t.seeds, total, broken, took.Round(time.Second))
		return
	}
	full := int(t.seeds * width / total) //nolint:gosec // at most width
	fmt.Fprintf(c.err, "\r\x1b[K[%s%s] %d of %d seeds, %d failed",
		strings.Repeat("#", full), strings.Repeat(".", width-full), t.seeds, total, broken)
}

// report prints the table, and each rule's first failure.
func (t *tally) report(o *simOptions, w io.Writer, took time.Duration) int {
	for _, v := range t.failed {
		fmt.Fprintln(w, o.swarm.Explain(v))
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	seconds := max(took.Seconds(), 1e-9)
	fmt.Fprintf(tab, "seeds\t%d (%.1f/s, %.1f ms each)\n", t.seeds, float64(t.seeds)/seconds, 1000*seconds/float64(max(t.seeds, 1)))
	fmt.Fprintf(tab, "events\t%d (%.0f/s)\n", t.events, float64(t.events)/seconds)
	fmt.Fprintf(tab, "virtual time\t%v (%.0f times real time)\n", t.virtual.Round(time.Second), t.virtual.Seconds()/seconds)
	fmt.Fprintf(tab, "terms\t%d\n", t.terms)
	fmt.Fprintf(tab, "after the faults\ta leader within %v, the right one within %v\n", t.first, t.right)
	for _, h := range sim.Hazards() {
		if n := t.hazards[h]; n > 0 {
			fmt.Fprintf(tab, "%s\tin %d seeds\n", h, n)
		}
	}
	for _, r := range append(sim.Rules(), sim.Rule{Name: "something else"}) {
		if seeds := t.broken[r.Name]; len(seeds) > 0 {
			slices.Sort(seeds)
			fmt.Fprintf(tab, "BROKEN: %s\tin %d seeds: %v\n", r.Name, len(seeds), seeds[:min(len(seeds), 20)])
		}
	}
	_ = tab.Flush()
	if len(t.failed) > 0 {
		return exitViolation
	}
	return exitOK
}
