package actors_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
	"hustings/redisbridge"
)

// referee asks, a thousand times a second, every leadership of an election that any node
// of this process ever had whether it is valid, and notes when two are at once. It also
// collects the terms as the nodes tell them: those have exact beginnings, and exact ends
// where trust ran out, so that an overlap shorter than the sampling shows, too.
type referee struct {
	t        testing.TB
	election string
	// allowed is how long two may lead at once where a test does what the policy
	// OnDisconnect makes an exception for; such overlaps are counted apart.
	allowed time.Duration
	stop    chan struct{}
	stopped sync.WaitGroup

	mu       sync.Mutex // guards the rest
	nodes    []*actors.Node
	live     []*tenure
	terms    []*tenure
	present  map[string]*tenure // of each node, the latest that it told
	overlaps []string
	samples  int
}

// tenure is one leadership.
type tenure struct {
	node  string
	token uint64
	lead  *actors.Leadership // nil if it was too short to be seen
	won   time.Duration      // monotonic; 0 until the node has told
	at    time.Time          // the same by the wall clock
	last  time.Duration      // the last time it was seen to be valid
	ended time.Duration      // it was seen not to be any more
	lapse time.Duration      // when its trust ran out, if that ended it
}

func newReferee(t testing.TB, election string) *referee {
	r := &referee{t: t, election: election, stop: make(chan struct{}), present: map[string]*tenure{}}
	r.stopped.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-tick.C:
				r.look()
			case <-r.stop:
				tick.Stop()
				return
			}
		}
	})
	return r
}

// judge ends the watch and fails the test for what was seen.
func (r *referee) judge() {
	r.t.Helper()
	close(r.stop)
	r.stopped.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range append(r.overlaps, r.compare()...) {
		r.t.Error(text)
	}
}

// follow watches one more node.
func (r *referee) follow(n *actors.Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes = append(r.nodes, n)
}

func now() time.Duration { return redisbridge.SystemClock{}.Now().Mono }

// look takes one sample.
func (r *referee) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples++
	for _, n := range r.nodes {
		l := n.Leadership(r.election)
		if l != nil && !slices.ContainsFunc(r.live, func(t *tenure) bool { return t.lead == l }) {
			t := r.term(n.ID(), l.Token())
			if t.lead == nil { // else it is over, and was retired
				t.lead = l
				r.live = append(r.live, t)
			}
		}
	}
	for _, t := range r.live {
		if at := now(); t.lead.Valid() {
			t.last = max(t.last, at)
		} else {
			t.ended = at
		}
	}
	// Who says yes now said yes at every instant since it was in office, also when the
	// other one said it just now.
	for i, a := range r.live {
		for _, b := range r.live[i+1:] {
			if r.allowed == 0 && b.lead.Valid() && a.lead.Valid() { // else compare has it
				r.overlaps = append(r.overlaps, "two lead at once: "+a.node+" and "+b.node)
			}
		}
	}
	r.live = slices.DeleteFunc(r.live, func(t *tenure) bool { return t.ended != 0 })
}

// term finds or makes the one with a token.
func (r *referee) term(node string, token uint64) *tenure {
	for _, t := range slices.Backward(r.terms) {
		if t.token == token {
			if t.node != node {
				r.overlaps = append(r.overlaps, "one token for "+t.node+" and "+node)
			}
			return t
		}
	}
	t := &tenure{node: node, token: token}
	r.terms = append(r.terms, t)
	return t
}

// told takes an event of a node.
func (r *referee) told(node string, ev actors.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch ev := ev.(type) {
	case *actors.Won:
		if ev.Election == r.election {
			t := r.term(node, ev.Token)
			t.won, t.at = ev.At.Mono, ev.At.Time()
			r.present[node] = t
		}
	case *actors.Lost:
		if ev.Election != r.election || ev.Cause.Code != fsm.CauseLapsed {
			return
		}
		if t := r.present[node]; t != nil && t.lead != nil {
			// A heartbeat answered afterwards may have prolonged the session's trust,
			// though not this term.
			t.lapse = min(t.lead.Until().Mono, ev.At.Mono)
		}
	}
}

// compare lays the terms side by side.
func (r *referee) compare() (faults []string) {
	terms := r.inOrder()
	for i := 1; i < len(terms); i++ {
		a, b := terms[i-1], terms[i]
		if b.token <= a.token {
			faults = append(faults, "a token does not rise: "+a.node+", then "+b.node)
		}
		if end := max(a.last, a.lapse); b.won+r.allowed < end {
			faults = append(faults, "the terms of "+a.node+" and "+b.node+" overlap by "+(end-b.won).String())
		}
	}
	return faults
}

// inOrder returns the terms that were told, by their beginnings.
func (r *referee) inOrder() []*tenure {
	terms := slices.DeleteFunc(slices.Clone(r.terms), func(t *tenure) bool { return t.won == 0 })
	slices.SortStableFunc(terms, func(a, b *tenure) int { return int(a.won - b.won) })
	return terms
}

// excused returns the overlaps, those that are allowed with them.
func (r *referee) excused() (list []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	terms := r.inOrder()
	for i := 1; i < len(terms); i++ {
		if d := max(terms[i-1].last, terms[i-1].lapse) - terms[i].won; d > 0 {
			list = append(list, d)
		}
	}
	return list
}

// wonSince returns the first term that began after an instant.
func (r *referee) wonSince(at time.Duration) (first *tenure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.terms {
		if t.won > at && (first == nil || t.won < first.won) {
			first = t
		}
	}
	return first
}

// count returns how many overlaps were seen, and how many terms.
func (r *referee) count() (overlaps, terms int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.overlaps) + len(r.compare()), len(r.terms)
}

// last returns the latest term that a node has told.
func (r *referee) last() (last tenure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.terms {
		if t.won > last.won {
			last = *t
		}
	}
	return last
}
