package sim

import "strings"

// doubtMS is how long a mark of doubt is kept that nobody looks at.
const doubtMS = 5000

// evict ends the sessions of holders that have been without a subscriber for their grace.
func (c *script) evict() any {
	status, _ := c.own()
	if status != "ok" {
		return []any{status, nothing}
	}
	left, n := c.present(c.num(5)).left, int(c.need(6))
	items := c.sheet.list(n)
	for i := 7; i <= 6+3*n; i += 3 {
		word, ms := c.judge(c.arg(i), c.arg(i+1), c.num(i+2), left)
		switch {
		case word != "heard":
			items = append(items, c.sheet.reply(c.box(word), ms))
		case n == 1:
			return allHeard
		default:
			items = append(items, heard)
		}
	}
	return c.sheet.reply(c.box(status), c.sheet.value(items))
}

// heard is what is said of nearly everybody, and allHeard nearly every reply.
var (
	heard    any = []any{"heard", int64(0)}
	allHeard any = []any{"ok", []any{heard}}
)

// judge decides about one holder.
func (c *script) judge(target, birth string, grace, left int64) (word string, ms int64) {
	mark := c.p.Doubt(target)
	lives := c.remaining(target)
	if word, ms = c.reprieve(target, birth, left); word != "" {
		c.del(mark)
		return word, ms
	}
	score, found := c.zscore(c.p.Sessions(), target)
	if !found {
		c.del(mark)
		return "unknown", 0
	}
	// Every heartbeat gives the session another score, so a mark of this birth and
	// score is younger than the last of them.
	seen, since := birth+" "+score+" ", c.ms
	if v := c.get(mark, stringKind); v != nil && strings.HasPrefix(v.str, seen) {
		since = min(whole(v.str[len(seen):]), c.ms)
	}
	if c.ms-since < grace {
		c.set(mark, seen+decimal(since), doubtMS, false)
		return "doubted", since + grace - c.ms
	}
	c.set(c.p.Evicted(birth), decimal(since), max(lives, 1), false)
	c.del(c.p.Session(target))
	c.del(mark)
	return "evicted", lives
}

// reprieve says why a holder cannot be doubted, "" if it can.
func (c *script) reprieve(target, birth string, left int64) (word string, ms int64) {
	if b, _, lives := c.session(target); target == c.arg(2) || !lives || b != birth {
		return "gone", 0
	}
	// An error is not 0: who cannot be counted is not gone.
	switch heard := c.subscribers(target); {
	case heard > 0:
		return "heard", 0
	case heard < 0 || c.remaining(target) < 0:
		return "unknown", 0
	case left > 0:
		return "quarantine", left
	}
	return "", 0
}
