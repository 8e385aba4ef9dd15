package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// A leader is cut off, its work ignores that, and writes when another leads.
func TestAStaleLeadersWritesAreFencedOff(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * 500 * time.Millisecond
		proxy := redistest.NewProxy(t, f.addr)
		resource := "{" + string(f.keys) + "}:cursor"
		a := f.start("a", 2, func(c *actors.Config) {
			c.Redis.Options = &redis.UniversalOptions{Addrs: []string{proxy.Addr}}
		})
		write := func(l *actors.Leadership) error {
			fence, err := redisbridge.NewFence(resource, l.Token())
			if err != nil {
				return err
			}
			return fence.Set(bg(t), f.client, l.Token(), 0) // by another connection than the node's
		}
		ctx, cancel := context.WithCancel(bg(t))
		defer cancel()
		stale, late := make(chan *actors.Leadership, 1), make(chan error, 1)
		go func() {
			_ = a.Lead(ctx, "e", func(_ context.Context, l *actors.Leadership) error {
				if err := write(l); err != nil {
					late <- err
					return err
				}
				stale <- l
				for l.Valid() { // it does not look at ctx
					time.Sleep(10 * time.Millisecond)
				}
				for f.client.Get(bg(t), resource).Val() == fmt.Sprint(l.Token()) {
					time.Sleep(10 * time.Millisecond)
				}
				late <- write(l)
				return nil
			})
		}()
		old := receive(t, "the first leader", stale)
		proxy.Hold(redistest.ToServer)
		proxy.Hold(redistest.ToClient)
		b := f.start("b", 1)
		l, err := b.Campaign(bg(t), "e")
		if err != nil {
			t.Fatal(err)
		}
		if err := write(l); err != nil {
			t.Fatal(err)
		}
		err = receive(t, "the late write", late)
		var fenced *redisbridge.FencedError
		if !errors.As(err, &fenced) || fenced.Token != old.Token() || fenced.Newest != l.Token() {
			t.Errorf("the stale leader's write: %v", err)
		}
		if got := f.client.Get(bg(t), resource).Val(); got != fmt.Sprint(l.Token()) {
			t.Errorf("the resource says %s", got)
		}
		proxy.Release(redistest.ToServer)
		proxy.Release(redistest.ToClient)
		cancel()
		b.must(l.Release(bg(t)))
	})
}
