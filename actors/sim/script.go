package sim

import (
	"math"
	"strconv"
	"strings"

	"hustings/redisbridge"
)

// script is one run of a script of docs/protocol.md. The functions here and in the
// script_*.go files have the names and the order of effects of the Lua in
// redisbridge/scripts; the conformance suite and a differential test hold the
// two together.
type script struct {
	*store
	p    *keyring
	argv []string
	out  []letter // the outbox, in the order of the destinations' first message

	refused *redisbridge.ServerError // the first of a batch

	item [12]any // what was looked at last
}

// letter is what a script has to say to one node.
type letter struct {
	id       string
	messages []string
}

func (s *store) script(name string, argv []string) any {
	if s.forbids("EVALSHA") {
		fail("NOPERM", "this user has no permissions to run the 'evalsha' command")
	}
	c := &s.running
	c.store, c.argv, c.out, c.refused = s, argv, nil, nil
	c.p = s.keysOf(c.arg(1))
	return c.run(name)
}

// run runs the script of that name, and returns what a RESP2 client sees.
func (c *script) run(name string) any {
	switch name {
	case "heartbeat":
		return c.heartbeat()
	case "join":
		return c.join()
	case "canvass":
		return c.canvass()
	case "bid":
		return c.bid()
	case "claim":
		return c.claim()
	case "evict":
		return c.evict()
	case "reassert":
		return c.reassert()
	case "release":
		return c.release()
	case "quit":
		return c.quit()
	case "leave":
		return c.leave()
	case "purge":
		return c.purge()
	case "members":
		return c.members()
	case "peer":
		return c.peer()
	case "restore":
		return c.restore()
	case "replace":
		return c.replace()
	}
	fail("NOSCRIPT", "No matching script. Please use EVAL.")
	return nil
}

// arg is ARGV[i]; "" where Lua has nil.
func (c *script) arg(i int) string {
	if i > len(c.argv) {
		return ""
	}
	return c.argv[i-1]
}

// num is tonumber(ARGV[i]) where the script goes on with 0 for what is no number.
func (c *script) num(i int) int64 { return whole(c.arg(i)) }

// need is a number without which the script can't go on.
func (c *script) need(i int) int64 {
	if c.arg(i) == "" {
		fail("ERR", "Error running script: attempt to perform arithmetic on a nil value")
	}
	return c.num(i)
}

// whole reads a number as text. Tokens and ranks are below 2^53.
func whole(s string) int64 {
	if n, ok := digits(s); ok || s == "" {
		return n
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) {
		return 0
	}
	return int64(f)
}

// digits reads what nearly all numbers are.
func digits(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + int64(d)
	}
	return n, true
}

// tokenLimit is above all tokens: no clock makes such a one.
const tokenLimit = 1 << 52

// sound reads a number that a script has written; ok is false for what none writes.
func sound(s string) (n int64, ok bool) {
	n, ok = digits(s)
	ok = ok && n < tokenLimit && (s[0] != '0' || s == "0")
	if !ok {
		n = 0
	}
	return n, ok
}

func isSound(s string) bool {
	_, ok := sound(s)
	return ok
}

// sound is ARGV[i] where it is a number that a script has written, else 0.
func (c *script) sound(i int) int64 {
	n, _ := sound(c.arg(i))
	return n
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// session returns birth and connection number of a live session.
func (c *script) session(id string) (birth string, conn int64, lives bool) {
	birth, conn, _, lives = c.marked(id)
	return birth, conn, lives
}

// renew writes a session. Most heartbeats write what is there, and have it live on.
func (c *script) renew(id, birth, conn string, ttl int64) {
	key := c.p.Session(id)
	if v := c.get(key, stringKind); v != nil {
		if rest, ok := strings.CutPrefix(v.str, birth); ok && len(rest) == 1+len(conn) && rest[0] == ' ' && rest[1:] == conn {
			c.prolong(key, v, ttl)
			return
		}
	}
	c.set(key, birth+" "+conn, ttl, false)
}

// successor is the mark of who is to replace a session's owner, "" if nobody is.
func (c *script) successor(id string) string {
	_, _, mark, _ := c.marked(id)
	return mark
}

// marked returns all that a live session says.
func (c *script) marked(id string) (birth string, conn int64, mark string, lives bool) {
	v := c.get(c.p.Session(id), stringKind)
	if v == nil {
		return "", 0, "", false
	}
	s := v.readSession()
	return s.birth, s.conn, s.mark, true
}

// session is what a session's key says.
type session struct {
	birth string
	conn  int64
	mark  string
}

// readSession keeps what it read beside the text, as readEpoch does: nearly every script
// reads its own session, and a heartbeat those that are watched.
func (v *value) readSession() *session {
	if v.session == nil {
		birth, rest, _ := strings.Cut(v.str, " ")
		number, mark, _ := strings.Cut(rest, " ")
		v.session = &session{birth, whole(number), mark}
	}
	return v.session
}

// alive returns the birth of a session, and for how many ms it lives yet; "" and -2 if there
// is none.
func (c *script) alive(id string) (birth string, left int64) {
	v := c.get(c.p.Session(id), stringKind)
	if v == nil {
		return "", -2
	}
	return v.readSession().birth, c.left(v)
}

func (c *script) lives(id string) bool { return c.look(c.p.Session(id)) != nil }

func (c *script) remaining(id string) int64 { return c.pttl(c.p.Session(id)) }

// of tells whether a birth is of an incarnation.
func of(birth, inc string) bool {
	return len(birth) > len(inc) && birth[:len(inc)] == inc && birth[len(inc)] == '-'
}

// own fences the script: HEAD's connection number against the session's.
func (c *script) own() (status, birth string) {
	id, inc, conn := c.arg(2), c.arg(3), c.num(4)
	birth, seen, mark, lives := c.marked(id)
	switch {
	case !lives:
		return "none", ""
	case !of(birth, inc):
		return "taken", birth
	case conn < seen:
		return "stale", birth
	case conn > seen:
		value := birth + " " + decimal(conn)
		if mark != "" {
			value += " " + mark
		}
		c.set(c.p.Session(id), value, 0, true)
	}
	if mark != "" {
		return "replaced", birth
	}
	return "ok", birth
}

// quarantined is what is left of the quarantine that began at since.
func quarantined(since, ms, now int64) int64 {
	if ms == 0 {
		return 0
	}
	return max(0, min(since, now)+ms-now)
}

// era is what scripts return of the epoch.
type era struct {
	name                string
	number, floor, left int64
}

// epoch looks for a new dataset; its arguments begin at ARGV[at].
func (c *script) epoch(at int) era {
	read, now := "-", c.ms
	if c.arg(at) == "1" && !c.forbids("INFO") {
		read = c.replid
	}
	known, knownName := c.sound(at+2), c.arg(at+3)
	if known == tokenLimit-1 {
		known = 0 // there is none above it
	}
	seen := c.sound(at + 4)
	key := c.p.Epoch()
	is := c.get(key, hashKind).readEpoch()
	name, exists, stored, number, since, floor := is.name, is.exists, is.replid, is.number, is.since, is.floor
	raised := max(floor, seen)
	if !exists || read != "-" && stored != "-" && read != stored || number < known ||
		known > 0 && number == known && name != knownName {
		name, number, since = c.arg(at+1), min(max(number, known)+1, tokenLimit-1), now
		c.hset(key, "name", name)
		c.hset(key, "number", decimal(number))
		c.hset(key, "replid", read)
		c.hset(key, "since", decimal(since))
		c.hset(key, "floor", decimal(raised))
	} else {
		if stored == "-" && read != "-" {
			c.hset(key, "replid", read)
		}
		if since > now {
			since = now
			c.hset(key, "since", decimal(since))
		}
		if raised > floor {
			c.hset(key, "floor", decimal(raised))
		}
	}
	return era{name, number, raised, quarantined(since, c.num(at+5), now)}
}

// present reads the epoch and changes nothing. Without one the name is "" and
// the quarantine is still to begin.
func (c *script) present(quarantine int64) era {
	is := c.get(c.p.Epoch(), hashKind).readEpoch()
	if !is.exists {
		return era{left: quarantine}
	}
	return era{name: is.name, number: is.number, left: quarantined(is.since, quarantine, c.ms)}
}

// epochRecord is the epoch's hash as numbers. Every script reads it, and it hardly ever changes.
type epochRecord struct {
	name, replid         string // replid "-": there is none
	exists               bool
	number, since, floor int64
}

func (v *value) readEpoch() epochRecord {
	if v == nil {
		return epochRecord{replid: "-"}
	}
	if v.epoch == nil {
		r := &epochRecord{}
		r.name, r.exists = v.hget("name")
		// Tokens may have been handed out that one with an unsound number does not tell of.
		for field, n := range map[string]*int64{"number": &r.number, "since": &r.since, "floor": &r.floor} {
			text, _ := v.hget(field)
			var ok bool
			*n, ok = sound(text)
			r.exists = r.exists && ok
		}
		if text, found := v.hget("replid"); found {
			r.replid = text
		} else {
			r.replid = "-"
		}
		v.epoch = r
	}
	return *v.epoch
}

// record is a leader record; missing fields are "". So is a token that no script writes:
// such a record is torn, as is one that has a holder and no token.
type record struct {
	id, birth, epoch, token, appointed, heir, until, evict string
	torn                                                   bool
}

func (c *script) record(e string) record {
	return c.get(c.p.Leader(e), hashKind).readRecord()
}

// readRecord keeps what it read beside the hash, as readEpoch does: a record is read at
// every look, and written once a term.
func (v *value) readRecord() record {
	if v == nil {
		return record{}
	}
	if v.record == nil {
		r := &record{}
		r.id, _ = v.hget("id")
		r.birth, _ = v.hget("birth")
		r.epoch, _ = v.hget("epoch")
		text, found := v.hget("token")
		if isSound(text) {
			r.token = text
		} else {
			r.torn = found || r.id != ""
		}
		r.appointed, _ = v.hget("appointed")
		r.heir, _ = v.hget("heir")
		r.until, _ = v.hget("until")
		if text, _ := v.hget("evict"); isSound(text) {
			r.evict = text
		}
		v.record = r
	}
	return *v.record
}

// keptFor is the time that a resigner's successor has before all may claim, in ms.
const keptFor = 1000

// kept is how long a released office is kept for its heir yet. One that ends later than
// it may is of a clock that has stepped back since, and void.
func (c *script) kept(r record) int64 {
	until, _ := sound(r.until)
	left := until - c.ms
	if r.heir == "" || left < 0 || left > keptFor {
		return 0
	}
	return left
}

// counts says whether a record names a holder in the epoch, and for how many ms it
// counts if nothing renews it. Where the holder was evicted, an office that was not taken
// under that policy is its own for as long as the session would have lived.
func (c *script) counts(r record, name string) (left int64, ok bool) {
	if r.id == "" || r.birth == "" || name == "" || r.epoch != name {
		return 0, false
	}
	if birth, left := c.alive(r.id); birth == r.birth {
		return left, true
	}
	key := c.p.Evicted(r.birth)
	v := c.get(key, stringKind)
	if v == nil {
		return 0, false
	}
	left = c.pttl(key)
	since, ok := sound(v.str)
	if r.evict == "" || !ok {
		return left, true
	}
	end := since + whole(r.evict)
	if end <= c.ms {
		return 0, false
	}
	return min(left, end-c.ms), true
}

// mine says whether a record carries our id and incarnation.
func (r record) mine(id, inc string) bool { return r.id == id && of(r.birth, inc) }

func (c *script) rank(e, id string) string {
	score, _ := c.zscore(c.p.Ranks(e), id)
	return score
}

func (c *script) details(id string) string {
	d, _ := c.get(c.p.Details(), hashKind).hget(id)
	return d
}

// subscribers is NUMSUB of a bully channel, -1 where it cannot be had.
func (c *script) subscribers(id string) int64 {
	if c.forbids("PUBSUB") {
		return -1
	}
	return c.numsub(c.p.Bully(id))
}
