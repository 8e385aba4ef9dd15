package sim

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"hustings/redisbridge"
)

// exec executes one command at the present instant. What it published is in the
// outbox afterwards; the caller delivers.
func (s *store) exec(cmd redisbridge.Command) (reply redisbridge.Reply) {
	now := s.clock()
	s.ms, s.us = int64(now/time.Millisecond), int64(now%time.Millisecond/time.Microsecond)
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*redisbridge.ServerError)
			if !ok {
				panic(r)
			}
			reply = redisbridge.Reply{Err: e}
		}
	}()
	if cmd.Script != nil {
		return redisbridge.Reply{Value: s.script(cmd.Script.Name, cmd.Args)}
	}
	return redisbridge.Reply{Value: s.plain(cmd.Args)}
}

// commands are the plain commands of the model, by name; arity counts the name
// and is the least where negative, as in Redis's own table.
var commands = map[string]struct {
	arity int
	run   func(s *store, a []string) any
}{
	"PING":      {-1, func(_ *store, a []string) any { return ping(a) }},
	"TIME":      {1, func(s *store, _ []string) any { return s.time() }},
	"WAIT":      {3, func(s *store, _ []string) any { return s.replicas }},
	"INFO":      {-1, func(s *store, _ []string) any { return s.info() }},
	"FLUSHALL":  {-1, func(s *store, _ []string) any { return s.flush() }},
	"EXISTS":    {-2, func(s *store, a []string) any { return count(a[1:], func(k string) bool { return s.look(k) != nil }) }},
	"DEL":       {-2, func(s *store, a []string) any { return count(a[1:], s.del) }},
	"PTTL":      {2, func(s *store, a []string) any { return s.pttl(a[1]) }},
	"PEXPIRE":   {3, func(s *store, a []string) any { return s.pexpire(a[1], number(a[2])) }},
	"GET":       {2, func(s *store, a []string) any { return s.getText(a[1]) }},
	"SET":       {-3, func(s *store, a []string) any { return s.setCommand(a) }},
	"HGET":      {3, func(s *store, a []string) any { return text(s.get(a[1], hashKind).hget(a[2])) }},
	"HGETALL":   {2, func(s *store, a []string) any { return s.hgetall(a[1]) }},
	"HLEN":      {2, func(s *store, a []string) any { return s.hlen(a[1]) }},
	"HSET":      {-4, func(s *store, a []string) any { return s.hsetCommand(a) }},
	"HDEL":      {-3, func(s *store, a []string) any { return count(a[2:], func(f string) bool { return s.hdel(a[1], f) }) }},
	"SMEMBERS":  {2, func(s *store, a []string) any { return list(s.smembers(a[1])) }},
	"SISMEMBER": {3, func(s *store, a []string) any { return flag(s.sismember(a[1], a[2])) }},
	"SCARD":     {2, func(s *store, a []string) any { return int64(len(s.smembers(a[1]))) }},
	"SADD":      {-3, func(s *store, a []string) any { return count(a[2:], func(m string) bool { return s.sadd(a[1], m) }) }},
	"SREM":      {-3, func(s *store, a []string) any { return count(a[2:], func(m string) bool { return s.srem(a[1], m) }) }},
	"ZADD":      {-4, func(s *store, a []string) any { return s.zaddCommand(a) }},
	"ZREM":      {-3, func(s *store, a []string) any { return count(a[2:], func(m string) bool { return s.zrem(a[1], m) }) }},
	"ZSCORE":    {3, func(s *store, a []string) any { return text(s.zscore(a[1], a[2])) }},
	"ZCARD":     {2, func(s *store, a []string) any { return int64(len(s.ranked(a[1]))) }},
	"ZRANGE":    {-4, func(s *store, a []string) any { return s.zrangeCommand(a, false) }},
	"ZREVRANGE": {-4, func(s *store, a []string) any { return s.zrangeCommand(a, true) }},
	"PUBLISH":   {3, func(s *store, a []string) any { return s.publish(a[1], a[2]) }},
	"PUBSUB":    {-2, func(s *store, a []string) any { return s.pubsub(a) }},
}

func (s *store) plain(a []string) any {
	if len(a) == 0 {
		fail("ERR", "unknown command ''")
	}
	name := strings.ToUpper(a[0])
	c, known := commands[name]
	if !known {
		fail("ERR", "unknown command '"+a[0]+"', with args beginning with: ")
	}
	if s.forbids(name) {
		fail("NOPERM", "this user has no permissions to run the '"+strings.ToLower(name)+"' command")
	}
	if c.arity > 0 && len(a) != c.arity || c.arity < 0 && len(a) < -c.arity {
		fail("ERR", "wrong number of arguments for '"+strings.ToLower(name)+"' command")
	}
	return c.run(s, a)
}

func (s *store) forbids(name string) bool {
	for _, f := range s.forbidden {
		if f == name {
			return true
		}
	}
	return false
}

// count runs do for each and says how often it was true.
func count(words []string, do func(string) bool) int64 {
	n := int64(0)
	for _, w := range words {
		n += flag(do(w))
	}
	return n
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// text is a reply that may be nil.
func text(s string, ok bool) any {
	if !ok {
		return nil
	}
	return s
}

func list(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		fail("ERR", "value is not an integer or out of range")
	}
	return n
}

func float(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		fail("ERR", "value is not a valid float")
	}
	return f
}

func ping(a []string) any {
	if len(a) > 1 {
		return a[1]
	}
	return "PONG"
}

func (s *store) time() any {
	return []any{strconv.FormatInt(s.ms/1000, 10), strconv.FormatInt(s.ms%1000*1000, 10)}
}

func (s *store) info() any {
	return "# Replication\r\nrole:master\r\nconnected_slaves:" + strconv.FormatInt(s.replicas, 10) +
		"\r\nmaster_replid:" + s.replid + "\r\n"
}

func (s *store) flush() any {
	for _, key := range s.sortedKeys() {
		s.remember(change{key: key, op: wholeKey, old: s.keys.all[key]})
	}
	s.keys.reset(nil)
	return "OK"
}

func (s *store) setCommand(a []string) any {
	px, keep := int64(0), false
	for i := 3; i < len(a); i++ {
		switch strings.ToUpper(a[i]) {
		case "PX":
			if i++; i >= len(a) {
				fail("ERR", "syntax error")
			}
			if px = number(a[i]); px <= 0 {
				fail("ERR", "invalid expire time in 'set' command")
			}
		case "KEEPTTL":
			keep = true
		case "NX":
			if s.look(a[1]) != nil {
				return nil
			}
		case "XX":
			if s.look(a[1]) == nil {
				return nil
			}
		default:
			fail("ERR", "syntax error")
		}
	}
	s.set(a[1], a[2], px, keep)
	return "OK"
}

func (s *store) hsetCommand(a []string) any {
	if len(a)%2 != 0 {
		fail("ERR", "wrong number of arguments for 'hset' command")
	}
	added := int64(0)
	for i := 2; i < len(a); i += 2 {
		added += flag(s.hset(a[1], a[i], a[i+1]))
	}
	return added
}

func (s *store) zaddCommand(a []string) any {
	if len(a)%2 != 0 {
		fail("ERR", "syntax error")
	}
	for i := 2; i < len(a); i += 2 {
		float(a[i]) // all are looked at before any is added
	}
	added := int64(0)
	for i := 2; i < len(a); i += 2 {
		added += flag(s.zadd(a[1], a[i+1], float(a[i])))
	}
	return added
}

// zrangeCommand is ZRANGE and ZREVRANGE by rank.
func (s *store) zrangeCommand(a []string, reverse bool) any {
	from, to := int(number(a[2])), int(number(a[3]))
	withScores := len(a) == 5 && strings.EqualFold(a[4], "WITHSCORES")
	if len(a) > 4 && !withScores {
		fail("ERR", "syntax error")
	}
	items := s.ranked(a[1])
	n := len(items)
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to += n
	}
	out := []any{}
	for i := from; i <= min(to, n-1); i++ {
		it := items[i]
		if reverse {
			it = items[n-1-i]
		}
		out = append(out, it.member)
		if withScores {
			out = append(out, scoreText(it.score))
		}
	}
	return out
}
