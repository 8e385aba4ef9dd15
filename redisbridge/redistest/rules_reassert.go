package redistest

import "time"

// rollback lets a lead e with a token, then begins an epoch "next" that a's
// record does not belong to. It returns a with its quarantine set to q, and the
// token.
func rollback(f *Fixture, q time.Duration) (*node, string) {
	f.T.Helper()
	a := f.online("a", "1", "e")
	token := a.win("e")
	a.quarantine = q
	a.beat(beat{newName: "next", number: "5", name: "five"})
	return a, token
}

var reassertRules = []rule{
	{says: "our own record takes the present epoch and birth, at any time", check: func(f *Fixture) {
		a, token := rollback(f, 0)
		want(f, "holder before", a.canvass("", "e").items[0].holder, "")
		status, word := a.reassert("next", "e", token)
		want(f, "status", status, "ok")
		want(f, "word", word, "ok")
		i := a.canvass("", "e").items[0]
		want(f, "holder", i.holder, "a")
		want(f, "token", i.token, token)
	}},
	{says: "of a record whose token no script writes nobody can say whose term it is", check: func(f *Fixture) {
		for _, text := range append(unsound, "gone") {
			a, token := rollback(f, time.Hour)
			f.Plain("HSET", f.keys().Leader("e"), "token", text)
			if text == "gone" {
				f.Plain("HDEL", f.keys().Leader("e"), "token")
			}
			_, word := a.reassert("next", "e", token)
			want(f, text, word, "superseded")
			f.Flush()
		}
	}},
	{says: "a new birth of the same incarnation may", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		token := a.win("e")
		f.Plain("DEL", f.keys().Session("a"))
		birth := a.beat(beat{}).birth
		_, word := a.reassert("first", "e", token)
		want(f, "word", word, "ok")
		want(f, "birth", a.canvass("", "e").items[0].holderBirth, birth)
	}},
	{says: "another epoch than the present is stale", check: func(f *Fixture) {
		a, token := rollback(f, time.Hour)
		status, word := a.reassert("first", "e", token)
		want(f, "status", status, "stale")
		want(f, "word", word, "")
	}},
	{says: "a store without an epoch is stale, and without a session none", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		f.Plain("DEL", f.keys().Epoch())
		status, _ := a.reassert("", "e", "1")
		want(f, "without epoch", status, "stale")
		f.Plain("DEL", f.keys().Session("a"))
		status, _ = a.reassert("first", "e", "1")
		want(f, "without session", status, "none")
	}},
	{says: "who is no candidate is refused", check: func(f *Fixture) {
		a, token := rollback(f, time.Hour)
		f.Plain("SREM", f.keys().Candidates("e"), "a")
		_, word := a.reassert("next", "e", token)
		want(f, "word", word, "refused")
	}},
	{says: "within the quarantine a higher token takes the record", check: func(f *Fixture) {
		a, token := rollback(f, time.Hour)
		f.Plain("DEL", f.keys().Leader("e"))
		_, word := a.reassert("next", "e", token)
		want(f, "missing record", word, "ok")
		want(f, "holder", a.canvass("", "e").items[0].holder, "a")
		f.Plain("HSET", f.keys().Leader("e"), "id", "b", "birth", "b-1", "epoch", "first", "token", "5", "appointed", "1", "heir", "b", "until", "5")
		_, word = a.reassert("next", "e", token)
		want(f, "older record", word, "ok")
		i := a.canvass("", "e").items[0]
		want(f, "holder", i.holder, "a")
		want(f, "token", i.token, token)
		want(f, "appointed", i.appointed, "")
		want(f, "heir", f.Plain("HGET", f.keys().Leader("e"), "heir"), nil)
	}},
	{says: "an equal or lower token is superseded", check: func(f *Fixture) {
		a, token := rollback(f, time.Hour)
		f.Plain("HSET", f.keys().Leader("e"), "id", "b", "birth", "b-1", "epoch", "first", "token", token)
		_, word := a.reassert("next", "e", token)
		want(f, "equal", word, "superseded")
		f.Plain("HSET", f.keys().Leader("e"), "token", "2251799813685249")
		_, word = a.reassert("next", "e", "2251799813685248")
		want(f, "lower by one in 2^51", word, "superseded")
		_, word = a.reassert("next", "e", "2251799813685250")
		want(f, "higher by one in 2^51", word, "ok")
	}},
	{says: "after the quarantine a higher token is superseded", check: func(f *Fixture) {
		a, token := rollback(f, 0)
		f.Plain("HSET", f.keys().Leader("e"), "id", "b", "birth", "b-1", "epoch", "first", "token", "5")
		_, word := a.reassert("next", "e", token)
		want(f, "word", word, "superseded")
	}},
	{says: "our record with another token is not ours", check: func(f *Fixture) {
		a, _ := rollback(f, 0)
		_, word := a.reassert("next", "e", "1")
		want(f, "word", word, "superseded")
	}},
	{says: "an office that is re-asserted is not vacant", check: func(f *Fixture) {
		a, token := rollback(f, time.Hour)
		f.Plain("SADD", f.keys().Vacant(), "e")
		a.reassert("next", "e", token)
		want(f, "vacant", len(a.beat(beat{number: "6", name: "next"}).vacant), 0)
	}},
}
