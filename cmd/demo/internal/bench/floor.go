package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// floor is what nothing built on this client, server and machine can be faster than.
type floor struct {
	ping, script, publish, handover time.Duration
}

// grant does what a claim must do at the least: look at a record, and write it.
var grant = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'id') then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'token', ARGV[2])
return 1`)

// letGo does what a release must do: take the holder out, and tell the heir.
var letGo = redis.NewScript(`
redis.call('HDEL', KEYS[1], 'id')
return redis.call('PUBLISH', KEYS[2], 'vacant')`)

// measureFloor reports the floor.
func (r *run) measureFloor() error {
	return r.takeFloor(some(r, 2000, 500), func(what string, list []time.Duration) {
		r.latencies("floor", what, list, "", 0)
	})
}

// freshFloor takes it again, since a machine drifts: what is measured next is compared with
// this one.
func (r *run) freshFloor() error { return r.takeFloor(200, func(string, []time.Duration) {}) }

func (r *run) takeFloor(n int, report func(what string, list []time.Duration)) error {
	key, channel := r.name("bench-floor"), r.name("bench-floor")
	defer r.client.Del(r.ctx, key)
	sub := r.client.Subscribe(r.ctx)
	defer func() { _ = sub.Close() }()
	if err := sub.Subscribe(r.ctx, channel); err != nil {
		return err
	}
	if _, err := sub.Receive(r.ctx); err != nil { // the confirmation
		return err
	}
	var err error
	hear := func() {
		if _, e := sub.ReceiveMessage(r.ctx); e != nil {
			err = e
		}
	}
	nothing := func() {}
	for _, f := range []struct {
		what        string
		into        *time.Duration
		prepare, do func()
	}{
		{"PING", &r.floor.ping, nothing, func() { err = r.client.Ping(r.ctx).Err() }},
		{"claim script", &r.floor.script, func() { err = r.client.HDel(r.ctx, key, "id").Err() }, func() {
			if e := grant.Run(r.ctx, r.client, []string{key}, "a", 1).Err(); e != nil {
				err = e
			}
		}},
		{"publish to receipt", &r.floor.publish, nothing, func() {
			err = r.client.Publish(r.ctx, channel, "x").Err()
			hear()
		}},
		{"release to claimed", &r.floor.handover, nothing, func() {
			err = letGo.Run(r.ctx, r.client, []string{key, channel}).Err()
			hear()
			if e := grant.Run(r.ctx, r.client, []string{key}, "a", 1).Err(); e != nil {
				err = e
			}
		}},
	} {
		list := make([]time.Duration, 0, n)
		for i := range n + 50 {
			f.prepare()
			at := r.clock.Now().Mono
			f.do()
			if err != nil {
				return fmt.Errorf("%s: %w", f.what, err)
			}
			if i >= 50 { // warm
				list = append(list, r.since(at))
			}
		}
		report(f.what, list)
		slices.Sort(list)
		*f.into = quantile(list, 50)
	}
	return nil
}
