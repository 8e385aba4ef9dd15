package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hustings/redisbridge"
)

// commands is what to say when somebody asks for a command that is not there.
const commands = `there are "demo" alone, "demo node", "demo sim", "demo chaos", "demo bench", "demo serve" and "demo help"`

const usage = `demo shows hustings at work: leader election over Redis.

  demo [flags]        a scripted demonstration in this process, in under 20 s:
                      votes, a takeover, a crash, a resignation, messages
  demo node [flags]   one real node, until SIGINT or SIGTERM
  demo sim [flags]    a fleet in trouble in a simulated world, by seed
  demo chaos [flags]  real nodes on a real redis-server, broken in every way
  demo bench [flags]  how fast it is on this machine, and what it costs
  demo serve [flags]  the page: a live fleet to break, and a world to wind back
  demo help [node|sim|chaos|bench|serve]  this, or the flags and commands of one of them

Flags of demo:
`

const nodeUsage = `demo node runs one real node in this process until SIGINT, SIGTERM or "exit".

It stands in every --election from the start. With --format json it prints one
JSON object a line on stdout. Logs go to stderr. docs/demo.md documents each line.

Exit codes: 0 stopped as told; 1 a fault that will not heal, settings that can't be
had among them (an "error" line says which), or a second signal; 2 the command line
can't be read.

Flags:
`

const stdinUsage = `
Commands with --stdin, one a line, each answered with a "reply" line:
  run [E]            stand in election E
  quit [E]           withdraw; answered when done, drained
  resign [E] [TO]    give up the office, stay a candidate; answered when done
  standdown [E]      stay in the fleet and do not stand in E; answered when done
  stand [E]          stand again
  leader [E]         who leads
  status [E]         state, result, token, trusted ms left
  inspect [E]        everything about it, history included
  explain [E]        why this node leads or does not, in words
  members            the fleet
  send ID JSON       a message to one node
  broadcast JSON     a message to all
  offline            quit every election, leave the fleet, keep the connection
  online             return to the fleet; run again what you want to run
  exit               stop gracefully, as end of input does
E defaults to the first --election, else "default".
`

// runHelp explains a command.
func runHelp(args []string, c *console) int {
	switch {
	case len(args) == 0:
		scriptFlags(&scriptOptions{}, c.out).Usage()
	case len(args) == 1 && args[0] == "node":
		nodeFlags(&nodeOptions{}, c.out).Usage()
	case len(args) == 1 && args[0] == "sim":
		_, _ = parseSim([]string{"-h"}, c.out)
	case len(args) == 1 && args[0] == "chaos":
		_, _ = parseChaos([]string{"-h"}, c.out)
	case len(args) == 1 && args[0] == "serve":
		_, _ = parseServe([]string{"-h"}, c.out)
	case len(args) == 1 && args[0] == "bench":
		_, _ = parseBench([]string{"-h"}, c.out)
	default:
		fmt.Fprintf(c.err, "demo: no help on %q; %s\n", args, commands)
		return exitUsage
	}
	return exitOK
}

// parse reads the arguments. What is wrong with one is said in a line: the whole usage
// after it would bury that.
func parse(f *flag.FlagSet, args []string) error {
	w := f.Output()
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	f.SetOutput(w)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.Usage()
	case err != nil:
		fmt.Fprintf(w, "%s: %v; %s -h explains\n", f.Name(), err, f.Name())
	}
	return err
}

// checkURL checks a --redis; "" is one of our own.
func checkURL(url string) error {
	if url == "" {
		return nil
	}
	if _, err := redisbridge.ParseURL(url); err != nil {
		return fmt.Errorf("--redis: %w", err)
	}
	return nil
}

// hasFolder checks that a file could be written, before hours have gone into it.
func hasFolder(name, file string) error {
	if file == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// newFlags returns a flag set that explains itself.
func newFlags(name string, w io.Writer, before, after string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(w)
	f.Usage = func() {
		fmt.Fprint(f.Output(), before)
		f.PrintDefaults()
		fmt.Fprint(f.Output(), after)
	}
	return f
}
