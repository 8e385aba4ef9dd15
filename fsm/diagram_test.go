package fsm_test

import (
	"os"
	"strings"
	"testing"

	"hustings/fsm"
)

func TestThePageOfStatesIsFresh(t *testing.T) {
	page, err := os.ReadFile("../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != fsm.Markdown() {
		t.Error(`docs/states.md is stale: run "go generate ./fsm"`)
	}
}

func TestADiagramNamesEveryStateAndEveryEvent(t *testing.T) {
	for name, text := range map[string]string{"Mermaid": fsm.Mermaid(), "Graphviz": fsm.Graphviz(), "Markdown": fsm.Markdown()} {
		for _, row := range fsm.Table.States {
			if !strings.Contains(text, row.Name) {
				t.Errorf("%s does not name the state %s", name, row.Name)
			}
		}
		for _, row := range fsm.Table.Events {
			if !strings.Contains(text, row.Name) {
				t.Errorf("%s does not name the event %s", name, row.Name)
			}
		}
	}
}

func TestADiagramHasOneArrowForEachTransition(t *testing.T) {
	want := 0
	for _, row := range fsm.Table.Events {
		want += len(row.From)
	}
	if n := strings.Count(fsm.Mermaid(), " --> ") - 1; n != want { // one is the start's
		t.Errorf("Mermaid has %d arrows, want %d", n, want)
	}
	if n := strings.Count(fsm.Graphviz(), " -> "); n != want {
		t.Errorf("Graphviz has %d arrows, want %d", n, want)
	}
}

func TestADiagramMarksTheCurrentStateOnly(t *testing.T) {
	if m := fsm.Mermaid(fsm.Won); !strings.Contains(m, "class won current\n") || strings.Count(m, " current\n") != 1 {
		t.Errorf("Mermaid does not mark won alone:\n%s", m)
	}
	if g := fsm.Graphviz(fsm.Won); strings.Count(g, "fillcolor") != 1 || !strings.Contains(g, `"won" [tooltip="Holds the lease.", style="rounded,filled"`) {
		t.Errorf("Graphviz does not mark won alone:\n%s", g)
	}
	if strings.Contains(fsm.Mermaid()+fsm.Graphviz(), "fill") {
		t.Error("a diagram without a current state marks one")
	}
}

func TestADiagramIsTheSameEveryTime(t *testing.T) {
	first := fsm.Mermaid(fsm.Lost) + fsm.Graphviz(fsm.Lost)
	for range 20 {
		if fsm.Mermaid(fsm.Lost)+fsm.Graphviz(fsm.Lost) != first {
			t.Fatal("two calls differ")
		}
	}
}
