package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
)

// hustingsFleet is this library: a node for a participant, Campaign for an office, its
// policies as they are by default.
type hustingsFleet struct {
	system *actor.ActorSystem
	prefix string
	nodes  atomic.Int64
}

func (*hustingsFleet) name() string   { return "hustings" }
func (*hustingsFleet) module() string { return "hustings" }
func (*hustingsFleet) note() string {
	return "Campaign and Release, everything as by default but the TTL, so failover under OnExpiry; one Run for many offices, and its events"
}

// prepare sits the quarantine of a new dataset out.
func (h *hustingsFleet) prepare(ctx context.Context, s setup) error {
	h.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	h.prefix = "{hustings}"
	first, err := h.open(ctx, s, &wire{requests: new(atomic.Int64)})
	if err != nil {
		return err
	}
	defer first.leave()
	t, err := first.acquire(ctx, "first")
	if err != nil {
		return err
	}
	return t.release(ctx)
}

func (h *hustingsFleet) open(ctx context.Context, s setup, w *wire) (participant, error) {
	node, err := actors.Start(ctx, h.system, actors.Config{
		ID: fmt.Sprintf("n-%d", h.nodes.Add(1)), Rank: new(int64(s.rank)), TTL: s.ttl, MaxTTL: s.maxTTL,
		Redis: redisbridge.Config{
			Prefix:  h.prefix,
			Options: &redis.UniversalOptions{Addrs: []string{s.addr}, Dialer: w.dial},
		},
	})
	if err != nil {
		return nil, err
	}
	return &hustingsNode{h, node}, nil
}

func (h *hustingsFleet) close() {
	if h.system != nil {
		h.system.Shutdown()
	}
}

type hustingsNode struct {
	h    *hustingsFleet
	node *actors.Node
}

func (n *hustingsNode) acquire(ctx context.Context, office string) (term, error) {
	l, err := n.node.Campaign(ctx, office)
	if err != nil {
		return nil, err
	}
	return hustingsTerm{l}, nil
}

// acquireAll is for elections by the thousand: one Run, and an event for each that is won.
func (n *hustingsNode) acquireAll(ctx context.Context, offices []string) (term, error) {
	listening, stop := context.WithCancel(ctx)
	defer stop()
	// An election has a few events beside Won.
	events := n.node.Subscribe(listening, actors.SubscribeOptions{Buffer: 8 * len(offices)})
	if err := n.node.Run(ctx, offices...); err != nil {
		return nil, err
	}
	won := 0
	for ev := range events {
		if _, ok := ev.(*actors.Won); ok {
			won++
		}
		if won == len(offices) {
			return hustingsTerms{n.node, offices}, nil
		}
	}
	return nil, fmt.Errorf("%d of %d: %w", won, len(offices), context.Cause(ctx))
}

func (n *hustingsNode) key(string) string { return redisbridge.Keys(n.h.prefix).Session(n.node.ID()) }

func (n *hustingsNode) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = n.node.Stop(ctx)
}

func (n *hustingsNode) vanish() { n.h.system.Root.Stop(n.node.PID()) }

type hustingsTerm struct{ l *actors.Leadership }

func (t hustingsTerm) release(ctx context.Context) error { return t.l.Release(ctx) }

// hustingsTerms are those of many elections.
type hustingsTerms struct {
	node    *actors.Node
	offices []string
}

func (t hustingsTerms) release(ctx context.Context) error { return t.node.Quit(ctx, t.offices...) }
