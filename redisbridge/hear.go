package redisbridge

import (
	"errors"
	"strconv"
	"strings"

	"hustings/fsm"
)

// errProbeMissing is why a subscription is given up that a heartbeat's probe did not
// come through.
var errProbeMissing = errors.New("redisbridge: the subscription is dead: a heartbeat was answered, but its probe did not arrive")

// errEvicted is why a subscription is given up that others could not see.
var errEvicted = errors.New("redisbridge: the subscription is dead: Redis did not know of it, and we were evicted for that")

// checkProbe is the subscription's watchdog. A heartbeat publishes a probe to our own
// channel in the script that answers it. When the next one is answered, and the probe
// of the one before has not come, the subscription is dead, or reads another server.
func (b *Bridge) checkProbe(req uint64) {
	if !b.heard || b.armed == 0 || req < b.armed {
		return // sent before the subscription was confirmed
	}
	if b.expect != 0 && b.probe < b.expect {
		if b.lively && b.late < maxLate {
			b.lively, b.late = false, b.late+1
			return
		}
		b.expect = 0
		b.dropSub(errProbeMissing)
		return
	}
	b.expect, b.lively, b.late = req, false, 0
}

// maxLate is how many more heartbeats a probe may take that is behind other messages:
// a subscription that delivers is slow, or flooded, and giving it up loses what is on
// its way. With the beat that sent it and the one that missed it that makes a TTL.
const maxLate = 2

func (b *Bridge) onHeard(m *subHeard) {
	b.set.inbox.handled(len(m.payload))
	if m.number != b.subNo {
		return
	}
	b.set.Counters.MessagesIn.Add(1)
	b.lively = true
	switch m.channel {
	case b.bully:
		b.hearControl(m.payload)
	case b.comm, b.public:
		p, err := Unpack(m.payload)
		if err != nil {
			b.drop(DropMalformed, "application message: "+err.Error(), m.payload)
			return
		}
		b.root.Send(b.set.Owner, &AppMessage{Payload: p, Broadcast: m.channel == b.public})
	default:
		b.drop(DropUnexpected, "unknown channel", m.payload)
	}
}

// probeText is the probe of a heartbeat, remembered so that it need not be decoded when it
// comes back. All probes of a start differ in their number only, which is last.
// The number as text is a part of it.
func (b *Bridge) probeText(req uint64) (probe, number string) {
	head := b.probeStart()
	var room [128]byte
	b.probeSent, b.probeReq = string(append(strconv.AppendUint(append(room[:0], head...), req, 10), '}')), req
	return b.probeSent, b.probeSent[len(head) : len(b.probeSent)-1]
}

// probeStart is what all probes of a start begin with.
func (b *Bridge) probeStart() string {
	if b.probeHead == "" {
		text := marshal(wireMessage{Type: TypeProbe, ID: []byte(quote(b.set.ID)), Inc: b.set.Session.Inc(), N: 1})
		b.probeHead = strings.TrimSuffix(text, "1}")
	}
	return b.probeHead
}

func (b *Bridge) hearControl(payload string) {
	if payload == b.probeSent {
		b.probe = max(b.probe, b.probeReq)
		return
	}
	controls, err := DecodeControl(payload)
	if err != nil {
		b.drop(DropMalformed, "control message: "+err.Error(), payload)
		return
	}
	for i := range controls {
		b.hearOne(controls[i], payload)
	}
}

func (b *Bridge) hearOne(c Control, payload string) {
	if c.Type == TypeProbe {
		if c.ID == b.set.ID && c.Inc == b.set.Session.Inc() {
			b.probe = max(b.probe, c.N)
			return
		}
		b.drop(DropUnexpected, "probe of another node", payload)
		return
	}
	if c.ID == b.set.ID {
		if c.Type != TypeLeader && c.Type != TypeVacant {
			b.drop(DropOwnName, "control message in our own name", payload)
		}
		return
	}
	if c.Type != TypeLeader && c.Type != TypeVacant {
		if reason, ok := b.distrust(&c); !ok {
			b.drop(reason, "", payload)
			return
		}
	}
	pid := b.set.Route(c.Election)
	if pid == nil {
		b.drop(DropNotOurs, "", payload)
		if c.invites() {
			b.root.Send(b.set.Owner, &Heard{Control: c})
		}
		return
	}
	b.root.Send(pid, &Heard{Control: c})
}

// invites reports whether a message is one that goes to candidates only, as Redis has them.
func (c Control) invites() bool {
	return c.Type == TypeVote || c.Type == TypeLeader || c.Type == TypeVacant
}

// From makes the candidate that a control message claims to come from. It is to be
// verified unless it is expected.
func (c Control) From() fsm.Candidate {
	return fsm.Candidate{ID: c.ID, Inc: c.Inc, Rank: RankOf(c.Number), Original: c.Inc == ""}
}
