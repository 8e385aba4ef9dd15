package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge/redistest"
)

// Exit codes, as of demo bench.
const (
	exitOK       = 0
	exitFault    = 1
	exitUsage    = 2
	exitNoServer = 3
)

const usage = `peers measures hustings beside other Go libraries by which one of several processes can
lead, on a redis-server of its own, in turns: first leader, handover, failover after a
crash, what is sent while nothing happens, many offices in one process.

  go run -C cmd/demo/peers .              all of it, some 20 minutes
  go run -C cmd/demo/peers . --quick      less of everything, in half a minute

Machines differ, and drift: compare the ratios to the floor, and contenders within one run.

Exit codes: 0 measured; 1 something failed; 2 the command line is wrong; 3 there is no
redis-server.

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command does what the arguments say and returns the exit code.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	o := options{progress: errs}
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() { fmt.Fprint(errs, usage); f.PrintDefaults() }
	f.BoolVar(&o.quick, "quick", false, "less of everything")
	f.StringVar(&o.only, "only", "", "only the scenarios whose names contain `TEXT`, as in handover")
	contenders := f.String("contenders", "", "only these, as in hustings,rueidislock")
	file := f.String("json", "", "write all figures and samples to a `FILE`")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case f.NArg() > 0:
		fmt.Fprintf(errs, "peers: %q is no flag: every option begins with --\n", f.Arg(0))
		return exitUsage
	}
	if *contenders != "" {
		o.contenders = strings.Split(*contenders, ",")
	}
	redis.SetLogger(mute{}) // what it says by itself about members that were cut off
	server, err := redistest.StartServer()
	if err != nil {
		fmt.Fprintln(errs, "peers:", err)
		if errors.Is(err, redistest.ErrNoServer) {
			return exitNoServer
		}
		return exitFault
	}
	defer server.Stop()
	o.addr = server.Addr
	report, err := measure(ctx, o)
	if report != nil {
		err = errors.Join(err, report.print(out), report.write(*file))
	}
	if err != nil {
		fmt.Fprintln(errs, "peers:", err)
		return exitFault
	}
	return exitOK
}

// write writes the report to a file, "" for none.
func (r *report) write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // not secret
}

// mute is a logger of go-redis's that says nothing.
type mute struct{}

// Printf does nothing.
func (mute) Printf(context.Context, string, ...any) {}
