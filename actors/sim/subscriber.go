package sim

import "hustings/redisbridge"

// subscriber is one subscription; it is both its ends.
type subscriber struct {
	backend   *backend
	wire      wire
	channels  []string
	h         redisbridge.SubscriptionHandler
	opening   opening
	confirmed bool
	ended     bool
}

// arrive is SUBSCRIBE at the server.
func (s *subscriber) arrive() {
	r := s.backend.proc.server()
	refusal := error(nil)
	switch {
	case s.wire.clientClosed:
		s.wire.serverClosed = true
		return
	case !r.up:
		refusal = errRefused
	case r.refuseClients != nil:
		refusal = r.refuseClients
	case r.store.forbids("SUBSCRIBE"):
		refusal = &redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM this user has no permissions to run the 'subscribe' command"}
	}
	if refusal != nil {
		s.wire.serverClosed = true
		s.wire.tellClient(refusal)
		return
	}
	r.open = append(r.open, &s.wire)
	r.store.subscribe(s, s.channels)
	s.opening.answer(s.backend.proc, &s.wire)
}

// accepted is the confirmation at the client.
func (s *subscriber) accepted() {
	if s.confirmed || s.wire.clientClosed {
		return
	}
	s.confirmed = true
	p := s.backend.proc
	p.heardAt, p.hears = p.world.sched.now, s
	s.opening.done(p)
	p.world.trace.note(p, "subscribed", "", "", 0)
	s.h.Confirmed()
}

func (s *subscriber) giveUp() {
	if !s.confirmed && !s.ended {
		s.wire.closeClient()
		s.reset(errTimeout)
	}
}

// reset implements clientEnd.
func (s *subscriber) reset(err error) {
	if s.ended {
		return
	}
	s.ended = true
	p := s.backend.proc
	p.deafened()
	if p.hears == s {
		p.hears = nil
	}
	s.backend.forget(s)
	s.opening.done(p)
	p.world.trace.note(p, "subscription ended", err.Error(), "", 0)
	s.h.Ended(err)
}

// end has Ended called as an event of its own.
func (s *subscriber) end(err error) { s.backend.proc.Do(func() { s.reset(err) }) }

// gone implements serverEnd.
func (s *subscriber) gone() {
	r := s.backend.proc.server()
	s.backend.proc.deafened()
	r.drop(&s.wire)
	r.store.unsubscribe(s, s.channels)
}

// abandon implements closer.
func (s *subscriber) abandon() { s.wire.closeClient() }

// Close implements [redisbridge.Subscription].
func (s *subscriber) Close() {
	if s.ended || s.wire.clientClosed {
		return
	}
	s.wire.closeClient()
	s.end(errClosed)
}

// delivery is one published message on its way to one subscriber. It runs once
// and is used again then.
type delivery struct {
	to               *subscriber
	channel, payload string
}

func (d *delivery) run() {
	s, channel, payload := d.to, d.channel, d.payload
	w := s.backend.proc.world
	*d = delivery{}
	w.deliveries = append(w.deliveries, d)
	if !s.confirmed || s.ended || s.wire.clientClosed {
		return
	}
	w.trace.note(s.backend.proc, "heard", channel, payload, 0)
	s.h.Message(channel, payload)
}
