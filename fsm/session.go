package fsm

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// MinTTL is the shortest session TTL.
const MinTTL = 300 * time.Millisecond

// Margin is the part of the TTL that is never trusted: a tenth, at least 50 ms.
// It covers clocks that do not run at quite the same rate.
func Margin(ttl time.Duration) time.Duration { return max(ttl/10, 50*time.Millisecond) }

// maxBeats bounds how many unanswered heartbeats are remembered. The answer to an
// older one adds nothing: its send time is more than a TTL ago.
const maxBeats = 16

// maxTrusts bounds how many tenancies are trusted at once: as many as heartbeats may be
// unanswered. The trust that ends first is ended when there is one more, since Revoke and
// End must know of every trust that holds.
const maxTrusts = 16

// Verdict is Redis's word on a heartbeat.
type Verdict uint8

// The verdicts. VerdictUnknown is the zero value: no answer.
const (
	VerdictUnknown Verdict = iota
	VerdictExtended
	VerdictCreated
	VerdictTaken
	VerdictStale
	// VerdictReplaced: another process is to have our id. The session is ours until it
	// runs out, and not renewed any more.
	VerdictReplaced
	numVerdicts
)

// Session is a node's one session: what was asked, what was answered, and how long
// it is trusted. All leaderships of the node rest on it.
//
// Beat, Answer, Unanswered and End belong to one goroutine (the node's). Current,
// Trust, Seen, SeenEpoch, Token, Epoch, Deaf and LastAnswer may be called from any.
type Session struct {
	ttl, margin time.Duration
	inc         string

	// Owned by the node's goroutine.
	req      uint64
	sent     []sentBeat // oldest first
	lastGood uint64     // highest request number answered by extended or created

	// Read by any goroutine, written by the node's.
	trusts  atomic.Pointer[[]*Trust] // newest last, immutable
	current atomic.Pointer[Trust]
	epoch   atomic.Pointer[Epoch]
	answer  atomic.Int64 // when a heartbeat was last answered, monotonic; 0: never yet

	// Raised by any goroutine.
	token atomic.Uint64

	// Set by the node's goroutine: the subscription is not there.
	deaf atomic.Bool

	// What the machines of a session have in common, shared by any goroutine: a node is
	// the same candidate in most of its elections, and loses many to one leader.
	self  shared[Candidate]
	cause shared[Cause]
}

// shared hands out one pointer for equal values that come one after the other. What it
// points to is never changed.
type shared[T comparable] struct{ last atomic.Pointer[T] }

// share may be called from any goroutine.
func (s *shared[T]) share(v T) *T {
	if p := s.last.Load(); p != nil && *p == v {
		return p
	}
	other := v
	s.last.Store(&other)
	return &other
}

type sentBeat struct {
	req uint64
	at  Instant
}

// Epoch is the highest epoch of the dataset that a node has seen.
type Epoch struct {
	Number uint64
	Name   string
}

// NewSession returns the session of one start of a node. inc is its incarnation.
func NewSession(inc string, ttl time.Duration) *Session {
	s := &Session{ttl: ttl, margin: Margin(ttl), inc: inc}
	s.trusts.Store(&[]*Trust{})
	s.epoch.Store(&Epoch{})
	return s
}

// Inc returns the incarnation.
func (s *Session) Inc() string { return s.inc }

// TTL returns the session's TTL.
func (s *Session) TTL() time.Duration { return s.ttl }

// Beat notes that a heartbeat is about to be sent and returns its number. now must
// be read before the request leaves: trust is counted from it.
func (s *Session) Beat(now Instant) uint64 {
	s.req++
	if len(s.sent) == maxBeats {
		s.sent = append(s.sent[:0], s.sent[1:]...)
	}
	s.sent = append(s.sent, sentBeat{s.req, now})
	return s.req
}

// Answered is what a heartbeat's answer means.
type Answered struct {
	// Changed: Redis names another tenancy than before. The node registers
	// again and its leaders re-assert.
	Changed bool
	// Replaced: another incarnation holds our id. Fatal.
	Replaced bool
	// Lapsed: trust has ended since the last answer, perhaps by a jump of the wall
	// clock that no timer saw. Whatever rests on it is to step down.
	Lapsed bool
}

// Answer takes the answer to heartbeat req. It prolongs the trust of the tenancy
// that the answer names and of no other. Trust that has ended is dropped first: nothing
// revives it.
func (s *Session) Answer(now Instant, req uint64, v Verdict, t Tenancy, e Epoch) Answered {
	lapsed := s.expire(now)
	out := s.answered(now, req, v, t, e)
	out.Lapsed = s.expire(now) || lapsed // also what was ended to make room
	return out
}

// expire drops the trusts that have ended, and reports whether there were any.
func (s *Session) expire(now Instant) bool {
	list := *s.trusts.Load()
	ended := func(t *Trust) bool { return !t.Holds(now) }
	if !slices.ContainsFunc(list, ended) {
		return false
	}
	kept := slices.DeleteFunc(slices.Clone(list), ended)
	s.trusts.Store(&kept)
	return true
}

func (s *Session) answered(now Instant, req uint64, v Verdict, t Tenancy, e Epoch) Answered {
	at, known := s.take(req)
	switch v {
	case VerdictTaken:
		return Answered{Replaced: req > s.lastGood}
	case VerdictExtended, VerdictCreated:
	default:
		return Answered{}
	}
	s.answer.Store(max(int64(now.Mono), 1))
	s.SeenEpoch(e)
	latest := req > s.lastGood
	s.lastGood = max(s.lastGood, req)
	if !known || !BornAs(t.Birth, s.inc) {
		return Answered{}
	}
	before := s.current.Load()
	tr := s.prolong(now, t, at.Add(s.ttl-s.margin))
	if tr == nil || !latest {
		return Answered{}
	}
	if tr != before {
		s.current.Store(tr)
	}
	return Answered{Changed: before != nil && before.tenancy != t}
}

// BornAs reports whether a session's birth is of an incarnation. Of our own Redis can't
// say otherwise, but what it says is checked all the same.
func BornAs(birth, inc string) bool {
	rest, ok := strings.CutPrefix(birth, inc)
	return ok && strings.HasPrefix(rest, "-")
}

// prolong extends the trust of a tenancy, or starts it. nil: the answer is so old
// that nothing of it is left.
func (s *Session) prolong(now Instant, t Tenancy, until Instant) *Trust {
	list := *s.trusts.Load()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].tenancy == t && list[i].extend(now, until) {
			return list[i]
		}
	}
	tr := newTrust(t, until)
	if !tr.Holds(now) {
		return nil
	}
	if len(list) == maxTrusts {
		slices.MinFunc(list, func(a, b *Trust) int { return cmp.Compare(a.mono.Load(), b.mono.Load()) }).over.Store(true)
	}
	kept := append(slices.Clone(list), tr)
	s.trusts.Store(&kept)
	return tr
}

// take finds and removes a sent heartbeat.
func (s *Session) take(req uint64) (Instant, bool) {
	for i, b := range s.sent {
		if b.req == req {
			s.sent = append(s.sent[:i], s.sent[i+1:]...)
			return b.at, true
		}
	}
	return Instant{}, false
}

// Sent returns when heartbeat req was sent, if it is not answered yet. It belongs to the
// node's goroutine.
func (s *Session) Sent(req uint64) (at Instant, ok bool) {
	for _, b := range s.sent {
		if b.req == req {
			return b.at, true
		}
	}
	return Instant{}, false
}

// Unanswered forgets a heartbeat whose outcome will never be known.
func (s *Session) Unanswered(req uint64) { s.take(req) }

// Current returns the trust of the tenancy that Redis named last, nil before the
// first answer. It may have lapsed.
func (s *Session) Current() *Trust { return s.current.Load() }

// Trust returns the trust of a tenancy if it holds at now, else nil.
func (s *Session) Trust(t Tenancy, now Instant) *Trust {
	list := *s.trusts.Load()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].tenancy == t && list[i].Holds(now) {
			return list[i]
		}
	}
	return nil
}

// End returns when the trust ends that ends first, seen from now, by whichever clock ends
// it; ok is false if none holds at now. The node arms its one lapse timer for it.
func (s *Session) End(now Instant) (end Instant, ok bool) {
	var first time.Duration
	for _, t := range *s.trusts.Load() {
		if !t.Holds(now) {
			continue
		}
		u := t.Until()
		if left := min(u.Mono-now.Mono, u.Wall-now.Wall); !ok || left < first {
			end, first, ok = u, left, true
		}
	}
	return end, ok
}

// Revoke ends all trust at once: the node stops, or its id is somebody else's. Every
// lease of the session is over with it.
func (s *Session) Revoke() {
	for _, t := range *s.trusts.Load() {
		t.over.Store(true)
	}
}

// SetDeaf notes whether the node's subscription is lost.
func (s *Session) SetDeaf(deaf bool) { s.deaf.Store(deaf) }

// Deaf reports whether it is.
func (s *Session) Deaf() bool { return s.deaf.Load() }

// LastAnswer returns when a heartbeat was last answered, on the monotonic clock; ok is false
// before.
func (s *Session) LastAnswer() (mono time.Duration, ok bool) {
	at := s.answer.Load()
	return time.Duration(at), at != 0
}

// Seen raises the highest token that this node has seen in any election. It travels
// with every heartbeat, so that tokens rise across data loss.
func (s *Session) Seen(token uint64) {
	for {
		old := s.token.Load()
		if token <= old || s.token.CompareAndSwap(old, token) {
			return
		}
	}
}

// Token returns the highest token seen.
func (s *Session) Token() uint64 { return s.token.Load() }

// Epoch returns the highest epoch seen.
func (s *Session) Epoch() Epoch { return *s.epoch.Load() }

// SeenEpoch raises the highest epoch seen. Claims see epochs too.
func (s *Session) SeenEpoch(e Epoch) {
	for {
		old := s.epoch.Load()
		if e.Number <= old.Number {
			return
		}
		if kept := e; s.epoch.CompareAndSwap(old, &kept) {
			return
		}
	}
}
