package chaos

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Violation is a rule that was broken.
type Violation struct {
	Rule     string `json:"rule"`
	At       int64  `json:"at_ns"`
	Election string `json:"election,omitempty"`
	Text     string `json:"text"`
}

// checker collects what a log broke.
type checker struct {
	log    *Log
	bounds Bounds
	terms  []*Term
	report *Report
}

// Check holds a log to the rules, and counts.
func Check(l *Log, b Bounds) *Report {
	c := &checker{log: l, bounds: b, terms: Terms(l), report: &Report{}}
	for _, e := range l.Elections {
		var terms []*Term
		for _, t := range c.terms {
			if t.Election == e {
				terms = append(terms, t)
			}
		}
		c.overlaps(terms)
		c.tokens(terms)
		c.gaps(e, terms)
		c.right(e, terms)
	}
	c.processes()
	c.evidence()
	c.figures()
	sort.SliceStable(c.report.Violations, func(i, j int) bool { return c.report.Violations[i].At < c.report.Violations[j].At })
	return c.report
}

func (c *checker) broken(rule, election string, at int64, format string, args ...any) {
	c.report.Violations = append(c.report.Violations, Violation{rule, at, election, fmt.Sprintf(format, args...)})
}

func ns(d int64) time.Duration { return time.Duration(d).Round(time.Microsecond) }

// overlaps: no two processes at one instant.
func (c *checker) overlaps(terms []*Term) {
	for i, a := range terms {
		for _, b := range terms[i+1:] {
			shared := min(a.To, b.To) - b.From
			if shared <= 0 || a.Process == b.Process {
				continue
			}
			if d := time.Duration(shared); d <= c.bounds.Overlap {
				c.report.Allowed = append(c.report.Allowed, d)
				continue
			}
			c.report.Overlaps++
			c.broken("overlap", a.Election, b.From, "%s (token %d, %s) and %s (token %d) led %q at the same time, for %v",
				a.ID, a.Token, a.End, b.ID, b.Token, a.Election, ns(shared))
		}
	}
}

// tokens rise from term to term.
func (c *checker) tokens(terms []*Term) {
	for i := 1; i < len(terms); i++ {
		if a, b := terms[i-1], terms[i]; b.Token <= a.Token {
			c.broken("token", a.Election, b.From, "token %d of %s in %q does not rise above token %d of %s, elected before",
				b.Token, b.ID, a.Election, a.Token, a.ID)
		}
	}
}

// span is a time.
type span struct{ from, to int64 }

// leaderless returns the times within a span that no term covers.
func leaderless(terms []*Term, in span) []span {
	var list []span
	at := in.from
	for _, t := range terms {
		if t.From > at && at < in.to {
			list = append(list, span{at, min(t.From, in.to)})
		}
		at = max(at, t.To)
	}
	if at < in.to {
		list = append(list, span{at, in.to})
	}
	return list
}

// calmest returns the longest part of a span that no fault touches.
func (c *checker) calmest(in span) span {
	touch := []span{}
	for _, f := range c.log.Faults {
		end := f.Ended
		if end == 0 {
			end = in.to
		}
		if f.Target == "" {
			touch = append(touch, span{f.Began, end})
		} else {
			touch = append(touch, span{f.Began, f.Began}, span{end, end})
		}
	}
	sort.Slice(touch, func(i, j int) bool { return touch[i].from < touch[j].from })
	best, at := span{in.from, in.from}, in.from
	take := func(to int64) {
		if to = min(to, in.to); to-at > best.to-best.from {
			best = span{at, to}
		}
	}
	for _, t := range touch {
		take(t.from)
		at = max(at, t.to)
	}
	take(in.to)
	return best
}

// gaps are bounded.
func (c *checker) gaps(election string, terms []*Term) {
	for _, gap := range leaderless(terms, span{c.log.Begin, c.log.End}) {
		calm := c.calmest(gap)
		d := time.Duration(calm.to - calm.from)
		c.report.WorstCalmGap = max(c.report.WorstCalmGap, d)
		if d > c.bounds.Leader() {
			c.broken("gap", election, calm.to, "%q had no leader for %v while no fault touched it; the bound is %v",
				election, ns(int64(d)), c.bounds.Leader())
		}
	}
}

// right: the last to take office is the highest rank of those that live. (On a machine
// that starves it may have lost it again in the last instant; for how long is the gap rule's.)
func (c *checker) right(election string, terms []*Term) {
	if c.bounds.Rank == nil {
		return
	}
	top, leader := "", ""
	for _, p := range c.log.Processes {
		if p.Began < c.log.End && (p.Ended == 0 || p.Ended >= c.log.End) &&
			(top == "" || c.bounds.Rank(p.ID, election) > c.bounds.Rank(top, election)) {
			top = p.ID
		}
	}
	for _, t := range terms {
		if t.From <= c.log.End && t.To >= c.log.Calm {
			leader = t.ID
		}
	}
	if leader != top {
		c.broken("right leader", election, c.log.End, "%v after the last fault the last leader of %q is %q, and %q ranks highest",
			ns(c.log.End-c.log.Calm), election, leader, top)
	}
}

// processes end as they are told. One that was not ready yet when the password was wrong
// says so and ends, as it should.
func (c *checker) processes() {
	ready := map[int]bool{}
	for i := range c.log.Lines {
		if l := &c.log.Lines[i]; l.Ev == "ready" {
			ready[l.Process] = true
		}
	}
	excused := func(n int, p *Process) bool {
		for _, f := range c.log.Faults {
			if f.Kind == PasswordLost && !ready[n] && p.Began <= f.Ended && p.Ended >= f.Began {
				return true
			}
		}
		return false
	}
	for i := range c.log.Processes {
		p := &c.log.Processes[i]
		switch {
		case strings.Contains(p.Stderr, "panic:") || strings.Contains(p.Stderr, "fatal error:") || strings.Contains(p.Stderr, "DATA RACE"):
			c.broken("process", "", p.Ended, "%s panicked: %s", p.ID, p.Stderr)
		case p.Ended != 0 && !p.Killed && !p.Told && !excused(i, p):
			c.broken("process", "", p.Ended, "%s ended by itself with exit code %d: %s %s", p.ID, p.Code, c.lastError(i), p.Stderr)
		}
	}
}

// lastError is what a process said last of what is wrong.
func (c *checker) lastError(process int) string {
	text := ""
	for i := range c.log.Lines {
		if l := &c.log.Lines[i]; l.Process == process && l.Ev == "error" {
			text = l.Error
		}
	}
	return text
}

// evidence is whole.
func (c *checker) evidence() {
	for i := range c.log.Lines {
		if l := &c.log.Lines[i]; l.Ev == "error" && (strings.Contains(l.Error, "were lost") || strings.Contains(l.Error, "were missed")) {
			c.broken("evidence", "", l.At, "of %s: %s", l.ID, l.Error)
		}
	}
}
