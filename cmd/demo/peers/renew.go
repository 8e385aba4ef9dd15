package main

import (
	"context"
	"sync"
	"time"
)

// renewal is the loop that renews a lock, for libraries that leave it to their users.
type renewal struct{ stop func() }

// renew calls extend over and over until it fails or the renewal is stopped.
func renew(every time.Duration, extend func(context.Context) error) renewal {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if extend(ctx) != nil {
					return
				}
			}
		}
	})
	return renewal{func() { cancel(); ended.Wait() }}
}
