package fsm

import "fmt"

// State is where an election stands, seen from one candidate.
type State uint8

// The six states. Their names, not their order, are part of state.json and of metrics.
const (
	Idle State = iota
	Voting
	Waiting
	Won
	Lost
	Inconclusive
	numStates
)

// Event is what moves an election from one state to another.
type Event uint8

// The six events.
const (
	Canvass Event = iota
	Polled
	Elected
	Defeated
	Undecided
	Withdraw
	numEvents
)

// StateRow describes one state.
type StateRow struct {
	State State
	Name  string
	// About says what the state means, in a sentence.
	About string
	// Timeout says when the state ends by itself, and with what.
	Timeout string
}

// EventRow describes one event: where it is taken from, where it leads, and when
// it is fired. From any other state the event is ignored.
type EventRow struct {
	Event Event
	Name  string
	From  []State
	To    State
	// When says what fires the event.
	When string
}

// Definition is the whole table.
type Definition struct {
	States [numStates]StateRow
	Events [numEvents]EventRow
}

// Table is the one definition of the state machine. The looplab FSM, the
// diagrams, docs/states.md and the exhaustive test are made from it. Read only.
var Table = Definition{
	States: [numStates]StateRow{
		{Idle, "idle", "Not a candidate.", "none"},
		{Voting, "voting", "Asking Redis who the candidates are and who leads.", "30 s without an answer: undecided"},
		{Waiting, "waiting", "The votes are out, or the claim is.", "VoteTimeout: claims, or undecided if somebody who matters is silent"},
		{Won, "won", "Holds the lease.", "none: the session's trust ends it"},
		{Lost, "lost", "Somebody else leads, or is about to, or is to go first.", "the instant the holder's session ends if not renewed; VoteTimeout while no leader is known; our turn, 25 ms for each place in the ranking, if one that outranks us goes first: canvass"},
		{Inconclusive, "inconclusive", "The round had no result.", "250 ms doubling to 5 s, or to TTL/3 without a current session, jittered; the end of the quarantine: canvass"},
	},
	Events: [numEvents]EventRow{
		{Canvass, "canvass", []State{Idle, Lost, Inconclusive}, Voting, "told to run, or to stand again; the leader is gone; a retry is due; a higher candidate learns of a lower, non-sticky holder"},
		{Polled, "polled", []State{Voting}, Waiting, "the candidates are known and the votes are out, or none is needed"},
		{Elected, "elected", []State{Waiting}, Won, "the claim was granted and its trust has not ended meanwhile"},
		{Defeated, "defeated", []State{Voting, Waiting, Won, Inconclusive}, Lost, "outranked, kicked, somebody else holds the lease, our session lapsed, or we resigned"},
		{Undecided, "undecided", []State{Voting, Waiting}, Inconclusive, "the deadline passed with a higher candidate or the holder silent; Redis is unreachable or refuses; claims are in quarantine"},
		{Withdraw, "withdraw", []State{Voting, Waiting, Won, Lost, Inconclusive}, Idle, "told to quit, or to stand down"},
	},
}

func (s State) String() string {
	if s < numStates {
		return Table.States[s].Name
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

func (e Event) String() string {
	if e < numEvents {
		return Table.Events[e].Name
	}
	return fmt.Sprintf("Event(%d)", uint8(e))
}

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText writes the event's name.
func (e Event) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Next returns where the event leads from the state; ok is false where the event
// is ignored. It is the table itself, without looplab, for tests and for checks
// on hot paths.
func (d *Definition) Next(s State, e Event) (to State, ok bool) {
	if e >= numEvents {
		return s, false
	}
	for _, from := range d.Events[e].From {
		if from == s {
			return d.Events[e].To, true
		}
	}
	return s, false
}
