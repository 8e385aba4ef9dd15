package main

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislock"
)

// rueidisLock is rueidislock: a Locker for a participant, as its README has it for one
// server. It is told of locks that come free by client-side caching.
type rueidisLock struct{}

const rueidisPrefix = "rueidislock"

func (rueidisLock) name() string   { return "rueidislock" }
func (rueidisLock) module() string { return "github.com/redis/rueidis" }
func (rueidisLock) note() string {
	return "WithContext and its CancelFunc; KeyMajority 1 and NoLoopTracking, as its README has them for one server from 7.0.5 on; it renews every TTL/2"
}

func (rueidisLock) prepare(context.Context, setup) error { return nil }
func (rueidisLock) close()                               {}

func (rueidisLock) open(_ context.Context, s setup, w *wire) (participant, error) {
	locker, err := rueidislock.NewLocker(rueidislock.LockerOption{
		ClientOption: rueidis.ClientOption{
			InitAddress: []string{s.addr},
			DialCtxFn: func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
				return w.dial(ctx, "tcp", addr)
			},
		},
		KeyPrefix: rueidisPrefix, KeyValidity: s.ttl, KeyMajority: 1, NoLoopTracking: true,
	})
	if err != nil {
		return nil, err
	}
	return rueidisLocker{locker}, nil
}

type rueidisLocker struct{ locker rueidislock.Locker }

func (l rueidisLocker) acquire(ctx context.Context, office string) (term, error) {
	// What ends the wait must not end the lock.
	over, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	held, release, err := l.locker.WithContext(over, office)
	if err != nil {
		end()
		return nil, err
	}
	stop()
	return rueidisTerm{held, func() { release(); end() }}, nil
}

func (l rueidisLocker) key(office string) string { return rueidisPrefix + ":0:" + office }
func (l rueidisLocker) leave()                   { l.locker.Close() }
func (l rueidisLocker) vanish()                  { l.locker.Close() }

type rueidisTerm struct {
	held context.Context
	end  func()
}

func (t rueidisTerm) release(context.Context) error {
	err := context.Cause(t.held) // the lock was lost before
	t.end()
	return err
}
