package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is a demo serve under test.
type site struct {
	t    *testing.T
	base string
}

// lockedText is what serve prints.
type lockedText struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func openSite(t *testing.T) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, ended := &lockedText{}, make(chan error, 1)
	go func() {
		ended <- serve(ctx, &serveOptions{addr: "127.0.0.1:0", nodes: 5, ttl: time.Second, seed: 1}, out)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	address := regexp.MustCompile(`http://[0-9.:]+/`)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if base := address.FindString(out.String()); base != "" {
			return &site{t, base}
		}
		if time.Now().After(end) {
			t.Fatalf("it does not serve; it said %q", out)
		}
	}
}

// siteState is what the tests read of a state.json.
type siteState struct {
	Rows []struct {
		Election, Leader string
		Token            uint64
		States           map[string]int
	}
	Nodes []struct {
		ID, Note string
		Up, Link bool
	}
	Player *struct {
		AtMS   int64 `json:"at_ms"`
		Events uint64
		Seed   uint64
		Error  string
	}
	Control struct{ Token string }
}

func (s *site) state(path string) (v siteState) {
	s.t.Helper()
	resp, err := http.Get(s.base + path + "state.json")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// press presses a button.
func (s *site) press(path string, fields ...string) int {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	req, _ := http.NewRequest(http.MethodPost, s.base+path+"control", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Hustings-Token", s.state(path).Control.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// leads waits until somebody leads billing.
func (s *site) leads(who string) {
	s.t.Helper()
	var v siteState
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if v = s.state(""); len(v.Rows) == 3 && v.Rows[0].Leader == who {
			return
		}
	}
	s.t.Fatalf("%s does not lead: %+v", who, v)
}

func TestTheButtonsOfTheLiveFleetDoWhatTheySay(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for sessions to end")
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := openSite(t)
	s.leads("web-5")
	for _, act := range []struct {
		action, node string
		status       int
		then         string
	}{
		{"heal", "web-5", 409, "web-5"},
		{"explode", "web-5", 409, "web-5"},
		{"kill", "nobody", 409, "web-5"},
		{"kill", "web-5", 200, "web-4"},
		{"kill", "web-5", 409, "web-4"},
		{"start", "web-5", 200, "web-5"},
		{"pause", "web-5", 200, "web-4"},
		{"resume", "web-5", 200, "web-5"},
		{"cut", "web-5", 200, "web-4"},
		{"heal", "web-5", 200, "web-5"},
		{"add", "", 200, "web-6"},
		{"bounce", "", 200, "web-6"},
		{"bounce", "", 409, "web-6"},
	} {
		if got := s.press("", "action", act.action, "node", act.node); got != act.status {
			t.Errorf("%s %s: %d, want %d", act.action, act.node, got, act.status)
		}
		s.leads(act.then)
	}
}

func TestAWorldIsWoundBackByAReplay(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := openSite(t)
	const at = "simulator/"
	for end := time.Now().Add(time.Minute); s.state(at).Player == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("there is no world")
		}
	}
	seek := func(ms int) siteState {
		t.Helper()
		if code := s.press(at, "action", "seek", "to_ms", fmt.Sprint(ms)); code != 200 {
			t.Fatalf("seek %d: %d", ms, code)
		}
		return s.state(at)
	}
	if code := s.press(at, "action", "new", "seed", "7", "nodes", "4", "faults", "crashes,pauses"); code != 200 {
		t.Fatalf("new: %d", code)
	}
	late := seek(60_000)
	early := seek(9_000)
	again := seek(60_000)
	if late.Player.Seed != 7 || len(late.Nodes) != 4 || late.Player.AtMS != 60_000 || early.Player.AtMS != 9_000 || early.Player.Events >= late.Player.Events {
		t.Errorf("late %+v, early %+v", late.Player, early.Player)
	}
	if !reflect.DeepEqual(late.Rows, again.Rows) || !reflect.DeepEqual(late.Player, again.Player) {
		t.Errorf("played again it is another world:\n%+v %+v\n%+v %+v", late.Player, late.Rows, again.Player, again.Rows)
	}
	before := again.Player.AtMS
	if code := s.press(at, "action", "step"); code != 200 || s.state(at).Player.AtMS <= before {
		t.Errorf("step: %d", code)
	}
	s.press(at, "action", "speed", "speed", "30")
	s.press(at, "action", "play")
	for end := time.Now().Add(time.Minute); s.state(at).Player.AtMS < 70_000; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not play")
		}
	}
	s.press(at, "action", "pause")
	paused := s.state(at).Player.AtMS
	time.Sleep(200 * time.Millisecond)
	if now := s.state(at).Player.AtMS; now != paused {
		t.Errorf("it plays on: %d, then %d", paused, now)
	}
	for _, bad := range [][]string{{"action", "seek", "to_ms", "x"}, {"action", "speed", "speed", "NaN"}, {"action", "new", "seed", "-1", "nodes", "5"}, {"action", "new", "seed", "1", "nodes", "99"}, {"action", "new", "seed", "1", "nodes", "5", "faults", "none such"}} {
		if code := s.press(at, bad...); code != 409 {
			t.Errorf("%v: %d", bad, code)
		}
	}
}
