package inspect

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// Bounds of one answer.
const (
	maxRows    = 200
	rowsByDef  = 50
	maxMoments = 500
	maxSeats   = 100 // inspected for one answer
	patience   = time.Second
)

// stateReply is /state.json.
type stateReply struct {
	Title string `json:"title"`
	// Run names the recording: ids of another mean nothing here.
	Run string `json:"run"`
	// First and Last are the oldest and the newest entry that is kept; As is the one
	// after which this is the state, 0 the present. It is later than the one that was asked
	// for where that is not kept.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	As    uint64 `json:"as"`
	// NowMS is the source's time in Unix milliseconds, Rate how fast it runs.
	NowMS int64   `json:"now_ms"`
	Rate  float64 `json:"rate"`

	Nodes   []NodeState `json:"nodes"`
	Summary summary     `json:"summary"`
	// Rows is one page of the elections that match.
	Matched int   `json:"matched"`
	Offset  int   `json:"offset"`
	Rows    []row `json:"rows"`

	Detail  *detail      `json:"detail,omitempty"`
	Control *controlInfo `json:"control,omitempty"`
	Player  any          `json:"player,omitempty"`
}

// summary counts elections.
type summary struct {
	Elections int `json:"elections"`
	Led       int `json:"led"`
	Vacant    int `json:"vacant"`
	Moving    int `json:"moving"`
	Idle      int `json:"idle"`
}

// row is one election, in short.
type row struct {
	Election string `json:"election"`
	// Status is "led", "moving" (somebody votes), "vacant" or "idle" (nobody stands, or
	// nothing is known).
	Status string `json:"status"`
	Leader string `json:"leader,omitempty"`
	Token  uint64 `json:"token,omitempty"`
	// States counts the nodes here by state.
	States  map[string]int `json:"states"`
	SinceMS int64          `json:"since_ms,omitempty"`
}

// detail is one election, whole.
type detail struct {
	row
	Seats []seatReply `json:"seats"`
	// Moments are what happened, oldest first; with ID 0 before the recording began.
	Moments []Entry `json:"moments"`
}

// seatReply is a node in the election.
type seatReply struct {
	Seat
	Explain string `json:"explain"`
	// TrustedMS is how long its term is trusted yet; -1 if that is not known any more.
	TrustedMS  int64         `json:"trusted_ms"`
	Place      int           `json:"place"`
	DeadlineMS int64         `json:"deadline_ms"`
	Pending    []fsm.Pending `json:"pending"`
	// Session is nil where it is not known: of the past, or of a node that is gone.
	Session *actors.SessionInfo `json:"session,omitempty"`
}

// summarize makes an election's row. It is cheap: it runs for each election.
func summarize(election string, seats []*Seat, states bool) row {
	r := row{Election: election, Status: "idle"}
	if states {
		r.States = make(map[string]int, 4)
	}
	var known, vacant, moving bool
	for _, s := range seats {
		if states {
			r.States[s.State.String()]++
		}
		switch s.State {
		case fsm.Won:
			if known && s.Token < r.Token {
				continue // it stands still, and has not noticed that its term is over
			}
			r.Status, r.Leader, r.Token, r.SinceMS = "led", s.Node, s.Token, s.Since.UnixMilli()
			known = true
		case fsm.Voting, fsm.Waiting, fsm.Inconclusive:
			moving = true
		}
	}
	for _, s := range seats {
		if known {
			break
		}
		l := s.Leader
		if _, here := find(seats, l.ID); here {
			l.ID, l.Known = "", true // it does not lead: this one has not heard of it yet
		}
		if l.ID != "" && (r.Leader == "" || l.Token > r.Token) {
			r.Status, r.Leader, r.Token = "led", l.ID, l.Token
		}
		vacant = vacant || l.Known && l.ID == "" && s.State != fsm.Idle
	}
	if r.Leader == "" {
		switch {
		case moving:
			r.Status = "moving"
		case vacant:
			r.Status = "vacant"
		}
	}
	return r
}

func (s *summary) count(status string) {
	s.Elections++
	switch status {
	case "led":
		s.Led++
	case "vacant":
		s.Vacant++
	case "moving":
		s.Moving++
	default:
		s.Idle++
	}
}

// state serves /state.json. Parameters: q (part of an election's or its leader's name),
// status, offset and limit choose the rows; election asks for one whole; as is the entry
// after which to look.
func (p *Page) state(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	out := &stateReply{Title: p.options.Title, Run: p.board.run, Rows: []row{}, Nodes: []NodeState{}}
	number := func(name string, def, most int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil && n >= 0 {
			return min(n, most)
		}
		return def
	}
	out.As, _ = strconv.ParseUint(q.Get("as"), 10, 64)
	out.Offset = number("offset", 0, 1<<30)
	p.board.mu.Lock()
	out.First, out.Last = p.board.oldest(), p.board.last
	out.NowMS, out.Rate = p.board.reading()
	out.Player = p.board.player
	if out.As >= out.Last {
		out.As = 0
	} else if out.As > 0 {
		out.As = max(out.As, out.First-1) // further back nothing is kept
	}
	set := p.board.as(out.As)
	out.fill(set, strings.ToLower(q.Get("q")), q.Get("status"), number("limit", rowsByDef, maxRows))
	if name := q.Get("election"); set.seats[name] != nil {
		out.Detail = p.detailOf(set, name)
	}
	p.board.mu.Unlock()
	if out.Detail != nil {
		p.explain(r.Context(), out.Detail, out.As)
	}
	out.Control = p.controlInfo()
	reply(w, http.StatusOK, out)
}

// fill takes what concerns all elections, and the rows that match.
func (out *stateReply) fill(set *set, q, status string, limit int) {
	for _, n := range set.nodes {
		out.Nodes = append(out.Nodes, n)
	}
	slices.SortFunc(out.Nodes, func(a, b NodeState) int { return strings.Compare(a.ID, b.ID) })
	for _, name := range set.names {
		r := summarize(name, set.seats[name], false)
		out.Summary.count(r.Status)
		if status != "" && r.Status != status ||
			q != "" && !strings.Contains(strings.ToLower(name), q) && !strings.Contains(strings.ToLower(r.Leader), q) {
			continue
		}
		if out.Matched >= out.Offset && len(out.Rows) < limit {
			out.Rows = append(out.Rows, summarize(name, set.seats[name], true))
		}
		out.Matched++
	}
}

// detailOf collects what the board knows of an election. The board's mu is held.
func (p *Page) detailOf(set *set, name string) *detail {
	d := &detail{row: summarize(name, set.seats[name], true), Moments: []Entry{}, Seats: []seatReply{}}
	for _, s := range set.seats[name] {
		trusted := int64(0)
		if s.State == fsm.Won {
			trusted = -1 // unless the node says so
		}
		d.Seats = append(d.Seats, seatReply{Seat: *s, TrustedMS: trusted, Place: -1, DeadlineMS: -1, Pending: []fsm.Pending{}})
	}
	for i := len(p.board.ring) - 1; i >= 0 && len(d.Moments) < maxMoments; i-- {
		if e := p.board.entry(i); e.concerns(name) {
			d.Moments = append(d.Moments, *e)
		}
	}
	slices.Reverse(d.Moments)
	return d
}

// concerns reports whether an entry belongs into an election's story.
func (e *Entry) concerns(election string) bool {
	return (e.Election == election || e.Election == "") && e.Text != ""
}

// explain adds what only the nodes know, and the sentences.
func (p *Page) explain(ctx context.Context, d *detail, as uint64) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := p.options.Clock.AfterFunc(patience, cancel)
	defer timer.Stop()
	recorded := make(map[string]bool)
	for _, e := range d.Moments {
		if e.Kind == KindMoved {
			recorded[key(e.Node, e.At, e.To)] = true
		}
	}
	var before []Entry
	for i := range d.Seats {
		s := &d.Seats[i]
		snap := s.past()
		if as == 0 && i < maxSeats {
			if now, err := p.source.Inspect(ctx, s.Node, d.Election); err == nil && now != nil {
				snap = now
				s.View, s.TrustedMS, s.Place, s.DeadlineMS, s.Pending = now.View, now.TrustedMS, now.Place, now.DeadlineMS, append(s.Pending, now.Pending...)
				s.Session = &now.Session
				for _, t := range now.History {
					if !recorded[key(s.Node, t.At.Time().UnixMilli(), t.To.String())] {
						before = append(before, moment(s.Node, d.Election, t))
					}
				}
			}
		}
		s.Explain = snap.Explain()
	}
	slices.SortStableFunc(d.Seats, func(a, b seatReply) int {
		x, y := fsm.Candidate{ID: a.Node, Rank: a.Rank}, fsm.Candidate{ID: b.Node, Rank: b.Rank}
		if x.Outranks(y) {
			return -1
		}
		return 1
	})
	if as == 0 && len(d.Moments) < maxMoments && len(before) > 0 {
		d.Moments = merge(before, d.Moments)
	}
}

func key(node string, at int64, to string) string {
	return node + "\x00" + strconv.FormatInt(at, 10) + to
}

// merge puts what happened before the recording in front of it; what a node remembers
// from the time of the recording was lost to it, and is left out.
func merge(before, moments []Entry) []Entry {
	if len(moments) > 0 {
		first := moments[0].At
		before = slices.DeleteFunc(before, func(e Entry) bool { return e.At > first })
	}
	slices.SortStableFunc(before, func(a, b Entry) int { return int(a.At - b.At) })
	before = before[max(0, len(before)+len(moments)-maxMoments):]
	return append(before, moments...)
}

func moment(node, election string, t fsm.Transition) Entry {
	tone, text := tell(node, election, t)
	return Entry{
		At: t.At.Time().UnixMilli(), Kind: KindMoved, Node: node, Election: election, From: t.From.String(),
		Event: t.Event.String(), To: t.To.String(), Cause: t.Cause.String(), Round: t.Round, Token: t.Token, Tone: tone, Text: text,
	}
}

// past is what a snapshot would have said, as far as it is recorded.
func (s *seatReply) past() *actors.Snapshot {
	return &actors.Snapshot{
		View: s.View, ID: s.Node, TrustedMS: -1, DeadlineMS: -1,
		History: []fsm.Transition{{To: s.State, Cause: s.code}},
	}
}
