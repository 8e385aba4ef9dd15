//go:build mutation

package sim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A mutation takes one guard of the lease rules out. The product has no hooks for it:
// the compiler is given a changed copy of the file (go test -overlay), and a test that
// is green otherwise must fail. The scripts run as the Go model here, so their guards
// are taken out there; the conformance suite holds model and Lua together.
type mutation struct {
	guard string // what is taken out
	edits []edit
	// found names the tests that must fail; all of them are run. pkg is theirs,
	// default this one.
	found string
	pkg   string
}

type edit struct{ file, old, new string }

// These take minutes: go test -tags mutation -run MutationsAreFound ./actors/sim
// HUSTINGS_MUTATION is a pattern for their guards.
func TestMutationsAreFound(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	only := regexp.MustCompile(os.Getenv("HUSTINGS_MUTATION"))
	var table strings.Builder
	for _, m := range mutations {
		if !only.MatchString(m.guard) {
			continue
		}
		t.Run(m.guard, func(t *testing.T) {
			start := time.Now()
			by := m.run(t, root)
			fmt.Fprintf(&table, "%-55s %5.1fs  %s\n", m.guard, time.Since(start).Seconds(), by)
		})
	}
	t.Logf("each found within %d seeds a test:\n%s", seedsPerCase, table.String())
}

// Quick: whoever changes a guarded line learns it before an hour of mutations does.
func TestEveryMutationIsStillOfTheSourceText(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		t.Run(m.guard, func(t *testing.T) { m.overlay(t, root) })
	}
}

// run reports which tests found the mutation, and in which seed.
func (m *mutation) run(t *testing.T, root string) string {
	t.Helper()
	pkg := m.pkg
	if pkg == "" {
		pkg = "./actors/sim"
	}
	cmd := exec.Command("go", "test", "-count=1", "-vet=off", "-overlay="+m.overlay(t, root), "-run", "^("+m.found+")$", pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "HUSTINGS_SEED=", "HUSTINGS_SEEDS=", "HUSTINGS_TWICE=")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("nobody notices that it is gone:\n%s", out)
		return "NOBODY"
	}
	if !strings.Contains(string(out), "--- FAIL: ") {
		t.Fatalf("it did not run: %v\n%s", err, out)
	}
	return foundBy(t, m.found, string(out))
}

var (
	failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
	failedSeed = regexp.MustCompile(`sim: seed (\d+) failed`)
)

// foundBy reads the output: every test that was named must have failed, so that a case
// that has stopped to bite is noticed although another one bites.
func foundBy(t *testing.T, want, out string) string {
	t.Helper()
	var by []string
	failed := map[string]bool{}
	places := failedTest.FindAllStringSubmatchIndex(out, -1)
	for i, at := range places {
		name := out[at[2]:at[3]]
		failed[name] = true
		end := len(out)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		seed := ""
		if s := failedSeed.FindStringSubmatch(out[at[0]:end]); s != nil {
			seed = " (seed " + s[1] + ")"
		}
		by = append(by, name+seed)
	}
	for name := range strings.SplitSeq(want, "|") {
		if !failed[name] {
			t.Errorf("%s does not notice", name)
		}
	}
	return strings.Join(by, ", ")
}

// overlay writes the changed copies and the file that tells the compiler of them.
func (m *mutation) overlay(t *testing.T, root string) string {
	t.Helper()
	changed := map[string]string{}
	for _, e := range m.edits {
		text, ok := changed[e.file]
		if !ok {
			raw, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s has %d times, not once, what is to be taken out:\n%s", e.file, n, e.old)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range changed {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = copied
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
