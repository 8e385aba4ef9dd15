package actors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// storm is a fleet on a Redis of its own to which faults are done: three nodes in this
// process, each behind a proxy of its own, and one in a process of its own, which leads an
// election in which nobody else stands.
type storm struct {
	*office
	server   *redistest.Server
	admin    *redis.Client
	proxies  []*redistest.Proxy // of the nodes, then the child's
	child    *child
	childLog syncBuffer
	victims  []int    // indices into proxies, for the present injection
	held     []func() // what the fault is to wait for when it ends
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
	s := &storm{office: newOffice(t, ttl, "ipc")}
	args := []string{"--user", "admin", "on", ">" + adminPassword, "~*", "&*", "+@all"}
	for _, u := range users {
		args = append(args, "--user", u, "on", ">"+userPassword, "~*", "&*", "+@all")
	}
	s.server = redistest.NewServer(t, append(args, f.server...)...)
	s.admin = redis.NewClient(&redis.Options{
		Addr: s.server.Addr, Username: "admin", Password: adminPassword, MaxRetries: 3, PoolSize: 2, DialTimeout: time.Second, ReadTimeout: 5 * time.Second,
	})
	t.Cleanup(func() { _ = s.admin.Close() })
	for range users {
		s.proxies = append(s.proxies, redistest.NewProxy(t, s.server.Addr))
	}
	s.start(3, func(i int) *redis.UniversalOptions {
		o := &redis.UniversalOptions{Addrs: []string{s.proxies[i].Addr}}
		if f.users {
			o.Username, o.Password = users[i], userPassword
		}
		return o
	})
	c := childConfig{Addr: s.proxies[3].Addr, Prefix: s.prefix, ID: "child", TTL: ttl, Election: "child"}
	if f.users {
		c.User, c.Password = users[3], userPassword
	}
	s.child = startChild(t, c, &s.childLog)
	s.also = func() error {
		if !s.child.stat().Valid {
			return errors.New("the child does not lead")
		}
		return nil
	}
	s.settle()
	return s
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
