package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"hustings/actors"
)

// onEachRedisB runs a benchmark on every server that there is.
func onEachRedisB(b *testing.B, bench func(b *testing.B, f *fleet)) {
	b.Helper()
	for _, name := range []string{"redis-server", "miniredis"} {
		if addr := servers[name]; addr != "" {
			b.Run(name, func(b *testing.B) { bench(b, newFleet(b, addr)) })
		}
	}
}

// reportPercentiles reports the middle and the slow end of durations.
func reportPercentiles(b *testing.B, name string, list []time.Duration) {
	b.Helper()
	slices.Sort(list)
	at := func(percent int) float64 {
		return float64(list[min(len(list)*percent/100, len(list)-1)].Nanoseconds()) / 1e3
	}
	b.ReportMetric(at(50), name+"-p50-us")
	b.ReportMetric(at(99), name+"-p99-us")
}

// wins collects who won when, of all nodes of a benchmark.
type wins struct {
	ch chan win
	wg sync.WaitGroup
}

type win struct {
	node     int
	election string
	at       time.Time
}

// watchWins starts nodes with ranks 1, 2, 3 … and reports their wins.
func watchWins(f *fleet, n int) ([]*actors.Node, *wins) {
	f.t.Helper()
	w := &wins{ch: make(chan win, 1<<16)}
	nodes := make([]*actors.Node, n)
	for i := range nodes {
		cfg := f.config(fmt.Sprintf("n%02d", i), int64(i)+1, func(c *actors.Config) {
			c.Logger = nil
			c.Mixed = new(false)
		})
		node, err := actors.Start(bg(f.t), system, cfg)
		if err != nil {
			f.t.Fatal(err)
		}
		nodes[i] = node
		events := node.Subscribe(context.Background(), actors.SubscribeOptions{Buffer: 1 << 14})
		w.wg.Go(func() {
			for ev := range events {
				if won, ok := ev.(*actors.Won); ok {
					w.ch <- win{i, won.Election, time.Now()}
				}
			}
		})
	}
	f.t.Cleanup(func() {
		for _, node := range nodes {
			_ = node.Stop(bg(f.t))
		}
		w.wg.Wait()
	})
	return nodes, w
}

// BenchmarkHandover measures from the call of Resign to the next Won, among three nodes.
func BenchmarkHandover(b *testing.B) {
	onEachRedisB(b, func(b *testing.B, f *fleet) {
		f.ttl = 30 * time.Second
		nodes, w := watchWins(f, 3)
		leader := len(nodes) - 1
		mustB(b, nodes[leader].Run(bg(b), "e"))
		receive(b, "the first Won", w.ch)
		for _, node := range nodes {
			mustB(b, node.Run(bg(b), "e"))
		}
		took := make([]time.Duration, 0, b.N)
		floor := newFloor(b, f)
		for b.Loop() {
			// What followed the last handover must be over, or it is measured too.
			for _, node := range nodes {
				eventually(b, "all know the leader", func() bool {
					l, err := node.Leader("e")
					return err == nil && l.ID == nodes[leader].ID()
				})
			}
			floor.handover(b)
			at := time.Now()
			err := nodes[leader].Resign(context.Background(), "e")
			next := receive(b, "the next Won", w.ch)
			leader = next.node
			if errors.Is(err, actors.ErrNotLeader) {
				continue // an heir that was late has taken over from the one that was not
			}
			mustB(b, err)
			took = append(took, next.at.Sub(at))
		}
		reportPercentiles(b, "handover", took)
		floor.report(b, took)
	})
}

// BenchmarkFirstLeader measures, from Run at ten nodes at once in an election that nobody
// ran before, to the first Won and to the Won of the highest, after which none follows.
func BenchmarkFirstLeader(b *testing.B) {
	onEachRedisB(b, func(b *testing.B, f *fleet) {
		f.ttl = 30 * time.Second
		nodes, w := watchWins(f, 10)
		var first, settled []time.Duration
		floor := newFloor(b, f)
		for i := 0; b.Loop(); i++ {
			floor.claim(b)
			election := fmt.Sprintf("e%d", i)
			for _, node := range nodes { // make the actors, so that Run alone is measured
				mustB(b, node.Quit(context.Background(), election))
			}
			at := time.Now()
			for _, node := range nodes {
				go func() { _ = node.Run(context.Background(), election) }()
			}
			for seen := false; ; {
				next := receive(b, "a Won", w.ch)
				if next.election != election {
					continue
				}
				if !seen {
					first, seen = append(first, next.at.Sub(at)), true
				}
				if next.node == len(nodes)-1 {
					settled = append(settled, next.at.Sub(at))
					break
				}
			}
			b.StopTimer()
			for _, node := range nodes {
				mustB(b, node.Quit(context.Background(), election))
			}
			b.StartTimer()
		}
		reportPercentiles(b, "first", first)
		reportPercentiles(b, "settled", settled)
		floor.report(b, first)
	})
}

// BenchmarkElectionRound measures a whole round of a lone candidate, from Run to Won, and
// the withdrawal after it.
func BenchmarkElectionRound(b *testing.B) {
	onEachRedisB(b, func(b *testing.B, f *fleet) {
		nodes, w := watchWins(f, 1)
		var won, quit []time.Duration
		floor := newFloor(b, f)
		b.ReportAllocs()
		for b.Loop() {
			floor.claim(b)
			at := time.Now()
			mustB(b, nodes[0].Run(context.Background(), "e"))
			won = append(won, receive(b, "Won", w.ch).at.Sub(at))
			at = time.Now()
			mustB(b, nodes[0].Quit(context.Background(), "e"))
			quit = append(quit, time.Since(at))
		}
		reportPercentiles(b, "won", won)
		reportPercentiles(b, "quit", quit)
		floor.report(b, won)
	})
}

// BenchmarkElectionMemory runs and wins many elections on one node and reports what each
// costs this process. On miniredis that includes what the server keeps of it.
func BenchmarkElectionMemory(b *testing.B) {
	for name, elections := range map[string]int{"redis-server": 10_000, "miniredis": 100} {
		addr := servers[name]
		if addr == "" {
			continue
		}
		b.Run(fmt.Sprintf("%s/%d", name, elections), func(b *testing.B) {
			for b.Loop() {
				measureElections(b, newFleet(b, addr), elections)
			}
		})
	}
}

func measureElections(b *testing.B, f *fleet, elections int) {
	f.ttl = 30 * time.Second
	nodes, w := watchWins(f, 1)
	names := make([]string, elections)
	for i := range names {
		names[i] = fmt.Sprintf("election-%05d", i)
	}
	heap, goroutines := usage()
	at := time.Now()
	for _, name := range names {
		mustB(b, nodes[0].Run(context.Background(), name))
	}
	for range names {
		receive(b, "Won", w.ch)
	}
	took := time.Since(at)
	after, more := usage()
	b.ReportMetric(float64(after-heap)/float64(elections), "heap-B/election")
	b.ReportMetric(float64(more-goroutines)/float64(elections), "goroutines/election")
	b.ReportMetric(float64(took.Milliseconds()), "all-won-ms")
	mustB(b, nodes[0].Stop(bg(b)))
}

func usage() (heap, goroutines int64) {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(runtime.NumGoroutine())
}

func mustB(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
