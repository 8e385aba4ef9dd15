package actors

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"hustings/fsm"
)

// Leadership is one term of office: from a granted claim until its trust ends, or it is
// given up. All methods may be called from any goroutine, also after the end, and on nil,
// which is no term: it is not valid, and its context is done.
type Leadership struct {
	election string
	lease    *fsm.Lease
	env      *env
	ending   atomic.Pointer[ending] // made when first asked for
	cause    atomic.Pointer[fsm.Cause]
	finished atomic.Bool
	quit     atomic.Bool // the election was quit in this term
	held     bool        // somebody was handed it, and says when its work has stopped; the actor's
}

func newLeadership(election string, lease *fsm.Lease, e *env) *Leadership {
	return &Leadership{election: election, lease: lease, env: e}
}

// ending is the context that ends with a term. Of ten thousand terms few have somebody who
// asks for it.
type ending struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// over returns the term's own context and what cancels it.
func (l *Leadership) over() *ending {
	if o := l.ending.Load(); o != nil {
		return o
	}
	o := &ending{}
	o.ctx, o.cancel = context.WithCancelCause(context.Background())
	if !l.ending.CompareAndSwap(nil, o) {
		return l.ending.Load()
	}
	// Either we see the cause here, or end, which stores it first, sees the context.
	if l.cause.Load() != nil {
		o.cancel(l.lost())
	}
	return o
}

// lost is why the term has ended, as an error.
func (l *Leadership) lost() error { return &lostError{l.election, *l.cause.Load()} }

// Election returns the election's name, "" for a nil Leadership.
func (l *Leadership) Election() string {
	if l == nil {
		return ""
	}
	return l.election
}

// Token is the fencing token: it strictly rises from term to term of an election.
// Pass it with every write, and let the store refuse an older one. A nil Leadership has 0,
// which is older than any.
func (l *Leadership) Token() uint64 {
	if l == nil {
		return 0
	}
	return l.lease.Token()
}

// Valid reports whether this node leads at this instant: it compares the clocks with
// the end of the trusted time at each call. Once false it stays false.
//
// A true answer is true of the instant of the call. Whoever acts on it later, after a
// long pause of the process for example, needs the token.
// A nil Leadership is not valid.
func (l *Leadership) Valid() bool { return l != nil && l.lease.Valid(l.env.clock.Now()) }

// trusted is how long one heartbeat is trusted.
func (l *Leadership) trusted() time.Duration { return l.env.cfg.TTL - fsm.Margin(l.env.cfg.TTL) }

// Until returns when trust ends unless a heartbeat is answered before; the zero Instant
// for a nil Leadership.
func (l *Leadership) Until() fsm.Instant {
	if l == nil {
		return fsm.Instant{}
	}
	return l.lease.Until()
}

// Left returns for how long trust lasts yet unless a heartbeat is answered before, by the
// clock on which it ends first; 0 if the term is not valid, or l is nil.
func (l *Leadership) Left() time.Duration {
	if l == nil {
		return 0
	}
	return l.lease.Left(l.env.clock.Now())
}

// Context is done when the work must stop: the term has ended, or is being given up.
// context.Cause tells why, and wraps ErrLost. Err compares with the clocks at each call.
// That of a nil Leadership is done.
func (l *Leadership) Context() context.Context {
	if l == nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(ErrLost)
		return ctx
	}
	o := l.over()
	return leaderContext{o.ctx, l, o.cancel}
}

// Release gives up the office and, unless Run was asked for, the candidacy. It returns
// when Redis knows, or ctx ends. Call it when the work has stopped, also after the
// context was cancelled: until then the office is kept for it, up to DrainTimeout. A
// second call does nothing and returns nil, nor does one of a nil Leadership.
func (l *Leadership) Release(ctx context.Context) error {
	if l == nil || !l.finished.CompareAndSwap(false, true) {
		return nil
	}
	return l.finish(ctx, false)
}

// finish tells the election that the work has stopped. again: its holder contends again.
func (l *Leadership) finish(ctx context.Context, again bool) error {
	e := l.env.elections.find(l.election)
	if e == nil {
		return nil // the term ended with its actor
	}
	ch, done := answers[struct{}]()
	m := &finished{l: l, again: again, done: func(err error) { done(struct{}{}, err) }}
	_, err := askAt(ctx, l.env.handle(), stay{l.election, e.pid}, m, ch)
	if errors.Is(err, errGone) {
		return nil // and the term with it
	}
	return err
}

// end cancels the context.
func (l *Leadership) end(why fsm.Cause) {
	l.cause.CompareAndSwap(nil, &why)
	if o := l.ending.Load(); o != nil {
		o.cancel(l.lost())
	}
}

// leaderContext is a context that looks at the clocks, since a timer may be late: after
// a pause of the process it must not say that all is well.
type leaderContext struct {
	context.Context
	l      *Leadership
	cancel context.CancelCauseFunc
}

// Err is nil while the leadership lasts at this instant.
func (c leaderContext) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	if !c.l.Valid() {
		c.l.end(fsm.Cause{Code: fsm.CauseLapsed, D: c.l.trusted()})
		c.cancel(c.l.lost())
	}
	return c.Context.Err()
}

// under returns a context that ends with the leadership or with the parent.
func (l *Leadership) under(parent context.Context) (context.Context, context.CancelFunc) {
	over := l.over().ctx
	ctx, cancel := context.WithCancelCause(parent)
	stop := context.AfterFunc(over, func() { cancel(context.Cause(over)) })
	return leaderContext{ctx, l, cancel}, func() { stop(); cancel(nil) }
}
