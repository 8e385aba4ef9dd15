// Package hustings_test checks the project as a whole. First, its architecture:
// who may import whom, what may lie where, and where time and chance may come from.
// Then the stories of docs/traces, and last an election among real processes.
package hustings_test

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"hustings/actors/sim"
	"hustings/redisbridge/redistest"
)

const module = "hustings"

// mayImport is the import table (docs/architecture.md): what the non-test files of each
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
	{"cmd/demo/internal/chaos", []string{
		"hustings/fsm", "hustings/redisbridge", "hustings/redisbridge/redistest",
	}},
	{"cmd/demo/internal/floor", []string{
		"hustings/redisbridge", "github.com/redis/go-redis/v9",
	}},
	{"cmd/demo/internal/gauge", []string{
		"github.com/redis/go-redis/v9",
	}},
	{"cmd/demo/internal/bench", []string{
		"hustings/redisbridge", "hustings/actors", "hustings/cmd/demo/internal/floor", "hustings/cmd/demo/internal/gauge",
		"github.com/asynkron/protoactor-go/actor", "github.com/redis/go-redis/v9", "gonum.org/v1/plot/...",
	}},
	// A module of its own, so that the peers are in no go.mod but its.
	{"cmd/demo/peers", []string{
		"hustings/redisbridge", "hustings/redisbridge/redistest", "hustings/actors",
		"hustings/cmd/demo/internal/floor", "hustings/cmd/demo/internal/gauge",
		"github.com/asynkron/protoactor-go/actor", "github.com/redis/go-redis/v9",
		"github.com/redis/rueidis/...", "github.com/bsm/redislock", "github.com/go-redsync/redsync/v4/...",
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
		// the demo shows real time to people, the peers are used as their users would. In a bubble of testing/synctest package
		// time is virtual: it is what the code under test reads there.
		if f.name == "redisbridge/clock.go" || f.name == "actors/sim/outside.go" || f.pkg == "redisbridge/redistest" || f.pkg == "cmd/demo" || f.pkg == "cmd/demo/peers" {
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
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
				text := story.Do(commands(d))
				if strings.Contains("\n"+text, "\nerror:") {
					t.Errorf("%s: a command could not be obeyed:\n%s", d.Pos, text)
				}
				asked, answered = append(asked, commands(d)), append(answered, text)
				return text
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

// An election among real processes over a real Redis, as a user runs them.
func TestRealProcessesReplaceAKilledLeaderByTheHighestThatLivesAndHandOverWhenTold(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program and runs it in three processes")
	}
	server := redistest.NewServer(t)
	binary := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", binary, "./cmd/demo").CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/demo: %v\n%s", err, out)
	}
	const ttl = time.Second
	fleet := make(map[string]*process)
	for id, rank := range map[string]string{"web-1": "10", "web-2": "20", "web-3": "30"} {
		fleet[id] = launch(t, binary, "node", "--redis", "redis://"+server.Addr+"/0", "--id", id, "--rank", rank,
			"--election", "billing", "--format", "json", "--ttl", ttl.String(), "--quarantine=false")
	}
	web1, web2, web3 := fleet["web-1"], fleet["web-2"], fleet["web-3"]
	first := web3.await("won", "")
	web1.await("leader", "web-3")
	web2.await("leader", "web-3")

	// The next in rank wins when the session has ended, and trust before it.
	_ = web3.cmd.Process.Kill()
	second := web2.await("won", "")
	if second.Token <= first.Token {
		t.Errorf("token %d after token %d", second.Token, first.Token)
	}
	if second.Mono <= first.Until {
		t.Errorf("won %v before the killed leader's trust ended", time.Duration(first.Until-second.Mono))
	}
	if late := time.Duration(second.Mono - first.Until); late > 10*ttl {
		t.Errorf("won %v after the killed leader's trust ended", late)
	}
	web1.await("leader", "web-2")

	// Who is told to end hands over. Its session would have lived for two thirds of
	// the TTL at the least.
	_ = web2.cmd.Process.Signal(syscall.SIGTERM)
	lost := web2.await("lost", "")
	third := web1.await("won", "")
	if took := time.Duration(third.Mono - lost.Mono); took > ttl*6/10 {
		t.Errorf("the handover took %v", took)
	}
	if third.Token <= second.Token {
		t.Errorf("token %d after token %d", third.Token, second.Token)
	}
	_ = web1.cmd.Process.Signal(syscall.SIGTERM)
	for _, p := range []*process{web1, web2, web3} {
		p.end(p != web3)
	}
	checkTerms(t, web1, web2, web3)
}

// line is what the test reads of a line of the demo; docs/demo.md has them all.
type line struct {
	Event    string `json:"ev"`
	Mono     int64  `json:"mono_ns"`
	Until    int64  `json:"until_ns"`
	Token    uint64 `json:"token"`
	Leader   string `json:"leader"`
	Election string `json:"election"`
}

// process is a demo node in a process of its own.
type process struct {
	t     *testing.T
	id    string
	cmd   *exec.Cmd
	lines chan line
	all   []line // those taken from lines
}

func launch(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, id: args[slices.Index(args, "--id")+1], cmd: cmd, lines: make(chan line, 1<<12)}
	go func() {
		defer close(p.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			var l line
			if json.Unmarshal(scan.Bytes(), &l) == nil {
				p.lines <- l
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// await returns the next line of a kind that names this leader; "" is any.
func (p *process) await(event, leader string) line {
	p.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s has ended before it said %s %s", p.id, event, leader)
			}
			p.all = append(p.all, l)
			if l.Event == event && (leader == "" || l.Leader == leader) {
				return l
			}
		case <-late:
			p.t.Fatalf("%s did not say %s %s within 30 s; it said %v", p.id, event, leader, p.all)
		}
	}
}

// end reads what is left and waits for the process.
func (p *process) end(graceful bool) {
	p.t.Helper()
	for l := range p.lines {
		p.all = append(p.all, l)
	}
	if err := p.cmd.Wait(); graceful && err != nil {
		p.t.Errorf("%s was told to end: %v", p.id, err)
	}
}

// checkTerms: no two terms overlap. A term ends when it is lost; one whose process was
// killed, when its trust would have ended if no heartbeat had been answered.
func checkTerms(t *testing.T, fleet ...*process) {
	t.Helper()
	type term struct {
		id       string
		from, to int64
	}
	var terms []term
	for _, p := range fleet {
		var open *term
		for _, l := range p.all {
			switch {
			case l.Event == "won":
				terms = append(terms, term{p.id, l.Mono, l.Until})
				open = &terms[len(terms)-1]
			case l.Event == "lost" && open != nil:
				open.to, open = l.Mono, nil
			}
		}
	}
	slices.SortFunc(terms, func(a, b term) int { return int(a.from - b.from) })
	for i := 1; i < len(terms); i++ {
		if a, b := terms[i-1], terms[i]; b.from < a.to {
			t.Errorf("%s and %s both led for %v", a.id, b.id, time.Duration(a.to-b.from))
		}
	}
	if len(terms) < 3 {
		t.Errorf("too few terms: %v", terms)
	}
}
