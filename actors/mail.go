package actors

import (
	"fmt"

	"hustings/redisbridge"
)

// sendMessage is an application message to be published. Both forms are packed by the
// caller; which one goes out depends on who receives it. done is called once.
type sendMessage struct {
	silent
	to        string // "" for a broadcast
	envelope  string
	bare      string
	bareError error // the value has no JSON form, and an original would need it
	done      func(receivers int64, err error)
}

// sendMessage publishes one. Whom the node does not know it asks Redis about first.
func (n *nodeActor) sendMessage(m *sendMessage) {
	keys := redisbridge.Keys(n.cfg.Redis.Prefix)
	if n.phase != ready {
		m.done(0, n.notReady())
		return
	}
	if m.to == "" {
		n.publishTo(keys.Public(), m, n.fleet.mixed)
		return
	}
	if i, ok := n.fleet.find(m.to); ok {
		n.publishTo(keys.Comm(m.to), m, n.fleet.known[i].Original)
		return
	}
	n.corr++
	n.peers[n.corr] = func(a *redisbridge.PeerAnswer) {
		switch {
		case a.Err != nil:
			m.done(0, fmt.Errorf("send to %q: %w: %w", m.to, ErrUnreachable, a.Err))
		default:
			n.publishTo(keys.Comm(m.to), m, a.Listed && a.Details.Original())
		}
	}
	n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallPeer, ReplyTo: n.ctx.Self(), Gen: n.corr, Target: m.to})
}

func (n *nodeActor) onPeer(a *redisbridge.PeerAnswer) {
	if done := n.peers[a.Gen]; done != nil {
		delete(n.peers, a.Gen)
		done(a)
	}
}

func (n *nodeActor) publishTo(channel string, m *sendMessage, bare bool) {
	payload := m.envelope
	if bare {
		if m.bareError != nil {
			m.done(0, m.bareError)
			return
		}
		payload = m.bare
	}
	n.corr++
	n.sends[n.corr] = m.done
	n.env.root.Send(n.env.bridge, &redisbridge.Call{
		Kind: redisbridge.CallPublish, ReplyTo: n.ctx.Self(), Gen: n.corr, Channel: channel, Payload: payload,
	})
}

func (n *nodeActor) onPublished(p *redisbridge.Published) {
	done := n.sends[p.Gen]
	if done == nil {
		return
	}
	delete(n.sends, p.Gen)
	switch {
	case p.Err != nil:
		done(0, fmt.Errorf("%w: %w", ErrUnreachable, p.Err))
	case p.Receivers == 0:
		done(0, ErrNoReceiver)
	default:
		done(p.Receivers, nil)
	}
}

func (n *nodeActor) onMessage(m *redisbridge.AppMessage) {
	from := m.Payload.From
	if from != "" {
		// An envelope only says who sent it. Where we know the sender's
		// incarnation it must be that one.
		if i, ok := n.fleet.find(from); ok && n.fleet.known[i].inc != m.Payload.Inc {
			n.env.root.Send(n.env.bridge, &redisbridge.Drop{Reason: redisbridge.DropOtherName, Sample: from})
			return
		}
	}
	n.hub.publish(n, &Message{At: n.env.clock.Now(), From: from, Broadcast: m.Broadcast, Payload: m.Payload})
}
