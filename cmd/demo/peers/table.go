package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"hustings/cmd/demo/internal/floor"
	"hustings/cmd/demo/internal/gauge"
)

// report is what a run has found.
type report struct {
	Machine string            `json:"machine"`
	Server  string            `json:"server"`
	Go      string            `json:"go"`
	Quick   bool              `json:"quick,omitempty"`
	Using   map[string]string `json:"versions"` // of the libraries, by module
	Notes   map[string]string `json:"notes"`    // how each contender is used
	Rows    []row             `json:"rows"`
}

// row is one figure.
type row struct {
	Scenario  string `json:"scenario"`
	Contender string `json:"contender"`
	Unit      string `json:"unit"`
	// N is how often it was measured, Value the middle where that is more than once.
	N     int     `json:"n"`
	Value float64 `json:"value"`
	P99   float64 `json:"p99,omitempty"`
	// Ratio compares Value with the middle of the floor of this name, taken in turns
	// with it.
	Floor string  `json:"floor,omitempty"`
	Ratio float64 `json:"ratio,omitempty"`
	// Failed is how often it did not work, and Why the last time.
	Failed  int       `json:"failed,omitempty"`
	Why     string    `json:"why,omitempty"`
	Samples []float64 `json:"samples,omitempty"`
}

// result is what a contender did in a scenario.
type result struct {
	took   []time.Duration
	failed int
	why    error
}

func (s *result) add(took time.Duration, err error) {
	switch {
	case err == nil:
		s.took = append(s.took, took)
	case !errors.Is(err, errSkip):
		s.failed++
		s.why = err
	}
}

// hopeless says that there is no use in trying on: the table will tell why.
func (s *result) hopeless() bool { return s.failed >= 3 && s.failed > len(s.took)/4 }

// about describes the run.
func (r *run) about() (report, error) {
	server, err := gauge.Info(r.ctx, r.client, "server")
	if err != nil {
		return report{}, err
	}
	out := report{
		Machine: fmt.Sprintf("%d processors, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		Server:  "Redis " + server["redis_version"], Go: runtime.Version(), Quick: r.options.quick,
		Using: map[string]string{}, Notes: map[string]string{},
	}
	build, _ := debug.ReadBuildInfo()
	for _, c := range r.contenders {
		out.Notes[c.name()] = c.note()
		for _, module := range []string{c.module(), "github.com/redis/go-redis/v9"} {
			out.Using[module] = moduleVersion(build, module)
		}
	}
	return out, nil
}

func moduleVersion(build *debug.BuildInfo, module string) string {
	if build != nil {
		for _, m := range build.Deps {
			if m.Path == module && m.Replace == nil {
				return m.Version
			}
		}
	}
	return "this checkout"
}

// add adds a figure that was measured once.
func (r *run) add(scenario string, c contender, unit string, value float64) {
	r.report.Rows = append(r.report.Rows, row{Scenario: scenario, Contender: c.name(), Unit: unit, N: 1, Value: value})
}

// addMiddle adds the middle of some figures.
func (r *run) addMiddle(scenario string, c contender, unit string, list []float64) {
	if len(list) == 0 {
		return
	}
	slices.Sort(list)
	r.report.Rows = append(r.report.Rows, row{
		Scenario: scenario, Contender: c.name(), Unit: unit, N: len(list), Value: list[len(list)/2],
	})
}

// addLatencies adds a distribution and what it was compared with, "" for nothing.
func (r *run) addLatencies(scenario string, c contender, s result, floor string, floors []time.Duration) {
	out := row{Scenario: scenario, Contender: c.name(), Unit: "ms", N: len(s.took), Failed: s.failed}
	if s.why != nil {
		out.Why = s.why.Error()
	}
	out.fill(s.took)
	if len(floors) > 0 && out.N > 0 {
		out.Floor, out.Ratio = floor, out.Value/gauge.MS(gauge.Quantile(floors, 50))
	}
	r.report.Rows = append(r.report.Rows, out)
}

// addFloors adds those that were measured in turns with a scenario.
func (r *run) addFloors(scenario string, floors map[string][]time.Duration) {
	for _, kind := range floor.Kinds {
		out := row{Scenario: scenario, Contender: "floor: " + kind, Unit: "ms", N: len(floors[kind])}
		out.fill(floors[kind])
		r.report.Rows = append(r.report.Rows, out)
	}
}

// fill sorts a list and describes it.
func (w *row) fill(list []time.Duration) {
	if len(list) == 0 {
		return
	}
	slices.Sort(list)
	w.Value, w.P99 = gauge.MS(gauge.Quantile(list, 50)), gauge.MS(gauge.Quantile(list, 99))
	for _, d := range list {
		w.Samples = append(w.Samples, gauge.MS(d))
	}
}

// print writes the report as tables, one for each scenario.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %s\n", r.Machine, r.Server, r.Go)
	for _, module := range sorted(r.Using) {
		fmt.Fprintf(w, "  %s %s\n", module, r.Using[module])
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	scenario := ""
	for _, row := range r.Rows {
		if row.Scenario != scenario {
			scenario = row.Scenario
			fmt.Fprintf(t, "\n%s\n  \tn\tmiddle\tp99\t\tof the floor\n", scenario)
		}
		fmt.Fprintln(t, row.line())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, name := range sorted(r.Notes) {
		fmt.Fprintf(w, "%s: %s\n", name, r.Notes[name])
	}
	return nil
}

// line is a row of the table.
func (w row) line() string {
	cells := []string{"  " + w.Contender, fmt.Sprint(w.N), gauge.Figure(w.Value), "", w.Unit, ""}
	if len(w.Samples) > 1 {
		cells[3] = gauge.Figure(w.P99)
	}
	if w.N == 0 {
		cells[2] = "cannot"
	}
	if w.Floor != "" {
		cells[5] = fmt.Sprintf("%.1f x %s", w.Ratio, w.Floor)
	}
	if w.Failed > 0 {
		cells[5] += fmt.Sprintf("; failed %d times: %s", w.Failed, strings.ReplaceAll(w.Why, "\n", "; "))
	}
	return strings.Join(cells, "\t")
}

func sorted(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
