package actors_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
)

// office is a fleet of nodes of which the one with the highest index should lead, under
// the eyes of a referee.
type office struct {
	t      testing.TB
	ttl    time.Duration
	prefix string
	nodes  []*stormNode
	logs   syncBuffer
	ref    *referee
	also   func() error // what else is missing
	// elections are the settings of all elections.
	elections actors.ElectionConfig
}

func newOffice(t testing.TB, ttl time.Duration, prefix string) *office {
	o := &office{t: t, ttl: ttl, prefix: prefix, ref: newReferee(t, stormElection)}
	t.Cleanup(func() {
		o.ref.judge()
		if t.Failed() {
			text := o.logs.String()
			t.Logf("the log ends:\n%s", text[max(0, len(text)-6000):])
		}
	})
	return o
}

// config is that of the i-th node.
func (o *office) config(i int, options *redis.UniversalOptions) actors.Config {
	return actors.Config{
		ID: "node-" + strconv.Itoa(i), Rank: new(int64(i) + 1), TTL: o.ttl, Elections: o.elections,
		Redis:  redisbridge.Config{Options: options, Prefix: o.prefix},
		Logger: slog.New(slog.NewTextHandler(&o.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// start starts n nodes and lets them stand.
func (o *office) start(n int, options func(i int) *redis.UniversalOptions) {
	o.t.Helper()
	for i := range n {
		o.nodes = append(o.nodes, startNode(o.t, o.ref, o.config(i, options(i))))
	}
	for _, n := range o.nodes {
		if err := n.Run(bg(o.t), stormElection); err != nil {
			o.t.Fatal(err)
		}
	}
}

// opened is the usual way: three nodes that all use the same options, in order.
func opened(t testing.TB, ttl time.Duration, prefix string, options redis.UniversalOptions) *office {
	t.Helper()
	o := newOffice(t, ttl, prefix)
	o.start(3, func(int) *redis.UniversalOptions { return &options })
	o.settle()
	return o
}

func (o *office) top() *stormNode { return o.nodes[len(o.nodes)-1] }

// token is that of the node that should lead, 0 if it does not.
func (o *office) token() uint64 { return o.top().Leadership(stormElection).Token() }

// settled says what is missing: all links are up, the highest leads, and all know it.
func (o *office) settled() error {
	for i, n := range o.nodes {
		if !n.healthy() {
			return fmt.Errorf("node %d is not well", i)
		}
		l, err := n.Leader(stormElection)
		if err != nil || l.ID != o.top().ID() {
			return fmt.Errorf("node %d takes %q for the leader: %w", i, l.ID, err)
		}
	}
	if !o.top().Leadership(stormElection).Valid() {
		return fmt.Errorf("%s does not lead", o.top().ID())
	}
	if o.also != nil {
		return o.also()
	}
	return nil
}

// settle waits until the fleet is in order and returns how long that took.
func (o *office) settle() time.Duration {
	o.t.Helper()
	at := time.Now()
	for {
		err := o.settled()
		if err == nil {
			return time.Since(at)
		}
		if limit := patience * time.Duration(min(injections(o.t), 4)); time.Since(at) > limit {
			o.t.Fatalf("not in order %v after the fault ended: %v", limit, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// logged waits for a line of the log that was not there before.
func (o *office) logged(before int, what string) {
	o.t.Helper()
	eventually(o.t, "the log says "+strconv.Quote(what), func() bool { return strings.Contains(o.logs.String()[before:], what) })
}
