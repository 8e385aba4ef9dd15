package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// maxEarly and maxEarlyBytes bound the messages that may arrive on channels confirmed
// already while others are not yet. More of them end the subscription.
const (
	maxEarly      = 1024
	maxEarlyBytes = 8 << 20
)

// subscription is a Subscription. One goroutine (run) does everything: it
// subscribes, waits for the confirmations, then blocks in Receive without a
// deadline (one in the middle of a frame would lose messages). Whether the
// server is still there is for the bridge's watchdog to say; it then calls Close.
type subscription struct {
	*link
	channels []string
	handler  SubscriptionHandler
}

// Close implements Subscription.
func (s *subscription) Close() { s.close() }

func (s *subscription) run() {
	err := s.listen()
	s.close()
	s.handler.Ended(err)
}

// listen returns why the subscription ended.
func (s *subscription) listen() error {
	ctx, cancel := s.bounded()
	defer cancel()
	client, err := s.client(ctx, "subscribing")
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	// Without channels: with them the method would swallow its error.
	ps := client.Subscribe(ctx)
	defer func() { _ = ps.Close() }()
	// A channel named twice would be confirmed twice.
	slices.Sort(s.channels)
	s.channels = slices.Compact(s.channels)
	if err := ps.Subscribe(ctx, s.channels...); err != nil {
		return s.fail("subscribing", err)
	}
	early, err := s.confirm(ctx, ps)
	if err != nil {
		return s.fail("subscribing", err)
	}
	s.handler.Confirmed()
	for _, m := range early {
		s.handler.Message(m.Channel, m.Payload)
	}
	for {
		got, err := receive(s.ctx, ps)
		if err != nil {
			return s.fail("subscription", err)
		}
		switch m := got.(type) {
		case *redis.Message:
			s.handler.Message(m.Channel, m.Payload)
		case *redis.Subscription:
			// Unasked: we were unsubscribed, or resubscribed after a gap.
			return fmt.Errorf("redisbridge: unexpected %s of %s: messages may be lost", m.Kind, m.Channel)
		}
	}
}

// confirm waits until the server has confirmed every channel.
func (s *subscription) confirm(ctx context.Context, ps *redis.PubSub) (early []*redis.Message, err error) {
	missing := map[string]struct{}{}
	for _, c := range s.channels {
		missing[c] = struct{}{}
	}
	bytes := 0
	for len(missing) > 0 {
		got, err := receive(ctx, ps)
		if err != nil {
			return nil, err
		}
		switch m := got.(type) {
		case *redis.Subscription:
			if _, ok := missing[m.Channel]; !ok || m.Kind != "subscribe" {
				return nil, fmt.Errorf("redisbridge: unexpected %s of %s while subscribing", m.Kind, m.Channel)
			}
			delete(missing, m.Channel)
		case *redis.Message:
			if bytes += len(m.Payload); len(early) == maxEarly || bytes > maxEarlyBytes {
				return nil, errors.New("redisbridge: flooded before all channels were confirmed")
			}
			early = append(early, m)
		}
	}
	return early, nil
}

// receive is ps.Receive. go-redis asserts the types of a frame's members, so a
// server that is none would panic on a goroutine that nobody watches.
func receive(ctx context.Context, ps *redis.PubSub) (got any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("redisbridge: malformed pub/sub frame: %v", p)
		}
	}()
	return ps.Receive(ctx)
}
