package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"time"

	"hustings/cmd/demo/internal/chaos"
	"hustings/redisbridge/redistest"
)

// chaosOptions are the flags of demo chaos.
type chaosOptions struct {
	run                 chaos.Options
	faults, json, redis string
	timeline            string
}

const chaosUsage = `demo chaos breaks a fleet of real processes on a real redis-server, with a replica and
a proxy for each node, in all ways that it knows, as the seed says; then leaves it alone.
Every process records when it led, on the machine's one clock. At the end a checker
merges the records: never two leaders, rising tokens, a leader again in time.

  demo chaos --for 10m --seed 7
  demo chaos --for 1m --faults kill,stop,flushall
  demo chaos --for 1m --faults flushall,restart-lose --quarantine=false   this one should fail

Exit codes: 0 no rule was broken; 1 one was, or the run failed; 2 the command line is
wrong; 3 there is no redis-server.

Flags:
`

// parseChaos reads the arguments. Its errors have been printed, with the usage.
func parseChaos(args []string, w io.Writer) (*chaosOptions, error) {
	var kinds strings.Builder
	for _, k := range chaos.Kinds() {
		fmt.Fprintf(&kinds, "  %-13s %s\n", k, chaos.About(k))
	}
	o := &chaosOptions{}
	f := newFlags("demo chaos", w, chaosUsage, "\nFaults:\n"+kinds.String())
	f.Uint64Var(&o.run.Seed, "seed", 1, "the `N` that faults, times and targets are drawn from")
	f.DurationVar(&o.run.For, "for", 10*time.Minute, "how long in all")
	f.DurationVar(&o.run.Quiet, "quiet", 0, "how long of it without faults, at the end (default a quarter, a minute at most)")
	f.DurationVar(&o.run.TTL, "ttl", time.Second, "the nodes' TTL, at least 300ms")
	f.DurationVar(&o.run.VoteTimeout, "vote-timeout", 0, "the nodes' vote timeout (default the TTL)")
	f.DurationVar(&o.run.Probe, "probe", time.Millisecond, "how often nodes poll Valid")
	f.IntVar(&o.run.Nodes, "nodes", 7, "how many nodes")
	f.IntVar(&o.run.Elections, "elections", 5, "how many elections they stand in")
	f.StringVar(&o.faults, "faults", "all", "all, none, or a `LIST` of them: see below")
	f.BoolVar(&o.run.Apart, "apart", false, "one fault at a time, each when the fleet has settled: for the figures of each kind")
	f.BoolVar(&o.run.Quarantine, "quarantine", true, "false is a known mistake: with flushall the run should find two leaders")
	f.StringVar(&o.run.Takeover, "takeover", "", "the nodes' takeover `POLICY`; with on-disconnect overlaps within a TTL are counted apart")
	f.StringVar(&o.json, "json", "", "write report, terms and faults to a `FILE`")
	f.StringVar(&o.timeline, "timeline", "", "write the merged timeline of the whole run to a `FILE`")
	f.StringVar(&o.redis, "redis-server", "", "`PATH` of redis-server (default HUSTINGS_REDIS_SERVER, or the one on PATH)")
	if err := parse(f, args); err != nil {
		return nil, err
	}
	err := o.check(f.Args())
	if err != nil {
		fmt.Fprintln(w, err)
	}
	return o, err
}

// check reports the first thing that the flags ask for and can't be had.
func (o *chaosOptions) check(rest []string) error {
	r := &o.run
	if r.Quiet == 0 {
		r.Quiet = min(r.For/4, time.Minute)
	}
	if r.VoteTimeout == 0 {
		r.VoteTimeout = r.TTL
	}
	var err error
	r.Kinds, err = chaos.ParseKinds(o.faults)
	switch {
	case len(rest) > 0:
		return fmt.Errorf("demo chaos: %q is no flag: every option begins with --", rest[0])
	case err != nil:
		return fmt.Errorf("demo chaos: --faults %w", err)
	case r.Nodes < 3 || r.Nodes > 50:
		return fmt.Errorf("demo chaos: --nodes %d: use 3 to 50", r.Nodes)
	case r.Elections < 1 || r.Elections > 50:
		return fmt.Errorf("demo chaos: --elections %d: use 1 to 50", r.Elections)
	case r.TTL < 300*time.Millisecond:
		return fmt.Errorf("demo chaos: --ttl %v is too short: use at least 300ms", r.TTL)
	case r.For <= 0 || r.Quiet < 0 || r.Quiet >= r.For:
		return fmt.Errorf("demo chaos: --for %v --quiet %v: use more than 0, and less quiet than that", r.For, r.Quiet)
	case r.VoteTimeout < 0:
		return fmt.Errorf("demo chaos: --vote-timeout %v is too short: use more than 0, or leave it out", r.VoteTimeout)
	case r.Probe < time.Millisecond:
		return fmt.Errorf("demo chaos: --probe %v is too short: use at least 1ms", r.Probe)
	}
	if _, ok := policies[r.Takeover]; !ok && r.Takeover != "" {
		return fmt.Errorf("demo chaos: --takeover %q is unknown: use %s or %s", r.Takeover, onExpiry, onDisconnect)
	}
	if err := errors.Join(hasFolder("--json", o.json), hasFolder("--timeline", o.timeline)); err != nil {
		return fmt.Errorf("demo chaos: %w", err)
	}
	return nil
}

// runChaos is demo chaos.
func runChaos(args []string, c *console) int {
	o, err := parseChaos(args, c.err)
	if code, stop := parsed(err); stop || err != nil {
		return code
	}
	if o.redis != "" {
		// The servers are started by redistest, which looks there.
		if err := os.Setenv("HUSTINGS_REDIS_SERVER", o.redis); err != nil {
			fmt.Fprintln(c.err, "demo chaos:", err)
			return exitFault
		}
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(c.err, "demo chaos:", err)
		return exitFault
	}
	ctx, done := c.interruptible()
	defer done()
	o.run.Command = func(args ...string) *exec.Cmd { return exec.Command(self, args...) }
	o.run.Now = func() int64 { return monoNS(clock.Now()) }
	if c.colour {
		o.run.Progress = func(p chaos.Progress) { chaosBar(c.err, p) }
	}
	log, err := chaos.Run(ctx, o.run)
	if c.colour {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
	switch {
	case errors.Is(err, redistest.ErrNoServer):
		fmt.Fprintln(c.err, "demo chaos: no redis-server: put one on PATH, name it in HUSTINGS_REDIS_SERVER, or use --redis-server PATH")
		return exitNoServer
	case err != nil && log == nil:
		fmt.Fprintln(c.err, "demo chaos:", err)
		return exitFault
	}
	code := o.conclude(log, err != nil, c)
	if err != nil {
		fmt.Fprintln(c.err, "demo chaos: the run was cut short:", err)
		code = exitFault
	}
	return code
}

// chaosBar shows how far the run is.
func chaosBar(w io.Writer, p chaos.Progress) {
	const width = 30
	full := min(int(int64(p.Took)*width/int64(p.Of)), width)
	fmt.Fprintf(w, "\r\x1b[K[%s%s] %v of %v, %d faults",
		strings.Repeat("#", full), strings.Repeat(".", width-full), p.Took.Round(time.Second), p.Of, p.Faults)
}

// worst is how many violations are shown with their timelines.
const worst = 3

// conclude checks the log, and prints and writes what came out. Of a run that was cut short nobody
// knows who would have led at its end.
func (o *chaosOptions) conclude(log *chaos.Log, short bool, c *console) int {
	bounds := o.run.Bounds()
	if short {
		bounds.Rank = nil
	}
	report := chaos.Check(log, bounds)
	code := o.tell(log, report, bounds, c)
	if err := o.write(log, report); err != nil {
		fmt.Fprintln(c.err, "demo chaos:", err)
		return exitFault
	}
	return code
}

// tell prints the report.
func (o *chaosOptions) tell(log *chaos.Log, report *chaos.Report, bounds chaos.Bounds, c *console) int {
	fmt.Fprintf(c.out, "seed %d: %d nodes, %d elections, TTL %v, %v\n\n",
		o.run.Seed, o.run.Nodes, o.run.Elections, o.run.TTL, o.run.For)
	report.Write(c.out, log, bounds)
	for i, v := range report.Violations {
		fmt.Fprintf(c.out, "\nVIOLATION (%s): %s\n", v.Rule, v.Text)
		if i >= worst {
			continue
		}
		for _, line := range log.Timeline(v, 40, 10) {
			fmt.Fprintln(c.out, " ", line)
		}
	}
	if len(report.Violations) > 0 {
		fmt.Fprintf(c.out, "\n%d violations; again, as far as the seed goes: demo chaos --seed %d --for %v --ttl %v --nodes %d --elections %d --faults %s --quarantine=%v\n",
			len(report.Violations), o.run.Seed, o.run.For, o.run.TTL, o.run.Nodes, o.run.Elections, o.faults, o.run.Quarantine)
		return exitViolation
	}
	fmt.Fprintln(c.out, "\nno rule was broken")
	return exitOK
}

// write writes the files that were asked for.
func (o *chaosOptions) write(log *chaos.Log, report *chaos.Report) error {
	var failed error
	if o.timeline != "" {
		text := strings.Join(log.Timeline(chaos.Violation{At: math.MaxInt64}, math.MaxInt, 0), "\n") + "\n"
		failed = os.WriteFile(o.timeline, []byte(text), 0o600)
	}
	if o.json == "" {
		return failed
	}
	text, err := json.MarshalIndent(map[string]any{
		"seed": o.run.Seed, "ttl_ns": o.run.TTL, "nodes": o.run.Nodes, "elections": log.Elections,
		"begin_ns": log.Begin, "calm_ns": log.Calm, "end_ns": log.End,
		"report": report, "faults": log.Faults, "terms": chaos.Terms(log), "processes": log.Processes,
	}, "", " ")
	if err == nil {
		err = os.WriteFile(o.json, append(text, '\n'), 0o600)
	}
	return errors.Join(failed, err)
}
