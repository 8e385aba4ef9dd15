package redistest

import "strings"

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
		want(f, "vacant", strings.Join(a.beat(beat{}).vacant, " "), "e")
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
		a := f.online("a", "1", "e")
		g := a.claim(bid{birth: a.inc + "-1", flags: "a"}, "e")
		a.release("e", g.items[0].token, "")
		want(f, "appointed", f.Plain("HGET", f.keys().Leader("e"), "appointed"), nil)
	}},
}
