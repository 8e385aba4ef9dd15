package main

import (
	"context"
	"errors"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

// redSync is go-redsync/redsync over go-redis: a Redsync for a participant. It polls, and
// renews nothing by itself.
type redSync struct{}

func (redSync) name() string   { return "redsync" }
func (redSync) module() string { return "github.com/go-redsync/redsync/v4" }
func (redSync) note() string {
	return "Lock and Unlock over one server, everything as by default but the expiry: it looks again after 50 to 250 ms, at random; it does not renew: a goroutine for each lock calls Extend every TTL/2"
}

func (redSync) prepare(context.Context, setup) error { return nil }
func (redSync) close()                               {}

func (redSync) open(ctx context.Context, s setup, w *wire) (participant, error) {
	client := redis.NewClient(&redis.Options{Addr: s.addr, Dialer: w.dial})
	if err := client.Ping(ctx).Err(); err != nil { // connected, as the others are
		return nil, errors.Join(err, client.Close())
	}
	return &redSyncer{client, redsync.New(goredis.NewPool(client)), s.ttl}, nil
}

type redSyncer struct {
	client *redis.Client
	rs     *redsync.Redsync
	ttl    time.Duration
}

func (r *redSyncer) acquire(ctx context.Context, office string) (term, error) {
	mutex := r.rs.NewMutex(r.key(office), redsync.WithExpiry(r.ttl))
	for ctx.Err() == nil {
		// It gives up after 32 looks.
		err := mutex.LockContext(ctx)
		if err == nil {
			t := &redSyncTerm{mutex: mutex}
			t.renewal = renew(r.ttl/2, func(ctx context.Context) error { _, err := mutex.ExtendContext(ctx); return err })
			return t, nil
		}
		if errors.Is(err, redis.ErrClosed) {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

func (*redSyncer) key(office string) string { return "redsync:" + office }
func (r *redSyncer) leave()                 { _ = r.client.Close() }
func (r *redSyncer) vanish()                { _ = r.client.Close() }

type redSyncTerm struct {
	mutex *redsync.Mutex
	renewal
}

func (t *redSyncTerm) release(ctx context.Context) error {
	t.stop()
	_, err := t.mutex.UnlockContext(ctx)
	return err
}
