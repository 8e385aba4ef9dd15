package redisbridge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strconv"
	"time"
)

// Signed control messages. With a key that the nodes of a fleet share, a vote, an ack or a
// kick counts only if somebody who has the key wrote it, for this incarnation of this
// node, within the last minutes, and it has not been heard before. Who can PUBLISH and has
// no key can then neither depose a leader nor hold an election up in another's name, nor
// send again what it overheard. docs/security.md says what that is worth.
//
// `leader` and `vacant` are written by scripts, in Redis, where no key is. They stay
// hints: whoever hears one looks at Redis before anything depends on it.

// SignWindow is how far a signed message's time may lie from the receiver's wall clock,
// either way. It bounds how long a message can be kept back and still count; a repeated one
// does not count at all. It is wide, since wall clocks differ; nodes whose clocks differ by
// more do not hear each other.
const SignWindow = 5 * time.Minute

// MinSharedKey is the shortest key, in bytes.
const MinSharedKey = 16

// maxSigners bounds whose messages are remembered. Beyond it, while all of them were heard
// from lately, those of others are dropped.
const maxSigners = 8192

// signing is what a start of a node knows of signed messages. It outlives restarts of the
// bridge; only the running one touches it.
type signing struct {
	count   uint64 // of the messages that we signed
	signers map[signer]*replays
}

// signer is one start of a node.
type signer struct{ id, inc string }

// replays are the numbers that were heard of a signer: the highest, and which of the 64 up
// to it. A message that is overtaken by more than that is lost.
type replays struct {
	top, seen uint64
	at        time.Duration // when the last one came
}

// fresh notes a number and reports whether it is a new one.
func (r *replays) fresh(n uint64) bool {
	if n > r.top {
		if n-r.top < 64 {
			r.seen = r.seen<<(n-r.top) | 1
		} else {
			r.seen = 1
		}
		r.top = n
		return true
	}
	bit := uint64(1) << min(r.top-n, 63)
	if n == 0 || r.top-n >= 64 || r.seen&bit != 0 {
		return false
	}
	r.seen |= bit
	return true
}

// signature is what a control message says of itself besides. Me is the number as it was
// written, since that is what was signed.
type signature struct {
	me, mac string
	at      int64 // wall clock, ms
}

// appendSigned writes a control message, with number, time and signature if it is for one
// of ours and we have a key.
func (b *Bridge) appendSigned(dst []byte, c *Call) []byte {
	number := b.set.Number(c.Rank)
	dst = appendControl(dst, c.Control, number)
	if len(b.set.SharedKeys) == 0 || c.Original {
		return dst
	}
	s := &b.set.signing
	s.count++
	at := b.set.Clock.Now().Wall.Milliseconds()
	dst = append(dst[:len(dst)-1], `,"n":`...)
	dst = strconv.AppendUint(dst, s.count, 10)
	dst = append(dst, `,"at":`...)
	dst = strconv.AppendInt(dst, at, 10)
	dst = append(dst, `,"sig":"`...)
	dst = append(dst, b.mac(0, c.Control, signature{me: number, at: at}, s.count, c.Target, c.TargetInc)...)
	return append(dst, `"}`...)
}

// mac is HMAC-SHA256 over everything that the receiver goes by: the fleet, the message, who
// sends it and for whom it is. Each text is preceded by its length, so that no two messages
// have the same form.
func (b *Bridge) mac(key int, c *Control, s signature, n uint64, to, toInc string) string {
	h, buf := b.keyed(key), b.signed[:0]
	for _, text := range [...]string{"hustings 1", string(b.set.Keys), string(c.Type), c.Election, c.ID, c.Inc, to, toInc, s.me} {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(text))) //nolint:gosec // bounded by MaxPayload
		buf = append(buf, text...)
	}
	for _, number := range [...]uint64{c.Round, uint64(c.drainingMillis()), n, uint64(s.at)} { //nolint:gosec // only the bits matter
		buf = binary.BigEndian.AppendUint64(buf, number)
	}
	h.Write(buf)
	b.signed = h.Sum(buf)
	return base64.RawStdEncoding.EncodeToString(b.signed[len(buf):])
}

// keyed returns the hash of a key, ready to be written to. Making one costs as much as a
// signature.
func (b *Bridge) keyed(key int) hash.Hash {
	if b.hashes == nil {
		for _, k := range b.set.SharedKeys {
			b.hashes = append(b.hashes, hmac.New(sha256.New, k))
		}
	}
	h := b.hashes[key]
	h.Reset()
	return h
}

// distrust reports whether a vote, ack or kick is to be believed, and if not, why.
func (b *Bridge) distrust(c *Control) (why DropReason, ok bool) {
	if len(b.set.SharedKeys) == 0 {
		return 0, true
	}
	if c.signed.mac == "" {
		return DropUnsigned, false
	}
	known := false
	for key := range b.set.SharedKeys {
		want := b.mac(key, c, c.signed, c.N, b.set.ID, b.set.Session.Inc())
		known = hmac.Equal([]byte(want), []byte(c.signed.mac)) || known
	}
	if !known {
		return DropForged, false
	}
	now := b.set.Clock.Now()
	if d := now.Wall - time.Duration(c.signed.at)*time.Millisecond; d > SignWindow || d < -SignWindow {
		return DropUntimely, false
	}
	if !b.first(signer{c.ID, c.Inc}, c.N, now.Mono) {
		return DropReplayed, false
	}
	return 0, true
}

// first reports whether a signer's number is heard for the first time.
func (b *Bridge) first(who signer, n uint64, now time.Duration) bool {
	s := &b.set.signing
	r := s.signers[who]
	if r == nil {
		if len(s.signers) >= maxSigners {
			// What they signed before is out of the window by then.
			for k, old := range s.signers {
				if now-old.at > 2*SignWindow {
					delete(s.signers, k)
				}
			}
		}
		if len(s.signers) >= maxSigners {
			return false
		}
		if s.signers == nil {
			s.signers = make(map[signer]*replays)
		}
		r = &replays{}
		s.signers[who] = r
	}
	r.at = now
	return r.fresh(n)
}
