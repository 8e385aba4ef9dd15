package sim

import (
	"slices"
	"strings"
	"time"

	"hustings/redisbridge"
)

// kind is the type of a key's value.
type kind uint8

const (
	stringKind kind = iota + 1
	setKind
	hashKind
	zsetKind
)

// value is what a key holds. Sets and hashes are sorted slices: Redis promises
// no order, a simulation has to have one, and map iteration has none.
type value struct {
	kind   kind
	str    string
	set    []string
	hash   []pair
	zset   zset
	expire int64 // TIME in ms after which the key is gone, 0 for never
	// What the hash or the string says, if it was read as one of these and not changed since.
	epoch   *epochRecord
	record  *record
	session *session
}

type pair struct{ field, value string }

func (v *value) clone() *value {
	c := *v
	c.set, c.hash, c.zset = slices.Clone(v.set), slices.Clone(v.hash), v.zset.clone()
	return &c
}

// empty reports whether Redis would remove the key: collections don't stay empty.
func (v *value) empty() bool {
	return v.kind != stringKind && len(v.set) == 0 && len(v.hash) == 0 && len(v.zset.items) == 0
}

// store is the model's data: one Redis server's keyspace, clock and channels.
// It executes one command at a time and knows nothing of processes or links.
type store struct {
	keys   memo[*value]
	clock  func() time.Duration // Redis's wall clock, which may be set
	world  func() time.Duration // the world's, which only goes forward
	random *Rand

	replid   string
	replicas int64 // what WAIT answers
	patterns int64 // clients whose pattern matches every channel

	// ms is TIME at the beginning of the present command; time stands still in it.
	ms int64
	// us is how much of that millisecond has passed, in microseconds.
	us int64

	history time.Duration
	undo    []change // what writes replaced, the oldest first, as far back as history

	channels  memo[[]*subscriber]
	forbidden []string
	outbox    []posted
	boxes
	sheet *sheet   // of who asks, nil where the reply may be kept
	last  struct { // what boxDecimal made last
		n    int64
		text any
	}
	ring    *keyring // of the prefix used last
	running script   // the one script that runs, kept to be used again
}

func newStore(clock, world func() time.Duration, random *Rand, history time.Duration) *store {
	s := &store{clock: clock, world: world, random: random, history: history}
	s.clear()
	s.newReplid()
	return s
}

func (s *store) clear() {
	s.keys.reset(nil)
	s.undo = nil
}

// newReplid is what a restart or a promotion does.
func (s *store) newReplid() {
	const digits = "0123456789abcdef"
	var id [40]byte
	for i := range id {
		id[i] = digits[s.random.IntN(16)]
	}
	s.replid = string(id[:])
}

// fail aborts the present command, and the script around it, as an error of
// redis.call does: what was written so far stays. exec turns it into the reply.
func fail(code, text string) { panic(&redisbridge.ServerError{Code: code, Text: code + " " + text}) }

const wrongType = "Operation against a key holding the wrong kind of value"

// get returns a key's value of a kind, or nil.
func (s *store) get(key string, k kind) *value {
	v := s.look(key)
	if v != nil && v.kind != k {
		fail("WRONGTYPE", wrongType)
	}
	return v
}

// look returns a key's value or nil. A key is gone when TIME is after its
// expiry, not when it is equal.
func (s *store) look(key string) *value {
	v, _ := s.keys.get(key)
	if v == nil || v.expire == 0 || s.ms <= v.expire {
		return v
	}
	s.put(key, nil)
	return nil
}

// put replaces a key's value, nil for none.
func (s *store) put(key string, v *value) {
	old, _ := s.keys.get(key)
	s.remember(change{key: key, op: wholeKey, old: old})
	if v == nil {
		s.keys.remove(key)
		return
	}
	s.keys.set(key, v)
}

// mutable returns a key's value to be changed in place, making an empty one of
// the kind if there is none. Who changes it remembers how to undo that.
func (s *store) mutable(key string, k kind) *value {
	v := s.get(key, k)
	if v == nil {
		v = &value{kind: k}
		s.put(key, v)
	}
	return v
}

// tidy removes a collection that has become empty.
func (s *store) tidy(key string) {
	if v, _ := s.keys.get(key); v != nil && v.empty() {
		s.put(key, nil)
	}
}

// dataset is what a server that was replaced keeps.
type dataset struct {
	keys   map[string]*value
	replid string
}

// snapshot copies the data, so that both copies may be written.
func (s *store) snapshot() dataset {
	keys := make(map[string]*value, len(s.keys.all))
	for key, v := range s.keys.all { // the order does not matter: into a map
		keys[key] = v.clone()
	}
	return dataset{keys, s.replid}
}

// insert and erase keep a slice of strings sorted; they report a change.
func insert(set []string, x string) ([]string, bool) {
	i, found := slices.BinarySearch(set, x)
	if found {
		return set, false
	}
	return slices.Insert(set, i, x), true
}

func erase(set []string, x string) ([]string, bool) {
	i, found := slices.BinarySearch(set, x)
	if !found {
		return set, false
	}
	return slices.Delete(set, i, i+1), true
}

// field finds a field of a hash, or the place for it.
func (v *value) field(name string) (int, bool) {
	return slices.BinarySearchFunc(v.hash, name, func(p pair, n string) int { return strings.Compare(p.field, n) })
}

func (v *value) hget(name string) (string, bool) {
	if v == nil {
		return "", false
	}
	if i, found := v.field(name); found {
		return v.hash[i].value, true
	}
	return "", false
}

// setText changes a string.
func (v *value) setText(str string) {
	if str != v.str {
		v.str, v.session = str, nil
	}
}

// hset reports whether the field is new.
func (v *value) hset(name, text string) bool {
	v.epoch, v.record = nil, nil
	i, found := v.field(name)
	if found {
		v.hash[i].value = text
		return false
	}
	v.hash = slices.Insert(v.hash, i, pair{name, text})
	return true
}

func (v *value) hdel(name string) bool {
	v.epoch, v.record = nil, nil
	i, found := v.field(name)
	if found {
		v.hash = slices.Delete(v.hash, i, i+1)
	}
	return found
}
