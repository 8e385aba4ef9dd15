package bench

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"hustings/cmd/demo/internal/floor"
	"hustings/cmd/demo/internal/gauge"
)

// measureMany: one node runs many elections, alone, and leads them all. Then it stops.
func (r *run) measureMany() error {
	for _, n := range some(r, []int{1_000, 10_000, 100_000}, []int{1_000, 10_000}) {
		f, err := r.fleet(1, r.latencyTTL())
		if err != nil {
			return err
		}
		defer f.stop()
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("election-%06d", i)
		}
		least, err := floor.TakeLeases(r.ctx, r.client, "{"+r.name("bench-leases")+"}", n)
		if err != nil {
			return err
		}
		before, err := f.traffic()
		if err != nil {
			return err
		}
		heap, rss, goroutines, cpu := usage()
		at := r.clock.Now().Mono
		if err := f.run(f.nodes, names); err != nil {
			return err
		}
		if err := f.allLed(names); err != nil {
			return err
		}
		took := r.since(at)
		after, err := f.traffic()
		if err != nil {
			return err
		}
		heap2, rss2, goroutines2, cpu2 := usage()
		in := fmt.Sprintf("%d elections", n)
		each := func(v float64) float64 { return v / float64(n) }
		r.add("many: as many bare leases", in, "ms", gauge.MS(least), 0)
		led := r.add("many: all led", in, "ms", gauge.MS(took), float64(n))
		led.Floor, led.Ratio = floor.Leases, took.Seconds()/least.Seconds()
		r.add("many: heap each", in, "bytes", each(heap2-heap), float64(n))
		r.add("many: resident memory each", in, "bytes", each(rss2-rss), 0)
		r.add("many: goroutines in all", in, "goroutines", goroutines2-goroutines, 0)
		r.add("many: processor time each", in, "us", each(cpu2-cpu)*1e6, 0)
		r.add("many: requests in all", in, "requests", after.commands-before.commands, 0)
		r.add("many: commands in Redis each", in, "commands", each(after.executed-before.executed), 0)
		r.add("many: memory of Redis each", in, "bytes", each(after.memory-before.memory), 0)
		r.add("many: network of Redis each", in, "bytes", each(after.bytes-before.bytes), 0)
		at = r.clock.Now().Mono
		f.stop()
		r.add("many: all given up by Stop", in, "ms", gauge.MS(r.since(at)), float64(n))
	}
	return nil
}

// measureMassFailover: a node that leads many elections crashes.
func (r *run) measureMassFailover() error {
	f, n, err := r.massFleet()
	if err != nil {
		return err
	}
	defer f.stop()
	top := f.nodes[2]
	f.nodes = f.nodes[:2]
	before, err := f.traffic()
	if err != nil {
		return err
	}
	end, err := f.kill(top)
	if err != nil && !errors.Is(err, errLapsed) {
		return err
	}
	defer top.mine.Backend.Close()
	// Its last wins may wait to be read.
	took, err := f.ledAgain(n, func(w win) (time.Duration, bool) { return max(w.at-end, 0), w.node != top })
	if err != nil {
		return err
	}
	return f.addMass("mass failover", "after expiry", took, before)
}

// measureMassOutage: the server answers nobody for one and a half TTLs, so that the terms of many
// elections end. From its first answers on until each is led again.
func (r *run) measureMassOutage() error {
	f, n, err := r.massFleet()
	if err != nil {
		return err
	}
	defer f.stop()
	before, err := f.traffic()
	if err != nil {
		return err
	}
	pause := f.ttl + f.ttl/2
	if err := r.client.Do(r.ctx, "CLIENT", "PAUSE", pause.Milliseconds(), "ALL").Err(); err != nil {
		return err
	}
	end := r.clock.Now().Mono + pause
	took, err := f.ledAgain(n, func(w win) (time.Duration, bool) { return w.at - end, w.at >= end })
	if err != nil {
		return err
	}
	return f.addMass("mass outage", "led again", took, before)
}

// massFleet is three nodes and many elections, which the highest leads.
func (r *run) massFleet() (f *fleet, elections int, err error) {
	n := some(r, 10_000, 1_000)
	f, err = r.fleet(3, 5*time.Second)
	if err != nil {
		return nil, 0, err
	}
	if err := f.leadAll(r.names(n)); err != nil {
		f.stop()
		return nil, 0, err
	}
	return f, n, nil
}

// ledAgain waits until each of n elections was won anew. took says of a win how long that was
// after what had ended all terms, and whether it counts.
func (f *fleet) ledAgain(n int, took func(win) (time.Duration, bool)) (list []time.Duration, err error) {
	led := map[string]bool{}
	for len(led) < n {
		w, err := f.next("")
		if err != nil {
			return nil, fmt.Errorf("%d of %d are led again: %w", len(led), n, err)
		}
		if d, counts := took(w); counts && !led[w.election] {
			led[w.election] = true
			list = append(list, d)
		}
	}
	return list, nil
}

// addMass adds how long it took, and what was sent since before.
func (f *fleet) addMass(name, what string, took []time.Duration, before traffic) error {
	after, err := f.traffic()
	if err != nil {
		return err
	}
	in := fmt.Sprintf("%d elections", len(took))
	f.r.latencies(name+": "+what, in, took, "", 0)
	f.r.add(name+": requests in all", in, "requests", after.commands-before.commands, 0)
	return nil
}

// usage reads what this process uses, after a collection: bytes of heap and resident
// memory, goroutines, seconds of processor time (0 where the system does not tell).
func usage() (heap, rss, goroutines, cpu float64) {
	debug.FreeOSMemory() // what earlier sections have used is not to count as gained
	return gauge.HeapInUse(), resident(), float64(runtime.NumGoroutine()), processorTime().Seconds()
}

// resident memory of this process, 0 where the system does not tell.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize())
}
