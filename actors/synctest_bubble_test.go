package actors_test

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
)

// bubble is a fleet in a bubble of testing/synctest: real nodes, go-redis and miniredis, in
// fake time. Nothing in it may listen or resolve names: the system's network is no part of
// the bubble. So connections are pipes, and the address is a literal that nobody dials.
type bubble struct {
	*fleet
	mini *miniredis.Miniredis

	mu    sync.Mutex // guards the rest
	ways  map[string]*way
	wires []net.Conn
}

// way is the way of one node to the server.
type way struct {
	mu   sync.Mutex    // guards open
	open chan struct{} // closed while bytes pass
}

func inBubble(t *testing.T, test func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// A dead letter starts a goroutine that lives for the throttle's interval.
		// This runs last, and lets it and everything that was closed come to its end.
		t.Cleanup(func() { time.Sleep(2 * time.Second) })
		b := &bubble{mini: miniredis.NewMiniRedis(), ways: map[string]*way{}}
		b.mini.ClockTTL(true) // else keys would stay for ever
		t.Cleanup(b.mini.Close)
		t.Cleanup(b.hangUp)
		b.fleet = &fleet{t: t, keys: "ipc", ttl: 5 * time.Second}
		b.client = redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Dialer: b.dialer("test"), MaxRetries: -1, PoolSize: 8})
		t.Cleanup(func() { _ = b.client.Close() })
		test(t, b)
	})
}

// node starts a node of the bubble.
func (b *bubble) node(id string, rank int64, change ...func(*actors.Config)) *peer {
	b.t.Helper()
	return b.start(id, rank, append(change, func(cfg *actors.Config) {
		cfg.Redis.Options = &redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}, Dialer: b.dialer(id)}
	})...)
}

func (b *bubble) dialer(id string) func(context.Context, string, string) (net.Conn, error) {
	w := &way{open: make(chan struct{})}
	close(w.open)
	b.mu.Lock()
	b.ways[id] = w
	b.mu.Unlock()
	return func(context.Context, string, string) (net.Conn, error) {
		server, err := b.mini.Dial()
		if err != nil {
			return nil, syscall.ECONNREFUSED
		}
		client, end := net.Pipe()
		b.mu.Lock()
		b.wires = append(b.wires, server, end)
		b.mu.Unlock()
		go w.carry(end, server)
		go w.carry(server, end)
		return client, nil
	}
}

// hold swallows what a node and the server send each other, until release.
func (b *bubble) hold(id string) {
	w := b.ways[id]
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

func (b *bubble) release(id string) {
	w := b.ways[id]
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.open)
}

// hangUp closes every connection.
func (b *bubble) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.wires {
		_ = c.Close()
	}
	b.wires = nil
}

// buffered is how many chunks wait between two ends of a connection. A pipe has no buffer,
// and miniredis publishes under its one lock: a subscriber that does not read would stop it
// in a mutex, where fake time stands still.
const buffered = 1 << 12

// carry takes bytes from one end to the other.
func (w *way) carry(from, to net.Conn) {
	queue := make(chan []byte, buffered)
	go func() {
		defer close(queue)
		for {
			chunk := make([]byte, 32<<10)
			n, err := from.Read(chunk)
			if err != nil {
				return
			}
			queue <- chunk[:n]
		}
	}()
	for chunk := range queue {
		w.mu.Lock()
		open := w.open
		w.mu.Unlock()
		<-open
		if _, err := to.Write(chunk); err != nil {
			break
		}
	}
	_ = from.Close()
	_ = to.Close()
	for range queue { // the reader ends, now that its end is closed
	}
}
