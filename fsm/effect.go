package fsm

import (
	"sync"
	"time"
)

// EffectKind says what an Effect asks for.
type EffectKind uint8

// The effects, to be performed in the order returned.
const (
	// DoSurvey asks Redis for a Survey. Register: put us into the candidates
	// first. The reply is InSurveyed with this Round. Eager: claim in Tenancy by the
	// same request, unless somebody is to be asked; that reply, after it, is InClaimed.
	DoSurvey EffectKind = iota + 1
	// DoVote, DoAck, DoKick send a message to To. Owed: the ack is for an original's vote
	// that came a while ago; it ends the process of one that has taken the voter's place
	// and not voted itself. If there is no such voter any more it is InGone.
	DoVote
	DoAck
	DoKick
	// DoClaim claims in Tenancy; the reply is InClaimed with this Round. Eager: it
	// is part of the survey.
	DoClaim
	// DoReassert re-asserts Token in Tenancy; the reply is InReasserted.
	DoReassert
	// DoRelease releases Token, naming To as heir if it has an ID; Keep: the office
	// is kept for it for a while. With Tenancy the trust in the term has ended, and there is
	// nothing to be released once our session is another one. It is repeated until answered;
	// then InReleased.
	DoRelease
	// DoWithdraw takes us out of the candidates and releases whatever names us.
	// It is repeated until answered; then InWithdrawn.
	DoWithdraw
	// DoBeat asks for a heartbeat now: Redis does not know our session.
	DoBeat
	// DoWatch: tell us (InGone) when the session of To ends; Left is how long
	// it lives if it is not renewed. It replaces the watch before it; an empty
	// To ends it. With Grace, look whether To is subscribed, and evict it when it
	// has not been for so long: Place says how many others will do that before us,
	// Birth of which session this is.
	DoWatch
	// DoLead: leadership begins. Lease is the term.
	DoLead
	// DoEndWork: the leadership context is to be cancelled with Cause; the
	// lease is still ours until InDrained is answered.
	DoEndWork
	// DoUnlead: leadership is over; the lease is closed already.
	DoUnlead
	// DoEmit tells subscribers: Notice says what.
	DoEmit
	// DoMoved tells observers of a transition.
	DoMoved
	// DoAnswer answers the pending requests of the kind in Request: where that is InResign,
	// those about terms up to Token, or, with ErrNotLeader, those about none if Refused.
	DoAnswer
)

// NoticeKind is what subscribers are told.
type NoticeKind uint8

// The notices.
const (
	NoticeWon NoticeKind = iota + 1
	NoticeLost
	NoticeInconclusive
	NoticeLeader
	NoticeDrainOverdue
)

// Notice is news for subscribers.
type Notice struct {
	Kind NoticeKind
	// Token is the term's (NoticeWon, NoticeDrainOverdue).
	Token uint64
	// Cause says why (NoticeLost, NoticeInconclusive, NoticeDrainOverdue).
	Cause Cause
	// Leader is who is known to lead (NoticeLost, NoticeLeader).
	Leader Leader
}

// Leader is what an election knows locally of who leads.
type Leader struct {
	// ID is "" when the office is vacant or nothing is known.
	ID string `json:"id"`
	// Token is 0 for an original in office: it holds no lease; and where Redis has a record
	// without one that can be read.
	Token uint64 `json:"token,omitempty"`
	// Known: Redis was asked, or somebody in the know said so.
	Known bool `json:"known"`
	// Original: a node of the npm package.
	Original bool `json:"original,omitempty"`
	// Appointed: the leader before it named it. It is not preempted at once.
	Appointed bool `json:"appointed,omitempty"`
}

// Effect is one thing to do. Which members are set depends on Kind; what they mean with
// each is said there.
type Effect struct {
	Kind     EffectKind
	Request  InputKind // DoAnswer: InQuit or InResign
	Register bool      // DoSurvey
	Eager    bool      // DoSurvey, DoClaim
	Refused  bool      // DoAnswer
	Keep     bool      // DoRelease
	Owed     bool      // DoAck: it waited for the end of a drain, and its voter may be another process by now
	// Round comes back with the reply (DoSurvey, DoClaim), or goes out with the message
	// (DoVote; DoAck, DoKick: the vote's, 0 for an original's).
	Round   uint64
	To      Candidate     // whom a message is for; DoRelease: the heir; DoWatch: the holder
	Tenancy Tenancy       // DoClaim, DoReassert; DoSurvey with Eager; DoRelease, see there
	Token   uint64        // the term's: DoReassert, DoRelease, DoUnlead; DoAnswer
	Left    time.Duration // DoWatch
	Grace   time.Duration // DoWatch, under OnDisconnect; else 0
	Place   int           // DoWatch with Grace
	Birth   string        // DoWatch with Grace
	// Draining (DoAck): we lead still, and release within that time; (DoKick): we stay
	// for that long yet. 0 says nothing of the kind.
	Draining   time.Duration
	Lease      *Lease     // DoLead
	Cause      Cause      // DoEndWork, DoUnlead
	Notice     Notice     // DoEmit
	Transition Transition // DoMoved
}

// An Effect is large, and a step is over in microseconds: the steps of all machines of
// the process share a few arrays of them. Hardly a step has more than eight.
var effects = sync.Pool{New: func() any { return new(effectArray) }}

type effectArray [8]Effect

// Recycle gives effects back that Step returned, so that later steps need not allocate.
// The slice must not be used any more. Whoever keeps it simply does not call this.
func Recycle(fx []Effect) {
	if cap(fx) != len(effectArray{}) {
		return // grown, or not ours
	}
	clear(fx) // it would keep alive what it points to
	effects.Put((*effectArray)(fx[:cap(fx)]))
}
