package actors

import (
	"context"
	"errors"
	"sort"
	"time"

	"hustings/redisbridge"
)

// SystemClock is the clock of the machine, for packages that import this one only.
type SystemClock = redisbridge.SystemClock

// Timer is what a clock's AfterFunc returns, for the same packages.
type Timer = redisbridge.Timer

// Health is how a node stands, from what is known in this process: asking costs nothing
// and waits for nobody.
type Health struct {
	// SessionFresh: a heartbeat was answered so lately that a term could rest on it.
	SessionFresh bool `json:"session_fresh"`
	// LinkUp: the bridge has commands and subscription, or is deaf: the server does not
	// permit it to subscribe, and elections go by looking at Redis. LinkChanged and the
	// metrics tell the two apart. False once the node has failed or stopped.
	LinkUp bool `json:"link_up"`
	// Stopped: the node's actor has stopped.
	Stopped bool `json:"stopped"`
	// Err is what keeps the session from being renewed, the link from being up, or why
	// the node has failed; nil if nothing is known to be wrong.
	Err error `json:"-"`
}

// Ready reports whether the node can lead. It is not ready while Redis is away. [Node.Offline]
// and [Node.StandDown] make no difference.
func (h Health) Ready() bool { return h.SessionFresh && h.LinkUp && !h.Stopped }

// Health returns how the node stands.
func (n *Node) Health() Health {
	var h Health
	if env := n.shared.start.Load(); env != nil {
		info := env.sessionInfo()
		h.SessionFresh, h.LinkUp = info.TrustedMS > 0, info.LinkUp
	}
	for _, p := range []*error{n.shared.failed.Load(), n.shared.trouble.Load()} {
		if p != nil && h.Err == nil {
			h.Err = *p
		}
	}
	if l := n.shared.link.Load(); l != nil && h.Err == nil && !l.Up {
		h.Err = l.Err
	}
	select {
	case <-n.shared.done:
		h.Stopped, h.LinkUp = true, false
		if h.Err == nil {
			h.Err = ErrStopped
		}
	default:
	}
	return h
}

// Ping returns when the node's actor and up to 64 of its elections' have answered, the
// next ones at the next call. It depends on this process alone, not on Redis. Its error
// is ctx's, or that of a node that has stopped or failed for good.
func (n *Node) Ping(ctx context.Context) error {
	turnover := n.turnover()
	ch, done := answers[[]responderOf]()
	n.send(ctx, n.pid, &ping{done: func(list []responderOf) { done(list, nil) }})
	list, err := await(ctx, n, ch)
	if err != nil {
		return err
	}
	for _, r := range list {
		if _, err := awaitAt(ctx, n, r.at, r.ch, turnover); err != nil && !errors.Is(err, errGone) {
			return err
		}
	}
	return n.Err()
}

// responderOf is where an election's actor answers a ping.
type responderOf struct {
	at stay
	ch <-chan answer[struct{}]
}

// ping asks the node's actor for a sign of life, and its elections through it.
type ping struct {
	silent
	done func([]responderOf)
}

// pinged asks an election's actor.
type pinged struct {
	silent
	done func(struct{}, error)
}

// maxPinged bounds how many elections one Ping asks.
const maxPinged = 64

func (n *nodeActor) onPing(m *ping) {
	var list []responderOf
	for range min(len(n.els), maxPinged) {
		n.pinged++
		ch, done := answers[struct{}]()
		e := n.els[n.pinged%len(n.els)]
		list = append(list, responderOf{stay{e.name, e.pid}, ch})
		n.env.root.Send(e.pid, &pinged{done: done})
	}
	m.done(list)
}

// Views returns the present state of every election that this node has to do with,
// sorted by name. Each was true at some instant during the call.
func (n *Node) Views() []View {
	var out []View
	n.shared.elections.each(func(e *entry) { out = append(out, e.cell.present(e.name)) })
	sort.Slice(out, func(i, j int) bool { return out[i].Election < out[j].Election })
	return out
}

// SessionInfo is how a node's session stands. All its elections rest on it.
type SessionInfo struct {
	// Incarnation, Birth and Epoch name the start of the node, the life of its session,
	// and the dataset; the last two are "" before the first answer.
	Incarnation string `json:"incarnation"`
	Birth       string `json:"birth"`
	Epoch       string `json:"epoch"`
	// TTLMS is how long Redis keeps it without a heartbeat, in milliseconds; TrustedMS
	// how long it is trusted yet, 0 if it is not; AnsweredMS how long ago a heartbeat
	// was last answered, -1 if none was.
	TTLMS      int64 `json:"ttl_ms"`
	TrustedMS  int64 `json:"trusted_ms"`
	AnsweredMS int64 `json:"answered_ms"`
	// LinkUp: the bridge has commands and subscription, or is deaf: see [Health].
	LinkUp bool `json:"link_up"`
}

// sessionInfo describes the session of a start. Any goroutine may ask.
func (e *env) sessionInfo() SessionInfo {
	now := e.clock.Now()
	s := SessionInfo{Incarnation: e.session.Inc(), TTLMS: e.cfg.TTL.Milliseconds(), AnsweredMS: -1}
	if t := e.session.Current(); t != nil {
		s.Birth, s.Epoch = t.Tenancy().Birth, t.Tenancy().Epoch
		s.TrustedMS = wholeMS(t.Left(now))
	}
	if at, ok := e.session.LastAnswer(); ok {
		s.AnsweredMS = (now.Mono - at).Milliseconds()
	}
	if l := e.link.Load(); l != nil {
		s.LinkUp = l.Up
	}
	return s
}

// wholeMS is how long something lasts yet, in milliseconds: 0 only if it does not.
func wholeMS(left time.Duration) int64 {
	if left <= 0 {
		return 0
	}
	return max(left.Milliseconds(), 1)
}
