package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hustings/redisbridge/redistest"
)

func TestRequestsAreCountedWhereverWritesAreCut(t *testing.T) {
	const sent = "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8\r\n*1\r\n$2\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n"
	for size := 1; size <= len(sent); size++ {
		var c counter
		requests := int64(0)
		for rest := []byte(sent); len(rest) > 0; {
			n := min(size, len(rest))
			requests += c.read(rest[:n])
			rest = rest[n:]
		}
		if requests != 3 {
			t.Errorf("%d requests, in pieces of %d bytes", requests, size)
		}
	}
}

func TestARowTellsRatioAndFailures(t *testing.T) {
	r := &run{}
	list := []time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}
	var s result
	for _, d := range list {
		s.add(d, nil)
	}
	s.add(0, errSkip)
	s.add(0, errors.New("no luck"))
	r.addLatencies("race", bsmLock{}, s, "PING", []time.Duration{500 * time.Microsecond})
	r.addLatencies("race", redSync{}, result{failed: 3, why: errors.New("never")}, "PING", nil)
	var out bytes.Buffer
	if err := r.report.print(&out); err != nil {
		t.Fatal(err)
	}
	if got := r.report.Rows[0]; got.N != 3 || got.Value != 2 || got.P99 != 3 || got.Ratio != 4 || got.Failed != 1 {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"4.0 x PING; failed 1 times: no luck", "cannot"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestWhatIsHopelessIsGivenUp(t *testing.T) {
	var s result
	for range 2 {
		s.add(0, errors.New("no"))
	}
	if s.hopeless() {
		t.Error("given up too early")
	}
	s.add(0, errors.New("no"))
	if !s.hopeless() {
		t.Error("three failures of three, and it is tried on")
	}
	for range 20 {
		s.add(time.Millisecond, nil)
	}
	if s.hopeless() {
		t.Error("3 failures of 23, and it is given up")
	}
}

func TestAllContendersLeadHandOverAndFailOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	var out, errs bytes.Buffer
	switch code := command(t.Context(), []string{"--quick", "--json", file}, &out, &errs); code {
	case exitOK:
	case exitNoServer:
		t.Skip(redistest.ErrNoServer)
	default:
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	t.Log(out.String())
	text, err := os.ReadFile(file)
	var got report
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]int{}
	for _, row := range got.Rows {
		in[row.Contender]++
		// A machine that stands still for a second may spoil one round.
		if row.N == 0 {
			t.Errorf("%s, %s: %d times, %d failures, the last: %s", row.Scenario, row.Contender, row.N, row.Failed, row.Why)
		}
	}
	for _, name := range []string{"hustings", "rueidislock", "redislock", "redsync"} {
		if in[name] != 9 {
			t.Errorf("%s has %d rows, not 9", name, in[name])
		}
	}
}

func TestTheCommandLineIsChecked(t *testing.T) {
	for _, args := range [][]string{{"fast"}, {"--fast"}} {
		var errs bytes.Buffer
		if code := command(context.Background(), args, &errs, &errs); code != exitUsage {
			t.Errorf("%v: exit code %d: %s", args, code, errs.String())
		}
	}
}
