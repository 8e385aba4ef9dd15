package redistest

import (
	"fmt"
	"time"
)

// verdicts lists what became of the claims of a bid.
func verdicts(g grants) string {
	text := ""
	for i, it := range g.items {
		if i > 0 {
			text += " "
		}
		text += or(it.verdict, "-")
	}
	return text
}

var bidRules = []rule{
	{says: "who stands first registers, looks and is elected in one call", check: func(f *Fixture) {
		a := f.node("a", 1)
		birth := a.beat(beat{}).birth
		g, looks := a.bid(bid{birth: birth, flags: "rtd300"}, "e")
		want(f, "status", g.status+" "+g.birth+" "+g.epoch, "ok "+birth+" first")
		want(f, "verdict", verdicts(g), "granted")
		want(f, "look: no token yet", looks[0].token, "")
		want(f, "look: place", looks[0].place, int64(0))
		want(f, "a candidate", f.Plain("SISMEMBER", f.keys().Candidates("e"), "a"), any(int64(1)))
		want(f, "its grace", f.Plain("HGET", f.keys().Leader("e"), "evict"), any("300"))
		want(f, "stored", f.Plain("HGET", f.keys().Leader("e"), "token"), any(g.items[0].token))
		want(f, "floor", g.floor, g.items[0].token)
		want(f, "floor, kept", a.beat(beat{}).floor, g.floor)
		want(f, "in the list", f.Plain("SISMEMBER", f.keys().List(), "a"), any(int64(1)))
	}},
	{says: "an office goes only to whom no live candidate outranks", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e", "f"), f.online("b", "2", "e", "f")
		low := bid{birth: a.beat(beat{}).birth, flags: "rt"}
		g, looks := a.bid(low, "e", "f", "new")
		want(f, "below", verdicts(g), "outranked outranked granted")
		want(f, "who outranks it", looks[0].higher[0].id, "b")
		g, _ = a.bid(low, "e")
		want(f, "below, alone", verdicts(g), "outranked")
		want(f, "the record", f.Plain("HGET", f.keys().Leader("e"), "token"), any(nil))
		heard := f.Subscribe(f.keys().Bully("a"))
		g, _ = b.bid(bid{birth: b.beat(beat{}).birth, flags: "rt"}, "e")
		want(f, "above", verdicts(g), "granted")
		want(f, "the other hears of it", jsonOf(f.parse(heard.Next())),
			jsonOf(message{Type: "leader", Election: "e", ID: "b", Inc: b.inc, Token: g.items[0].token}))
		g, looks = a.bid(low, "e")
		want(f, "an office that is held by a higher one", verdicts(g)+" "+g.items[0].holder, "held b")
		want(f, "who holds it", looks[0].holder, "b")
		want(f, "then nobody is listed", len(looks[0].higher), 0)
		again, _ := b.bid(bid{birth: b.beat(beat{}).birth, flags: "rt"}, "e")
		want(f, "one's own", verdicts(again), "granted")
		atLeast(f, "its token", again.items[0].token, g.items[0].token)
		f.Plain("DEL", f.keys().Session("b"))
		g, _ = a.bid(low, "e", "f")
		want(f, "below a dead one", verdicts(g), "granted granted")
	}},
	{says: "nobody is granted an office beside a candidate without a rank", check: func(f *Fixture) {
		all := []string{"e", "f", "g", "h"}
		a := f.online("a", "1")
		top := bid{birth: a.beat(beat{}).birth, flags: "rtm"}
		f.Plain("SADD", f.keys().Candidates("g"), "original")
		g, looks := a.bid(top, all...)
		want(f, "new ones", verdicts(g), "granted granted outranked granted")
		want(f, "it is listed", looks[2].others[0].id, "original")
		g, _ = a.bid(top, all...)
		want(f, "again", verdicts(g), "granted granted outranked granted")
		g, _ = a.bid(top, "g")
		want(f, "alone", verdicts(g), "outranked")
	}},
	{says: "many at once, one of them twice, are claimed as they would be one by one", check: func(f *Fixture) {
		a := f.online("a", "1")
		top := bid{birth: a.beat(beat{}).birth, flags: "rt"}
		for _, all := range [][]string{{"e", "f", "e", "g", "h"}, {"h", "i", "h"}} {
			g, _ := a.bid(top, all...)
			before := "0"
			for i, it := range g.items {
				want(f, fmt.Sprint(all[i], i), it.verdict, "granted")
				atLeast(f, all[i], it.token, before)
				if it.token == before {
					f.T.Errorf("token %s was handed out twice", before)
				}
				before = it.token
			}
			want(f, "the last of two", f.Plain("HGET", f.keys().Leader(all[0]), "token"), any(g.items[2].token))
		}
	}},
	{says: "only what has the flag is claimed, and only where we register", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		birth := a.beat(beat{}).birth
		g, looks := a.bid(bid{birth: birth, flags: "r"}, "e", "f")
		want(f, "without t", verdicts(g), "- -")
		want(f, "registered", looks[1].place, int64(0))
		g, _ = a.bid(bid{birth: birth, flags: "t"}, "e")
		want(f, "without r", verdicts(g), "refused")
		want(f, "the record", f.Plain("HGET", f.keys().Leader("e"), "token"), any(nil))
	}},
	{says: "in another tenancy it looks, and claims nothing", check: func(f *Fixture) {
		a := f.online("a", "1")
		for _, other := range []bid{{birth: a.inc + "-9", flags: "rt"}, {birth: a.inc + "-1", epoch: "second", flags: "rt"}} {
			g, looks := a.bid(other, "e", "f")
			want(f, "status", g.status+" "+g.birth+" "+g.epoch, "ok "+a.inc+"-1 first")
			want(f, "looks", len(looks), 2)
			want(f, "claims", len(g.items), 0)
		}
		f.Plain("DEL", f.keys().Session("a"))
		g, looks := a.bid(bid{birth: a.inc + "-1", flags: "rt"}, "new")
		want(f, "without a session", g.status+" "+g.birth, "none ")
		want(f, "looks", len(looks), 1)
		want(f, "claims", len(g.items), 0)
		want(f, "not registered", looks[0].place, int64(-1))
	}},
	{says: "who was given up, or has lost its id, is told so, and nothing else", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.Plain("SET", f.keys().Session("a"), a.inc+"-1 99", "PX", "30000")
		g, looks := a.bid(bid{birth: a.inc + "-1", flags: "rt"}, "e")
		want(f, "an older connection", g.status, "stale")
		want(f, "looks", len(looks)+len(g.items), 0)
		f.Plain("SET", f.keys().Session("a"), "another-1 1", "PX", "30000")
		g, looks = a.bid(bid{birth: a.inc + "-1", flags: "rt"}, "e")
		want(f, "another process", g.status, "taken")
		want(f, "looks", len(looks)+len(g.items), 0)
		want(f, "not registered", f.Plain("SISMEMBER", f.keys().Candidates("e"), "a"), any(int64(0)))
	}},
	{says: "quarantine refuses with what is left, and a new dataset begins one", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.quarantine = time.Hour
		birth := a.beat(beat{}).birth
		g, looks := a.bid(bid{birth: birth, flags: "rt"}, "e")
		want(f, "verdict", verdicts(g), "quarantine")
		between(f, "left", g.items[0].left, 3_500_000, 3_600_000)
		want(f, "registered", looks[0].place, int64(0))
		f.Plain("DEL", f.keys().Epoch())
		g, looks = a.bid(bid{beat: beat{newName: "another"}, birth: birth, flags: "rt"}, "e")
		want(f, "the epoch", g.epoch, "another")
		want(f, "claims", len(g.items), 0)
		want(f, "looks", len(looks), 1)
	}},
	{says: "a released office is kept for whom the resigner named", check: func(f *Fixture) {
		a, b, c := f.online("a", "1", "e"), f.online("b", "2", "e"), f.online("c", "9", "e")
		b.release("e", b.win("e"), "a", "k")
		g, looks := c.bid(bid{birth: c.beat(beat{}).birth, flags: "rt"}, "e")
		want(f, "verdict", verdicts(g)+" "+g.items[0].heir, "kept a")
		want(f, "look", looks[0].heir, "a")
		a.rank = "99"
		g, _ = a.bid(bid{birth: a.beat(beat{}).birth, flags: "rt"}, "e")
		want(f, "the heir", verdicts(g)+" "+g.items[0].appointed, "granted 1")
	}},
}
