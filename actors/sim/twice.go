package sim

import (
	"fmt"
	"strings"
)

// chronicle is all lines of a run, for comparing it with another one of the same seed.
type chronicle []recorded

// recorded is a line, and the digest of all that has happened up to it.
type recorded struct {
	entry
	hash digest
}

// ran is what is compared of two runs.
type ran struct {
	hash  uint64
	lines chronicle
}

// keepAll has the world keep every line of its trace.
func keepAll(o *options) { o.all = new(chronicle) }

// ran is what there is to compare.
func (w *World) ran() ran {
	r := ran{hash: w.Hash()}
	if w.trace.all != nil {
		r.lines = *w.trace.all
	}
	return r
}

// How many lines are shown: before two runs part, and of each from there on.
const (
	linesBefore = 8
	linesAfter  = 3
)

// notDeterministic says where two runs of a seed part.
func notDeterministic(seed uint64, first, second ran) string {
	parts := 0
	for parts < min(len(first.lines), len(second.lines)) && first.lines[parts].hash == second.lines[parts].hash {
		parts++
	}
	var s strings.Builder
	fmt.Fprintf(&s, "sim: seed %d is not deterministic: trace %016x, then %016x; ", seed, first.hash, second.hash)
	if parts == 0 {
		s.WriteString("they part at once\n")
	} else {
		s.WriteString("they are the same up to\n")
	}
	first.lines.show(&s, max(parts-linesBefore, 0), parts)
	s.WriteString("  the first run:\n")
	line := first.lines.show(&s, parts, parts+linesAfter)
	s.WriteString("  the second run:\n")
	if second.lines.show(&s, parts, parts+linesAfter) == line {
		s.WriteString("  They part before that line, by an event that has no line.\n")
	}
	s.WriteString("  What two runs of a seed do differently is by chance that is not the seed's: the order of a map, the global random source, a select of " +
		"which two cases are ready, goroutines of one Go function that wake at one instant, or what a run leaves behind for the next.")
	return s.String()
}

// show writes some lines, and returns the first.
func (r chronicle) show(s *strings.Builder, from, to int) (first string) {
	if from >= len(r) && from < to {
		s.WriteString("    (it ends there)\n")
		return ""
	}
	for i := from; i < min(to, len(r)); i++ {
		line := r[i].String()
		fmt.Fprintf(s, "    %s\n", line)
		if i == from {
			first = line
		}
	}
	return first
}
