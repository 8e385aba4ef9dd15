// Command demo shows hustings at work.
//
//	demo          elections in one process, with a timeline to read
//	demo node     one real node, until it is told to stop
//	demo sim      a fleet in trouble in a simulated world, by seed
//	demo chaos    real nodes on a real redis-server, broken in every way
//	demo bench    how fast it is here, and what it costs
//	demo serve    the page: a live fleet to break, and a simulated world
//	demo help     what there is
//
// docs/demo.md documents every flag, command and output line.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1 // something is wrong that will not heal, or was interrupted
	exitUsage = 2 // the command line is wrong
)

// exitNoServer: there is no redis-server to run.
const exitNoServer = 3

// console is what a command reads, writes and is told.
type console struct {
	in       io.Reader
	out, err io.Writer
	// signals asks to stop: the first time gracefully, the second time at once.
	signals <-chan os.Signal
	// colour: out is a terminal that shows colours.
	colour bool
}

// errInterrupted is why a command ended that was told to stop.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that ends, with errInterrupted, at the first signal to
// stop, or when done is called.
func (c *console) interruptible() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-c.signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// A reader that has gone is an error of Write: a node that leads must not die
	// of it without a word.
	signal.Ignore(syscall.SIGPIPE)
	// What go-redis says by itself comes back as errors, with more sense.
	redis.SetLogger(mute{})
	os.Exit(run(os.Args[1:], &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, signals: signals, colour: coloured(os.Stdout),
	}))
}

// mute is a logger of go-redis's that says nothing.
type mute struct{}

// Printf does nothing.
func (mute) Printf(context.Context, string, ...any) {}

// run does what the arguments say and returns the exit code.
func run(args []string, c *console) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return heard(c, "demo", func(c *console) int { return runScript(args, c) })
	}
	switch args[0] {
	case "node":
		return runNode(args[1:], c)
	case "sim":
		return heard(c, "demo sim", func(c *console) int { return runSim(args[1:], c) })
	case "chaos":
		return heard(c, "demo chaos", func(c *console) int { return runChaos(args[1:], c) })
	case "serve":
		return runServe(args[1:], c)
	case "bench":
		return runBench(args[1:], c)
	case "help":
		return heard(c, "demo help", func(c *console) int { return runHelp(args[1:], c) })
	}
	fmt.Fprintf(c.err, "demo: there is no command %q; %s\n", args[0], commands)
	return exitUsage
}

// heard runs a command whose result is what it prints: if that can't be written, it has failed.
func heard(c *console, name string, command func(*console) int) int {
	out := &minded{w: c.out}
	own := *c
	own.out = out
	code := command(&own)
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.err == nil {
		return code
	}
	fmt.Fprintf(c.err, "%s: %s\n", name, unwritten(out.err))
	return max(code, exitFault)
}

// unwritten is how an error of stdout is told.
func unwritten(err error) string { return fmt.Sprintf("stdout can't be written: %v", err) }

// minded is a writer that keeps its first error.
type minded struct {
	w   io.Writer
	mu  sync.Mutex
	err error // guarded by mu
}

func (m *minded) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = cmp.Or(m.err, err)
	return n, err
}

// parsed says what a fault of flag parsing means for the exit code. -h is no fault.
func parsed(err error) (code int, stop bool) {
	switch {
	case err == nil:
		return exitOK, false
	case errors.Is(err, flag.ErrHelp):
		return exitOK, true
	default:
		return exitUsage, true
	}
}

// coloured reports whether a file is a terminal whose owner likes colours.
func coloured(f *os.File) bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
