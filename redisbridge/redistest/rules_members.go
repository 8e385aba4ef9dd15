package redistest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hustings/redisbridge"
)

var memberRules = []rule{
	{says: "since 0 is everybody", check: func(f *Fixture) {
		a := f.online("a", "1")
		f.Plain("HSET", f.keys().Details(), "o", `{"process":5}`)
		version, full, entries := f.members(0)
		want(f, "version", version, 1)
		want(f, "full", full, 1)
		want(f, "entries", len(entries), 2)
		for _, e := range entries {
			if e.id == "o" {
				want(f, "original", e, entry{"o", "+", `{"process":5}`, -2})
				continue
			}
			between(f, "pttl", e.pttl, 20_000, 30_000)
			e.pttl = 0
			want(f, "ours", e, entry{"a", "+", a.details, 0})
		}
	}},
	{says: "later ones are the changes since, in order, one an id", check: func(f *Fixture) {
		f.online("a", "1")
		b, c := f.online("b", "1"), f.online("c", "1")
		b.leave("1")
		f.Plain("DEL", f.keys().Session("c"))
		c.purge("c", "ours")
		f.online("d", "1")
		version, full, entries := f.members(1)
		want(f, "version", version, 6)
		want(f, "full", full, 0)
		got := ""
		for _, e := range entries {
			got += e.kind + e.id + " "
		}
		want(f, "entries", got, "-b !c +d ")
		_, _, entries = f.members(6)
		want(f, "since the last", len(entries), 0)
	}},
	{says: "who returns is in the log as joined only", check: func(f *Fixture) {
		a, b := f.online("a", "1"), f.online("b", "1")
		b.leave("0")
		b.join()
		_, _, entries := f.members(1)
		want(f, "entries", len(entries), 1)
		want(f, "kind", entries[0].kind, "+")
		want(f, "version", a.beat(beat{}).version, 4)
	}},
	{says: "a version that the log does not reach gets everybody", check: func(f *Fixture) {
		_, full, _ := f.members(3)
		want(f, "empty log", full, 1)
		f.online("a", "1")
		_, full, _ = f.members(7)
		want(f, "above the highest", full, 1)
		f.Plain("ZADD", f.keys().Members(), "9", "+a")
		_, full, entries := f.members(5)
		want(f, "below the lowest", full, 1)
		want(f, "entries", len(entries), 1)
	}},
	{says: "where the highest version is none that a script writes, or the last one, the log begins anew", check: func(f *Fixture) {
		key := f.keys().Members()
		a := f.online("a", "1")
		b := f.online("b", "1")
		for _, score := range []string{"9007199254740992", "4503599627370495", "inf", "2.5", "-7", "-inf"} {
			f.Advance(10 * time.Millisecond) // it has not begun anew in this one
			known := a.beat(beat{}).version
			if strings.HasPrefix(score, "-") || score == "2.5" {
				f.Plain("DEL", key) // else there would be a higher one
			}
			f.Plain("ZADD", key, score, "+a")
			version := a.beat(beat{}).version
			if version <= 0 || version >= 1<<52-1 || version == known {
				f.T.Errorf("%s: version %d after %d", score, version, known)
			}
			want(f, score+": the next heartbeat", a.beat(beat{}).version, version)
			_, full, _ := f.members(known)
			want(f, score+": everybody is read", full, 1)
			b.leave("0")
			b.join()
			want(f, score+": the next change", a.beat(beat{}).version, version+2)
			_, full, entries := f.members(version)
			want(f, score+": what is read then", full, 0)
			got := ""
			for _, e := range entries {
				got += e.kind + e.id + " "
			}
			want(f, score+": entries", got, "+b ")
		}
	}},
	{says: "an entry without an id is nobody's", check: func(f *Fixture) {
		f.online("a", "1")
		f.Plain("ZADD", f.keys().Members(), "2", "", "3", "+", "4", "!b")
		_, full, entries := f.members(1)
		want(f, "full", full, 0)
		got := ""
		for _, e := range entries {
			got += e.kind + e.id + " "
		}
		want(f, "entries", got, "!b ")
	}},
	{says: "the log is cut to 2,048 when it exceeds 4,096", check: func(f *Fixture) {
		var cmds []redisbridge.Command
		for i := 1; i <= 4096; i++ {
			cmds = append(cmds, redisbridge.Command{Args: []string{
				"ZADD", f.keys().Members(), strconv.Itoa(i), fmt.Sprintf("-n%d", i),
			}})
		}
		f.Do(cmds...)
		a := f.online("a", "1")
		want(f, "entries", f.Plain("ZCARD", f.keys().Members()), any(int64(2048)))
		want(f, "version", a.beat(beat{}).version, 4097)
		want(f, "oldest", f.Plain("ZSCORE", f.keys().Members(), "-n2050"), any("2050"))
		want(f, "dropped", f.Plain("ZSCORE", f.keys().Members(), "-n2049"), nil)
	}},
	{says: "restore puts back an original that lives, and nobody else", check: func(f *Fixture) {
		k, details := f.keys(), `{"process":7}`
		restore := func(id string) any {
			reply, _ := f.Call(redisbridge.RestoreScript, string(k), "e", id, details).([]any)
			return reply[0]
		}
		want(f, "without a subscriber", restore("old"), any(int64(0)))
		f.Subscribe(k.Bully("old"))
		f.Subscribe(k.Bully("a"))
		f.online("a", "1")
		want(f, "one of ours", restore("a"), any(int64(0)))
		want(f, "an original", restore("old"), any(int64(1)))
		for _, key := range []string{k.List(), k.Candidates("e")} {
			want(f, key, f.Plain("SISMEMBER", key, "old"), any(int64(1)))
		}
		want(f, "participated", f.Plain("SISMEMBER", k.Participated("old"), "e"), any(int64(1)))
		want(f, "details", f.Plain("HGET", k.Details(), "old"), any(details))
		want(f, "the log", f.Plain("ZSCORE", k.Members(), "+old"), any("2"))
		want(f, "again", restore("old"), any(int64(0)))
		f.Plain("HDEL", k.Details(), "old")
		want(f, "without details", restore("old"), any(int64(1)))
		f.Plain("SREM", k.Candidates("e"), "old")
		details = `{"process":8}`
		want(f, "no candidate", restore("old"), any(int64(1)))
		want(f, "its details stay", f.Plain("HGET", k.Details(), "old"), any(`{"process":7}`))
	}},
}
