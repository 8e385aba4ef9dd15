// Package hustings_test checks the project as a whole. First, its architecture:
// who may import whom, what may lie where, and where time and chance may come from.
// Then the stories of docs/traces, and last an election among real processes.
package hustings_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"hustings/actors/sim"
)

const module = "hustings"

// mayImport is the import table of the design: what the non-test files of each
// package may import besides the standard library. An entry that ends in "/..."
// allows what lies below it too (of protoactor, other packages race, leak or
// read the real clock). A package without a row may not exist; a row may name
// only rows above it.
var mayImport = []importRow{
	{"fsm", []string{
		"github.com/looplab/fsm",
	}},
	{"redisbridge", []string{
		"hustings/fsm",
		"github.com/asynkron/protoactor-go/actor", "github.com/asynkron/protoactor-go/eventstream",
		"github.com/redis/go-redis/v9/...",
		"github.com/vmihailenco/msgpack/v5",
	}},
	{"redisbridge/redistest", []string{
		"hustings/fsm", "hustings/redisbridge",
		"github.com/alicebob/miniredis/v2/...",
		"github.com/redis/go-redis/v9/...",
	}},
	{"actors", []string{
		"hustings/fsm", "hustings/redisbridge",
		"github.com/asynkron/protoactor-go/actor", "github.com/asynkron/protoactor-go/eventstream",
		"go.opentelemetry.io/otel/metric/...",
		"go.opentelemetry.io/otel/attribute", // the labels in the metric API's signatures
	}},
	{"actors/sim", []string{
		"hustings/fsm", "hustings/redisbridge", "hustings/actors",
		"github.com/asynkron/protoactor-go/actor", "github.com/asynkron/protoactor-go/eventstream",
	}},
	{"actors/inspect", []string{
		"hustings/fsm", "hustings/actors",
	}},
	{"cmd/demo", []string{"..."}},
}

type importRow struct {
	pkg     string
	imports []string
}

// topLevel is what the top folder holds, besides files whose name starts with a dot.
var topLevel = []string{
	"README.md", "LICENSE", "go.mod", "go.sum", "actors_test.go",
	"fsm", "redisbridge", "actors", "cmd", "docs",
}

func TestEveryPackageImportsOnlyWhatItsRowAllows(t *testing.T) {
	for _, f := range sources(t) {
		row := slices.IndexFunc(mayImport, func(r importRow) bool { return r.pkg == f.pkg })
		if row < 0 {
			t.Errorf("%s: package %q has no row in the import table", f.name, f.pkg)
			continue
		}
		for _, imp := range f.syntax.Imports {
			p := unquote(imp.Path)
			if !standard(p) && !slices.ContainsFunc(mayImport[row].imports, func(allowed string) bool { return matches(allowed, p) }) {
				t.Errorf("%s: package %s may not import %s", f.name, f.pkg, p)
			}
		}
	}
}

func TestEveryRowOfTheImportTableNamesOnlyRowsAboveIt(t *testing.T) {
	above := map[string]bool{}
	for _, row := range mayImport {
		for _, imp := range row.imports {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok && !above[own] {
				t.Errorf("%s names %s, which is not above it", row.pkg, imp)
			}
		}
		above[row.pkg] = true
	}
}

func TestTheTopLevelHoldsNothingButTheAllowedNames(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s does not belong to the top level; it holds %s", e.Name(), strings.Join(topLevel, ", "))
		}
	}
}

// realTime are the functions of package time that read or wait for the clock.
var realTime = []string{"Now", "AfterFunc", "Sleep", "NewTimer", "NewTicker", "Tick", "After", "Since", "Until"}

// seeded is what of math/rand does not draw from its global source: types, and
// the functions that make them.
var seeded = []string{
	"Rand", "Source", "Source64", "Zipf", "PCG", "ChaCha8",
	"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf",
}

func TestOnlyTheClocksFileReadsTheClock(t *testing.T) {
	for _, f := range sources(t) {
		// The fault proxy and server starter deal with real sockets and processes,
		// the demo shows real time to people. In a bubble of testing/synctest package
		// time is virtual: it is what the code under test reads there.
		if f.name == "redisbridge/clock.go" || f.name == "actors/sim/bubble.go" || f.pkg == "redisbridge/redistest" || f.pkg == "cmd/demo" {
			continue
		}
		for use := range f.uses("time") {
			if slices.Contains(realTime, use.Sel.Name) {
				t.Errorf("%s: time.%s: time comes from redisbridge.Clock", f.at(use), use.Sel.Name)
			}
		}
	}
}

func TestNoPackageDrawsFromTheGlobalRandomSource(t *testing.T) {
	for _, f := range sources(t) {
		for _, p := range []string{"math/rand", "math/rand/v2"} {
			for use := range f.uses(p) {
				if !slices.Contains(seeded, use.Sel.Name) {
					t.Errorf("%s: rand.%s draws from the global source, which no seed can replay", f.at(use), use.Sel.Name)
				}
			}
		}
	}
}

func TestTheCoreAndTheActorsHaveNoMutex(t *testing.T) {
	for _, f := range sources(t) {
		if f.pkg != "fsm" && f.pkg != "actors" {
			continue
		}
		for use := range f.uses("sync") {
			if use.Sel.Name == "Mutex" || use.Sel.Name == "RWMutex" {
				t.Errorf("%s: sync.%s: state belongs to one actor; what others read is an atomic value", f.at(use), use.Sel.Name)
			}
		}
	}
}

func TestNothingIsImportedWithADot(t *testing.T) {
	// The checks above look for "package.Name".
	for _, f := range sources(t) {
		for _, imp := range f.syntax.Imports {
			if imp.Name != nil && imp.Name.Name == "." {
				t.Errorf("%s: dot import of %s", f.name, unquote(imp.Path))
			}
		}
	}
}

// source is one non-test Go file of the project.
type source struct {
	name   string // path from the top level, with slashes
	pkg    string // its folder
	syntax *ast.File
	fset   *token.FileSet
}

// sources parses every Go file that is part of a build: not tests, nor what the
// go command ignores (folders that start with "." or "_", testdata), nor
// generators marked "//go:build ignore".
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if slices.Contains(strings.Split(string(text), "\n"), "//go:build ignore") {
			return nil
		}
		syntax, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{name: name, pkg: path.Dir(name), syntax: syntax, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no sources found: the test must run in the top level folder")
	}
	return all
}

// uses yields every selector expression on the package with that import path.
func (f source) uses(importPath string) func(yield func(*ast.SelectorExpr) bool) {
	return func(yield func(*ast.SelectorExpr) bool) {
		for _, imp := range f.syntax.Imports {
			if unquote(imp.Path) != importPath {
				continue
			}
			local := path.Base(importPath)
			if local == "v2" {
				local = path.Base(path.Dir(importPath))
			}
			if imp.Name != nil {
				local = imp.Name.Name
			}
			stop := false
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && !stop {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
						stop = !yield(sel)
					}
				}
				return !stop
			})
		}
	}
}

func (f source) at(n ast.Node) token.Position { return f.fset.Position(n.Pos()) }

// standard tells packages of the standard library: no dot in the first element
// of the path, and not ours.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return first != module && !strings.Contains(first, ".")
}

func matches(allowed, importPath string) bool {
	if below, ok := strings.CutSuffix(allowed, "..."); ok {
		return strings.HasPrefix(importPath+"/", below)
	}
	return importPath == allowed
}

func unquote(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		panic(err) // the parser accepted it
	}
	return s
}

// The stories of docs/traces, told by simulated worlds. What a change of the code
// changes in them, "go test . -rewrite" writes into the files.
func TestTheStoriesHappenAsTheyAreToldAndTheSameWayTwice(t *testing.T) {
	files, err := filepath.Glob("docs/traces/*.txt")
	if err != nil || len(files) < 16 {
		t.Fatalf("%d stories in docs/traces, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			if b, err := os.ReadFile(file); err != nil || len(b) == 0 || b[0] != '#' {
				t.Errorf("a story begins with what it shows, in lines that begin with #; error %v", err)
			}
			var asked, answered []string
			story := sim.NewStory(t, 1)
			datadriven.RunTest(t, file, func(_ *testing.T, d *datadriven.TestData) string {
				asked = append(asked, commands(d))
				answered = append(answered, story.Do(commands(d)))
				return answered[len(answered)-1]
			})
			again := sim.NewStory(t, 1)
			for i := range asked {
				if text := again.Do(asked[i]); text != answered[i] {
					t.Fatalf("told again it is another story. First:\n%s\nThen:\n%s", answered[i], text)
				}
			}
		})
	}
}

// commands are all of a block's: the line that datadriven takes for the command, and
// those that it takes for its input.
func commands(d *datadriven.TestData) string {
	words := []string{d.Cmd}
	for _, arg := range d.CmdArgs {
		words = append(words, arg.String())
	}
	return strings.Join(words, " ") + "\n" + d.Input
}
