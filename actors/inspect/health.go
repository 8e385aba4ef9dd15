package inspect

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"hustings/actors"
)

// answerWithin bounds how long actors may take to answer before they count as dead.
const answerWithin = 2 * time.Second

// probe is the body of an answer to a probe.
type probe struct {
	OK     bool   `json:"ok"`
	Node   string `json:"node"`
	Reason string `json:"reason,omitempty"`
	actors.Health
}

// Ready answers whether a node can lead and be sent work: its session is fresh, and its
// link to Redis is up. 200 if so, else 503 and why. While Redis is away no node is ready.
func Ready(n *actors.Node) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := n.Health()
		p := probe{OK: h.Ready(), Node: n.ID(), Health: h}
		switch {
		case p.OK:
		case h.Err != nil:
			p.Reason = h.Err.Error()
		case !h.LinkUp:
			p.Reason = "the link to Redis is down"
		default:
			p.Reason = "no heartbeat was answered lately"
		}
		p.serve(w)
	})
}

// Live answers whether a node's actors answer: 200 if so, 503 if not within 2 s, or if the
// node has stopped or failed for good, so that only a new start can help. It does not
// depend on Redis: an outage restarts nobody.
func Live(n *actors.Node) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		timer := system.AfterFunc(answerWithin, cancel)
		defer timer.Stop()
		p := probe{OK: true, Node: n.ID(), Health: n.Health()}
		if err := n.Ping(ctx); err != nil {
			p.OK, p.Reason = false, err.Error()
			if ctx.Err() != nil {
				p.Reason = fmt.Sprintf("the node's actors did not answer within %v", answerWithin)
			}
		}
		p.serve(w)
	})
}

func (p probe) serve(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	status := http.StatusOK
	if !p.OK {
		status = http.StatusServiceUnavailable
	}
	reply(w, status, p)
}
