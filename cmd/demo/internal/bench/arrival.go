package bench

import (
	"fmt"
	"time"

	"hustings/cmd/demo/internal/gauge"
)

// measureArrival: all nodes of a fleet are told at once to run in many elections that nobody
// ran before, as when a whole deployment starts.
func (r *run) measureArrival() error {
	type size struct{ nodes, elections int }
	for _, s := range some(r, []size{{10, 100}, {10, 1000}, {50, 100}, {50, 1000}}, []size{{10, 100}}) {
		f, err := r.fleet(s.nodes, 5*time.Second)
		if err != nil {
			return err
		}
		defer f.stop()
		names := r.names(s.elections)
		before, err := f.traffic()
		if err != nil {
			return err
		}
		at := r.clock.Now().Mono
		if err := f.run(f.nodes, names); err != nil {
			return err
		}
		if err := f.allLed(names); err != nil {
			return err
		}
		led := r.since(at)
		for _, name := range names {
			if err := f.settle(name, f.nodes[s.nodes-1]); err != nil {
				return err
			}
		}
		settled := r.since(at)
		after, err := f.traffic()
		if err != nil {
			return err
		}
		in := fmt.Sprintf("%d nodes, %d elections", s.nodes, s.elections)
		r.add("all at once: each was led", in, "ms", gauge.MS(led), 0)
		r.add("all at once: all follow the highest", in, "ms", gauge.MS(settled), 0)
		r.add("all at once: requests a node", in, "requests", (after.commands-before.commands)/float64(s.nodes), 0)
		f.stop()
	}
	return nil
}
