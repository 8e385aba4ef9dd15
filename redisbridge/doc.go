// Package redisbridge is the only package of hustings that knows Redis: the bridge
// actor, the codec of the wire, the names of keys and channels, the Lua scripts, and
// below them a small asynchronous seam, [Backend], with an implementation on go-redis.
// It also holds the [Clock], the one source of time.
//
// Users need [Config], [ParseURL] and the packers of it. The rest is for package actors,
// the simulation and the test kits; docs/protocol.md is the contract that all of them
// and the scripts are held to.
//
// # Authority
//
// Redis decides, in scripts; each script is one atomic step. The bridge decides nothing
// about elections. It carries calls to Redis and answers back, and turns what is
// published into messages, unverified where they come from other nodes.
//
// # What local time may decide
//
// When to try again, and when a server that does not answer counts as lost. Sessions are
// set with relative TTLs, and what a script compares is Redis's own TIME. The only reading
// of a client's clock that goes to Redis is when it started, in its details, for people.
//
// # The bridge
//
// A [Bridge] is spawned by its node and restarted by it. It owns a command connection, a
// subscription and the queues of waiting calls. Which election's actor gets which control
// message its node tells ([Settings].Route). It is fed by [Call] messages, by its timers, and by the
// callbacks of the seam, which carry the number of the connection or subscription that
// they are about, so that news of one that was given up is recognised and dropped.
//
// Connections. The command connection and the subscription are opened at the same time
// and replaced independently. The owner gets a [Link] whenever it matters. The link is up
// when commands are answered and the server has confirmed all three channels.
//
// Connection numbers. Every command connection has a higher number than the one before,
// also over restarts of the bridge. Scripts carry it, the session in Redis keeps the
// highest, and a script with a lower one does nothing ("stale"). So whatever was sent on
// a connection that was given up has no effect after the first script of its successor.
// Release is not fenced: it names a token, and matches only the record that carries it.
//
// Watchdog. The heartbeat's script publishes a probe to the node's own channel. If the
// next heartbeat is answered and the probe of the one before it has not come, the
// subscription is dead, or reads another server than the commands do: it is closed and
// opened again. No extra request, no PING; a dead subscription is noticed within two
// heartbeats.
//
// Batching. A lone call goes out at once. What comes while a pipeline is under way goes
// out together in the next one, calls of one kind in one script call where they can be:
// surveys, releases, quits; claims and re-assertions of one tenancy; control messages to
// one node of ours as one message of type batch. Kinds go out in a fixed order, what
// gives something up before what asks for something, and registrations before what is for
// candidates only. How much goes into one pipeline is bounded by how long the last ones took:
// less after one that took more than TTL/16, so that heartbeats get through to a server that
// thousands of elections keep busy. Large application messages go out a few at a time for the
// same reason.
// A leave and a purge go over all elections of a node: in portions, a call each, so that
// others get their turn. What registers us waits until a leave is done.
//
// Kept calls. Release, quit and leave are kept over reconnects and retried until the
// server has carried them out; somebody waits for what they give up. A release or a quit
// that the server refuses is answered with the refusal and tried again every second, each
// alone, so that one does not stand in the way of others; a leave that it refuses is given
// up. A quit that comes while there is no connection is answered at once if nothing that
// registers us has gone out since its candidacy began. All other calls fail at once while there
// is no connection, and with an unknown outcome when the connection is lost under them. What it
// refuses of surveys, claims and re-assertions that travelled together is asked for once more,
// each alone, of each kind once a second at most. Nothing is ever repeated below this: go-redis
// does not retry here.
//
// Back-off. After a failure the next attempt comes after 50 ms, doubling to 2 s or half
// the TTL, whichever is less, plus up to half of it by chance; to a tenth of the TTL where a
// connection opened and was lost before it served anything. A refusal to subscribe (NOPERM) is tried again every 5 s; the
// node is "deaf" meanwhile, and elections go on by looking at Redis. A kept call that the
// server could not do just now is tried again after 250 ms.
//
// # The seam and the goroutines
//
// A [Backend] does not block: it calls back, on any goroutine, and the callbacks only
// send messages. The one on go-redis ([NewBackend]) has one goroutine for each open
// command connection, which executes one pipeline after the other, and one for each
// subscription, which blocks in Receive. Each has a go-redis client of its own with one
// socket that may be dialled once: what go-redis does by itself (retries, redials,
// resubscribing, pools, health checks, maintenance notifications) is switched off or
// refused, and closing a link closes its socket, whatever go-redis is waiting for.
// Connecting, each pipeline, and the confirmation of a subscription are bounded by
// Timeout, which the node sets to TTL/3. RESP2 is spoken.
//
// A new connection sends PING and loads the scripts. A script that the server has
// forgotten (NOSCRIPT) was not executed and is sent again with its text, and with the
// scripts behind it in the pipeline: each may be repeated, and their order counts.
//
// With Sentinel each new connection asks the Sentinels for the master. One goroutine for each
// Sentinel listens to it, and closes the connections to a primary that is one no more: the
// server does not for some ten seconds. On Cluster each
// asks the configured nodes, from a random one on, for the owner of the fleet's slot, and
// commands and subscription go to that node; the prefix must carry a hash tag.
//
// # Errors
//
// [Classify] says what an error asks for:
//
//	Outage     the server can't be reached, or the link broke: try again on a new
//	           connection; what was under way has an unknown outcome
//	Reconnect  the wrong server, or one that can't serve yet (READONLY, MOVED, ASK,
//	           LOADING, CLUSTERDOWN, MASTERDOWN): look for the right one
//	Busy       the right server can't just now (BUSY, OOM, MISCONF, NOREPLICAS,
//	           TRYAGAIN): the connection is good
//	Refused    it will never do this command: a defect here or there
//	Permanent  only a person can heal it (NOAUTH, WRONGPASS, NOPERM, CROSSSLOT,
//	           WRONGTYPE, DENIED, a bad certificate, an impossible configuration)
//
// What nobody knows is an Outage, since retrying is harmless. A Permanent error ends a
// node that was never ready, and is an outage with a cause for one that was. Passwords
// are taken out of what a server says, [ParseURL] never repeats its input, and [Redact]
// makes a URL fit for a log.
//
// # Limits
//
//	256 items in one script call          the rest goes into the next call
//	500 elections in one leave or purge   repeated until none is left
//	512 commands in one pipeline          the rest goes into the next pipeline
//	32 to 4,096 items in one pipeline     as the server keeps up; the rest goes into the next
//	256 KiB of payloads in one pipeline   or one that is larger; the rest goes into the next
//	262,144 calls waiting                 a further one is answered with a fault
//	1 MiB of a received message           counted and dropped (MaxPayload)
//	1,024 messages in a received batch    counted and dropped, with all of it
//	16,384 messages or 8 MiB that wait    counted and dropped; control messages find room for
//	to be handled                         twice as much, and the bridge's own probes beside them
//	100 levels of MessagePack             counted and dropped
//	256 bytes of an id, a name, a prefix  refused (CheckName)
//	2^53 for a token on the wire          the message is dropped
//	1 hour of announced draining          cut to that
//	1,024 messages or 8 MiB before all    the subscription ends and is opened again
//	channels are confirmed
//
// # What arrives
//
// Anybody who may PUBLISH can send anything. [DecodeControl] and [Unpack] take any bytes
// without panicking; what is not a message is counted in [Counts].Dropped and logged at
// most once a second, with a sample and the number since the last line. A control message
// that is well-formed is handed to its election as [Heard]; the election verifies the
// sender with Redis unless its round expects it.
//
// # Packers
//
// Application messages among ours travel in an envelope that names the sender: JSON, or
// MessagePack, whose first byte tells that it is a map and so tells the two apart. What is
// received is recognised whatever was sent. To originals, and on the public channel while
// one is in the fleet, bare JSON is sent.
//
// # What is not promised
//
// The bridge does not promise that a published message arrives, nor that a call took
// effect whose answer is a fault, nor that it did not. It promises one answer to each
// call that has a ReplyTo.
//
// # Concurrent use
//
// The bridge's state belongs to its actor. [Settings] is made once a start and shared by
// the bridge's restarts. Backends, connections, subscriptions and clocks may be used from
// any goroutine; one Do at a time on a connection. [Counters] may be read by anybody.
//
// # Files
//
//	config.go   Config, Settings, Counters, limits
//	bridge.go   the actor: the command connection, back-off, calls that are kept, restarts
//	subscribe.go, link.go  the subscription; telling the owner how things stand
//	calls.go    Call and its answers; Link, Heard, AppMessage
//	batch.go    queues and pipelines; compose.go writes their commands; window.go bounds them
//	land.go     replies become answers, land_election.go those of elections; reply.go reads
//	refusal.go  telling what the server refuses
//	hear.go     what the subscription hears; the watchdog
//	drop.go     why messages are dropped, counted and logged
//	inbox.go    bounds what was received and waits
//	wire.go     control messages, names, details; codec.go, details.go read and write most
//	sign.go     signed control messages
//	packer.go   application messages; nesting.go bounds them
//	keys.go     keys and channels
//	script.go   the scripts, scripts/*.lua; scratch.go is the room for their arguments
//	replicas.go WAIT, for MinReplicas
//	seam.go     Backend, Conn, Subscription, Clock
//	goredis.go  the Backend on go-redis: goredis_link.go, goredis_dial.go, goredis_conn.go,
//	            goredis_sub.go, goredis_sentinel.go
//	clock.go    the system's clock, the one file that calls package time's; entropy.go
//	errors.go   classes of errors
//	url.go      Redis URLs
//	fence.go    Fence, with fence.lua: writes that tokens guard; apart from the rest
package redisbridge
