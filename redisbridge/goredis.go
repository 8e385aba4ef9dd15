package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// DefaultTimeout is a third of the default TTL: one lost reply costs one beat.
const DefaultTimeout = 5 * time.Second / 3

// BackendConfig says how to reach Redis.
type BackendConfig struct {
	// Redis says where it is and how to log in: standalone; Sentinel with
	// MasterName; Cluster with more than one address or IsClusterMode.
	// Pool, retry, timeout, caching and protocol settings are not looked at: the
	// backend's are fixed by what an election needs.
	Redis redis.UniversalOptions
	// Keys is the prefix of the fleet. Default: DefaultPrefix. On Cluster it
	// must carry a hash tag, as in {ipc}.
	Keys Keys
	// Timeout bounds connecting (name lookup, TLS and log-in included), and each
	// Do, and the confirmation of a subscription, one each. Default:
	// DefaultTimeout. It should not exceed TTL/3, or a hung server is noticed
	// too late to try again within the lease.
	Timeout time.Duration
	// Logger is told what no connection can say: that a Sentinel does not let us hear
	// of failovers. Default: nobody is.
	Logger *slog.Logger
}

// backend is the Backend on go-redis. Each connection and subscription has a
// client of its own with one socket, and that client can't dial another: go-redis
// then neither retries nor redials behind our back, and closing one closes a
// socket, whatever go-redis waits for.
type backend struct {
	cfg     BackendConfig
	secrets []string
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	follows sync.Once // the Sentinels

	mu      sync.Mutex // guards the rest
	links   map[*link]struct{}
	primary sighting        // the newest, under Sentinel
	doubted time.Duration   // monotonic: since when no Sentinel that was asked has known of it; 0 otherwise
	mute    map[string]bool // Sentinels of which the log was told that they are not heard
	closed  bool
}

// NewBackend returns a Backend that talks to Redis by go-redis. It checks the
// configuration (errors wrap [ErrBackendConfig]) and connects to nothing yet.
// All its methods may be called from any goroutine.
func NewBackend(cfg BackendConfig) (Backend, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Redis = electionOptions(cfg.Redis, cfg.Timeout)
	b := &backend{cfg: cfg, links: map[*link]struct{}{}, mute: map[string]bool{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	for _, s := range []string{cfg.Redis.Password, cfg.Redis.SentinelPassword} {
		if s != "" {
			b.secrets = append(b.secrets, s)
		}
	}
	return b, nil
}

func (c *BackendConfig) cluster() bool { return IsCluster(&c.Redis) }

// IsCluster reports whether options mean Redis Cluster, as go-redis reads them. Nil options do not.
func IsCluster(o *redis.UniversalOptions) bool {
	return o != nil && o.MasterName == "" && (len(o.Addrs) > 1 || o.IsClusterMode)
}

func (c BackendConfig) withDefaults() BackendConfig {
	if c.Keys == "" {
		c.Keys = DefaultPrefix
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports every fault that no retry could heal, each with what to do; it connects to
// nothing. The error wraps [ErrBackendConfig].
func (c BackendConfig) Validate() error {
	c = c.withDefaults()
	var all []error
	bad := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Errorf("%w: %s", ErrBackendConfig, fmt.Sprintf(format, args...)))
		}
	}
	r := &c.Redis
	sentinel, cluster := r.MasterName != "", c.cluster()
	bad(c.Timeout < 0, "Timeout is negative; leave it 0 or set a third of the TTL")
	bad(sentinel && r.IsClusterMode, "MasterName (Sentinel) and IsClusterMode are both set; choose one")
	bad(sentinel && len(r.Addrs) == 0, "MasterName is set without Addrs; name the Sentinels")
	bad(r.ReadOnly || r.RouteByLatency || r.RouteRandomly,
		"ReadOnly, RouteByLatency and RouteRandomly read from replicas, which lag behind; unset them")
	bad(r.Username != "" && r.Password == "" && r.CredentialsProvider == nil && r.CredentialsProviderContext == nil && r.StreamingCredentialsProvider == nil ||
		sentinel && r.SentinelUsername != "" && r.SentinelPassword == "",
		"there is a user name without a password; without one nobody logs in, and the server takes us for its default user")
	bad(cluster && r.DB != 0, "Redis Cluster has database 0 only; leave DB 0 and give each fleet a prefix of its own")
	bad(cluster && !hasHashTag(string(c.Keys)),
		"on Redis Cluster the prefix needs a hash tag, so that all keys of a fleet share a slot; write {%s} instead of %s", c.Keys, c.Keys)
	for _, addr := range r.Addrs {
		if r.Dialer != nil || dialable(addr) {
			continue
		}
		if strings.ContainsAny(addr, "/@") {
			addr = Redact(addr)
		}
		bad(true, "%q in Addrs is no address; write host:port, [IPv6]:port, or the path of a Unix socket, and give a URL to ParseURL", addr)
	}
	return errors.Join(all...)
}

// dialable reports whether an address can be one at all. An empty one is localhost:6379 to go-redis.
func dialable(addr string) bool {
	if addr == "" || strings.HasPrefix(addr, "/") {
		return true
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

// hasHashTag says whether Redis Cluster would hash a part of the prefix only:
// the first { with a } after it and something in between.
func hasHashTag(prefix string) bool {
	_, rest, ok := strings.Cut(prefix, "{")
	return ok && strings.IndexByte(rest, '}') > 0
}

// electionOptions returns o with what an election client must not leave to
// defaults: those retry (so that effects are doubled), relax time-outs, look up
// names in the constructor, and take 100 s to notice a dead server.
func electionOptions(o redis.UniversalOptions, timeout time.Duration) redis.UniversalOptions {
	o.Addrs = append([]string(nil), o.Addrs...)
	o.Protocol = 2
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = timeout, timeout, timeout, timeout
	o.ContextTimeoutEnabled = true
	// A pool with as many dial errors as places starts a goroutine that redials
	// once a second: one socket is used, the other places keep that away.
	o.PoolSize, o.MaxConcurrentDials, o.PipelinePoolSize = 16, 1, -1
	o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 0, 0, 0
	o.ConnMaxIdleTime, o.ConnMaxLifetime, o.ConnMaxLifetimeJitter = -1, 0, 0
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.AutoPipelineOptions, o.PushNotificationProcessor = nil, nil
	o.ClientSideCacheConfig, o.ClientSideCache = nil, nil
	return o
}

// Connect implements Backend.
func (b *backend) Connect(done func(Conn, error)) {
	l, ok := b.open()
	if !ok {
		go done(nil, ErrConnClosed)
		return
	}
	b.follows.Do(b.followSentinels)
	c := &conn{link: l, epochKey: b.cfg.Keys.Epoch(), jobs: make(chan job, 1)}
	go c.run(done)
}

// Subscribe implements Backend.
func (b *backend) Subscribe(channels []string, h SubscriptionHandler) Subscription {
	l, ok := b.open()
	s := &subscription{link: l, channels: append([]string(nil), channels...), handler: h}
	if !ok {
		go h.Ended(ErrConnClosed)
		return s
	}
	go s.run()
	return s
}

// Close implements Backend. It does not wait: what was open ends soon after.
func (b *backend) Close() {
	b.mu.Lock()
	b.closed = true
	links := make([]*link, 0, len(b.links))
	for l := range b.links {
		links = append(links, l)
	}
	b.mu.Unlock()
	b.cancel()
	for _, l := range links {
		l.close()
	}
}

// open returns a new link. It is closed from the start, and ok false, when the
// backend is.
func (b *backend) open() (l *link, ok bool) {
	l = &link{b: b}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		l.cancel()
		return l, false
	}
	b.links[l] = struct{}{}
	return l, true
}

func (b *backend) forget(l *link) {
	b.mu.Lock()
	delete(b.links, l)
	b.mu.Unlock()
}
