package redisbridge

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// DropReason says why a message that was received was not used.
type DropReason uint8

// Reasons. The sentences in the log are in dropWords.
const (
	// DropMalformed: it could not be decoded.
	DropMalformed DropReason = iota
	// DropUnsigned, DropForged, DropUntimely, DropReplayed: with a SharedKey, a control
	// message without a signature, with a wrong one (or for an earlier start of this
	// node), of another time, heard before.
	DropUnsigned
	DropForged
	DropUntimely
	DropReplayed
	// DropOwnName: a control message in this node's name, which it did not send.
	DropOwnName
	// DropOtherName: its sender is not the one that it names.
	DropOtherName
	// DropStranger: a control message from who is no candidate.
	DropStranger
	// DropNoSession: a control message from a node whose session has ended.
	DropNoSession
	// DropNotOurs: it is for an election in which this node does not stand.
	DropNotOurs
	// DropOriginal: a control message of an original, and Mixed is false.
	DropOriginal
	// DropUnexpected: an ack for which nobody waits, the probe of another node, or a
	// channel that was not asked for.
	DropUnexpected
	// DropOverflow: too many messages wait to be read or to be verified.
	DropOverflow
)

const dropReasons = int(DropOverflow) + 1

// dropWords are, by reason, its name in the log and the metrics, and the sentence in the log.
var dropWords = [dropReasons]struct{ name, why string }{
	DropMalformed:  {"malformed", "it is no message"},
	DropUnsigned:   {"unsigned", "control message without a signature"},
	DropForged:     {"forged", "control message with a wrong signature, or for an earlier start of this node"},
	DropUntimely:   {"untimely", "control message of another time: do the wall clocks differ?"},
	DropReplayed:   {"replayed", "control message that was heard before"},
	DropOwnName:    {"own_name", "control message in our own name"},
	DropOtherName:  {"other_name", "message in another's name"},
	DropStranger:   {"stranger", "control message from who is no candidate"},
	DropNoSession:  {"no_session", "control message from a node without a session"},
	DropNotOurs:    {"not_ours", "election in which we are no candidate"},
	DropOriginal:   {"original", "control message of an original, and Mixed is false"},
	DropUnexpected: {"unexpected", "an ack that nobody waits for"},
	DropOverflow:   {"overflow", "too many messages wait to be read or verified"},
}

// String is the short name, as in the log and the metrics: "malformed", "stranger".
func (r DropReason) String() string {
	if int(r) >= dropReasons {
		return "unknown"
	}
	return dropWords[r].name
}

// DropReasons returns all reasons.
func DropReasons() []DropReason {
	all := make([]DropReason, dropReasons)
	for i := range all {
		all[i] = DropReason(i) //nolint:gosec // a handful
	}
	return all
}

// drops counts by reason. The bridge and the goroutine of its subscription write, anybody reads.
type drops [dropReasons]atomic.Uint64

// read adds the counts to c; a map of those reasons that occurred, nil if none did.
func (d *drops) read(c *Counts) {
	for i := range d {
		n := d[i].Load()
		if n == 0 {
			continue
		}
		if c.DroppedFor == nil {
			c.DroppedFor = make(map[string]uint64)
		}
		c.DroppedFor[dropWords[i].name] = n
		c.Dropped += n
	}
	c.Unsigned, c.Forged = d[DropUnsigned].Load(), d[DropForged].Load()
	c.Untimely, c.Replayed = d[DropUntimely].Load(), d[DropReplayed].Load()
}

// Drop counts a message that was dropped by whoever received it from the bridge.
type Drop struct {
	quiet
	Reason DropReason
	Sample string
}

// dropLog logs what is dropped at most once a second, with a sample.
type dropLog struct {
	since  uint64        // dropped since the last log line
	lastAt time.Duration // when that was
}

// sampleLen is how much of a dropped payload a log line shows.
const sampleLen = 120

// sampleOf is the beginning of a payload.
func sampleOf(payload string) string { return payload[:min(len(payload), sampleLen)] }

// drop counts and logs. The detail is "" or what is to be said beyond the reason.
func (b *Bridge) drop(reason DropReason, detail, payload string) {
	b.set.Counters.drops[min(int(reason), dropReasons-1)].Add(1)
	b.logDrop(1, reason, detail, payload, len(payload))
}

// logDrop logs n that were counted, all but one of them unseen.
func (b *Bridge) logDrop(n uint64, reason DropReason, detail, payload string, size int) {
	b.drops.since += n
	now := b.set.Clock.Now()
	if b.drops.lastAt != 0 && now.Mono-b.drops.lastAt < time.Second {
		return
	}
	b.drops.lastAt = now.Mono
	sample := sampleOf(payload)
	if size > len(sample) {
		sample += "…"
	}
	if detail == "" {
		detail = dropWords[min(int(reason), dropReasons-1)].why
	}
	b.set.Logger.Log(nil, slog.LevelWarn, "message dropped", //nolint:staticcheck // no context here
		"id", b.set.ID, "reason", reason.String(), "why", detail, "sample", sample, "bytes", size, "dropped_since_last", b.drops.since)
	b.drops.since = 0
}
