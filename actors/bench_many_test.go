//go:build unix

package actors_test

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"hustings/actors"
)

// many is how many elections one process has in these benchmarks.
const many = 10_000

// BenchmarkManyElections has one node lead many elections, then a second one follow in
// them all, then the first one crash: how long each takes, and what an election costs.
// It needs a real redis-server; the processor is shared with it.
func BenchmarkManyElections(b *testing.B) {
	addr := servers["redis-server"]
	if addr == "" {
		b.Skip("no redis-server on PATH")
	}
	var sum manyFigures
	for b.Loop() {
		sum.add(measureMany(b, newFleet(b, addr)))
	}
	for unit, v := range sum {
		b.ReportMetric(v/float64(b.N), unit)
	}
}

// manyFigures are figures by their unit.
type manyFigures map[string]float64

func (f *manyFigures) add(o manyFigures) {
	if *f == nil {
		*f = manyFigures{}
	}
	for unit, v := range o {
		(*f)[unit] += v
	}
}

func measureMany(b *testing.B, f *fleet) manyFigures {
	b.Helper()
	f.ttl = 30 * time.Second
	names := make([]string, many)
	for i := range names {
		names[i] = fmt.Sprintf("election-%06d", i)
	}
	figures := manyFigures{}
	begin := func(rank int64) (*actors.Node, <-chan actors.Event) {
		node, err := actors.Start(bg(b), system, f.config(fmt.Sprintf("n%d", rank), rank, func(c *actors.Config) {
			c.Logger, c.Mixed = nil, new(false)
		}))
		mustB(b, err)
		b.Cleanup(func() { _ = node.Stop(bg(b)) })
		return node, node.Subscribe(bg(b), actors.SubscribeOptions{Buffer: 1 << 17})
	}
	// measure has a node run in all of them, and waits for n events that count.
	measure := func(what string, node *actors.Node, events <-chan actors.Event, counts func(actors.Event) bool) {
		heap, goroutines := usage()
		redis, own := f.serverCPU(), ownCPU()
		var m, m2 runtime.MemStats
		runtime.ReadMemStats(&m)
		at := time.Now()
		mustB(b, node.Run(context.Background(), names...))
		late := time.After(patience)
		for left := len(names); left > 0; {
			select {
			case ev := <-events:
				if counts(ev) {
					left--
				}
			case <-late:
				b.Fatalf("%d are not %s in %v", left, what, patience)
			}
		}
		took := time.Since(at)
		runtime.ReadMemStats(&m2)
		redis, own = f.serverCPU()-redis, ownCPU()-own
		heap2, goroutines2 := usage()
		figures["ms/"+what] = float64(took.Microseconds()) / 1e3
		figures["heap-B/"+what] = float64(heap2-heap) / many
		figures["goroutines/"+what] = float64(goroutines2 - goroutines)
		figures["allocs/"+what] = float64(m2.Mallocs-m.Mallocs) / many
		figures["redis-us/"+what] = redis / many
		figures["own-us/"+what] = own / many
	}
	led := func(ev actors.Event) bool { _, ok := ev.(*actors.Won); return ok }
	follows := func(ev actors.Event) bool { c, ok := ev.(*actors.LeaderChanged); return ok && c.Leader.ID != "" }
	first, firstEvents := begin(2)
	measure("led", first, firstEvents, led)
	second, secondEvents := begin(1)
	measure("followed", second, secondEvents, follows)
	runtime.KeepAlive(names)
	return figures
}

var usedCPU = regexp.MustCompile(`used_cpu_(?:user|sys):([0-9.]+)`)

// serverCPU is the processor time that the server has used, in microseconds.
func (f *fleet) serverCPU() (us float64) {
	info, err := f.client.Info(context.Background(), "cpu").Result()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, m := range usedCPU.FindAllStringSubmatch(info, -1) {
		s, _ := strconv.ParseFloat(m[1], 64)
		us += s * 1e6
	}
	return us
}

// ownCPU is the processor time that this process has used, in microseconds.
func ownCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}
