package redistest

import (
	"sync"
	"testing"
	"time"

	"hustings/redisbridge"
)

// patience bounds every wait for a callback, in real time.
const patience = 10 * time.Second

// Fixture is one Redis, real or not, seen through redisbridge's seam. Backend
// and Advance must be set.
type Fixture struct {
	// T is the test that the fixture belongs to; its failures go there.
	T testing.TB
	// Backend is closed by the suite when the test ends.
	Backend redisbridge.Backend
	// Keys is the prefix of the backend. Default: redisbridge.DefaultPrefix.
	Keys redisbridge.Keys
	// Advance lets d pass on the server's clock: by sleeping, or virtually.
	Advance func(d time.Duration)
	// Pump drives callbacks until none is due, for a backend that runs on the
	// test's goroutine. Nil for one with goroutines of its own.
	Pump func()
	// FlushAll loses all data. Nil: FLUSHALL.
	FlushAll func()
	// Restart restarts the server with its data, under a new replication id.
	// Only with the ability Restarts.
	Restart func()

	conn redisbridge.Conn
	can  Ability
}

// await drives or waits until done is closed.
func (f *Fixture) await(what string, done <-chan struct{}) {
	f.T.Helper()
	if f.Pump != nil {
		f.Pump()
		select {
		case <-done:
		default:
			f.T.Fatalf("%s: nothing came, and nothing is due", what)
		}
		return
	}
	if !within(patience, done) {
		f.T.Fatalf("%s: nothing came in %v", what, patience)
	}
}

// Connect opens a connection and fails the test if it can't.
func (f *Fixture) Connect() redisbridge.Conn {
	f.T.Helper()
	var conn redisbridge.Conn
	var err error
	done := make(chan struct{})
	f.Backend.Connect(func(c redisbridge.Conn, e error) {
		conn, err = c, e
		close(done)
	})
	f.await("connect", done)
	if err != nil {
		f.T.Fatalf("connect: %v", err)
	}
	return conn
}

// DoOn sends the commands on a connection and returns what came of it.
func (f *Fixture) DoOn(conn redisbridge.Conn, cmds ...redisbridge.Command) ([]redisbridge.Reply, error) {
	f.T.Helper()
	var replies []redisbridge.Reply
	var err error
	done := make(chan struct{})
	conn.Do(cmds, func(r []redisbridge.Reply, e error) {
		replies, err = r, e
		close(done)
	})
	f.await("do", done)
	return replies, err
}

// Do sends the commands on the fixture's own connection, opened when first
// needed, and fails the test when the link does.
func (f *Fixture) Do(cmds ...redisbridge.Command) []redisbridge.Reply {
	f.T.Helper()
	if f.conn == nil {
		f.conn = f.Connect()
	}
	replies, err := f.DoOn(f.conn, cmds...)
	if err != nil {
		f.T.Fatalf("do: %v", err)
	}
	if len(replies) != len(cmds) {
		f.T.Fatalf("do: %d replies for %d commands", len(replies), len(cmds))
	}
	return replies
}

// Call runs a script and returns its value; an error reply fails the test.
func (f *Fixture) Call(s *redisbridge.Script, args ...string) any {
	f.T.Helper()
	r := f.Do(redisbridge.Command{Script: s, Args: args})[0]
	if r.Err != nil {
		f.T.Fatalf("%s %q: %v", s.Name, args, r.Err)
	}
	return r.Value
}

// Plain runs a plain command and returns its value; an error reply fails the
// test.
func (f *Fixture) Plain(words ...string) any {
	f.T.Helper()
	r := f.Do(redisbridge.Command{Args: words})[0]
	if r.Err != nil {
		f.T.Fatalf("%q: %v", words, r.Err)
	}
	return r.Value
}

// Flush loses all data.
func (f *Fixture) Flush() {
	f.T.Helper()
	if f.FlushAll != nil {
		f.FlushAll()
		return
	}
	f.Plain("FLUSHALL")
}

// restart restarts the server; the connections are gone then.
func (f *Fixture) restart() {
	f.T.Helper()
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
	f.Restart()
}

// Heard is a message of a subscription.
type Heard struct{ Channel, Payload string }

// Listener is a confirmed subscription that collects what it hears.
type Listener struct {
	f     *Fixture
	sub   redisbridge.Subscription
	ended chan struct{}

	mu    sync.Mutex // guards the rest
	heard []Heard
	more  chan struct{} // closed and replaced when heard grows
	err   error
	ends  int
}

// Subscribe subscribes and waits for the confirmation.
func (f *Fixture) Subscribe(channels ...string) *Listener {
	f.T.Helper()
	l := &Listener{f: f, ended: make(chan struct{}), more: make(chan struct{})}
	confirmed := make(chan struct{})
	l.sub = f.Backend.Subscribe(channels, redisbridge.SubscriptionHandler{
		Confirmed: func() { close(confirmed) },
		Message:   l.message,
		Ended:     l.end,
	})
	f.await("subscribe", confirmed)
	return l
}

func (l *Listener) message(channel, payload string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, Heard{channel, payload})
	close(l.more)
	l.more = make(chan struct{})
}

func (l *Listener) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends++; l.ends == 1 {
		l.err = err
		close(l.ended)
	}
}

// Next waits for the next message.
func (l *Listener) Next() Heard {
	l.f.T.Helper()
	for {
		l.mu.Lock()
		if len(l.heard) > 0 {
			h := l.heard[0]
			l.heard = l.heard[1:]
			l.mu.Unlock()
			return h
		}
		more := l.more
		l.mu.Unlock()
		l.f.await("message", more)
	}
}

// None fails the test if a message was heard that Next has not returned. It
// publishes one to a channel of the subscription first: what comes before that
// one would have been heard.
func (l *Listener) None(channel string) {
	l.f.T.Helper()
	l.f.Plain("PUBLISH", channel, "end")
	if h := l.Next(); h.Payload != "end" {
		l.f.T.Errorf("%s heard %s, want nothing", h.Channel, h.Payload)
	}
}

// Ended waits until the subscription has ended and returns its cause.
func (l *Listener) Ended() error {
	l.f.T.Helper()
	l.f.await("end of subscription", l.ended)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends != 1 {
		l.f.T.Errorf("the subscription ended %d times", l.ends)
	}
	return l.err
}

// Close closes the subscription and waits for its end.
func (l *Listener) Close() {
	l.f.T.Helper()
	l.sub.Close()
	_ = l.Ended()
}
