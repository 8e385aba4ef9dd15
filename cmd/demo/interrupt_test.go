package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	web "hustings/actors/inspect"
	"hustings/redisbridge/redistest"
)

// told is a console whose user has asked to stop, so many times.
func told(times int, out *bytes.Buffer) *console {
	signals := make(chan os.Signal, times)
	for range times {
		signals <- syscall.SIGINT
	}
	return &console{in: strings.NewReader(""), out: out, err: out, signals: signals}
}

func TestSimCanBeInterrupted(t *testing.T) {
	for _, c := range []struct {
		args  string
		times int
		want  string
	}{
		{"sim --seed 1 --for 10m", 1, "demo sim: interrupted\n"},
		{"sim --seeds 1..1000000 --for 1m", 1, " of 1000000 seeds\n"},
		{"sim --seeds 1..1000000 --for 1m", 2, "demo sim: interrupted\n"},
	} {
		var out bytes.Buffer
		if code := run(strings.Fields(c.args), told(c.times, &out)); code != exitFault || !strings.HasSuffix(out.String(), c.want) {
			t.Errorf("%s, %d signals: exit code %d, %q", c.args, c.times, code, out.String())
		}
	}
}

func TestWhoIsToldToStopAtTheStartSaysSoAndNothingElse(t *testing.T) {
	s := redistest.NewServer(t)
	for args, want := range map[string]int{"serve --addr 127.0.0.1:0": exitOK, "--nodes 5": exitFault} {
		for _, more := range []string{"", " --redis redis://" + s.Addr} {
			var out bytes.Buffer
			code := run(strings.Fields(args+more), told(1, &out))
			if said := out.String(); code != want || strings.Contains(said, "not ready") || want == exitFault && !strings.Contains(said, "demo: interrupted") {
				t.Errorf("demo %s: exit code %d, %q", args+more, code, said)
			}
		}
	}
	if got, err := s.Do("DBSIZE"); err != nil || got != ":0" {
		t.Errorf("left behind: %v, %v", got, err)
	}
}

// Neither a client that takes its time nor an order under way keeps demo serve, or makes
// its end a fault.
func TestServeEndsWhateverItsClientsDo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	out, ended := &lockedText{}, make(chan error, 1)
	go func() {
		ended <- serve(ctx, &serveOptions{addr: "127.0.0.1:0", nodes: 2, ttl: 20 * time.Second, seed: 1}, out)
	}()
	site := &site{t, ""}
	await(t, "it serves", func() bool {
		site.base = regexp.MustCompile(`http://[0-9.:]+/`).FindString(out.String())
		return site.base != ""
	})
	token := site.state("").Control.Token
	if code := site.press("", "action", "kill", "node", "web-1"); code != http.StatusOK {
		t.Fatalf("kill: %d", code)
	}
	started := make(chan struct{})
	go func() { // which takes as long as its former life's session lasts
		defer close(started)
		req, _ := http.NewRequest(http.MethodPost, site.base+"control", strings.NewReader("action=start&node=web-1"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Hustings-Token", token)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	slow, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(site.base, "http:"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /control HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Hustings-Token: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\naction=", token)
	await(t, "the start is under way", func() bool {
		resp, err := http.Get(site.base + "state.json?election=billing")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return strings.Contains(string(text), "is started again")
	})
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second):
		t.Error("it does not end")
	}
	<-started
}

func TestOneNodeAtATimeIsAdded(t *testing.T) {
	s, err := openServer("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := openLive(t.Context(), &serveOptions{nodes: 2, ttl: time.Second}, s)
	defer l.close()
	if err != nil {
		t.Fatal(err)
	}
	outcome := make(chan error, 3)
	for range cap(outcome) {
		go func() {
			_, err := l.Do(t.Context(), web.Command{Action: "add"})
			outcome <- err
		}()
	}
	added := 0
	for range cap(outcome) {
		if err := <-outcome; err == nil {
			added++
		} else if !strings.Contains(err.Error(), "being added already") {
			t.Error(err)
		}
	}
	if _, err := l.Do(t.Context(), web.Command{Action: "add"}); err != nil || added == 0 {
		t.Errorf("%d were added, then %v", added, err)
	}
}

func TestKeysThatMayBeLeftBehindAreTold(t *testing.T) {
	r := redistest.NewServer(t)
	s, err := openServer("redis://" + r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	r.Stop()
	if err := s.answers(t.Context()); err == nil {
		t.Error("a server that has stopped answers")
	}
	if err := s.close(); err == nil || !strings.Contains(err.Error(), s.prefix) {
		t.Errorf("said: %v", err)
	}
}
