// Command testjson reads the stream of "go test -json" on its standard input
// and prints what a person wants of it: a line for each package as go test
// prints it, the output of whatever failed, the name of whatever was skipped,
// and last, alone on a line, "N passed, N failed, N skipped".
//
// It exits 1 if anything failed or was skipped, if nothing ran, or if the
// stream broke off. Tests, subtests, examples and fuzz seeds count one each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

func main() {
	ok, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testjson:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// event is one line of the stream; see "go doc test2json".
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Output      string
	FailedBuild string
}

// key names a test, or with an empty test its package.
type key struct{ pkg, test string }

// run is what is known so far.
type run struct {
	out                     io.Writer
	output                  map[key]*strings.Builder
	open                    map[key]bool // started and not ended
	build                   map[string]*strings.Builder
	failedIn                map[string]int // tests failed, a package
	passed, failed, skipped int
	skips                   []string
}

// report prints the stream's report to out. It says whether all is well; err is
// a failure to read.
func report(in io.Reader, out io.Writer) (ok bool, err error) {
	r := &run{
		out:      out,
		output:   map[key]*strings.Builder{},
		open:     map[key]bool{},
		build:    map[string]*strings.Builder{},
		failedIn: map[string]int{},
	}
	lines := bufio.NewReader(in)
	for {
		line, e := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if e == io.EOF {
			break
		}
		if e != nil {
			return false, e
		}
	}
	for _, k := range r.unfinished("") { // the stream broke off
		r.fail(k, "did not end")
	}
	for _, s := range r.skips {
		fmt.Fprintln(out, "skipped:", s)
	}
	if r.passed+r.failed+r.skipped == 0 {
		fmt.Fprintln(out, "no test ran")
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	return r.failed == 0 && r.skipped == 0 && r.passed > 0, nil
}

func (r *run) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(r.out, line) // not of the stream: a message of the go command
		return
	}
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		add(r.build, e.ImportPath, e.Output)
	case "output":
		add(r.output, k, e.Output)
	case "start", "run":
		r.open[k] = true
	case "pass":
		if e.Test == "" {
			r.packageLine(k)
		} else {
			r.passed++
		}
		r.end(k)
	case "skip":
		if e.Test == "" {
			r.packageLine(k) // no test files
		} else {
			r.skipped++
			r.skips = append(r.skips, e.Package+" "+e.Test+reason(r.output[k]))
		}
		r.end(k)
	case "fail":
		if e.Test != "" {
			r.fail(k, "")
			return
		}
		r.packageFailed(k, e.FailedBuild)
	}
}

// packageFailed counts a failure of the package's own (build, panic, timeout, a
// leak found by TestMain) unless a test of it has been counted.
func (r *run) packageFailed(k key, build string) {
	for _, u := range r.unfinished(k.pkg) {
		if u.test != "" {
			r.fail(u, "did not end")
		}
	}
	if b := r.build[build]; b != nil {
		fmt.Fprint(r.out, b.String())
	}
	if o := r.output[k]; o != nil {
		fmt.Fprint(r.out, o.String())
	} else {
		fmt.Fprintf(r.out, "FAIL\t%s\n", k.pkg)
	}
	if r.failedIn[k.pkg] == 0 {
		r.failed++
	}
	r.end(k)
}

func (r *run) fail(k key, why string) {
	r.failed++
	r.failedIn[k.pkg]++
	fmt.Fprintf(r.out, "=== %s %s %s\n", k.pkg, k.test, why)
	if o := r.output[k]; o != nil {
		fmt.Fprint(r.out, o.String())
	}
	r.end(k)
}

// packageLine prints the line go test prints for a package, "ok" or "?".
// What the package printed besides is not of interest when it passed.
func (r *run) packageLine(k key) {
	o := r.output[k]
	if o == nil {
		return
	}
	for line := range strings.Lines(o.String()) {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") || strings.Contains(line, "[no test files]") {
			fmt.Fprint(r.out, line)
		}
	}
}

func (r *run) end(k key) {
	delete(r.open, k)
	delete(r.output, k)
}

// unfinished lists what has started and not ended in the package, or in all for "".
func (r *run) unfinished(pkg string) []key {
	var all []key
	for k := range r.open {
		if pkg == "" || k.pkg == pkg {
			all = append(all, k)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].pkg+" "+all[i].test < all[j].pkg+" "+all[j].test
	})
	return all
}

// reason is what the test gave t.Skip: its output without go test's own lines.
func reason(o *strings.Builder) string {
	if o == nil {
		return ""
	}
	var said []string
	for line := range strings.Lines(o.String()) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, "; ") + ")"
}

func add[K comparable](m map[K]*strings.Builder, k K, s string) {
	if m[k] == nil {
		m[k] = new(strings.Builder)
	}
	m[k].WriteString(s)
}
