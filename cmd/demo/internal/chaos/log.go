package chaos

import (
	"encoding/json"
	"fmt"
	"sort"
	"sync"
)

// Line is a line that a node wrote. docs/demo.md documents its members.
type Line struct {
	Ev       string `json:"ev"`
	ID       string `json:"id"`
	At       int64  `json:"mono_ns"`
	Election string `json:"election"`
	Token    uint64 `json:"token"`
	Until    int64  `json:"until_ns"`
	Yes      int64  `json:"yes_ns"`
	Value    bool   `json:"value"`
	Cause    string `json:"cause"`
	Error    string `json:"error"`

	Process int    `json:"-"` // index in Log.Processes
	Raw     string `json:"-"`
}

// ParseLine reads a line.
func ParseLine(process int, raw string) (Line, error) {
	l := Line{Process: process, Raw: raw}
	if err := json.Unmarshal([]byte(raw), &l); err != nil {
		return l, fmt.Errorf("chaos: %w in %q", err, raw)
	}
	return l, nil
}

// Process is one life of a node. All instants here and below are nanoseconds of the
// machine's monotonic clock.
type Process struct {
	ID    string `json:"id"`
	Began int64  `json:"began_ns"`
	// Ended is just before the kill, or when the exit was seen; 0 if it lives.
	Ended  int64 `json:"ended_ns,omitempty"`
	Killed bool  `json:"killed,omitempty"`
	// Told: it was asked to end.
	Told   bool   `json:"told,omitempty"`
	Code   int    `json:"code"`
	Stderr string `json:"stderr,omitempty"` // the last of it
}

// Fault is something that was done to the fleet.
type Fault struct {
	Kind   Kind   `json:"kind"`
	Target string `json:"target,omitempty"` // a node's id; "" is Redis
	Began  int64  `json:"began_ns"`
	Ended  int64  `json:"ended_ns"`
	Note   string `json:"note,omitempty"`
}

// Log is all that is known of a run.
type Log struct {
	Elections []string
	Lines     []Line
	Processes []Process
	Faults    []Fault
	// Begin: every election had a leader. Calm: the last fault was over. End: the
	// fleet was told to stop.
	Begin, Calm, End int64
}

// reign is a term: whose, since when, and whether it is over.
type reign struct {
	process int
	since   int64
	over    bool
}

// book is a Log that is being written, and what it says of the present.
type book struct {
	mu      sync.Mutex // guards the rest
	log     Log
	leaders map[string]*reign // by election: the last one, as far as told
	frozen  map[int]bool      // processes that stand still
}

func newBook(elections []string) *book {
	return &book{log: Log{Elections: elections}, leaders: map[string]*reign{}, frozen: map[int]bool{}}
}

func (b *book) process(id string, at int64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.Processes = append(b.log.Processes, Process{ID: id, Began: at})
	return len(b.log.Processes) - 1
}

// change edits what is known of a process. One that has ended leads nothing.
func (b *book) change(n int, f func(p *Process)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.log.Processes[n]
	f(p)
	if p.Ended != 0 {
		for _, r := range b.leaders {
			if r.process == n {
				r.over = true
			}
		}
	}
}

func (b *book) line(l Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.Lines = append(b.log.Lines, l)
	r := b.leaders[l.Election]
	switch {
	case l.Ev == "won" && (r == nil || l.At > r.since): // lines of several processes may be read out of order
		b.leaders[l.Election] = &reign{process: l.Process, since: l.At, over: b.log.Processes[l.Process].Ended != 0}
	case l.Ev == "lost" && r != nil && r.process == l.Process:
		r.over = true
	}
}

// fault notes the beginning of one and returns its index.
func (b *book) fault(f Fault) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.Faults = append(b.log.Faults, f)
	return len(b.log.Faults) - 1
}

func (b *book) over(fault int, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.Faults[fault].Ended = at
}

func (b *book) freeze(process int, frozen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen[process] = frozen
}

// leader returns the id of a process that leads and runs, "" if there is none.
func (b *book) leader(election string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.leaders[election]
	if r == nil || r.over || b.frozen[r.process] {
		return ""
	}
	return b.log.Processes[r.process].ID
}

// led reports whether every election has a leader that runs.
func (b *book) led() bool {
	for _, e := range b.log.Elections {
		if b.leader(e) == "" {
			return false
		}
	}
	return true
}

// close returns the log, its lines in the order of their instants.
func (b *book) close() *Log {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.log
	sort.SliceStable(l.Lines, func(i, j int) bool { return l.Lines[i].At < l.Lines[j].At })
	return &l
}
