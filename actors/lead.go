package actors

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// Campaign stands in an election and returns when this node is elected. When ctx ends
// first, it withdraws (unless Run was called), waits a TTL at most for Redis to know, and
// returns ctx's cause. One contender an election and node: a second gets ErrBusy, also
// while somebody holds the term. ErrQuit: the election was quit meanwhile, by Quit or
// Offline. ErrStopped: the node stops, or is replaced; Err tells the last. ErrOffline: the
// node was offline before. Over a restart of its actor it goes on waiting.
//
// ctx does not bound the leadership: watch its Context, and call Release when the work has
// stopped.
func (n *Node) Campaign(ctx context.Context, election string) (*Leadership, error) {
	for {
		l, err := n.campaign(ctx, election)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errRestarted) && !errors.Is(err, errGone) {
			return l, err
		}
	}
}

// campaign contends with one actor of the election: errRestarted or errGone if that
// panicked or has stopped meanwhile.
func (n *Node) campaign(ctx context.Context, election string) (*Leadership, error) {
	pid, err := n.election(ctx, election)
	if err != nil {
		return nil, fmt.Errorf("campaign %q: %w", election, err)
	}
	ch, done := answers[*Leadership]()
	c := &contender{done: done}
	l, err := askAt(ctx, n, stay{election, pid}, &contend{c: c}, ch)
	if err == nil {
		return l, nil
	}
	switch a := c.leave(); {
	case a == nil:
		n.recant(ctx, pid, c)
	case ctx.Err() == nil: // answered, perhaps in the instant in which its actor stopped
		if l, err = a.value, a.err; err == nil {
			return l, nil
		}
	case a.value != nil: // elected in the same instant: not wanted any more
		n.letGo(ctx, a.value)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, fmt.Errorf("campaign %q: %w", election, err)
}

// recant tells an actor that a contender has left. It returns when Redis knows, or after a
// TTL: then Redis is away, and is told when it is back. One whose place another has taken
// is not waited for.
func (n *Node) recant(ctx context.Context, pid *actor.PID, c *contender) {
	gone := make(chan struct{})
	n.send(ctx, pid, &recant{c: c, done: func(error) { close(gone) }})
	if ctx.Err() == nil {
		return
	}
	bounded, cancel := n.bounded(ctx)
	defer cancel()
	select {
	case <-gone:
	case <-bounded.Done():
	case <-n.shared.done:
	}
}

// Lead contends in an election and runs work each time this node is elected; it returns
// when the work is done, or ctx ends.
//
// The context that work gets ends when leadership ends or ctx does; work must return soon
// then, since the office is released only when it has, or DrainTimeout later. If work
// returns while leadership lasts, the office is given up and Lead returns the work's
// error. If it returns after leadership has ended, its error is logged and Lead contends
// again, unless Quit was called: then it returns ErrQuit. A panic in work counts as an error
// (ErrPanic). When ctx ends, Lead waits for the work, withdraws, logs the work's error, and
// returns ctx's cause. The other errors are Campaign's.
//
// Whoever calls it in a loop waits after work that failed, longer each time: the highest rank
// is elected again at once, and takes the office from those whose work would succeed. Where
// work fails at once that is thousands of terms a second.
//
// work runs on the goroutine that called Lead. To end it from inside, return: Quit, Resign,
// ResignTo, StandDown, Offline and Stop would wait for it.
func (n *Node) Lead(ctx context.Context, election string, work func(ctx context.Context, l *Leadership) error) error {
	for {
		l, err := n.Campaign(ctx, election)
		if err != nil {
			return err
		}
		err = n.run(ctx, l, work)
		lasting := l.cause.Load() == nil && l.Valid()
		switch {
		case ctx.Err() != nil:
			n.letGo(ctx, l)
			n.untold(err, election)
			return fmt.Errorf("lead %q: %w", election, context.Cause(ctx))
		case lasting:
			n.letGo(ctx, l)
			if err != nil {
				return fmt.Errorf("lead %q: %w", election, err)
			}
			return nil
		}
		n.untold(err, election)
		if l.finished.CompareAndSwap(false, true) {
			_ = l.finish(ctx, true)
		}
		if l.quit.Load() {
			return fmt.Errorf("lead %q: %w", election, ErrQuit)
		}
	}
}

// run runs the work of a term. If it ends the goroutine, as a test's FailNow does, the
// office is given up all the same.
func (n *Node) run(ctx context.Context, l *Leadership, work func(context.Context, *Leadership) error) error {
	workCtx, cancel := l.under(ctx)
	var over atomic.Bool
	unwant := func() {
		if e := l.env.elections.find(l.election); e != nil && !over.Load() {
			n.send(ctx, e.pid, &unwanted{l: l})
		}
	}
	// By a timer: a simulation fires it when work that returns at once has. It is not left to chance.
	stop := context.AfterFunc(ctx, func() { n.after(0, unwant) })
	returned := false
	defer func() {
		over.Store(true)
		stop()
		cancel()
		if !returned {
			n.letGo(ctx, l)
		}
	}()
	err := guarded(workCtx, l, work)
	returned = true
	return err
}

// untold logs the error of work which Lead does not return.
func (n *Node) untold(err error, election string) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		n.cfg.Logger.Warn("work ended with its leadership", "id", n.cfg.ID, "election", election, "error", err.Error())
	}
}

// letGo releases, without a context of its own to end it: the release is on its way
// however long it is waited for, and nobody waits longer than a TTL.
func (n *Node) letGo(ctx context.Context, l *Leadership) {
	ctx, cancel := n.bounded(ctx)
	defer cancel()
	_ = l.Release(ctx)
}

// bounded returns a context for what comes after ctx has ended: it ends after a TTL.
func (n *Node) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := n.after(n.cfg.TTL, cancel)
	return ctx, func() { t.Stop(); cancel() }
}

// after calls f later, for code outside the actors.
func (n *Node) after(d time.Duration, f func()) redisbridge.Timer {
	if o, ok := n.cfg.Redis.Clock.(redisbridge.Outsider); ok {
		return o.OutsideAfter(d, f)
	}
	return n.cfg.Redis.Clock.AfterFunc(d, f)
}

// guarded runs the work; its panic becomes an error.
func guarded(ctx context.Context, l *Leadership, work func(context.Context, *Leadership) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, r, debug.Stack())
		}
	}()
	return work(ctx, l)
}
