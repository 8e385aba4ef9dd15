package sim

import (
	"slices"
	"strings"
)

// The primitives: what both the plain commands and the scripts are made of.
// Each does what the Redis command of its name does.

func (s *store) getText(key string) any {
	v := s.get(key, stringKind)
	if v == nil {
		return nil
	}
	return v.str
}

// set writes a string. px 0 means without expiry, unless the present one is kept.
func (s *store) set(key, str string, px int64, keepTTL bool) {
	old, expire := s.look(key), int64(0)
	if px > 0 {
		expire = s.ms + px
	} else if keepTTL && old != nil {
		expire = old.expire
	}
	if old == nil || old.kind != stringKind {
		s.put(key, &value{kind: stringKind, str: str, expire: expire})
		return
	}
	s.remember(change{key: key, op: textSet, text: old.str, score: float64(old.expire)})
	old.setText(str)
	old.expire = expire
}

func (s *store) del(key string) bool {
	if s.look(key) == nil {
		return false
	}
	s.put(key, nil)
	return true
}

// pttl is -2 for no key, -1 for a key that stays.
func (s *store) pttl(key string) int64 { return s.left(s.look(key)) }

// left is PTTL of a key that was looked at.
func (s *store) left(v *value) int64 {
	switch {
	case v == nil:
		return -2
	case v.expire == 0:
		return -1
	default:
		return v.expire - s.ms
	}
}

func (s *store) pexpire(key string, ms int64) any {
	v := s.look(key)
	if v == nil {
		return int64(0)
	}
	if ms <= 0 {
		s.put(key, nil)
		return int64(1)
	}
	s.prolong(key, v, ms)
	return int64(1)
}

// prolong has a key that was looked at expire in that many ms.
func (s *store) prolong(key string, v *value, ms int64) {
	s.remember(change{key: key, op: expirySet, score: float64(v.expire)})
	v.expire = s.ms + ms
}

func (s *store) hlen(key string) int64 {
	if v := s.get(key, hashKind); v != nil {
		return int64(len(v.hash))
	}
	return 0
}

func (s *store) hgetall(key string) any {
	out := []any{}
	if v := s.get(key, hashKind); v != nil {
		for _, p := range v.hash {
			out = append(out, p.field, p.value)
		}
	}
	return out
}

func (s *store) hset(key, field, text string) bool {
	v := s.mutable(key, hashKind)
	old, was := v.hget(field)
	s.remember(change{key: key, op: fieldSet, name: field, text: old, was: was})
	return v.hset(field, text)
}

func (s *store) hdel(key, field string) bool {
	v := s.get(key, hashKind)
	old, found := v.hget(field)
	if !found {
		return false
	}
	s.remember(change{key: key, op: fieldSet, name: field, text: old, was: true})
	v.hdel(field)
	s.tidy(key)
	return true
}

// smembers returns the members in order; the slice is the store's own and good
// until the next write.
func (s *store) smembers(key string) []string {
	if v := s.get(key, setKind); v != nil {
		return v.set
	}
	return nil
}

func (s *store) sismember(key, member string) bool {
	_, found := slices.BinarySearch(s.smembers(key), member)
	return found
}

func (s *store) sadd(key, member string) (isNew bool) {
	v := s.mutable(key, setKind)
	if v.set, isNew = insert(v.set, member); isNew {
		s.remember(change{key: key, op: added, name: member})
	}
	return isNew
}

func (s *store) srem(key, member string) (was bool) {
	v := s.get(key, setKind)
	if v == nil {
		return false
	}
	if v.set, was = erase(v.set, member); was {
		s.remember(change{key: key, op: removed, name: member})
		s.tidy(key)
	}
	return was
}

// srandmember picks up to n different members.
func (s *store) srandmember(key string, n int) []string {
	all := s.smembers(key)
	if len(all) <= n {
		return all
	}
	picked := slices.Clone(all)
	for i := range n {
		j := i + s.random.IntN(len(picked)-i)
		picked[i], picked[j] = picked[j], picked[i]
	}
	return picked[:n]
}

// ranked returns a sorted set's members, the lowest first; the slice is the
// store's own and good until the next write.
func (s *store) ranked(key string) []scored {
	if v := s.get(key, zsetKind); v != nil {
		return v.zset.items
	}
	return nil
}

func (s *store) zscore(key, member string) (string, bool) {
	v := s.get(key, zsetKind)
	if v == nil {
		return "", false
	}
	score, ok := v.zset.score(member)
	if !ok {
		return "", false
	}
	return scoreText(score), true
}

func (s *store) zadd(key, member string, score float64) bool {
	z := &s.mutable(key, zsetKind).zset
	old, was := z.score(member)
	if was && old == score {
		return false
	}
	s.remember(change{key: key, op: scoreSet, name: member, score: old, was: was})
	return z.add(member, score)
}

func (s *store) zrem(key, member string) bool {
	v := s.get(key, zsetKind)
	if v == nil {
		return false
	}
	score, was := v.zset.score(member)
	if !was {
		return false
	}
	s.remember(change{key: key, op: scoreSet, name: member, score: score, was: true})
	v.zset.remove(member)
	s.tidy(key)
	return true
}

// zdrop removes the n members of the lowest scores.
func (s *store) zdrop(key string, n int) {
	z := &s.mutable(key, zsetKind).zset
	for _, it := range z.items[:n] {
		s.remember(change{key: key, op: scoreSet, name: it.member, score: it.score, was: true})
	}
	z.dropLowest(n)
}

// posted is a message that a command published to one subscriber.
type posted struct {
	to               *subscriber
	channel, payload string
}

// publish puts a message into the outbox for everyone subscribed.
func (s *store) publish(channel, payload string) int64 {
	subs, _ := s.channels.get(channel)
	for _, sub := range subs {
		s.outbox = append(s.outbox, posted{sub, channel, payload})
	}
	return int64(len(subs)) + s.patterns
}

func (s *store) numsub(channel string) int64 {
	subs, _ := s.channels.get(channel)
	return int64(len(subs))
}

func (s *store) pubsub(a []string) any {
	if !strings.EqualFold(a[1], "NUMSUB") {
		fail("ERR", "unknown subcommand '"+a[1]+"'. Try PUBSUB HELP.")
	}
	out := []any{}
	for _, channel := range a[2:] {
		out = append(out, channel, s.numsub(channel))
	}
	return out
}

// subscribe and unsubscribe keep the subscribers of a channel in the order in
// which they came.
func (s *store) subscribe(sub *subscriber, channels []string) {
	for _, channel := range channels {
		if subs, _ := s.channels.get(channel); !slices.Contains(subs, sub) {
			s.channels.set(channel, append(subs, sub))
		}
	}
}

func (s *store) unsubscribe(sub *subscriber, channels []string) {
	for _, channel := range channels {
		subs, _ := s.channels.get(channel)
		if i := slices.Index(subs, sub); i >= 0 {
			s.channels.set(channel, slices.Delete(subs, i, i+1))
		}
	}
}

func (s *store) sortedKeys() []string {
	keys := make([]string, 0, len(s.keys.all))
	for key := range s.keys.all { // sorted below
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
