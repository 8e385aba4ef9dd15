package redisbridge

import "encoding/json"

// entry is a details entry that was read.
type entry struct {
	text    string
	details *Details // never changed
	listed  bool
}

// Bounds of the entries that a bridge remembers: how many, and how long one may be with its id.
const (
	maxEntries = 1 << 8
	maxEntry   = 1 << 10
)

// readDetails is [ParseDetails] for a node's entry. Most say what they said the last time:
// an entry changes when its process does. What it returns others have, too.
func (b *Bridge) readDetails(id, text string) (*Details, bool) {
	if e, known := b.entries[id]; known && e.text == text {
		return e.details, e.listed
	}
	d, listed := ParseDetails(text)
	if len(id)+len(text) > maxEntry {
		return &d, listed
	}
	if b.entries == nil || len(b.entries) >= maxEntries {
		b.entries = map[string]*entry{}
	}
	b.entries[id] = &entry{text, &d, listed}
	return &d, listed
}

// quickDetails reads a details entry of ours, as [Details.Text] writes it; ok is false where
// encoding/json is to be asked. Whoever learns of a member reads its entry, and at the start
// of a fleet of N everybody reads N: see the codec of control messages, whose rules count
// here too. FuzzParseDetails holds the two readers against each other.
func quickDetails(s string) (d Details, ok bool) {
	r := reader{s}
	_, ok = r.object(func(key string) (int, bool) { return d.read(&r, key) })
	if !ok || r.rest != "" {
		return Details{}, false
	}
	return d, true
}

// read reads the value of one member of an entry.
func (d *Details) read(r *reader, key string) (bit int, ok bool) {
	switch key {
	case "process":
		var s string
		s, ok = r.number()
		d.Process = json.Number(s)
		return 1 << 0, ok
	case "timestamp":
		d.Timestamp, ok = r.text()
		return 1 << 1, ok
	case "inc":
		d.Inc, ok = r.text()
		return 1 << 2, ok
	case "v":
		d.V, ok = wholeInt[int](r)
		return 1 << 3, ok
	case "rank":
		d.Rank, ok = r.text()
		return 1 << 4, ok
	case "ttl":
		d.TTL, ok = wholeInt[int64](r)
		return 1 << 5, ok
	case "max_ttl":
		d.MaxTTL, ok = wholeInt[int64](r)
		return 1 << 6, ok
	case "host":
		d.Host, ok = r.text()
		return 1 << 7, ok
	case "pid":
		d.PID, ok = wholeInt[int](r)
		return 1 << 8, ok
	case "start":
		d.Start, ok = r.text()
		return 1 << 9, ok
	default:
		return 0, false
	}
}

// wholeInt reads a whole number of at most 18 digits, which an int of 64 bits holds; on a
// machine with smaller ones encoding/json is asked about what does not fit.
func wholeInt[T int | int64](r *reader) (T, bool) {
	n, ok := r.whole()
	i := T(n)                      //nolint:gosec // compared below
	return i, ok && uint64(i) == n //nolint:gosec // not negative, or not equal
}
