package sim

import (
	"fmt"
	"strings"

	"hustings/redisbridge"
)

// vacate takes us out of an election's record, keeps the token, chooses the heir
// and tells it and the one after it. It returns the heir, or "".
func (c *script) vacate(e, token, want string) string {
	id, key := c.arg(2), c.p.Leader(e)
	if token == "" {
		token = "0"
	}
	order := c.ranked(c.p.Ranks(e))
	alone := len(order) == 0 || len(order) == 1 && order[0].member == id
	if !alone {
		c.sadd(c.p.Vacant(), e)
	}
	for _, field := range [...]string{"id", "birth", "epoch", "appointed", "evict"} {
		c.hdel(key, field)
	}
	if alone {
		return ""
	}
	heir, second := "", ""
	if want != "" && want != id && c.rank(e, want) != "" && c.lives(want) {
		heir = want
	}
	for i := 0; i < min(len(order), 64); i++ {
		other := order[len(order)-1-i].member
		if other == id || other == heir || !c.lives(other) {
			continue
		}
		if heir != "" {
			second = other
			break
		}
		heir = other
	}
	if heir != "" {
		m := `{"type":"vacant","election":` + quote(e) + `,"id":` + quote(id) + `,"token":"` + token + `","heir":` + quote(heir) + `}`
		if second != "" {
			c.post(second, m)
		}
		c.post(heir, m)
	}
	return heir
}

// post keeps a message until the end of the script: several to one destination
// travel as one batch.
func (c *script) post(id, message string) {
	for i := range c.out {
		if c.out[i].id == id {
			c.out[i].messages = append(c.out[i].messages, message)
			return
		}
	}
	c.out = append(c.out, letter{id, []string{message}})
}

func (c *script) deliver() {
	for _, l := range c.out {
		m := l.messages[0]
		if len(l.messages) > 1 {
			m = `{"type":"batch","messages":[` + strings.Join(l.messages, ",") + `]}`
		}
		c.publish(c.p.Bully(l.id), m)
	}
	c.out = nil
}

// attempt does something for one election of a batch. Where Redis refuses it the others go
// on: nobody else tells of what they have given up.
func (c *script) attempt(do func()) {
	defer func() {
		r := recover()
		e, refused := r.(*redisbridge.ServerError)
		switch {
		case refused && c.refused == nil:
			c.refused = e
		case r != nil && !refused:
			panic(r)
		}
	}()
	do()
}

// finish ends a batch: what was done is told of, and what was refused is the reply.
func (c *script) finish() {
	c.deliver()
	if c.refused != nil {
		panic(c.refused)
	}
}

// quote is cjson.encode of a text: bytes above 127 pass as they are, the slash is escaped.
func quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i := range len(s) {
		switch x := s[i]; {
		case x == '"' || x == '\\' || x == '/':
			b.WriteByte('\\')
			b.WriteByte(x)
		case x == '\b':
			b.WriteString(`\b`)
		case x == '\t':
			b.WriteString(`\t`)
		case x == '\n':
			b.WriteString(`\n`)
		case x == '\f':
			b.WriteString(`\f`)
		case x == '\r':
			b.WriteString(`\r`)
		case x < 0x20 || x == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, x)
		default:
			b.WriteByte(x)
		}
	}
	b.WriteByte('"')
	return b.String()
}
