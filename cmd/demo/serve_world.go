package main

import (
	"fmt"
	"time"

	"hustings/actors"
	web "hustings/actors/inspect"
	"hustings/actors/sim"
	"hustings/fsm"
)

// simWorld is a world whose doings are put on a board. It belongs to one goroutine.
// Looking on changes nothing: the same seed does the same with and without a page.
type simWorld struct {
	*sim.World
	board *web.Board
	scene *sim.Scene
	nodes map[string]*sim.Node
	seats map[[2]string]*simSeat
	calm  bool
	moves int
}

// simSeat is a node's election, as its last step left it.
type simSeat struct {
	step  actors.Step
	since time.Duration
	dirty bool
}

// simEpoch is when worlds begin, for the page.
var simEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func newSimWorld(o worldOrder, b *web.Board) *simWorld {
	w := &simWorld{World: sim.New(nil, o.seed, sim.KeepTrace(1000)), board: b, nodes: map[string]*sim.Node{}, seats: map[[2]string]*simSeat{}}
	storm := sim.Storm{Always: len(o.faults) > 0}
	for _, f := range o.faults {
		storm.Hazards = append(storm.Hazards, sim.Hazard(f))
	}
	w.Tell(w.line)
	w.scene = sim.Swarm{Nodes: o.nodes, For: playFor, Storm: storm, Steps: w.step1}.Begin(w.World)
	for i, n := range w.scene.Nodes() {
		w.nodes[n.ID()] = n
		b.Node(w.time(0), web.NodeState{ID: n.ID(), Rank: int64(i), Here: true, Up: true}, "", "")
		n.Watch(w.events(n.ID()))
	}
	return w
}

func (w *simWorld) close()             { w.World.Close() }
func (w *simWorld) end() time.Duration { return w.scene.End() + playCalm }
func (w *simWorld) over() bool         { return w.Now() >= w.end() || w.Err() != nil }
func (w *simWorld) present() time.Time { return w.time(w.Now()) }

// time is an instant of the world, for the page.
func (w *simWorld) time(d time.Duration) time.Time { return simEpoch.Add(d) }

// run lets time pass; when the trouble is over, calm begins.
func (w *simWorld) run(d time.Duration) {
	to := min(w.Now()+max(d, 0), w.end())
	if end := w.scene.End(); !w.calm && to >= end && w.Err() == nil {
		w.World.Run(end - w.Now())
		w.calm = true
		w.scene.Calm()
		w.board.Note(w.present(), "", "", "good", "The trouble is over: everybody stands")
	}
	if w.Err() == nil {
		w.World.Run(to - w.Now())
	}
}

// step runs to the next transition.
func (w *simWorld) step(within time.Duration) {
	before := w.moves
	limit := min(within, w.end()-w.Now())
	if end := w.scene.End(); !w.calm && w.Now()+limit >= end {
		limit = end - w.Now()
	}
	if !w.World.RunUntil(func() bool { return w.moves != before }, limit) {
		w.run(0)
	}
}

// step1 takes a step of a machine.
func (w *simWorld) step1(node string, step actors.Step) {
	key := [2]string{node, step.Election}
	s := w.seats[key]
	if s == nil {
		s = &simSeat{}
		w.seats[key] = s
	}
	s.step, s.dirty = step, true
	for i := range step.Effects {
		if fx := &step.Effects[i]; fx.Kind == fsm.DoMoved {
			t := fx.Transition
			t.At = fsm.Instant{Mono: w.Now(), Wall: time.Duration(w.present().UnixNano())}
			s.since = w.Now()
			w.moves++
			w.board.Moved(node, step.Election, t)
		}
	}
}

// events puts what a node tells on the board.
func (w *simWorld) events(id string) func(actors.Event) {
	return func(ev actors.Event) {
		switch ev := ev.(type) {
		case *actors.LinkChanged:
			tone, text := "good", id+" has its link to Redis"
			if !ev.Up {
				tone, text = "bad", fmt.Sprintf("%s has lost its link to Redis: %v", id, ev.Err)
			}
			w.change(id, tone, text, func(s *web.NodeState) { s.Link = ev.Up })
		case *actors.PeerDead:
			w.change(ev.Peer.ID, "bad", ev.Peer.ID+" is dead: its session ended", func(s *web.NodeState) { s.Up = false })
		case *actors.PeerLeft:
			w.change(ev.Peer.ID, "", ev.Peer.ID+" has left the fleet", func(s *web.NodeState) { s.Up = false })
		case *actors.PeerUp:
			w.change(ev.Peer.ID, "good", ev.Peer.ID+" is in the fleet", func(s *web.NodeState) { s.Up = true })
		case *actors.Ending:
			w.board.Note(w.present(), id, ev.Election, "lost", fmt.Sprintf("%s is to stop its work in %q: %v", id, ev.Election, ev.Cause))
		case *actors.DrainOverdue:
			w.board.Note(w.present(), id, ev.Election, "bad", fmt.Sprintf("%s gave up the office of %q while its work may still run", id, ev.Election))
		}
	}
}

func (w *simWorld) change(id, tone, text string, f func(*web.NodeState)) {
	w.board.Change(w.present(), id, tone, text, f)
}

// trouble is what lines of the trace are about that the page tells: the word beside the
// node afterwards, and the sentence. %s is the node, or a duration.
var trouble = map[string]struct{ note, text string }{
	"pause":            {"paused", "%s stands still for %s"},
	"resume":           {"", "%s goes on"},
	"boot":             {"", "%s is started again"},
	"stop":             {"", "%s is told to stop"},
	"partition":        {"cut off", "%s is cut off from Redis"},
	"partition oneway": {"cut off", "%s is cut off from Redis, one way"},
	"repair":           {"", "%s reaches Redis again"},
	"hold":             {"held", "what %s and Redis send is held back"},
	"hold oneway":      {"held", "what %s or Redis sends is held back, one way"},
	"release":          {"", "what was held back from %s and Redis is let through"},
}

// line takes a line of the trace.
func (w *simWorld) line(l sim.Line) {
	if l.Who == "world" {
		switch l.What {
		case "storm":
		case "calm":
			w.board.Note(w.time(l.At), "", "", "good", "The faults have ended")
		default:
			w.board.Note(w.time(l.At), "", "", "bad", "Redis: "+l.What)
		}
		return
	}
	if l.What == "crash" {
		w.board.Stopped(w.time(l.At), l.Who, "crashed")
		return
	}
	known, ok := trouble[l.What]
	if !ok {
		return
	}
	args := []any{l.Who}
	if l.What == "pause" {
		args = append(args, time.Duration(l.N).Round(time.Millisecond))
	}
	tone := "good"
	if known.note != "" {
		tone = "bad"
	}
	w.change(l.Who, tone, fmt.Sprintf(known.text, args...), func(s *web.NodeState) { s.Note = known.note })
}

// show puts the views of machines that stepped on the board, and returns how long terms
// are trusted.
func (w *simWorld) show() map[[2]string]time.Duration {
	trust := map[[2]string]time.Duration{}
	for key, s := range w.seats { // in any order: the board keeps its own
		h := w.nodes[key[0]].Handle()
		if h == nil {
			continue
		}
		if l := h.Leadership(key[1]); l != nil {
			now, until := w.nodes[key[0]].Now(), l.Until()
			if left := min(until.Mono-now.Mono, until.Wall-now.Wall); left > 0 {
				trust[key] = left
			}
		}
		if v, err := h.View(key[1]); err == nil && s.dirty {
			s.dirty = false
			v.Since = w.time(s.since)
			w.board.View(w.present(), key[0], v)
		}
	}
	return trust
}

// inspect looks into a machine; nil if it does not run.
func (w *simWorld) inspect(node, election string) *actors.Snapshot {
	s, n := w.seats[[2]string{node, election}], w.nodes[node]
	if s == nil || n.Handle() == nil {
		return nil
	}
	snap := s.step.Inspect()
	if snap != nil && len(snap.History) > 0 {
		snap.History = snap.History[len(snap.History)-1:] // the clocks of nodes are not the page's
	}
	return snap
}
