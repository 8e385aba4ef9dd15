package main

import (
	"context"
	"errors"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
)

// bsmLock is bsm/redislock: a client for a participant. It polls, and renews nothing by
// itself.
type bsmLock struct{}

// bsmPoll is how often who waits looks, as in its example.
const bsmPoll = 100 * time.Millisecond

func (bsmLock) name() string   { return "redislock" }
func (bsmLock) module() string { return "github.com/bsm/redislock" }
func (bsmLock) note() string {
	return "Obtain with LinearBackoff(100ms), as in its example, and Release; it does not renew: a goroutine for each lock calls Refresh every TTL/2"
}

func (bsmLock) prepare(context.Context, setup) error { return nil }
func (bsmLock) close()                               {}

func (bsmLock) open(ctx context.Context, s setup, w *wire) (participant, error) {
	client := redis.NewClient(&redis.Options{Addr: s.addr, Dialer: w.dial})
	if err := client.Ping(ctx).Err(); err != nil { // connected, as the others are
		return nil, errors.Join(err, client.Close())
	}
	return &bsmLocker{client, redislock.New(client), s.ttl}, nil
}

type bsmLocker struct {
	client *redis.Client
	locker *redislock.Client
	ttl    time.Duration
}

func (l *bsmLocker) acquire(ctx context.Context, office string) (term, error) {
	for ctx.Err() == nil {
		// Without a deadline it gives up after the TTL.
		lock, err := l.locker.Obtain(ctx, l.key(office), l.ttl, &redislock.Options{RetryStrategy: redislock.LinearBackoff(bsmPoll)})
		if err == nil {
			t := &bsmTerm{lock: lock}
			t.renewal = renew(l.ttl/2, func(ctx context.Context) error { return lock.Refresh(ctx, l.ttl, nil) })
			return t, nil
		}
		if !errors.Is(err, redislock.ErrNotObtained) && !errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

func (*bsmLocker) key(office string) string { return "redislock:" + office }
func (l *bsmLocker) leave()                 { _ = l.client.Close() }
func (l *bsmLocker) vanish()                { _ = l.client.Close() }

type bsmTerm struct {
	lock *redislock.Lock
	renewal
}

func (t *bsmTerm) release(ctx context.Context) error {
	t.stop()
	return t.lock.Release(ctx)
}
