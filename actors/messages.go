package actors

import (
	"encoding/json"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// silent marks messages that need no dead-letter log line.
type silent struct{}

// IgnoreDeadLetterLogging keeps protoactor from starting a goroutine over a message to
// somebody who is gone.
func (silent) IgnoreDeadLetterLogging() {}

// Messages to an election's PID. Those sent with Request are answered with Done, Inspect
// with a Snapshot.
type (
	// Run stands in the election. It is answered when the election has heard it;
	// standing twice is standing once.
	Run struct{ silent }
	// Quit withdraws. It is answered when Redis knows, after draining.
	Quit struct{ silent }
	// Resign gives up the office and stays a candidate. It is answered when the
	// office is released; with ErrNotLeader by who does not lead.
	//
	// To, if it is not "", is the id of a candidate that is asked first. It must be a
	// live one of ours, else the answer is ErrSuccessor and nothing has changed. It has
	// a second to take the office, then all may; a higher candidate does not preempt
	// it before its MinTenure or one TTL, whichever is longer.
	Resign struct {
		silent
		To string
	}
	// StandDown stays in the fleet and does not stand in this election before Stand.
	// A leader gives up the office first, as by Quit; the answer comes when Quit's
	// would. Run, Lead and Campaign are not refused meanwhile: they are remembered.
	// Who leads goes on being known. It outlasts a panic of the actor; Quit, Offline
	// and the end of the process end it.
	StandDown struct{ silent }
	// Stand ends standing down: it stands again if it was told to Run or somebody
	// contends. It is answered when the election has heard it, and changes nothing if
	// the election does not stand down.
	Stand struct{ silent }
	// Inspect asks for a Snapshot.
	Inspect struct{ silent }
	// Drained tells an election whose config says Drains that the work of the
	// term with this Token has stopped.
	Drained struct {
		silent
		Token uint64
	}
)

// Messages to a node's PID.
type (
	// Stop stops the node gracefully: it drains and leaves every election, leaves
	// the fleet, then stops the actor. Done is the answer. (protoactor's own Stop
	// and Poison are a crash: the session runs out.)
	Stop struct{ silent }
	// Handle asks for a handle for code without actors, as Attach does, without
	// waiting: Done is called once, on the node's goroutine, and must not block.
	Handle struct {
		silent
		Done func(*Node)
	}
	// Subscribe sends events to PID: of one election, or of all and of the node
	// itself if Election is "". First comes the present state. PID is an actor of the node's
	// own system: events are no protobuf, and protoactor's remote sends none, but logs an error for
	// each. For an actor elsewhere spawn one here that passes on what that needs.
	//
	// With a Window, up to so many events are sent before one is acknowledged
	// (send Ack to the node); then up to 256 wait, and beyond that the oldest are
	// dropped and Missed says how many. Without a Window only Status events are
	// sent, the latest of each election and at most one in 50 ms, so that a slow
	// subscriber is never flooded.
	Subscribe struct {
		silent
		Election    string
		PID         *actor.PID
		Window      int
		Transitions bool
	}
	// Unsubscribe ends the subscriptions of PID.
	Unsubscribe struct {
		silent
		PID *actor.PID
	}
	// Ack acknowledges N events of a subscription with a Window; the PID is the
	// subscriber's.
	Ack struct {
		silent
		PID *actor.PID
		N   int
	}
)

// Done answers Run, Quit, Resign, StandDown, Stand and Stop.
type Done struct {
	silent
	Request any
	Err     error
}

// Event is what subscribers get. Every event of an election names it.
type Event interface{ event() string }

// Events. Election is the name of the election that one is about, At when it happened by
// this node's clocks, Token the term's fencing token, Cause why, in a sentence.
type (
	// Won means: this node leads, as of now, with this fencing token. Trusted is until
	// when that may be believed if no heartbeat is answered in the meantime.
	Won struct {
		silent
		Election string
		At       fsm.Instant
		Token    uint64
		Trusted  fsm.Instant
	}
	// Ending means: this node leads still, and must stop its work: the context is
	// cancelled. Lost follows when the work has returned, or DrainTimeout passed.
	Ending struct {
		silent
		Election string
		At       fsm.Instant
		Token    uint64
		Cause    fsm.Cause
	}
	// Lost means: this node does not lead, as the last round decided or because its
	// term ended. Leader is the id of who leads instead, "" if nobody does or that is
	// not known.
	Lost struct {
		silent
		Election string
		At       fsm.Instant
		Cause    fsm.Cause
		Leader   string
	}
	// Inconclusive means: a round had no result. It is sent once per cause until a
	// round has one.
	Inconclusive struct {
		silent
		Election string
		At       fsm.Instant
		Cause    fsm.Cause
	}
	// LeaderChanged means: what is known here of who leads has changed.
	LeaderChanged struct {
		silent
		Election string
		At       fsm.Instant
		Leader   fsm.Leader
	}
	// DrainOverdue means: the work did not return within DrainTimeout, and the office
	// was released all the same. Two may work at once.
	DrainOverdue struct {
		silent
		Election string
		At       fsm.Instant
		Token    uint64
		Cause    fsm.Cause
	}
	// Moved means: a transition of the state machine, for subscribers who ask.
	Moved struct {
		silent
		Election   string
		Transition fsm.Transition
	}
	// Status means: the present state of an election.
	Status struct {
		silent
		View
	}
	// PeerUp means: a node is in the fleet.
	PeerUp struct {
		silent
		At   fsm.Instant
		Peer Member
	}
	// PeerLeft means: it took its leave.
	PeerLeft struct {
		silent
		At   fsm.Instant
		Peer Member
	}
	// PeerDead means: its session ended without a leave. Several nodes tell it.
	PeerDead struct {
		silent
		At   fsm.Instant
		Peer Member
	}
	// Message means: an application message.
	Message struct {
		silent
		At fsm.Instant
		// From is "" for an original's message, which does not name its sender.
		From      string
		Broadcast bool
		Payload   redisbridge.Payload
	}
	// LinkChanged means: the bridge to Redis is up or down, or became deaf or ceased to
	// be. Deaf: the server does not permit us to subscribe; elections conclude by looking at
	// Redis, more slowly, and messages do not arrive. Err is why it is down, if that is
	// known.
	LinkChanged struct {
		silent
		At   fsm.Instant
		Up   bool
		Deaf bool
		Err  error
	}
	// Failed means: the node has given up for good, or an election has quit, after a panic
	// say, and is to be run again. It leads no more when it tells so.
	Failed struct {
		silent
		Election string
		At       fsm.Instant
		Err      error
	}
	// Missed means: N events were dropped because the subscriber was too slow.
	Missed struct {
		silent
		N uint64
	}
)

func (e *Won) event() string           { return e.Election }
func (e *Ending) event() string        { return e.Election }
func (e *Lost) event() string          { return e.Election }
func (e *Inconclusive) event() string  { return e.Election }
func (e *LeaderChanged) event() string { return e.Election }
func (e *DrainOverdue) event() string  { return e.Election }
func (e *Moved) event() string         { return e.Election }
func (e *Status) event() string        { return e.Election }
func (e *PeerUp) event() string        { return "" }
func (e *PeerLeft) event() string      { return "" }
func (e *PeerDead) event() string      { return "" }
func (e *Message) event() string       { return "" }
func (e *LinkChanged) event() string   { return "" }
func (e *Failed) event() string        { return e.Election }
func (e *Missed) event() string        { return "" }

// Member is a node of the fleet.
type Member struct {
	ID   string `json:"id"`
	Rank int64  `json:"rank"`
	// Original: a node of npm ipc@0.0.1.
	Original bool `json:"original,omitempty"`
	// Host, PID and Start describe the process, as it says itself.
	Host  string `json:"host,omitempty"`
	PID   int    `json:"pid,omitempty"`
	Start string `json:"start,omitempty"`
	inc   string
}

// View is the present state of an election, small and immutable.
type View struct {
	Election string    `json:"election"`
	State    fsm.State `json:"state"`
	// Since is when the state was entered, by this machine's wall clock; the zero time if
	// it is the first one.
	Since time.Time `json:"since"`
	// Round is the number of the last round; Result the last decided one, none again once it
	// is idle; Rank what this node stands with, Leader what is known here of who leads.
	Round  uint64     `json:"round"`
	Result fsm.Result `json:"result"`
	Rank   int64      `json:"rank"`
	Leader fsm.Leader `json:"leader"`
	// Token is that of our own term, 0 if we do not lead.
	Token uint64 `json:"token,omitempty"`
	// Draining: we lead, and our work is being stopped.
	Draining bool `json:"draining,omitempty"`
	// StoodDown: it was told to stand down, and stands no more before it is told to.
	StoodDown bool `json:"stood_down,omitempty"`
}

// Snapshot is everything that an election knows of itself.
type Snapshot struct {
	silent
	View
	ID string `json:"id"`
	// TrustedMS is how long our term is trusted from now on, in milliseconds; 0 if we do
	// not lead, or the trust has ended.
	TrustedMS int64 `json:"trusted_ms"`
	// Place is how many candidates outranked us when Redis was last asked; -1 if it was
	// not asked, or we were no candidate.
	Place int `json:"place"`
	// Pending is whose answers the present round waits for.
	Pending []fsm.Pending `json:"pending"`
	// DeadlineMS is when the machine acts next by itself, from now; -1 never.
	DeadlineMS int64 `json:"deadline_ms"`
	// Incarnation is the node's.
	Incarnation string `json:"incarnation"`
	// Session is the node's, on which every term rests.
	Session SessionInfo `json:"session"`
	// Counts is what the node's bridge has counted, for all its elections.
	Counts redisbridge.Counts `json:"counts"`
	// Transitions is how many there were since the actor began; History has the last.
	Transitions uint64 `json:"transitions"`
	// History is the last transitions, oldest first.
	History []fsm.Transition `json:"history"`
}

// JSON writes the payload's data as JSON, null if it can't be converted.
func (e *Message) JSON() json.RawMessage {
	out, err := e.Payload.JSON()
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}
