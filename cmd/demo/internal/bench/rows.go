package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"hustings/cmd/demo/internal/gauge"
)

// Row is one figure of a report.
type Row struct {
	// What was measured, and in which Case: "handover", "3 nodes".
	What string `json:"what"`
	Case string `json:"case"`
	// N is how often; Value is the middle where that is more than once. P99 and
	// Max are the slow end, 0 without one.
	N     int     `json:"n,omitempty"`
	Value float64 `json:"value"`
	P99   float64 `json:"p99,omitempty"`
	Max   float64 `json:"max,omitempty"`
	Unit  string  `json:"unit"`
	// Floor names the row of the floor that Ratio compares Value with.
	Floor string  `json:"floor,omitempty"`
	Ratio float64 `json:"ratio,omitempty"`
	// X is the size that a plot puts Value against, Samples what it makes a
	// distribution of.
	X       float64   `json:"x,omitempty"`
	Samples []float64 `json:"samples,omitempty"`
}

// add adds a figure. What it returns is the row until the next one is added.
func (r *run) add(what, in, unit string, value, x float64) *Row {
	r.report.Rows = append(r.report.Rows, Row{What: what, Case: in, Unit: unit, Value: value, X: x})
	return &r.report.Rows[len(r.report.Rows)-1]
}

// latencies adds a distribution, in milliseconds.
func (r *run) latencies(what, in string, list []time.Duration, floor string, least time.Duration) {
	if len(list) == 0 {
		return
	}
	slices.Sort(list)
	row := Row{
		What: what, Case: in, Unit: "ms", N: len(list), Value: gauge.MS(gauge.Quantile(list, 50)),
		P99: gauge.MS(gauge.Quantile(list, 99)), Max: gauge.MS(list[len(list)-1]),
	}
	if least > 0 {
		row.Floor, row.Ratio = floor, float64(gauge.Quantile(list, 50))/float64(least)
	}
	for _, d := range list {
		row.Samples = append(row.Samples, gauge.MS(d))
	}
	r.report.Rows = append(r.report.Rows, row)
}

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %s\n\n", r.Machine, r.Server, r.Go)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tcase\tn\tmiddle\tp99\tmax\tunit\tof the floor")
	for _, row := range r.Rows {
		cells := []string{row.What, row.Case, "", gauge.Figure(row.Value), "", "", row.Unit, ""}
		if row.N > 0 {
			cells[2], cells[4], cells[5] = fmt.Sprint(row.N), gauge.Figure(row.P99), gauge.Figure(row.Max)
		}
		if row.Floor != "" {
			cells[7] = fmt.Sprintf("%.1f x %s", row.Ratio, row.Floor)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}
