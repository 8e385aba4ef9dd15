package redistest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hustings/redisbridge"
)

var releaseRules = []rule{
	{says: "the record with our incarnation and token is vacated, the token stays", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		token := a.win("e")
		word, heir := a.release("e", token, "")
		want(f, "word", word, "released")
		want(f, "heir", heir, "")
		i := a.canvass("", "e").items[0]
		want(f, "holder", i.holder, "")
		want(f, "token", i.token, token)
	}},
	{says: "an office that was released is vacant while others stand for it, the dead too", check: func(f *Fixture) {
		a := f.online("a", "9", "e", "alone")
		f.online("b", "1", "e")
		f.Plain("DEL", f.keys().Session("b"))
		a.release("alone", a.win("alone"), "")
		want(f, "nobody else", strings.Join(a.beat(beat{}).vacant, " "), "")
		a.release("e", a.win("e"), "")
		want(f, "with another", strings.Join(a.beat(beat{}).vacant, " "), "e")
		a.win("e")
		want(f, "claimed", strings.Join(a.beat(beat{}).vacant, " "), "")
	}},
	{says: "an office is listed as vacant before it is given up", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e", "alone"), f.online("b", "2", "e")
		token, alone := a.win("e"), a.win("alone")
		f.Plain("SET", f.keys().Vacant(), "of another type")
		r := f.Do(redisbridge.Command{
			Script: redisbridge.ReleaseScript, Args: []string{string(f.keys()), a.id, a.inc, "1", "e", token, "", ""},
		})[0]
		if r.Err == nil {
			f.T.Error("it was not refused")
		}
		want(f, "holder", b.canvass("l", "e").items[0].holder, "a")
		word, _ := a.release("alone", alone, "")
		want(f, "where nobody else is to look", word, "released")
		f.Plain("DEL", f.keys().Vacant())
		word, heir := a.release("e", token, "")
		want(f, "word, heir then", word+" "+heir, "released b")
	}},
	{says: "what was given up beside an election that Redis refuses is told all the same", check: func(f *Fixture) {
		all := []string{"e", "bad", "f"}
		give := map[string]func(a *node) redisbridge.Command{
			"quit": func(a *node) redisbridge.Command {
				return redisbridge.Command{Script: redisbridge.QuitScript, Args: a.head(append([]string{"3"}, all...)...)}
			},
			"leave": func(a *node) redisbridge.Command {
				return redisbridge.Command{Script: redisbridge.LeaveScript, Args: a.head("1", "500")}
			},
			"release": func(a *node) redisbridge.Command {
				args := []string{string(f.keys()), a.id, a.inc, "3"}
				for _, e := range all {
					token, _ := f.Plain("HGET", f.keys().Leader(e), "token").(string)
					args = append(args, e, token, "", "")
				}
				return redisbridge.Command{Script: redisbridge.ReleaseScript, Args: args}
			},
		}
		for _, what := range []string{"quit", "leave", "release"} {
			a, b := f.online("a", "1", all...), f.online("b", "2", all...)
			a.win("e")
			a.win("f")
			cmd := give[what](a)
			f.Plain("DEL", f.keys().Leader("bad"))
			f.Plain("SADD", f.keys().Leader("bad"), "of another type")
			heard := f.Subscribe(f.keys().Bully("b"))
			if r := f.Do(cmd)[0]; r.Err == nil {
				f.T.Errorf("%s: it was not refused", what)
			}
			var told []string
			for _, m := range f.parse(heard.Next()).Messages {
				told = append(told, m.Type+" "+m.Election)
			}
			slices.Sort(told)
			want(f, what+": told", strings.Join(told, ", "), "vacant e, vacant f")
			for _, e := range []string{"e", "f"} {
				want(f, what+": holder of "+e, b.canvass("l", e).items[0].holder, "")
			}
			heard.Close()
			f.Flush()
		}
	}},
	{says: "a record whose token no script writes is released without one", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		for _, text := range append(unsound, "gone") {
			token := a.win("e")
			word, _ := a.release("e", "", "")
			want(f, text+": before", word, "not")
			f.Plain("HSET", f.keys().Leader("e"), "token", text)
			if text == "gone" {
				f.Plain("HDEL", f.keys().Leader("e"), "token")
			}
			word, _ = a.release("e", token, "")
			want(f, text+": with the token that it had", word, "not")
			word, _ = b.release("e", "", "")
			want(f, text+": another's", word, "not")
			heard := f.Subscribe(f.keys().Bully("b"))
			word, heir := a.release("e", "", "")
			want(f, text+": without one", word+" "+heir, "released b")
			wantVacant(f, heard.Next(), "e", "a", "0", "b")
			word, _ = a.release("e", "", "")
			want(f, text+": again", word, "not")
			atLeast(f, text+": the next token", a.win("e"), token)
			heard.Next() // of that
			f.Plain("HSET", f.keys().Leader("e"), "token", text)
			a.quit("e")
			wantVacant(f, heard.Next(), "e", "a", "0", "b")
			a.join("e")
			heard.Close()
		}
	}},
	{says: "a late release matches nothing", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		first := a.win("e")
		second := a.win("e")
		word, _ := a.release("e", first, "")
		want(f, "an older token", word, "not")
		a.release("e", second, "")
		b.win("e")
		word, _ = a.release("e", second, "")
		want(f, "another's office", word, "not")
		other := f.node("b", 2)
		word, _ = other.release("e", b.canvass("", "e").items[0].token, "")
		want(f, "another incarnation", word, "not")
		want(f, "holder", b.canvass("", "e").items[0].holder, "b")
	}},
	{says: "release works without a session", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		token := a.win("e")
		f.Plain("DEL", f.keys().Session("a"))
		word, _ := a.release("e", token, "")
		want(f, "word", word, "released")
	}},
	{says: "the heir is the highest live candidate, and the next hears of it too", check: func(f *Fixture) {
		a := f.online("a", "9", "e")
		for id, rank := range map[string]string{"b": "3", "c": "4", "d": "5", "x": "6"} {
			f.online(id, rank, "e")
		}
		f.Plain("DEL", f.keys().Session("x"))
		lb, lc, ld := f.Subscribe(f.keys().Bully("b")), f.Subscribe(f.keys().Bully("c")), f.Subscribe(f.keys().Bully("d"))
		token := a.win("e")
		for _, l := range []*Listener{lb, lc, ld} {
			want(f, "first", f.parse(l.Next()).Type, "leader")
		}
		_, heir := a.release("e", token, "")
		want(f, "heir", heir, "d")
		wantVacant(f, ld.Next(), "e", "a", token, "d")
		wantVacant(f, lc.Next(), "e", "a", token, "d")
		lb.None(f.keys().Bully("b"))
	}},
	{says: "a named heir that lives is asked first", check: func(f *Fixture) {
		a := f.online("a", "9", "e")
		f.online("b", "3", "e")
		f.online("c", "4", "e")
		lb, lc := f.Subscribe(f.keys().Bully("b")), f.Subscribe(f.keys().Bully("c"))
		token := a.win("e")
		lb.Next()
		lc.Next()
		_, heir := a.release("e", token, "b")
		want(f, "heir", heir, "b")
		wantVacant(f, lb.Next(), "e", "a", token, "b")
		wantVacant(f, lc.Next(), "e", "a", token, "b")
	}},
	{says: "a named heir that is dead, unknown or oneself is passed over", check: func(f *Fixture) {
		a := f.online("a", "9", "e")
		f.online("b", "3", "e")
		f.online("dead", "4", "e")
		f.online("stranger", "4")
		f.Plain("DEL", f.keys().Session("dead"))
		for _, named := range []string{"dead", "stranger", "nobody", "a"} {
			_, heir := a.release("e", a.win("e"), named)
			want(f, "heir instead of "+named, heir, "b")
		}
	}},
	{says: "a claim takes the office off the vacant ones", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		a.release("e", a.win("e"), "")
		a.win("e")
		want(f, "vacant", len(a.beat(beat{}).vacant), 0)
	}},
	{says: "releasing takes the mark appointed off", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		b.release("e", b.win("e"), "a", "k")
		a.release("e", a.win("e"), "")
		want(f, "appointed", f.Plain("HGET", f.keys().Leader("e"), "appointed"), nil)
	}},
	{says: "flag k keeps the office for the named heir, which is appointed when it claims", check: func(f *Fixture) {
		a, b, c := f.online("a", "9", "e"), f.online("b", "3", "e"), f.online("c", "4", "e")
		token := a.win("e")
		_, heir := a.release("e", token, "b", "k")
		want(f, "heir", heir, "b")
		for _, n := range []*node{a, c} {
			i := n.claim(bid{birth: n.inc + "-1"}, "e").items[0]
			want(f, n.id+" hears", i.verdict+" for "+i.heir, "kept for b")
			between(f, "left", i.left, 1, 1000)
		}
		i := c.canvass("", "e").items[0]
		want(f, "canvass: holder, heir", i.holder+","+i.heir, ",b")
		between(f, "canvass: left", i.heirLeft, 1, 1000)
		g := b.claim(bid{birth: b.inc + "-1"}, "e").items[0]
		want(f, "b", g.verdict, "granted")
		want(f, "appointed", g.appointed, "1")
		i = c.canvass("", "e").items[0]
		want(f, "holder, heir", i.holder+","+i.heir, "b,")
		want(f, "left", i.heirLeft, 0)
		want(f, "mark", i.appointed, "1")
		h := c.claim(bid{birth: c.inc + "-1"}, "e").items[0]
		want(f, "held, with the mark", h.verdict+" "+h.appointed, "held 1")
		// The mark is of that term only.
		want(f, "again", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].appointed, "")
		want(f, "mark", c.canvass("", "e").items[0].appointed, "")
	}},
	{says: "an office is kept for a second, and then for nobody", check: func(f *Fixture) {
		a, b, c := f.online("a", "9", "e"), f.online("b", "3", "e"), f.online("c", "4", "e")
		a.release("e", a.win("e"), "b", "k")
		f.Advance(1050 * time.Millisecond)
		i := c.canvass("", "e").items[0]
		want(f, "heir, left", fmt.Sprint(i.heir, i.heirLeft), fmt.Sprint("", 0))
		g := c.claim(bid{birth: c.inc + "-1"}, "e").items[0]
		want(f, "granted, appointed", g.verdict+","+g.appointed, "granted,")
		c.release("e", g.token, "")
		want(f, "the heir that came late is none", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].appointed, "")
	}},
	{says: "an heir that comes late is appointed if nobody was before it", check: func(f *Fixture) {
		a, b := f.online("a", "9", "e"), f.online("b", "3", "e")
		a.release("e", a.win("e"), "b", "k")
		f.Advance(1050 * time.Millisecond)
		want(f, "appointed", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].appointed, "1")
	}},
	{says: "an office is kept for nobody else than was named, nor without flag k", check: func(f *Fixture) {
		a, b := f.online("a", "9", "e"), f.online("b", "3", "e")
		f.online("dead", "4", "e")
		f.Plain("DEL", f.keys().Session("dead"))
		for _, r := range [][2]string{{"dead", "k"}, {"nobody", "k"}, {"a", "k"}, {"", "k"}, {"b", ""}} {
			a.release("e", a.win("e"), r[0], r[1])
			i := b.canvass("", "e").items[0]
			want(f, "heir of "+r[0], fmt.Sprint(i.heir, i.heirLeft), fmt.Sprint("", 0))
		}
		want(f, "appointed", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].appointed, "")
	}},
	{says: "a quarantine goes before a kept office", check: func(f *Fixture) {
		a, b := f.online("a", "9", "e"), f.online("b", "3", "e")
		a.release("e", a.win("e"), "b", "k")
		for _, n := range []*node{a, b} {
			n.quarantine = time.Hour
			want(f, n.id, n.claim(bid{birth: n.inc + "-1"}, "e").items[0].verdict, "quarantine")
		}
	}},
	{says: "an office that is kept for longer than it may be is not kept", check: func(f *Fixture) {
		a, b, c := f.online("a", "9", "e"), f.online("b", "3", "e"), f.online("c", "4", "e")
		a.release("e", a.win("e"), "b", "k")
		f.Plain("HSET", f.keys().Leader("e"), "until", "9007199254740991") // the clock stepped back
		want(f, "left", c.canvass("", "e").items[0].heirLeft, 0)
		want(f, "appointed", b.claim(bid{birth: b.inc + "-1"}, "e").items[0].appointed, "1")
		want(f, "heir", f.Plain("HGET", f.keys().Leader("e"), "heir"), nil)
	}},
}
