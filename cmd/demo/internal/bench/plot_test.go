package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlotDrawsWhatWasMeasured(t *testing.T) {
	r := Report{Rows: []Row{
		{What: "handover", Case: "3 nodes", Samples: []float64{1, 2, 3}},
		{What: "steady: sent by each node", Case: "1 nodes, 5 elections", X: 1, Value: 0.6},
		{What: "steady: sent by each node", Case: "10 nodes, 5 elections", X: 10, Value: 0.6},
	}}
	dir := t.TempDir()
	if err := r.Plot(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		text, err := os.ReadFile(files[i])
		if err != nil || !strings.Contains(string(text), "<svg") {
			t.Errorf("%s is no SVG: %v", files[i], err)
		}
		files[i] = filepath.Base(files[i])
	}
	if want := []string{"handover.svg", "steady.svg"}; !slices.Equal(files, want) {
		t.Errorf("%v, want %v", files, want)
	}
}

func TestARowsMiddleAndSlowEnd(t *testing.T) {
	r := &run{}
	r.latencies("x", "y", durations(100), "floor", 10*time.Millisecond)
	row := r.report.Rows[0]
	if row.Value != 51 || row.P99 != 100 || row.Max != 100 || row.N != 100 || row.Ratio != 5.1 {
		t.Errorf("%+v", row)
	}
}

// durations of 1 ms to n ms, the longest first.
func durations(n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(n-i) * time.Millisecond
	}
	return out
}
