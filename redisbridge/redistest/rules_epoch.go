package redistest

import (
	"fmt"
	"time"
)

// unsound are texts in the place of a number that no script writes.
var unsound = []string{
	"", "rubbish", "-5", "1.5", "1e3", "0x10", "inf", "nan", " 7", "07", "4503599627370496", "9007199254740991", "18446744073709551616",
}

var epochRules = []rule{
	{says: "a missing epoch begins with the caller's name and number 1", check: func(f *Fixture) {
		p := f.node("a", 1).beat(beat{newName: "n1", token: "77"})
		want(f, "name", p.epoch, "n1")
		want(f, "number", p.number, 1)
		want(f, "floor", p.floor, "77")
		want(f, "left", p.left, 0)
	}},
	{says: "an epoch that is known stays", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n1"})
		p := a.beat(beat{newName: "n2", number: "1", name: "n1"})
		want(f, "name", p.epoch, "n1")
		want(f, "number", p.number, 1)
	}},
	{says: "a caller that knows nothing, or an older number, starts none", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n5", number: "4"})
		want(f, "knows nothing", a.beat(beat{newName: "x"}).epoch, "n5")
		want(f, "knows 4", a.beat(beat{newName: "x", number: "4", name: "n4"}).epoch, "n5")
	}},
	{says: "a store behind the known number begins a new one above it", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n1"})
		p := a.beat(beat{newName: "n9", number: "8", name: "n8"})
		want(f, "name", p.epoch, "n9")
		want(f, "number", p.number, 9)
	}},
	{says: "the known number under another name begins a new one", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n1"})
		p := a.beat(beat{newName: "n2", number: "1", name: "another"})
		want(f, "name", p.epoch, "n2")
		want(f, "number", p.number, 2)
	}},
	{says: "a flush begins a new one above what the caller knew", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n1"})
		f.Flush()
		p := a.beat(beat{newName: "n2", number: "1", name: "n1", token: "5"})
		want(f, "verdict", p.verdict, "created")
		want(f, "name", p.epoch, "n2")
		want(f, "number", p.number, 2)
		want(f, "floor", p.floor, "5")
	}},
	{says: "a claim looks for a new dataset too", check: func(f *Fixture) {
		a := f.online("a", "1", "e")
		g := a.claim(bid{birth: a.inc + "-1", beat: beat{newName: "n2", number: "3", name: "n3"}}, "e")
		want(f, "status", g.status, "stale")
		want(f, "epoch", g.epoch, "n2")
		want(f, "number", g.number, 4)
	}},
	{needs: Restarts, says: "another replication id begins a new one", check: func(f *Fixture) {
		a := f.node("a", 1)
		p := a.beat(beat{newName: "n1", info: "1"})
		want(f, "with the same id", a.beat(beat{newName: "n2", info: "1", number: "1", name: "n1"}).epoch, "n1")
		f.restart()
		p2 := a.beat(beat{newName: "n2", info: "0", number: "1", name: "n1"})
		want(f, "without looking", p2.epoch, "n1")
		p2 = a.beat(beat{newName: "n2", info: "1", number: "1", name: "n1"})
		want(f, "with another", p2.epoch, "n2")
		want(f, "number", p2.number, p.number+1)
	}},
	{says: "a new epoch keeps the replication id that was read", check: func(f *Fixture) {
		f.node("a", 1).beat(beat{info: "1"})
		if got := f.Plain("HGET", f.keys().Epoch(), "replid"); got == any("-") && f.can&Restarts != 0 {
			f.T.Error("the replication id was not kept")
		}
	}},
	{says: "no replication id neither overwrites one nor differs from it", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n1", info: "1"})
		stored := f.Plain("HGET", f.keys().Epoch(), "replid")
		want(f, "epoch", a.beat(beat{newName: "n2", info: "0", number: "1", name: "n1"}).epoch, "n1")
		want(f, "replid", f.Plain("HGET", f.keys().Epoch(), "replid"), stored)
	}},
	{says: "an unknown replication id is filled in without a new epoch", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{newName: "n1", info: "0"})
		want(f, "at first", f.Plain("HGET", f.keys().Epoch(), "replid"), any("-"))
		want(f, "epoch", a.beat(beat{newName: "n2", info: "1"}).epoch, "n1")
		if got := f.Plain("HGET", f.keys().Epoch(), "replid"); got == any("-") && f.can&Restarts != 0 {
			f.T.Error("the replication id was not filled in")
		}
	}},
	{says: "the floor rises with the tokens seen and never falls", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{token: "1000"})
		want(f, "lower", a.beat(beat{token: "10"}).floor, "1000")
		want(f, "higher", a.beat(beat{token: "2251799813685249"}).floor, "2251799813685249")
		want(f, "over a new epoch", a.beat(beat{newName: "n2", number: "5", name: "n5"}).floor, "2251799813685249")
	}},
	{says: "an epoch with a number that no script writes is none, and what else it says counts", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.quarantine = time.Minute
		number := int64(7)
		a.beat(beat{newName: "n7", number: "6", name: "n6", token: "1000"})
		for _, field := range []string{"number", "since", "floor"} {
			for i, text := range append(unsound, "gone") {
				f.Plain("HSET", f.keys().Epoch(), field, text)
				if text == "gone" {
					f.Plain("HDEL", f.keys().Epoch(), field)
				}
				what := fmt.Sprintf("%s %q", field, text)
				s := a.canvass("l", "e")
				want(f, what+": as canvass reads it", s.epoch+" "+fmt.Sprint(s.number, s.left), " 0 60000")
				name := fmt.Sprint(field, i)
				p := a.beat(beat{newName: name, number: fmt.Sprint(number), name: "n", token: "50"})
				number++
				want(f, what+": name", p.epoch, name)
				want(f, what+": number", p.number, number)
				between(f, what+": left", p.left, 50_000, 60_000)
				want(f, what+": floor", p.floor, map[bool]string{true: "50", false: "1000"}[field == "floor"])
				f.Plain("HSET", f.keys().Epoch(), "floor", "1000")
			}
		}
	}},
	{says: "epochs end at 2^52: the last number stays, under new names, and says nothing of the dataset", check: func(f *Fixture) {
		const last = "4503599627370495"
		a := f.node("a", 1)
		a.quarantine = time.Minute
		a.beat(beat{newName: "n1"})
		f.Plain("HSET", f.keys().Epoch(), "number", last)
		p := a.beat(beat{newName: "n2", number: "1", name: "n1"})
		want(f, "forged", fmt.Sprint(p.epoch, " ", p.number), "n1 "+last)
		f.Plain("HDEL", f.keys().Epoch(), "since")
		p = a.beat(beat{newName: "n3", number: last, name: "n1"})
		want(f, "a new one", fmt.Sprint(p.epoch, " ", p.number), "n3 "+last)
		f.Advance(50 * time.Millisecond)
		for _, known := range []string{"1", last, "4503599627370496", "9007199254740992"} {
			p = a.beat(beat{newName: "n4", number: known, name: "n1"})
			want(f, "known "+known, fmt.Sprint(p.epoch, " ", p.number), "n3 "+last)
			between(f, "known "+known+": left", p.left, 1, 59_999)
		}
		f.Flush()
		a.beat(beat{newName: "n5", number: last, name: "n1"})
		p = a.beat(beat{newName: "n6", number: last, name: "n1"})
		want(f, "after a flush", fmt.Sprint(p.epoch, " ", p.number), "n5 1")
	}},
	{says: "a token that no script grants does not raise the floor", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.beat(beat{token: "1000"})
		want(f, "floor", a.beat(beat{token: "9007199254740992"}).floor, "1000")
		want(f, "the highest that there can be", a.beat(beat{token: "4503599627370495"}).floor, "4503599627370495")
	}},
	{says: "the quarantine runs from first sight", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.quarantine = 500 * time.Millisecond
		between(f, "at first", a.beat(beat{}).left, 400, 500)
		f.Advance(200 * time.Millisecond)
		between(f, "then", a.beat(beat{}).left, 1, 300)
		f.Advance(350 * time.Millisecond)
		want(f, "at last", a.beat(beat{}).left, 0)
		a.quarantine = 0
		want(f, "switched off", a.beat(beat{}).left, 0)
	}},
	{says: "a first sight in the future becomes now", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.quarantine = time.Minute
		a.beat(beat{})
		f.Plain("HSET", f.keys().Epoch(), "since", "99999999999999")
		between(f, "as canvass reads it", a.canvass("l", "e").left, 50_000, 60_000)
		want(f, "canvass changes nothing", f.Plain("HGET", f.keys().Epoch(), "since"), any("99999999999999"))
		between(f, "heartbeat", a.beat(beat{}).left, 50_000, 60_000)
		if f.Plain("HGET", f.keys().Epoch(), "since") == any("99999999999999") {
			f.T.Error("since is in the future still")
		}
	}},
	{says: "a canvass without an epoch reads none", check: func(f *Fixture) {
		a := f.node("a", 1)
		a.quarantine = time.Minute
		s := a.canvass("l", "e")
		want(f, "status", s.status, "none")
		want(f, "name", s.epoch, "")
		want(f, "number", s.number, 0)
		want(f, "left", s.left, 60_000)
		want(f, "epoch", f.Plain("EXISTS", f.keys().Epoch()), any(int64(0)))
	}},
}
