package inspect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/fsm"
)

// late bounds what must come; nothing is measured by it.
const late = 30 * time.Second

func TestMain(m *testing.M) {
	code := m.Run()
	var err error
	for range 20 { // goroutines that are about to end get their time
		if err = goleak.Find(); err == nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	if code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// fake is a source that tells what a test has it tell.
type fake struct {
	mu      sync.Mutex // guards the rest
	watched chan *inspect.Board
	ended   chan struct{}
	trust   map[string]time.Duration
	orders  []inspect.Command
	snap    func(node, election string) (*actors.Snapshot, error)
}

func newFake() *fake {
	return &fake{watched: make(chan *inspect.Board, 1), ended: make(chan struct{}), trust: map[string]time.Duration{}}
}

func (f *fake) Watch(ctx context.Context, b *inspect.Board) {
	f.watched <- b
	<-ctx.Done()
	close(f.ended)
}

func (f *fake) Trust(node, _ string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trust[node]
}

func (f *fake) setTrust(node string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trust[node] = d
}

func (f *fake) Inspect(_ context.Context, node, election string) (*actors.Snapshot, error) {
	if f.snap == nil {
		return nil, actors.ErrUnknown
	}
	return f.snap(node, election)
}

func (f *fake) Actions() []inspect.Action {
	return []inspect.Action{{Name: "resign", Label: "Resign", Scope: "seat"}}
}

func (f *fake) Do(_ context.Context, c inspect.Command) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orders = append(f.orders, c)
	if c.Action != "resign" {
		return "", fmt.Errorf("%q is no action", c.Action)
	}
	return "done", nil
}

// rig is a page over a fake, on a server.
type rig struct {
	t      *testing.T
	source *fake
	page   *inspect.Page
	board  *inspect.Board
	server *httptest.Server
	url    string // of the page
}

func newRig(t *testing.T, o inspect.Options) *rig {
	t.Helper()
	r := &rig{t: t, source: newFake()}
	r.page = inspect.Handler(r.source, o)
	r.board = <-r.source.watched
	mux := http.NewServeMux()
	mux.Handle("/debug/hustings/", r.page)
	mux.Handle("/", r.page)
	r.server = httptest.NewUnstartedServer(mux)
	r.server.Config.RegisterOnShutdown(r.page.Close)
	r.server.Start()
	r.url = r.server.URL + "/debug/hustings/"
	t.Cleanup(func() {
		r.page.Close()
		<-r.source.ended
		r.server.Close()
	})
	return r
}

// get asks for something and returns the answer, its body read.
func (r *rig) get(name string, header ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, r.url+name, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return r.do(req)
}

func (r *rig) do(req *http.Request) (*http.Response, string) {
	r.t.Helper()
	resp, err := r.server.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(body)
}

// state is what the tests read of /state.json.
type state struct {
	Run     string `json:"run"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	As      uint64 `json:"as"`
	NowMS   int64  `json:"now_ms"`
	Rate    float64
	Nodes   []inspect.NodeState
	Summary struct{ Elections, Led, Vacant, Moving, Idle int }
	Matched int
	Rows    []struct {
		Election, Status, Leader string
		Token                    uint64
		States                   map[string]int
	}
	Detail *struct {
		Election, Status, Leader string
		Token                    uint64
		Seats                    []struct {
			Node, State, Cause, Explain string
			Round                       uint64
			TrustedMS                   int64 `json:"trusted_ms"`
			DeadlineMS                  int64 `json:"deadline_ms"`
			Pending                     []fsm.Pending
			Session                     *actors.SessionInfo
		}
		Moments []inspect.Entry
	}
	Control *struct {
		Token   string
		Actions []inspect.Action
	}
	Player any
}

func (r *rig) state(query string) state {
	r.t.Helper()
	resp, body := r.get("state.json?" + query)
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("state.json?%s: %s %s", query, resp.Status, body)
	}
	var s state
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		r.t.Fatalf("%v in %s", err, body)
	}
	return s
}

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// moved is a transition a number of seconds after the start.
func moved(second int, from fsm.State, ev fsm.Event, token uint64, why fsm.Cause) fsm.Transition {
	to, ok := fsm.Table.Next(from, ev)
	if !ok {
		panic("no such transition")
	}
	at := fsm.Instant{Mono: time.Duration(second) * time.Second, Wall: time.Duration(start.UnixNano()) + time.Duration(second)*time.Second}
	return fsm.Transition{Seq: uint64(second), At: at, From: from, Event: ev, To: to, Cause: why, Round: 1, Token: token}
}

// elect tells of a node's way into office, which ends at a second.
func (r *rig) elect(node, election string, second int, token uint64) {
	r.board.Moved(node, election, moved(second-2, fsm.Idle, fsm.Canvass, 0, fsm.Cause{Code: fsm.CauseRun}))
	r.board.Moved(node, election, moved(second-1, fsm.Voting, fsm.Polled, 0, fsm.Cause{Code: fsm.CauseUnopposed}))
	r.board.Moved(node, election, moved(second, fsm.Waiting, fsm.Elected, token, fsm.Cause{Code: fsm.CauseGranted}))
}
