package sim

import "time"

// options are a world's; see the Option functions for the defaults.
type options struct {
	keep           int
	all            *chronicle // nil: nobody compares runs
	wall           time.Duration
	tolerate       func(reason any) bool
	latency        [2]time.Duration
	clientTimeout  time.Duration
	connectTimeout time.Duration
	lateness       time.Duration
	history        time.Duration
	without        []Rule
}

func defaultOptions() options {
	return options{
		keep:           64,
		wall:           1_800_000_000 * time.Second,
		latency:        [2]time.Duration{50 * time.Microsecond, 500 * time.Microsecond},
		clientTimeout:  time.Second,
		connectTimeout: time.Second,
		lateness:       10 * time.Second,
		history:        10 * time.Second,
	}
}

// Option changes a world before it begins.
type Option func(*options)

// KeepTrace keeps the last n lines of the trace. Default 64.
func KeepTrace(n int) Option { return func(o *options) { o.keep = max(n, 1) } }

// WallStart sets every wall clock's reading at the world's beginning, Redis's
// too, since the Unix epoch. Default 1,800,000,000 s.
func WallStart(d time.Duration) Option { return func(o *options) { o.wall = d } }

// Latency sets the range of a message's time on the network, one way.
// Default 50 us to 500 us.
func Latency(low, high time.Duration) Option {
	return func(o *options) { o.latency = [2]time.Duration{max(low, 1), max(high, low, 1)} }
}

// ClientTimeout sets how long a client waits for replies before it gives the
// connection up, as the real one's read timeout. Default 1 s.
func ClientTimeout(d time.Duration) Option { return func(o *options) { o.clientTimeout = d } }

// ConnectTimeout sets how long a client waits for a connection. Default 1 s.
func ConnectTimeout(d time.Duration) Option { return func(o *options) { o.connectTimeout = d } }

// Lateness bounds how long a command may be under way before it takes effect,
// given-up connections included. Default 10 s.
func Lateness(d time.Duration) Option { return func(o *options) { o.lateness = d } }

// ReplicaHistory sets how far back [Redis.Failover] can go. 0 switches the
// history off, which makes writes cheaper. Default 10 s.
func ReplicaHistory(d time.Duration) Option { return func(o *options) { o.history = d } }

// TolerateWhen leaves panics for which tolerated returns true to the actors'
// supervision. Every other panic fails the world.
func TolerateWhen(tolerated func(reason any) bool) Option {
	return func(o *options) { o.tolerate = tolerated }
}
