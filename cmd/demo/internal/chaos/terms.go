package chaos

import "sort"

// How a term ended.
const (
	Lapsed  = "lapsed"   // its trust ran out
	GivenUp = "given up" // it was closed while it was trusted
	Killed  = "killed"   // its process was
	Exited  = "exited"   // its process did, without a lost line
	Open    = "open"     // it had not, when the log was closed
)

// Term is a time in which one process got true from Valid in one election, or would have
// if it had asked. The package's comment says how it is found.
type Term struct {
	Election string `json:"election"`
	ID       string `json:"id"`
	Process  int    `json:"process"`
	Token    uint64 `json:"token"`
	From     int64  `json:"from_ns"`
	To       int64  `json:"to_ns"`
	End      string `json:"end"`
	Cause    string `json:"cause,omitempty"` // as the lost line says

	until, yes int64 // the last trust and the last yes that were told
	lost       int64
}

// place is where terms follow each other in one process; with a token, it is one of them.
type place struct {
	process  int
	election string
	token    uint64
}

// Terms makes the terms of a log whose lines are in order, in the order of their
// beginnings.
func Terms(l *Log) []*Term {
	var list []*Term
	last := map[place]*Term{}
	for i := range l.Lines {
		line := &l.Lines[i]
		at := place{line.Process, line.Election, 0}
		t := last[at]
		if line.Ev == "won" {
			t = &Term{
				Election: line.Election, ID: line.ID, Process: line.Process, Token: line.Token,
				From: line.At, until: line.Until,
			}
			last[at] = t
			last[place{line.Process, line.Election, line.Token}] = t
			list = append(list, t)
			continue
		}
		if t == nil {
			continue
		}
		switch line.Ev {
		case "held":
			// A held line of the term before may come after the next won line.
			if of := last[place{line.Process, line.Election, line.Token}]; of != nil {
				of.until, of.yes = max(of.until, line.Until), max(of.yes, line.Yes)
			}
		case "lost":
			if t.lost == 0 {
				t.lost, t.Cause = line.At, line.Cause
			}
		}
	}
	for _, t := range list {
		t.close(&l.Processes[t.Process], l.End)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].From < list[j].From })
	return list
}

// close finds the end of a term.
func (t *Term) close(p *Process, end int64) {
	to, why := p.Ended, Exited
	switch {
	case t.lost != 0:
		to, why = t.lost, GivenUp
	case p.Ended == 0:
		to, why = max(end, t.yes), Open
	case p.Killed:
		why = Killed
	}
	if t.until <= to {
		to = t.until
		if why == GivenUp || why == Open {
			why = Lapsed
		}
	}
	t.To, t.End = max(to, t.yes, t.From), why
}
