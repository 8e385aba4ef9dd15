package sim

// memo is a map that finds what was asked for lately without hashing the whole key. Scripts
// ask for the same few keys again and again. The zero memo is empty.
type memo[T any] struct {
	all    map[string]T
	recent [memoSpots]remembered[T]
}

// remembered is what the map was last asked for at a spot, or told there.
type remembered[T any] struct {
	key   string
	value T
	known bool // the map has the key
	full  bool // something is remembered here
}

const (
	memoBits  = 6
	memoSpots = 1 << memoBits
)

// spread is a hash of a text whose high bits count. Keys, and what is said of nodes, differ at
// the end, or about the middle.
func spread(s string) uint64 {
	const golden = 0x9e3779b97f4a7c15
	switch {
	case s == "":
		return 0
	case len(s) < 8:
		return uint64(s[len(s)-1]) * golden
	}
	end, middle := word(s[len(s)-8:]), word(s[len(s)/2-4:])
	return (end ^ middle<<13 ^ middle>>51) * golden
}

// spot is where a key is remembered.
func (m *memo[T]) spot(key string) *remembered[T] { return &m.recent[spread(key)>>(64-memoBits)] }

// get returns a key's value, the zero one if there is none.
func (m *memo[T]) get(key string) (T, bool) {
	r := m.spot(key)
	if !r.full || r.key != key {
		r.key, r.full = key, true
		r.value, r.known = m.all[key]
	}
	return r.value, r.known
}

// set gives a key a value.
func (m *memo[T]) set(key string, v T) {
	if m.all == nil {
		m.all = make(map[string]T)
	}
	m.all[key] = v
	*m.spot(key) = remembered[T]{key, v, true, true}
}

// remove leaves a key without a value.
func (m *memo[T]) remove(key string) {
	delete(m.all, key)
	*m.spot(key) = remembered[T]{key: key, full: true}
}

// reset replaces everything.
func (m *memo[T]) reset(all map[string]T) { *m = memo[T]{all: all} }
