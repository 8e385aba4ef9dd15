package main

import (
	"fmt"
	"io"
	"sort"
	"sync"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// reorder is how long the timeline waits for what happened earlier and is told later.
const reorder = 25 * time.Millisecond

// kind of a line of the timeline; it chooses the colour.
type kind int

const (
	stepText kind = iota // a step on the way
	joinText
	sayText
	wonText
	lostText
	killText
	hearText
)

var colours = [...]string{stepText: "2", joinText: "36", sayText: "1", wonText: "1;32", lostText: "33", killText: "1;31", hearText: "35"}

// note is a line of the timeline that is not printed yet.
type note struct {
	at   fsm.Instant
	who  string
	kind kind
	text string
}

// timeline prints what happens, in the order in which it happened. Any goroutine may use
// it.
type timeline struct {
	out    io.Writer
	colour bool
	start  fsm.Instant
	ended  chan struct{}
	done   chan struct{}

	mu    sync.Mutex // guards the rest, and writing
	notes []note
	told  map[string]bool // of peers: several nodes tell of the same
}

func newTimeline(out io.Writer, colour bool) *timeline {
	t := &timeline{
		out: out, colour: colour, start: clock.Now(),
		ended: make(chan struct{}), done: make(chan struct{}), told: map[string]bool{},
	}
	go t.run()
	return t
}

// run prints what has waited for long enough.
func (t *timeline) run() {
	defer close(t.done)
	tick := time.NewTicker(reorder)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.print(clock.Now().Mono - reorder)
		case <-t.ended:
			return
		}
	}
}

// close prints the rest.
func (t *timeline) close() {
	close(t.ended)
	<-t.done
	t.flush()
}

// flush prints what waits.
func (t *timeline) flush() { t.print(clock.Now().Mono) }

// print prints the notes of up to an instant.
func (t *timeline) print(until time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sort.SliceStable(t.notes, func(i, j int) bool { return t.notes[i].at.Mono < t.notes[j].at.Mono })
	n := sort.Search(len(t.notes), func(i int) bool { return t.notes[i].at.Mono > until })
	for _, e := range t.notes[:n] {
		line := fmt.Sprintf("%8.3f  %-8s  %s", e.at.Sub(t.start).Seconds(), e.who, t.paint(colours[e.kind], e.text))
		fmt.Fprintln(t.out, line)
	}
	t.notes = append(t.notes[:0], t.notes[n:]...)
}

func (t *timeline) paint(colour, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// say prints a line that belongs to no node.
func (t *timeline) say(format string, args ...any) {
	t.flush()
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...)
}

// title begins an act.
func (t *timeline) title(text string) { t.say("\n%s", t.paint("1;4", text)) }

// note adds a line about a node.
func (t *timeline) note(at fsm.Instant, who string, k kind, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, note{at, who, k, text})
}

// once reports whether something is told for the first time.
func (t *timeline) once(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.told[what]
	t.told[what] = true
	return first
}

// show adds a line for an event that is worth one.
func (t *timeline) show(who string, ev actors.Event) {
	switch ev := ev.(type) {
	case *actors.Moved:
		t.step(who, &ev.Transition)
	case *actors.Won:
		t.note(ev.At, who, wonText, fmt.Sprintf("WON %q, token %d", ev.Election, ev.Token))
	case *actors.PeerDead:
		if t.once("dead " + ev.Peer.ID) {
			t.note(ev.At, who, killText, "notices that "+ev.Peer.ID+" is dead")
		}
	case *actors.PeerLeft:
		if t.once("left " + ev.Peer.ID) {
			t.note(ev.At, who, joinText, "notices that "+ev.Peer.ID+" has left")
		}
	case *actors.Message:
		how := "hears"
		if ev.Broadcast {
			how = "hears, as all do,"
		}
		t.note(ev.At, who, hearText, fmt.Sprintf("%s %s from %s", how, ev.JSON(), ev.From))
	case *actors.LinkChanged:
		if !ev.Up && ev.Err != nil {
			t.note(ev.At, who, killText, "has lost Redis: "+ev.Err.Error())
		}
	case *actors.Failed:
		t.note(ev.At, who, killText, "has failed: "+ev.Err.Error())
	}
}

// step tells a transition; Won tells of the victory itself.
func (t *timeline) step(who string, tr *fsm.Transition) {
	k := stepText
	switch tr.To {
	case fsm.Won:
		return
	case fsm.Lost, fsm.Inconclusive:
		k = lostText
	default:
	}
	t.note(tr.At, who, k, fmt.Sprintf("%-12s  %s", tr.To, tr.Cause))
}
