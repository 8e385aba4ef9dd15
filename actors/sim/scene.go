package sim

import "time"

// Scene is a [Swarm] under way, for whoever wants to look on: a page, a debugger. It
// belongs to the goroutine of its world. Running the world for Swarm.For and calling Calm
// does what Run does up to there, whatever the slices in which it is run; so two scenes of
// one seed and one Swarm are the same at each instant.
type Scene struct{ r *swarm }

// Begin makes the fleet and its trouble in a world, which should be new. The caller runs
// the world.
func (s Swarm) Begin(w *World) *Scene { return &Scene{s.begin(w)} }

// Nodes returns the nodes, in the order in which they were made.
func (s *Scene) Nodes() []*Node { return append([]*Node(nil), s.r.nodes...) }

// End is when the trouble is over, and Calm is to be called.
func (s *Scene) End() time.Duration { return s.r.end }

// Hazards returns the kinds of trouble that the seed drew.
func (s *Scene) Hazards() []Hazard { return append([]Hazard(nil), s.r.w.hazards...) }

// Calm has everybody stand who was told to quit or has stopped. The faults have ended by
// themselves.
func (s *Scene) Calm() { s.r.calm() }

// Line is a line of the trace, in its parts.
type Line struct {
	// At is the world's time; Who a process's name, or "world".
	At  time.Duration
	Who string
	// What happened; Detail and N, which may be a duration, say more.
	What, Detail string
	N            int64
}

// Tell has f called with each line of the trace when it is written. f must not change
// anything in the world. A second call replaces the first; nil ends it.
func (w *World) Tell(f func(Line)) {
	w.scenarios()
	w.trace.tell = f
}
