package chaos

import (
	"slices"
	"strings"
	"time"
)

// Report is what [Check] found.
type Report struct {
	Violations []Violation `json:"violations"`
	// Overlaps are those that break the rule, Allowed how long those within
	// Bounds.Overlap were.
	Overlaps int             `json:"overlaps"`
	Allowed  []time.Duration `json:"allowed_overlaps_ns,omitempty"`
	Terms    int             `json:"terms"`
	// Kinds are the figures of each kind of fault.
	Kinds []*KindFigures `json:"kinds"`
	// Storm and Quiet are the shares of time with a leader, by election, before
	// and after the last fault.
	Storm map[string]float64 `json:"availability_storm"`
	Quiet map[string]float64 `json:"availability_quiet"`
	// WorstCalmGap is the longest time without a leader that no fault touched.
	WorstCalmGap time.Duration `json:"worst_calm_gap_ns"`
	// LeastLapse is the shortest time from a lapse to the next term, -1 if there was none.
	LeastLapse time.Duration `json:"least_lapse_ns"`
	// Ends counts how terms ended.
	Ends map[string]int `json:"ends"`
}

// KindFigures are of one kind of fault.
type KindFigures struct {
	Kind     Kind `json:"kind"`
	Injected int  `json:"injected"`
	// Ended is how many terms ended by it.
	Ended int `json:"terms_ended"`
	// Failovers are the times from its beginning to the next term, Gaps from the
	// end of the term to the next one; both are sorted.
	Failovers []time.Duration `json:"failovers_ns"`
	Gaps      []time.Duration `json:"gaps_ns"`
}

// Percentile of sorted durations, 0 of none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// figures counts.
func (c *checker) figures() {
	r, l := c.report, c.log
	r.Terms, r.Ends = len(c.terms), map[string]int{}
	r.Storm, r.Quiet, r.LeastLapse = map[string]float64{}, map[string]float64{}, -1
	by := map[Kind]*KindFigures{}
	of := func(k Kind) *KindFigures {
		if by[k] == nil {
			by[k] = &KindFigures{Kind: k}
			r.Kinds = append(r.Kinds, by[k])
		}
		return by[k]
	}
	for _, k := range Kinds() {
		of(k)
	}
	for _, f := range l.Faults {
		of(f.Kind).Injected++
	}
	for _, e := range l.Elections {
		var terms []*Term
		for _, t := range c.terms {
			if t.Election == e {
				terms = append(terms, t)
			}
		}
		r.Storm[e] = share(terms, span{l.Begin, l.Calm})
		r.Quiet[e] = share(terms, span{l.Calm, l.End})
		for i, t := range terms {
			r.Ends[t.End]++
			if t.To >= l.End || t.End == Open {
				continue
			}
			kind, began := c.blame(t)
			k := of(kind)
			k.Ended++
			if i+1 == len(terms) {
				continue
			}
			next := terms[i+1]
			gap := time.Duration(max(next.From-t.To, 0))
			k.Gaps = append(k.Gaps, gap)
			k.Failovers = append(k.Failovers, time.Duration(max(next.From-max(began, t.From), 0)))
			if t.End == Lapsed && (r.LeastLapse < 0 || gap < r.LeastLapse) {
				r.LeastLapse = gap
			}
		}
	}
	for _, k := range r.Kinds {
		slices.Sort(k.Failovers)
		slices.Sort(k.Gaps)
	}
}

// share of a span that terms cover.
func share(terms []*Term, in span) float64 {
	if in.to <= in.from {
		return 0
	}
	without := int64(0)
	for _, gap := range leaderless(terms, in) {
		without += gap.to - gap.from
	}
	return 1 - float64(without)/float64(in.to-in.from)
}

// Rows of the table that are no fault.
const (
	returned Kind = "(preempted by a node's return)"
	unknown  Kind = "(no fault near)"
)

// blame finds the fault by which a term ended: the latest that touched its node, or
// Redis, until a TTL before the end. Who made way for a higher rank did so for one that joined or came
// back, whatever else happened.
func (c *checker) blame(t *Term) (Kind, int64) {
	preempted := strings.Contains(t.Cause, "outrank")
	kind, began := unknown, t.To
	if preempted {
		kind = returned
	}
	for _, f := range c.log.Faults {
		over := f.Ended
		if over == 0 {
			over = c.log.End
		}
		if f.Began > t.To || over+int64(c.bounds.TTL) < t.To {
			continue
		}
		if preempted && f.Kind != Join || !preempted && f.Target != "" && f.Target != t.ID {
			continue
		}
		if kind == unknown || kind == returned || f.Began > began {
			kind, began = f.Kind, f.Began
		}
	}
	return kind, began
}
