package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgsvg" // the format of the files
)

// Plot draws the report's figures as SVG files in a folder: each latency as the share of
// samples below it, each cost against the size that it grows with.
func (r *Report) Plot(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // not secret
		return err
	}
	for _, p := range []struct {
		file, title, what, unit string
	}{
		{"first-leader", "first leader, from Run at all nodes at once", "first leader", "ms"},
		{"handover", "handover, from Resign to Won", "handover", "ms"},
		{"failover", "failover, from the end of the dead leader's session", "failover after expiry", "ms"},
		{"failover-disconnect", "failover under OnDisconnect, from SIGKILL", "failover after SIGKILL", "ms"},
	} {
		if err := r.distributions(filepath.Join(dir, p.file+".svg"), p.title, p.what, p.unit); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		file, title, what, x, y string
	}{
		{"steady", "sent by each node while nothing happens, TTL 5 s", "steady: sent by each node", "nodes", "requests/s"},
		{"failover-cost", "a failover, whole fleet", "failover: requests beside heartbeats", "nodes", "requests"},
		{"many", "elections of one process: all led", "many: all led", "elections", "ms"},
	} {
		if err := r.growth(filepath.Join(dir, p.file+".svg"), p.title, p.what, p.x, p.y); err != nil {
			return err
		}
	}
	return nil
}

// distributions plots what share of the samples is below a latency, a line a case.
func (r *Report) distributions(file, title, what, unit string) error {
	var lines []any
	for _, row := range r.Rows {
		if row.What != what || len(row.Samples) < 2 {
			continue
		}
		points := make(plotter.XYs, len(row.Samples))
		for i, v := range row.Samples { // sorted
			points[i] = plotter.XY{X: v, Y: float64(i+1) / float64(len(row.Samples))}
		}
		lines = append(lines, row.Case, points)
	}
	return draw(file, title, unit, "share of samples", lines, false)
}

// growth plots a figure against its size. Rows of one size each belong to one line.
func (r *Report) growth(file, title, what, x, y string) error {
	points := map[string]plotter.XYs{}
	var order []string
	for _, row := range r.Rows {
		if row.What != what || row.X == 0 {
			continue
		}
		// "10 nodes, 1000 elections" belongs to the line of "1000 elections".
		_, line, _ := strings.Cut(row.Case, ", ")
		if points[line] == nil {
			order = append(order, line)
		}
		points[line] = append(points[line], plotter.XY{X: row.X, Y: row.Value})
	}
	var lines []any
	for _, name := range order {
		lines = append(lines, name, points[name])
	}
	return draw(file, title, x, y, lines, true)
}

func draw(file, title, x, y string, lines []any, dots bool) error {
	if len(lines) == 0 {
		return nil // not measured
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = false, false
	p.Add(plotter.NewGrid())
	add := plotutil.AddLines
	if dots {
		add = plotutil.AddLinePoints
	}
	if err := add(p, lines...); err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	if err := p.Save(16*vg.Centimeter, 10*vg.Centimeter, file); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}
