package actors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors"
)

// leads fails the test if the node's term is not the one it was.
func (p *peer) leads(election string, token uint64) {
	p.t.Helper()
	if l, err := p.Leader(election); err != nil || !l.Self || l.Token != token {
		p.t.Errorf("%s: %+v, %v; want token %d", p.ID(), l, err, token)
	}
}

func TestVotesAndKicksOfWhoIsNoCandidateAreDroppedAndCounted(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 7).run("e")
		token := a.won("e").Token
		b := f.start("b", 9) // a member, but no candidate
		insider := f.start("insider", 3).run("e")
		insider.follows("e", "a")
		before := a.Counts().Dropped
		forged := []string{
			`{"type":"vote","election":"e","me":900,"id":"nobody"}`,
			`{"type":"votekick","election":"e","me":900,"id":"nobody"}`,
			`{"type":"voteack","election":"e","me":900,"id":"nobody"}`,
			`{"type":"votekick","election":"e","me":9.5,"id":"b","inc":"` + strings.Repeat("0", 32) + `"}`,
			`{"type":"votekick","election":"e","me":900,"id":"insider","inc":"` + strings.Repeat("0", 32) + `"}`, // another's incarnation
			`{"type":"votekick","election":"e","me":900,"id":"insider"}`,                                         // as if it were an original
			`{"type":"votekick","election":"e","me":900,"id":"a"}`,                                               // our own name
			`{"type":"votekick","election":"unheard-of","me":900,"id":"b"}`,
		}
		for _, payload := range forged {
			f.publish(f.keys.Bully("a"), payload)
		}
		eventually(t, "all are dropped", func() bool { return a.Counts().Dropped == before+uint64(len(forged)) })
		a.leads("e", token)
		if !strings.Contains(f.logs.String(), "message dropped") {
			t.Error("nothing of it is in the log")
		}
		_ = b
	})
}

func TestForgedHintsChangeNothing(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b := f.start("a", 7).run("e"), f.start("b", 5).run("e")
		token := a.won("e").Token
		b.follows("e", "a")
		for _, id := range []string{"a", "b"} {
			for _, from := range []string{"nobody", "a", "b"} {
				f.publish(f.keys.Bully(id), fmt.Sprintf(`{"type":"leader","election":"e","id":%q,"token":"9007199254740991"}`, from))
				f.publish(f.keys.Bully(id), fmt.Sprintf(`{"type":"vacant","election":"e","id":%q,"token":"9007199254740991","heir":%q}`, from, id))
			}
		}
		for _, ev := range a.rest(time.Second) {
			switch ev := ev.(type) {
			case *actors.Lost, *actors.Ending:
				t.Errorf("%T %+v", ev, ev)
			}
		}
		a.leads("e", token)
		eventually(t, "b knows the leader", func() bool {
			l, err := b.Leader("e")
			return err == nil && l.ID == "a" && l.Token == token
		})
		if b.LastResult("e") != "lost" {
			t.Errorf("b %s", b.LastResult("e"))
		}
	})
}

func TestHostilePayloadsOnAllChannelsOfALiveNodeChangeNothing(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 7).run("e")
		token := a.won("e").Token
		b := f.start("b", 5).run("e")
		b.follows("e", "a")
		payloads := []string{
			"", "null", "5", "true", `"s"`, "[]", "{}", "hello", "\xff\xfe", "\x00", `{"type":"VOTE"}`, `{"type":null}`, `{"type":"coup"}`,
			`{"type":"vote"}`, `{"type":"voteack"}`, `{"type":"votekick"}`, `{"type":"batch","messages":[{"type":"batch"}]}`,
			`{"type":"votekick","election":"length","me":1e999,"id":"a"}`, `{"type":"voteack","election":"__proto__","me":1,"id":{}}`,
			`{"type":"leader","election":"e","id":"x","token":"` + strings.Repeat("9", 500_000) + `"}`,
			`{"type":"probe","id":"a","n":18446744073709551615}`, `{"type":"vote","type":"votekick","election":"e","me":"9","id":"a"}`,
			strings.Repeat("[", 100_000), strings.Repeat(`{"x":`, 100_000), strings.Repeat("\x81\xa1x", 300_000), strings.Repeat("\x91", 1_000_000),
			"\xdf\xff\xff\xff\xff", "\x81\x01\x02", "\x80", strings.Repeat("x", 10<<20), `"` + strings.Repeat("x", 10<<20) + `"`,
			`{"hustings":1,"from":"a","inc":"forged","data":1}`, `{"hustings":1,"from":7,"data":1}`,
		}
		for i, payload := range payloads {
			for _, channel := range []string{f.keys.Bully("a"), f.keys.Comm("a"), f.keys.Public()} {
				f.publish(channel, payload)
			}
			// One after the other: a server drops a subscriber with too much to read.
			mark := fmt.Sprintf(`"mark %d"`, i)
			f.publish(f.keys.Public(), mark)
			for _, p := range []*peer{a, b} {
				hearsMark(p, mark)
			}
		}
		for _, ev := range a.rest(300 * time.Millisecond) {
			switch ev := ev.(type) {
			case *actors.Lost, *actors.Ending, *actors.Failed, *actors.LinkChanged:
				t.Errorf("%T %+v", ev, ev)
			}
		}
		a.leads("e", token)
		if a.Counts().Dropped < uint64(len(payloads)) {
			t.Errorf("%d dropped", a.Counts().Dropped)
		}
		for line := range strings.Lines(f.logs.String()) {
			if len(line) > 2000 {
				t.Errorf("a log line of %d bytes: %.200s", len(line), line)
			}
		}
	})
}

// hearsMark waits for a broadcast. It keeps no copy of the large ones on the way.
func hearsMark(p *peer, mark string) {
	p.t.Helper()
	for {
		switch ev := receive(p.t, p.ID()+" hears "+mark, p.events).(type) {
		case *actors.Message:
			if string(ev.JSON()) == mark {
				return
			}
		case *actors.Ending, *actors.Failed, *actors.LinkChanged:
			if s, up := ev.(*actors.LinkChanged); !up || !s.Up {
				p.t.Errorf("%s before %s: %T %+v", p.ID(), mark, ev, ev)
			}
		}
	}
}
