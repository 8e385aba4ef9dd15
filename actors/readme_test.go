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

// snippets are the Go blocks of the docs that are no whole programs, each with what must
// be around it to compile. "…" in a block stands for what the reader does.
var snippets = []struct{ page, before, after string }{
	{"fencing.md", "func _(ctx context.Context, client redis.UniversalClient, leadership *actors.Leadership, next string) error {", "return err }"},
	{"inspect.md", "func _(node *actors.Node, mux *http.ServeMux, server *http.Server) {", "}"},
	{"metrics.md", "func _(cfg actors.Config) {", "_ = cfg }"},
	{"metrics.md", "var _ metric.Option = ", ""},
	{"simulation.md", "", ""},
	{"simulation.md", "func _(c *clerk, m struct{ token uint64 }) { ", "; _ = leads }"},
	{"simulation.md", "func _(t *testing.T) {", "}"},
	{"simulation.md", "func _(w *sim.World, program func(context.Context, *actor.ActorSystem, actors.Config) error) {", "}"},
	{"simulation.md", "func _(ctx context.Context, node *actors.Node, n *sim.Node) error { var err error; {", "; _ = err }; return err }"},
	{"simulation.md", "func _(w *sim.World, workers *atomic.Int64) {", "}"},
	{"simulation.md", "type store struct { calls sync.WaitGroup; late func() time.Duration }", ""},
}

const snippetsHead = `package snippets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

type ledger struct{ done map[int]bool }

func clerks(*sim.World, bool) *ledger { return nil }

func assumed() []sim.Hazard { return nil }

type clerk struct {
	leads, careful bool
	node           *sim.Node
}

func work(context.Context, *actors.Leadership) error { return nil }
`

// What is compiled are the docs themselves; a block that is new must be put into the
// table, so that none is left out.
func TestTheSnippetsOfTheDocsCompile(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	blocks := map[string][]string{}
	for _, page := range pages {
		for _, part := range strings.Split(read(t, page), "```go\n")[1:] {
			block, _, _ := strings.Cut(part, "```")
			blocks[filepath.Base(page)] = append(blocks[filepath.Base(page)], block)
		}
	}
	code := snippetsHead
	for _, s := range snippets {
		if len(blocks[s.page]) == 0 {
			t.Fatalf("docs/%s has fewer Go blocks than the table of this test", s.page)
		}
		block := strings.ReplaceAll(blocks[s.page][0], "…", "panic(err)")
		blocks[s.page] = blocks[s.page][1:]
		code += s.before + "\n" + block + s.after + "\n"
	}
	for page, left := range blocks {
		for _, b := range left {
			t.Errorf("docs/%s has a Go block that this test does not know:\n%s", page, b)
		}
	}
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "snippets.go"), filepath.Join(dir, "overlay.json")
	write(t, file, code)
	place, err := filepath.Abs("../docs/img/snippets.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, overlay, `{"Replace":{`+quote(place)+`:`+quote(file)+`}}`)
	if out, err := exec.Command("go", "vet", "-overlay", overlay, "hustings/docs/img").CombinedOutput(); err != nil {
		t.Errorf("the snippets do not compile: %v\n%s\n%s", err, out, code)
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
