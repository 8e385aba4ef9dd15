package inspect

import (
	"context"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// Source is what a page shows: a node, a fleet in one process ([Fleet]), a simulated
// world. Its methods may be called from any goroutine, and by several handlers.
type Source interface {
	// Watch tells the board the present and then every change, until ctx ends or there
	// is nothing more to tell.
	Watch(ctx context.Context, b *Board)
	// Trust is how long a node's term in an election is trusted yet if no heartbeat is
	// answered; 0 if it has none. It must be cheap, and wait for nobody.
	Trust(node, election string) time.Duration
	// Inspect returns everything that a node's election knows of itself.
	Inspect(ctx context.Context, node, election string) (*actors.Snapshot, error)
}

// Controller is a Source that takes orders, where [Options].Control lets it.
type Controller interface {
	// Actions are the orders, in the order in which they are shown.
	Actions() []Action
	// Do obeys one. The text says what was done, for people.
	Do(ctx context.Context, c Command) (string, error)
}

// Action is one order that a page offers as a button.
type Action struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	// Help says in a sentence what it does, honestly.
	Help string `json:"help"`
	// Scope says what it is about: "seat" (a node in an election), "node", "fleet", or
	// "hidden" (no button of its own).
	Scope string `json:"scope"`
	// When is the note of the nodes that it is offered for ("running": those without
	// one), for the scopes seat and node. Default: all.
	When string `json:"when,omitempty"`
	// If, for the scope seat, is how the node stands in the election where it is offered:
	// "leads", "stands", "stood down", "idle". Default: always. It only saves the visitor
	// buttons that would be refused.
	If []string `json:"if,omitempty"`
	// Danger marks what ends something.
	Danger bool `json:"danger,omitempty"`
}

// Command is an order given.
type Command struct {
	Action, Node, Election string
	// Args are further values, as in an HTML form.
	Args map[string]string
}

// NodeState is how a node stands.
type NodeState struct {
	ID   string `json:"id"`
	Rank int64  `json:"rank"`
	// Here: the source runs it, so that its machines can be seen.
	Here bool `json:"here"`
	// Up: it is in the fleet, as far as anybody here knows.
	Up bool `json:"up"`
	// Link: its link to Redis is up. Known of nodes here only.
	Link bool `json:"link"`
	// Note is a word on it, as "paused"; "" if there is nothing to say.
	Note string `json:"note,omitempty"`
	// Original: a node of npm ipc@0.0.1.
	Original bool   `json:"original,omitempty"`
	Host     string `json:"host,omitempty"`
	PID      int    `json:"pid,omitempty"`
}

// Seat is a node's state in one election. It is never changed once it is on a board.
type Seat struct {
	Node string `json:"node"`
	actors.View
	// Event and Cause say how it came to its state.
	Event string `json:"event,omitempty"`
	Cause string `json:"cause,omitempty"`
	code  fsm.Cause
}

// Kind says what an Entry is about.
type Kind string

// The kinds of entries.
const (
	KindMoved   Kind = "moved"   // a transition
	KindSeat    Kind = "seat"    // something else about a seat: who leads, draining
	KindNode    Kind = "node"    // a node
	KindStopped Kind = "stopped" // a node stopped, and all its seats with it
	KindNote    Kind = "note"    // a sentence
)

// Entry is one line of what is recorded.
type Entry struct {
	// ID counts from 1 and never repeats on one board.
	ID uint64 `json:"id"`
	// At is when it happened, on the source's clock, in Unix milliseconds.
	At       int64  `json:"at_ms"`
	Kind     Kind   `json:"kind"`
	Node     string `json:"node,omitempty"`
	Election string `json:"election,omitempty"`
	// From, Event, To, Cause, Round, Token: of a transition.
	From  string `json:"from,omitempty"`
	Event string `json:"event,omitempty"`
	To    string `json:"to,omitempty"`
	Cause string `json:"cause,omitempty"`
	Round uint64 `json:"round,omitempty"`
	Token uint64 `json:"token,omitempty"`
	// Text is a sentence, Tone what kind of news: "won", "lost", "bad", "good", "step", "".
	Text string `json:"text,omitempty"`
	Tone string `json:"tone,omitempty"`

	// Seat and State are the state after it, for KindMoved, KindSeat and KindNode.
	Seat  *Seat      `json:"-"`
	State *NodeState `json:"-"`
}
