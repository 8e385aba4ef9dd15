package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"hustings/fsm"
	"hustings/redisbridge/redistest"
)

// play runs the scripted demonstration and returns what it printed.
func play(t *testing.T, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	c := &console{in: strings.NewReader(""), out: &out, err: &err}
	if code := run(append([]string{"--speed", "1000"}, args...), c); code != exitOK {
		t.Fatalf("exit code %d: %s\n%s", code, &err, &out)
	}
	return out.String()
}

func TestScript(t *testing.T) {
	out := play(t)
	for _, want := range []string{"joins the fleet", "voting", "WON", "is killed", "is dead", "resign", "hears", "quit", "has left", "first leader", "takeover", "failover", "handover"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not shown:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("colours where there is no terminal:\n%s", out)
	}
}

func TestScriptWithTheSmallestCast(t *testing.T) { play(t, "--nodes", "3", "--seed", "7") }

func TestScriptLeavesNothingOnARealServer(t *testing.T) {
	s := redistest.NewServer(t)
	if got, err := s.Do("SET", "others", "1"); err != nil || got != "+OK" {
		t.Fatal(got, err)
	}
	play(t, "--redis", "redis://"+s.Addr+"/0")
	if got, err := s.Do("DBSIZE"); err != nil || got != ":1" {
		t.Errorf("DBSIZE %s %v, want the one key that was there before", got, err)
	}
}

func TestScriptSaysWhichActDidNotHappen(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	var out bytes.Buffer
	code := run(nil, &console{in: strings.NewReader(""), out: &out, err: &out, signals: signals})
	if code != exitFault || !strings.Contains(out.String(), "act 1") || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("exit code %d, said %s", code, &out)
	}
}

func TestTermsAreChecked(t *testing.T) {
	at := func(s int) fsm.Instant { return fsm.Instant{Mono: time.Duration(s) * time.Second} }
	first := term{who: "a", token: 1, from: at(0), to: at(2).Mono, known: true}
	lapsed := first
	lapsed.to, lapsed.lapsed = at(9).Mono, true
	open := first
	open.known = false
	for _, c := range []struct {
		name string
		list []term
		want string
	}{
		{"one after the other", []term{first, {who: "b", token: 2, from: at(2)}}, ""},
		{"a lapse is noticed late", []term{lapsed, {who: "b", token: 2, from: at(3)}}, ""},
		{"two at once", []term{first, {who: "b", token: 2, from: at(1)}}, "at the same time"},
		{"no end", []term{open, {who: "b", token: 2, from: at(3)}}, "had not said"},
		{"token falls", []term{first, {who: "b", token: 1, from: at(3)}}, "does not rise"},
	} {
		err := checkTerms(c.list)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
