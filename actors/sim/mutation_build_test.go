//go:build mutation

package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// One build holds all mutations. The compiler is given changed copies of the files (go
// build's -overlay), in which a function that some mutation changes is there several
// times: as it is, and once for each of these mutations. A function of its own name
// calls the one that mutantVariable asks for, so that a guard that is taken out is really
// taken out, and all others stay. A build for each mutation took seven minutes in all.

// mutantVariable holds the number of the mutation that is in force, from 1 on.
const mutantVariable = "HUSTINGS_MUTANT"

// switchFile is added to each package with mutations.
const switchFile = `package %s

import (
	"os"
	"strconv"
)

var mutant, _ = strconv.Atoi(os.Getenv("` + mutantVariable + `"))
`

// source is one file with its mutations.
type source struct {
	path  string // from the root
	text  string
	fset  *token.FileSet
	file  *ast.File
	funcs []*changed
}

// changed is a function and its mutations' copies.
type changed struct {
	decl  *ast.FuncDecl
	by    []int          // mutations, rising
	texts map[int]string // of the whole declaration
}

func readSource(t *testing.T, root, path string) *source {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{path: path, text: string(raw), fset: token.NewFileSet()}
	if s.file, err = parser.ParseFile(s.fset, path, raw, parser.SkipObjectResolution); err != nil {
		t.Fatal(err)
	}
	return s
}

// apply makes a mutation's copy of the function that an edit is in.
func (s *source) apply(t *testing.T, number int, e edit) {
	t.Helper()
	if n := strings.Count(s.text, e.old); n != 1 {
		t.Fatalf("%s has %d times, not once, what is to be taken out:\n%s", e.file, n, e.old)
	}
	at := strings.Index(s.text, e.old)
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || s.offset(f.Pos()) > at || s.offset(f.End()) < at+len(e.old) {
			continue
		}
		if s.offset(f.Body.Lbrace) >= at {
			t.Fatalf("%s: the edit is not inside of the body of %s", e.file, f.Name.Name)
		}
		i := slices.IndexFunc(s.funcs, func(c *changed) bool { return c.decl == f })
		if i < 0 {
			i = len(s.funcs)
			s.funcs = append(s.funcs, &changed{decl: f, texts: map[int]string{}})
		}
		c := s.funcs[i]
		if _, again := c.texts[number]; !again {
			c.by = append(c.by, number)
			c.texts[number] = s.text[s.offset(f.Name.Pos()):s.offset(f.End())]
		}
		c.texts[number] = strings.Replace(c.texts[number], e.old, e.new, 1)
		return
	}
	t.Fatalf("%s: no function holds the edit:\n%s", e.file, e.old)
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// build is the file with everything in it.
func (s *source) build() string {
	var b, more strings.Builder
	done := 0
	slices.SortFunc(s.funcs, func(a, b *changed) int { return int(a.decl.Pos() - b.decl.Pos()) })
	for _, c := range s.funcs {
		name := s.offset(c.decl.Name.End())
		b.WriteString(s.text[done:name] + "AsItIs")
		done = name
		s.dispatch(&more, c)
	}
	return b.String() + s.text[done:] + more.String()
}

// dispatch writes the function that chooses, and the copies.
func (s *source) dispatch(b *strings.Builder, c *changed) {
	f := c.decl
	head, call := "func ", ""
	if f.Recv != nil {
		head += "(r " + s.print(f.Recv.List[0].Type) + ") "
		call = "r."
	}
	var params, args []string
	for _, p := range f.Type.Params.List {
		for range max(len(p.Names), 1) {
			arg := fmt.Sprintf("p%d", len(args))
			params = append(params, arg+" "+s.print(p.Type))
			if _, variadic := p.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	results := ""
	if f.Type.Results != nil {
		var types []string
		for _, r := range f.Type.Results.List {
			for range max(len(r.Names), 1) {
				types = append(types, s.print(r.Type))
			}
		}
		results = " (" + strings.Join(types, ", ") + ")"
	}
	way := func(suffix string) string {
		text := call + f.Name.Name + suffix + "(" + strings.Join(args, ", ") + ")\n"
		if results != "" {
			return "return " + text
		}
		return text + "return\n"
	}
	fmt.Fprintf(b, "\n%s%s(%s)%s {\nswitch mutant {\n", head, f.Name.Name, strings.Join(params, ", "), results)
	for _, m := range c.by {
		fmt.Fprintf(b, "case %d:\n%s", m, way(fmt.Sprintf("As%d", m)))
	}
	fmt.Fprintf(b, "default:\n%s}\n}\n", way("AsItIs"))
	for _, m := range c.by {
		receiver := s.text[s.offset(f.Pos()):s.offset(f.Name.Pos())] // "func (c *script) "
		fmt.Fprintf(b, "\n%s%s\n", receiver, strings.Replace(c.texts[m], f.Name.Name, fmt.Sprintf("%sAs%d", f.Name.Name, m), 1))
	}
}

func (s *source) print(n ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, s.fset, n) // it was parsed: it can be printed
	return b.String()
}

// overlay writes the changed copies and the file that tells the compiler of them.
func overlay(t *testing.T, root string) string {
	t.Helper()
	var sources []*source
	for i, m := range mutations {
		for _, e := range m.edits {
			at := slices.IndexFunc(sources, func(s *source) bool { return s.path == e.file })
			if at < 0 {
				at = len(sources)
				sources = append(sources, readSource(t, root, e.file))
			}
			sources[at].apply(t, i+1, e)
		}
	}
	dir, replace := t.TempDir(), map[string]string{}
	put := func(path, text string) {
		copied := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, path)] = copied
	}
	for _, s := range sources {
		put(s.path, s.build())
		put(filepath.Join(filepath.Dir(s.path), "mutant_switch.go"), fmt.Sprintf(switchFile, s.file.Name.Name))
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
