package sim

import (
	"slices"
	"strings"
)

func (c *script) canvass() any {
	id := c.arg(2)
	status, birth := c.own()
	epoch := c.present(c.num(6))
	if status == "taken" || status == "stale" {
		return []any{status, "", epoch.name, epoch.number, epoch.left, []any{}}
	}
	n, enlisted := int(c.need(7)), false
	items := make([]any, 0, n)
	for i := 8; i <= 7+3*n; i += 3 {
		e, flags := c.arg(i), c.arg(i+2)
		if status == "ok" && strings.Contains(flags, "r") {
			if !enlisted {
				c.enlist(id, c.arg(5))
				enlisted = true
			}
			c.stand(e, id, c.arg(i+1))
		}
		items = append(items, c.canvassed(e, flags, epoch.name))
	}
	if status != "ok" {
		birth = ""
	}
	return []any{c.box(status), c.box(birth), c.box(epoch.name), epoch.number, epoch.left, items}
}

// canvassed is one item of canvass.
func (c *script) canvassed(e, flags, epoch string) any {
	item := c.looked(e, flags, epoch)
	if item[1] == "" && item[9] == "" && len(item[7].([]any))+len(item[8].([]any)) == 0 {
		return []any{item[0], item[6]}
	}
	return item
}

// looked is the item, whole.
func (c *script) looked(e, flags, epoch string) []any {
	r := c.record(e)
	item := []any{c.box(r.token), "", "", int64(-2), "", "", int64(-1), nothing, nothing, "", int64(0), ""}
	if left, ok := c.counts(r, epoch); ok {
		item[1], item[2], item[3] = c.box(r.id), c.box(r.birth), left
		item[4], item[5], item[11] = c.box(c.rank(e, r.id)), c.box(r.appointed), c.box(r.evict)
	} else if left := c.kept(r); left > 0 {
		item[9], item[10] = r.heir, left
	}
	if strings.Contains(flags, "l") {
		return item
	}
	order := c.ranked(c.p.Ranks(e))
	if v := c.get(c.p.Ranks(e), zsetKind); v != nil {
		if i := v.zset.rank(c.arg(2)); i >= 0 {
			item[6] = int64(len(order) - 1 - i)
			if item[1] == "" || v.zset.rank(r.id) <= i { // else we have lost to the holder
				item[7] = c.higher(order, len(order)-1-i)
			}
		}
	}
	if strings.Contains(flags, "m") {
		item[8] = c.others(e, order)
	}
	return item
}

// higher lists the live candidates that outrank us, the highest first: at most
// 4 of the first 64.
func (c *script) higher(order []scored, place int) []any {
	list := []any{}
	for i := 0; i < min(place, 64) && len(list) < 3*4; i++ {
		it := order[len(order)-1-i]
		if !c.born(it.member) {
			continue
		}
		birth, _, _ := c.session(it.member)
		list = append(list, c.box(it.member), c.box(scoreText(it.score)), c.box(birth))
	}
	return list
}

// born reports whether an id has a session, and nothing else under its key.
func (c *script) born(id string) bool {
	v := c.look(c.p.Session(id))
	return v != nil && v.kind == stringKind
}

// others lists the candidates that are not ours: they have no rank.
func (c *script) others(e string, order []scored) []any {
	ours := make(map[string]bool, len(order)) // only looked up
	for _, it := range order {
		ours[it.member] = true
	}
	list := []any{}
	for _, id := range c.smembers(c.p.Candidates(e)) {
		if !ours[id] && len(list) < 3*256 {
			list = append(list, id, c.details(id), c.subscribers(id))
		}
	}
	return list
}

func (c *script) claim() any {
	id := c.arg(2)
	status, birth := c.own()
	n := int(c.need(13))
	if status == "ok" && n == 1 && c.tentative(14) && c.opposed(c.arg(14)) {
		return []any{"outranked"}
	}
	epoch := c.epoch(5)
	if status != "ok" || birth != c.arg(11) || epoch.name != c.arg(12) {
		if status != "ok" {
			birth = ""
		}
		return []any{"stale", birth, epoch.name, epoch.number, decimal(epoch.floor), epoch.left, []any{}}
	}
	before := epoch.floor
	items := make([]any, 0, n)
	for i := 14; i <= 13+3*n; i += 3 {
		e := c.arg(i)
		if n > 1 && c.tentative(i) && c.opposed(e) {
			items = append(items, []any{"outranked"})
			continue
		}
		if !c.sismember(c.p.Candidates(e), id) {
			items = append(items, []any{"refused"})
			continue
		}
		switch r := c.record(e); {
		case c.held(r, epoch.name):
			lasts, _ := c.counts(r, epoch.name)
			items = append(items, []any{"held", r.id, r.token, lasts, r.birth, c.rank(e, r.id), r.appointed, r.evict})
		case epoch.left > 0:
			items = append(items, []any{"quarantine", epoch.left})
		case r.heir != id && c.kept(r) > 0:
			items = append(items, []any{"kept", c.kept(r), r.heir})
		default:
			items = append(items, c.grant(e, r, birth, &epoch, c.num(i+1), c.arg(i+2)))
		}
	}
	if epoch.floor > before {
		c.hset(c.p.Epoch(), "floor", decimal(epoch.floor))
	}
	c.deliver()
	return []any{"ok", birth, epoch.name, epoch.number, decimal(epoch.floor), epoch.left, items}
}

// held reports whether an office is another's. A record under our id and another
// incarnation can count only if that one was evicted: it may live.
func (c *script) held(r record, epoch string) bool {
	if r.mine(c.arg(2), c.arg(3)) {
		return false
	}
	_, counts := c.counts(r, epoch)
	return counts
}

// tentative reports whether a claim is for an office that nobody disputes.
func (c *script) tentative(i int) bool { return strings.Contains(c.arg(i+2), "t") }

// opposed reports whether a live candidate outranks us, or one that has no rank stands.
func (c *script) opposed(e string) bool {
	order := c.ranked(c.p.Ranks(e))
	place := slices.IndexFunc(order, func(z scored) bool { return z.member == c.arg(2) })
	if place < 0 || len(order)-1-place > 64 {
		return true
	}
	for _, above := range order[place+1:] {
		if c.born(above.member) {
			return true
		}
	}
	return len(c.smembers(c.p.Candidates(e))) > len(order)
}

// evictable writes the holder's grace, of flag d<ms>, or removes it.
func (c *script) evictable(key, flags string) {
	_, rest, found := strings.Cut(flags, "d")
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	if !found || n == 0 {
		c.hdel(key, "evict")
		return
	}
	c.hset(key, "evict", rest[:n])
}

// grant writes the record with a token above every one that anybody saw, and
// tells the other candidates. Whom a resigner named is appointed.
func (c *script) grant(e string, r record, birth string, epoch *era, seen int64, flags string) any {
	id, inc := c.arg(2), c.arg(3)
	epoch.floor = max(whole(r.token)+1, seen+1, epoch.floor+1, c.ms)
	token := decimal(epoch.floor)
	key := c.p.Leader(e)
	c.hset(key, "id", id)
	c.hset(key, "birth", birth)
	c.hset(key, "epoch", epoch.name)
	c.hset(key, "token", token)
	appointed := ""
	if r.heir == id {
		appointed = "1"
		c.hset(key, "appointed", appointed)
	} else {
		c.hdel(key, "appointed")
	}
	c.hdel(key, "heir")
	c.hdel(key, "until")
	c.evictable(key, flags)
	c.srem(c.p.Vacant(), e)
	message := ""
	for _, it := range c.ranked(c.p.Ranks(e)) {
		if it.member == id {
			continue
		}
		if message == "" {
			message = `{"type":"leader","election":` + quote(e) + `,"id":` + quote(id) + `,"inc":` + quote(inc) + `,"token":"` + token + `"}`
		}
		c.post(it.member, message)
	}
	return []any{"granted", token, appointed}
}

func (c *script) reassert() any {
	id, inc := c.arg(2), c.arg(3)
	status, birth := c.own()
	epoch := c.present(c.num(6))
	if status != "ok" {
		return []any{status, "", epoch.name, epoch.number, []any{}}
	}
	if epoch.name == "" || epoch.name != c.arg(5) {
		return []any{"stale", birth, epoch.name, epoch.number, []any{}}
	}
	n := int(c.need(7))
	items := make([]any, 0, n)
	for i := 8; i <= 7+3*n; i += 3 {
		e, token := c.arg(i), c.arg(i+1)
		key, r := c.p.Leader(e), c.record(e)
		word := "superseded"
		switch {
		case !c.sismember(c.p.Candidates(e), id):
			word = "refused"
		case r.mine(id, inc) && r.token == token:
			c.hset(key, "birth", birth)
			c.hset(key, "epoch", epoch.name)
			word = "ok"
		case epoch.left > 0 && whole(token) > whole(r.token):
			c.hset(key, "id", id)
			c.hset(key, "birth", birth)
			c.hset(key, "epoch", epoch.name)
			c.hset(key, "token", token)
			for _, field := range [...]string{"appointed", "heir", "until"} {
				c.hdel(key, field)
			}
			c.evictable(key, c.arg(i+2))
			word = "ok"
		}
		if word == "ok" {
			c.srem(c.p.Vacant(), e)
		}
		items = append(items, word)
	}
	return []any{"ok", birth, epoch.name, epoch.number, items}
}

func (c *script) release() any {
	id, inc, n := c.arg(2), c.arg(3), int(c.need(4))
	items := make([]any, 0, n)
	for i := 5; i <= 4+4*n; i += 4 {
		if r := c.record(c.arg(i)); r.mine(id, inc) && r.token == c.arg(i+1) {
			heir := c.vacate(c.arg(i), r.token, c.arg(i+2))
			if heir != "" && heir == c.arg(i+2) && strings.Contains(c.arg(i+3), "k") {
				c.hset(c.p.Leader(c.arg(i)), "heir", heir)
				c.hset(c.p.Leader(c.arg(i)), "until", decimal(c.ms+keptFor))
			}
			items = append(items, []any{"released", heir})
		} else {
			items = append(items, []any{"not", ""})
		}
	}
	c.deliver()
	return items
}

func (c *script) quit() any {
	status, _ := c.own()
	if status == "taken" || status == "stale" {
		return []any{status, int64(0)}
	}
	n := c.need(5)
	for i := 6; i <= 5+int(n); i++ {
		c.stepback(c.arg(i))
	}
	c.deliver()
	return []any{status, n}
}

// stepback is quit for one election.
func (c *script) stepback(e string) {
	id, inc := c.arg(2), c.arg(3)
	c.srem(c.p.Participated(id), e)
	c.srem(c.p.Candidates(e), id)
	c.zrem(c.p.Ranks(e), id)
	if r := c.record(e); r.mine(id, inc) {
		c.vacate(e, r.token, "")
	}
	if len(c.smembers(c.p.Candidates(e))) == 0 {
		c.srem(c.p.Vacant(), e)
	}
}
