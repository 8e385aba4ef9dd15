package actors

import (
	"errors"
	"fmt"

	"hustings/fsm"
)

// Errors. They come wrapped, with what was asked and of which election: use errors.Is.
// docs/operations.md has a table of them by call.
var (
	// ErrConfig: the configuration is wrong; the text lists every fault. From Start,
	// Validate, and (as Failed) from what NodeProps and ElectionProps made. From a call:
	// the election's name or the id is one that nobody can have, or the message is too
	// large.
	ErrConfig = errors.New("hustings: bad configuration")
	// ErrStopped: the node has stopped, or takes its leave. If it had failed, calls
	// return why instead.
	ErrStopped = errors.New("hustings: the node has stopped")
	// ErrUnreachable: Redis could not be reached in time. From Start: before its context
	// ended. From Send and Broadcast: the message may have been sent. From ResignTo:
	// nothing has changed. From Quit, Resign, StandDown and Release: it is tried again.
	ErrUnreachable = errors.New("hustings: Redis is unreachable")
	// ErrRefused: Redis answers, and refuses; the text has its words. From Start: no retry
	// will heal that. From Quit, Resign and the like: it is tried again all the same.
	ErrRefused = errors.New("hustings: Redis refuses this node")
	// ErrDuplicateID: another live process has our id. From Start. A node in service
	// fails with ErrReplaced, and with this one too unless it was ReplaceDuplicate.
	ErrDuplicateID = errors.New("hustings: another live node has this id: give every process its own")
	// ErrReplaced: another process has taken over our id. The node has failed.
	ErrReplaced = errors.New("hustings: another process took over this id")
	// ErrMaxTTL: the fleet has another MaxTTL.
	ErrMaxTTL = errors.New("hustings: MaxTTL differs from the fleet's: give every node the same")
	// errRestarted: an actor panicked. Its election has quit.
	errRestarted = errors.New("hustings: restarted after a panic: the election has quit; unless its config says Run, run it again")
	// errNotReady: no session yet.
	errNotReady = errors.New("hustings: the node is not ready yet: wait for Start, or until Health is Ready")
	// errOnline: of Offline and Online the later call counts.
	errOnline = errors.New("hustings: Online was called meanwhile")
	// errTurnover: an election's actor has stopped, perhaps the one that was asked.
	errTurnover = errors.New("an election's actor has stopped")
	// errGone: it was that one.
	errGone = errors.New("hustings: the election's actor has stopped")
	// errCrowded: more requests than are kept.
	errCrowded = errors.New("hustings: too many requests wait for the node to be ready: wait for Start, or for their answers")
	// errNoNode: there is nobody to belong to.
	errNoNode = fmt.Errorf("%w: ElectionProps was given no node: give it the PID of one that was spawned from NodeProps", ErrConfig)
	// A message to the wrong one of the two kinds of actors.
	errNotElection = errors.New("hustings: this is a node's actor: send that to an election's PID")
	errNotNode     = errors.New("hustings: this is an election's actor: send Stop to the node's PID; stop this one as any actor")
	errNotHub      = errors.New("hustings: this is an election's actor: send that to the node's PID")
	errNoPID       = errors.New("hustings: Subscribe, Unsubscribe and Ack are of the actor that they name: set PID, to ctx.Self() say")
	errValue       = errors.New("hustings: this is a value: send a pointer, &actors.Run{} or whatever it is")
	// errFormerLife: Redis answers, and our id is not ours yet.
	errFormerLife = errors.New("waiting for the session of an earlier process with this id to end")
	errExhausted  = errors.New("hustings: the election's actor panicked too often and was stopped: see the log")
	// ErrNotLeader: only a leader can resign.
	ErrNotLeader = errors.New("hustings: this node does not lead")
	// ErrSuccessor: whom the resignation names cannot succeed; the text says why. The
	// office is what it was.
	ErrSuccessor = errors.New("hustings: that successor can't take over: name a live candidate of the election, or none")
	// ErrNoLeader: the office is vacant.
	ErrNoLeader = errors.New("hustings: nobody leads")
	// ErrUnknown: who leads is not known here: nobody has looked yet, or no heartbeat
	// was answered for longer than the TTL, or originals stand, this node does not, and
	// no record says who leads. From Leader, View, Inspect and Explain also: this node
	// has nothing to do with that election.
	ErrUnknown = errors.New("hustings: who leads is unknown here")
	// ErrNoReceiver: nobody received the message.
	ErrNoReceiver = errors.New("hustings: nobody received the message")
	// ErrBusy: something else in this process already contends in this election: a
	// second Lead or Campaign, or a second actor of one election. From ResignTo: 64 wait.
	ErrBusy = errors.New("hustings: this process already contends in this election")
	// ErrOffline: the node was taken offline. From Run, Lead, Campaign, StandDown and
	// Stand, and from an Online that a later Offline overtook.
	ErrOffline = errors.New("hustings: the node is offline: call Online first")
	// ErrQuit: the election was quit while Lead or Campaign contended in it, by Quit or
	// Offline.
	ErrQuit = errors.New("hustings: the election was quit")
	// ErrLost is the cause of a leadership context that ended; the text says why.
	ErrLost = errors.New("hustings: leadership ended")
	// ErrPanic: the user's work panicked.
	ErrPanic = errors.New("hustings: the work panicked")
)

// lostError is why a leadership ended.
type lostError struct {
	election string
	cause    fsm.Cause
}

func (e *lostError) Error() string {
	return fmt.Sprintf("hustings: leadership of %q ended: %s", e.election, e.cause)
}

func (e *lostError) Unwrap() error { return ErrLost }
