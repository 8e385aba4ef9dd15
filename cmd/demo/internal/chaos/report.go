package chaos

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"
	"time"
)

// Write prints a report as tables. Times of failovers are in TTLs.
func (r *Report) Write(w io.Writer, l *Log, b Bounds) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tab, "fault\tinjected\tterms ended\tfailover p50\tp99\tmax\tno leader p50\tp99\tmax\t\n")
	var sum KindFigures
	for _, k := range r.Kinds {
		if k.Injected == 0 && k.Ended == 0 {
			continue
		}
		sum.Injected += k.Injected
		sum.Ended += k.Ended
		sum.Failovers = append(sum.Failovers, k.Failovers...)
		sum.Gaps = append(sum.Gaps, k.Gaps...)
		k.row(tab, b.TTL)
	}
	slices.Sort(sum.Failovers)
	slices.Sort(sum.Gaps)
	sum.Kind = "all"
	sum.row(tab, b.TTL)
	_ = tab.Flush()
	fmt.Fprintf(w, "times in TTLs of %v: from the fault to the next term, and without a leader\n\n", b.TTL)
	r.facts(w, l, b)
}

func (k *KindFigures) row(w io.Writer, ttl time.Duration) {
	fmt.Fprintf(w, "%s\t%d\t%d\t", k.Kind, k.Injected, k.Ended)
	for _, list := range [][]time.Duration{k.Failovers, k.Gaps} {
		if len(list) == 0 {
			fmt.Fprint(w, "-\t-\t-\t")
			continue
		}
		for _, p := range []float64{0.5, 0.99, 1} {
			fmt.Fprintf(w, "%.2f\t", Percentile(list, p).Seconds()/ttl.Seconds())
		}
	}
	fmt.Fprintln(w)
}

// facts prints the rest.
func (r *Report) facts(w io.Writer, l *Log, b Bounds) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "two leaders at once\t%d times\n", r.Overlaps)
	if b.Overlap > 0 {
		longest := time.Duration(0)
		for _, d := range r.Allowed {
			longest = max(longest, d)
		}
		fmt.Fprintf(tab, "evicted and not yet aware\t%d times, %v at most; %v is allowed\n", len(r.Allowed), longest, b.Overlap)
	}
	fmt.Fprintf(tab, "terms\t%d: %s\n", r.Terms, counts(r.Ends))
	fmt.Fprintf(tab, "a leader in the storm\t%s\n", shares(l.Elections, r.Storm, l.Calm-l.Begin))
	fmt.Fprintf(tab, "a leader in the quiet\t%s\n", shares(l.Elections, r.Quiet, l.End-l.Calm))
	fmt.Fprintf(tab, "longest without, no fault near\t%v; the bound is %v\n", r.WorstCalmGap.Round(time.Millisecond), b.Leader().Round(time.Millisecond))
	if r.LeastLapse >= 0 {
		fmt.Fprintf(tab, "shortest from a lapse to the next term\t%v\n", r.LeastLapse.Round(10*time.Microsecond))
	}
	_ = tab.Flush()
}

func counts(m map[string]int) string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return m[names[i]] > m[names[j]] })
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", m[name], name)
	}
	return strings.Join(names, ", ")
}

func shares(elections []string, m map[string]float64, of int64) string {
	words := make([]string, len(elections))
	for i, e := range elections {
		words[i] = fmt.Sprintf("%s %.2f%%", e, 100*m[e])
	}
	return fmt.Sprintf("%s of %v", strings.Join(words, ", "), time.Duration(of).Round(100*time.Millisecond))
}

// dull lines say nothing of why a rule was broken.
var dull = map[string]bool{"up": true, "left": true, "dead": true, "message": true, "reply": true}

// Timeline merges what all processes said, and what was done to them, around an instant:
// the last lines up to it and some after it.
func (l *Log) Timeline(v Violation, before, after int) []string {
	type entry struct {
		at   int64
		text string
	}
	var list []entry
	add := func(at int64, who, format string, args ...any) {
		list = append(list, entry{at, fmt.Sprintf("%10.4f  %-14s %s", float64(at-l.Begin)/1e9, who, fmt.Sprintf(format, args...))})
	}
	for i := range l.Lines {
		line := &l.Lines[i]
		if dull[line.Ev] || line.Election != "" && v.Election != "" && line.Election != v.Election {
			continue
		}
		add(line.At, fmt.Sprintf("%s#%d", line.ID, line.Process), "%s", brief(line.Raw))
	}
	for _, f := range l.Faults {
		who := f.Target
		if who == "" {
			who = "redis"
		}
		add(f.Began, who, "*** %s begins %s", f.Kind, f.Note)
		if f.Ended > f.Began {
			add(f.Ended, who, "*** %s is over", f.Kind)
		}
	}
	for i, p := range l.Processes {
		who := fmt.Sprintf("%s#%d", p.ID, i)
		add(p.Began, who, "*** the process starts")
		if p.Ended != 0 {
			add(p.Ended, who, "*** the process ends, exit code %d", p.Code)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].at < list[j].at })
	mid := sort.Search(len(list), func(i int) bool { return list[i].at > v.At })
	var out []string
	for _, e := range list[max(0, mid-before):min(len(list), mid+after)] {
		out = append(out, e.text)
	}
	return out
}

// brief leaves out of a line what the timeline says already.
func brief(raw string) string {
	if _, rest, ok := strings.Cut(raw, `"mono_ns":`); ok {
		ev, _, _ := strings.Cut(strings.TrimPrefix(raw, `{"ev":"`), `"`)
		_, members, _ := strings.Cut(rest, ",")
		return ev + "  " + strings.TrimSuffix(members, "}")
	}
	return raw
}
