package sim_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// A bubble fails the test that it was called in, so what it says then is read from a child.

// failingVariable names, for the child, which of the failing scenarios to run.
const failingVariable = "HUSTINGS_TEST_FAILING"

// failing is what must fail, with what it must say. Seed 3 is the one that fails.
var failing = map[string]struct {
	run  func(t *testing.T)
	says []string
}{
	"Fail in Go code": {
		inGoCode(func(_ *testing.T, w *sim.World) { w.Fail("mine", errors.New("something is wrong")) }),
		[]string{"mine: something is wrong", "failed at 20s", "FAILED mine something is wrong"},
	},
}

// inGoCode has two nodes' Go code do something wrong after 20 s, both at once.
func inGoCode(wrong func(*testing.T, *sim.World)) func(*testing.T) {
	return func(t *testing.T) {
		sim.Bubble(t, 5, func(w *sim.World) {
			for _, id := range []string{"a", "b"} {
				w.Node(id, actors.Config{}).Go(func(context.Context, *actors.Node) {
					for w.Now() < 20*time.Second {
						time.Sleep(100 * time.Millisecond)
					}
					if w.Seed() == 3 {
						wrong(t, w)
					}
				})
			}
			w.Run(30 * time.Second)
		})
	}
}

// TestFailing is the child; otherwise it does nothing.
func TestFailing(t *testing.T) {
	if f, ok := failing[os.Getenv(failingVariable)]; ok {
		f.run(t)
	}
}

// Whatever goes wrong in a bubble, its seed is named, and the binary goes on with the next test.
func TestWhatFailsInABubbleNamesItsSeed(t *testing.T) {
	for name, f := range failing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run", "^TestFailing$", "-test.timeout", "1m") //nolint:gosec // ourselves
			cmd.Env = append(os.Environ(), failingVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("it passed:\n%s", out)
			}
			for _, text := range append([]string{"seed 3", "HUSTINGS_SEED=3"}, f.says...) {
				if !strings.Contains(string(out), text) {
					t.Errorf("it does not say %q", text)
				}
			}
			for _, text := range []string{"panic: ", "DATA RACE"} {
				if strings.Contains(string(out), text) {
					t.Errorf("it says %q", text)
				}
			}
			if t.Failed() {
				t.Logf("it says:\n%s", out)
			}
		})
	}
}
