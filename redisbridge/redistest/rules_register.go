package redistest

import (
	"strconv"
	"strings"
	"time"

	"hustings/redisbridge"
)

var registerRules = []rule{
	{says: "join writes what originals read, and our ranks", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.rank = "4503599627370495"
		a.beat(beat{})
		status, version := a.join("e1", "e2")
		want(f, "status", status, "ok")
		want(f, "version", version, 1)
		want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "a"), any(int64(1)))
		want(f, "details", f.Plain("HGET", f.keys().Details(), "a"), any(a.details))
		for _, e := range []string{"e1", "e2"} {
			want(f, "participated", f.Plain("SISMEMBER", f.keys().Participated("a"), e), any(int64(1)))
			want(f, "candidates", f.Plain("SISMEMBER", f.keys().Candidates(e), "a"), any(int64(1)))
			want(f, "rank", f.peer(e, "a").rank, "4503599627370495")
		}
	}},
	{says: "join without a session does nothing", check: func(f *Fixture) {
		a := f.node("a", 1)
		status, _ := a.join("e")
		want(f, "status", status, "none")
		want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "a"), any(int64(0)))
	}},
	{says: "only new details are a change of membership", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		_, version := a.join("e")
		want(f, "again", version, 1)
		a.details = `{"process":2,"v":1}`
		_, version = a.join("e")
		want(f, "other details", version, 2)
	}},
	{says: "a new rank replaces the old one", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		a.rank = "7"
		a.join("e")
		want(f, "rank", f.peer("e", "a").rank, "7")
	}},
	{says: "quit takes us out and releases what carries our incarnation", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		token := a.win("e")
		l := f.Subscribe(f.keys().Bully("b"))
		status, done := a.quit("e")
		want(f, "status", status, "ok")
		want(f, "done", done, 1)
		want(f, "candidate", f.peer("e", "a").candidate, 0)
		want(f, "rank", f.peer("e", "a").rank, "")
		want(f, "participated", f.Plain("SISMEMBER", f.keys().Participated("a"), "e"), any(int64(0)))
		i := b.canvass("l", "e").items[0]
		want(f, "holder", i.holder, "")
		want(f, "token", i.token, token)
		wantVacant(f, l.Next(), "e", "a", token, "b")
	}},
	{says: "the last to quit leaves no vacancy behind", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		a.win("e")
		a.quit("e")
		want(f, "vacant", len(a.beat(beat{}).vacant), 0)
	}},
	{says: "a quit that is refused halfway is done by the next one", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		a.win("e")
		f.Plain("SET", f.keys().Vacant(), "of another type")
		r := f.Do(redisbridge.Command{Script: redisbridge.QuitScript, Args: a.head("1", "e")})[0]
		if r.Err == nil {
			f.T.Error("it was not refused")
		}
		want(f, "candidate", f.peer("e", "a").candidate, 0)
		want(f, "holder", b.canvass("l", "e").items[0].holder, "a")
		f.Plain("DEL", f.keys().Vacant())
		a.quit("e")
		want(f, "holder then", b.canvass("l", "e").items[0].holder, "")
		want(f, "vacant then", strings.Join(b.beat(beat{}).vacant, " "), "e")
	}},
	{says: "an office released earlier is not vacant once nobody stands for it", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		a.release("e", a.win("e"), "")
		a.quit("e")
		want(f, "with a candidate", len(b.beat(beat{}).vacant), 1)
		b.quit("e")
		want(f, "without", len(b.beat(beat{}).vacant), 0)
	}},
	{says: "the last to quit leaves no record behind, and tokens rise all the same", check: func(f *Fixture) {
		// Far above the clock, which would have them rise by itself.
		a, b := f.online("a", "1", "e", "f"), f.online("b", "2", "e")
		token := a.claim(bid{birth: a.inc + "-1", seen: "4503599627300000"}, "e").items[0].token
		want(f, "f", a.win("f"), "4503599627300002")
		a.quit("e", "f")
		want(f, "f", f.Plain("EXISTS", f.keys().Leader("f")), any(int64(0)))
		want(f, "e, for which b stands", f.Plain("HGET", f.keys().Leader("e"), "token"), any(token))
		b.quit("e")
		want(f, "e", f.Plain("EXISTS", f.keys().Leader("e")), any(int64(0)))
		b.join("e", "f")
		want(f, "e", b.win("e"), "4503599627300003")
		want(f, "f", b.win("f"), "4503599627300004")
		b.leave("1")
		want(f, "after a leave", f.Plain("EXISTS", f.keys().Leader("e"), f.keys().Leader("f")), any(int64(0)))
	}},
	{says: "a record whose token is above the floor stays until a heartbeat finds it is not", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		token := a.win("e")
		f.Plain("HSET", f.keys().Epoch(), "floor", "5")
		a.quit("e")
		a.beat(beat{})
		want(f, "token", f.Plain("HGET", f.keys().Leader("e"), "token"), any(token))
		a.beat(beat{token: token})
		want(f, "then", f.Plain("EXISTS", f.keys().Leader("e"), f.keys().Deserted()), any(int64(0)))
	}},
	{says: "a record stays while its holder may be trusted, though nobody stands", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2")
		a.win("e")
		birth := f.Plain("HGET", f.keys().Leader("e"), "birth").(string)
		f.Plain("DEL", f.keys().Candidates("e"))
		left := func(what string, records int64) {
			f.T.Helper()
			b.quit("e")
			want(f, what, f.Plain("EXISTS", f.keys().Leader("e")), any(records))
		}
		left("its session lives", 1)
		f.Plain("SET", f.keys().Evicted(birth), "1", "PX", "60000")
		f.Plain("DEL", f.keys().Session("a"))
		left("it was evicted", 1)
		f.Plain("DEL", f.keys().Evicted(birth))
		left("it is dead", 0)
	}},
	{says: "a record of a former life of its holder does not stay, once nobody stands", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		a.claim(bid{birth: a.inc + "-1", seen: "4503599627300000"}, "e")
		f.Plain("DEL", f.keys().Session("a"))
		next := f.node("a", 2)
		next.beat(beat{})
		next.leave("0")
		want(f, "record", f.Plain("EXISTS", f.keys().Leader("e")), any(int64(0)))
		next.join("e")
		want(f, "token", next.win("e"), "4503599627300002")
	}},
	{says: "a record stays while who was evicted may rely on it, and goes by a heartbeat after that", check: func(f *Fixture) {
		a, b, birth := doubted(f, "d1")
		want(f, "look", b.look(a, birth, 0), "evicted")
		next := f.node("a", 2)
		next.beat(beat{})
		next.leave("0")
		b.quit("d", "e")
		left := func(what string, keys int64) {
			f.T.Helper()
			k := f.keys()
			want(f, what, f.Plain("EXISTS", k.Leader("d"), k.Leader("e"), k.Deserted()), any(keys))
		}
		left("nobody stands", 3)
		b.beat(beat{})
		left("a heartbeat", 3)
		f.Plain("DEL", f.keys().Evicted(birth))
		b.beat(beat{})
		left("one after that", 0)
	}},
	{says: "a record that ours leave to an original goes by a heartbeat, once that one has left too", check: func(f *Fixture) {
		k, a := f.keys(), f.online("a", "1", "e")
		left := func(what string, record, listed int64) {
			f.T.Helper()
			want(f, what+": record", f.Plain("EXISTS", k.Leader("e")), any(record))
			want(f, what+": listed", f.Plain("SISMEMBER", k.Deserted(), "e"), any(listed))
		}
		a.claim(bid{birth: a.inc + "-1", seen: "4503599627300000"}, "e")
		f.Plain("SADD", k.Candidates("e"), "o")
		a.quit("e")
		a.beat(beat{})
		left("the original stands", 1, 1)
		a.join("e")
		a.beat(beat{})
		left("one of ours stands again", 1, 0)
		a.quit("e")
		f.Plain("SREM", k.Candidates("e"), "o")
		left("nobody stands", 1, 1)
		a.beat(beat{})
		left("a heartbeat", 0, 0)
		a.join("e")
		want(f, "token", a.win("e"), "4503599627300002")
	}},
	{says: "nothing is refused for what is only to be tidied up", check: func(f *Fixture) {
		k, a := f.keys(), f.online("a", "1", "e")
		f.Plain("SADD", k.Deserted(), "spoiled", "other")
		f.Plain("SET", k.Leader("spoiled"), "of another type")
		f.Plain("HSET", k.Leader("other"), "token", "1")
		want(f, "a record of another type", a.beat(beat{token: "1"}).verdict, "extended")
		want(f, "the other one's", f.Plain("EXISTS", k.Leader("other")), any(int64(0)))
		want(f, "listed yet", f.Plain("SISMEMBER", k.Deserted(), "spoiled"), any(int64(1)))
		f.Plain("DEL", k.Deserted())
		f.Plain("SET", k.Deserted(), "of another type")
		want(f, "a list of another type", a.beat(beat{}).verdict, "extended")
		a.win("e")
		a.quit("e")
		want(f, "a quit", f.Plain("EXISTS", k.Leader("e")), any(int64(0)))
	}},
	{says: "a purge of who stood alone leaves no record behind", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2")
		a.claim(bid{birth: a.inc + "-1", seen: "4503599627300000"}, "e")
		f.Plain("DEL", f.keys().Session("a"))
		b.purge("a", "ours")
		want(f, "record", f.Plain("EXISTS", f.keys().Leader("e")), any(int64(0)))
		b.join("e")
		want(f, "token", b.win("e"), "4503599627300002")
	}},
	{says: "quit leaves another's office alone", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		b.win("e")
		a.quit("e")
		want(f, "holder", b.canvass("l", "e").items[0].holder, "b")
	}},
	{says: "leave quits everything, signs off, and ends the session when asked", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e1", "e2"), f.online("b", "2", "e1", "e2")
		a.win("e1")
		version := b.beat(beat{}).version
		want(f, "status", a.leave("0"), "ok")
		for _, e := range []string{"e1", "e2"} {
			want(f, "candidate", f.peer(e, "a").candidate, 0)
		}
		want(f, "holder", b.canvass("l", "e1").items[0].holder, "")
		want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "a"), any(int64(0)))
		want(f, "participated", f.Plain("EXISTS", f.keys().Participated("a")), any(int64(0)))
		want(f, "session", f.Plain("EXISTS", f.keys().Session("a")), any(int64(1)))
		_, _, entries := f.members(version)
		want(f, "entries", len(entries), 1)
		want(f, "kind", entries[0].kind, "-")
		want(f, "again", a.leave("1"), "ok")
		want(f, "session", f.Plain("EXISTS", f.keys().Session("a")), any(int64(0)))
		want(f, "score", f.Plain("ZSCORE", f.keys().Sessions(), "a"), nil)
		want(f, "version", b.beat(beat{}).version, version+1)
	}},
	{says: "purge of ours spares a live session", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		want(f, "alive", a.purge("b", "ours", "e"), 0)
		f.Plain("DEL", f.keys().Session("b"))
		version := a.beat(beat{}).version
		want(f, "dead", a.purge("b", "ours"), 1)
		want(f, "candidate", f.peer("e", "b").candidate, 0)
		want(f, "rank", f.peer("e", "b").rank, "")
		want(f, "details", f.peer("e", "b").details, "")
		want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "b"), any(int64(0)))
		want(f, "score", f.Plain("ZSCORE", f.keys().Sessions(), "b"), nil)
		_, _, entries := f.members(version)
		want(f, "entries", len(entries), 1)
		want(f, "entry", entries[0], entry{"b", "!", "", -2})
		want(f, "again", a.purge("b", "ours"), 1)
		want(f, "version", b.beat(beat{}).version, version+1)
	}},
	{says: "purge strikes so many elections a call, and the node when none is left", check: func(f *Fixture) {
		a, b := f.online("a", "1"), f.online("b", "2", "e1", "e2", "e3", "e4", "e5")
		f.Plain("DEL", f.keys().Session("b"))
		version := a.beat(beat{}).version
		for _, left := range []int{3, 1} {
			done, more := a.purgePart("b", "ours", 2)
			want(f, "dead", done, 1)
			want(f, "more", more, 1)
			want(f, "elections", f.stands("b", "e1", "e2", "e3", "e4", "e5"), left)
			want(f, "participated", f.Plain("SCARD", f.keys().Participated("b")), any(int64(left)))
			want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "b"), any(int64(1)))
			want(f, "details", f.peer("", "b").details, b.details)
			want(f, "version", a.beat(beat{}).version, version)
		}
		want(f, "the last", a.purge("b", "ours"), 1)
		want(f, "elections", f.stands("b", "e1", "e2", "e3", "e4", "e5"), 0)
		want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "b"), any(int64(0)))
		want(f, "details", f.peer("", "b").details, "")
		_, _, entries := f.members(version)
		want(f, "entries", len(entries), 1)
		want(f, "entry", entries[0], entry{"b", "!", "", -2})
	}},
	{says: "a vacancy goes with the last candidate that is purged", check: func(f *Fixture) {
		a, c := f.online("a", "1", "e", "f"), f.online("c", "1", "f")
		f.online("b", "2", "e", "f")
		a.win("e")
		a.win("f")
		f.Plain("DEL", f.keys().Session("b"))
		a.quit("e", "f")
		want(f, "while b stands", len(c.beat(beat{}).vacant), 2)
		c.purge("b", "ours")
		want(f, "then", strings.Join(c.beat(beat{}).vacant, " "), "f")
	}},
	{says: "a vacancy goes with an original that is purged, too", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.Plain("SADD", f.keys().Candidates("e"), "o")
		f.Plain("SADD", f.keys().Vacant(), "e")
		a.purge("o", "original", "e")
		want(f, "vacant", len(a.beat(beat{}).vacant), 0)
	}},
	{says: "a purge goes no further when the node lives again", check: func(f *Fixture) {
		a, b := f.online("a", "1"), f.online("b", "2", "e1", "e2", "e3")
		f.Plain("DEL", f.keys().Session("b"))
		a.purgePart("b", "ours", 2)
		b.beat(beat{})
		done, more := a.purgePart("b", "ours", 2)
		want(f, "purged", done, 0)
		want(f, "more", more, 0)
		want(f, "elections", f.stands("b", "e1", "e2", "e3"), 1)
		want(f, "details", f.peer("", "b").details, b.details)
	}},
	{says: "leave quits so many elections a call, and goes offline when none is left", check: func(f *Fixture) {
		elections := []string{"e1", "e2", "e3", "e4", "e5"}
		a, b := f.online("a", "1", elections...), f.online("b", "2", elections...)
		for _, e := range elections {
			a.win(e)
		}
		version := b.beat(beat{}).version
		for _, left := range []int{3, 1} {
			status, more := a.leavePart("1", 2)
			want(f, "status", status, "ok")
			want(f, "more", more, 1)
			want(f, "elections", f.stands("a", elections...), left)
			held := 0
			for _, e := range elections {
				if b.canvass("l", e).items[0].holder == "a" {
					held++
				}
			}
			want(f, "offices", held, left)
			want(f, "vacant", len(b.beat(beat{}).vacant), len(elections)-left)
			want(f, "session", f.Plain("EXISTS", f.keys().Session("a")), any(int64(1)))
			want(f, "list", f.Plain("SISMEMBER", f.keys().List(), "a"), any(int64(1)))
			want(f, "details", f.peer("", "a").details, a.details)
			want(f, "version", b.beat(beat{}).version, version)
		}
		want(f, "the last", a.leave("1"), "ok")
		want(f, "elections", f.stands("a", elections...), 0)
		want(f, "session", f.Plain("EXISTS", f.keys().Session("a")), any(int64(0)))
		want(f, "details", f.peer("", "a").details, "")
		want(f, "version", b.beat(beat{}).version, version+1)
	}},
	{says: "as many elections as one call may strike need one call, one more needs two", check: func(f *Fixture) {
		for _, more := range []int64{0, 1} {
			all := []string{"e1", "e2", "e3"}[:2+more]
			a := f.online("a", "1")
			f.online("b", "2", all...)
			f.Plain("DEL", f.keys().Session("b"))
			for left := more; left >= 0; left-- {
				done, rest := a.purgePart("b", "ours", 2)
				want(f, "dead", done, 1)
				want(f, "left of a purge", rest, left)
			}
			want(f, "details", f.peer("", "b").details, "")
			b := f.online("b", "2", all...)
			for left := more; left >= 0; left-- {
				status, rest := b.leavePart("0", 2)
				want(f, "status", status, "ok")
				want(f, "left of a leave", rest, left)
			}
			want(f, "details", f.peer("", "b").details, "")
		}
	}},
	{says: "each call of a leave tells the heirs of what it gave up", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e1", "e2"), f.online("b", "2", "e1", "e2")
		a.win("e1")
		a.win("e2")
		l := f.Subscribe(f.keys().Bully(b.id))
		for range 2 {
			a.leavePart("0", 1)
			want(f, "told", f.parse(l.Next()).Type, "vacant")
		}
		l.None(f.keys().Bully(b.id))
	}},
	{says: "a first join registers nothing while a former life is a candidate", check: func(f *Fixture) {
		old := f.online("a", "1", "e1", "e2")
		f.Plain("DEL", f.keys().Session("a"))
		a := f.node("a", 2)
		version := a.beat(beat{}).version
		_, more := a.leavePart("0", 1)
		want(f, "more", more, 1)
		status, _ := a.joins("1", "e3")
		want(f, "status", status, "early")
		want(f, "candidate", f.peer("e3", "a").candidate, 0)
		want(f, "details", f.peer("", "a").details, old.details)
		want(f, "version", a.beat(beat{}).version, version)
		a.leave("0")
		status, _ = a.joins("1", "e3")
		want(f, "status, all being quit", status, "ok")
		want(f, "candidate", f.peer("e3", "a").candidate, 1)
		want(f, "details", f.peer("", "a").details, a.details)
		status, _ = a.joins("", "e4")
		want(f, "status of a later one", status, "ok")
	}},
	{says: "purge logs who was in the list alone, and nobody who was nowhere", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.Plain("SADD", f.keys().List(), "o")
		a.purge("o", "original")
		a.purge("p", "original")
		version, _, entries := f.members(1)
		want(f, "version", version, 2)
		want(f, "entries", len(entries), 1)
		want(f, "entry", entries[0], entry{"o", "!", "", -2})
	}},
	{says: "purge of an original spares a subscriber", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		f.Plain("SADD", f.keys().Candidates("e"), "o")
		f.Plain("HSET", f.keys().Details(), "o", `{"process":5}`)
		l := f.Subscribe(f.keys().Bully("o"))
		want(f, "subscribed", a.purge("o", "original", "e"), 0)
		want(f, "candidate", f.peer("e", "o").candidate, 1)
		l.Close()
		for range 100 {
			if a.purge("o", "original", "e") == 1 {
				want(f, "candidate", f.peer("e", "o").candidate, 0)
				return
			}
			f.Advance(10 * time.Millisecond)
		}
		f.T.Error("not purged within a second of the end of its subscription")
	}},
	{says: "peer looks at 500 elections of a node at most", check: func(f *Fixture) {
		k, all := f.keys(), []string{"SADD", f.keys().Participated("old")}
		var stand []redisbridge.Command
		for i := range 600 {
			e := strconv.Itoa(i)
			all = append(all, e)
			stand = append(stand, redisbridge.Command{Args: []string{"SADD", k.Candidates(e), "old"}})
		}
		f.Plain(all...)
		p := f.peer("", "old")
		want(f, "none", p, portrait{0, "", "", -2, "", 0, 600, 0})
		f.Do(stand...)
		p = f.peer("", "old")
		want(f, "all", p, portrait{0, "", "", -2, "", 0, 600, 500})
	}},
	{says: "whoever starts under the id of a live original clears nothing, and has no session any more", check: func(f *Fixture) {
		k, a := f.keys(), f.node("a", 1)
		const details = `{"process":5}`
		start := func(ours string) string {
			a.beat(beat{})
			r := f.reply(redisbridge.LeaveScript, a.head("f"+ours, "100")...)
			status := r.text()
			if status == "original" {
				want(f, "its details", r.text(), details)
				want(f, "they stay", f.peer("e", "a").details, details)
				want(f, "candidate", f.peer("e", "a").candidate, 1)
				want(f, "session", f.Plain("EXISTS", k.Session("a")), any(int64(0)))
				want(f, "score", f.Plain("ZSCORE", k.Sessions(), "a"), nil)
				status, _ := a.join("e")
				want(f, "and to join comes to nothing", status, "none")
			}
			return status
		}
		f.Plain("HSET", k.Details(), "a", details)
		f.Plain("SADD", k.Participated("a"), "e")
		f.Plain("SADD", k.Candidates("e"), "a")
		f.Subscribe(k.Bully("a"))
		want(f, "one that is subscribed", start("0"), "original")
		l := f.Subscribe(k.Bully("a"))
		want(f, "and we are", start("1"), "original")
		l.Close()
		for range 100 {
			if start("1") == "ok" {
				want(f, "it is cleared", f.peer("e", "a").candidate, 0)
				a.join("e")
				f.Subscribe(k.Bully("a"))
				want(f, "a former life of ours is cleared too", start("1"), "ok")
				want(f, "it is cleared", f.peer("e", "a").candidate, 0)
				return
			}
			f.Advance(10 * time.Millisecond)
		}
		f.T.Error("not cleared within a second of the end of its subscription")
	}},
	{says: "whoever starts clears nothing without its session", check: func(f *Fixture) {
		k := f.keys()
		const details = `{"process":5}`
		f.Plain("HSET", k.Details(), "a", details)
		f.Plain("SADD", k.Participated("a"), "e")
		f.Plain("SADD", k.Candidates("e"), "a")
		f.Subscribe(k.Bully("a")) // the original's
		untouched := func(when, status string, a *node) {
			for _, end := range []string{"f0", "f1"} {
				got, more := a.leavePart(end, 100)
				want(f, when+": status", got, status)
				want(f, when+": more", more, 0)
			}
			want(f, when+": candidate", f.peer("e", "a").candidate, 1)
			want(f, when+": details", f.peer("e", "a").details, details)
		}
		a := f.node("a", 1)
		untouched("it has ended", "none", a)
		a.beat(beat{})
		f.node("a", 2).replace(a.inc)
		untouched("it is another's soon", "replaced", a)
	}},
	{says: "purge of ours spares an original that was started in its place", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		f.online("b", "2", "e")
		f.Plain("DEL", f.keys().Session("b"))
		f.Plain("HSET", f.keys().Details(), "b", `{"process":5}`)
		l := f.Subscribe(f.keys().Bully("b"))
		want(f, "subscribed", a.purge("b", "ours", "e"), 0)
		want(f, "candidate", f.peer("e", "b").candidate, 1)
		l.Close()
		for range 100 {
			if a.purge("b", "ours", "e") == 1 {
				want(f, "candidate", f.peer("e", "b").candidate, 0)
				return
			}
			f.Advance(10 * time.Millisecond)
		}
		f.T.Error("not purged within a second of the end of its subscription")
	}},
	{says: "peer describes a node", check: func(f *Fixture) {
		a := f.online("a", "12", "e")
		p := f.peer("e", "a")
		between(f, "pttl", p.pttl, 20_000, 30_000)
		p.pttl = 0
		want(f, "peer", p, portrait{1, "12", a.details, 0, a.inc + "-1", 0, -1, -1})
		want(f, "nobody", f.peer("e", "nobody"), portrait{0, "", "", -2, "", 0, -1, -1})
		f.Plain("SADD", f.keys().Participated("old"), "e", "x")
		f.Plain("SADD", f.keys().Candidates("x"), "old")
		want(f, "an original", f.peer("", "old"), portrait{0, "", "", -2, "", 0, 2, 1})
		want(f, "without election", f.peer("", "a").candidate, 0)
	}},
}

// stands counts the elections in which a node is a candidate, and ranked.
func (f *Fixture) stands(id string, elections ...string) int {
	f.T.Helper()
	n := 0
	for _, e := range elections {
		p := f.peer(e, id)
		want(f, "ranked in "+e, p.rank != "", p.candidate == 1)
		n += int(p.candidate)
	}
	return n
}
