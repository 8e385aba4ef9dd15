package redistest

import (
	"time"

	"hustings/redisbridge"
)

// verdict is an item of the reply of evict.
type verdict struct {
	word string
	ms   int64
}

// evict looks at one holder.
func (n *node) evict(id, birth string, grace time.Duration) (status string, v verdict) {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.EvictScript, n.head(millis(n.quarantine), "1", id, birth, millis(grace))...)
	status = r.text()
	for items := r.list(); !items.done(); {
		i := items.list()
		v = verdict{i.text(), i.number()}
		i.end()
	}
	r.end()
	return status, v
}

// look is evict of a caller whose own session must be good; it returns the word only.
func (n *node) look(of *node, birth string, grace time.Duration) string {
	n.f.T.Helper()
	status, v := n.evict(of.id, birth, grace)
	want(n.f, "status", status, "ok")
	return v.word
}

// winUnder claims one election under OnDisconnect, which must be granted.
func (n *node) winUnder(election, flags string) (token, birth string) {
	n.f.T.Helper()
	p := n.beat(beat{})
	g := n.claim(bid{birth: p.birth, epoch: p.epoch, flags: flags}, election)
	if len(g.items) != 1 || g.items[0].verdict != "granted" {
		n.f.T.Fatalf("%s claims %s: %+v, want granted", n.id, election, g)
	}
	return g.items[0].token, p.birth
}
