package fsm_test

import (
	"fmt"
	"strings"

	"hustings/fsm"
)

// The diagram with the current state marked, for a page that draws Mermaid.
func ExampleMermaid() {
	for line := range strings.Lines(fsm.Mermaid(fsm.Waiting)) {
		if strings.Contains(line, "waiting") {
			fmt.Print(strings.TrimSpace(line), "\n")
		}
	}
	// Output:
	// voting --> waiting: polled
	// waiting --> won: elected
	// waiting --> lost: defeated
	// waiting --> inconclusive: undecided
	// waiting --> idle: withdraw
	// class waiting current
}
