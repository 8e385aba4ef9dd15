package bench

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"hustings/actors"
	"hustings/cmd/demo/internal/floor"
)

// latencyTTL is long, so that no deadline of it falls into what is measured. A quick run
// would wait too long for the quarantine.
func (r *run) latencyTTL() time.Duration { return some(r, 30*time.Second, 5*time.Second) }

// measureFirstLeader: nodes are told at once to run in an election that nobody ran before.
func (r *run) measureFirstLeader() error {
	for _, size := range some(r, []int{1, 3, 10, 50}, []int{3, 10}) {
		f, err := r.fleet(size, r.latencyTTL())
		if err != nil {
			return err
		}
		defer f.stop()
		var first, settled []time.Duration
		for range some(r, 100, 15) {
			election := r.name("e")
			for _, n := range f.nodes { // makes the actors, so that Run alone is measured
				if err := n.Quit(r.ctx, election); err != nil {
					return err
				}
			}
			at := r.clock.Now().Mono
			var all sync.WaitGroup
			for _, n := range f.nodes {
				all.Go(func() { _ = n.Run(r.ctx, election) })
			}
			for seen := false; ; {
				w, err := f.next(election)
				if err != nil {
					return err
				}
				if !seen {
					first, seen = append(first, w.at-at), true
				}
				if w.node.rank == size {
					settled = append(settled, w.at-at)
					break
				}
			}
			all.Wait()
			for _, n := range f.nodes {
				if err := n.Quit(r.ctx, election); err != nil {
					return err
				}
			}
		}
		in := fmt.Sprintf("%d candidates", size)
		r.latencies("first leader", in, first, floor.Claim, r.floor.script)
		r.latencies("highest in office", in, settled, floor.Claim, r.floor.script)
		f.stop()
	}
	return nil
}

// measureHandover: from the call of Resign to the next Won.
func (r *run) measureHandover() error {
	for _, size := range some(r, []int{3, 10}, []int{3}) {
		f, err := r.fleet(size, r.latencyTTL())
		if err != nil {
			return err
		}
		defer f.stop()
		election := r.name("e")
		top := f.nodes[size-1]
		if err := f.run(f.nodes[size-1:], []string{election}); err != nil {
			return err
		}
		if _, err := f.next(election); err != nil {
			return err
		}
		if err := f.run(f.nodes, []string{election}); err != nil {
			return err
		}
		if err := f.settle(election, top); err != nil {
			return err
		}
		var took []time.Duration
		leader := top
		for range some(r, 1000, 100) {
			at := r.clock.Now().Mono
			err := leader.Resign(r.ctx, election)
			w, e := f.next(election)
			if e != nil {
				return e
			}
			leader = w.node
			if errors.Is(err, actors.ErrNotLeader) {
				continue // a late heir has taken over from the one that was not
			}
			if err != nil {
				return err
			}
			took = append(took, w.at-at)
		}
		r.latencies("handover", fmt.Sprintf("%d nodes", size), took, floor.Handover, r.floor.handover)
		f.stop()
	}
	return nil
}

// measureFailover: a leader dies as by SIGKILL. Under OnExpiry the time counts from the
// instant at which its session ended in Redis, under OnDisconnect from its death.
func (r *run) measureFailover() error {
	type kind struct {
		takeover actors.Takeover
		ttl      time.Duration
		crowded  int
	}
	kinds := some(r, []kind{
		{actors.OnExpiry, time.Second, 0},
		{actors.OnExpiry, 5 * time.Second, 0},
		{actors.OnExpiry, time.Second, 5000},
		{actors.OnDisconnect, time.Second, 0},
		{actors.OnDisconnect, 5 * time.Second, 0},
		{actors.OnDisconnect, time.Second, 5000},
	}, []kind{{actors.OnExpiry, time.Second, 0}, {actors.OnDisconnect, time.Second, 0}})
	for _, k := range kinds {
		what, in := "failover after expiry", fmt.Sprintf("OnExpiry, TTL %v", k.ttl)
		if k.takeover == actors.OnDisconnect {
			what, in = "failover after SIGKILL", fmt.Sprintf("OnDisconnect, TTL %v", k.ttl)
		}
		stop := func() {}
		if k.crowded > 0 {
			in += fmt.Sprintf(", %d other keys expire", k.crowded)
			var err error
			if stop, err = r.crowd(k.crowded); err != nil {
				return err
			}
		}
		took, err := r.failovers(k.takeover, k.ttl, some(r, 20, 5))
		stop()
		if err != nil {
			return err
		}
		r.latencies(what, in, took, floor.Claim, r.floor.script)
	}
	return nil
}

// failovers measures some of them in a fleet of three.
func (r *run) failovers(takeover actors.Takeover, ttl time.Duration, times int) ([]time.Duration, error) {
	f, err := r.fleetLike(3, ttl, actors.ElectionConfig{Takeover: takeover})
	if err != nil {
		return nil, err
	}
	defer f.stop()
	var took []time.Duration
	for range times {
		d, err := f.failOnce()
		if errors.Is(err, errLapsed) {
			continue
		}
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	return took, nil
}

// failOnce kills the leader of a new election and replaces the node.
func (f *fleet) failOnce() (time.Duration, error) {
	election, top := f.r.name("e"), f.nodes[len(f.nodes)-1]
	if err := f.leadAll([]string{election}); err != nil {
		return 0, err
	}
	died := f.r.clock.Now().Mono
	end, lapsed := f.kill(top)
	if lapsed != nil && !errors.Is(lapsed, errLapsed) {
		return 0, lapsed
	}
	if f.like.Takeover == actors.OnDisconnect {
		end = died
	}
	w, err := f.after(top, election)
	if err != nil {
		return 0, err
	}
	f.nodes = f.nodes[:len(f.nodes)-1]
	for _, n := range f.nodes {
		if err := n.Quit(f.r.ctx, election); err != nil {
			return 0, err
		}
	}
	if _, err = f.start(top.rank); err == nil {
		err = lapsed
	}
	return max(w.at-end, 0), err
}

// crowd keeps keys that expire all the time in the server, until stop is called.
func (r *run) crowd(keys int) (stop func(), err error) {
	name := r.name("bench-crowd")
	fill := func() error {
		pipe := r.client.Pipeline()
		for i := range keys {
			pipe.Set(r.ctx, fmt.Sprintf("%s:%d", name, i), "x", time.Duration(200+i%800)*time.Millisecond)
		}
		_, err := pipe.Exec(r.ctx)
		return err
	}
	if err := fill(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	var filler sync.WaitGroup
	filler.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
			}
			if r.wait(300*time.Millisecond) != nil || fill() != nil {
				return
			}
		}
	})
	return func() { close(ended); filler.Wait() }, nil
}
