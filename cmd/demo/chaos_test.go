package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hustings/redisbridge/redistest"
)

// wreak runs demo chaos for some seconds, its nodes as processes of this test binary.
func wreak(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	redistest.NewServer(t).Stop() // skips where there is none
	t.Setenv(asDemo, "1")
	var o, e bytes.Buffer
	args = append([]string{"chaos", "--nodes", "4", "--elections", "2", "--ttl", "400ms", "--quiet", "1s"}, args...)
	code = run(args, &console{out: &o, err: &e})
	if e.Len() > 0 {
		t.Errorf("stderr: %s", e.String())
	}
	return code, o.String()
}

func TestChaosOnRealProcessesBreaksNoRule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	code, out := wreak(t, "--for", "6s", "--seed", "5", "--json", file)
	if code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	for _, want := range []string{"seed 5: 4 nodes", "no leader p50", "two leaders at once", "0 times", "no rule was broken"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Seed   int
		Faults []any
		Terms  []any
	}
	if err := json.Unmarshal(text, &report); err != nil || report.Seed != 5 || len(report.Faults) == 0 || len(report.Terms) < 2 {
		t.Errorf("%+v %v", report, err)
	}
}

// The quarantine is what keeps two leaders apart when Redis loses its data.
func TestChaosFindsTwoLeadersWithoutTheQuarantine(t *testing.T) {
	found(t, "--faults", "flushall,restart-lose", "--quarantine=false")
}

// A node that says yes for longer than its trust lasts is found by its polls.
func TestChaosFindsANodeThatLies(t *testing.T) {
	t.Setenv(liar, "300ms")
	found(t, "--faults", "cut,hole-in")
}

// found runs until two leaders were found. Few runs need a second seed.
func found(t *testing.T, args ...string) {
	t.Helper()
	for seed := 1; seed <= 5; seed++ {
		code, out := wreak(t, slices.Concat([]string{"--for", "5s", "--seed", strconv.Itoa(seed)}, args)...)
		if code == exitOK {
			continue
		}
		for _, want := range []string{"VIOLATION (overlap)", "led \"e", "*** ", "won  \"election\"", "again, as far as the seed goes"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
		return
	}
	t.Error("two leaders were not found")
}

func TestChaosThatIsInterruptedTellsWhatItHas(t *testing.T) {
	redistest.NewServer(t).Stop()
	t.Setenv(asDemo, "1")
	signals := make(chan os.Signal, 1)
	time.AfterFunc(3*time.Second, func() { signals <- os.Interrupt })
	var o, e bytes.Buffer
	code := run([]string{"chaos", "--nodes", "3", "--elections", "1", "--ttl", "300ms"}, &console{out: &o, err: &e, signals: signals})
	if code != exitFault || !strings.Contains(e.String(), "cut short: interrupted") || !strings.Contains(o.String(), "two leaders at once") {
		t.Errorf("exit code %d: %s\n%s", code, e.String(), o.String())
	}
}

func TestChaosSaysThatThereIsNoServer(t *testing.T) {
	t.Setenv("HUSTINGS_REDIS_SERVER", "") // the flag sets it, for good
	var o, e bytes.Buffer
	if code := run([]string{"chaos", "--redis-server", "/nowhere/redis-server"}, &console{out: &o, err: &e}); code != exitNoServer || !strings.Contains(e.String(), "--redis-server PATH") {
		t.Errorf("%d: %q", code, e.String())
	}
}
