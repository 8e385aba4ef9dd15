package inspect_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/fsm"
)

func TestThePageIsServedUnderAnyPathAndLetsNothingForeignIn(t *testing.T) {
	r := newRig(t, inspect.Options{Title: `<script>alert("title")</script>`})
	for _, at := range []string{r.url, r.server.URL + "/"} {
		r.url = at
		resp, body := r.get("")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %s, %s", at, resp.Status, resp.Header.Get("Content-Type"))
		}
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("the policy is %q", csp)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("headers: %v", resp.Header)
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "style=") || strings.Contains(body, "//") && strings.Contains(body, `src="http`) {
			t.Error("the page has inline script or style, or something foreign")
		}
		for _, name := range []string{"page.css", "page.js"} {
			if resp, text := r.get(name); resp.StatusCode != http.StatusOK || len(text) < 100 {
				t.Errorf("%s: %s, %d bytes", name, resp.Status, len(text))
			}
		}
	}
	for _, name := range []string{"nothing", "page.html", "..%2fhandler.go", "static/page.css/x"} {
		if resp, _ := r.get(name); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	for _, name := range []string{"", "state.json", "events", "page.js"} {
		req, _ := http.NewRequest(http.MethodPost, r.url+name, nil)
		if resp, _ := r.do(req); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %q: %s", name, resp.Status)
		}
	}
}

func TestAPageThatIsToldItsHostsAnswersUnderNoOther(t *testing.T) {
	r := newRig(t, inspect.Options{Hosts: []string{"127.0.0.1", "localhost", "::1"}})
	for host, want := range map[string]int{
		"127.0.0.1:7007": 200, "localhost": 200, "LocalHost:80": 200, "[::1]:7007": 200, "evil.example": 421, "127.0.0.1.evil.example:80": 421,
	} {
		req, _ := http.NewRequest(http.MethodGet, r.url+"state.json", nil)
		req.Host = host
		if resp, _ := r.do(req); resp.StatusCode != want {
			t.Errorf("host %s: %s, want %d", host, resp.Status, want)
		}
	}
}

func TestTheStateTellsWhoLeadsAndWhatHappened(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.board.Node(start, inspect.NodeState{ID: "web-1", Rank: 10, Here: true, Up: true, Link: true}, "good", "web-1 is in the fleet")
	r.elect("web-1", "billing", 3, 77)
	r.board.View(start.Add(4*time.Second), "web-2", actors.View{
		Election: "billing", State: fsm.Lost, Rank: 5, Leader: fsm.Leader{ID: "web-1", Token: 77, Known: true}, Since: start.Add(4 * time.Second),
	})
	r.board.Moved("web-3", "mail", moved(5, fsm.Idle, fsm.Canvass, 0, fsm.Cause{Code: fsm.CauseRun}))
	r.board.View(start.Add(6*time.Second), "web-3", actors.View{Election: "idle", Since: start})
	r.source.snap = func(node, election string) (*actors.Snapshot, error) {
		if node != "web-1" {
			return nil, actors.ErrUnknown
		}
		return &actors.Snapshot{
			ID: node, TrustedMS: 4200, DeadlineMS: -1, View: actors.View{Election: election, State: fsm.Won, Token: 77, Rank: 10},
			Session: actors.SessionInfo{TTLMS: 5000, TrustedMS: 4200, LinkUp: true},
			History: []fsm.Transition{
				moved(-9, fsm.Lost, fsm.Withdraw, 0, fsm.Cause{Code: fsm.CauseQuit}), // before the recording
				moved(1, fsm.Idle, fsm.Canvass, 0, fsm.Cause{Code: fsm.CauseRun}),
				moved(3, fsm.Waiting, fsm.Elected, 77, fsm.Cause{Code: fsm.CauseGranted}),
			},
		}, nil
	}
	s := r.state("election=billing")
	if s.Summary.Elections != 3 || s.Summary.Led != 1 || s.Summary.Moving != 1 || s.Summary.Idle != 1 || s.Matched != 3 {
		t.Errorf("summary: %+v, %d match", s.Summary, s.Matched)
	}
	if s.Rows[0].Election != "billing" || s.Rows[0].Leader != "web-1" || s.Rows[0].Token != 77 || s.Rows[0].States["lost"] != 1 {
		t.Errorf("rows: %+v", s.Rows)
	}
	d := s.Detail
	if d == nil || d.Leader != "web-1" || len(d.Seats) != 2 || d.Seats[0].Node != "web-1" || d.Seats[0].TrustedMS != 4200 || d.Seats[0].Session == nil {
		t.Fatalf("detail: %+v", d)
	}
	if !strings.HasPrefix(d.Seats[0].Explain, `web-1 leads "billing" with token 77: the claim was granted.`) ||
		!strings.HasPrefix(d.Seats[1].Explain, `web-2 does not lead "billing". web-1 leads with token 77.`) {
		t.Errorf("explained: %q, %q", d.Seats[0].Explain, d.Seats[1].Explain)
	}
	var texts []string
	for _, m := range d.Moments {
		texts = append(texts, m.Text)
	}
	want := []string{
		`web-1 goes from lost to idle in "billing": told to quit`,
		`web-1 is in the fleet`,
		`web-1 goes from idle to voting in "billing": told to run`,
		`web-1 goes from voting to waiting in "billing": nobody outranks us`,
		`web-1 takes office in "billing" with token 77: the claim was granted`,
	}
	if !reflect.DeepEqual(texts, want) {
		t.Errorf("moments:\n%s", strings.Join(texts, "\n"))
	}
	if s.Control != nil {
		t.Error("orders are offered though Control is not set")
	}
}

func TestTheStoryHasWhatLastHappenedBeforeTheRecording(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.source.snap = func(node, election string) (*actors.Snapshot, error) {
		return &actors.Snapshot{
			ID: node, DeadlineMS: -1, View: actors.View{Election: election, State: fsm.Lost, Rank: 1},
			History: []fsm.Transition{
				moved(1, fsm.Waiting, fsm.Elected, 7, fsm.Cause{Code: fsm.CauseGranted}),
				moved(2, fsm.Won, fsm.Defeated, 7, fsm.Cause{Code: fsm.CauseResigned}),
			},
		}, nil
	}
	r.board.View(start.Add(time.Minute), "web-1", actors.View{Election: "billing", State: fsm.Lost, Rank: 1, Since: start.Add(2 * time.Second)})
	m := r.state("election=billing").Detail.Moments
	if len(m) != 2 || m[1].From != "won" || m[1].To != "lost" {
		t.Errorf("moments: %+v", m)
	}
}

func TestWhoIsHereAndDoesNotLeadIsNoLeaderWhateverOthersBelieve(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.elect("web-2", "billing", 3, 77)
	r.board.View(start.Add(4*time.Second), "web-1", actors.View{
		Election: "billing", State: fsm.Lost, Rank: 5, Leader: fsm.Leader{ID: "web-2", Token: 77, Known: true}, Since: start.Add(4 * time.Second),
	})
	r.board.Moved("web-2", "billing", moved(5, fsm.Won, fsm.Defeated, 77, fsm.Cause{Code: fsm.CauseLapsed}))
	if s := r.state("election=billing"); s.Rows[0].Status != "vacant" || s.Rows[0].Leader != "" || s.Detail.Leader != "" {
		t.Errorf("after web-2's term: %+v", s.Rows[0])
	}
	r.board.View(start.Add(6*time.Second), "web-1", actors.View{
		Election: "billing", State: fsm.Lost, Rank: 5, Leader: fsm.Leader{ID: "elsewhere", Token: 78, Known: true}, Since: start.Add(4 * time.Second),
	})
	if s := r.state(""); s.Rows[0].Status != "led" || s.Rows[0].Leader != "elsewhere" {
		t.Errorf("another process leads: %+v", s.Rows[0])
	}
}

func TestTenThousandElectionsAreSearchedAndPaged(t *testing.T) {
	r := newRig(t, inspect.Options{})
	for i := range 10_000 {
		v := actors.View{Election: fmt.Sprintf("job-%05d", i), State: fsm.Won, Token: uint64(i + 1), Since: start, Leader: fsm.Leader{ID: "web-1", Known: true}}
		if i%100 == 0 {
			v.State, v.Token, v.Leader = fsm.Lost, 0, fsm.Leader{Known: true}
		}
		r.board.View(start, "web-1", v)
	}
	s := r.state("offset=9990&limit=50")
	if s.Summary.Elections != 10_000 || s.Summary.Led != 9900 || s.Summary.Vacant != 100 || len(s.Rows) != 10 || s.Rows[9].Election != "job-09999" {
		t.Errorf("%+v, %d rows", s.Summary, len(s.Rows))
	}
	if s := r.state("q=JOB-012&limit=7"); s.Matched != 100 || len(s.Rows) != 7 || s.Rows[0].Election != "job-01200" {
		t.Errorf("a search: %d match, %d rows", s.Matched, len(s.Rows))
	}
	if s := r.state("status=vacant&limit=1000"); s.Matched != 100 || len(s.Rows) != 100 {
		t.Errorf("vacant: %d match, %d rows", s.Matched, len(s.Rows))
	}
	if s := r.state("limit=1000000"); len(s.Rows) != 200 {
		t.Errorf("%d rows in one answer", len(s.Rows))
	}
	if s := r.state("offset=-1&limit=x&as=y&election=none"); len(s.Rows) != 50 || s.Detail != nil {
		t.Errorf("nonsense: %d rows, %+v", len(s.Rows), s.Detail)
	}
	begin := time.Now()
	for range 20 {
		r.state("q=9&election=job-00001")
	}
	t.Logf("a search over 10,000 elections: %v an answer", time.Since(begin)/20)
}

// Whatever is kept of the past is what was the present then.
func TestEveryRecordedMomentCanBeShownAgainAsItWas(t *testing.T) {
	r := newRig(t, inspect.Options{History: 50})
	rng := rand.New(rand.NewPCG(1, 2))
	was := map[uint64]state{}
	states := map[string]fsm.State{}
	for i := range 300 {
		node, election := fmt.Sprintf("n%d", rng.IntN(3)), fmt.Sprintf("e%d", rng.IntN(3))
		switch rng.IntN(6) {
		case 0:
			r.board.Change(start.Add(time.Duration(i)*time.Second), node, "", "", func(s *inspect.NodeState) { s.Rank = int64(i) })
		case 1:
			r.board.Stopped(start.Add(time.Duration(i)*time.Second), node, "killed")
			for _, e := range []string{"e0", "e1", "e2"} {
				states[node+e] = fsm.Idle
			}
		default:
			from := states[node+election]
			for ev := fsm.Event(rng.IntN(6)); ; ev = (ev + 1) % 6 {
				if to, ok := fsm.Table.Next(from, ev); ok {
					r.board.Moved(node, election, moved(i, from, ev, uint64(i), fsm.Cause{Code: fsm.CauseRun}))
					states[node+election] = to
					break
				}
			}
		}
		s := r.state("election=e1")
		was[s.Last] = s
	}
	now := r.state("")
	if now.Last-now.First != 49 {
		t.Fatalf("%d to %d are kept, want 50", now.First, now.Last)
	}
	for id := now.First; id < now.Last; id++ {
		then, want := r.state(fmt.Sprintf("election=e1&as=%d", id)), was[id]
		if !reflect.DeepEqual(then.Nodes, want.Nodes) || !reflect.DeepEqual(then.Rows, want.Rows) || then.As != id {
			t.Fatalf("as of %d:\n got %+v %+v\nwant %+v %+v", id, then.Nodes, then.Rows, want.Nodes, want.Rows)
		}
		for i, s := range then.Detail.Seats {
			if w := want.Detail.Seats[i]; s.State != w.State || s.Cause != w.Cause || s.Node != w.Node || s.Explain == "" {
				t.Fatalf("as of %d: %+v, want %+v", id, s, w)
			}
		}
	}
}

func TestOfTwoThatBelieveInTheirTermTheNewerOneIsShown(t *testing.T) {
	for _, ids := range [][2]string{{"web-1", "web-2"}, {"web-2", "web-1"}} {
		r := newRig(t, inspect.Options{})
		r.elect(ids[0], "billing", 3, 7)
		r.elect(ids[1], "billing", 9, 8)
		if s := r.state("election=billing"); s.Rows[0].Leader != ids[1] || s.Detail.Leader != ids[1] || s.Rows[0].States["won"] != 2 {
			t.Errorf("%v: %+v", ids, s.Rows)
		}
	}
}

func TestAResetWipesTheBoard(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.elect("web-1", "billing", 3, 7)
	r.board.Clock(start, 0)
	r.board.Player(map[string]int{"seed": 4})
	r.board.Reset()
	s := r.state("election=billing")
	if s.Summary.Elections != 0 || s.Detail != nil || s.NowMS != start.UnixMilli() || s.Rate != 0 || s.Player == nil || s.First != s.Last+1 {
		t.Errorf("after a reset: %+v", s)
	}
}

func TestOrdersComeFromThePageItselfOnly(t *testing.T) {
	r := newRig(t, inspect.Options{Control: true})
	token := r.state("").Control.Token
	post := func(method, action string, header ...string) (int, string) {
		form := url.Values{"action": {action}, "node": {"web-1"}, "election": {"billing"}, "speed": {"3"}}
		req, _ := http.NewRequest(method, r.url+"control", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, body := r.do(req)
		return resp.StatusCode, body
	}
	with := func(more ...string) []string { return append([]string{"X-Hustings-Token", token}, more...) }
	for name, test := range map[string]struct {
		method, action string
		header         []string
		want           int
	}{
		"no token":           {"POST", "resign", nil, 403},
		"another's token":    {"POST", "resign", []string{"X-Hustings-Token", strings.Repeat("0", len(token))}, 403},
		"a GET":              {"GET", "resign", with(), 405},
		"another site":       {"POST", "resign", with("Sec-Fetch-Site", "cross-site"), 403},
		"another port":       {"POST", "resign", with("Sec-Fetch-Site", "same-site"), 403},
		"another origin":     {"POST", "resign", with("Origin", "https://evil.example"), 403},
		"an opaque origin":   {"POST", "resign", with("Origin", "null"), 403},
		"an unknown action":  {"POST", "explode", with(), 409},
		"from the page":      {"POST", "resign", with("Sec-Fetch-Site", "same-origin", "Origin", r.server.URL), 200},
		"through a proxy":    {"POST", "resign", with("Sec-Fetch-Site", "same-origin", "Origin", "https://ops.example"), 200}, // it changed the Host
		"from the terminal":  {"POST", "resign", with(), 200},
		"in capital letters": {"POST", "resign", with("Origin", strings.ToUpper(r.server.URL)), 200},
	} {
		if got, body := post(test.method, test.action, test.header...); got != test.want {
			t.Errorf("%s: %d %s, want %d", name, got, body, test.want)
		}
	}
	if n := len(r.source.orders); n != 5 {
		t.Errorf("%d orders arrived, want 5: %+v", n, r.source.orders)
	}
	o := r.source.orders[0]
	if o.Node != "web-1" || o.Election != "billing" || o.Args["speed"] != "3" {
		t.Errorf("the order: %+v", o)
	}
	closed := newRig(t, inspect.Options{})
	r.url = closed.url
	if got, _ := post("POST", "resign", with()...); got != 403 {
		t.Errorf("without Control: %d", got)
	}
}
