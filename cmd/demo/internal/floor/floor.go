// Package floor measures what nothing that is built on a client, a server and a machine
// can be faster than: a round trip, a script that does the least that a claim must do, a
// publication until it is received, and a release until the next claim was granted.
//
// Latencies of demo bench and of the comparison with other libraries are ratios to it.
package floor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
)

// What is measured, by the names that reports use.
const (
	Ping     = "PING"
	Claim    = "claim script"
	Publish  = "publish to receipt"
	Handover = "release to claimed"
)

// grant does what a claim must do at the least: look at a record, and write it.
var grant = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'id') then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'token', ARGV[2])
return 1`)

// letGo does what a release must do: take the holder out, and tell the heir.
var letGo = redis.NewScript(`
redis.call('HDEL', KEYS[1], 'id')
return redis.call('PUBLISH', KEYS[2], 'vacant')`)

// Kinds are all of them, in the order in which reports have them.
var Kinds = []string{Ping, Claim, Publish, Handover}

// Probe measures the floor. It belongs to one goroutine.
type Probe struct {
	client redis.UniversalClient
	sub    *redis.PubSub
	name   string
	clock  redisbridge.SystemClock
}

// New returns a probe. name is of a key and of a channel that nobody else uses.
func New(ctx context.Context, client redis.UniversalClient, name string) (*Probe, error) {
	p := &Probe{client: client, sub: client.Subscribe(ctx), name: name}
	err := p.sub.Subscribe(ctx, name)
	if err == nil {
		_, err = p.sub.Receive(ctx) // the confirmation
	}
	if err != nil {
		_ = p.sub.Close()
		return nil, err
	}
	return p, nil
}

// Close ends the subscription and deletes the key.
func (p *Probe) Close(ctx context.Context) error {
	return errors.Join(p.sub.Close(), p.client.Del(ctx, p.name).Err())
}

// Once measures one of Kinds once.
func (p *Probe) Once(ctx context.Context, kind string) (time.Duration, error) {
	do := map[string]func(context.Context) error{Ping: p.ping, Claim: p.claim, Publish: p.publish, Handover: p.handover}[kind]
	if kind == Claim {
		if err := p.client.HDel(ctx, p.name, "id").Err(); err != nil {
			return 0, fmt.Errorf("%s: %w", kind, err)
		}
	}
	at := p.clock.Now().Mono
	err := do(ctx)
	took := p.clock.Now().Mono - at
	if err != nil {
		return 0, fmt.Errorf("%s: %w", kind, err)
	}
	return took, nil
}

func (p *Probe) ping(ctx context.Context) error { return p.client.Ping(ctx).Err() }

func (p *Probe) claim(ctx context.Context) error {
	return grant.Run(ctx, p.client, []string{p.name}, "a", 1).Err()
}

func (p *Probe) publish(ctx context.Context) error {
	if err := p.client.Publish(ctx, p.name, "x").Err(); err != nil {
		return err
	}
	_, err := p.sub.ReceiveMessage(ctx)
	return err
}

func (p *Probe) handover(ctx context.Context) error {
	if err := letGo.Run(ctx, p.client, []string{p.name, p.name}).Err(); err != nil {
		return err
	}
	if _, err := p.sub.ReceiveMessage(ctx); err != nil {
		return err
	}
	return p.claim(ctx)
}
