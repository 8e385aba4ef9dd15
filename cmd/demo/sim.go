package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hustings/actors/sim"
)

// exitViolation: a rule was broken.
const exitViolation = 1

// simOptions are the flags of demo sim.
type simOptions struct {
	seeds            string
	seed             uint64
	first, last      uint64
	nodes, elections int
	trouble          time.Duration
	faults           string
	trace, quiet     bool
	given            map[string]bool // the flags that were given
	swarm            sim.Swarm
}

const simUsage = `demo sim plays a fleet in trouble in a simulated world, in virtual time: nodes that
run, quit, resign and stop, while messages get lost, processes pause and crash, clocks
jump and Redis loses data, as the seed says; then calm. Named rules are watched after
every event. One seed does the same every time.

  demo sim --seed 60 --trace     one seed, with the last lines of its trace
  demo sim --seeds 1..1000       many, on all cores, and a table

Exit codes: 0 no rule was broken; 1 one was, or it was interrupted; 2 the command line
is wrong. The first signal ends a sweep when the seeds under way are over, the second at
once.

Flags:
`

// faultNames are the hazards as flags spell them.
func faultNames() []string {
	names := make([]string, 0, len(sim.Hazards()))
	for _, h := range sim.Hazards() {
		names = append(names, strings.ReplaceAll(string(h), " ", "-"))
	}
	return names
}

// parseSim reads the arguments. Its errors have been printed, with the usage.
func parseSim(args []string, w io.Writer) (*simOptions, error) {
	o := &simOptions{}
	f := newFlags("demo sim", w, simUsage, "")
	f.Uint64Var(&o.seed, "seed", 1, "the `N` that everything is drawn from")
	f.StringVar(&o.seeds, "seeds", "", "`A..B`: play all of these, in parallel")
	f.IntVar(&o.nodes, "nodes", 5, "how many nodes")
	f.IntVar(&o.elections, "elections", 2, "how many elections they stand in")
	f.DurationVar(&o.trouble, "for", 5*time.Minute, "how long the trouble lasts, in virtual time")
	f.StringVar(&o.faults, "faults", "swarm", "swarm: half of all kinds, as the seed says; none; or a `LIST` of them: "+strings.Join(faultNames(), ","))
	f.BoolVar(&o.trace, "trace", false, "print the last 1,000 lines of the trace")
	f.BoolVar(&o.quiet, "quiet", false, "tell nobody to quit, resign or stop")
	if err := parse(f, args); err != nil {
		return nil, err
	}
	o.given = make(map[string]bool)
	f.Visit(func(g *flag.Flag) { o.given[g.Name] = true })
	err := o.check(f.Args())
	if err != nil {
		fmt.Fprintln(w, err)
	}
	return o, err
}

// check reports the first thing that the flags ask for and can't be had.
func (o *simOptions) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("demo sim: %q is no flag: every option begins with --", rest[0])
	case o.nodes < 1 || o.nodes > 100:
		return fmt.Errorf("demo sim: --nodes %d: use 1 to 100", o.nodes)
	case o.elections < 1 || o.elections > 100:
		return fmt.Errorf("demo sim: --elections %d: use 1 to 100", o.elections)
	case o.trouble <= 0:
		return fmt.Errorf("demo sim: --for %v is too short: use more than 0", o.trouble)
	}
	o.first, o.last = o.seed, o.seed
	if o.given["seeds"] {
		for _, name := range []string{"seed", "trace"} {
			if o.given[name] {
				return fmt.Errorf("demo sim: --seeds and --%s exclude each other: leave one out", name)
			}
		}
		a, b, _ := strings.Cut(o.seeds, "..")
		var errA, errB error
		o.first, errA = strconv.ParseUint(a, 10, 64)
		o.last, errB = strconv.ParseUint(b, 10, 63)
		if errA != nil || errB != nil || o.last < o.first {
			return fmt.Errorf("demo sim: --seeds %q: use A..B, as in 1..1000", o.seeds)
		}
	}
	hazards, err := hazardsOf(o.faults)
	if err != nil {
		return err
	}
	o.swarm = sim.Swarm{Nodes: o.nodes, Elections: o.elections, For: o.trouble, Quiet: o.quiet, Storm: sim.Storm{Hazards: hazards}}
	o.swarm.Storm.Always = hazards != nil
	return nil
}

// hazardsOf reads --faults; nil is the swarm.
func hazardsOf(faults string) ([]sim.Hazard, error) {
	switch faults {
	case "swarm":
		return nil, nil
	case "none":
		return []sim.Hazard{}, nil
	}
	var list []sim.Hazard
	for _, name := range strings.Split(faults, ",") {
		found := false
		for _, h := range sim.Hazards() {
			if strings.ReplaceAll(string(h), " ", "-") == name {
				list, found = append(list, h), true
			}
		}
		if !found {
			return nil, fmt.Errorf("demo sim: --faults %q is unknown: use swarm, none, or some of %s", name, strings.Join(faultNames(), ","))
		}
	}
	return list, nil
}

// runSim plays one seed or many.
func runSim(args []string, c *console) int {
	o, err := parseSim(args, c.err)
	if code, stop := parsed(err); stop || err != nil {
		return code
	}
	if o.first == o.last {
		return playOne(o, c)
	}
	return playMany(o, c)
}

// playOne plays one seed and tells how it went.
func playOne(o *simOptions, c *console) int {
	keep := 64
	if o.trace {
		keep = 1000
	}
	played := make(chan sim.Verdict, 1)
	go func() { played <- o.swarm.Try(o.first, sim.KeepTrace(keep)) }()
	var v sim.Verdict
	select {
	case v = <-played:
	case <-c.signals: // the world is left as it is: nothing of it outlives the process
		fmt.Fprintf(c.err, "demo sim: %v\n", errInterrupted)
		return exitFault
	}
	if o.trace {
		for _, line := range v.Trace {
			fmt.Fprintln(c.out, line)
		}
	}
	if v.Err != nil {
		fmt.Fprint(c.out, o.swarm.Explain(v))
		return exitViolation
	}
	fmt.Fprintf(c.out, "seed %d: no rule broken; %d events, %v of virtual time, %d terms, trace %016x\n",
		v.Seed, v.Events, v.Took.Round(time.Millisecond), v.Terms, v.Hash)
	fmt.Fprintf(c.out, "faults: %s\nafter them: a leader everywhere in %v, the right one in %v\n", listOf(v.Hazards), v.First, v.Right)
	return exitOK
}

func listOf(hazards []sim.Hazard) string {
	if len(hazards) == 0 {
		return "none"
	}
	names := make([]string, len(hazards))
	for i, h := range hazards {
		names[i] = string(h)
	}
	return strings.Join(names, ", ")
}
