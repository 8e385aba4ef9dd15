package sim

import (
	"errors"
	"fmt"
	"time"

	"hustings/actors"
)

// Swarm is the standard scenario of a fleet in trouble: nodes that stand in elections,
// are told at random to run, quit, resign and stop, and do work that takes its time to
// return, in a [Storm] whose hazards the seed draws; then calm, and [World.Recover].
// The observer looks on. Everything is drawn from the seed: two fleets of one seed and
// one Swarm do the same.
//
// The zero value is ready. It is a value; the functions that take one do not keep it.
type Swarm struct {
	// Nodes is how many nodes there are. Default 5.
	Nodes int
	// Elections is how many elections each stands in. Default 2.
	Elections int
	// For is how long the trouble lasts, in virtual time. Default 1 minute.
	For time.Duration
	// Storm is the swarm of faults. A Hazards that is empty, but not nil, brings none.
	Storm Storm
	// Quiet: nobody is told anything after Run.
	Quiet bool
	// Steps gets every step of every node's elections, as actors.Config.Steps does. It
	// must not change anything in the world.
	Steps func(node string, step actors.Step)
}

func (s Swarm) withDefaults() Swarm {
	if s.Nodes <= 0 {
		s.Nodes = 5
	}
	if s.Elections <= 0 {
		s.Elections = 2
	}
	def(&s.For, time.Minute)
	return s
}

// swarm is one going on.
type swarm struct {
	Swarm
	w     *World
	nodes []*Node
	names []string
	end   time.Duration
}

// Run plays the scenario in a world, which should be new.
func (s Swarm) Run(w *World) {
	w.helper()
	r := s.begin(w)
	w.Run(s.withDefaults().For)
	r.calm()
	w.Recover()
	for _, n := range r.nodes {
		if h := n.Handle(); h != nil && h.Err() != nil && !errors.Is(h.Err(), actors.ErrRefused) && !n.mistakesItself(h.Err()) {
			w.Require("no node fails for good", fmt.Errorf("%s: %w", n.id, h.Err()))
		}
	}
}

// mistakesItself: a failover brought the session of the node's former life back, and its
// wall clock had been set back between the two. Who came first is read from when they
// started, by that clock, so the node takes its former life for a newer process, and
// stops. Nobody could tell the two apart at once; docs/guarantees.md says what to do.
func (n *Node) mistakesItself(err error) bool {
	return errors.Is(err, actors.ErrReplaced) && n.clock.setBack > 0
}

// begin makes the fleet and the trouble.
func (s Swarm) begin(w *World) *swarm {
	r := &swarm{Swarm: s.withDefaults(), w: w}
	r.end = w.sched.now + r.For
	rand := w.Rand()
	ttl := []time.Duration{1500 * time.Millisecond, 5 * time.Second, 5 * time.Second}[rand.IntN(3)]
	for i := range r.Elections {
		r.names = append(r.names, fmt.Sprintf("e%d", i))
	}
	sticky, drains := rand.Chance(0.3), rand.Chance(0.5)
	spread := rand.Chance(0.3)
	policy := drawPolicy(w)
	for i := range r.Nodes {
		id := fmt.Sprintf("n%d", i)
		cfg := actors.Config{Rank: new(int64(i)), TTL: ttl}
		if w.seed%4 == 3 { // not drawn, so that the other seeds stay what they were
			cfg.SharedKey, cfg.Mixed = []byte("the swarm's own shared key"), new(false)
		}
		if spread {
			cfg.RankFor = actors.Rendezvous(id)
		}
		if r.Steps != nil {
			cfg.Steps = func(step actors.Step) { r.Steps(id, step) }
		}
		n := w.Node(id, cfg)
		r.nodes = append(r.nodes, n)
		for _, name := range r.names {
			e := actors.ElectionConfig{Name: name, Run: rand.Chance(0.8), Drains: drains, DrainTimeout: 3 * time.Second}
			e.Sticky = sticky && rand.Chance(0.5)
			e.Takeover, e.EvictGrace = policy(i, name)
			n.Stand(e)
		}
		n.Watch(r.work(n))
	}
	if r.Storm.Hazards == nil || len(r.Storm.Hazards) > 0 {
		w.hazards = w.Storm(r.For, r.Storm)
	}
	if !r.Quiet {
		r.next()
	}
	return r
}

// drawPolicy draws which elections are under OnDisconnect: in a quarter of the worlds the
// first one is, with a grace that differs from node to node; in some of these not all
// candidates agree. It has a generator of its own, so that seeds mean what they did before
// there was a policy to draw.
func drawPolicy(w *World) func(node int, election string) (actors.Takeover, time.Duration) {
	r := NewRand(w.seed ^ 0x6f6e646973636f6e)
	on, differ := r.Chance(0.25), r.Chance(0.3)
	return func(node int, election string) (actors.Takeover, time.Duration) {
		if !on || election != "e0" || differ && node%2 == 1 {
			return actors.OnExpiry, 0
		}
		return actors.OnDisconnect, r.Duration(50*time.Millisecond, time.Second).Truncate(time.Millisecond)
	}
}

// work is a node's work: told to end, it returns after a while, now and then too late.
func (r *swarm) work(n *Node) func(actors.Event) {
	return func(ev actors.Event) {
		e, ok := ev.(*actors.Ending)
		if !ok {
			return
		}
		d := n.random.Duration(0, 4*time.Second)
		n.Clock().AfterFunc(d, func() { n.Tell(e.Election, &actors.Drained{Token: e.Token}) })
	}
}

// next tells somebody something, again and again until the trouble is over.
func (r *swarm) next() {
	rand := r.w.Rand()
	r.w.After(rand.Duration(100*time.Millisecond, 6*time.Second), func() {
		if r.w.sched.now >= r.end {
			return
		}
		n, e := r.nodes[rand.IntN(len(r.nodes))], r.names[rand.IntN(len(r.names))]
		switch rand.IntN(10) {
		case 0, 1, 2:
			n.Tell(e, &actors.Run{})
		case 3, 4:
			n.Tell(e, &actors.Quit{})
		case 5:
			r.resign(e, &actors.Resign{})
		case 6:
			r.resign(e, &actors.Resign{To: r.nodes[rand.IntN(len(r.nodes))].id})
		case 7:
			n.Tell(e, &actors.StandDown{})
		case 8:
			n.Tell(e, &actors.Stand{})
		default:
			r.stop(n, rand.Duration(0, 8*time.Second))
		}
		r.next()
	})
}

// resign tells whoever leads; it would be refused by anybody else.
func (r *swarm) resign(election string, m *actors.Resign) {
	for _, n := range r.nodes {
		if h := n.Handle(); h != nil && h.Leadership(election) != nil {
			n.Tell(election, m)
		}
	}
}

// stop stops a node gracefully and starts its process again after a while.
func (r *swarm) stop(n *Node, d time.Duration) {
	if !n.Alive() {
		return
	}
	r.w.trace.note(n.Process, "stop", "", "", 0)
	n.Send(n.PID(), &actors.Stop{})
	life := n.Life()
	r.w.After(d, func() {
		if n.Life() == life {
			n.Restart()
		}
	})
}

// calm ends the trouble: everybody stands, and nobody is left stopped.
func (r *swarm) calm() {
	for _, n := range r.nodes {
		if h := n.Handle(); h != nil {
			select {
			case <-h.Done():
				n.Restart()
			default:
			}
		}
		for _, e := range r.names {
			n.Tell(e, &actors.Stand{})
			n.Tell(e, &actors.Run{})
		}
	}
}

// Sweep runs the [Swarm] for the seeds 1 to seeds as [Test] does, whose environment
// variables count. The lowest seed that fails is reported with the shortest trouble in
// which it still breaks the rule, and the command that shows it.
func Sweep(t T, seeds int, s Swarm, opts ...Option) {
	t.Helper()
	test(t, seeds, s.Run, opts, func(seed uint64) string {
		if v := s.Try(seed, opts...); v.Err != nil {
			return s.Explain(v, opts...)
		}
		return ""
	})
}
