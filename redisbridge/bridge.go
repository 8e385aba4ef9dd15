package redisbridge

import (
	"errors"
	"hash"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ErrDown is wrapped by the fault of a call that was made while the link is down.
var ErrDown = errors.New("redisbridge: no link to Redis")

// Bridge is the one actor that talks to Redis. It owns a command connection and a
// subscription, replaces either when it fails, batches calls, and turns what arrives
// into messages for other actors. It decides nothing about elections.
type Bridge struct {
	set  *Settings
	self *actor.PID
	root *actor.RootContext
	// sends is send, for callbacks: as a value it would be made anew for each.
	sends func(m any)

	ttl, maxTTL         string // the session's and the fleet's, in ms, as scripts get them
	bully, comm, public string // the channels that we hear

	conn     Conn
	number   uint64 // of the connection that is open or being opened
	name     string // the number of the one that is open, as scripts get it
	dialling bool
	flying   []flight             // what is under way, empty if nothing is
	answered func([]Reply, error) // what every pipeline of the connection calls
	scratch  scratch
	window   window // how much of what waits goes next
	waited   bool   // a WAIT for replicas ends it
	short    error  // how its answer is short of MinReplicas
	queue    [numCalls][]*Call
	spare    [numCalls][]*Call // empty, for the queues when what was in them is under way
	queued   int
	seq      uint64            // of the last call that was queued
	quits    map[string]uint64 // elections that were quit while registrations waited: when
	unclear  error             // why Settings.cleared is not set
	partly   bool              // since it takes more than one call to clear
	original *Details          // or who lives under our id
	dials    int               // attempts in a row that came to nothing: no connection, or one that served nothing

	sub    Subscription
	subNo  uint64
	heard  bool // confirmed
	deaf   bool
	subs   int    // failed attempts in a row
	probe  uint64 // highest request number whose probe arrived
	expect uint64 // request number of the last answered heartbeat
	armed  uint64 // request number of the first heartbeat since confirmation
	lively bool   // something was heard since the last check of a probe
	late   int    // checks that this has excused
	told   Link
	causes map[string]bool // of the present outage, as far as they were told

	cause    error // why there was no command connection last, nil before the first attempt has failed
	refusing error // what calls are refused with while there is none; nil: none was yet

	// The last probe: its text, its heartbeat's number, and what all probes begin with.
	probeSent string
	probeReq  uint64
	probeHead string

	// The last token that was named, and as text.
	topToken uint64
	topText  string

	stopped bool

	hashes []hash.Hash // one for each shared key
	signed []byte      // room for what is signed, and the signature behind it

	refused   [numCalls]refusals
	cautioned string // what the last server's settings put at risk

	retry  []*Call                 // kept calls that the server could not do just now
	owing  []*Call                 // what Redis refuses to do, and is to do all the same
	partAt [numCalls]time.Duration // from when on calls of a kind may be taken apart again
	logged map[string]logged       // when the log was told of each kind of cause of an outage
	hushed bool                    // it was not told of the last of these
	gloomy bool                    // the log's last word is that the link is down
	drops  dropLog
	timers timers

	entries map[string]*entry // by id, as they were read last
}

// timers are the bridge's own: each only sends a message.
type timers struct {
	dial, sub, retry Timer
}

// Messages to itself, from callbacks. Each carries the number of what it is about, so
// that news of something given up is recognised.
type (
	opened struct {
		quiet
		number uint64
		conn   Conn
		err    error
	}
	landed struct {
		quiet
		number  uint64
		replies []Reply
		err     error
	}
	subUp struct {
		quiet
		number uint64
	}
	subHeard struct {
		quiet
		number           uint64
		channel, payload string
	}
	subLost struct {
		quiet
		number         uint64
		reason         DropReason
		detail, sample string
		size           int // of the message that sample begins
	}
	subDown struct {
		quiet
		number uint64
		err    error
	}
	redial struct{ quiet }
	resub  struct{ quiet }
	again  struct{ quiet }
	owed   struct{ quiet }
)

// Props returns what to spawn. The bridge may be restarted by its supervisor at any
// time: calls under way are answered with a fault then, or handed on to its successor if
// they are kept until answered.
func Props(set *Settings) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &Bridge{
			set: set, ttl: millis(set.Session.TTL()), maxTTL: millis(set.MaxTTL), window: window{items: firstWindow},
			bully: set.Keys.Bully(set.ID), comm: set.Keys.Comm(set.ID), public: set.Keys.Public(),
			quits: map[string]uint64{}, causes: map[string]bool{},
		}
	})
}

// Receive is the actor's one entry.
func (b *Bridge) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		b.self, b.root, b.sends = ctx.Self(), ctx.ActorSystem().Root, b.send
		for _, c := range b.set.kept {
			b.enqueue(c)
		}
		b.set.kept = nil
		b.dial()
		b.subscribe()
	case *actor.Stopping:
		b.stop()
	case *actor.Restarting:
		b.handOn()
		b.stop()
	case *Call:
		b.enqueue(m)
	case *opened:
		b.onOpened(m)
	case *landed:
		b.onLanded(m)
	case *subUp:
		b.onSubUp(m)
	case *subHeard:
		b.onHeard(m)
	case *subLost:
		b.onLost(m)
	case *subDown:
		b.onSubDown(m)
	case *Resubscribe:
		if b.heard {
			b.dropSub(errEvicted)
		}
	case *Drop:
		b.drop(m.Reason, "", m.Sample)
	case *redial:
		b.dial()
	case *resub:
		b.subscribe()
	case *owed:
		b.onOwed()
	case *again:
		b.onAgain()
	}
	// Hardly a message changes it, and a write to what others read costs more than a look.
	if waiting := uint64(b.queued + len(b.retry) + len(b.owing)); b.set.Counters.Waiting.Load() != waiting { //nolint:gosec // not negative
		b.set.Counters.Waiting.Store(waiting)
	}
}

func (b *Bridge) send(m any) { b.root.Send(b.self, m) }

func (b *Bridge) after(d time.Duration, m any) Timer {
	root, self := b.root, b.self
	return b.set.Clock.AfterFunc(d, func() { root.Send(self, m) })
}

// dial opens a command connection with the next number. Scripts carry the number, so
// that nothing sent on this one's predecessors takes effect after its first script.
func (b *Bridge) dial() {
	if b.stopped || b.conn != nil || b.dialling {
		return
	}
	b.number = b.set.Conn.Add(1)
	b.dialling = true
	b.set.Counters.Connects.Add(1)
	n, send := b.number, b.sends
	b.set.Backend.Connect(func(c Conn, err error) { send(&opened{number: n, conn: c, err: err}) })
}

func (b *Bridge) onOpened(m *opened) {
	if m.number != b.number || b.stopped {
		if m.conn != nil {
			m.conn.Close()
		}
		return
	}
	b.dialling = false
	if m.err != nil {
		b.failed(m.err)
		return
	}
	b.conn, b.name = m.conn, utoa(b.number)
	// One message tells of all its pipelines: the next goes out when it has been handled.
	l, send := &landed{number: b.number}, b.sends
	b.answered = func(replies []Reply, err error) {
		l.replies, l.err = replies, err
		send(l)
	}
	if c, ok := m.conn.(Cautious); ok && c.Caution() != b.cautioned {
		if b.cautioned = c.Caution(); b.cautioned != "" {
			b.set.Logger.Warn("Redis may evict", "id", b.set.ID, "cause", b.cautioned)
		}
	}
	b.tell(nil)
	b.flush()
}

// failed: there is no command connection. What cannot wait is answered, the rest
// waits for the next one.
func (b *Bridge) failed(err error) {
	most := b.patience()
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
		most = b.set.Session.TTL() / 10 // it takes connections: it may serve at any time
	}
	b.number = b.set.Conn.Add(1) // news of the old one is recognised as old
	b.dialling = false
	flying := b.flying
	b.flying = nil
	if len(flying) > 0 {
		b.window.lost()
		b.scratch = scratch{} // it may be read still
	}
	b.cause, b.refusing = err, nil
	b.unanswered(flying)
	for k := range b.queue {
		if calls := b.queue[k]; len(calls) > 0 && !CallKind(k).kept() {
			b.queue[k] = nil
			b.queued -= len(calls)
			b.refuse(calls, b.downErr())
		}
	}
	b.tell(err)
	b.dials++
	wait := b.backoff(b.dials, most)
	if b.timers.dial != nil {
		b.timers.dial.Reset(wait) // in an outage there are many
	} else {
		b.timers.dial = b.after(wait, &redial{})
	}
}

// unanswered: the link failed while calls were under way. Their outcome is unknown.
// Those that are kept go first on the next connection, in the order they had.
func (b *Bridge) unanswered(flying []flight) {
	for _, f := range slices.Backward(flying) {
		if f.kind.kept() {
			b.queue[f.kind] = append(slices.Clip(f.calls), b.queue[f.kind]...)
			b.queued += len(f.calls)
		}
	}
	for _, f := range flying {
		if !f.kind.kept() {
			for _, c := range f.calls {
				b.unsure(c, b.downErr())
			}
		}
	}
}

// refuse answers calls that did not go out, or were to go out again.
func (b *Bridge) refuse(calls []*Call, why error) {
	for _, c := range calls {
		if c.alone {
			b.unsure(c, why)
		} else {
			b.answer(c, fault(c, why))
		}
	}
}

// patience is the longest that it waits for a server that is not there: 2 s, or half the
// TTL if that is less. Who waits longer than its trust lasts loses its office to the waiting.
func (b *Bridge) patience() time.Duration { return min(backoffMax, b.set.Session.TTL()/2) }

// backoff doubles from 50 ms to most, plus up to half of it by chance.
func (b *Bridge) backoff(attempt int, most time.Duration) time.Duration {
	d := min(backoffMin<<min(attempt-1, 10), most)
	return d + time.Duration(b.set.Entropy()%uint64(d/2)) //nolint:gosec // d > 0
}

// handOn answers what can be answered with a fault, and leaves the rest to the successor.
func (b *Bridge) handOn() {
	for _, f := range b.flying {
		for _, c := range f.calls {
			if f.kind.kept() {
				b.queue[f.kind] = append(b.queue[f.kind], c)
			} else {
				b.unsure(c, errRestarted)
			}
		}
	}
	b.set.kept = append(append(b.set.kept, b.retry...), b.owing...)
	for k, calls := range b.queue {
		if CallKind(k).kept() { //nolint:gosec // k < numCalls
			b.set.kept = append(b.set.kept, calls...)
		} else {
			b.refuse(calls, errRestarted)
		}
	}
}

var errRestarted = down(errors.New("redisbridge: the bridge was restarted"))

// retryAfter is how long a kept call waits that the server could not do.
const retryAfter = 250 * time.Millisecond

// later keeps calls for another try.
func (b *Bridge) later(calls []*Call) {
	b.retry = append(b.retry, calls...)
	for k := range b.queue {
		if CallKind(k).kept() { //nolint:gosec // k < numCalls
			// Newer ones must not overtake.
			b.retry = append(b.retry, b.queue[k]...)
			b.queued -= len(b.queue[k])
			b.queue[k] = nil
		}
	}
	if b.timers.retry == nil {
		b.timers.retry = b.after(retryAfter, &again{})
	}
}

func (b *Bridge) onAgain() {
	calls := b.retry
	b.retry, b.timers.retry = nil, nil
	for _, c := range calls {
		b.enqueue(c)
	}
}

// stop gives everything back. The backend is the node's and stays open: a restarted
// bridge uses it again.
func (b *Bridge) stop() {
	b.stopped = true
	for _, t := range []Timer{b.timers.dial, b.timers.sub, b.timers.retry} {
		if t != nil {
			t.Stop()
		}
	}
	if b.conn != nil {
		b.conn.Close()
	}
	if b.sub != nil {
		b.sub.Close()
	}
	b.unheard()
}
