package redistest

import "time"

// marked returns a node that leads e, and another incarnation of its id that is to
// replace it.
func marked(f *Fixture) (a, b *node, token string) {
	f.T.Helper()
	a, b = f.online("a", "1", "e"), f.node("a", 2)
	token = a.claim(bid{birth: a.inc + "-1", epoch: "first"}, "e").items[0].token
	want(f, "beat", b.beat(beat{}).verdict, "taken")
	want(f, "mark", b.replace(a.inc), 1)
	return a, b, token
}

var replaceRules = []rule{
	{says: "a marked session is not renewed, and its owner is told by whom it is replaced", check: func(f *Fixture) {
		a, b, _ := marked(f)
		f.Advance(20 * time.Millisecond)
		before := f.peer("", "a").pttl
		f.Advance(20 * time.Millisecond)
		p := a.beat(beat{probe: "x"})
		want(f, "verdict", p.verdict, "replaced")
		want(f, "by", p.details, b.details)
		between(f, "pttl", p.pttl, 1, before-1)
		want(f, "birth", f.peer("", "a").birth, a.inc+"-1")
	}},
	{says: "it stays marked when a newer connection of its owner comes", check: func(f *Fixture) {
		a, _, _ := marked(f)
		a.conn = 7
		want(f, "with 7", a.beat(beat{}).verdict, "replaced")
		a.conn = 6
		want(f, "with 6", a.beat(beat{}).verdict, "stale")
		a.conn = 8
		want(f, "with 8", a.beat(beat{}).verdict, "replaced")
	}},
	{says: "its offices are still its own, and the id is taken still", check: func(f *Fixture) {
		_, b, token := marked(f)
		c := f.online("c", "2", "e")
		item := c.claim(bid{birth: c.inc + "-1", epoch: "first"}, "e").items[0]
		want(f, "claim of another", item.verdict, "held")
		want(f, "token", item.token, token)
		want(f, "beat of the successor", b.beat(beat{}).verdict, "taken")
		want(f, "claim of the successor", b.claim(bid{birth: b.inc + "-1", epoch: "first"}, "e").status, "stale")
	}},
	{says: "its owner gets nothing new", check: func(f *Fixture) {
		a, _, token := marked(f)
		want(f, "claim", a.claim(bid{birth: a.inc + "-1", epoch: "first"}, "e").status, "stale")
		status, _ := a.join("e2")
		want(f, "join", status, "replaced")
		want(f, "canvass", a.canvass("r", "e2").status, "replaced")
		want(f, "a candidate", f.peer("e2", "a").candidate, 0)
		status, _ = a.reassert("first", "e", token)
		want(f, "reassert", status, "replaced")
	}},
	{says: "its owner may release, quit and leave, and the successor comes at once", check: func(f *Fixture) {
		a, b, token := marked(f)
		word, _ := a.release("e", token, "")
		want(f, "release", word, "released")
		_, done := a.quit("e")
		want(f, "quit", done, 1)
		a.leave("1")
		want(f, "session", f.peer("", "a").pttl, -2)
		p := b.beat(beat{})
		want(f, "beat", p.verdict, "created")
		want(f, "birth", p.birth, b.inc+"-2")
		want(f, "next", b.beat(beat{}).verdict, "extended")
	}},
	{says: "only a live session of that incarnation of another's is marked, and the first mark stays", check: func(f *Fixture) {
		a, b := f.online("a", "1"), f.node("a", 2)
		want(f, "another incarnation", b.replace("0123"), 0)
		want(f, "one's own", a.replace(a.inc), 0)
		want(f, "not marked", a.beat(beat{}).verdict, "extended")
		want(f, "marked", b.replace(a.inc), 1)
		c := f.node("a", 3)
		want(f, "marked again", c.replace(a.inc), 1)
		want(f, "by", a.beat(beat{}).details, b.details)
		want(f, "of nobody", f.node("z", 2).replace(a.inc), 0)
	}},
	{says: "a mark dies with its session", check: func(f *Fixture) {
		a, b := f.node("a", 1), f.node("a", 2)
		a.ttl = 200 * time.Millisecond
		a.beat(beat{})
		b.replace(a.inc)
		f.Advance(250 * time.Millisecond)
		want(f, "verdict", a.beat(beat{}).verdict, "created")
		want(f, "and then", a.beat(beat{}).verdict, "extended")
	}},
}
