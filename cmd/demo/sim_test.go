package main

import (
	"bytes"
	"strings"
	"testing"
)

// simulate runs demo sim and returns what it said.
func simulate(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(append([]string{"sim"}, args...), &console{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestSimPlaysOneSeedTheSameWayTwice(t *testing.T) {
	args := []string{"--seed", "7", "--nodes", "3", "--elections", "1", "--for", "5s", "--trace"}
	code, first, _ := simulate(args...)
	if code != exitOK || !strings.Contains(first, "seed 7: no rule broken") {
		t.Fatalf("%d: %s", code, first)
	}
	if _, second, _ := simulate(args...); second != first {
		t.Error("a second run said something else")
	}
}

func TestSimSweepsSeedsAndPrintsATable(t *testing.T) {
	code, out, err := simulate("--seeds", "1..6", "--nodes", "3", "--for", "3s", "--faults", "crashes,bad-weather")
	if code != exitOK {
		t.Fatalf("%d: %s", code, out)
	}
	for _, want := range []string{"seeds             6", "events", "virtual time", "terms", "crashes", "in 6 seeds", "the right one within"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if !strings.Contains(err, "of 6 seeds") || strings.Contains(err, "\x1b") {
		t.Errorf("progress: %q", err)
	}
}

func TestSimShowsABarOnATerminal(t *testing.T) {
	var o, e bytes.Buffer
	code := run([]string{"sim", "--seeds", "1..2", "--nodes", "2", "--for", "1s", "--faults", "none"}, &console{out: &o, err: &e, colour: true})
	if code != exitOK || !strings.Contains(e.String(), "\r\x1b[K[") {
		t.Errorf("%d: %q", code, e.String())
	}
}

func TestSimRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{
		{"--seeds", "9..1"}, {"--seeds", "x"}, {"--nodes", "0"}, {"--elections", "0"}, {"--for", "-1s"}, {"--faults", "earthquake"}, {"more"}, {"--no"},
	} {
		if code, _, err := simulate(args...); code != exitUsage || err == "" {
			t.Errorf("%q: %d, %q", args, code, err)
		}
	}
}
