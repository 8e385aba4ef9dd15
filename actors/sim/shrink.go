package sim

import (
	"fmt"
	"strings"
	"time"
)

// Verdict is what became of one seed of a [Swarm].
type Verdict struct {
	Seed uint64
	// Err is what failed, nil if nothing did.
	Err error
	// Rule is the one that was broken; its name is "" where something else failed.
	Rule Rule
	// Report describes the failure, with the last lines of the trace.
	Report string
	// For is how long the trouble lasted.
	For time.Duration
	// Events, Took, Terms and Hash describe the run: events executed, virtual time,
	// terms of office, and the digest of its trace.
	Events uint64
	Took   time.Duration
	Terms  int
	Hash   uint64
	// First and Right are how long after the trouble there was a leader everywhere,
	// and the right one.
	First, Right time.Duration
	// Hazards are those that the seed drew.
	Hazards []Hazard
	// Trace is the lines that were kept; see [KeepTrace].
	Trace []string
}

// Try plays the scenario in a world of its own for a seed. A panic of the scenario is a
// failure too. It may be called from several goroutines at once.
func (s Swarm) Try(seed uint64, opts ...Option) Verdict {
	s = s.withDefaults()
	w := New(nil, seed, opts...)
	defer w.Close()
	func() {
		defer func() {
			if r := recover(); r != nil {
				w.Fail("no panic", fmt.Errorf("the scenario panicked: %v\n%s", r, stack()))
			}
		}()
		s.Run(w)
	}()
	v := Verdict{
		Seed: seed, Err: w.Err(), For: s.For, Events: w.Events(), Took: w.Now(), Hash: w.Hash(), Terms: w.observer.terms,
		First: w.observer.first, Right: w.observer.right, Hazards: w.hazards, Trace: w.Trace(),
	}
	if v.Err != nil {
		v.Rule, _ = w.Broken()
		v.Report = w.Report()
	}
	return v
}

// shrinkTo is how fine the shortest trouble is found.
const shrinkTo = 100 * time.Millisecond

// Shrink looks for the shortest trouble in which a seed that failed still breaks the
// same rule, by bisection, and returns it with that run's verdict. Up to the end of the
// shorter trouble, the shorter run and the longer one do the same.
func (s Swarm) Shrink(failed Verdict, opts ...Option) (Swarm, Verdict) {
	s = s.withDefaults()
	low, best := time.Duration(0), failed
	for s.For = failed.For; s.For-low > shrinkTo; {
		shorter := s
		shorter.For = (low + (s.For-low)/2).Round(shrinkTo)
		if shorter.For <= low || shorter.For >= s.For {
			break
		}
		if v := shorter.Try(failed.Seed, opts...); v.Err != nil && v.Rule.Name == failed.Rule.Name {
			s, best = shorter, v
		} else {
			low = shorter.For
		}
	}
	return s, best
}

// Replay is the command that plays the scenario again for a seed.
func (s Swarm) Replay(seed uint64) string {
	s = s.withDefaults()
	c := fmt.Sprintf("go run ./cmd/demo sim --seed %d --nodes %d --elections %d --for %v", seed, s.Nodes, s.Elections, s.For)
	if s.Storm.Hazards != nil {
		names := make([]string, len(s.Storm.Hazards))
		for i, h := range s.Storm.Hazards {
			names[i] = strings.ReplaceAll(string(h), " ", "-")
		}
		list := strings.Join(names, ",")
		if list == "" {
			list = "none"
		}
		c += " --faults " + list
	}
	if s.Quiet {
		c += " --quiet"
	}
	return c
}

// Explain is the report of a failure: the shortest trouble that still breaks the rule, how
// it came about, and how to see it again.
func (s Swarm) Explain(failed Verdict, opts ...Option) string {
	short, v := s.Shrink(failed, opts...)
	return fmt.Sprintf("%s  the shortest trouble that breaks it: %v of %v; again with\n    %s --trace\n",
		v.Report, short.For, failed.For, short.Replay(failed.Seed))
}
