package redistest

import "time"

const aLittle, aLot = 40 * time.Millisecond, time.Hour

// doubted lets a lead e under OnDisconnect, and d under OnExpiry, without a subscriber of
// its own; b stands too. It returns both and the birth of a's session.
func doubted(f *Fixture, flags string) (a, b *node, birth string) {
	f.T.Helper()
	a, b = f.online("a", "9", "e", "d"), f.online("b", "1", "e", "d")
	_, birth = a.winUnder("e", flags)
	a.win("d")
	return a, b, birth
}

// evicted has b evict a at once.
func evicted(f *Fixture, flags string) (a, b *node, birth string) {
	f.T.Helper()
	a, b, birth = doubted(f, flags)
	want(f, "first look", b.look(a, birth, 0), "evicted")
	return a, b, birth
}

var evictRules = []rule{
	{says: "who has no subscriber is evicted when the grace has passed since that was seen", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		_, v := b.evict("a", birth, aLittle)
		want(f, "first look", v.word, "doubted")
		between(f, "until then", v.ms, 1, 40)
		want(f, "session", f.peer("", "a").birth, birth)
		f.Advance(50 * time.Millisecond)
		_, v = b.evict("a", birth, aLittle)
		want(f, "second look", v.word, "evicted")
		between(f, "it would have lived", v.ms, 20_000, 30_000)
		want(f, "session", f.peer("", "a").pttl, -2)
		want(f, "holder", b.canvass("", "e").items[0].holder, "")
		want(f, "verdict", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].verdict, "granted")
		want(f, "third look", b.look(a, birth, aLittle), "gone")
		want(f, "the mark", f.Plain("EXISTS", f.keys().Doubt("a")), any(int64(0)))
	}},
	{says: "a subscriber clears the mark", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		want(f, "first look", b.look(a, birth, aLittle), "doubted")
		f.Advance(50 * time.Millisecond)
		l := f.Subscribe(f.keys().Bully("a"))
		want(f, "heard", b.look(a, birth, aLittle), "heard")
		want(f, "the mark", f.Plain("EXISTS", f.keys().Doubt("a")), any(int64(0)))
		l.Close()
		for range 100 {
			if w := b.look(a, birth, aLot); w == "doubted" {
				return
			}
			f.Advance(10 * time.Millisecond)
		}
		f.T.Error("not doubted within a second of the end of its subscription")
	}},
	{says: "a heartbeat of the holder clears the mark", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		want(f, "first look", b.look(a, birth, aLittle), "doubted")
		f.Advance(50 * time.Millisecond)
		a.beat(beat{})
		want(f, "after a heartbeat", b.look(a, birth, aLittle), "doubted")
		f.Advance(50 * time.Millisecond)
		want(f, "after the grace", b.look(a, birth, aLittle), "evicted")
	}},
	{says: "a heartbeat of another changes nothing about it", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		c := f.online("c", "5", "e")
		want(f, "first look", b.look(a, birth, aLittle), "doubted")
		f.Advance(50 * time.Millisecond)
		b.beat(beat{})
		want(f, "the look of a third", c.look(a, birth, aLittle), "evicted")
	}},
	{says: "another birth than the session's is gone, and oneself", check: func(f *Fixture) {
		a, b, _ := doubted(f, "d1")
		want(f, "another birth", b.look(a, a.inc+"-99", 0), "gone")
		want(f, "nobody", b.look(f.node("nobody", 1), "x-1", 0), "gone")
		want(f, "oneself", b.look(b, b.inc+"-1", 0), "gone")
		want(f, "session of a", f.Plain("EXISTS", f.keys().Session("a")), any(int64(1)))
		want(f, "session of b", f.Plain("EXISTS", f.keys().Session("b")), any(int64(1)))
	}},
	{says: "without a session, with another's, or on an old connection nobody evicts", check: func(f *Fixture) {
		_, b, birth := doubted(f, "d1")
		status, v := f.node("c", 1).evict("a", birth, 0)
		want(f, "without a session", status, "none")
		want(f, "without a session", v, verdict{})
		status, _ = f.node("b", 2).evict("a", birth, 0)
		want(f, "another's", status, "taken")
		b.conn = 3
		b.beat(beat{})
		b.conn = 2
		status, _ = b.evict("a", birth, 0)
		want(f, "an old connection", status, "stale")
		want(f, "session", f.peer("", "a").birth, birth)
	}},
	{says: "in quarantine nobody is evicted, and the mark is cleared", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		b.look(a, birth, aLot)
		b.quarantine = aLot
		_, v := b.evict("a", birth, 0)
		want(f, "word", v.word, "quarantine")
		between(f, "left", v.ms, 3_500_000, 3_600_000)
		want(f, "the mark", f.Plain("EXISTS", f.keys().Doubt("a")), any(int64(0)))
	}},
	{says: "a mark of another birth counts for nothing", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		b.look(a, birth, aLittle)
		f.Advance(50 * time.Millisecond)
		f.Plain("DEL", f.keys().Session("a"))
		again := a.beat(beat{}).birth
		want(f, "the next life", b.look(a, again, aLittle), "doubted")
	}},
	{says: "an eviction frees the offices under OnDisconnect and no others", check: func(f *Fixture) {
		_, b, birth := evicted(f, "d1")
		f.Advance(10 * time.Millisecond)
		s := b.canvass("", "e", "d")
		want(f, "holder of e", s.items[0].holder, "")
		want(f, "holder of d", s.items[1].holder, "a")
		want(f, "its birth", s.items[1].holderBirth, birth)
		between(f, "it remains", s.items[1].remaining, 20_000, 30_000)
		g := b.claim(bid{birth: b.inc + "-1"}, "e", "d")
		want(f, "e", g.items[0].verdict, "granted")
		want(f, "d", g.items[1].verdict, "held")
		between(f, "it remains", g.items[1].remaining, 20_000, 30_000)
	}},
	{says: "the others are free when the session would have ended", check: func(f *Fixture) {
		a, b := f.node("a", 1), f.online("b", "1", "d")
		a.ttl = 400 * time.Millisecond
		birth := a.beat(beat{}).birth
		a.join("d")
		a.win("d")
		want(f, "look", b.look(a, birth, 0), "evicted")
		want(f, "at once", b.claim(bid{birth: b.inc + "-1"}, "d").items[0].verdict, "held")
		f.Advance(450 * time.Millisecond)
		want(f, "later", b.claim(bid{birth: b.inc + "-1"}, "d").items[0].verdict, "granted")
	}},
	{says: "an office whose holder wants more grace counts until that has passed", check: func(f *Fixture) {
		_, b, _ := evicted(f, "d300")
		i := b.claim(bid{birth: b.inc + "-1"}, "e").items[0]
		want(f, "before", i.verdict, "held")
		want(f, "grace", i.evict, "300")
		between(f, "remaining", i.remaining, 1, 300)
		f.Advance(320 * time.Millisecond)
		want(f, "after", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].verdict, "granted")
	}},
	{says: "a grace that no script writes is none: the office counts as one under OnExpiry", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d0")
		for _, text := range unsound {
			f.Plain("HSET", f.keys().Leader("e"), "evict", text)
			look := b.canvass("", "e").items[0]
			want(f, text+": canvass", look.holder+","+look.evict, "a,")
			held := b.claim(bid{birth: b.inc + "-1"}, "e").items[0]
			want(f, text+": claim", held.verdict+","+held.evict, "held,")
		}
		want(f, "a look", b.look(a, birth, 0), "evicted")
		want(f, "evicted", b.canvass("", "e").items[0].holder, "a")
		since := f.Plain("GET", f.keys().Evicted(birth)).(string)
		f.Plain("HSET", f.keys().Leader("e"), "evict", "0")
		for _, text := range unsound {
			f.Plain("SET", f.keys().Evicted(birth), text, "PX", "60000")
			want(f, text+": instant of eviction", b.canvass("", "e").items[0].holder, "a")
		}
		f.Plain("SET", f.keys().Evicted(birth), since, "PX", "60000")
		want(f, "as it was", b.canvass("", "e").items[0].holder, "")
		f.Plain("HSET", f.keys().Leader("e"), "evict", "rubbish")
		f.Plain("DEL", f.keys().Evicted(birth))
		b.win("e")
		want(f, "the next term's", f.Plain("HGET", f.keys().Leader("e"), "evict"), nil)
	}},
	{says: "who was evicted is born again by its next heartbeat, and keeps what nobody has", check: func(f *Fixture) {
		a, b, birth := evicted(f, "d1")
		token := f.Plain("HGET", f.keys().Leader("e"), "token").(string)
		p := a.beat(beat{})
		want(f, "verdict", p.verdict, "created")
		if p.birth == birth {
			f.T.Errorf("birth %s twice", birth)
		}
		_, word := a.reassert("first", "e", token)
		want(f, "re-asserted", word, "ok")
		want(f, "holder", b.canvass("", "e").items[0].holder, "a")
	}},
	{says: "who was evicted and followed is superseded", check: func(f *Fixture) {
		a, b, _ := evicted(f, "d1")
		token := f.Plain("HGET", f.keys().Leader("e"), "token").(string)
		f.Advance(10 * time.Millisecond)
		b.claim(bid{birth: b.inc + "-1"}, "e")
		a.beat(beat{})
		_, word := a.reassert("first", "e", token)
		want(f, "word", word, "superseded")
	}},
	{says: "the next life of an id does not get what its evicted former life may hold", check: func(f *Fixture) {
		a, _, _ := evicted(f, "d1")
		next := f.node("a", 2)
		want(f, "verdict", next.beat(beat{}).verdict, "created")
		next.join("e", "d")
		f.Advance(10 * time.Millisecond)
		g := next.claim(bid{birth: next.inc + "-1"}, "e", "d")
		want(f, "e", g.items[0].verdict, "granted")
		want(f, "d", g.items[1].verdict, "held")
		want(f, "by", g.items[1].holder, "a")
		want(f, "of", g.items[1].birth, a.inc+"-1")
	}},
	{says: "the grace is the term's own, and comes back with a re-assertion that takes the record", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		a.winUnder("e", "d250")
		i := a.canvass("", "e").items[0]
		want(f, "evict", i.evict, "250")
		token := a.win("e")
		want(f, "the next term's", a.canvass("", "e").items[0].evict, "")
		a.quarantine = aLot
		a.beat(beat{newName: "next", number: "5", name: "five"})
		f.Plain("DEL", f.keys().Leader("e"))
		a.reassertFor("next", "e", token, "d300")
		want(f, "re-asserted", a.canvass("", "e").items[0].evict, "300")
		a.release("e", token, "")
		want(f, "released", f.Plain("HGET", f.keys().Leader("e"), "evict"), nil)
	}},
	{says: "an eviction is no death: the log says nothing before the session would have ended", check: func(f *Fixture) {
		_, b, _ := evicted(f, "d1")
		version, _, _ := f.members(1)
		want(f, "version", b.beat(beat{}).version, version)
		f.Plain("ZADD", f.keys().Sessions(), "1", "a")
		want(f, "later", b.beat(beat{}).version, version+1)
	}},
}

var returnRules = []rule{
	{says: "who comes back after the log has said that it died is logged as there", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		before := b.beat(beat{}).version
		f.Plain("DEL", f.keys().Session("a"))
		f.Plain("ZADD", f.keys().Sessions(), "1", "a")
		want(f, "its death", b.beat(beat{}).version, before+1)
		a.beat(beat{})
		_, _, entries := f.members(before)
		want(f, "entries", len(entries), 1)
		want(f, "kind", entries[0].kind, "+")
		a.beat(beat{})
		want(f, "once", b.beat(beat{}).version, before+2)
	}},
	{says: "who comes back before the log says that it died is logged as there too: somebody may have found no session", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		before := b.beat(beat{}).version
		f.Plain("DEL", f.keys().Session("a"))
		a.beat(beat{})
		_, _, entries := f.members(before)
		want(f, "entries", len(entries), 1)
		want(f, "kind", entries[0].kind, "+")
	}},
	{says: "another incarnation's details are not a return", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		before := b.beat(beat{}).version
		f.Plain("DEL", f.keys().Session("a"))
		f.Plain("ZADD", f.keys().Sessions(), "1", "a")
		b.beat(beat{})
		f.node(a.id, 2).beat(beat{})
		_, _, entries := f.members(before)
		want(f, "kind", entries[0].kind, "!")
	}},
}
