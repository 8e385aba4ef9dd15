package fsm

import (
	"sync/atomic"
	"time"
)

// Tenancy is the pair that every safety rule turns on: the session's birth and
// the dataset's epoch. Redis names it in every reply of heartbeat, claim and
// re-assert. A leadership belongs to the tenancy in which it was claimed or last
// re-asserted.
type Tenancy struct {
	// Birth is "<incarnation>-<request number>" of the heartbeat that created
	// the session.
	Birth string
	// Epoch is the random name of the dataset.
	Epoch string
}

// Trust is how long one tenancy is believed: until the instant just before its
// latest answered heartbeat was sent, plus TTL, less a margin. It is kept on both
// clocks; whichever ends first ends it. A lapse is final: once anybody has seen it,
// the trust is over and nothing revives it.
//
// One goroutine extends it (the node's); any goroutine may ask.
type Trust struct {
	tenancy    Tenancy
	mono, wall atomic.Int64
	over       atomic.Bool
}

func newTrust(t Tenancy, until Instant) *Trust {
	tr := &Trust{tenancy: t}
	tr.mono.Store(int64(until.Mono))
	tr.wall.Store(int64(until.Wall))
	return tr
}

// Tenancy returns what is trusted.
func (t *Trust) Tenancy() Tenancy { return t.tenancy }

// Until returns when the trust ends if it is not extended.
func (t *Trust) Until() Instant {
	return Instant{time.Duration(t.mono.Load()), time.Duration(t.wall.Load())}
}

// Holds reports whether the trust lasts at now. A nil Trust never holds.
func (t *Trust) Holds(now Instant) bool {
	if t == nil || t.over.Load() {
		return false
	}
	// The two are stored one after the other, the wall clock's first, and the
	// monotonic one only ever grows: a reader between them sees at most an end that
	// is too early.
	if int64(now.Mono) < t.mono.Load() && int64(now.Wall) < t.wall.Load() {
		return true
	}
	t.over.Store(true)
	return false
}

// Left returns for how long the trust lasts yet, by the clock on which it ends first; 0 if
// it does not hold.
func (t *Trust) Left(now Instant) time.Duration {
	if !t.Holds(now) {
		return 0
	}
	until := t.Until()
	return max(min(until.Mono-now.Mono, until.Wall-now.Wall), 0)
}

// extend takes the end that a heartbeat gives, if it was sent later than those before
// it, which the monotonic clock tells. The wall clock's end comes from the same
// heartbeat, and may be earlier than the one before: the clock was set back. (The later
// of the two would leave the wall clock without a say until it has caught up.) Lapsed
// trust stays lapsed. It reports whether the trust holds.
func (t *Trust) extend(now, until Instant) bool {
	if !t.Holds(now) {
		return false
	}
	if int64(until.Mono) > t.mono.Load() {
		t.wall.Store(int64(until.Wall))
		t.mono.Store(int64(until.Mono))
	}
	return true
}

// Lease is one term of office: a token, and the trust it rests on. Its election is
// the one writer; any goroutine may ask. Once it is not valid it never is again.
type Lease struct {
	token  uint64
	trust  atomic.Pointer[Trust]
	closed atomic.Bool
}

func newLease(token uint64, trust *Trust) *Lease {
	l := &Lease{token: token}
	l.trust.Store(trust)
	return l
}

// Token is the fencing token of this term.
func (l *Lease) Token() uint64 { return l.token }

// Valid reports whether the lease is ours at now. It is computed at each call.
func (l *Lease) Valid(now Instant) bool {
	if l == nil || l.closed.Load() {
		return false
	}
	if l.trust.Load().Holds(now) {
		return true
	}
	l.closed.Store(true)
	return false
}

// Until is the instant at which the lease ends unless it is renewed.
func (l *Lease) Until() Instant { return l.trust.Load().Until() }

// Left returns for how long the lease lasts unless it is renewed; 0 if it is not valid.
func (l *Lease) Left(now Instant) time.Duration {
	if !l.Valid(now) {
		return 0
	}
	return l.trust.Load().Left(now)
}

// Close ends the lease for good.
func (l *Lease) close() { l.closed.Store(true) }
