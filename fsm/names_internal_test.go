package fsm

import (
	"strings"
	"testing"
)

// Metrics and logs name them: a value without a name would show as a number.
func TestEveryOutcomeAndVerdictHasAShortName(t *testing.T) {
	for o := range numOutcomes {
		if name := o.String(); name == "" || strings.Contains(name, "(") {
			t.Errorf("outcome %d is called %q: give it a name in outcomeNames", uint8(o), name)
		}
	}
	for v := range numVerdicts {
		if name := v.String(); name == "" || strings.Contains(name, "(") {
			t.Errorf("verdict %d is called %q: give it a name in verdictNames", uint8(v), name)
		}
	}
}
