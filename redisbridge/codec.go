package redisbridge

import (
	"strconv"
	"strings"
)

// The codec of control messages as our own nodes and scripts write them. They come with
// every vote and every change of leader, and package encoding/json takes microseconds and
// dozens of allocations for each. What is written here is byte for byte what it would
// write. What is read here is a part of what it reads: members in small letters, each
// once, without white space and escapes. Of anything else the quick reader says nothing,
// and encoding/json decides. FuzzDecodeControl holds the two against each other.

// appendControl writes a vote, voteack or votekick; number is its `me`.
func appendControl(dst []byte, c *Control, number string) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, c.Type...)
	dst = append(dst, `","election":`...)
	dst = appendText(dst, c.Election)
	if number != "" {
		dst = append(dst, `,"me":`...)
		dst = append(dst, number...)
	}
	dst = append(dst, `,"id":`...)
	dst = appendText(dst, c.ID)
	if c.Inc != "" {
		dst = append(dst, `,"inc":`...)
		dst = appendText(dst, c.Inc)
	}
	if c.Round != 0 {
		dst = append(dst, `,"round":`...)
		dst = strconv.AppendUint(dst, c.Round, 10)
	}
	if ms := c.drainingMillis(); ms != 0 {
		dst = append(dst, `,"draining_ms":`...)
		dst = strconv.AppendInt(dst, ms, 10)
	}
	return append(dst, '}')
}

// appendText writes a JSON string.
func appendText(dst []byte, s string) []byte {
	if !plain(s) {
		return append(dst, marshal(s)...)
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// plain reports whether a text stands for itself between quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

const (
	batchHead = `{"type":"batch","messages":[`
	batchTail = `]}`
)

// quickControls reads a payload of ours; ok is false where encoding/json is to be asked.
func quickControls(payload string) (list []Control, ok bool) {
	r := reader{payload}
	if !strings.HasPrefix(payload, batchHead) {
		c, ok := r.control()
		if !ok || r.rest != "" {
			return nil, false
		}
		return []Control{c}, true
	}
	r.rest = payload[len(batchHead):]
	list = make([]Control, 0, min(strings.Count(payload, "},{")+1, maxItems))
	var last Control // most of a batch come from one node
	for {
		c, ok := r.control()
		if !ok {
			return nil, false
		}
		// A message that is kept must not keep the whole batch.
		c.ID, c.Inc = cloned(c.ID, last.ID), cloned(c.Inc, last.Inc)
		c.Election, c.Heir = strings.Clone(c.Election), cloned(c.Heir, last.Heir)
		c.signed.me, c.signed.mac = strings.Clone(c.signed.me), strings.Clone(c.signed.mac)
		list, last = append(list, c), c
		if r.rest == batchTail {
			return list, true
		}
		if !r.take(',') {
			return nil, false
		}
	}
}

// cloned is a copy of s, or another one that was made before.
func cloned(s, other string) string {
	if s == other {
		return other
	}
	return strings.Clone(s)
}

// reader reads what is left of a payload.
type reader struct{ rest string }

// members by the bit that says that one was seen.
const (
	sawType = 1 << iota
	sawElection
	sawMe
	sawID
	sawInc
	sawRound
	sawToken
	sawHeir
	sawDraining
	sawN
	sawAt
	sawSig
)

// control reads one object. A message that DecodeControl would refuse is not ok either:
// what is wrong with it is for the other reader to say.
func (r *reader) control() (c Control, ok bool) {
	var m members
	saw, ok := r.object(func(key string) (int, bool) { return m.read(r, key) })
	if !ok || saw&sawType == 0 || m.kind == TypeBatch {
		return c, false
	}
	m.hasElection, m.hasID = saw&sawElection != 0, saw&sawID != 0
	c, err := m.control()
	return c, err == nil
}

// object reads one object with at least one member, each at most once; read reads the value
// of one and says its bit.
func (r *reader) object(read func(key string) (bit int, ok bool)) (saw int, ok bool) {
	for ok = r.take('{'); ok; ok = r.take(',') {
		key, ok := r.text()
		if !ok || !r.take(':') {
			return 0, false
		}
		bit, ok := read(key)
		if !ok || saw&bit != 0 {
			return 0, false
		}
		saw |= bit
		if r.take('}') {
			return saw, true
		}
	}
	return 0, false
}

// read reads the value of one member.
func (m *members) read(r *reader, key string) (bit int, ok bool) {
	switch key {
	case "type":
		var s string
		s, ok = r.text()
		m.kind = MessageType(s)
		return sawType, ok
	case "election":
		m.election, ok = r.text()
		return sawElection, ok
	case "me":
		m.me, ok = r.number()
		return sawMe, ok
	case "id":
		m.id, ok = r.text()
		return sawID, ok
	case "inc":
		m.inc, ok = r.text()
		return sawInc, ok
	case "round":
		m.round, ok = r.whole()
		return sawRound, ok
	case "token":
		m.token, ok = r.text()
		return sawToken, ok
	case "heir":
		m.heir, ok = r.text()
		return sawHeir, ok
	case "draining_ms":
		var n uint64
		n, ok = r.whole()
		m.draining = int64(n) //nolint:gosec // of at most 18 digits
		return sawDraining, ok
	case "n":
		m.n, ok = r.whole()
		return sawN, ok
	case "at":
		var n uint64
		n, ok = r.whole()
		m.at = int64(n) //nolint:gosec // of at most 18 digits
		return sawAt, ok
	case "sig":
		m.sig, ok = r.text()
		return sawSig, ok
	default:
		return 0, false
	}
}

func (r *reader) take(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// text reads a string that stands for itself.
func (r *reader) text() (string, bool) {
	if !r.take('"') {
		return "", false
	}
	end := strings.IndexByte(r.rest, '"')
	if end < 0 || !plain(r.rest[:end]) {
		return "", false
	}
	s := r.rest[:end]
	r.rest = r.rest[end+1:]
	return s, true
}

// whole reads a whole number of at most 18 digits.
func (r *reader) whole() (n uint64, ok bool) {
	i := r.digits(0)
	if i == 0 || i > 18 {
		return 0, false
	}
	for _, d := range []byte(r.rest[:i]) {
		n = n*10 + uint64(d-'0')
	}
	r.rest = r.rest[i:]
	return n, true
}

// number reads a number without an exponent, as text.
func (r *reader) number() (string, bool) {
	start := 0
	if strings.HasPrefix(r.rest, "-") {
		start = 1
	}
	i := start + r.digits(start)
	if i == start {
		return "", false
	}
	if strings.HasPrefix(r.rest[i:], ".") {
		n := 0
		for j := i + 1; j < len(r.rest) && isDigit(r.rest[j]); j++ {
			n++
		}
		if n == 0 {
			return "", false
		}
		i += 1 + n
	}
	s := r.rest[:i]
	r.rest = r.rest[i:]
	return s, true
}

// digits counts those from i on, 0 if JSON does not allow them: no zero leads.
func (r *reader) digits(i int) (n int) {
	for i+n < len(r.rest) && isDigit(r.rest[i+n]) {
		n++
	}
	if n > 1 && r.rest[i] == '0' {
		return 0
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
