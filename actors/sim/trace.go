package sim

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"hustings/actors"
)

// entry is one line of the trace before anybody wants to read it. Formatting is
// left to the reader: most worlds are never looked at.
type entry struct {
	at   time.Duration
	who  string
	verb string
	a, b string
	n    int64
	ev   actors.Event // is described by verb once somebody reads it; nil for other lines
}

// text is what happened, in words.
func (e *entry) text() string {
	if e.ev != nil {
		return describe(e.ev)
	}
	return e.verb
}

// String is the line as it is printed.
func (e entry) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%12.6f  %-8s %s", e.at.Seconds(), e.who, e.text())
	if e.ev != nil {
		return s.String()
	}
	for _, text := range []string{e.a, e.b} {
		if text != "" {
			s.WriteByte(' ')
			s.WriteString(text)
		}
	}
	if e.n != 0 {
		fmt.Fprintf(&s, " (%d)", e.n)
	}
	return s.String()
}

// trace is a world's record: a hash of everything that happened, and the last lines.
type trace struct {
	sched *scheduler
	hash  digest
	ring  []entry
	next  int
	total int
	tell  func(Line)
	all   *chronicle // nil: nobody compares runs
}

// digest is a hash that goes on. It is a value, so that it is kept in a register while a
// line is folded in.
type digest uint64

// mix folds one word in. The order of words counts.
func (h digest) mix(x uint64) digest {
	hi, lo := bits.Mul64(uint64(h)^x^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return digest(hi ^ lo)
}

func (h digest) mixString(s string) digest {
	h = h.mix(uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h = h.mix(word(s))
	}
	if s != "" {
		var rest uint64
		for i := len(s) - 1; i >= 0; i-- {
			rest = rest<<8 | uint64(s[i])
		}
		h = h.mix(rest)
	}
	return h
}

// word is the first eight bytes, in one load.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func (t *trace) mixEvent(now time.Duration, p *Process) {
	who := uint64(0)
	if p != nil {
		who = uint64(p.index) + 1
	}
	t.hash = t.hash.mix(uint64(now)<<8 ^ who)
}

// note adds a line. p nil is the world itself.
func (t *trace) note(p *Process, verb, a, b string, n int64) {
	who := "world"
	if p != nil {
		who = p.id
	}
	t.add(&entry{at: t.sched.now, who: who, verb: verb, a: a, b: b, n: n})
}

// event adds a line about what a subscriber of p's node was told. Of the event go into the
// hash its kind, its election, and a number that tells it from others of the kind.
func (t *trace) event(p *Process, kind, election string, n uint64, ev actors.Event) {
	t.add(&entry{at: t.sched.now, who: p.id, verb: kind, a: election, n: int64(n), ev: ev}) //nolint:gosec // for the hash only
}

func (t *trace) add(e *entry) {
	t.hash = t.hash.mix(uint64(e.at)).mix(uint64(e.n)).mixString(e.who).mixString(e.verb).mixString(e.a).mixString(e.b)
	if t.tell != nil {
		l := Line{At: e.at, Who: e.who, What: e.text(), Detail: e.a, N: e.n}
		if e.ev != nil {
			l.Detail, l.N = "", 0
		}
		t.tell(l)
	}
	if t.all != nil {
		*t.all = append(*t.all, recorded{*e, t.hash})
	}
	t.ring[t.next] = *e
	t.total++
	if t.next++; t.next == len(t.ring) {
		t.next = 0
	}
}

// last returns up to n lines, the oldest first.
func (t *trace) last(n int) []entry {
	n = min(n, t.total, len(t.ring))
	out := make([]entry, 0, n)
	for i := t.next - n; i < t.next; i++ {
		out = append(out, t.ring[(i+len(t.ring))%len(t.ring)])
	}
	return out
}

// Trace returns the lines that are kept, the oldest first; see [KeepTrace].
func (w *World) Trace() []string {
	entries := w.trace.last(w.trace.total)
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = e.String()
	}
	return lines
}

// Hash digests everything that has happened in the world so far, whether or not
// its lines are kept. Two runs of one seed have the same hash after every event.
func (w *World) Hash() uint64 { return uint64(w.trace.hash) }

// Note adds a line of the user's to the trace. who may be nil.
func (w *World) Note(who *Process, what, detail string) {
	w.scenarios()
	w.trace.note(who, what, detail, "", 0)
}
