package actors_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The README's program is a whole one, and its function lead is the one that Example
// runs: what people copy compiles, and works.
func TestTheReadmesProgramCompilesAndIsTheExample(t *testing.T) {
	program := between(t, read(t, "../README.md"), "```go\n", "```\n")
	want := between(t, read(t, "example_test.go"), "\nfunc lead(", "\n}\n")
	if got := between(t, program, "\nfunc lead(", "\n}\n"); got != want {
		t.Errorf("README.md has\n%s\nand actors/example_test.go has\n%s\nmake them the same", got, want)
	}

	// The file exists in the overlay only, in a folder that has no other Go file, so
	// that it needs no module of its own.
	dir := t.TempDir()
	main, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	write(t, main, program)
	place, err := filepath.Abs("../docs/main.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, overlay, `{"Replace":{`+quote(place)+`:`+quote(main)+`}}`)
	cmd := exec.Command("go", "vet", "-overlay", overlay, "hustings/docs")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the program in README.md does not compile: %v\n%s", err, out)
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `\`, `\\`) + `"` }

func between(t *testing.T, s, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, from)
	inner, _, closed := strings.Cut(rest, to)
	if !ok || !closed {
		t.Fatalf("there is no text between %q and %q", from, to)
	}
	return inner
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
