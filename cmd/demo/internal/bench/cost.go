package bench

import (
	"errors"
	"fmt"
	"time"

	"hustings/cmd/demo/internal/gauge"
)

// traffic is what nodes sent and a server did, so far.
type traffic struct {
	commands float64 // sent by the nodes: script calls and publications
	executed float64 // by the server, those inside scripts included
	bytes    float64 // of the server's network, both ways
	memory   float64 // of the server
	at       time.Duration
}

func (f *fleet) traffic() (traffic, error) {
	server, err := gauge.ReadTraffic(f.r.ctx, f.r.client)
	t := traffic{executed: server.Executed, bytes: server.In + server.Out, at: f.r.clock.Now().Mono}
	if memory, e := gauge.Info(f.r.ctx, f.r.client, "memory"); e == nil && err == nil {
		t.memory, err = memory.Number("used_memory")
	}
	for _, n := range f.nodes {
		t.commands += float64(n.Counts().Commands)
	}
	return t, err
}

// during returns what happens within d, a second.
func (f *fleet) during(d time.Duration) (traffic, error) {
	before, err := f.traffic()
	if err != nil {
		return before, err
	}
	if err := f.r.wait(d); err != nil {
		return before, err
	}
	after, err := f.traffic()
	took := (after.at - before.at).Seconds()
	return traffic{
		commands: (after.commands - before.commands) / took,
		executed: (after.executed - before.executed) / took,
		bytes:    (after.bytes - before.bytes) / took,
		at:       after.at,
	}, err
}

// measureSteady: what a fleet costs in which nothing happens, at a TTL of 5 s.
func (r *run) measureSteady() error {
	const ttl = 5 * time.Second
	type size struct{ nodes, elections int }
	sizes := some(r, []size{{1, 1}, {1, 1000}, {10, 1}, {10, 1000}, {50, 1}, {50, 1000}}, []size{{10, 1}, {10, 100}})
	for _, s := range sizes {
		f, err := r.fleet(s.nodes, ttl)
		if err != nil {
			return err
		}
		defer f.stop()
		names := r.names(s.elections)
		if err := f.leadAll(names); err != nil {
			return err
		}
		in := fmt.Sprintf("%d nodes, %d elections", s.nodes, s.elections)
		if s.nodes > 1 {
			r.add("steady: told to run, until all follow", in, "ms", gauge.MS(f.followed), float64(s.nodes))
		}
		// Followers look once more, a while after the last grant; then nothing happens.
		if err := r.wait(some(r, 20*time.Second, 2*time.Second)); err != nil {
			return err
		}
		// So long that each node makes a roll call, of which there is one in 30 to 37.5 s.
		t, err := f.during(some(r, 40*time.Second, 5*time.Second))
		if err != nil {
			return err
		}
		r.add("steady: sent by each node", in, "requests/s", t.commands/float64(s.nodes), float64(s.nodes))
		r.add("steady: executed by Redis", in, "commands/s", t.executed, float64(s.nodes))
		r.add("steady: network of Redis", in, "bytes/s", t.bytes, float64(s.nodes))
		f.stop()
	}
	return nil
}

// leadAll has the highest node lead elections, and then the others follow.
func (f *fleet) leadAll(names []string) error {
	top := f.nodes[len(f.nodes)-1]
	if err := f.run([]*node{top}, names); err != nil {
		return err
	}
	if err := f.allLed(names); err != nil {
		return err
	}
	at := f.r.clock.Now().Mono
	if err := f.run(f.nodes[:len(f.nodes)-1], names); err != nil {
		return err
	}
	for _, name := range names {
		if err := f.settle(name, top); err != nil {
			return err
		}
	}
	f.followed = f.r.since(at)
	return nil
}

// allLed waits until each of some elections was won.
func (f *fleet) allLed(names []string) error {
	led := make(map[string]bool, len(names))
	for len(led) < len(names) {
		w, err := f.next("")
		if err != nil {
			return fmt.Errorf("%d of %d are led: %w", len(led), len(names), err)
		}
		led[w.election] = true
	}
	return nil
}

// measureFailoverCost: what a fleet of N sends when the leader of the one election dies,
// beyond its heartbeats.
func (r *run) measureFailoverCost() error {
	ttl := some(r, 5*time.Second, time.Second)
	for _, size := range some(r, []int{3, 10, 30, 100, 300}, []int{3, 10}) {
		f, err := r.fleet(size, ttl)
		if err != nil {
			return err
		}
		defer f.stop()
		election := r.name("e")
		if err := f.leadAll([]string{election}); err != nil {
			return err
		}
		if err := r.wait(some(r, 4*ttl, 2*ttl)); err != nil {
			return err
		}
		beats, err := f.during(2 * ttl)
		if err != nil {
			return err
		}
		top := f.nodes[size-1]
		f.nodes = f.nodes[:size-1]
		if _, err := f.kill(top); err != nil && !errors.Is(err, errLapsed) {
			return err
		}
		top.mine.Backend.Close()
		before, err := f.traffic()
		if err != nil {
			return err
		}
		if _, err := f.after(top, election); err != nil {
			return err
		}
		if err := r.wait(2 * ttl); err != nil { // all hear of it, look, and see the dead purged
			return err
		}
		after, err := f.traffic()
		if err != nil {
			return err
		}
		took := (after.at - before.at).Seconds()
		per := beats.commands / float64(size) * float64(size-1)
		in := fmt.Sprintf("%d nodes", size)
		extra := max(after.commands-before.commands-per*took, 0)
		r.add("failover: requests beside heartbeats", in, "requests", extra, float64(size))
		r.add("failover: requests a node", in, "requests", extra/float64(size), 0)
		f.stop()
	}
	return nil
}
