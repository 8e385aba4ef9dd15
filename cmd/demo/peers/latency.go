package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hustings/cmd/demo/internal/floor"
)

// latency is a scenario in which a time is measured, many times.
type latency struct {
	name    string
	members int
	ttl     time.Duration
	rounds  int
	floor   string // what it is compared with
	// once measures it. round varies what should not always be alike.
	once func(f *fleet, round int) (time.Duration, error)
}

// Before everything that is measured, the floor included, nothing happens for rest: so
// that all find the processors in the same state. Who waits for an office has settled
// after that.
const rest = 50 * time.Millisecond

// errSkip says that a round was spoilt by the machine, not by the contender.
var errSkip = errors.New("the crashed one held nothing any more: this machine is too busy for the TTL")

// latencies measures a scenario: round by round, the floor and then all contenders in
// turns, in an order that rotates.
func (r *run) latencies(l latency) error {
	fleets := make([]*fleet, len(r.contenders))
	results := make([]result, len(r.contenders))
	defer func() {
		for _, f := range fleets {
			if f != nil {
				f.stop()
			}
		}
	}()
	probe, err := floor.New(r.ctx, r.client, r.name())
	if err != nil {
		return err
	}
	defer func() { _ = probe.Close(context.WithoutCancel(r.ctx)) }()
	floors := map[string][]time.Duration{}
	for round := range l.rounds {
		for _, kind := range floor.Kinds {
			if err := r.wait(rest); err != nil {
				return err
			}
			took, err := probe.Once(r.ctx, kind)
			if err != nil {
				return err
			}
			floors[kind] = append(floors[kind], took)
		}
		for k := range fleets {
			i := (round + k) % len(fleets)
			if results[i].hopeless() {
				continue
			}
			if fleets[i] == nil {
				if fleets[i], err = r.fleet(r.contenders[i], l.members, l.ttl); err != nil {
					return err
				}
			}
			took, err := l.once(fleets[i], round)
			if r.ctx.Err() != nil {
				return context.Cause(r.ctx)
			}
			results[i].add(took, err)
			if err != nil { // begin anew: nobody knows what state it is in
				fleets[i].stop()
				fleets[i] = nil
			}
		}
	}
	r.addFloors(l.name, floors)
	for i, c := range r.contenders {
		r.addLatencies(l.name, c, results[i], l.floor, floors[l.floor])
	}
	return nil
}

// measureFirst: ten are told at once to get an office that nobody had before. Until the
// first has it.
func (r *run) measureFirst() error {
	return r.latencies(latency{
		name: "first leader, 10 told at once", members: 10, ttl: r.ttl, rounds: some(r, 200, 5), floor: floor.Claim,
		once: func(f *fleet, _ int) (time.Duration, error) {
			start := make(chan struct{})
			c := f.race(f.members, []string{r.name()}, 1, start)
			_ = r.wait(rest)
			at := r.clock.Now().Mono
			close(start)
			return c.first(at)
		},
	})
}

// measureHandover: one has an office, two wait for it. From the call that releases it until
// another has it.
func (r *run) measureHandover() error {
	return r.latencies(latency{
		name: "handover, 2 wait", members: 3, ttl: r.ttl, rounds: some(r, 300, 6), floor: floor.Handover,
		once: func(f *fleet, round int) (time.Duration, error) {
			top, others := f.top()
			office := r.name()
			ctx, cancel := context.WithTimeout(r.ctx, patience)
			defer cancel()
			t, err := top.acquire(ctx, office)
			if err != nil {
				return 0, err
			}
			c := f.race(others, []string{office}, 1, now)
			// Who polls does so at instants of its own.
			_ = r.wait(rest + time.Duration(round*37%100)*time.Millisecond)
			at := r.clock.Now().Mono
			if err := t.release(ctx); err != nil {
				c.end()
				return 0, fmt.Errorf("release: %w", err)
			}
			return c.first(at)
		},
	})
}

// measureFailover: one has an office, two wait for it. It crashes. From the instant at
// which its key ends in Redis until another has the office.
func (r *run) measureFailover() error { return r.failover("failover, 2 wait", some(r, 30, 2)) }

// measureCrowdedFailover is the same in a Redis that holds other keys that will expire, as
// sessions of users do.
func (r *run) measureCrowdedFailover() error {
	const keys = 5000
	pipe := r.client.Pipeline()
	for i := range keys {
		pipe.Set(r.ctx, fmt.Sprintf("crowd:%d", i), "x", time.Hour)
	}
	if _, err := pipe.Exec(r.ctx); err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(r.ctx)
		pipe := r.client.Pipeline()
		for i := range keys {
			pipe.Del(ctx, fmt.Sprintf("crowd:%d", i))
		}
		_, _ = pipe.Exec(ctx)
	}()
	if r.options.quick {
		return nil // it takes some contenders longer than a quick run may
	}
	return r.failover(fmt.Sprintf("failover, 2 wait, beside %d keys that live for an hour", keys), 15)
}

func (r *run) failover(name string, rounds int) error {
	return r.latencies(latency{
		name: name, members: 3, ttl: shortTTL, rounds: rounds, floor: floor.Claim,
		once: func(f *fleet, round int) (time.Duration, error) {
			top, others := f.top()
			office := r.name()
			ctx, cancel := context.WithTimeout(r.ctx, patience)
			defer cancel()
			t, err := top.acquire(ctx, office)
			if err != nil {
				return 0, err
			}
			defer func() { _ = t.release(ctx) }() // ends its goroutines
			// Who polls must not do so in step with what it waits for, and a leader may
			// die at any time since its last renewal.
			_ = r.wait(rest + time.Duration(round*37%100)*time.Millisecond)
			c := f.race(others, []string{office}, 1, now)
			_ = r.wait(4*rest + time.Duration(round*137%500)*time.Millisecond)
			end, err := f.kill(top, office)
			if err != nil {
				c.end()
				return 0, err
			}
			took, err := c.first(end)
			if err == nil {
				err = f.join(top.rank)
			}
			return took, err
		},
	})
}

// kill ends a member, the last, as SIGKILL does. It returns when its key ends in Redis.
func (f *fleet) kill(m *member, office string) (time.Duration, error) {
	m.wire.cut()
	f.members = f.members[:len(f.members)-1]
	f.gone.Go(m.vanish)
	end, err := f.r.client.PExpireTime(f.r.ctx, m.key(office)).Result()
	if err != nil {
		return 0, err
	}
	// The server has this machine's clock.
	at := f.r.clock.Now()
	left := end - at.Wall
	if end < 0 || left <= 0 {
		return 0, errSkip
	}
	return at.Mono + left, nil
}
