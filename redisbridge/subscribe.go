package redisbridge

import (
	"errors"
	"time"
)

// subscribe opens the subscription to the three channels of a node.
func (b *Bridge) subscribe() {
	if b.stopped || b.sub != nil {
		return
	}
	b.subNo++
	b.set.Counters.Subscribes.Add(1)
	n, send := b.subNo, b.sends
	b.sub = b.set.Backend.Subscribe(
		[]string{b.comm, b.bully, b.public},
		SubscriptionHandler{
			Confirmed: func() { send(&subUp{number: n}) },
			Message:   b.hears(n),
			Ended:     func(err error) { send(&subDown{number: n, err: err}) },
		})
}

func (b *Bridge) onSubUp(m *subUp) {
	if m.number != b.subNo {
		return
	}
	b.heard, b.deaf, b.subs = true, false, 0
	b.root.Send(b.set.Owner, &Subscribed{On: true})
	b.expect, b.probe, b.armed, b.late = 0, 0, 0, 0
	b.tell(nil)
}

// maxDeafRetry is how often a refused subscription is tried again.
const maxDeafRetry = 5 * time.Second

func (b *Bridge) onSubDown(m *subDown) {
	if m.number != b.subNo || b.stopped {
		return
	}
	b.sub = nil
	b.unheard()
	b.subs++
	wait := b.backoff(b.subs, b.patience())
	if server, ok := errors.AsType[*ServerError](m.err); ok && server.Code == "NOPERM" {
		// Elections conclude without it, by polling.
		if !b.deaf {
			b.set.Logger.Warn("deaf: the server does not permit us to subscribe", "id", b.set.ID, "cause", m.err)
		}
		b.deaf = true
		wait = maxDeafRetry
		m.err = nil
	}
	b.tell(m.err)
	b.timers.sub = b.after(wait, &resub{})
}

// unheard tells the owner that nothing arrives any more, once.
func (b *Bridge) unheard() {
	if b.heard {
		b.heard = false
		b.root.Send(b.set.Owner, &Subscribed{})
	}
}

// dropSub gives up a subscription that does not hear what it should.
func (b *Bridge) dropSub(err error) {
	if b.sub == nil {
		return
	}
	b.sub.Close()
	b.onSubDown(&subDown{number: b.subNo, err: err})
	b.subNo++ // the real end comes later and is old news
}
