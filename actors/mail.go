package actors

import (
	"context"
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
			// Who is subscribed, and neither listed nor has a session, is an original: ours
			// are registered for as long as they live.
			bare := a.Details.Original()
			if !a.Listed {
				bare = a.Live <= 0 && a.Subscribers != 0
			}
			n.publishTo(keys.Comm(m.to), m, bare)
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
		Kind: redisbridge.CallPublish, ReplyTo: n.ctx.Self(), Gen: n.corr, Target: channel, Payload: payload,
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

// Send sends a value to one node and returns how many received it: 1, or more if others
// listen to its channel too. ErrNoReceiver if nobody did. Delivery is at most once. The
// value must have a JSON form, or a MessagePack form if the Packer says so and the
// receiver is one of ours; else the error is redisbridge.ErrNoForm.
//
// ErrConfig: the id is empty or longer than 4,096 bytes, or the message is larger than 1 MiB
// with its envelope.
// ErrUnreachable: there is no link, or it was lost; then it may have been sent. It waits
// for Redis, so give it a ctx that ends. It works offline and while elections stand down,
// and is refused with an error before the node is ready. An actor must not wait for it:
// call it on a goroutine.
func (n *Node) Send(ctx context.Context, to string, value any) (receivers int64, err error) {
	if err := redisbridge.CheckReceiver(to); err != nil {
		return 0, fmt.Errorf("%w: send: server id %q %w", ErrConfig, to, err)
	}
	receivers, err = n.publish(ctx, to, value)
	if err != nil {
		return receivers, fmt.Errorf("send to %q: %w", to, err)
	}
	return receivers, nil
}

// Broadcast sends a value to every node, this one included, and returns how many received
// it. While an original is listed it goes out as bare JSON, without a sender. One that is
// subscribed and not listed, or listed for less than TTL/3, may get it in an envelope.
// Limits, errors and the rest are those of Send.
func (n *Node) Broadcast(ctx context.Context, value any) (receivers int64, err error) {
	receivers, err = n.publish(ctx, "", value)
	if err != nil {
		return receivers, fmt.Errorf("broadcast: %w", err)
	}
	return receivers, nil
}

func (n *Node) publish(ctx context.Context, to string, value any) (int64, error) {
	env := n.shared.start.Load()
	if env == nil {
		return 0, n.stoppedErr()
	}
	m := &sendMessage{to: to}
	var err error
	if m.envelope, err = redisbridge.Pack(n.cfg.Packer, n.cfg.ID, env.session.Inc(), value, false); err != nil {
		return 0, err
	}
	m.bare, m.bareError = redisbridge.Pack(n.cfg.Packer, n.cfg.ID, env.session.Inc(), value, true)
	if len(m.envelope) > redisbridge.MaxPayload || len(m.bare) > redisbridge.MaxPayload {
		return 0, fmt.Errorf("%w: the message is larger than %d bytes: send a reference instead", ErrConfig, redisbridge.MaxPayload)
	}
	ch, done := answers[int64]()
	m.done = done
	n.send(ctx, n.pid, m)
	return await(ctx, n, ch)
}
