package sim

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (c *script) canvass() any {
	status, birth := c.own()
	epoch := c.present(c.num(6))
	if status == "taken" || status == "stale" {
		return []any{status, "", epoch.name, epoch.number, epoch.left, []any{}}
	}
	n := int(c.need(7))
	if status == "ok" {
		c.register(c.arg(5), 8, n)
	} else {
		birth = ""
	}
	items := c.sheet.list(n)
	for i := 8; i <= 7+3*n; i += 3 {
		items = append(items, c.brief(c.looked(c.arg(i), c.arg(i+2), epoch.name)))
	}
	return c.sheet.reply(c.box(status), c.box(birth), c.box(epoch.name), epoch.number, epoch.left, c.sheet.value(items))
}

// register puts us into the fleet, and into the candidates of those of n elections that say
// so: election, rank and flags at ARGV[first] and so on.
func (c *script) register(details string, first, n int) {
	id, enlisted := c.arg(2), false
	for i := first; i < first+3*n; i += 3 {
		if !strings.Contains(c.arg(i+2), "r") {
			continue
		}
		if !enlisted {
			c.enlist(id, details)
			enlisted = true
		}
		c.sadd(c.p.Participated(id), c.arg(i))
	}
	for i := first; enlisted && i < first+3*n; i += 3 {
		if strings.Contains(c.arg(i+2), "r") {
			c.stand(c.arg(i), id, c.arg(i+1))
		}
	}
}

// brief leaves out of an item what would be empty.
func (c *script) brief(item *[12]any) any {
	if item[1] == "" && item[9] == "" && len(item[7].([]any))+len(item[8].([]any)) == 0 {
		return c.sheet.reply(item[0], item[6])
	}
	return c.sheet.reply(item[:]...)
}

// looked is the item, whole. It is written over by the next.
func (c *script) looked(e, flags, epoch string) *[12]any {
	r, item := c.record(e), &c.item
	*item = [...]any{c.box(r.token), "", "", int64(-2), "", "", int64(-1), nothing, nothing, "", int64(0), ""}
	if left, ok := c.counts(r, epoch); ok {
		item[1], item[2], item[3] = c.box(r.id), c.box(r.birth), left
		item[5], item[11] = c.box(r.appointed), c.box(r.evict)
		defer func() { item[4] = c.box(c.rank(e, r.id)) }() // others may strike it
	} else if left := c.kept(r); left > 0 {
		item[9], item[10] = r.heir, left
	}
	if strings.Contains(flags, "l") {
		return item
	}
	var order []scored
	if v := c.get(c.p.Ranks(e), zsetKind); v != nil {
		order = v.zset.items
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
func (c *script) higher(order []scored, place int) any {
	list := c.sheet.list(3 * min(place, 4))
	for i := 0; i < min(place, 64) && len(list) < 3*4; i++ {
		it := order[len(order)-1-i]
		if !c.born(it.member) {
			continue
		}
		birth, _, _ := c.session(it.member)
		list = append(list, c.box(it.member), c.box(scoreText(it.score)), c.box(birth))
	}
	return c.sheet.value(list)
}

// born reports whether an id has a session, and nothing else under its key.
func (c *script) born(id string) bool {
	v := c.look(c.p.Session(id))
	return v != nil && v.kind == stringKind
}

// old reports whether a details entry is an original's.
func old(details string) bool { return details != "" && !strings.Contains(details, `"v":`) }

// others lists the candidates that are not ours, those with the highest numbers first: at
// most 256. A rank is struck whose id is an original's now.
func (c *script) others(e string, order []scored) []any {
	ours := make(map[string]bool, len(order)) // only looked up
	for _, it := range append([]scored(nil), order...) {
		if !c.born(it.member) && old(c.details(it.member)) {
			c.zrem(c.p.Ranks(e), it.member)
		} else {
			ours[it.member] = true
		}
	}
	var ids []string
	numbers := make(map[string]float64) // only looked up
	for _, id := range c.smembers(c.p.Candidates(e)) {
		if !ours[id] {
			ids = append(ids, id)
			numbers[id] = processOf(c.details(id))
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(numbers[b], numbers[a]), cmp.Compare(a, b))
	})
	list := []any{}
	for _, id := range ids[:min(len(ids), 256)] {
		list = append(list, id, c.details(id), c.subscribers(id))
	}
	return list
}

// processOf is the number in an original's details, -1 if there is none.
func processOf(details string) float64 {
	m := processMember.FindStringSubmatch(details)
	if m == nil {
		return -1
	}
	n, _ := strconv.ParseFloat(m[1], 64) // beyond its range: infinite, as in Lua
	return n
}

var processMember = regexp.MustCompile(`"process":([0-9]+\.?[0-9]*)`)

func (c *script) claim() any {
	status, birth := c.own()
	epoch := c.dataset()
	if status != "ok" || birth != c.arg(11) || epoch.name != c.arg(12) {
		if status != "ok" {
			birth = ""
		}
		return []any{"stale", birth, epoch.name, epoch.number, decimal(epoch.floor), epoch.left, []any{}}
	}
	n, before := int(c.need(13)), epoch.floor
	items := make([]any, 0, n)
	for i := 14; i <= 13+3*n; i += 3 {
		e := c.arg(i)
		if !c.sismember(c.p.Candidates(e), c.arg(2)) {
			items = append(items, []any{"refused"})
			continue
		}
		seen, _ := sound(c.arg(i + 1))
		items = append(items, c.award(e, birth, &epoch, seen, c.arg(i+2)))
	}
	c.announce(&epoch, before)
	return []any{"ok", birth, epoch.name, epoch.number, decimal(epoch.floor), epoch.left, items}
}

// dataset looks for a new dataset, for scripts that claim.
func (c *script) dataset() era {
	epoch := c.epoch(5)
	return epoch
}

// announce ends a script that has claimed: it keeps the floor, and tells who is to be told.
func (c *script) announce(epoch *era, before int64) {
	if epoch.floor > before {
		c.hset(c.p.Epoch(), "floor", decimal(epoch.floor))
	}
	c.deliver()
}

func (c *script) bid() any {
	status, birth := c.own()
	epoch := c.dataset()
	if status == "taken" || status == "stale" {
		return []any{status, "", epoch.name, epoch.number, decimal(epoch.floor), epoch.left, []any{}, []any{}}
	}
	n, before := int(c.need(14)), epoch.floor
	if status == "ok" {
		c.register(c.arg(13), 15, n)
	} else {
		birth = ""
	}
	claiming := status == "ok" && birth == c.arg(11) && epoch.name == c.arg(12)
	items, claims := c.sheet.list(n), c.sheet.list(n)
	for i := 15; i <= 14+3*n; i += 3 {
		e, flags := c.arg(i), c.arg(i+2)
		item := c.looked(e, flags, epoch.name)
		items = append(items, c.brief(item))
		switch {
		case !claiming:
		case !strings.Contains(flags, "t"):
			claims = append(claims, nothing)
		case !strings.Contains(flags, "r"):
			claims = append(claims, []any{"refused"})
		case c.opposed(e, item):
			claims = append(claims, []any{"outranked"})
		default:
			seen, _ := sound(c.arg(9))
			claims = append(claims, c.award(e, birth, &epoch, seen, flags))
		}
	}
	c.announce(&epoch, before)
	return c.sheet.reply(c.box(status), c.box(birth), c.box(epoch.name), epoch.number, c.boxDecimal(epoch.floor), epoch.left, c.sheet.value(items), c.sheet.value(claims))
}

// opposed reports whether somebody is to be asked first: a live candidate that outranks
// us, or one that has no rank.
func (c *script) opposed(e string, item *[12]any) bool {
	return len(item[7].([]any)) > 0 || item[6].(int64) > 64 ||
		len(c.smembers(c.p.Candidates(e))) > len(c.ranked(c.p.Ranks(e)))
}

// award answers a candidate's claim.
func (c *script) award(e, birth string, epoch *era, seen int64, flags string) any {
	switch r := c.record(e); {
	case c.held(r, epoch.name):
		lasts, _ := c.counts(r, epoch.name)
		return []any{"held", r.id, r.token, lasts, r.birth, c.rank(e, r.id), r.appointed, r.evict}
	case epoch.left > 0:
		return []any{"quarantine", epoch.left}
	case r.heir != c.arg(2) && c.kept(r) > 0:
		return []any{"kept", c.kept(r), r.heir}
	default:
		return c.grant(e, r, birth, epoch, seen, flags)
	}
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
	id, inc, key := c.arg(2), c.arg(3), c.p.Leader(e)
	stored := whole(r.token)
	highest := max(stored+1, seen+1, epoch.floor+1, c.ms)
	switch {
	case highest < tokenLimit:
	case stored+1 < tokenLimit:
		return []any{"spent", c.p.Epoch()}
	default:
		return []any{"spent", key}
	}
	epoch.floor = highest
	token := decimal(highest)
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
		if !c.sismember(c.p.Candidates(e), id) {
			items = append(items, "refused")
			continue
		}
		key, r := c.p.Leader(e), c.record(e)
		word := "superseded"
		switch {
		case r.mine(id, inc) && r.token == token:
			c.hset(key, "birth", birth)
			c.hset(key, "epoch", epoch.name)
			word = "ok"
		case r.torn:
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
		c.attempt(func() {
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
		})
	}
	c.finish()
	return items
}

func (c *script) quit() any {
	status, _ := c.own()
	if status == "taken" || status == "stale" {
		return []any{status, int64(0)}
	}
	n := c.need(5)
	for i := 6; i <= 5+int(n); i++ {
		c.attempt(func() { c.stepback(c.arg(i)) })
	}
	c.finish()
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
	c.deserted(e)
}

// deserted leaves nothing of an election once nobody stands for it. Where the record has to
// stay for one that was evicted, or since originals stand, or until the floor of a new epoch
// has risen, it goes later.
func (c *script) deserted(e string) {
	if c.look(c.p.Candidates(e)) != nil {
		if c.look(c.p.Ranks(e)) == nil {
			c.postpone(c.sadd, e)
		}
		return
	}
	c.srem(c.p.Vacant(), e)
	r := c.record(e)
	if r.id != "" && r.birth != "" && c.look(c.p.Evicted(r.birth)) != nil {
		c.postpone(c.sadd, e)
		return
	}
	c.postpone(c.srem, e)
	if r.token == "" || r.id != "" && r.birth == "" {
		return
	}
	if r.id != "" {
		if birth, _, _ := c.session(r.id); birth == r.birth {
			return
		}
	}
	if whole(r.token) <= c.get(c.p.Epoch(), hashKind).readEpoch().floor {
		c.del(c.p.Leader(e))
	} else {
		c.postpone(c.sadd, e)
	}
}

// postpone puts an election on the list of those that a heartbeat is to look at, or takes it
// off. What is only to be tidied up is never refused for it.
func (c *script) postpone(command func(key, e string) bool, e string) {
	key := c.p.Deserted()
	if v := c.look(key); v == nil || v.kind == setKind {
		command(key, e)
	}
}

// tidy looks at elections whose record was to go later. Where ours stand they see to it.
func (c *script) tidy() {
	for _, e := range slices.Clone(c.srandmember(c.p.Deserted(), 64)) {
		switch {
		case c.look(c.p.Ranks(e)) != nil:
			c.postpone(c.srem, e)
		case c.look(c.p.Candidates(e)) == nil:
			c.attempt(func() { c.deserted(e) })
		}
	}
}
