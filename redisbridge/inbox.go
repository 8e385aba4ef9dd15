package redisbridge

import (
	"strings"
	"sync/atomic"
)

// inbox bounds what was received and waits for the bridge, whose mailbox has no bound and
// holds the answers to heartbeats, too. What is beyond is dropped where it arrives:
// messages are hints. The reader does not wait instead, since Redis would close the
// subscription then (client-output-buffer-limit), and who has none hears nothing at all.
//
// Any goroutine may use it. It outlives restarts of the bridge, as the mailbox does.
type inbox struct {
	messages, bytes atomic.Int64
	lost            atomic.Uint64 // dropped, and not told to the bridge yet
}

// admit notes a message if there is room for it.
func (in *inbox) admit(size int, shares int64) bool {
	messages, bytes := in.messages.Add(1), in.bytes.Add(int64(size))
	if messages <= shares*maxUnread && bytes <= shares*maxUnreadBytes {
		return true
	}
	in.handled(size)
	return false
}

// handled makes its room free again.
func (in *inbox) handled(size int) {
	in.messages.Add(-1)
	in.bytes.Add(-int64(size))
}

// Shares of the room that a message may find taken. So application messages do not drive
// out control messages, nor these the sign of life of the subscription that hears them.
const (
	shareOfMessages = 1
	shareOfControls = 2
	shareOfProbes   = 3
)

// hears returns what a subscription calls with each message, on its own goroutine.
func (b *Bridge) hears(number uint64) func(channel, payload string) {
	in, send := &b.set.inbox, b.sends
	bully, probe := b.bully, b.probeStart()
	return func(channel, payload string) {
		what, shares := "application message", int64(shareOfMessages)
		if channel == bully {
			what, shares = "control message", shareOfControls
			if strings.HasPrefix(payload, probe) && len(payload) <= len(probe)+len("18446744073709551615}") {
				shares = shareOfProbes
			}
		}
		switch {
		case len(payload) > MaxPayload:
			b.lose(number, DropMalformed, what+": "+errTooLarge.Error(), payload)
		case !in.admit(len(payload), shares):
			b.lose(number, DropOverflow, what+", and too many wait to be read", payload)
		default:
			send(&subHeard{number: number, channel: channel, payload: payload})
		}
	}
}

// lose counts a message that does not get as far as the mailbox. It is called on the
// subscription's goroutine, and tells the bridge once of all until that has looked.
func (b *Bridge) lose(number uint64, reason DropReason, detail, payload string) {
	b.set.Counters.MessagesIn.Add(1)
	b.set.Counters.drops[reason].Add(1)
	if b.set.inbox.lost.Add(1) == 1 {
		b.send(&subLost{number: number, reason: reason, detail: detail, sample: strings.Clone(sampleOf(payload)), size: len(payload)})
	}
}

// onLost logs what did not get as far as the mailbox.
func (b *Bridge) onLost(m *subLost) {
	if m.number == b.subNo {
		b.lively = true
	}
	b.logDrop(b.set.inbox.lost.Swap(0), m.reason, m.detail, m.sample, m.size)
}
