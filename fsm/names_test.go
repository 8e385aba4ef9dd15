package fsm_test

import (
	"testing"

	"hustings/fsm"
)

func TestEveryCauseHasAShortNameOfItsOwn(t *testing.T) {
	seen := map[string]fsm.CauseCode{}
	for _, c := range fsm.Codes() {
		name := c.String()
		if name == "" {
			t.Errorf("code %d has no name: give it one in causeNames", c)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("codes %d and %d are both %q", other, c, name)
		}
		seen[name] = c
		for _, r := range name {
			if r != '_' && (r < 'a' || r > 'z') {
				t.Errorf("%q: names are of a-z and _, metrics select by them", name)
				break
			}
		}
	}
}
