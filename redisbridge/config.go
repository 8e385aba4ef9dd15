package redisbridge

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/fsm"
)

// Config says which Redis a node uses and how.
type Config struct {
	// Options are the addresses, credentials and TLS settings: standalone,
	// Sentinel (MasterName) or Cluster, as go-redis takes them. hustings makes
	// its own client from a copy: no retries, timeouts tied to the TTL, one
	// connection for commands and one for the subscription. A Dialer, OnConnect,
	// ClientName and providers of credentials are used, hooks of a client of yours
	// are not. Use [ParseURL] to get them from a URL; from a redis.Options o of yours
	// take Addrs: []string{o.Addr}, Username, Password, DB and TLSConfig. Required
	// unless Backend is set.
	Options *redis.UniversalOptions
	// Prefix is the fleet's key prefix; default "ipc", the original's. One
	// prefix is one fleet. Pub/sub ignores database numbers: use another prefix
	// for another database. On Redis Cluster it must carry a hash tag: "{ipc}".
	Prefix string
	// Clock replaces the system's clocks, for tests.
	Clock Clock
	// Backend replaces go-redis, for tests.
	Backend Backend
	// Entropy replaces the system's randomness, for tests. It is called from
	// the node's actors, one at a time.
	Entropy func() uint64
}

// Settings is what a node tells its bridge. It is made once a start and shared by
// the bridge's restarts.
type Settings struct {
	ID      string
	Session *fsm.Session
	Keys    Keys
	Backend Backend
	Clock   Clock
	Entropy func() uint64
	Logger  *slog.Logger
	// Owner is the node: it gets Link, AppMessage, Suspects and the replies to
	// its own calls.
	Owner *actor.PID
	// Details is the node's details, as JSON.
	Details string
	// Number is what `me` says on the wire for a rank.
	Number func(rank int64) string
	// MaxTTL is the quarantine; 0 switches it off.
	MaxTTL time.Duration
	// SharedKeys: control messages are signed with the first, and must be signed with
	// any of them. None: they are not.
	SharedKeys [][]byte
	// MinReplicas is how many replicas must acknowledge heartbeats and claims.
	MinReplicas int
	// Conn counts connections over all restarts of the bridge.
	Conn *atomic.Uint64
	// cleared: what a former life of this id left registered was taken back. Else
	// its candidacies would live on with our session, and be waited for though
	// we do not stand. It is the bridge's, and outlives its restarts.
	cleared bool
	// Route finds the actor that an election's control messages go to, nil if none is there.
	// It is called on the bridge's goroutine, and must not block.
	Route func(election string) *actor.PID
	// Counters are shared with readers of the node's snapshot.
	Counters *Counters

	// What a bridge that panicked hands on to its successor. Only the running
	// one touches it.
	signing signing
	kept    []*Call
	inbox   inbox // shared with the goroutine of the subscription
}

// Counters count what a bridge did. Any goroutine may read them.
type Counters struct {
	Requests, Commands, Batches atomic.Uint64
	MessagesIn, MessagesOut     atomic.Uint64
	Connects, Subscribes        atomic.Uint64
	Waiting                     atomic.Uint64
	registering                 atomic.Uint64 // pipelines that may have registered us in some election
	drops                       drops
}

// Counts is a reading of Counters.
type Counts struct {
	// Requests are calls of the node and its elections; Commands what they became
	// after batching; Batches the pipelines that these travelled in.
	Requests uint64 `json:"requests"`
	Commands uint64 `json:"commands"`
	Batches  uint64 `json:"batches"`
	// MessagesIn counts every publication received: the node's own probes and broadcasts
	// too, and a batch as one. MessagesOut counts control messages and application
	// messages that the node published itself, each of a batch, and not what scripts
	// publish in Redis for it (probes, leader, vacant). So the two of a fleet do not add up.
	// Dropped were received and not fit to be used.
	MessagesIn  uint64 `json:"messages_in"`
	MessagesOut uint64 `json:"messages_out"`
	Dropped     uint64 `json:"dropped"`
	// DroppedFor is Dropped by the names of the reasons; those that did not occur are not
	// in it.
	DroppedFor map[string]uint64 `json:"dropped_for,omitempty"`
	// Of Dropped, with a SharedKey: control messages without a signature, with a wrong
	// one (or for an earlier start of this node), of another time, heard before.
	Unsigned uint64 `json:"unsigned"`
	Forged   uint64 `json:"forged"`
	Untimely uint64 `json:"untimely"`
	Replayed uint64 `json:"replayed"`
	// Connects and Subscribes count attempts.
	Connects   uint64 `json:"connects"`
	Subscribes uint64 `json:"subscribes"`
	// Waiting is how many calls wait at the moment, for their turn or for another try.
	Waiting uint64 `json:"waiting"`
}

// Read reads the counters, one after the other.
func (c *Counters) Read() Counts {
	n := Counts{
		Requests: c.Requests.Load(), Commands: c.Commands.Load(), Batches: c.Batches.Load(),
		MessagesIn: c.MessagesIn.Load(), MessagesOut: c.MessagesOut.Load(),
		Connects: c.Connects.Load(), Subscribes: c.Subscribes.Load(), Waiting: c.Waiting.Load(),
	}
	c.drops.read(&n)
	return n
}

// Registering changes whenever something goes out that may register the node in some election; it
// is never 0.
func (c *Counters) Registering() uint64 { return 1 + c.registering.Load() }

// Limits of the bridge, with what happens at each.
const (
	// maxItems of one script call; the rest goes into the next call.
	maxItems = 256
	// maxStruck elections in one call of a leave or a purge, each of which takes Redis some
	// 10 us; it is repeated until none is left.
	maxStruck = 500
	// maxCommands of one pipeline; the rest goes into the next pipeline.
	maxCommands = 512
	// maxBytes of payloads in one pipeline, unless it is a single one; the rest goes into the
	// next pipeline.
	maxBytes = 256 << 10
	// maxQueue of calls waiting; beyond it a call is answered with a fault.
	maxQueue = 1 << 18
	// MaxPayload of a received message; a larger one is counted and dropped.
	MaxPayload = 1 << 20
	// maxUnread messages and maxUnreadBytes of them that were received and not handled yet,
	// for application messages; twice as many for control messages. Beyond them they are
	// counted and dropped.
	maxUnread      = 1 << 14
	maxUnreadBytes = 8 << 20
	// back-off of reconnects and resubscriptions.
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
)
