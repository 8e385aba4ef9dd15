package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Direction is one way through a [Proxy].
type Direction int

// The directions.
const (
	ToServer Direction = iota
	ToClient
)

// Proxy is a TCP proxy in front of a server, for breaking the way to it. Without
// faults it passes everything. Its methods may be called from any goroutine and
// act on open connections and on new ones alike.
type Proxy struct {
	// Addr is where clients connect; it stays the same.
	Addr string

	mu       sync.Mutex // guards the rest
	changed  *sync.Cond // on any change of the rest
	target   string
	listener net.Listener
	held     [2]bool
	delay    [2]time.Duration
	pairs    map[*pair]struct{}
	closed   bool
	running  sync.WaitGroup
}

// pair is one client's connection and the one to the server that belongs to it.
type pair struct {
	ends [2]net.Conn // by where they lead: the server, the client
	dead bool        // guarded by Proxy.mu
	lose [2]bool     // guarded by Proxy.mu: see Lose
}

// NewProxy starts a proxy in front of addr and stops it when the test ends.
func NewProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	p, err := StartProxy(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// StartProxy starts a proxy in front of addr; the caller closes it.
func StartProxy(addr string) (*Proxy, error) {
	p := &Proxy{Addr: "127.0.0.1:0", target: addr, pairs: map[*pair]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.Addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = l
	if addr := l.Addr().String(); p.Addr != addr {
		p.Addr = addr // at the start only: who connects reads it without the lock
	}
	p.running.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil {
			reset(client)
			continue
		}
		c := &pair{ends: [2]net.Conn{ToServer: server, ToClient: client}}
		p.mu.Lock()
		if p.closed || p.listener != l || p.target != target {
			p.mu.Unlock()
			reset(client)
			reset(server)
			continue
		}
		p.pairs[c] = struct{}{}
		p.running.Go(func() { p.pass(c, ToServer) })
		p.running.Go(func() { p.pass(c, ToClient) })
		p.mu.Unlock()
	}
}

// pass carries bytes in one direction until an end is gone.
func (p *Proxy) pass(c *pair, d Direction) {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.ends[1-d].Read(buf)
		if err != nil || !p.admit(c, d) || p.lost(c, d) {
			break
		}
		if _, err := c.ends[d].Write(buf[:n]); err != nil {
			break
		}
	}
	p.mu.Lock()
	c.dead = true
	delete(p.pairs, c)
	p.changed.Broadcast()
	p.mu.Unlock()
	for _, end := range c.ends {
		_ = end.Close()
	}
}

// admit waits while the direction is held, then for its delay; false when the
// connection ended meanwhile.
func (p *Proxy) admit(c *pair, d Direction) bool {
	p.mu.Lock()
	delay := p.delay[d]
	for p.held[d] && !c.dead {
		p.changed.Wait()
	}
	dead := c.dead
	p.mu.Unlock()
	if delay > 0 {
		Sleep(delay)
	}
	return !dead
}

// lost reports whether what comes now is what Lose is to lose, and breaks the connection.
func (p *Proxy) lost(c *pair, d Direction) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.lose[d] {
		c.dead = true
		for _, end := range c.ends {
			reset(end)
		}
	}
	return c.lose[d]
}

// Lose throws away what each open connection carries next in direction d, and then
// breaks that connection. With [ToClient] the reply to a command is lost that has
// taken effect.
func (p *Proxy) Lose(d Direction) {
	p.set(func() {
		for c := range p.pairs {
			c.lose[d] = true
		}
	})
}

// Retarget leads new connections to another server, as a name or an address does that is
// given to a new primary. Open ones stay; Reset breaks them.
func (p *Proxy) Retarget(addr string) { p.set(func() { p.target = addr }) }

// Hold lets nothing through in direction d: a black hole, until Release. TCP
// would repeat what is lost, so what is held arrives late rather than never,
// unless the connection ends first.
func (p *Proxy) Hold(d Direction) { p.set(func() { p.held[d] = true }) }

// Release ends Hold.
func (p *Proxy) Release(d Direction) { p.set(func() { p.held[d] = false }) }

// Delay makes everything in direction d later by t.
func (p *Proxy) Delay(d Direction, t time.Duration) { p.set(func() { p.delay[d] = t }) }

func (p *Proxy) set(f func()) {
	p.mu.Lock()
	f()
	p.changed.Broadcast()
	p.mu.Unlock()
}

// Reset breaks every open connection with a TCP reset. New ones are let in.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.dead = true
		delete(p.pairs, c)
		for _, end := range c.ends {
			reset(end)
		}
	}
	p.changed.Broadcast()
}

// Refuse makes the system refuse new connections; open ones stay.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	p.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
}

// Accept ends Refuse.
func (p *Proxy) Accept() error { return p.listen() }

// Connections returns how many are open; those that Reset broke are not.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs)
}

// Close resets everything and waits for the proxy's goroutines.
func (p *Proxy) Close() {
	p.set(func() { p.closed = true })
	p.Refuse()
	p.Reset()
	p.running.Wait()
}

// reset closes a connection so that the other side sees ECONNRESET.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
