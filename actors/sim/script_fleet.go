package sim

import "strings"

// The membership log is cut from memberLogMax entries to memberLogKeep.
const (
	memberLogMax  = 4096
	memberLogKeep = 2048
)

// version is that of the last change of membership. Where it is none that a script writes,
// or the last one, the log begins anew.
func (c *script) version() int64 {
	log := c.ranked(c.p.Members())
	if len(log) == 0 {
		return 0
	}
	top := log[len(log)-1].score
	if v := int64(top); top >= 0 && top < tokenLimit-1 && float64(v) == top {
		return v
	}
	c.del(c.p.Members())
	c.zadd(c.p.Members(), "-", float64(c.ms))
	return c.ms
}

// change logs one: an id has one entry.
func (c *script) change(kind, id string) {
	key := c.p.Members()
	v := c.version() + 1
	for _, k := range [...]string{"+", "-", "!"} {
		if k != kind {
			c.zrem(key, k+id)
		}
	}
	c.zadd(key, kind+id, float64(v))
	if n := len(c.ranked(key)); n > memberLogMax {
		c.zdrop(key, n-memberLogKeep)
	}
}

// enlist puts us into list and details, and into the log if they are new.
func (c *script) enlist(id, details string) {
	c.sadd(c.p.List(), id)
	if c.details(id) != details {
		c.hset(c.p.Details(), id, details)
		c.change("+", id)
	}
}

func (c *script) stand(e, id, rank string) {
	c.sadd(c.p.Candidates(e), id)
	c.zadd(c.p.Ranks(e), id, float(rank))
}

func (c *script) heartbeat() any {
	id, ttl := c.arg(2), c.need(6)
	status, birth := c.own()
	switch status {
	case "taken":
		return []any{"taken", c.remaining(id), birth, c.details(id)}
	case "stale":
		return []any{"stale"}
	case "replaced":
		return []any{"replaced", c.remaining(id), c.successor(id)}
	}
	epoch := c.epoch(7)
	var verdict any = "extended"
	if status == "none" {
		verdict, birth = "created", c.arg(3)+"-"+c.arg(5)
		c.returns(id)
	}
	c.zadd(c.p.Sessions(), id, float64(c.ms+ttl))
	c.bury(ttl)
	if probe := c.arg(13); probe != "" {
		c.publish(c.p.Bully(id), probe)
	}
	if c.look(c.p.Deserted()) != nil {
		c.attempt(c.tidy)
	}
	watched := c.sheet.list(2 * max(len(c.argv)-13, 0))
	for i := 14; i <= len(c.argv); i++ {
		birth, left := c.alive(c.argv[i-1])
		watched = append(watched, left, c.box(birth))
	}
	reply := c.sheet.reply(
		verdict, c.box(birth), c.box(epoch.name), epoch.number, c.boxDecimal(epoch.floor), epoch.left, c.version(),
		c.hlen(c.p.Details()), c.sheet.value(list(c.srandmember(c.p.Vacant(), 64))), c.sheet.value(watched), c.us,
	)
	if ttl <= 0 {
		fail("ERR", "invalid expire time in 'set' command")
	}
	c.renew(id, birth, c.arg(4), ttl)
	return reply
}

// returns logs that a node is back: whoever read that it died, or found no session of it,
// forgot it, and registering again changes no details.
func (c *script) returns(id string) {
	if strings.Contains(c.details(id), c.arg(3)) {
		c.change("+", id)
	}
}

// bury looks at sessions that were not renewed. A score is a promise that may be
// out of date: the key decides. Who died is told of again after a while, until it is
// purged.
func (c *script) bury(ttl int64) {
	key := c.p.Sessions()
	var over []string
	for _, it := range c.ranked(key) {
		if it.score >= float64(c.ms) || len(over) == 16 {
			break
		}
		over = append(over, it.member)
	}
	for _, id := range over {
		pttl := c.remaining(id)
		if pttl != -2 {
			c.zadd(key, id, float64(c.ms+max(pttl, 0)))
			continue
		}
		details, known := c.get(c.p.Details(), hashKind).hget(id)
		if known {
			c.change("!", id)
		}
		if known && !old(details) {
			c.zadd(key, id, float64(c.ms+ttl))
		} else {
			c.zrem(key, id)
		}
	}
}

func (c *script) replace() any {
	id := c.arg(2)
	birth, conn, lives := c.session(id)
	if !lives || of(birth, c.arg(3)) || !of(birth, c.arg(4)) {
		return []any{int64(0)}
	}
	if c.successor(id) == "" {
		c.set(c.p.Session(id), birth+" "+decimal(conn)+" "+c.arg(5), 0, true)
	}
	return []any{int64(1)}
}

func (c *script) join() any {
	status, _ := c.own()
	if status == "ok" && c.arg(7+2*int(c.need(6))) == "1" && c.participates(c.arg(2)) {
		status = "early"
	}
	if status == "ok" {
		n := int(c.need(6))
		c.enlist(c.arg(2), c.arg(5))
		for i := 7; i <= 6+2*n; i += 2 {
			c.sadd(c.p.Participated(c.arg(2)), c.arg(i))
		}
		for i := 7; i <= 6+2*n; i += 2 {
			c.stand(c.arg(i), c.arg(2), c.arg(i+1))
		}
	}
	return []any{status, c.version()}
}

func (c *script) leave() any {
	id := c.arg(2)
	status, _ := c.own()
	if status == "taken" || status == "stale" {
		return []any{status, int64(0)}
	}
	ours, first := strings.CutPrefix(c.arg(5), "f")
	if first && status != "ok" {
		return []any{status, int64(0)}
	}
	if first && old(c.details(id)) && c.subscribers(id) > whole(ours) {
		c.del(c.p.Session(id))
		c.zrem(c.p.Sessions(), id)
		return []any{"original", c.details(id)}
	}
	for _, e := range c.portion(id, int(c.need(6))) {
		c.attempt(func() { c.stepback(e) })
	}
	c.finish()
	if c.participates(id) {
		return []any{status, int64(1)}
	}
	c.srem(c.p.List(), id)
	if c.hdel(c.p.Details(), id) {
		c.change("-", id)
	}
	if c.arg(5) == "1" {
		c.del(c.p.Session(id))
		c.zrem(c.p.Sessions(), id)
	}
	return []any{status, int64(0)}
}

// portion is up to that many of the elections in which a node takes part.
func (c *script) portion(id string, most int) []string {
	return append([]string(nil), c.srandmember(c.p.Participated(id), most)...)
}

func (c *script) participates(id string) bool { return c.look(c.p.Participated(id)) != nil }

func (c *script) purge() any {
	target := c.arg(5)
	if c.lives(target) {
		return []any{int64(0), int64(0)}
	}
	if (c.arg(6) == "original" || old(c.details(target))) && c.subscribers(target) != 0 {
		c.zrem(c.p.Sessions(), target)
		return []any{int64(0), int64(0)}
	}
	for i := 8; i <= len(c.argv); i++ {
		c.strike(c.arg(i), target)
	}
	for _, e := range c.portion(target, int(c.need(7))) {
		c.strike(e, target)
	}
	if c.participates(target) {
		return []any{int64(1), int64(1)}
	}
	listed := c.srem(c.p.List(), target)
	known := c.hdel(c.p.Details(), target) || listed
	c.zrem(c.p.Sessions(), target)
	if known {
		c.change("!", target)
	}
	return []any{int64(1), int64(0)}
}

// strike takes a dead node out of an election.
func (c *script) strike(e, target string) {
	c.srem(c.p.Participated(target), e)
	c.srem(c.p.Candidates(e), target)
	c.zrem(c.p.Ranks(e), target)
	c.deserted(e)
}

func (c *script) members() any {
	since, version := c.need(2), c.version()
	log := c.ranked(c.p.Members())
	listed := c.hlen(c.p.Details())
	if since == 0 || len(log) == 0 || float64(since) < log[0].score || since > version {
		entries := c.sheet.list(int(4 * listed))
		if v := c.get(c.p.Details(), hashKind); v != nil {
			for _, p := range v.hash {
				entries = append(entries, c.box(p.field), "+", c.box(p.value), c.remaining(p.field))
			}
		}
		return c.sheet.reply(version, int64(1), c.sheet.value(entries), listed)
	}
	news := c.get(c.p.Members(), zsetKind).zset.above(float64(since))
	entries := c.sheet.list(4 * len(news))
	for _, it := range news {
		if len(it.member) < 2 {
			continue // about nobody
		}
		kind, id := it.member[:1], it.member[1:]
		entries = append(entries, c.box(id), c.box(kind), c.box(c.details(id)), c.remaining(id))
	}
	return c.sheet.reply(version, int64(0), c.sheet.value(entries), listed)
}

func (c *script) peer() any {
	id, elections := c.arg(2), c.argv[2:]
	took, stands, seats := int64(-1), int64(-1), c.sheet.list(2*len(elections))
	for _, e := range elections {
		seats = append(seats, flag(c.sismember(c.p.Candidates(e), id)), c.box(c.rank(e, id)))
	}
	if len(elections) == 0 {
		took, stands = int64(len(c.smembers(c.p.Participated(id)))), 0
		for _, e := range c.portion(id, 500) {
			stands += flag(c.sismember(c.p.Candidates(e), id))
		}
	}
	birth, _, _ := c.session(id)
	return c.sheet.reply(c.box(c.details(id)), c.remaining(id), c.box(birth), c.subscribers(id), took, stands, c.sheet.value(seats))
}

func (c *script) restore() any {
	e, id := c.arg(2), c.arg(3)
	if c.lives(id) || c.subscribers(id) < 1 || c.sismember(c.p.Candidates(e), id) && c.details(id) != "" {
		return []any{int64(0)}
	}
	c.sadd(c.p.List(), id)
	if c.details(id) == "" {
		c.hset(c.p.Details(), id, c.arg(4))
		c.change("+", id)
	}
	c.sadd(c.p.Participated(id), e)
	c.sadd(c.p.Candidates(e), id)
	return []any{int64(1)}
}
