package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asDemo makes the test binary be the demo, for tests that need a process to kill.
const asDemo = "HUSTINGS_TEST_DEMO"

func TestMain(m *testing.M) {
	if os.Getenv(asDemo) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what should come at once: only a machine that
// hangs takes longer.
const patience = 30 * time.Second

// output is one line of a node.
type output map[string]any

func (o output) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// node is a running demo node.
type node struct {
	t       *testing.T
	in      io.WriteCloser
	signals chan os.Signal // in process
	process *os.Process    // or as a process of its own
	code    chan int
	stderr  *buffer

	mu    sync.Mutex // guards the rest
	lines []output
	ended bool
	more  chan struct{}
}

// buffer is a strings.Builder for more than one goroutine.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// nodeArgs are flags that every test wants.
func nodeArgs(addr, id string, more ...string) []string {
	return append([]string{
		"node", "--redis", "redis://" + addr + "/0", "--id", id, "--format", "json", "--stdin",
		"--ttl", "2s", "--quarantine=false", "--log-level", "debug",
	}, more...)
}

// startNode runs demo node in this process.
func startNode(t *testing.T, args ...string) *node {
	t.Helper()
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	n := &node{
		t: t, in: inWrite, signals: make(chan os.Signal, 2), code: make(chan int, 1),
		stderr: &buffer{}, more: make(chan struct{}),
	}
	c := &console{in: inRead, out: outWrite, err: n.stderr, signals: n.signals}
	done := make(chan struct{})
	go func() {
		n.code <- run(args, c)
		_ = outWrite.Close()
	}()
	go func() {
		defer close(done)
		n.read(outRead)
	}()
	t.Cleanup(func() {
		select {
		case n.signals <- syscall.SIGTERM:
		default:
		}
		_ = inWrite.Close()
		<-done
	})
	return n
}

// spawnNode runs demo node in a process of its own.
func spawnNode(t *testing.T, args ...string) *node {
	t.Helper()
	n := &node{t: t, code: make(chan int, 1), stderr: &buffer{}, more: make(chan struct{})}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asDemo+"=1")
	cmd.Stderr = n.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.in, n.process = in, cmd.Process
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.read(out)
		_ = cmd.Wait()
		n.code <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	return n
}

func (n *node) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<21)
	for lines.Scan() {
		var o output
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			n.t.Errorf("not JSON: %q", lines.Text())
			continue
		}
		n.mu.Lock()
		n.lines = append(n.lines, o)
		n.wake()
		n.mu.Unlock()
	}
	n.mu.Lock()
	n.ended = true
	n.wake()
	n.mu.Unlock()
}

func (n *node) wake() {
	close(n.more)
	n.more = make(chan struct{})
}

// mark returns how many lines there are.
func (n *node) mark() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.lines)
}

// all returns the lines so far.
func (n *node) all() []output {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]output(nil), n.lines...)
}

// want waits for a line, from a mark on, that has these members: names and values in turn.
func (n *node) want(from int, pairs ...any) output {
	n.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		n.mu.Lock()
		for _, o := range n.lines[from:] {
			if has(o, pairs) {
				n.mu.Unlock()
				return o
			}
		}
		more, ended := n.more, n.ended
		n.mu.Unlock()
		timeout := ended
		if !ended {
			select {
			case <-more:
			case <-limit.C:
				timeout = true
			}
		}
		if timeout {
			n.t.Fatalf("no line with %v; there were %v\nlog:\n%s", pairs, n.all()[from:], n.stderr)
		}
	}
}

func has(o output, pairs []any) bool {
	for i := 0; i < len(pairs); i += 2 {
		if o[pairs[i].(string)] != pairs[i+1] {
			return false
		}
	}
	return true
}

// ask sends a command and returns its reply.
func (n *node) ask(command string) output {
	n.t.Helper()
	mark := n.mark()
	n.tell(command)
	return n.want(mark, "ev", "reply", "cmd", strings.Fields(command)[0])
}

func (n *node) tell(command string) {
	n.t.Helper()
	if _, err := io.WriteString(n.in, command+"\n"); err != nil {
		n.t.Fatal(err)
	}
}

// exit waits for the exit code.
func (n *node) exit(want int) {
	n.t.Helper()
	select {
	case got := <-n.code:
		if got != want {
			n.t.Errorf("exit code %d, want %d; lines %v\nlog:\n%s", got, want, n.all(), n.stderr)
		}
	case <-time.After(patience):
		n.t.Fatalf("it does not exit; lines %v\nlog:\n%s", n.all(), n.stderr)
	}
}
