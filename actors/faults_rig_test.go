package actors_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// storm is a fleet on a Redis of its own to which faults are done: three nodes in this
// process, each behind a proxy of its own, and one in a process of its own, which leads an
// election in which nobody else stands.
type storm struct {
	t        testing.TB
	ttl      time.Duration
	server   *redistest.Server
	admin    *redis.Client
	prefix   string
	proxies  []*redistest.Proxy // of the nodes, then the child's
	nodes    []*stormNode
	child    *child
	childLog syncBuffer
	logs     syncBuffer
	ref      *referee
	victims  []int // indices into proxies, for the present injection
	// between injections
	held []func()
}

// stormNode is a node of which every event is noted.
type stormNode struct {
	*actors.Node
	mu     sync.Mutex // guards the rest
	up     bool
	deaf   bool
	downs  int
	causes []string
	failed error
	missed uint64
}

const stormElection = "e"

// users are the names that the nodes log in with, where a fault is done to rights.
var users = []string{"u0", "u1", "u2", "u3"}

const userPassword, adminPassword = "a-users-password", "the-admins-password"

// newStorm starts servers and nodes; the one with the highest index has the highest rank.
func newStorm(t testing.TB, ttl time.Duration, f *fault) *storm {
	t.Helper()
	s := &storm{t: t, ttl: ttl, prefix: "ipc"}
	args := []string{"--user", "admin", "on", ">" + adminPassword, "~*", "&*", "+@all"}
	for _, u := range users {
		args = append(args, "--user", u, "on", ">"+userPassword, "~*", "&*", "+@all")
	}
	s.server = redistest.NewServer(t, append(args, f.server...)...)
	s.admin = redis.NewClient(&redis.Options{
		Addr: s.server.Addr, Username: "admin", Password: adminPassword, MaxRetries: 3, PoolSize: 2, DialTimeout: time.Second, ReadTimeout: 5 * time.Second,
	})
	t.Cleanup(func() { _ = s.admin.Close() })
	s.ref = newReferee(t, stormElection)
	for range users {
		s.proxies = append(s.proxies, redistest.NewProxy(t, s.server.Addr))
	}
	for i := range 3 {
		s.start(i, f.users)
	}
	c := childConfig{Addr: s.proxies[3].Addr, Prefix: s.prefix, ID: "child", TTL: ttl, Election: "child"}
	if f.users {
		c.User, c.Password = users[3], userPassword
	}
	s.child = startChild(t, c, &s.childLog)
	for _, n := range s.nodes {
		if err := n.Run(bg(t), stormElection); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		s.ref.judge()
		if t.Failed() {
			text := s.logs.String()
			t.Logf("the log ends:\n%s", text[max(0, len(text)-6000):])
		}
	})
	s.settle()
	return s
}

// start starts the i-th node.
func (s *storm) start(i int, user bool) {
	s.t.Helper()
	o := &redis.UniversalOptions{Addrs: []string{s.proxies[i].Addr}}
	if user {
		o.Username, o.Password = users[i], userPassword
	}
	s.nodes = append(s.nodes, startNode(s.t, s.ref, actors.Config{
		ID: "node-" + strconv.Itoa(i), Rank: new(int64(i) + 1), TTL: s.ttl,
		Redis:  redisbridge.Config{Options: o, Prefix: s.prefix},
		Logger: slog.New(slog.NewTextHandler(&s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}))
}

// startNode starts a node that a referee watches and that is stopped when the test ends.
func startNode(t testing.TB, ref *referee, cfg actors.Config) *stormNode {
	t.Helper()
	node, err := actors.Start(bg(t), system, cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := &stormNode{Node: node, up: true}
	ref.follow(node)
	events := node.Subscribe(context.Background(), actors.SubscribeOptions{Buffer: 1 << 14})
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for ev := range events {
			ref.told(node.ID(), ev)
			n.note(ev)
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := node.Stop(ctx); err != nil {
			t.Errorf("stop %s: %v", node.ID(), err)
		}
		<-heard
		if n.missed != 0 || n.failed != nil {
			t.Errorf("%s missed %d events, failed with %v", node.ID(), n.missed, n.failed)
		}
	})
	return n
}

func (n *stormNode) note(ev actors.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch ev := ev.(type) {
	case *actors.LinkChanged:
		n.up, n.deaf = ev.Up, ev.Deaf
		if !ev.Up || ev.Deaf {
			n.downs++
			n.causes = append(n.causes, fmt.Sprint(ev.Err))
		}
	case *actors.Lost:
		n.causes = append(n.causes, ev.Cause.String())
	case *actors.Inconclusive:
		n.causes = append(n.causes, ev.Cause.String())
	case *actors.Failed:
		n.failed = ev.Err
	case *actors.Missed:
		n.missed += ev.N
	}
	n.causes = n.causes[max(0, len(n.causes)-100):]
}

func (n *stormNode) healthy() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up && !n.deaf && n.failed == nil
}

// seen returns how often the link went, and what was said of that and of results.
func (n *stormNode) seen() (downs int, causes string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.downs, strings.Join(n.causes, "; ")
}

// leader is the index of the node in office, -1 if none is.
func (s *storm) leader() int {
	for i, n := range s.nodes {
		if n.Leadership(stormElection).Valid() {
			return i
		}
	}
	return -1
}

// settled: all links are up, the highest leads, and all know it. The child leads its own
// election. It says what is missing.
func (s *storm) settled() error {
	for i, n := range s.nodes {
		if !n.healthy() {
			return fmt.Errorf("node %d is not well", i)
		}
		l, err := n.Leader(stormElection)
		if err != nil || l.ID != s.nodes[2].ID() {
			return fmt.Errorf("node %d takes %q for the leader: %w", i, l.ID, err)
		}
	}
	if s.leader() != 2 {
		return fmt.Errorf("%d leads", s.leader())
	}
	if !s.child.stat().Valid {
		return fmt.Errorf("the child does not lead")
	}
	return nil
}

// settle waits until the fleet is in order and returns how long that took.
func (s *storm) settle() time.Duration {
	s.t.Helper()
	at := time.Now()
	for {
		err := s.settled()
		if err == nil {
			return time.Since(at)
		}
		if time.Since(at) > patience {
			s.t.Fatalf("not in order %v after the fault ended: %v", patience, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// hit calls f for the proxies that the present injection is about.
func (s *storm) hit(f func(p *redistest.Proxy)) {
	for _, i := range s.victims {
		f(s.proxies[i])
	}
}

// do sends a command as the administrator.
func (s *storm) do(words ...any) {
	s.t.Helper()
	if err := s.admin.Do(context.Background(), words...).Err(); err != nil && err != redis.Nil { //nolint:errorlint // as go-redis returns it
		s.t.Fatalf("%v: %v", words, err)
	}
}

// injections is how often each fault is done to a fleet: once, or what HUSTINGS_INJECTIONS
// says. A hundred of each take a quarter of an hour.
func injections(t testing.TB) int {
	text := os.Getenv("HUSTINGS_INJECTIONS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HUSTINGS_INJECTIONS=%s is no positive number", text)
	}
	return n
}
