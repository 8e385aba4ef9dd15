package fsm

import (
	"fmt"
	"slices"
	"strings"
)

//go:generate go run internal/genstates/main.go ../docs/states.md

// Mermaid returns the table as a Mermaid state diagram. The states given are
// marked, so that a page can show where an election stands. The text is the same
// at every call; anybody may call it.
func Mermaid(current ...State) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    direction LR\n    [*] --> idle\n")
	eachTransition(func(from State, ev Event, to State) {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, ev)
	})
	if len(current) > 0 {
		b.WriteString("    classDef current fill:#1a7f37,color:#ffffff,font-weight:bold\n")
	}
	for _, row := range Table.States {
		if slices.Contains(current, row.State) {
			fmt.Fprintf(&b, "    class %s current\n", row.Name)
		}
	}
	return b.String()
}

// Graphviz returns the table as a graph in the DOT language, with the states given
// marked. The text is the same at every call; anybody may call it.
func Graphviz(current ...State) string {
	var b strings.Builder
	b.WriteString("digraph election {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n")
	for _, row := range Table.States {
		mark := ""
		if slices.Contains(current, row.State) {
			mark = ", style=\"rounded,filled\", fillcolor=\"#1a7f37\", fontcolor=\"#ffffff\""
		}
		fmt.Fprintf(&b, "    %q [tooltip=%q%s];\n", row.Name, row.About, mark)
	}
	eachTransition(func(from State, ev Event, to State) {
		fmt.Fprintf(&b, "    %q -> %q [label=%q];\n", from.String(), to.String(), ev.String())
	})
	b.WriteString("}\n")
	return b.String()
}

// eachTransition calls f for every cell of the table that is a transition, by state
// and then by event.
func eachTransition(f func(from State, ev Event, to State)) {
	for _, s := range Table.States {
		for _, e := range Table.Events {
			if to, ok := Table.Next(s.State, e.Event); ok {
				f(s.State, e.Event, to)
			}
		}
	}
}

// Markdown returns docs/states.md: the table in words, cell by cell, and as a
// diagram.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`<!-- Made from fsm.Table by "go generate ./fsm". Change the table, not this page. -->

# The states of an election

Seen from one candidate. An election is in one of six states; six events move it. Whatever
is not a transition below is ignored in that state.

` + "```mermaid\n" + Mermaid() + "```\n" + `
## States

| state | meaning | ends by itself |
|---|---|---|
`)
	for _, s := range Table.States {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, s.About, s.Timeout)
	}
	b.WriteString("\n## Events\n\n| event | from | to | when |\n|---|---|---|---|\n")
	for _, e := range Table.Events {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", e.Name, names(e.From), e.To, e.When)
	}
	b.WriteString("\n## Every state, every event\n\nA name is the state that follows; a dash means that the event is ignored.\n\n| |")
	for _, e := range Table.Events {
		fmt.Fprintf(&b, " %s |", e.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(Table.Events)) + "\n")
	for _, s := range Table.States {
		fmt.Fprintf(&b, "| **%s** |", s.Name)
		for _, e := range Table.Events {
			cell := "–"
			if to, ok := Table.Next(s.State, e.Event); ok {
				cell = to.String()
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func names(states []State) string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = "`" + s.String() + "`"
	}
	return strings.Join(out, ", ")
}
