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

// spot is where a key is remembered: keys differ at the end, or about the middle.
func spot(key string) int {
	switch {
	case key == "":
		return 0
	case len(key) < 8:
		return int(key[len(key)-1]) % memoSpots
	}
	end, middle := word(key[len(key)-8:]), word(key[len(key)/2-4:])
	return int((end ^ middle<<13 ^ middle>>51) * 0x9e3779b97f4a7c15 >> (64 - memoBits))
}

// get returns a key's value, the zero one if there is none.
func (m *memo[T]) get(key string) (T, bool) {
	r := &m.recent[spot(key)]
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
	m.recent[spot(key)] = remembered[T]{key, v, true, true}
}

// remove leaves a key without a value.
func (m *memo[T]) remove(key string) {
	delete(m.all, key)
	m.recent[spot(key)] = remembered[T]{key: key, full: true}
}

// reset replaces everything.
func (m *memo[T]) reset(all map[string]T) { *m = memo[T]{all: all} }
