package redistest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"hustings/redisbridge"
)

// atLeast says whether one token, as text, is not below another.
func atLeast(f *Fixture, what, token, floor string) {
	f.T.Helper()
	a, err := strconv.ParseUint(token, 10, 64)
	b, _ := strconv.ParseUint(floor, 10, 64)
	if err != nil || a < b {
		f.T.Errorf("%s: token %s, want at least %s", what, token, floor)
	}
}

// message is a control message, as far as scripts write them.
type message struct {
	Type, Election, ID, Inc, Token, Heir string
	Messages                             []message
}

func (f *Fixture) parse(h Heard) message {
	f.T.Helper()
	var m message
	if err := json.Unmarshal([]byte(h.Payload), &m); err != nil {
		f.T.Fatalf("%s: %s: %v", h.Channel, h.Payload, err)
	}
	return m
}

func wantVacant(f *Fixture, h Heard, election, id, token, heir string) {
	f.T.Helper()
	m := f.parse(h)
	m.Inc, m.Messages = "", nil
	want(f, "vacant", jsonOf(m), jsonOf(message{Type: "vacant", Election: election, ID: id, Token: token, Heir: heir}))
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

var claimRules = []rule{
	{says: "many at once are claimed as they would be one by one", check: func(f *Fixture) {
		all := []string{"e", "f", "g", "h", "i"}
		a := f.online("a", "1", all...)
		birth := a.beat(beat{}).birth
		g := a.claim(bid{birth: birth}, all...)
		before := "0"
		for i, it := range g.items {
			want(f, all[i], it.verdict, "granted")
			atLeast(f, all[i], it.token, before)
			want(f, "stored", f.Plain("HGET", f.keys().Leader(all[i]), "token"), any(it.token))
			before = it.token
		}
		f.Plain("SREM", f.keys().Candidates("h"), "a")
		g = a.claim(bid{birth: birth, flags: "d300"}, "e", "f", "e", "g", "h", "i")
		for i, verdict := range []string{"granted", "granted", "granted", "granted", "refused", "granted"} {
			want(f, fmt.Sprint("again, ", i), g.items[i].verdict, verdict)
		}
		want(f, "the last of two", f.Plain("HGET", f.keys().Leader("e"), "token"), any(g.items[2].token))
	}},
	{says: "many at once, led or wanted by others: each is looked at", check: func(f *Fixture) {
		all := []string{"e", "f", "g", "h", "i"}
		a, b := f.online("a", "1", all...), f.online("b", "2", "f", "g")
		b.win("f")
		heard := f.Subscribe(f.keys().Bully("b"))
		g := a.claim(bid{birth: a.beat(beat{}).birth}, all...)
		want(f, "free", g.items[0].verdict, "granted")
		want(f, "led", g.items[1].verdict+" "+g.items[1].holder, "held b")
		want(f, "free, two candidates", g.items[2].verdict, "granted")
		m := f.parse(heard.Next())
		want(f, "told", m.Type+" "+m.Election, "leader g")
	}},
	{says: "a token is above all that was granted, though the floor cannot be read", check: func(f *Fixture) {
		for i, text := range unsound {
			e := fmt.Sprint("e", i)
			a := f.online("a", "1", e)
			before := a.win(e)
			f.Plain("HSET", f.keys().Leader(e), "token", "4000000000000000")
			f.Plain("HSET", f.keys().Epoch(), "floor", text)
			g, _ := a.bid(bid{birth: a.beat(beat{}).birth, epoch: "first", flags: "rt"}, e)
			want(f, text, verdicts(g), "granted")
			want(f, text, g.items[0].token, "4000000000000001")
			atLeast(f, text, g.items[0].token, before)
			f.Flush()
		}
	}},
	{says: "tokens end at 2^52: then nothing is granted, and what is to be mended is named", check: func(f *Fixture) {
		a := f.online("a", "1", "e", "f", "g")
		p := a.beat(beat{})
		token := a.win("g")
		f.Plain("HSET", f.keys().Leader("e"), "token", "4503599627370495")
		claim := bid{birth: p.birth}
		g := a.claim(claim, "e", "f", "g")
		want(f, "one is spent", g.items[0].verdict+" "+g.items[0].key, "spent "+f.keys().Leader("e"))
		want(f, "others are not", g.items[1].verdict+" "+g.items[2].verdict, "granted granted")
		atLeast(f, "others", g.items[2].token, token)
		f.Plain("HSET", f.keys().Epoch(), "floor", "4503599627370494")
		g = a.claim(claim, "f", "g")
		want(f, "the last token of all", g.items[0].token, "4503599627370495")
		want(f, "none is left", g.items[1].verdict+" "+g.items[1].key, "spent "+f.keys().Epoch())
		want(f, "floor", g.floor, "4503599627370495")
		again, _ := a.bid(bid{birth: p.birth, flags: "rt"}, "f", "new")
		want(f, "of a bid", verdicts(again), "spent spent")
		want(f, "nothing is written", f.Plain("HGET", f.keys().Leader("f"), "token"), any("4503599627370495"))
		want(f, "nor a record", f.Plain("EXISTS", f.keys().Leader("new")), any(int64(0)))
		want(f, "nor the floor", a.beat(beat{}).floor, "4503599627370495")
	}},
	{says: "a record whose token no script writes keeps others out, and has no token", check: func(f *Fixture) {
		for i, text := range append(unsound, "gone") {
			e := fmt.Sprint("e", i)
			a, b := f.online("a", "1", e), f.online("b", "2", e)
			before := a.win(e)
			f.Plain("HSET", f.keys().Leader(e), "token", text)
			if text == "gone" {
				f.Plain("HDEL", f.keys().Leader(e), "token")
			}
			look := b.canvass("", e).items[0]
			want(f, text+": canvass", look.holder+" "+look.token, "a ")
			held := b.claim(bid{birth: b.beat(beat{}).birth}, e).items[0]
			want(f, text+": claim", held.verdict+" "+held.holder+" "+held.token, "held a ")
			atLeast(f, text+": whose office it is gets another", a.win(e), before)
		}
	}},
	{says: "a vacant office is granted with a token of the clock", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		token := a.win("e")
		atLeast(f, "token", token, "1000000")
		want(f, "id", f.Plain("HGET", f.keys().Leader("e"), "id"), any("a"))
		want(f, "birth", f.Plain("HGET", f.keys().Leader("e"), "birth"), any(a.inc+"-1"))
		want(f, "epoch", f.Plain("HGET", f.keys().Leader("e"), "epoch"), any("first"))
		want(f, "stored", f.Plain("HGET", f.keys().Leader("e"), "token"), any(token))
		want(f, "floor", a.beat(beat{}).floor, token)
	}},
	{says: "the same incarnation gets a new token too", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		first := a.win("e")
		second := a.win("e")
		if first == second {
			f.T.Errorf("token %s was handed out twice", first)
		}
		atLeast(f, "second", second, first)
	}},
	{says: "another birth or another epoch than the present is stale", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		g := a.claim(bid{birth: a.inc + "-9"}, "e")
		want(f, "birth: status", g.status, "stale")
		want(f, "birth: present", g.birth, a.inc+"-1")
		want(f, "birth: items", len(g.items), 0)
		g = a.claim(bid{birth: a.inc + "-1", epoch: "second"}, "e")
		want(f, "epoch: status", g.status, "stale")
		want(f, "epoch: present", g.epoch, "first")
		want(f, "holder", a.canvass("", "e").items[0].holder, "")
	}},
	{says: "without a session it is stale", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		f.Plain("DEL", f.keys().Session("a"))
		g := a.claim(bid{birth: a.inc + "-1"}, "e")
		want(f, "status", g.status, "stale")
		want(f, "birth", g.birth, "")
	}},
	{says: "who is no candidate is refused, even of a held office in quarantine", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1")
		a.win("e")
		b.quarantine = time.Hour
		want(f, "verdict", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].verdict, "refused")
	}},
	{says: "a held office names its holder, in quarantine too", check: func(f *Fixture) {
		a, b := f.online("a", "3", "e"), f.online("b", "9", "e")
		token := a.win("e")
		b.quarantine = time.Hour
		i := b.claim(bid{birth: b.inc + "-1"}, "e").items[0]
		between(f, "remaining", i.remaining, 20_000, 30_000)
		i.remaining = 0
		want(f, "item", i, award{verdict: "held", holder: "a", token: token, birth: a.inc + "-1", rank: "3"})
	}},
	{says: "quarantine refuses with what is left, our own office too", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		a.win("e")
		a.quarantine = time.Hour
		g := a.claim(bid{birth: a.inc + "-1"}, "e")
		want(f, "status", g.status, "ok")
		want(f, "verdict", g.items[0].verdict, "quarantine")
		between(f, "left", g.items[0].left, 3_500_000, 3_600_000)
		between(f, "left", g.left, 3_500_000, 3_600_000)
	}},
	{says: "after the quarantine it is granted", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.quarantine = 300 * time.Millisecond
		a.beat(beat{})
		a.join("e")
		want(f, "before", a.claim(bid{birth: a.inc + "-1"}, "e").items[0].verdict, "quarantine")
		f.Advance(350 * time.Millisecond)
		want(f, "after", a.claim(bid{birth: a.inc + "-1"}, "e").items[0].verdict, "granted")
	}},
	{says: "a record that does not count is no obstacle", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		token := a.win("e")
		f.Plain("DEL", f.keys().Session("a"))
		atLeast(f, "token", b.win("e"), token)
		want(f, "holder", b.canvass("", "e").items[0].holder, "b")
	}},
	{says: "the token exceeds the stored one, the one seen and the floor", check: func(f *Fixture) {
		const big = "2251799813685248" // 2^51, where Lua's own text would be rounded
		a := f.online("a", "1", "e", "e2", "e3")
		g := a.claim(bid{birth: a.inc + "-1", seen: big}, "e")
		want(f, "over seen", g.items[0].token, "2251799813685249")
		want(f, "floor", g.floor, "2251799813685249")
		want(f, "over the floor", a.win("e2"), "2251799813685250")
		f.Plain("HSET", f.keys().Leader("e3"), "token", "2251799813686600")
		want(f, "over the stored one", a.win("e3"), "2251799813686601")
		want(f, "floor raised", a.beat(beat{}).floor, "2251799813686601")
		g = a.claim(bid{birth: a.inc + "-1", beat: beat{token: "2251799813686700"}}, "e")
		want(f, "over the node's", g.items[0].token, "2251799813686701")
	}},
	{says: "several offices of one claim get rising tokens", check: func(f *Fixture) {
		a := f.online("a", "1", "e1", "e2")
		g := a.claim(bid{birth: a.inc + "-1"}, "e1", "e2", "elsewhere")
		want(f, "items", len(g.items), 3)
		if g.items[0].token == g.items[1].token {
			f.T.Errorf("one token for two offices: %s", g.items[0].token)
		}
		atLeast(f, "second", g.items[1].token, g.items[0].token)
		want(f, "third", g.items[2].verdict, "refused")
		want(f, "floor", g.floor, g.items[1].token)
	}},
	{says: "the other candidates hear of the leader, the winner does not", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		f.online("b", "2", "e")
		f.online("c", "2")
		la, lb := f.Subscribe(f.keys().Bully("a")), f.Subscribe(f.keys().Bully("b"))
		lc := f.Subscribe(f.keys().Bully("c"))
		token := a.win("e")
		want(f, "b hears", jsonOf(f.parse(lb.Next())), jsonOf(message{Type: "leader", Election: "e", ID: "a", Inc: a.inc, Token: token}))
		la.None(f.keys().Bully("a"))
		lc.None(f.keys().Bully("c"))
	}},
	{says: "names are escaped in messages", check: func(f *Fixture) {
		const id, e = `a"\é`, "e\"\n/\\"
		a := f.online(id, "1", e)
		f.online("b", "2", e)
		l := f.Subscribe(f.keys().Bully("b"))
		a.win(e)
		m := f.parse(l.Next())
		want(f, "id", m.ID, id)
		want(f, "election", m.Election, e)
	}},
	{says: "several messages to one destination travel as one batch", check: func(f *Fixture) {
		a := f.online("a", "1", "e1", "e2")
		f.online("b", "2", "e1", "e2")
		l := f.Subscribe(f.keys().Bully("b"))
		a.claim(bid{birth: a.inc + "-1"}, "e1", "e2")
		m := f.parse(l.Next())
		want(f, "type", m.Type, "batch")
		want(f, "messages", len(m.Messages), 2)
		want(f, "first", m.Messages[0].Type+" "+m.Messages[0].Election, "leader e1")
		want(f, "second", m.Messages[1].Type+" "+m.Messages[1].Election, "leader e2")
		l.None(f.keys().Bully("b"))
	}},
	{says: "a script's error leaves the connection good", check: func(f *Fixture) {
		f.Do(redisbridge.Command{Script: redisbridge.ClaimScript, Args: []string{string(f.keys())}})
		want(f, "next", f.node("a", 1).beat(beat{}).verdict, "created")
	}},
}
