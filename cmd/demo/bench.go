package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/redis/go-redis/v9"

	"hustings/cmd/demo/internal/bench"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// benchOptions are the flags of demo bench.
type benchOptions struct {
	run              bench.Options
	redis, json, svg string
}

const benchUsage = `demo bench measures how fast elections are here, and what they cost: first leader,
handover, failover after a crash, what a fleet sends while nothing happens, thousands of
elections in one process. Each latency comes with its ratio to the floor, what the same
server and client need for the bare script or message: compare machines by that.

  demo bench                     on a redis-server of its own; some 15 minutes
  demo bench --quick             less of everything; under a minute on an idle machine
  demo bench --json out.json --svg plots

It leaves keys under names of its own behind on a server that --redis names, and counts
what the whole server does: use one that nobody else uses.

Exit codes: 0 measured; 1 something failed; 2 the command line is wrong; 3 there is no
redis-server.

Flags:
`

func parseBench(args []string, w io.Writer) (*benchOptions, error) {
	o := &benchOptions{}
	f := newFlags("demo bench", w, benchUsage, "")
	f.StringVar(&o.redis, "redis", "", "the `URL` of a Redis to use (default: a redis-server from PATH is started)")
	f.BoolVar(&o.run.Quick, "quick", false, "less of everything")
	f.StringVar(&o.run.Only, "only", "", "only the sections whose names contain `TEXT`, as in handover")
	f.StringVar(&o.json, "json", "", "write all figures and samples to a `FILE`")
	f.StringVar(&o.svg, "svg", "", "write plots into a `DIR`")
	if err := parse(f, args); err != nil {
		return nil, err
	}
	err := errors.Join(checkURL(o.redis), hasFolder("--json", o.json), o.run.Check())
	if f.NArg() > 0 {
		err = fmt.Errorf("%q is no flag: every option begins with --", f.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(w, "demo bench:", err)
	}
	return o, err
}

// runBench is demo bench.
func runBench(args []string, c *console) int {
	o, err := parseBench(args, c.err)
	if code, stop := parsed(err); stop || err != nil {
		return code
	}
	var server *redistest.Server
	if o.run.Redis, server, err = benchServer(o.redis); err != nil {
		fmt.Fprintln(c.err, "demo bench:", err)
		if errors.Is(err, redistest.ErrNoServer) {
			return exitNoServer
		}
		return exitFault
	}
	if server != nil {
		defer server.Stop()
	}
	ctx, done := c.interruptible()
	defer done()
	o.run.Progress = c.err
	report, err := bench.Run(ctx, o.run)
	if report != nil {
		err = errors.Join(err, report.Print(c.out), o.write(report))
	}
	if err != nil {
		fmt.Fprintln(c.err, "demo bench:", err)
		return exitFault
	}
	return exitOK
}

// benchServer finds the Redis to measure on; the server that it starts, if any, is to be
// stopped.
func benchServer(url string) (*redis.UniversalOptions, *redistest.Server, error) {
	if url != "" {
		options, err := redisbridge.ParseURL(url)
		return options, nil, err
	}
	s, err := redistest.StartServer()
	if err != nil {
		return nil, nil, err
	}
	return &redis.UniversalOptions{Addrs: []string{s.Addr}}, s, nil
}

// write writes the files that were asked for.
func (o *benchOptions) write(r *bench.Report) error {
	var failed error
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", " ")
		if err == nil {
			err = os.WriteFile(o.json, append(text, '\n'), 0o644) //nolint:gosec // not secret
		}
		failed = err
	}
	if o.svg != "" {
		failed = errors.Join(failed, r.Plot(o.svg))
	}
	return failed
}
