package actors_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// floor is what nothing that is built on this client, server and machine can be faster
// than: the least that a claim, or a release and the claim of the heir, can be, in a
// program that does nothing else. It is measured in turns with what a benchmark is about,
// so that both meet the same machine: read a figure as a ratio to it.
type floor struct {
	ctx     context.Context
	client  *redis.Client
	sub     *redis.PubSub
	key     string
	channel string
	took    []time.Duration
}

var (
	// floorGrant looks at a record and writes it.
	floorGrant = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'id') then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'token', ARGV[2])
return 1`)
	// floorRelease takes the holder out, and tells the heir.
	floorRelease = redis.NewScript(`
redis.call('HDEL', KEYS[1], 'id')
return redis.call('PUBLISH', KEYS[2], 'vacant')`)
)

func newFloor(b *testing.B, f *fleet) *floor {
	b.Helper()
	l := &floor{ctx: context.Background(), key: string(f.keys) + "::floor", channel: string(f.keys) + "::floor"}
	l.client = redis.NewClient(&redis.Options{Addr: f.client.Options().Addr, Protocol: 2})
	l.sub = l.client.Subscribe(l.ctx)
	mustB(b, l.sub.Subscribe(l.ctx, l.channel))
	_, err := l.sub.Receive(l.ctx) // the confirmation
	mustB(b, err)
	b.Cleanup(func() {
		_ = l.sub.Close()
		_ = l.client.Close()
	})
	for range 20 { // loads the scripts
		l.handover(b)
		l.claim(b)
	}
	l.took = nil
	return l
}

// handover is a release, until the claim that follows is answered.
func (l *floor) handover(b *testing.B) {
	b.Helper()
	at := time.Now()
	mustB(b, floorRelease.Run(l.ctx, l.client, []string{l.key, l.channel}).Err())
	_, err := l.sub.ReceiveMessage(l.ctx)
	mustB(b, err)
	mustB(b, floorGrant.Run(l.ctx, l.client, []string{l.key}, "a", 1).Err())
	l.took = append(l.took, time.Since(at))
}

// claim is one.
func (l *floor) claim(b *testing.B) {
	b.Helper()
	mustB(b, l.client.HDel(l.ctx, l.key, "id").Err())
	at := time.Now()
	mustB(b, floorGrant.Run(l.ctx, l.client, []string{l.key}, "a", 1).Err())
	l.took = append(l.took, time.Since(at))
}

// report reports the floor, and how many times as long the middle of took is.
func (l *floor) report(b *testing.B, took []time.Duration) {
	b.Helper()
	reportPercentiles(b, "floor", l.took)
	middle := func(list []time.Duration) float64 { return float64(list[len(list)/2]) }
	slices.Sort(took)
	b.ReportMetric(middle(took)/middle(l.took), "x-floor")
}
