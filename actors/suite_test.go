package actors_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// patience bounds what must come; nothing is measured by it.
const patience = 30 * time.Second

// system is shared by all tests: making one costs megabytes.
var system = actor.NewActorSystem(
	actor.WithDeadLetterThrottleInterval(time.Millisecond),
	actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
)

// servers are the Redis servers that the suite runs on. All tests share them, each with a
// prefix of its own; but for onEachRedis, which starts a miniredis for each test: one slow
// subscriber of it blocks everybody.
var servers = map[string]string{}

func TestMain(m *testing.M) {
	if setup := os.Getenv(nodeEnv); setup != "" {
		npmNodeMain(setup)
		return
	}
	if text := os.Getenv(childEnv); text != "" {
		os.Exit(runChild(text))
	}
	flag.Parse()
	if n := flag.Lookup("test.parallel"); n.Value.String() == n.DefValue {
		_ = n.Value.Set("4") // tests wait more than they compute
	}
	mini := miniredis.NewMiniRedis()
	if err := mini.Start(); err != nil {
		panic(err)
	}
	mini.ClockTTL(true)
	servers["miniredis"] = mini.Addr()
	server, err := redistest.StartServer()
	switch {
	case err == nil:
		servers["redis-server"] = server.Addr
	case !errors.Is(err, redistest.ErrNoServer):
		panic(err)
	}
	code := m.Run()
	mini.Close()
	if server != nil {
		server.Stop()
	}
	if err := leaks(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// leaks gives goroutines that are about to end a moment, then names the others.
func leaks() (err error) {
	for range 10 {
		if err = goleak.Find(); err == nil {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return err
}

func TestARealRedisServerIsThereForTheSuite(t *testing.T) {
	if servers["redis-server"] == "" {
		t.Skip("no redis-server on PATH: the suite runs on miniredis alone")
	}
}

// onEachRedis runs a test on every server that there is, at the same time.
func onEachRedis(t *testing.T, test func(t *testing.T, f *fleet)) {
	t.Helper()
	t.Parallel()
	for name, addr := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "miniredis" {
				addr = redistest.NewMini(t).Addr()
			}
			test(t, newFleet(t, addr))
		})
	}
}

// fleet is the nodes of one test.
type fleet struct {
	t      testing.TB
	addr   string
	keys   redisbridge.Keys
	client *redis.Client
	ttl    time.Duration
	logs   syncBuffer
}

func newFleet(t testing.TB, addr string) *fleet {
	t.Helper()
	f := &fleet{t: t, addr: addr, ttl: 5 * time.Second}
	f.keys = redisbridge.Keys(fmt.Sprintf("t%x", redisbridge.SystemEntropy()))
	f.client = redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, PoolSize: 2})
	t.Cleanup(func() { _ = f.client.Close() })
	return f
}

// bg is a context that ends long before go test would kill the run.
func bg(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (f *fleet) config(id string, rank int64, change ...func(*actors.Config)) actors.Config {
	cfg := actors.Config{
		ID: id, Rank: &rank, TTL: f.ttl, Quarantine: new(false), Logger: slog.New(slog.NewTextHandler(&f.logs, nil)),
		Redis: redisbridge.Config{Options: &redis.UniversalOptions{Addrs: []string{f.addr}}, Prefix: string(f.keys)},
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

// start starts a node that is stopped when the test ends.
func (f *fleet) start(id string, rank int64, change ...func(*actors.Config)) *peer {
	f.t.Helper()
	n, err := actors.Start(bg(f.t), system, f.config(id, rank, change...))
	if err != nil {
		f.t.Fatal(err)
	}
	return f.adopt(n)
}

// adopt listens to a node's events and stops it when the test ends.
func (f *fleet) adopt(n *actors.Node) *peer {
	f.t.Helper()
	p := &peer{Node: n, f: f, t: f.t, events: n.Subscribe(context.Background(), actors.SubscribeOptions{Buffer: 4096})}
	f.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.Stop(ctx); err != nil && n.Err() == nil {
			f.t.Errorf("stop %s: %v", n.ID(), err)
		}
		if f.t.Failed() {
			f.t.Logf("%s saw:\n\t%s", n.ID(), strings.Join(p.seen, "\n\t"))
		}
	})
	return p
}

// crash ends a node as a crash would: Redis is not told.
func (p *peer) crash() {
	system.Root.Stop(p.PID())
	<-p.Done()
}

// peer is a node with its events.
type peer struct {
	*actors.Node
	f      *fleet
	t      testing.TB
	events <-chan actors.Event
	seen   []string
}

func (p *peer) run(election string) *peer {
	p.t.Helper()
	p.must(p.Run(bg(p.t), election))
	return p
}

// stops has the node stop meanwhile, and returns where Stop's error comes.
func (p *peer) stops(ctx context.Context) <-chan error {
	stopped := make(chan error, 1)
	go func() { stopped <- p.Stop(ctx) }()
	return stopped
}

// stopsAfter requires that Stop waits for the work of a term, and for that only.
func (p *peer) stopsAfter(l *actors.Leadership, stopped <-chan error) {
	p.t.Helper()
	select {
	case err := <-stopped:
		p.t.Fatalf("it has stopped while the work runs: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	p.must(l.Release(bg(p.t)))
	p.must(receive(p.t, "Stop returns", stopped))
}

// campaigns has the node contend meanwhile, and returns where the error comes.
func (p *peer) campaigns(ctx context.Context, election string) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := p.Campaign(ctx, election)
		ended <- err
	}()
	return ended
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.ID(), err)
	}
}

// next waits for the next event that is one of E and fits; what comes before is passed
// over.
func next[E actors.Event](p *peer, fits func(E) bool) E {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case ev, ok := <-p.events:
			if !ok {
				p.t.Fatalf("%s: the events have ended, no %T came", p.ID(), *new(E))
			}
			p.note(ev)
			if e, is := ev.(E); is && (fits == nil || fits(e)) {
				return e
			}
		case <-late.C:
			p.t.Fatalf("%s: no %T that fits came in %v", p.ID(), *new(E), patience)
		}
	}
}

func (p *peer) note(ev actors.Event) {
	p.seen = append(p.seen, strings.TrimSpace(fmt.Sprintf("%T %+v", ev, ev)))
	if len(p.seen) > 60 {
		p.seen = p.seen[1:]
	}
}

// rest returns the events that come within d.
func (p *peer) rest(d time.Duration) (list []actors.Event) {
	late := time.NewTimer(d)
	defer late.Stop()
	for {
		select {
		case ev, ok := <-p.events:
			if !ok {
				return list
			}
			p.note(ev)
			list = append(list, ev)
		case <-late.C:
			return list
		}
	}
}

func (p *peer) won(election string) *actors.Won {
	p.t.Helper()
	return next(p, func(ev *actors.Won) bool { return ev.Election == election })
}

func (p *peer) lost(election string) *actors.Lost {
	p.t.Helper()
	return next(p, func(ev *actors.Lost) bool { return ev.Election == election })
}

// follows waits until the node knows who leads.
func (p *peer) follows(election, leader string) {
	p.t.Helper()
	if l, err := p.Leader(election); err == nil && l.ID == leader {
		return
	}
	next(p, func(ev *actors.LeaderChanged) bool { return ev.Election == election && ev.Leader.ID == leader })
}

// eventually waits for what no event tells: what Redis holds.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

func (f *fleet) candidate(election, id string) bool {
	f.t.Helper()
	is, err := f.client.SIsMember(context.Background(), f.keys.Candidates(election), id).Result()
	if err != nil {
		f.t.Fatal(err)
	}
	return is
}

// syncBuffer is a log that many nodes write to.
type syncBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
