package redisbridge

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
)

// quiet marks messages that are not worth a dead-letter log line: whoever is gone
// does not want its answers any more.
type quiet struct{}

// IgnoreDeadLetterLogging keeps protoactor from starting a goroutine over a late answer.
func (quiet) IgnoreDeadLetterLogging() {}

// CallKind says what a Call asks for.
type CallKind uint8

// The calls. Those from CallRelease to CallLeave are kept over reconnects until the
// server has answered: they can be repeated safely, and somebody waits for what they
// give up. The others fail at once while the link is down.
const (
	CallHeartbeat CallKind = iota
	CallRelease
	CallQuit
	CallLeave
	CallJoin
	CallReassert // candidates only: what Redis has lost is registered before
	CallSurvey
	CallClaim
	CallEvict
	CallPeer
	CallMembers
	CallPurge
	CallReplace // the process that has our id; not answered
	CallSubscribers
	CallRestore // of an original that was purged while it lives
	CallRoll    // registers us in several elections, and looks at them
	CallWinner  // what originals read as the winner; not answered
	CallPublish
	numCalls
)

func (k CallKind) kept() bool { return k >= CallRelease && k <= CallLeave }

// owed reports whether a call is tried until Redis has done it, also where Redis refuses:
// an office that nobody wants and nobody gives back would stay empty for as long as we live.
func (k CallKind) owed() bool { return k == CallRelease || k == CallQuit }

// registers reports whether calls of a kind put us into the candidates.
func (k CallKind) registers() bool { return k == CallJoin || k == CallSurvey || k == CallRoll }

// joint reports whether calls of a kind, each about an election, travel as one script call.
func (k CallKind) joint() bool {
	return k == CallReassert || k == CallRelease || k == CallQuit || k == CallSurvey || k == CallClaim
}

// Call is one request to the bridge. It answers with exactly one message to ReplyTo,
// which carries Gen; CallPublish without ReplyTo is not answered. Calls of one kind
// that wait together go out as one script call. One that is not kept may be sent again, as it
// is, once it was answered.
type Call struct {
	quiet
	Kind CallKind
	// What is yes or no of any kind stands together, and some members mean one thing in one
	// kind and another in the next: there are many calls, and one is a fifth smaller by it.
	Register bool // survey: put us into the candidates
	Claim    bool // survey with Register: claim in Tenancy, too, unless somebody is to be asked; that has an answer of its own, after the survey's
	alone    bool // it was refused together with others, perhaps because of one of these
	Light    bool // survey: the record only
	Keep     bool // release: keep the office for the heir, which was named
	End      bool // leave: the session too
	Original bool // survey, roll: look for originals, too; purge, publish: it is one's

	ReplyTo *actor.PID
	// Gen comes back with the answer: an actor that was restarted tells by it
	// the answers to its predecessor's calls.
	Gen      uint64
	Election string

	Round   uint64        // survey, claim
	Rank    int64         // survey with Register, join
	Token   uint64        // reassert, release
	Tenancy fsm.Tenancy   // claim, reassert; release: of a term whose trust has ended
	Grace   time.Duration // claims, reassert: under OnDisconnect, who holds may be evicted after it; 0: never
	Doubts  []Doubt       // evict
	Req     uint64        // heartbeat
	Watch   []string      // heartbeat: whose sessions to report; subscribers: whose channels to count
	Entries []Membership  // join; roll: 256 at most
	// Target is a node (peer, purge, restore; release: the heir), an incarnation (replace), or
	// whom a control message is for; a payload's channel (publish).
	Target string
	// TargetInc is the incarnation that a control message is for, for its signature.
	TargetInc string
	Since     uint64   // members; quit: Counters.Registering when the candidacy began, 0 if not known
	Payload   string   // publish; restore: details; winner: its value
	Control   *Control // publish: a control message to Target instead

	seq uint64 // the bridge's: its place among all calls
}

// Doubt asks whether a holder is still subscribed, and evicts it if it has not been for
// the grace.
type Doubt struct {
	ID, Birth string
	Grace     time.Duration
}

// Doubted is Redis's word on a Doubt.
type Doubted uint8

// The words. DoubtUnknown: nobody can say; a server without the right to PUBSUB NUMSUB
// says so for ever.
const (
	DoubtUnknown Doubted = iota
	doubtHeard           // a subscriber is there; that is not told
	DoubtStands          // none is, and the grace has not passed: Left says how long it lasts
	DoubtRefused         // in quarantine nobody is evicted
	DoubtEvicted         // its session was ended; Left says how long it would have lived
	DoubtGone            // there is no such session any more
)

// EvictAnswer is the reply to CallEvict, in the order of its Doubts, without those who have a
// subscriber: nothing follows from that, and it is so of nearly all. Items is empty, too, if
// Err is set, or our own session is not current.
type EvictAnswer struct {
	quiet
	Err   error
	Items []Eviction
}

// Eviction is what became of one Doubt.
type Eviction struct {
	Doubt
	Word Doubted
	Left time.Duration
}

// Subscribed tells the owner that the subscription is there, or is lost.
type Subscribed struct {
	quiet
	On bool
}

// Resubscribe tells the bridge that its subscription is dead, though it does not know it yet.
type Resubscribe struct{ quiet }

// Membership is an election in which a joining node stands.
type Membership struct {
	Election string
	Rank     int64
}

// Answer is the reply to a call of an election: an input for its machine.
type Answer struct {
	quiet
	Gen   uint64
	Input fsm.Input
}

// HeartbeatAnswer is the reply to CallHeartbeat.
type HeartbeatAnswer struct {
	quiet
	Req     uint64
	Err     error
	Verdict fsm.Verdict
	Tenancy fsm.Tenancy
	// Number is that of the epoch which Tenancy names.
	Number uint64
	// Floor is the fleet's highest token.
	Floor uint64
	// Quarantine is how long claims are refused yet.
	Quarantine time.Duration
	// Version is that of the members; Details is how many entries there are.
	Version uint64
	Details int
	// Vacant are some of the elections that were released and not claimed.
	Vacant []string
	// Watched answers Watch, in its order.
	Watched []Watched
	// Other is who holds our id, for VerdictTaken; who is to have it, for VerdictReplaced.
	// With other verdicts it is nil: most answers are none of these, and it would be half
	// of them.
	Other *Namesake
}

// Epoch is the epoch that the answer names.
func (a *HeartbeatAnswer) Epoch() fsm.Epoch {
	return fsm.Epoch{Number: a.Number, Name: a.Tenancy.Epoch}
}

// Namesake is another process of our id.
type Namesake struct {
	Details
	// Birth is that of its session, by which one tells whether it is still the same; "" for
	// who is to have the id.
	Birth string
	// Left is how long the session that has the id lives if it is not renewed.
	Left time.Duration
}

// Watched is the state of a watched session; Left is 0 when it is gone.
type Watched struct {
	ID, Birth string
	Left      time.Duration
}

// JoinAnswer is the reply to CallJoin.
type JoinAnswer struct {
	quiet
	Err    error
	Status string
	// Entries are the candidacies that it asked for, without those that were quit meanwhile.
	Entries []Membership
	// Other is the original that lives under our id when we start: nothing was done.
	Other *Details
}

// RollAnswer is the reply to CallRoll: whether it was done. Each election has been told what
// was found ([Looked]).
type RollAnswer struct {
	quiet
	Gen    uint64
	Err    error
	Status string
	// Entries are the candidacies that it asked for.
	Entries []Membership
}

// Looked tells an election what a roll call has found. It did not ask.
type Looked struct {
	quiet
	Survey *fsm.Survey
}

// MembersAnswer is the reply to CallMembers. If Err is set, nothing else is.
type MembersAnswer struct {
	quiet
	Err error
	// Version is that of the log up to which Members tells.
	Version uint64
	// Full: Members is everybody who is listed; else what has changed since the version
	// that was asked for, in order.
	Full    bool
	Members []Member
	Details int // how many have details, of originals too
}

// Member is an entry of the members' log.
type Member struct {
	ID string
	// Kind is '+' for joined, '-' for left, '!' for died.
	Kind byte
	// Listed: there is a details entry, and Details is what it says, for reading only. An
	// entry that can't be read belongs to nobody that we could talk to.
	Listed  bool
	Details *Details
	// Live is the session's remaining time, 0 without one.
	Live time.Duration
}

// PeerAnswer is the reply to CallPeer: what Redis knows of one id. If Err is set, only Gen,
// Election and ID are besides.
type PeerAnswer struct {
	quiet
	Gen       uint64
	Election  string
	ID        string
	Err       error
	Candidate bool
	Listed    bool
	Details   Details
	// Who is the candidate that the entry describes, by the rank it has in
	// the election.
	Who  fsm.Candidate
	Live time.Duration
	// Subscribers of its bully channel; -1 when it can't be had.
	Subscribers int64
	// Participated is in how many elections it took part; Stands, in how many of these, or
	// of some of them if they are very many, it is a candidate. Both are -1 if the call
	// names an election.
	Participated, Stands int64
}

// RestoreAnswer is the reply to CallRestore: it is a candidate again, or was one, or is not
// one that can be put back.
type RestoreAnswer struct {
	quiet
	Gen uint64
	Err error
	ID  string
}

// SubscribersAnswer is the reply to CallSubscribers: for each id, how many have its bully
// channel subscribed.
type SubscribersAnswer struct {
	quiet
	Err    error
	IDs    []string
	Counts []int64
}

// LeaveAnswer is the reply to CallLeave.
type LeaveAnswer struct {
	quiet
	Err    error
	Status string
}

// PurgeAnswer is the reply to CallPurge.
type PurgeAnswer struct {
	quiet
	Err    error
	Target string
	Purged bool
}

// Published is the reply to CallPublish. Receivers is how many connections got the message,
// as Redis counts; 0 if Err is set, when it may have been published all the same.
type Published struct {
	quiet
	Gen       uint64
	Err       error
	Receivers int64
}

// Link tells the owner how things stand. Each change is told once.
type Link struct {
	quiet
	// Up: commands are answered and the subscription is confirmed (or refused
	// for good, see Deaf).
	Up bool
	// Commands: commands are answered.
	Commands bool
	// Deaf: the server does not permit us to subscribe.
	Deaf bool
	// Epoch counts the times that the bridge came up.
	Epoch uint64
	// Err is why it is down; Permanent, that no retry will heal it.
	Err       error
	Permanent bool
}

// Heard is a control message for an election, not verified yet. Where there is no route the owner
// gets it, if it is one that goes to candidates only: Redis may have us for one all the same.
type Heard struct {
	quiet
	Control Control
}

// AppMessage is an application message for the owner.
type AppMessage struct {
	quiet
	Payload   Payload
	Broadcast bool
}

// Suspects tells the owner of candidates that look dead: originals without a
// subscriber, entries without details.
type Suspects struct {
	quiet
	Election string
	IDs      []string
}
