package actors

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"

	"hustings/fsm"
	"hustings/redisbridge"
)

// Defaults of Config and ElectionConfig.
const (
	DefaultTTL          = 5 * time.Second
	DefaultVoteTimeout  = time.Second
	DefaultInterval     = 60 * time.Second
	DefaultDrainTimeout = 30 * time.Second
	DefaultEvictGrace   = 250 * time.Millisecond
)

// Config describes a node: one member of a fleet, with one session. The zero value of
// every field but Redis has a meaning. Start and NodeProps take a copy.
type Config struct {
	// ID is the node's name, unique in the fleet: 1 to 256 bytes of UTF-8 without
	// white space and control characters. Default: host name and process id,
	// "web-1-4711".
	ID string
	// Redis says where Redis is; Redis.Options is required (or Redis.Backend).
	Redis redisbridge.Config

	// Rank decides who leads among those that could: the highest does. 0 <= rank
	// < 2^52. Default (nil): the process id, as in the original. Between equal
	// ranks the bytewise greater id goes first.
	Rank *int64
	// RankFor gives a rank for each election instead; it must always give the
	// same one. [Rendezvous] spreads leaderships over the fleet. It is called on
	// actor goroutines and must not block. What it returns is not refused but cut to
	// 0 <= rank < 2^52: reduce a hash of 64 bits (h >> 12), or most nodes have the same
	// rank at one of the ends. The node's own details show Rank all the same.
	RankFor func(election string) int64

	// TTL is how long the session lives in Redis without a heartbeat: the time
	// to replace a crashed leader. 300 ms to an hour, in whole milliseconds. Default
	// 5 s. Heartbeats go out every TTL/3; trust ends TTL/10 (at least 50 ms) before the
	// session.
	TTL time.Duration
	// MaxTTL is one constant for the whole fleet, at least every node's TTL: how
	// long claims are refused after Redis lost its data. An hour at most, in whole
	// milliseconds. Default: TTL. A node whose MaxTTL differs from the fleet's does not
	// start (ErrMaxTTL).
	MaxTTL time.Duration
	// Quarantine switches that refusal; default (nil) on. Off only where Redis
	// is thrown away, as in tests: then a restart of Redis that loses its data
	// can make two leaders for up to a TTL.
	Quarantine *bool
	// VoteTimeout is how long a round waits for answers: 10 ms or more, and less than
	// Interval. Default 1 s. Like every time here and in ElectionConfig that has no
	// shorter bound, ten years at most.
	VoteTimeout time.Duration
	// Interval is how often an election is looked at that an original may lead;
	// more than VoteTimeout. Without originals a quarter of it (at least a TTL) is how
	// long a follower may miss a change of the leader whose message was lost: see
	// [Node.Leader]. Default 60 s.
	Interval time.Duration
	// Mixed: nodes of npm ipc@0.0.1 may be in the fleet. Default (nil) true.
	// False ignores them; then all nodes of the fleet must say false.
	Mixed *bool
	// SharedKey signs votes, acks and kicks (HMAC-SHA256), so that nobody who may only
	// PUBLISH can forge or repeat one: docs/security.md says what that covers. At least
	// 16 bytes, better 32 random ones, the same on all nodes of the fleet. It needs
	// Mixed: false, since nodes of npm ipc@0.0.1 cannot sign. Default: not signed.
	SharedKey []byte
	// SharedKeys are further keys whose signatures are believed, for changing the key
	// of a running fleet: first add the new one here on all nodes, then make it the
	// SharedKey and put the old one here, then drop the old one. Seven at most.
	SharedKeys [][]byte
	// Packer writes application messages; default JSON.
	Packer redisbridge.Packer

	// MinReplicas is how many replicas of Redis must have a heartbeat or a claim before
	// it counts (WAIT); for that they have TTL/6. It keeps a primary that was cut off
	// from making leaders, if it is more than the replicas that can be cut off with
	// it: with two, MinReplicas 2. It makes nobody lead while fewer are up. 0, the
	// default, waits for none, and costs nothing; 1,000 at most. See docs/guarantees.md.
	MinReplicas int

	// ReplaceDuplicate: a process that starts under an id that is alive takes the id
	// over, instead of failing with ErrDuplicateID. The older one ends what it leads
	// and fails with ErrReplaced; the new one begins when the older one has left, or
	// its session has run out, one TTL after its last heartbeat at the latest. Of two
	// that start at once one fails, with either error. Default: false.
	ReplaceDuplicate bool

	// Host and PID say which process this is, for whoever reads an error about it
	// elsewhere. Default: the real ones.
	Host string
	PID  int

	// Elections is what elections get that are opened by name, by the plain-Go
	// calls. Where one is to differ spawn it from [ElectionProps] first: the calls find it
	// by its name. One that nobody needs any more is forgotten when a thousand others have
	// been opened since: docs/operations.md.
	//
	// Run here has the node stand in every election that is opened, also where it was
	// only to be observed. Drains here has every end of a term wait for Drained, for
	// DrainTimeout if nobody sends it, whatever Lead and Campaign say.
	Elections ElectionConfig

	// Logger gets one line per change that matters. Default: discarded. Its handler is
	// called on actor goroutines: it must not block, and must not panic, which would be
	// a panic of the actor.
	Logger *slog.Logger
	// MeterProvider gets the node's OpenTelemetry instruments (docs/metrics.md).
	// Default: none are made, and nothing is measured.
	MeterProvider metric.MeterProvider
	// Steps gets every step of every election's state machine: for traces, and for
	// tests that want to see why. It is called on actor goroutines and must not block.
	// Default: nobody looks.
	Steps func(Step)

	originals originalTimes
	kept      int // elections that nobody needs
}

// originalTimes are those that follow from the fixed times of the original. Tests change
// them, whose originals run faster.
type originalTimes struct {
	// An original that is kicked before its votes are all out forgets the kick and wins
	// 10 s later; a second kick after rekick puts it right.
	rekick time.Duration
	// ghost is how long an original must have voted without being a candidate before it
	// is put back: one that quits may have voted just before.
	ghost time.Duration
	// suspect is how long an original must be without a subscriber before it is taken
	// for dead: longer than it needs to reconnect, 255 ms at best.
	suspect time.Duration
	// patience is how long its vote may wait for our ack.
	patience time.Duration
}

// ElectionConfig describes how this node behaves in an election.
type ElectionConfig struct {
	// Name is the election's: as a server id in form. ElectionProps requires it;
	// in Config.Elections it is not used.
	Name string
	// Sticky: once in office, a higher candidate does not make us step down.
	Sticky bool
	// MinTenure: nor within this time of taking office.
	MinTenure time.Duration
	// DrainTimeout is how long the work may take to return after its context was
	// cancelled, before the office is released all the same. Default 30 s.
	DrainTimeout time.Duration
	// Drains: an actor does the work, and sends Drained when it has stopped.
	// Without it (and without Lead or Campaign) there is nothing to wait for.
	Drains bool
	// Run: stand from the start, as if Run had been called. Quit ends it.
	Run bool
	// Takeover says when a leader that is dead is replaced. Default OnExpiry. See
	// OnDisconnect for what it risks.
	Takeover Takeover
	// EvictGrace is for how long a leader under OnDisconnect may be without a
	// subscription before it is evicted: 50 ms to the TTL, whole milliseconds.
	// Default 250 ms. If the candidates differ, the longer of the leader's and of
	// the one that looks counts.
	EvictGrace time.Duration
}

// Takeover says when a leader that is dead is replaced.
type Takeover uint8

// The policies. The leader's own decides; a candidate under OnExpiry never evicts, and
// waits. All candidates of an election should have the same.
const (
	// OnExpiry: when its session in Redis has run out, a TTL at most. The default.
	OnExpiry Takeover = iota
	// OnDisconnect: when Redis has had no subscription of it for EvictGrace, whatever
	// the TTL. A process that is killed is replaced in about that time.
	//
	// The risk: two may be trusted at once. If Redis drops the leader's connection
	// and the leader does not notice, it goes on until its next heartbeat is
	// answered, at worst until its trust ends (TTL less the margin). Hence it is for
	// fenced work: whatever is written must carry [Leadership.Token], and the store
	// must refuse an older one.
	//
	// A leader that does notice that its subscription is lost steps down at once: its
	// context is cancelled, Valid is false, and its work is not waited for. A
	// restart or failover of Redis costs every leader its office. Somebody else who
	// subscribes to a node's control channel keeps it from being evicted.
	//
	// On standalone servers and Sentinel only: on Cluster, Validate and Start refuse.
	// Where Redis does not permit PUBSUB NUMSUB, nobody is evicted, and the log says so.
	OnDisconnect
)

// String returns the policy's name.
func (t Takeover) String() string {
	switch t {
	case OnExpiry:
		return "OnExpiry"
	case OnDisconnect:
		return "OnDisconnect"
	}
	return fmt.Sprintf("Takeover(%d)", uint8(t))
}

// DefaultElection is the election of the original's calls that name none.
const DefaultElection = "default"

// Rendezvous returns a RankFor that spreads leaderships over the fleet and moves only a
// leaver's elections when it leaves. All nodes must use it, each with its own Config.ID: with
// the same string everywhere all ranks are equal, and the greatest id leads everything.
//
// It spreads by chance, so evenly only where elections are many: of 64 on 5 nodes the fullest
// node leads 17 as a rule and more than 21 one time in twenty, of 1,000 on 5 nodes 216 and 230.
func Rendezvous(id string) func(election string) int64 {
	return func(election string) int64 { return fsm.Rendezvous(id, election) }
}

// withDefaults returns a copy in which nothing is left open.
func (c Config) withDefaults() Config {
	if c.Host == "" {
		host, _ := os.Hostname()
		c.Host = strings.ToValidUTF8(host, "")
	}
	if c.PID == 0 {
		c.PID = os.Getpid()
	}
	if c.ID == "" {
		c.ID = fmt.Sprintf("%s-%d", c.Host, c.PID)
	}
	if c.Rank == nil {
		c.Rank = new(int64(c.PID))
	}
	def(&c.TTL, DefaultTTL)
	def(&c.MaxTTL, c.TTL)
	def(&c.VoteTimeout, DefaultVoteTimeout)
	def(&c.Interval, DefaultInterval)
	if c.Quarantine == nil {
		c.Quarantine = new(true)
	}
	if c.Mixed == nil {
		c.Mixed = new(true)
	}
	if c.Redis.Prefix == "" {
		c.Redis.Prefix = redisbridge.DefaultPrefix
	}
	if c.Redis.Clock == nil {
		c.Redis.Clock = redisbridge.SystemClock{}
	}
	if c.Redis.Entropy == nil {
		c.Redis.Entropy = redisbridge.SystemEntropy
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Elections = c.Elections.withDefaults()
	def(&c.originals.rekick, 2*time.Second)
	def(&c.originals.ghost, time.Second)
	def(&c.originals.suspect, time.Second)
	def(&c.originals.patience, fsm.DefaultOriginalPatience)
	if c.kept == 0 {
		c.kept = keptElections
	}
	return c
}

func (c ElectionConfig) withDefaults() ElectionConfig {
	def(&c.DrainTimeout, DefaultDrainTimeout)
	if c.Takeover == OnDisconnect {
		def(&c.EvictGrace, DefaultEvictGrace)
	}
	return c
}

func def(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// rank is the node's rank in an election.
func (c *Config) rank(election string) int64 {
	if c.RankFor == nil {
		return *c.Rank
	}
	return min(max(c.RankFor(election), 0), fsm.MaxRank-1)
}

// fleet names, for the log, what the nodes of a fleet have in common: who has another prefix,
// Redis or database elects a leader of its own.
func (c *Config) fleet() []any {
	list := []any{"prefix", c.Redis.Prefix}
	if o := c.Redis.Options; o != nil && c.Redis.Backend == nil {
		addrs := make([]string, len(o.Addrs))
		for i, addr := range o.Addrs {
			addrs[i] = redisbridge.Redact(addr) // a Dialer of the user may take anything
		}
		list = append(list, "redis", strings.Join(addrs, ","), "db", o.DB)
	}
	return list
}

// timestamp is an instant as originals write it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// details is the node's entry in the fleet's details.
func (c *Config) details(inc string, now time.Time) redisbridge.Details {
	at := timestamp(now)
	return redisbridge.Details{
		Process: json.Number(c.number(*c.Rank)), Timestamp: at, Inc: inc, V: 1, Rank: fmt.Sprint(*c.Rank),
		TTL: c.TTL.Milliseconds(), MaxTTL: c.MaxTTL.Milliseconds(), Host: c.Host, PID: c.PID, Start: at,
	}
}

// number is what goes over the wire for a rank: in a mixed fleet a half more, so that
// it equals no process id.
func (c *Config) number(rank int64) string {
	if *c.Mixed {
		return fmt.Sprintf("%d.5", rank)
	}
	return fmt.Sprint(rank)
}
