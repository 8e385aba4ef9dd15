package redistest

import (
	"fmt"
	"time"

	"hustings/redisbridge"
)

var canvassRules = []rule{
	{says: "many at once are looked at as they would be one by one", check: func(f *Fixture) {
		all := []string{"e", "f", "g", "h", "e"}
		a := f.node("a", 1)
		a.rank = "1"
		a.beat(beat{})
		want(f, "of what nobody knows", a.canvass("", all...).items[0].place, -1)
		for i, it := range a.canvass("r", all...).items {
			want(f, fmt.Sprint("new, ", i), fmt.Sprint(it), fmt.Sprint(look{remaining: -2}))
		}
		b := f.online("b", "2", "g")
		b.rank = "2"
		want(f, "unregistered", b.canvass("", all...).items[0].place, -1)
		items := b.canvass("r", all...).items
		for i, place := range []int64{0, 0, 0, 0, 0} {
			want(f, fmt.Sprint("above a, ", i), items[i].place, place)
		}
		token := b.win("f")
		items = a.canvass("r", all...).items
		for i, holder := range []string{"", "b", "", "", ""} {
			want(f, fmt.Sprint("holder, ", i), items[i].holder, holder)
			want(f, fmt.Sprint("place, ", i), items[i].place, 1)
			want(f, fmt.Sprint("higher, ", i), len(items[i].higher), map[string]int{"": 1, "b": 0}[holder])
		}
		want(f, "token", items[1].token, token)
		participated := f.Plain("SCARD", f.keys().Participated("a"))
		want(f, "participated", participated, any(int64(4)))
	}},
	{says: "an election nobody ever led has no token and no holder", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		s := a.canvass("", "e")
		want(f, "status", s.status, "ok")
		want(f, "birth", s.birth, a.inc+"-1")
		want(f, "epoch", s.epoch, "first")
		want(f, "item", fmt.Sprint(s.items[0]), fmt.Sprint(look{remaining: -2}))
	}},
	{says: "the holder comes with its session, rank and mark", check: func(f *Fixture) {
		a, b := f.online("a", "7", "e"), f.online("b", "2", "e")
		p := a.beat(beat{})
		b.release("e", b.win("e"), "a", "k")
		g := a.claim(bid{birth: p.birth}, "e")
		i := b.canvass("", "e").items[0]
		want(f, "holder", i.holder, "a")
		want(f, "birth", i.holderBirth, p.birth)
		want(f, "rank", i.holderRank, "7")
		want(f, "appointed", i.appointed, "1")
		want(f, "token", i.token, g.items[0].token)
		between(f, "remaining", i.remaining, 20_000, 30_000)
	}},
	{says: "higher lists live candidates that outrank us, the highest first", check: func(f *Fixture) {
		a := f.online("a", "10", "e")
		f.online("low", "9", "e")
		d := f.online("d", "12", "e")
		c := f.online("c", "11", "e")
		f.online("dead", "13", "e")
		f.Plain("DEL", f.keys().Session("dead"))
		i := a.canvass("", "e").items[0]
		want(f, "place", i.place, 3)
		want(f, "higher", len(i.higher), 2)
		want(f, "first", i.higher[0].id+" "+i.higher[0].rank+" "+i.higher[0].birth, "d 12 "+d.inc+"-1")
		want(f, "second", i.higher[1].id+" "+i.higher[1].rank+" "+i.higher[1].birth, "c 11 "+c.inc+"-1")
	}},
	{says: "between equal ranks the bytewise greater id outranks", check: func(f *Fixture) {
		ids := []string{"B", "a", "a2", "é", "z"}
		for _, id := range ids {
			f.online(id, "5", "e")
		}
		for place, id := range []string{"é", "z", "a2", "a", "B"} {
			n := f.node(id, 1)
			n.rank = "5"
			want(f, "place of "+id, n.canvass("", "e").items[0].place, int64(place))
		}
	}},
	{says: "ranks of 52 bits are told apart", check: func(f *Fixture) {
		a := f.online("a", "4503599627370494", "e")
		f.online("b", "4503599627370495", "e")
		i := a.canvass("", "e").items[0]
		want(f, "place", i.place, 1)
		want(f, "rank", i.higher[0].rank, "4503599627370495")
	}},
	{says: "higher holds 4 at most, however many above them are dead", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		for i := range 20 {
			f.online(fmt.Sprintf("n%02d", i), "5", "e")
		}
		i := a.canvass("", "e").items[0]
		want(f, "place", i.place, 20)
		want(f, "higher", len(i.higher), 4)
		want(f, "first", i.higher[0].id, "n19")
		want(f, "last", i.higher[3].id, "n16")
		for k := 8; k < 20; k++ {
			f.Plain("DEL", f.keys().Session(fmt.Sprintf("n%02d", k)))
		}
		i = a.canvass("", "e").items[0]
		want(f, "first that lives", i.higher[0].id, "n07")
		want(f, "last of them", i.higher[3].id, "n04")
	}},
	{says: "nobody is higher where the holder outranks us: we have lost already", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		f.online("c", "3", "e")
		b.win("e")
		i := a.canvass("", "e").items[0]
		want(f, "holder above", i.holder+" "+fmt.Sprint(i.place, len(i.higher)), "b 2 0")
		i = b.canvass("", "e").items[0]
		want(f, "held by us", i.holder+" "+fmt.Sprint(i.place, len(i.higher)), "b 1 1")
		f.Plain("DEL", f.keys().Session("b"))
		want(f, "nobody holds", len(a.canvass("", "e").items[0].higher), 1)
		f.online("d", "0", "e").win("e")
		want(f, "holder below", len(a.canvass("", "e").items[0].higher), 1)
	}},
	{says: "who has something else in place of a session is not higher", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		f.online("b", "5", "e")
		f.Plain("DEL", f.keys().Session("b"))
		f.Plain("SADD", f.keys().Session("b"), "rubbish")
		i := a.canvass("", "e").items[0]
		want(f, "place", i.place, 1)
		want(f, "higher", len(i.higher), 0)
	}},
	{says: "who is not among the candidates has no place", check: func(f *Fixture) {
		f.online("b", "5", "e")
		i := f.online("a", "1").canvass("", "e").items[0]
		want(f, "place", i.place, -1)
		want(f, "higher", len(i.higher), 0)
	}},
	{says: "flag r registers, and signs on once", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.rank = "3"
		a.beat(beat{})
		s := a.canvass("r", "e1", "e2")
		want(f, "place", s.items[0].place, 0)
		for _, e := range []string{"e1", "e2"} {
			want(f, "candidate", f.peer(e, "a").candidate, 1)
			want(f, "rank", f.peer(e, "a").rank, "3")
		}
		want(f, "details", f.peer("", "a").details, a.details)
		want(f, "version", a.beat(beat{}).version, 1)
	}},
	{says: "flag r without a session registers nothing but looks", check: func(f *Fixture) {
		b := f.online("b", "5", "e")
		b.win("e")
		s := f.node("a", 1).canvass("r", "e")
		want(f, "status", s.status, "none")
		want(f, "birth", s.birth, "")
		want(f, "holder", s.items[0].holder, "b")
		want(f, "candidate", f.peer("e", "a").candidate, 0)
	}},
	{says: "flag l looks at the record only", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		b := f.online("b", "5", "e")
		b.win("e")
		i := a.canvass("l", "e").items[0]
		want(f, "holder", i.holder, "b")
		want(f, "place", i.place, -1)
		want(f, "higher", len(i.higher), 0)
	}},
	{says: "flag m lists the others, with subscribers, the highest numbers first, then bytewise", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		for _, id := range []string{"o2", "O1", "o1", "o3", "o4"} {
			f.Plain("SADD", f.keys().Candidates("e"), id)
		}
		f.Plain("HSET", f.keys().Details(), "o1", `{"process":5}`)
		f.Plain("HSET", f.keys().Details(), "o3", `{"process":40.5}`)
		f.Plain("HSET", f.keys().Details(), "o4", `{"process":40}`)
		f.Subscribe(f.keys().Bully("o1"))
		want(f, "without the flag", len(a.canvass("", "e").items[0].others), 0)
		i := a.canvass("m", "e").items[0]
		want(f, "others", fmt.Sprint(i.others), fmt.Sprint([]other{
			{"o3", `{"process":40.5}`, 0}, {"o4", `{"process":40}`, 0}, {"o1", `{"process":5}`, 1}, {"O1", "", 0}, {"o2", "", 0},
		}))
	}},
	{says: "of more than 256 others the highest are listed", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		var cmds []redisbridge.Command
		for i := range 1300 {
			id := fmt.Sprintf("o%04d", i*7%1300)
			cmds = append(cmds, redisbridge.Command{Args: []string{"SADD", f.keys().Candidates("e"), id}},
				redisbridge.Command{Args: []string{"HSET", f.keys().Details(), id, fmt.Sprintf(`{"process":%d}`, i)}})
		}
		f.Do(cmds...)
		all := a.canvass("m", "e").items[0].others
		want(f, "how many", len(all), 256)
		want(f, "the first", all[0].details, `{"process":1299}`)
		want(f, "the last", all[255].details, `{"process":1044}`)
	}},
	{says: "an original in the place of one of ours that died is another, and its rank is struck", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "2", "e")
		f.Plain("HSET", f.keys().Details(), "b", `{"process":5}`)
		want(f, "while its session lives", len(a.canvass("m", "e").items[0].others), 0)
		want(f, "its rank", f.peer("e", "b").rank, "2")
		f.Plain("DEL", f.keys().Session("b"))
		want(f, "without the flag", len(a.canvass("", "e").items[0].others), 0)
		want(f, "others", fmt.Sprint(a.canvass("m", "e").items[0].others), fmt.Sprint([]other{{"b", `{"process":5}`, 0}}))
		want(f, "its rank", f.peer("e", "b").rank, "")
		g, _ := a.bid(bid{birth: a.beat(beat{}).birth, flags: "rt"}, "e")
		want(f, "nobody claims without asking it", verdicts(g), "outranked")
		f.Plain("HSET", f.keys().Details(), "b", b.details)
		b.beat(beat{})
		b.join("e")
		want(f, "when ours is back", len(a.canvass("m", "e").items[0].others), 0)
		f.Plain("DEL", f.keys().Session("b"))
		want(f, "a dead one of ours", len(a.canvass("m", "e").items[0].others), 0)
		want(f, "its rank", f.peer("e", "b").rank, "2")
	}},
	{says: "a record counts only while the session with its birth lives", check: func(f *Fixture) {
		a, b := f.node("a", 1), f.online("b", "1", "e")
		a.ttl = 300 * time.Millisecond
		a.beat(beat{})
		a.join("e")
		token := a.win("e")
		want(f, "alive", b.canvass("", "e").items[0].holder, "a")
		f.Advance(350 * time.Millisecond)
		i := b.canvass("", "e").items[0]
		want(f, "lapsed", i.holder, "")
		want(f, "remaining", i.remaining, -2)
		want(f, "token", i.token, token)
		a.ttl = time.Minute
		a.beat(beat{})
		want(f, "reborn", b.canvass("", "e").items[0].holder, "")
	}},
	{says: "a record counts only in the epoch in which it was written", check: func(f *Fixture) {
		a, b := f.online("a", "1", "e"), f.online("b", "1", "e")
		a.win("e")
		b.beat(beat{newName: "next", number: "5", name: "five"})
		want(f, "holder", b.canvass("", "e").items[0].holder, "")
	}},
	{says: "several elections are answered in order", check: func(f *Fixture) {
		a := f.online("a", "1", "e1", "e2", "e3")
		a.win("e2")
		items := a.canvass("", "e3", "e2", "e1").items
		want(f, "items", len(items), 3)
		want(f, "e3", items[0].holder, "")
		want(f, "e2", items[1].holder, "a")
		want(f, "e1", items[2].holder, "")
	}},
}
