package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/fsm"
	"hustings/redisbridge"
)

// The safety cases are schedules that broke earlier wordings of the lease rules, each
// found by a model checker. Here they run with real nodes; docs/safety-cases.md says
// which rule answers which. The checker counted in ticks: TTL 6, a heartbeat every 2.
const second = time.Second

// seedsPerCase is how often a schedule runs: what it leaves open (latencies, the order
// of simultaneous events) is another in each seed.
const seedsPerCase = 10

// firstQuarantine is how long a brand-new Redis refuses claims, and a little more.
const firstQuarantine = 6*second + second/10

const theElection = "e"

var keys = redisbridge.Keys(redisbridge.DefaultPrefix)

// stage is a world for one schedule: it watches, after every event, that no two nodes
// are trusted leaders and that every term has a token above all before.
type stage struct {
	w     *sim.World
	nodes []*sim.Node
	terms map[*actors.Leadership]bool
	token uint64 // the highest of any term

	gap     bool          // two leaders are possible here: the schedule breaks an assumption
	overlap time.Duration // for how long there were
	last    time.Duration // when the stage was looked at
	two     bool          // there were two then
}

// schedule runs a safety case.
func schedule(t *testing.T, play func(s *stage)) {
	t.Helper()
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		s := &stage{w: w, terms: map[*actors.Leadership]bool{}}
		w.Every("one trusted leader", s.oneLeader)
		play(s)
	}, sim.ClientTimeout(2*second), sim.ConnectTimeout(2*second))
}

// oneLeader looks at every node's handle, that of a paused one too: what it would
// answer at this instant is what counts.
func (s *stage) oneLeader() error {
	now := s.w.Now()
	if s.two {
		s.overlap += now - s.last
	}
	s.last, s.two = now, false
	var trusted []string
	for _, n := range s.nodes {
		h := n.Handle()
		if h == nil {
			continue
		}
		l := h.Leadership(theElection)
		if l == nil {
			continue
		}
		if err := s.newTerm(n, l); err != nil {
			return err
		}
		if l.Valid() {
			trusted = append(trusted, fmt.Sprintf("%s with token %d", n.ID(), l.Token()))
		}
	}
	if s.two = len(trusted) > 1; s.two && !s.gap {
		return fmt.Errorf("%s", strings.Join(trusted, " and "))
	}
	return nil
}

func (s *stage) newTerm(n *sim.Node, l *actors.Leadership) error {
	if s.terms[l] {
		return nil
	}
	s.terms[l] = true
	if l.Token() <= s.token {
		return fmt.Errorf("%s has a new term with token %d, there was %d", n.ID(), l.Token(), s.token)
	}
	s.token = l.Token()
	return nil
}

// node starts a node with an election in which it does not stand yet. Everybody is
// sticky, so that who is in office stays there but for what the schedule does.
func (s *stage) node(id string, rank int64, change ...func(*actors.Config)) *sim.Node {
	cfg := actors.Config{Rank: &rank, TTL: 6 * second}
	for _, f := range change {
		f(&cfg)
	}
	n := s.w.Node(id, cfg)
	n.Stand(actors.ElectionConfig{Name: theElection, Sticky: true})
	n.Watch(func(ev actors.Event) {
		if won, ok := ev.(*actors.Won); ok && won.At.Mono >= won.Trusted.Mono {
			s.w.Fail("who wins is trusted", fmt.Errorf("%s won after its trust had ended", id))
		}
	})
	s.nodes = append(s.nodes, n)
	return n
}

func (s *stage) run(n *sim.Node)  { n.Tell(theElection, &actors.Run{}) }
func (s *stage) quit(n *sim.Node) { n.Tell(theElection, &actors.Quit{}) }

// pair starts two nodes and has the lower one take office: whoever looks for a leader
// afterwards finds that nobody outranks it, and claims at once.
func (s *stage) pair() (holder, rival *sim.Node) {
	holder, rival = s.node("holder", 1), s.node("rival", 2)
	s.run(holder)
	s.leads(holder, 15*second)
	return holder, rival
}

// way is one of the two ways to a grant: a node stands, and bids; or it is the heir of a
// former holder, and claims.
type way struct {
	*stage
	script string
	former *sim.Node
}

// bothWays runs a safety case in either way.
func bothWays(t *testing.T, play func(w *way)) {
	t.Helper()
	for _, script := range []string{"bid", "claim"} {
		t.Run(script, func(t *testing.T) {
			schedule(t, func(s *stage) { play(&way{stage: s, script: script}) })
		})
	}
}

// prepare leads to the instant before a node asks for the office.
func (w *way) prepare(n *sim.Node) {
	if w.script == "bid" {
		return
	}
	w.former = w.node("former", 9)
	w.run(w.former)
	w.leads(w.former, 12*second)
	w.run(n)
	w.until("it follows", 2*second, func() bool {
		v, err := n.Handle().View(theElection)
		return err == nil && v.State == fsm.Lost && v.Leader.ID == w.former.ID()
	})
}

// ask has it ask for the office.
func (w *way) ask(n *sim.Node) {
	if w.script == "bid" {
		w.run(n)
	} else {
		w.quit(w.former)
	}
}

func (s *stage) trusted(n *sim.Node) bool {
	h := n.Handle()
	return h != nil && h.Leadership(theElection) != nil && h.Leadership(theElection).Valid()
}

func tokenOf(n *sim.Node) uint64 { return n.Handle().Leadership(theElection).Token() }

// until lets time pass until something holds, which it must within d.
func (s *stage) until(what string, d time.Duration, holds func() bool) {
	if !s.w.RunUntil(holds, d) {
		s.w.Require(what, fmt.Errorf("not within %v", d))
	}
}

// leads waits for a node to be in office.
func (s *stage) leads(n *sim.Node, within time.Duration) {
	s.until(n.ID()+" leads", within, func() bool { return s.trusted(n) })
}

// keeps requires that a node is still in the office that began with a token, and that
// Redis says so.
func (s *stage) keeps(n *sim.Node, token uint64) {
	if !s.trusted(n) || tokenOf(n) != token {
		s.w.Require("the office is kept", fmt.Errorf("%s does not lead with token %d", n.ID(), token))
	}
	if id := s.get("HGET", keys.Leader(theElection), "id"); id != n.ID() {
		s.w.Require("the office is recorded", fmt.Errorf("the record names %q, not %s", id, n.ID()))
	}
}

// get looks into Redis.
func (s *stage) get(words ...string) string {
	v, err := s.w.Redis().Do(words...)
	s.w.Require("a look into Redis", err)
	text, _ := v.(string)
	return text
}

// change changes Redis behind everyone's back.
func (s *stage) change(words ...string) {
	_, err := s.w.Redis().Do(words...)
	s.w.Require("a change of Redis", err)
}

// cut loses every request of a node; mend ends that.
func cut(n *sim.Node) {
	n.Intercept(func(dir sim.Direction, _ []string) sim.Mishap { return sim.Mishap{Lost: dir == sim.ToRedis} })
}

func mend(n *sim.Node) { n.Intercept(nil) }

// next has something happen to the next request that carries a script, or to the reply.
func next(n *sim.Node, at sim.Direction, script string, m sim.Mishap, also ...func()) {
	n.Intercept(func(dir sim.Direction, commands []string) sim.Mishap {
		if dir != at || !slices.Contains(commands, script) {
			return sim.Mishap{}
		}
		n.Intercept(nil)
		for _, f := range also {
			f()
		}
		return m
	})
}

// always has something happen to all of them.
func always(n *sim.Node, at sim.Direction, script string, m sim.Mishap) {
	n.Intercept(func(dir sim.Direction, commands []string) sim.Mishap {
		if dir != at || !slices.Contains(commands, script) {
			return sim.Mishap{}
		}
		return m
	})
}

// beat runs until a heartbeat of the node was executed, and its reply has arrived.
func (s *stage) beat(n *sim.Node) {
	beaten := false
	next(n, sim.FromRedis, "heartbeat", sim.Mishap{}, func() { beaten = true })
	s.until("a heartbeat", 5*second, func() bool { return beaten })
	s.w.Run(2 * time.Millisecond)
}

// overlapped requires that there were two leaders, for min to max.
func (s *stage) overlapped(min, max time.Duration) {
	if s.overlap < min || s.overlap > max {
		s.w.Require("two leaders as long as said", fmt.Errorf("there were two for %v", s.overlap))
	}
}
