package redisbridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

var errRedial = errors.New("redisbridge: go-redis must not redial: the connection is lost")

// link is one way to the server: a go-redis client with one socket, dialled beforehand.
// A goroutine of its owner (conn, subscription) uses the client;
// close may be called from any, and unblocks that goroutine at once.
type link struct {
	b      *backend
	ctx    context.Context // ends when the link is closed
	cancel context.CancelFunc

	primary string // whom the Sentinels named, "" without them; the backend's lock guards it

	securing   atomic.Bool            // what was dialled last is reached, and TLS begins
	turnedAway atomic.Pointer[string] // what the server said that was dialled last, if it does not take us

	mu      sync.Mutex // guards the rest
	sockets []net.Conn
	closed  bool
	why     error // why we closed it ourselves, if that is worth saying
}

// close ends the link without waiting for anything. Cancelling is not enough:
// go-redis does not honour it in the middle of a command, a closed socket it does.
func (l *link) close() {
	l.cancel()
	l.mu.Lock()
	l.closed = true
	sockets := l.sockets
	l.sockets = nil
	l.mu.Unlock()
	for _, s := range sockets {
		_ = s.Close()
	}
	l.b.forget(l)
}

// leave closes the link, and says why.
func (l *link) leave(why error) {
	l.mu.Lock()
	l.why = why
	l.mu.Unlock()
	l.close()
}

// ended is what comes of using a link that we closed.
func (l *link) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return fmt.Errorf("%w: %w", ErrConnClosed, l.why)
	}
	return ErrConnClosed
}

// bounded returns a context for one step of the link's work.
func (l *link) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(l.ctx, l.b.cfg.Timeout)
}

// fail turns an error of go-redis into what the seam promises: what the server
// said as a *ServerError, what we did ourselves as ErrConnClosed, and the rest
// as it is (no error of the network layer names a password).
func (l *link) fail(doing string, err error) error {
	if l.ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, l.ended())
	}
	if said := serverError(err, l.b.secrets); said != nil {
		return fmt.Errorf("%s: %w", doing, said)
	}
	if text := l.turnedAway.Load(); text != nil {
		return fmt.Errorf("%s: %w", doing, newServerError(*text, l.b.secrets))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// client finds the server, dials it, and returns a client that has that socket and no other.
// The caller closes the client; ctx bounds all of it.
func (l *link) client(ctx context.Context, doing string) (*redis.Client, error) {
	o := l.b.cfg.Redis
	addr, err := "", error(nil)
	switch {
	case o.MasterName != "":
		addr, err = l.sentinelMaster(ctx)
	case l.b.cfg.cluster():
		addr, err = l.clusterMaster(ctx)
	}
	if err != nil {
		return nil, err
	}
	if addr != "" {
		o.Addrs = []string{addr}
	}
	simple := o.Simple()
	socket, err := l.dialled(ctx, simple.Addr)
	if err != nil {
		return nil, l.fail(doing, err)
	}
	simple.Dialer = once(socket)
	return redis.NewClient(simple), nil
}

// dialled opens a socket for a client before go-redis could, which writes a line to stderr about
// every attempt that fails, and in an outage there are very many. ctx bounds it also where a
// Dialer of the user does not look at it.
func (l *link) dialled(ctx context.Context, addr string) (net.Conn, error) {
	network := "tcp"
	switch {
	case addr == "":
		addr = "localhost:6379" // as go-redis has it, and the next one
	case strings.HasPrefix(addr, "/"):
		network = "unix"
	}
	type result struct {
		socket net.Conn
		err    error
	}
	done := make(chan result, 1)
	go func() {
		socket, err := l.dial(ctx, network, addr)
		done <- result{socket, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = fmt.Errorf("dial %s: %w", addr, ctx.Err())
	}
	if r.err != nil && ctx.Err() != nil && l.securing.Load() {
		return nil, fmt.Errorf("dial %s: it does not answer to TLS, as a port without TLS does not: %w", addr, ctx.Err())
	}
	return r.socket, r.err
}

// once is a Dialer that has a socket already, and gives it away once.
func once(socket net.Conn) func(context.Context, string, string) (net.Conn, error) {
	var given atomic.Bool
	return func(context.Context, string, string) (net.Conn, error) {
		if given.Swap(true) {
			return nil, errRedial
		}
		return socket, nil
	}
}

// dial opens one socket and keeps it for close. ctx ends with the link.
func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	o := &l.b.cfg.Redis
	dial := o.Dialer
	if dial == nil {
		dial = l.dialName
	}
	l.securing.Store(false)
	socket, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	// A Dialer of the user does its own TLS, as go-redis has it.
	if o.TLSConfig != nil && o.Dialer == nil {
		l.securing.Store(true)
		if socket, err = handshake(ctx, socket, o.TLSConfig, addr); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || ctx.Err() != nil { // nobody waits for it any more
		_ = socket.Close()
		return nil, ErrConnClosed
	}
	l.sockets = append(l.sockets, socket)
	l.turnedAway.Store(nil)
	return &greeted{Conn: socket, link: l}, nil
}

// greeted is a socket that minds what the server says first. One that does not take us (it has
// too many clients, or talks to its own host only) says so and hangs up. go-redis takes that for
// the answer to its HELLO, goes on without, and tells of a socket that is closed.
type greeted struct {
	net.Conn
	link *link
	met  bool // one goroutine reads at a time
}

func (g *greeted) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 && !g.met {
		g.met = true
		if line, _, _ := strings.Cut(string(p[:n]), "\r\n"); turnsAway(line) {
			line = line[1:]
			g.link.turnedAway.Store(&line)
		}
	}
	return n, err
}

// turnsAway reports whether a reply is one that ends a connection before it began.
func turnsAway(line string) bool {
	return strings.HasPrefix(line, "-") && (strings.HasPrefix(line, "-DENIED ") || strings.Contains(line, tooManyClients))
}

// handshake puts TLS on a socket, and closes it if that fails. Without a name
// to check the address's host is checked, as tls.Dial does.
func handshake(ctx context.Context, socket net.Conn, cfg *tls.Config, addr string) (net.Conn, error) {
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = addr
		}
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	secured := tls.Client(socket, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = socket.Close()
		return nil, err
	}
	return secured, nil
}

// clusterMaster asks the cluster which node owns the fleet's slot. Scripts and
// subscriptions both go there: messages of the scripts then take no detour over
// the cluster bus, and counts of subscribers are of the right node. The nodes that are
// configured are asked one after the other, each time from another one on: what one of them
// says may be out of date.
func (l *link) clusterMaster(ctx context.Context) (string, error) {
	addrs := l.b.cfg.Redis.Addrs
	if len(addrs) == 0 {
		addrs = []string{"127.0.0.1:6379"} // as go-redis has it
	}
	first := int(SystemEntropy() % uint64(len(addrs))) //nolint:gosec // fewer than that
	var last error
	for i := range addrs {
		share := l.b.cfg.Timeout
		if i < len(addrs)-1 {
			share /= 2 // one that hangs must not use up the time of those after it
		}
		each, cancel := context.WithTimeout(ctx, share)
		owner, err := l.askCluster(each, addrs[(first+i)%len(addrs)])
		cancel()
		if err == nil {
			return owner, nil
		}
		last = err
	}
	return "", last
}

// askCluster asks one node of the cluster.
func (l *link) askCluster(ctx context.Context, addr string) (string, error) {
	o := l.b.cfg.Redis
	first, err := l.dialled(ctx, addr)
	if err != nil {
		return "", l.fail("asking the cluster", err)
	}
	defer func() { _ = first.Close() }()
	o.Addrs, o.Dialer = []string{addr}, once(first) // it is asked once, and nobody else
	c := redis.NewClusterClient(o.Cluster())
	defer func() { _ = c.Close() }()
	var told slotsTold
	c.OnNewNode(func(node *redis.Client) { node.AddHook(&told) })
	node, err := c.MasterForKey(ctx, l.b.cfg.Keys.Epoch())
	switch {
	case errors.Is(err, redis.Nil):
		return "", fmt.Errorf("%w: %s names no addresses of the cluster's nodes; set cluster-preferred-endpoint-type to ip or hostname", ErrBackendConfig, addr)
	case err != nil:
		err = l.fail("asking the cluster", err)
		if strings.Contains(err.Error(), "cluster support disabled") {
			err = fmt.Errorf("%w: %w; this server is no cluster node: name one address and leave IsClusterMode unset", ErrBackendConfig, err)
		}
		return "", err
	case told.ranges.Load() == 0:
		// It has lost its nodes.conf. go-redis would take it for the owner of every slot.
		return "", fmt.Errorf("redisbridge: asking the cluster: %s knows of no slots: is it in the cluster?", addr)
	}
	owner := node.Options().Addr
	if host, port, err := net.SplitHostPort(owner); err == nil && host == "" {
		// It never met another node, and does not know its own address: it is where we asked.
		asked, _, _ := net.SplitHostPort(addr)
		owner = net.JoinHostPort(asked, port)
	}
	return owner, nil
}

// slotsTold is a hook that counts the ranges of slots that a node of the cluster tells of.
type slotsTold struct{ ranges atomic.Int64 }

// DialHook implements redis.Hook.
func (*slotsTold) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (*slotsTold) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (h *slotsTold) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if slots, ok := cmd.(*redis.ClusterSlotsCmd); ok {
			h.ranges.Add(int64(len(slots.Val())))
		}
		return err
	}
}
