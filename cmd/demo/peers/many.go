package main

import (
	"fmt"
	"runtime"
	"time"

	"hustings/cmd/demo/internal/gauge"
)

// askers is for how many offices a participant asks at a time, if it must ask for each. All at once is more than
// rueidislock can do: who is not answered in 20 ms (TryNextAfter) gives back what he may
// have got, and waits to be told that it is free, which NOLOOP keeps from him. On a busy
// machine that happens now and then with 64, too.
const askers = 64

// measureMany: one participant gets many offices that nobody else wants.
func (r *run) measureMany() error {
	offices := some(r, 1000, 100)
	name := fmt.Sprintf("%d offices of one participant, by one call or %d at a time", offices, askers)
	results := make([]result, len(r.contenders))
	heaps := make([][]float64, len(r.contenders))
	goroutines := make([][]float64, len(r.contenders))
	for round := range some(r, 7, 1) {
		for k := range r.contenders {
			i := (round + k) % len(r.contenders)
			if results[i].hopeless() {
				continue
			}
			m, err := r.many(r.contenders[i], offices)
			if r.ctx.Err() != nil {
				return r.ctx.Err()
			}
			results[i].add(m.took, err)
			if err == nil {
				heaps[i] = append(heaps[i], m.heap)
				goroutines[i] = append(goroutines[i], m.goroutines)
			}
		}
	}
	for i, c := range r.contenders {
		r.addLatencies(name, c, results[i], "", nil)
		r.addMiddle(name, c, "bytes of heap each", heaps[i])
		r.addMiddle(name, c, "goroutines each", goroutines[i])
	}
	return nil
}

// many is what one participant with many offices needs.
type many struct {
	took             time.Duration // until the last was got
	heap, goroutines float64       // of each
}

func (r *run) many(c contender, offices int) (many, error) {
	f, err := r.fleet(c, 1, r.ttl)
	if err != nil {
		return many{}, err
	}
	defer f.stop()
	names := r.names(offices)
	start := make(chan struct{})
	// The goroutines that ask are gone when all have what they want.
	goroutines := runtime.NumGoroutine()
	asking, wins := f.raceForAll(f.members[0], names, askers, start)
	heap := gauge.HeapInUse()
	at := r.clock.Now().Mono
	close(start)
	terms, err := asking.all(wins)
	defer func() { asking.end(terms...) }()
	if err != nil {
		return many{}, fmt.Errorf("%d of %d: %w", len(terms), wins, err)
	}
	took := terms[wins-1].at - at
	asking.asked.Wait()
	_ = r.wait(rest) // what ends with the asking has ended
	n := float64(offices)
	return many{
		took: took, heap: (gauge.HeapInUse() - heap) / n,
		goroutines: float64(runtime.NumGoroutine()-goroutines) / n,
	}, nil
}
