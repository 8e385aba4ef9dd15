package inspect_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/redisbridge/redistest"
)

// A flood of events may have swept away the news that somebody has left.
func TestWhoLeftUnnoticedDuringAFloodIsNotShownAsThere(t *testing.T) {
	n := begin(t, redistest.NewMini(t).Addr(), "web-1", 1, 10*time.Second)
	r := over(t, inspect.Node(n), inspect.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	here := func(s *inspect.NodeState) { s.Up = true }
	soon(t, "the page knows the node it is of", func() bool { return len(r.state("").Nodes) == 1 })
	r.board.Change(start, "web-2", "good", "web-2 is in the fleet", here)
	if s := r.state(""); len(s.Nodes) != 2 || !s.Nodes[1].Up {
		t.Fatalf("nodes: %+v", s.Nodes)
	}
	release, held := make(chan struct{}), make(chan struct{})
	go r.board.Change(start, "web-3", "good", "web-3 is in the fleet", func(s *inspect.NodeState) { // the board can't be written on
		close(held)
		here(s)
		<-release
	})
	<-held
	for i := range 1500 { // with more events than are kept for it
		if err := n.Run(ctx, fmt.Sprint("job-", i)); err != nil {
			t.Fatal(err)
		}
	}
	soonest := time.Now()
	for n.Views()[0].Token == 0 && time.Since(soonest) < late {
		time.Sleep(10 * time.Millisecond)
	}
	close(release)
	soon(t, "both have gone", func() bool {
		s := r.state("limit=1")
		return len(s.Nodes) == 3 && s.Nodes[0].Up && !s.Nodes[1].Up && !s.Nodes[2].Up
	})
}

// Processes come and go, each with an id of its own, for as long as the page is served.
func TestOnlyTheLastThatHaveGoneAreRemembered(t *testing.T) {
	r := newRig(t, inspect.Options{History: 100})
	up := func(up bool) func(*inspect.NodeState) { return func(s *inspect.NodeState) { s.Up = up } }
	r.board.Node(start, inspect.NodeState{ID: "me", Here: true}, "", "")
	r.board.Change(start, "stays", "", "", up(true))
	for i := range 1000 {
		id := fmt.Sprintf("pod-%03d", i)
		r.board.Change(start, id, "good", id+" is in the fleet", up(true))
		r.board.Change(start, id, "", id+" has left the fleet", up(false))
		if i == 100 { // who returns is not forgotten
			r.board.Change(start, "pod-050", "good", "pod-050 is in the fleet", up(true))
		}
	}
	s := r.state("")
	var ids []string
	for _, n := range s.Nodes {
		ids = append(ids, n.ID)
	}
	if len(ids) != 103 || ids[0] != "me" || ids[1] != "pod-050" || ids[2] != "pod-900" || ids[102] != "stays" {
		t.Errorf("%d nodes: %v", len(ids), ids)
	}
	if past := r.state(fmt.Sprint("as=", s.Last-50)); len(past.Nodes) != 103 && len(past.Nodes) != 104 {
		t.Errorf("%d nodes in the past", len(past.Nodes))
	}
}

// Elections come and go, too, each with a name of its own.
func TestOnlyTheLastElectionsThatAreOverAreRemembered(t *testing.T) {
	r := newRig(t, inspect.Options{History: 100})
	there := func(node, election string) {
		r.board.View(start, node, actors.View{Election: election, Since: start})
	}
	over := func(node, election string) { r.board.View(start, node, actors.View{Election: election}) }
	there("a", "needed")
	there("a", "half")
	there("b", "half")
	over("a", "half")
	for i := range 1000 {
		name := fmt.Sprintf("order-%03d", i)
		there("a", name)
		over("a", name)
		if i == 100 { // what comes again is not forgotten
			there("a", "order-050")
		}
	}
	s := r.state("limit=200")
	var names []string
	for _, e := range s.Rows {
		names = append(names, e.Election)
	}
	if len(names) != 103 || names[0] != "half" || names[1] != "needed" || names[2] != "order-050" || names[3] != "order-900" || s.Summary.Elections != 103 {
		t.Errorf("%d elections: %v", len(names), names)
	}
}

func TestWhatIsNotRecordedAnyMoreIsNotSaidToBeShown(t *testing.T) {
	r := newRig(t, inspect.Options{History: 10})
	for i := range 30 {
		r.board.Note(start.Add(time.Duration(i)*time.Second), "", "", "good", fmt.Sprint("news ", i))
	}
	s := r.state("as=5")
	if s.First != 21 || s.As != 20 {
		t.Errorf("asked for the state after 5: it is said to be that after %d; recorded from %d on", s.As, s.First)
	}
	if s := r.state("as=20"); s.As != 20 {
		t.Errorf("asked for the state after 20, and got %d", s.As)
	}
}

func TestAnOrderThatIsTooLongOrDoesNotArriveIsRefused(t *testing.T) {
	t.Parallel() // it waits for the bound
	r := newRig(t, inspect.Options{Control: true})
	token := r.state("").Control.Token
	req, _ := http.NewRequest(http.MethodPost, r.url+"control", strings.NewReader("action="+strings.Repeat("x", 100<<10)))
	req.Header.Set("X-Hustings-Token", token)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, body := r.do(req); resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "too long") {
		t.Errorf("%s: %s", resp.Status, body)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /control HTTP/1.1\r\nHost: x\r\nX-Hustings-Token: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\naction=", token)
	_ = conn.SetReadDeadline(time.Now().Add(late))
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("%v after %q", err, answer)
	}
}
