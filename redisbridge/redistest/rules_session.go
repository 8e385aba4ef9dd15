package redistest

import (
	"strconv"
	"time"

	"hustings/redisbridge"
)

var sessionRules = []rule{
	{says: "the first heartbeat creates the session with its birth", check: func(f *Fixture) {
		n := f.node("a", 1)
		p := n.beat(beat{})
		want(f, "verdict", p.verdict, "created")
		want(f, "birth", p.birth, n.inc+"-1")
		want(f, "session", f.Plain("GET", f.keys().Session("a")), any(n.inc+"-1 1"))
		between(f, "pttl", f.peer("", "a").pttl, 20_000, 30_000)
	}},
	{says: "the next extends it and keeps the birth", check: func(f *Fixture) {
		n := f.node("a", 1)
		n.beat(beat{})
		p := n.beat(beat{})
		want(f, "verdict", p.verdict, "extended")
		want(f, "birth", p.birth, n.inc+"-1")
	}},
	{says: "a heartbeat in which a command is refused renews nothing", check: func(f *Fixture) {
		n := f.node("a", 1)
		n.ttl = 5 * time.Second
		n.beat(beat{})
		f.Plain("SET", f.keys().Sessions(), "of another type")
		n.ttl = 30 * time.Second
		r := f.Do(redisbridge.Command{Script: redisbridge.HeartbeatScript, Args: n.beatArgs(beat{})})[0]
		if r.Err == nil {
			f.T.Error("it was not refused")
		}
		between(f, "pttl", f.peer("", "a").pttl, 0, 5_000)
		f.Plain("DEL", f.keys().Sessions())
		want(f, "the next", n.beat(beat{}).verdict, "extended")
	}},
	{says: "a heartbeat after the end creates another birth", check: func(f *Fixture) {
		n := f.node("a", 1)
		n.ttl = 300 * time.Millisecond
		n.beat(beat{})
		f.Advance(350 * time.Millisecond)
		p := n.beat(beat{})
		want(f, "verdict", p.verdict, "created")
		want(f, "birth", p.birth, n.inc+"-2")
	}},
	{says: "another incarnation is told that the id is taken, and changes nothing", check: func(f *Fixture) {
		a, b := f.online("a", "1"), f.node("a", 2)
		p := b.beat(beat{newName: "other", number: "7"})
		want(f, "verdict", p.verdict, "taken")
		want(f, "birth", p.birth, a.inc+"-1")
		want(f, "details", p.details, a.details)
		between(f, "pttl", p.pttl, 20_000, 30_000)
		status, _ := b.join("e")
		want(f, "join", status, "taken")
		want(f, "canvass", b.canvass("r", "e").status, "taken")
		want(f, "claim", b.claim(bid{birth: p.birth}, "e").status, "stale")
		status, _ = b.reassert("first", "e", "1")
		want(f, "reassert", status, "taken")
		status, done := b.quit("e")
		want(f, "quit", status, "taken")
		want(f, "quit's number", done, 0)
		want(f, "leave", b.leave("1"), "taken")
		want(f, "epoch", a.beat(beat{}).epoch, "first")
	}},
	{says: "a lower connection number is stale in every fenced script", check: func(f *Fixture) {
		n := f.online("a", "1", "e")
		n.conn = 3
		want(f, "with 3", n.beat(beat{}).verdict, "extended")
		n.conn = 2
		want(f, "heartbeat", n.beat(beat{}).verdict, "stale")
		status, _ := n.join("e2")
		want(f, "join", status, "stale")
		c := n.canvass("r", "e2")
		want(f, "canvass", c.status, "stale")
		want(f, "canvass' items", len(c.items), 0)
		want(f, "canvass' birth", c.birth, "")
		g := n.claim(bid{birth: n.inc + "-1"}, "e")
		want(f, "claim", g.status, "stale")
		want(f, "claim's items", len(g.items), 0)
		want(f, "claim's birth", g.birth, "")
		status, _ = n.reassert("first", "e", "1")
		want(f, "reassert", status, "stale")
		status, _ = n.quit("e")
		want(f, "quit", status, "stale")
		want(f, "leave", n.leave("1"), "stale")
		want(f, "still a candidate of e", f.peer("e", "a").candidate, 1)
		want(f, "not of e2", f.peer("e2", "a").candidate, 0)
	}},
	{says: "any fenced script stores a higher connection number and keeps the TTL", check: func(f *Fixture) {
		n := f.online("a", "1", "e")
		n.conn = 9
		n.canvass("l", "e")
		want(f, "session", f.Plain("GET", f.keys().Session("a")), any(n.inc+"-1 9"))
		between(f, "pttl", f.peer("", "a").pttl, 1, 30_000)
		n.conn = 8
		want(f, "the lower", n.beat(beat{}).verdict, "stale")
	}},
	{says: "connection numbers compare as numbers", check: func(f *Fixture) {
		n := f.node("a", 1)
		n.conn = 9
		n.beat(beat{})
		n.conn = 10
		want(f, "10 after 9", n.beat(beat{}).verdict, "extended")
	}},
	{says: "a heartbeat reports watched sessions", check: func(f *Fixture) {
		a := f.online("a", "1")
		b := f.online("b", "2")
		p := a.beat(beat{watch: []string{"b", "nobody"}})
		want(f, "watched", len(p.watched), 2)
		want(f, "birth of b", p.watched[0].birth, b.inc+"-1")
		between(f, "pttl of b", p.watched[0].pttl, 20_000, 30_000)
		want(f, "nobody", p.watched[1], watched{-2, ""})
	}},
	{needs: Exact, says: "a session lives through its last millisecond, and no longer", check: func(f *Fixture) {
		n := f.node("a", 1)
		n.ttl = 100 * time.Millisecond
		n.beat(beat{})
		f.Advance(99 * time.Millisecond)
		want(f, "pttl before it", f.peer("", "a").pttl, 1)
		f.Advance(time.Millisecond)
		want(f, "pttl in it", f.peer("", "a").pttl, 0)
		f.Advance(time.Millisecond)
		want(f, "pttl after it", f.peer("", "a").pttl, -2)
	}},
	{says: "a heartbeat sends its probe to itself", check: func(f *Fixture) {
		n := f.node("a", 1)
		l := f.Subscribe(f.keys().Bully("a"))
		n.beat(beat{probe: `{"type":"probe","id":"a","n":1}`})
		want(f, "probe", l.Next(), Heard{f.keys().Bully("a"), `{"type":"probe","id":"a","n":1}`})
		n.beat(beat{})
		l.None(f.keys().Bully("a"))
	}},
	{says: "a heartbeat finds sessions that ended, and again after a TTL until they are purged", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.ttl = 2 * time.Second
		a.beat(beat{})
		a.join()
		b := f.node("b", 1)
		b.ttl = 200 * time.Millisecond
		b.beat(beat{})
		b.join()
		before := a.beat(beat{}).version
		f.Advance(250 * time.Millisecond)
		p := a.beat(beat{})
		want(f, "version", p.version, before+1)
		_, _, entries := f.members(before)
		want(f, "entries", len(entries), 1)
		want(f, "entry", entries[0], entry{"b", "!", b.details, -2})
		want(f, "version later", a.beat(beat{}).version, before+1)
		f.Advance(a.ttl / 2)
		want(f, "version before a TTL", a.beat(beat{}).version, before+1)
		f.Advance(a.ttl/2 + 50*time.Millisecond)
		want(f, "version after a TTL", a.beat(beat{}).version, before+2)
		want(f, "version later", a.beat(beat{}).version, before+2)
		a.purge("b", "ours")
		want(f, "score", f.Plain("ZSCORE", f.keys().Sessions(), "b"), nil)
		want(f, "version, purged", a.beat(beat{}).version, before+3)
	}},
	{says: "a purge that is not done leaves the dead to be found", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.online("b", "1", "e1", "e2")
		f.Plain("DEL", f.keys().Session("b"))
		a.purgePart("b", "ours", 1)
		before := a.beat(beat{}).version
		f.Plain("ZADD", f.keys().Sessions(), "1", "b") // it is over
		want(f, "version", a.beat(beat{}).version, before+1)
	}},
	{says: "an original that lives under the id of a dead node is not told of as dead for ever", check: func(f *Fixture) {
		a, b := f.online("a", "1"), f.online("b", "1")
		f.Plain("DEL", f.keys().Session("b"))
		f.Plain("HSET", f.keys().Details(), "b", `{"process":5}`)
		f.Subscribe(f.keys().Bully(b.id))
		want(f, "purged", a.purge("b", "original"), 0)
		want(f, "score", f.Plain("ZSCORE", f.keys().Sessions(), "b"), nil)
		want(f, "details", f.peer("", "b").details, `{"process":5}`)
	}},
	{says: "a heartbeat that finds an original in a dead node's place tells of that death once", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.online("b", "1")
		before := a.beat(beat{}).version
		f.Plain("DEL", f.keys().Session("b"))
		f.Plain("HSET", f.keys().Details(), "b", `{"process":5}`)
		f.Plain("ZADD", f.keys().Sessions(), "1", "b")
		want(f, "version", a.beat(beat{}).version, before+1)
		_, _, entries := f.members(before)
		want(f, "entries", len(entries), 1)
		want(f, "entry", entries[0], entry{"b", "!", `{"process":5}`, -2})
		want(f, "score", f.Plain("ZSCORE", f.keys().Sessions(), "b"), nil)
		want(f, "version later", a.beat(beat{}).version, before+1)
	}},
	{says: "of many that died each is told of before any is told of again", check: func(f *Fixture) {
		a := f.online("a", "1")
		for i := range 40 {
			id := "dead" + strconv.Itoa(i)
			f.Plain("HSET", f.keys().Details(), id, `{"process":5,"v":1}`)
			f.Plain("ZADD", f.keys().Sessions(), "1", id)
		}
		before := a.beat(beat{}).version
		for _, told := range []int64{32, 40, 40} {
			want(f, "told of", a.beat(beat{}).version-before+16, told)
		}
		_, _, entries := f.members(before - 16)
		want(f, "entries", len(entries), 40)
	}},
	{says: "who was never registered dies without a line in the log", check: func(f *Fixture) {
		a := f.online("a", "1")
		before := a.beat(beat{}).version
		f.Plain("ZADD", f.keys().Sessions(), "1", "ghost")
		want(f, "version", a.beat(beat{}).version, before)
		want(f, "score", f.Plain("ZSCORE", f.keys().Sessions(), "ghost"), nil)
	}},
	{says: "a session that lives on gets its score corrected", check: func(f *Fixture) {
		a, _ := f.online("a", "1"), f.online("b", "1")
		before := a.beat(beat{}).version
		f.Plain("ZADD", f.keys().Sessions(), "1", "b")
		want(f, "version", a.beat(beat{}).version, before)
		score, _ := f.Plain("ZSCORE", f.keys().Sessions(), "b").(string)
		if n, err := strconv.ParseInt(score, 10, 64); err != nil || n < 1e12 {
			f.T.Errorf("score of b: %s, want the time its session ends", score)
		}
	}},
	{says: "a heartbeat looks at 16 ended sessions at most", check: func(f *Fixture) {
		a := f.online("a", "1")
		for i := range 20 {
			f.Plain("ZADD", f.keys().Sessions(), "1", "ghost"+strconv.Itoa(i))
		}
		a.beat(beat{})
		want(f, "left", f.Plain("ZCARD", f.keys().Sessions()), any(int64(5)))
	}},
	{says: "a heartbeat counts the fleet", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.Plain("HSET", f.keys().Details(), "original", `{"process":1}`)
		want(f, "members", a.beat(beat{}).members, 2)
	}},
}
