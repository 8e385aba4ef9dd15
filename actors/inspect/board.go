package inspect

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// Board is what a source writes on and pages read from: the present state of every node
// and election, and the last changes, from which any instant since the first of them can
// be shown again. Its methods may be called from any goroutine.
type Board struct {
	clock Clock
	run   string // names this board: ids of another mean nothing here

	mu      sync.Mutex // guards the rest
	now     set        // the present
	base    set        // as it was before the first entry that is kept
	ring    []Entry
	first   int // index of the oldest entry in ring, once it is full
	last    uint64
	resets  uint64
	time    sourceTime
	player  any
	playerN uint64
	readers map[chan struct{}]struct{}
}

// sourceTime is the source's clock: at the instant read it showed at, and runs rate times
// as fast as ours.
type sourceTime struct {
	set  bool
	at   float64 // Unix milliseconds
	read time.Duration
	rate float64
}

// set is the state of everything at one instant.
type set struct {
	nodes map[string]NodeState
	seats map[string][]*Seat // by election; sorted by node
	names []string           // of the elections, sorted
	gone  []string           // nodes of other processes that have left, in order
	over  []string           // elections that no node has to do with any more, in order
}

// keepGone is how many nodes that have left are still known, and how many elections that no
// node knows any more: both come and go, mostly each with a name of its own.
const keepGone = 100

func newBoard(clock Clock, run string, keep int) *Board {
	return &Board{
		clock: clock, run: run, now: newSet(), base: newSet(), ring: make([]Entry, 0, keep),
		readers: make(map[chan struct{}]struct{}),
	}
}

func newSet() set { return set{nodes: map[string]NodeState{}, seats: map[string][]*Seat{}} }

// clone copies a set, so that it can be changed.
func (s *set) clone() set {
	c := set{nodes: make(map[string]NodeState, len(s.nodes)), seats: make(map[string][]*Seat, len(s.seats)), names: slices.Clone(s.names), gone: slices.Clone(s.gone), over: slices.Clone(s.over)}
	for k, v := range s.nodes {
		c.nodes[k] = v
	}
	for k, v := range s.seats {
		c.seats[k] = slices.Clone(v)
	}
	return c
}

// seat finds a node's seat.
func (s *set) seat(node, election string) *Seat {
	list := s.seats[election]
	if i, ok := find(list, node); ok {
		return list[i]
	}
	return nil
}

func find(list []*Seat, node string) (int, bool) {
	return slices.BinarySearchFunc(list, node, func(s *Seat, id string) int {
		switch {
		case s.Node < id:
			return -1
		case s.Node > id:
			return 1
		}
		return 0
	})
}

// apply makes an entry's change.
func (s *set) apply(e *Entry) {
	switch e.Kind {
	case KindNode:
		s.node(e.State)
	case KindMoved, KindSeat:
		list, known := s.seats[e.Seat.Election]
		if !known {
			at, _ := slices.BinarySearch(s.names, e.Seat.Election)
			s.names = slices.Insert(s.names, at, e.Seat.Election)
		}
		if i, ok := find(list, e.Seat.Node); ok {
			list[i] = e.Seat
		} else {
			s.seats[e.Seat.Election] = slices.Insert(list, i, e.Seat)
		}
		s.settle(e.Seat.Election)
	case KindStopped:
		n := s.nodes[e.Node]
		n.ID, n.Up, n.Link = e.Node, false, false
		if n.Note == "" {
			n.Note = e.Cause
		}
		s.nodes[e.Node] = n
		for election, list := range s.seats {
			if i, ok := find(list, e.Node); ok {
				list[i] = &Seat{Node: e.Node, View: actors.View{Election: election, Rank: list[i].Rank}, Cause: e.Cause}
			}
		}
	}
}

// node puts a node's state into the set, and forgets who left long ago.
func (s *set) node(n *NodeState) {
	s.nodes[n.ID] = *n
	if oldest := remember(&s.gone, n.ID, !n.Here && !n.Up); oldest != "" {
		delete(s.nodes, oldest)
	}
}

// settle forgets elections that have been over for long: no node knows anything of them.
func (s *set) settle(election string) {
	over := !slices.ContainsFunc(s.seats[election], func(seat *Seat) bool { return seat.View != actors.View{Election: election, Rank: seat.Rank} })
	if oldest := remember(&s.over, election, over); oldest != "" {
		delete(s.seats, oldest)
		if i, known := slices.BinarySearch(s.names, oldest); known {
			s.names = slices.Delete(s.names, i, i+1)
		}
	}
}

// remember keeps the list of names that are gone, and returns the one that is to be forgotten
// now, "" if none is.
func remember(list *[]string, name string, gone bool) (oldest string) {
	at := slices.Index(*list, name)
	switch {
	case gone && at < 0:
		*list = append(*list, name)
	case !gone && at >= 0:
		*list = slices.Delete(*list, at, at+1)
	}
	if len(*list) > keepGone {
		oldest = (*list)[0]
		*list = slices.Delete(*list, 0, 1)
	}
	return oldest
}

// add records an entry and makes its change. mu is held.
func (b *Board) add(e Entry) {
	b.last++
	e.ID = b.last
	b.now.apply(&e)
	if len(b.ring) < cap(b.ring) {
		b.ring = append(b.ring, e)
	} else {
		b.base.apply(&b.ring[b.first])
		b.ring[b.first] = e
		b.first = (b.first + 1) % len(b.ring)
	}
	b.wake()
}

// wake tells readers that there is something to read. mu is held.
func (b *Board) wake() {
	for ch := range b.readers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// reader returns a channel that is written to when something has changed.
func (b *Board) reader() (ch chan struct{}, stop func()) {
	ch = make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers[ch] = struct{}{}
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.readers, ch)
	}
}

// Node puts a node's state on the board, unless it is there already. text is the news in
// a sentence, "" if it is none, tone its kind.
func (b *Board) Node(at time.Time, n NodeState, tone, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.now.nodes[n.ID]; ok && old == n {
		return
	}
	b.add(Entry{At: at.UnixMilli(), Kind: KindNode, Node: n.ID, State: &n, Text: text, Tone: tone})
}

// Change changes what the board says of a node, which it may not know yet.
func (b *Board) Change(at time.Time, id, tone, text string, change func(*NodeState)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, known := b.now.nodes[id]
	n := old
	n.ID = id
	if change(&n); known && n == old {
		return
	}
	b.add(Entry{At: at.UnixMilli(), Kind: KindNode, Node: id, State: &n, Text: text, Tone: tone})
}

// elsewhere are the nodes of other processes that are in the fleet, as far as is known.
func (b *Board) elsewhere() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, n := range b.now.nodes {
		if n.Up && !n.Here {
			ids = append(ids, id)
		}
	}
	return ids
}

// Stopped says that a node runs no more, and why; its elections are idle then.
func (b *Board) Stopped(at time.Time, node, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := node + " has stopped"
	if why != "stopped" {
		text += ": " + why
	}
	b.add(Entry{At: at.UnixMilli(), Kind: KindStopped, Node: node, Cause: why, Tone: "bad", Text: text})
}

// View puts a node's state in an election on the board, unless it is there already.
func (b *Board) View(at time.Time, node string, v actors.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &Seat{Node: node, View: v}
	if old := b.now.seat(node, v.Election); old != nil {
		if old.View == v || old.State != v.State && !v.Since.IsZero() && old.Since.After(v.Since) {
			return // known, or older than what a transition has told meanwhile; without a time it is over
		}
		if old.State == v.State {
			s.Event, s.Cause, s.code = old.Event, old.Cause, old.code
		}
	}
	b.add(Entry{At: at.UnixMilli(), Kind: KindSeat, Node: node, Election: v.Election, Seat: s})
}

// Moved records a transition of a node's election.
func (b *Board) Moved(node, election string, t fsm.Transition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, why := t.At.Time(), t.Cause.String()
	s := &Seat{Node: node, Event: t.Event.String(), Cause: why, code: t.Cause}
	if old := b.now.seat(node, election); old != nil {
		s.View = old.View
	} else {
		s.Rank = b.now.nodes[node].Rank // until a View says it
	}
	s.Election, s.State, s.Since, s.Round, s.Token, s.Draining = election, t.To, at, t.Round, 0, false
	s.StoodDown = t.To == fsm.Idle && t.Cause.Code == fsm.CauseStandDown
	if t.To == fsm.Won {
		s.Token, s.Leader = t.Token, fsm.Leader{ID: node, Token: t.Token, Known: true}
	}
	tone, text := tell(node, election, t)
	b.add(Entry{
		At: at.UnixMilli(), Kind: KindMoved, Node: node, Election: election, Seat: s,
		From: t.From.String(), Event: t.Event.String(), To: t.To.String(), Cause: why, Round: t.Round, Token: t.Token,
		Tone: tone, Text: text,
	})
}

// tell is a transition as a sentence.
func tell(node, election string, t fsm.Transition) (tone, text string) {
	switch {
	case t.To == fsm.Won:
		tone, text = "won", fmt.Sprintf("%s takes office in %q with token %d", node, election, t.Token)
	case t.From == fsm.Won:
		tone, text = "lost", fmt.Sprintf("%s leaves office in %q", node, election)
	case t.To == fsm.Inconclusive:
		tone, text = "lost", fmt.Sprintf("%s ends round %d of %q without a result", node, t.Round, election)
	default:
		tone, text = "step", fmt.Sprintf("%s goes from %s to %s in %q", node, t.From, t.To, election)
	}
	if why := t.Cause.String(); why != "" {
		text += ": " + why
	}
	return tone, text
}

// Note records a sentence. node and election may be "".
func (b *Board) Note(at time.Time, node, election, tone, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(Entry{At: at.UnixMilli(), Kind: KindNote, Node: node, Election: election, Tone: tone, Text: text})
}

// Clock says what time it is for the source, and how fast that runs: 1 as ours does, 0 it
// stands. Without it the source's clock is ours.
func (b *Board) Clock(now time.Time, rate float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time = sourceTime{set: true, at: float64(now.UnixNano()) / 1e6, read: b.clock.Now().Mono, rate: rate}
	b.wake()
}

// Player tells pages how a replay stands: anything that becomes JSON.
func (b *Board) Player(p any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.player = p
	b.playerN++
	b.wake()
}

// Reset wipes the board: what was told is void. Pages load anew.
func (b *Board) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now, b.base = newSet(), newSet()
	b.ring, b.first = b.ring[:0], 0
	b.resets++
	b.wake()
}

// reading returns the source's time and its rate. mu is held.
func (b *Board) reading() (ms int64, rate float64) {
	now := b.clock.Now()
	if !b.time.set {
		return now.Time().UnixMilli(), 1
	}
	return int64(b.time.at + b.time.rate*float64(now.Mono-b.time.read)/1e6), b.time.rate
}

// entry returns the i-th oldest entry. mu is held.
func (b *Board) entry(i int) *Entry { return &b.ring[(b.first+i)%len(b.ring)] }

// oldest is the id of the oldest entry that is kept, last+1 if there is none. mu is held.
func (b *Board) oldest() uint64 {
	if len(b.ring) == 0 {
		return b.last + 1
	}
	return b.entry(0).ID
}

// as returns the state as it was right after entry id; 0 is the present. What it returns
// must not be changed, and read under mu only. mu is held.
func (b *Board) as(id uint64) *set {
	if id == 0 || id >= b.last {
		return &b.now
	}
	s := b.base.clone()
	for i := range b.ring {
		e := b.entry(i)
		if e.ID > id {
			break
		}
		s.apply(e)
	}
	return &s
}

// since returns the entries after id; ok is false if some of them are gone, or there are
// more than limit. mu is held.
func (b *Board) since(id uint64, limit int) (list []Entry, ok bool) {
	if id >= b.last {
		return nil, id == b.last
	}
	if id+1 < b.oldest() || b.last-id > uint64(limit) {
		return nil, false
	}
	for i := range b.ring {
		if e := b.entry(i); e.ID > id {
			list = append(list, *e)
		}
	}
	return list, true
}
