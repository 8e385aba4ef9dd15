package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hustings/cmd/demo/internal/bench"
	"hustings/redisbridge/redistest"
)

func TestBenchMeasuresTheFloorAndWritesIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	var out, errs bytes.Buffer
	code := run([]string{"bench", "--quick", "--only", "floor", "--json", file}, &console{out: &out, err: &errs})
	if code == exitNoServer {
		t.Skip(redistest.ErrNoServer)
	}
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	for _, want := range []string{"PING", "claim script", "publish to receipt", "release to claimed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, out.String())
		}
	}
	text, err := os.ReadFile(file)
	var report bench.Report
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil || len(report.Rows) != 4 {
		t.Fatalf("%d rows, %v", len(report.Rows), err)
	}
	for _, row := range report.Rows {
		if row.Value <= 0 || row.P99 < row.Value || row.Max < row.P99 {
			t.Errorf("%s: middle %v, p99 %v, max %v", row.Case, row.Value, row.P99, row.Max)
		}
	}
}

func TestBenchRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"bench", "fast"}, {"bench", "--only", "nonsense"}} {
		var errs bytes.Buffer
		if code := run(args, &console{out: &errs, err: &errs}); code != exitUsage {
			t.Errorf("%q: exit code %d: %s", args, code, errs.String())
		}
	}
}
