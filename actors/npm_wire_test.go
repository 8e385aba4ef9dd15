package actors_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
)

// wireRules is what must never be said to an original, because it ends the process or
// makes its application hear of what is not so. MONITOR shows what everybody publishes:
// a subscriber would make each death look like a life.
type wireRules struct {
	olds   func(id string) bool
	ran    map[[2]string]bool // original, election: it has stood there
	owed   map[[3]string]int  // to an original, by a node, in an election: acks
	told   map[string]int     // by type: how much has been looked at
	heard  int                // of all that is published
	faults []string
}

func newWireRules(olds func(id string) bool) *wireRules {
	return &wireRules{olds: olds, ran: map[[2]string]bool{}, owed: map[[3]string]int{}, told: map[string]int{}}
}

// line takes one of MONITOR: time, [database client], then the words, quoted.
func (w *wireRules) line(s string) {
	_, s, _ = strings.Cut(s, "] ")
	var words []string
	for s != "" {
		q, err := strconv.QuotedPrefix(s)
		if err != nil {
			return
		}
		word, _ := strconv.Unquote(q)
		words = append(words, word)
		s = strings.TrimPrefix(s[len(q):], " ")
	}
	if len(words) < 3 {
		return
	}
	switch strings.ToLower(words[0]) {
	case "sadd":
		id, is := strings.CutPrefix(strings.TrimSuffix(words[1], ":participated"), "ipc::election:")
		if is && strings.HasSuffix(words[1], ":participated") {
			for _, e := range words[2:] {
				w.ran[[2]string{id, e}] = true
			}
		}
	case "publish":
		w.published(words[1], words[2])
	}
}

func (w *wireRules) published(channel, payload string) {
	w.heard++
	to, bully := strings.CutPrefix(channel, "ipc::bully:")
	var m *struct {
		Type     string
		ID       json.RawMessage
		Me       json.RawMessage
		Election json.RawMessage
	}
	err := json.Unmarshal([]byte(payload), &m)
	if !bully {
		return
	}
	var from, e string
	if err == nil && m != nil {
		_, _ = json.Unmarshal(m.ID, &from), json.Unmarshal(m.Election, &e)
	}
	if w.olds(from) {
		if m.Type == "vote" && !w.olds(to) {
			w.owed[[3]string{from, to, e}] += 2 // an ack and its repetition
		}
		return
	}
	if !w.olds(to) {
		return
	}
	fault := func(what string) {
		w.faults = append(w.faults, fmt.Sprintf("%s: %s to %s", what, payload, to))
	}
	if err != nil || m == nil {
		fault("not an object")
		return
	}
	w.told[m.Type]++
	var me float64
	if json.Unmarshal(m.Me, &me) != nil || from == "" || e == "" {
		fault("not whole")
	}
	if !w.ran[[2]string{to, e}] {
		fault("in an election in which it never stood")
	}
	switch m.Type {
	case "vote", "votekick":
	case "voteack":
		owed := [3]string{to, from, e}
		if w.owed[owed]--; w.owed[owed] < 0 {
			fault("an ack that it did not ask for")
		}
	default:
		fault("not a message of originals")
	}
}

// overhear holds all that is said in a fleet to the rules, until its servers end.
func (f *npmFleet) overhear() {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	rules := newWireRules(func(id string) bool { _, is := f.ids.Load(id); return is })
	over := make(chan struct{})
	if _, err := c.Write([]byte("MONITOR\r\n")); err != nil {
		f.t.Fatal(err)
	}
	in := bufio.NewReader(c)
	if _, err := in.ReadString('\n'); err != nil {
		f.t.Fatal(err)
	}
	go func() {
		defer close(over)
		for {
			s, err := in.ReadString('\n')
			if err != nil {
				return
			}
			rules.line(strings.TrimSpace(s))
		}
	}()
	f.t.Cleanup(func() {
		_ = c.Close()
		<-over
		for _, s := range rules.faults {
			f.t.Error("said to an original: " + s)
		}
		if rules.heard == 0 {
			f.t.Error("nothing was overheard")
		}
		f.t.Logf("said to originals: %v", rules.told)
	})
}

func TestTheRulesForWhatIsSaidToOriginalsFindWhatBreaksThem(t *testing.T) {
	const at = `1795392725.396696 [0 127.0.0.1:60866] `
	line := func(words ...string) string {
		for i, w := range words {
			words[i] = strconv.QuoteToASCII(w)
		}
		return at + strings.Join(words, " ")
	}
	vote := line("PUBLISH", "ipc::bully:ours", `{"type":"vote","election":"e","me":10,"id":"old"}`)
	ack := line("publish", "ipc::bully:old", `{"type":"voteack","me":20.5,"id":"ours","election":"e"}`)
	kick := line("PUBLISH", "ipc::bully:old", `{"type":"votekick","me":20.5,"id":"ours","election":"e"}`)
	for name, c := range map[string]struct {
		lines []string
		want  int
	}{
		"what is allowed":         {[]string{vote, ack, ack, kick, kick}, 0},
		"among ours":              {[]string{line("PUBLISH", "ipc::bully:ours", `{"type":"leader","id":"other"}`)}, 0},
		"among originals":         {[]string{line("PUBLISH", "ipc::bully:old", `{"type":"voteack","me":1,"id":"old2","election":"q"}`)}, 0},
		"null":                    {[]string{line("PUBLISH", "ipc::bully:old", "null")}, 1},
		"MessagePack":             {[]string{line("PUBLISH", "ipc::bully:old", "\x81\xa1a\x01")}, 1},
		"an ack not asked for":    {[]string{ack}, 1},
		"a third ack":             {[]string{vote, ack, ack, ack}, 1},
		"an announcement":         {[]string{line("PUBLISH", "ipc::bully:old", `{"type":"leader","me":20.5,"id":"ours","election":"e"}`)}, 1},
		"an election of others":   {[]string{line("PUBLISH", "ipc::bully:old", `{"type":"vote","me":20.5,"id":"ours","election":"x"}`)}, 1},
		"without number and name": {[]string{line("PUBLISH", "ipc::bully:old", `{"type":"vote","election":"e"}`)}, 1},
	} {
		w := newWireRules(func(id string) bool { return strings.HasPrefix(id, "old") })
		w.line(line("sadd", "ipc::election:old:participated", "e"))
		for _, s := range c.lines {
			w.line(s)
		}
		if len(w.faults) != c.want {
			t.Errorf("%s: %q", name, w.faults)
		}
	}
}
