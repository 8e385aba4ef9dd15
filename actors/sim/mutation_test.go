//go:build mutation

package sim_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mutation takes one guard of the lease rules out. The product has no hooks for it:
// the compiler is given changed copies of the files (see mutation_build_test.go), and tests
// that are green otherwise must fail. The scripts run as the Go model here, so their guards
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

// go test -tags mutation -run MutationsAreFound ./actors/sim
// HUSTINGS_MUTATION is a pattern for their guards.
func TestMutationsAreFound(t *testing.T) {
	b := buildMutants(t)
	t.Run("none", func(t *testing.T) { b.green(t) })
	only := regexp.MustCompile(os.Getenv("HUSTINGS_MUTATION"))
	table := make([]string, len(mutations))
	t.Run("one", func(t *testing.T) {
		for i, m := range mutations {
			if !only.MatchString(m.guard) {
				continue
			}
			t.Run(m.guard, func(t *testing.T) {
				t.Parallel()
				start := time.Now()
				by := b.found(t, i)
				table[i] = fmt.Sprintf("%-85s %5.1fs  %s\n", m.guard, time.Since(start).Seconds(), by)
			})
		}
	})
	t.Logf("each found within %d seeds a test:\n%s", seedsPerCase, strings.Join(table, ""))
}

// What the standard swarm finds of them, which is aimed at none: a table for
// docs/simulation.md, and no test. HUSTINGS_MUTANT_SEEDS says how many seeds each gets.
func TestWhichMutationsTheSwarmFinds(t *testing.T) {
	seeds, _ := strconv.Atoi(os.Getenv("HUSTINGS_MUTANT_SEEDS"))
	if seeds == 0 {
		t.Skip("takes an hour; HUSTINGS_MUTANT_SEEDS=1000 runs it")
	}
	b := buildMutants(t)
	only := regexp.MustCompile(os.Getenv("HUSTINGS_MUTATION"))
	for i, m := range mutations {
		if !only.MatchString(m.guard) {
			continue
		}
		out, err := b.run("./actors/sim", i+1, "TestSweepOfTheStandardSwarm", fmt.Sprintf("HUSTINGS_SEEDS=%d", seeds))
		seed, rule := "-", ""
		if s := failedSeed.FindStringSubmatch(out); err != nil && s != nil {
			seed = s[1]
		}
		if r := failedRule.FindStringSubmatch(out); r != nil {
			rule = r[1]
		}
		t.Logf("%-85s %6s  %s", m.guard, seed, rule)
	}
}

// Quick: whoever changes a guarded line learns it before minutes of mutations do.
func TestEveryMutationIsStillOfTheSourceText(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	overlay(t, root)
}

// mutants are the test binaries in which every mutation can be switched on.
type mutants struct {
	root string
	bin  map[string]string // by package
}

func buildMutants(t *testing.T) *mutants {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := &mutants{root: root, bin: map[string]string{}}
	changed, dir := overlay(t, root), t.TempDir()
	for _, m := range mutations {
		pkg := m.in()
		if b.bin[pkg] != "" {
			continue
		}
		b.bin[pkg] = filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(pkg, "./"), "/", "_")+".test")
		cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay="+changed, "-o", b.bin[pkg], pkg)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("a mutation does not compile: %v\n%s", err, out)
		}
	}
	return b
}

// in is the package of the tests that find the mutation.
func (m *mutation) in() string {
	if m.pkg == "" {
		return "./actors/sim"
	}
	return m.pkg
}

// run runs tests with one mutation in force, from 1 on; 0 is none.
func (b *mutants) run(pkg string, number int, tests string, env ...string) (string, error) {
	cmd := exec.Command(b.bin[pkg], "-test.run", "^("+tests+")$", "-test.timeout", "10m")
	cmd.Dir = filepath.Join(b.root, pkg)
	cmd.Env = append(os.Environ(), "HUSTINGS_SEED=", "HUSTINGS_SEEDS=", "HUSTINGS_TWICE=", fmt.Sprintf("%s=%d", mutantVariable, number))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// green: with no mutation in force all these tests pass. So they fail of nothing else.
func (b *mutants) green(t *testing.T) {
	t.Helper()
	tests := map[string][]string{}
	for _, m := range mutations {
		tests[m.in()] = append(tests[m.in()], m.found)
	}
	for pkg, names := range tests {
		if out, err := b.run(pkg, 0, strings.Join(names, "|")); err != nil {
			t.Errorf("without a mutation: %v\n%s", err, out)
		}
	}
}

// found reports which tests found a mutation, and in which seed.
func (b *mutants) found(t *testing.T, i int) string {
	t.Helper()
	m := mutations[i]
	out, err := b.run(m.in(), i+1, m.found)
	if err == nil {
		t.Errorf("nobody notices that it is gone:\n%s", out)
		return "NOBODY"
	}
	if !strings.Contains(out, "--- FAIL: ") {
		t.Fatalf("it did not run: %v\n%s", err, out)
	}
	return foundBy(t, m.found, out)
}

var (
	failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
	failedSeed = regexp.MustCompile(`sim: seed (\d+) failed`)
	failedRule = regexp.MustCompile(`sim: seed \d+ failed.*\n\s*([^:\n]+):`)
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
