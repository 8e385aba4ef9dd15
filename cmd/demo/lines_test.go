package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
	"hustings/redisbridge"
)

// Every event of the library's has its line, exactly so.
func TestEventLines(t *testing.T) {
	at := fsm.Instant{Wall: 1500 * time.Microsecond, Mono: -monoBase + 42}
	until := fsm.Instant{Mono: -monoBase + 43}
	peer := actors.Member{ID: "b", Rank: 7}
	const head = `,"id":"a","t":1.500,"mono_ns":42`
	for _, c := range []struct {
		ev   actors.Event
		want string
	}{
		{&actors.Won{Election: "e", At: at, Token: 9, Trusted: until}, `{"ev":"won"` + head + `,"election":"e","token":9,"until_ns":43}`},
		{&actors.Lost{Election: "e", At: at, Cause: fsm.Cause{Code: fsm.CauseResigned}}, `{"ev":"lost"` + head + `,"election":"e","cause":"resigned"}`},
		{&actors.Lost{Election: "e", At: at, Leader: "b"}, `{"ev":"lost"` + head + `,"election":"e","cause":"","leader":"b"}`},
		{&actors.Inconclusive{Election: "e", At: at, Cause: fsm.Cause{Code: fsm.CauseRetry}}, `{"ev":"inconclusive"` + head + `,"election":"e","cause":"a retry is due"}`},
		{&actors.LeaderChanged{Election: "e", At: at}, `{"ev":"leader"` + head + `,"election":"e","leader":null,"known":false}`},
		{&actors.LeaderChanged{Election: "e", At: at, Leader: fsm.Leader{ID: "b", Token: 9, Known: true}}, `{"ev":"leader"` + head + `,"election":"e","leader":"b","token":9,"known":true}`},
		{&actors.PeerUp{At: at, Peer: peer}, `{"ev":"up"` + head + `,"peer":"b","rank":7}`},
		{&actors.PeerLeft{At: at, Peer: peer}, `{"ev":"left"` + head + `,"peer":"b","rank":7}`},
		{&actors.PeerDead{At: at, Peer: peer}, `{"ev":"dead"` + head + `,"peer":"b","rank":7}`},
		{&actors.Message{At: at, From: "b", Payload: redisbridge.Payload{Data: []byte(`{"x": 1}`)}}, `{"ev":"message"` + head + `,"from":"b","data":{"x":1},"broadcast":false}`},
		{&actors.Message{At: at, Broadcast: true, Payload: redisbridge.Payload{Data: []byte(`null`)}}, `{"ev":"message"` + head + `,"data":null,"broadcast":true}`},
		{
			&actors.Moved{Election: "e", Transition: fsm.Transition{At: at, From: fsm.Idle, Event: fsm.Canvass, To: fsm.Voting, Round: 3, Cause: fsm.Cause{Code: fsm.CauseRun}}},
			`{"ev":"transition"` + head + `,"election":"e","from":"idle","event":"canvass","to":"voting","cause":"told to run","round":3}`,
		},
	} {
		if got := strings.TrimSuffix(string(eventLine(c.ev).json("a")), "\n"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if eventLine(&actors.Status{}) != nil {
		t.Error("a state has a line: what it says was told before")
	}
}

func TestLinkLinesTellChangesOnly(t *testing.T) {
	var w linkWatch
	var got []string
	for _, ev := range []*actors.LinkChanged{
		{Up: true},
		{Err: errors.New("EOF")},
		{Err: errors.New("refused")},
		{},
		{Up: true},
		{Up: true},
		{},
	} {
		if l := w.line(ev); l != nil {
			text := string(l.json("a"))
			got = append(got, text[strings.Index(text, `"state"`):])
		}
	}
	if want := "\"state\":\"down\",\"cause\":\"EOF\"}\n\"state\":\"up\"}\n\"state\":\"down\"}\n"; strings.Join(got, "") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextLines(t *testing.T) {
	l := newLine("leader", fsm.Instant{}, "leader", nil, "known", true, "cause", "a b", "n", 3, "state", fsm.Idle)
	if got, want := string(l.text("web-1")), "  web-1  leader       leader=null known=true cause=\"a b\" n=3 state=idle\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end in %q", got, want)
	}
}

// gate is a writer that blocks until it is opened.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	text strings.Builder
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}

func TestBlockedReaderBlocksNobody(t *testing.T) {
	g := &gate{open: make(chan struct{})}
	p := newPrinter(g, "a", (*line).json)
	const many = 3 * maxLines
	for i := range many {
		p.print(newLine("x", fsm.Instant{Mono: time.Duration(i)}))
	}
	p.close(time.Millisecond) // gives up
	close(g.open)
	p.close(patience)
	p.print(newLine("x", fsm.Instant{})) // nothing any more
	if n := strings.Count(g.text.String(), "\n"); n < maxLines || n > 2*maxLines {
		t.Errorf("%d lines of %d, want between one and two times %d", n, many, maxLines)
	}
}

func TestLostLinesAreCounted(t *testing.T) {
	g := &gate{open: make(chan struct{})}
	p := newPrinter(g, "a", (*line).json)
	for range 3 * maxLines {
		p.print(newLine("x", fsm.Instant{}))
	}
	close(g.open)
	for !strings.Contains(func() string { g.mu.Lock(); defer g.mu.Unlock(); return g.text.String() }(), "were lost") {
		p.print(newLine("y", fsm.Instant{}))
		time.Sleep(time.Millisecond)
	}
	p.close(patience)
}

func TestFailedWriteIsTold(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	p := newPrinter(w, "a", (*line).json)
	p.print(newLine("x", fsm.Instant{}))
	<-p.failed
	p.close(patience)
}

func TestInstantsAreToldOnTheMachinesClock(t *testing.T) {
	before := machineClock()
	got := time.Duration(monoNS(clock.Now()))
	after := machineClock()
	if got < before-time.Millisecond || got > after+time.Millisecond {
		t.Errorf("%v is not between %v and %v", got, before, after)
	}
}

func TestLanesKeepTheOrderThatMatters(t *testing.T) {
	l := newLanes()
	var mu sync.Mutex
	var got []string
	gates := map[string]chan struct{}{"a1": make(chan struct{}), "b1": make(chan struct{})}
	for _, name := range []string{"a1", "a2", "b1", "b2", "*1", "a3", "*2"} {
		lane := name[:1]
		if lane == "*" {
			lane = ""
		}
		l.do(context.Background(), lane, func() {
			if g := gates[name]; g != nil {
				<-g
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, name)
		})
	}
	close(gates["b1"])
	for done := false; !done; time.Sleep(time.Millisecond) { // b does not wait for a
		mu.Lock()
		done = len(got) == 2
		mu.Unlock()
	}
	close(gates["a1"])
	l.wait()
	if want := "[b1 b2 a1 a2 *1 a3 *2]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestLongCommandsAreRefusedNotKept(t *testing.T) {
	in := bufio.NewReaderSize(strings.NewReader("run\n"+strings.Repeat("x", maxCommand+1)+"\n"+strings.Repeat("y", maxCommand)+"\nend"), 4096)
	for _, want := range []struct {
		length int
		err    error
	}{{3, nil}, {0, errTooLong}, {maxCommand, nil}, {3, nil}, {0, io.EOF}} {
		if got, err := readLine(in); len(got) != want.length || !errors.Is(err, want.err) {
			t.Errorf("%d bytes, %v; want %d, %v", len(got), err, want.length, want.err)
		}
	}
}
