package sim_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"hustings/redisbridge"
)

// drawer draws steps, with what it knows of the state: births and epoch are
// mostly right, so that steps get somewhere.
type drawer struct {
	*rapid.T
	births  map[string]string
	conns   map[string]int
	epoch   string
	number  int64
	request int
}

func (d *drawer) one(what string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.T, what)
}

func (d *drawer) id() string       { return d.one("id", someIDs...) }
func (d *drawer) election() string { return d.one("election", someElections...) }
func (d *drawer) rank() string     { return d.one("rank", "0", "7", "7", "4503599627370495") }

// token is that of an election as a side has it, or a made-up one.
func (d *drawer) token(e string) func(*side) string {
	switch d.one("token", "last", "last", "last", "higher", "1", "none") {
	case "last":
		return func(s *side) string { return cmp.Or(s.tokens[e], "0") }
	case "higher":
		return func(s *side) string {
			n, _ := strconv.ParseInt(s.tokens[e], 10, 64)
			return strconv.FormatInt(n+1_000_000, 10)
		}
	case "1":
		return func(*side) string { return "1" }
	}
	return func(*side) string { return "0" }
}

// head is HEAD: prefix, id, inc, conn.
func (d *drawer) head(id string) []string {
	inc := strings.Repeat(d.one("inc", "1", "1", "1", "1", "1", "2"), 32)
	conn := d.conns[id]
	switch d.one("conn", "same", "same", "same", "next", "older") {
	case "next":
		conn++
		d.conns[id] = conn
	case "older":
		conn = max(0, conn-1)
	}
	return []string{"ipc", id, inc, strconv.Itoa(conn)}
}

func (d *drawer) known() (number, name string) {
	switch d.one("known", "right", "right", "right", "none", "ahead", "another") {
	case "right":
		return strconv.FormatInt(d.number, 10), d.epoch
	case "ahead":
		return strconv.FormatInt(d.number+1, 10), "future"
	case "another":
		return strconv.FormatInt(d.number, 10), "another"
	}
	return "0", ""
}

func (d *drawer) quarantine() string { return d.one("quarantine", "0", "0", "60000") }

func (d *drawer) fresh() string {
	d.request++
	return "e" + strconv.Itoa(d.request)
}

func fixed(args ...string) func(*side) []string { return func(*side) []string { return args } }

func (d *drawer) step() step {
	id := d.id()
	head := d.head(id)
	draws := []func(id string, head []string) step{
		d.heartbeat, d.heartbeat, d.join, d.join, d.canvass, d.bid, d.bid, d.claim, d.claim, d.claim,
		d.reassert, d.release, d.release, d.quit, d.others, d.evict, d.evict, d.meddle,
	}
	st := draws[rapid.IntRange(0, len(draws)-1).Draw(d.T, "kind")](id, head)
	return st
}

func (d *drawer) heartbeat(_ string, head []string) step {
	number, name := d.known()
	args := slices.Concat(head, []string{
		strconv.Itoa(d.request), "60000", d.one("info", "0", "1"), d.fresh(), number, name, "0", d.quarantine(),
		d.one("probe", "", `{"type":"probe"}`),
	}, someIDs[:rapid.IntRange(0, len(someIDs)).Draw(d.T, "watched")])
	return step{script: redisbridge.HeartbeatScript, args: fixed(args...)}
}

func (d *drawer) join(_ string, head []string) step {
	args := append(head, d.one("details", `{"v":1}`, `{"v":1,"x":2}`), "2", someElections[0], d.rank(), d.election(), d.rank(), d.one("first", "", "", "1"))
	return step{script: redisbridge.JoinScript, args: fixed(args...)}
}

func (d *drawer) canvass(_ string, head []string) step {
	n := d.items()
	args := append(head, `{"v":1}`, d.quarantine(), fmt.Sprint(n))
	for range n {
		args = append(args, d.election(), d.rank(), d.one("flags", "", "r", "l", "m", "rm"))
	}
	return step{script: redisbridge.CanvassScript, args: fixed(args...)}
}

// claims is what scripts that claim begin with.
func (d *drawer) claims(id string, head []string) []string {
	number, name := d.known()
	return append(head, d.one("info", "0", "1"), d.fresh(), number, name, "0", d.quarantine(), d.births[id], d.epoch)
}

func (d *drawer) bid(id string, head []string) step {
	n := d.items()
	args := append(d.claims(id, head), `{"v":1}`, fmt.Sprint(n))
	for range n {
		args = append(args, d.election(), d.rank(), d.one("flags", "rt", "rt", "rtm", "rtd60000", "rd0t", "", "t", "r", "l", "m"))
	}
	return step{script: redisbridge.BidScript, args: fixed(args...)}
}

func (d *drawer) claim(id string, head []string) step {
	head = d.claims(id, head)
	e := d.election()
	seen, flags := d.token(e), d.one("flags", "", "d0", "d60000")
	n := d.items()
	var more []string
	for range n - 1 {
		more = append(more, d.election(), "0", "")
	}
	return step{script: redisbridge.ClaimScript, args: func(s *side) []string {
		return slices.Concat(head, []string{fmt.Sprint(n), e, seen(s), flags}, more)
	}}
}

// items is how many elections a script is about: from 4 on it looks at them as a whole.
func (d *drawer) items() int {
	n, _ := strconv.Atoi(d.one("items", "2", "4", "5"))
	return n
}

func (d *drawer) reassert(_ string, head []string) step {
	e := d.election()
	token := d.token(e)
	head = append(head, d.one("epoch", d.epoch, d.epoch, "another"), d.quarantine(), "1", e)
	flags := d.one("flags", "", "d60000")
	return step{script: redisbridge.ReassertScript, args: func(s *side) []string { return slices.Concat(head, []string{token(s), flags}) }}
}

func (d *drawer) release(_ string, head []string) step {
	e := d.election()
	token, heir, flags := d.token(e), d.one("heir", "", "a", "b", "nobody"), d.one("flags", "", "k")
	return step{script: redisbridge.ReleaseScript, args: func(s *side) []string {
		return slices.Concat(head[:3], []string{"1", e, token(s), heir, flags})
	}}
}

func (d *drawer) quit(_ string, head []string) step {
	if d.one("quit", "quit", "leave") == "leave" {
		return step{script: redisbridge.LeaveScript, args: fixed(append(head, d.one("end", "0", "1"), wholePortion)...)}
	}
	return step{script: redisbridge.QuitScript, args: fixed(append(head, "1", d.election())...)}
}

func (d *drawer) others(id string, head []string) step {
	switch d.one("look", "purge", "members", "peer", "restore", "replace") {
	case "replace":
		inc := strings.Repeat(d.one("other", "1", "1", "2"), 32)
		return step{script: redisbridge.ReplaceScript, args: fixed(append(head[:3], inc, d.one("by", `{"v":1}`, `{"host":"with spaces in it"}`))...)}
	case "restore":
		return step{script: redisbridge.RestoreScript, args: fixed("ipc", d.election(), d.one("restored", append(someIDs, "original")...), `{"process":1}`)}
	case "purge":
		return step{script: redisbridge.PurgeScript, args: fixed(append(head, d.id(), d.one("kind", "ours", "original"), wholePortion, d.election())...)}
	case "members":
		return step{script: redisbridge.MembersScript, args: fixed("ipc", d.one("since", "0", "1", "2", "5", "99"))}
	}
	return step{script: redisbridge.PeerScript, args: fixed(append([]string{"ipc", id}, someElections[:rapid.IntRange(0, len(someElections)).Draw(d.T, "named")]...)...)}
}

// evict looks at two holders, the births mostly right. A grace of 60 s never passes here.
func (d *drawer) evict(_ string, head []string) step {
	args := append(head, d.quarantine(), "2")
	for range 2 {
		target := d.id()
		args = append(args, target, d.one("birth", d.births[target], d.births[target], d.births[target], "another"), d.one("grace", "0", "60000"))
	}
	return step{script: redisbridge.EvictScript, args: fixed(args...)}
}

// meddle changes keys behind the scripts' backs.
func (d *drawer) meddle(id string, _ []string) step {
	k, e := redisbridge.Keys("ipc"), d.election()
	return step{args: fixed(rapid.SampledFrom([][]string{
		{"DEL", k.Session(id)},
		{"DEL", k.Epoch()},
		{"DEL", k.Leader(e)},
		{"HSET", k.Leader(e), "until", "5"},
		{"HSET", k.Leader(e), "token", d.one("token", "rubbish", "-1", "1.5", "inf", "0", "4503599627370495", "4503599627370496")},
		{"HSET", k.Leader(e), "evict", d.one("grace", "rubbish", "-1", "nan", "07", "0", "60000")},
		{"SET", k.Evicted(d.births[id]), d.one("since", "rubbish", "nan", "0", "5"), "PX", "60000"},
		{"SET", d.one("key", k.Leader(e), k.Ranks(e), k.Candidates(e), k.Participated(id), k.Sessions(), k.Vacant(), k.Deserted()), "of another type"},
		{"DEL", d.one("key", k.Leader(e), k.Ranks(e), k.Candidates(e), k.Participated(id), k.Sessions(), k.Vacant(), k.Deserted())},
		{"HDEL", k.Leader(e), d.one("lost", "token", "id", "birth")},
		{"HSET", k.Epoch(), d.one("number", "floor", "number", "since"), d.one("unsound", "rubbish", "-1", "1.5", "nan", "7", "4503599627370495", "4503599627370496")},
		{"HGET", k.Leader(e), "heir"},
		{"HGET", k.Leader(e), "appointed"},
		{"SADD", k.Candidates(e), "original"},
		{"SREM", k.Candidates(e), "original"},
		{"SADD", k.Deserted(), e},
		{"HSET", k.Details(), "original", `{"process":1}`},
		{"HSET", k.Details(), id, d.one("process", `{"process":7}`, `{"process":7.5}`, `{"process":"x"}`, "null")},
		{"HDEL", k.Details(), id},
		{"ZADD", k.Sessions(), "1", id, "1", "ghost"},
		{"ZADD", k.Members(), "5000", "+old"},
		{"ZRANGE", k.Ranks(e), "0", "-1", "WITHSCORES"},
		{"ZCARD", k.Sessions()}, // its order is of the millisecond
		{"SISMEMBER", k.Participated(id), e},
		{"ZCARD", k.Members()},
		{"EXISTS", k.Doubt(id), k.Evicted(d.births[id])},
		{"EXISTS", k.Vacant(), k.Participated(id), k.List(), k.Deserted()},
		{"PTTL", k.Session(id)},
		{"SET", k.Session(id), "rubbish"},
		{"SADD", k.Session(id), "rubbish"},
	}).Draw(d.T, "plain")...)}
}

// learn takes births and the epoch from an answer.
func (d *drawer) learn(st step, reply any) {
	v, _ := reply.([]any)
	if st.script != redisbridge.HeartbeatScript || len(v) < 5 {
		return
	}
	d.births[st.args(nil)[1]] = v[1].(string)
	d.epoch, d.number = v[2].(string), v[3].(int64)
}
