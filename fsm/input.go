package fsm

import "time"

// InputKind says what an Input is.
type InputKind uint8

// The inputs. Requests come from users, replies and messages from the bridge,
// the rest from the node.
const (
	InRun InputKind = iota + 1
	InQuit
	InResign
	InRecover   // begin by withdrawing: a predecessor may have left a record
	InStandDown // withdraw, and keep an eye on the office, until InStand
	InStand     // stand again if we stood before

	InSurveyed   // reply to Survey: the canvass of a round, or a look
	InClaimed    // reply to Claim
	InReasserted // reply to Reassert
	InReleased   // reply to Release
	InWithdrawn  // reply to Withdraw

	InVote   // a candidate's vote, verified to come from a candidate
	InAck    // an answer to our vote
	InKick   // an answer to our vote, or a higher candidate's objection
	InLeader // hint: From claimed the office with Token
	InVacant // hint: From released Token; Heir is named

	InLapse   // some trust ended: look at the lease
	InTenancy // Redis names another tenancy
	InGone    // the watched session of From ended, or From left
	InNudge   // Redis may say something new: look
	InForget  // nobody wants to know any more who leads, unless we stand
	InDeaf    // our subscription is lost
	InLinkUp
	InDrained // the user's work has returned
	InTick    // the deadline has come
)

// Outcome is what became of a claim or a re-assertion.
type Outcome uint8

// The outcomes. OutcomeUnknown: the link failed; it may have taken effect or not.
const (
	OutcomeUnknown Outcome = iota
	OutcomeGranted
	OutcomeHeld
	OutcomeQuarantine
	OutcomeRefused
	OutcomeStale
	OutcomeReasserted
	OutcomeSuperseded
	OutcomeKept // the office is kept for Heir, for Wait yet
	// OutcomeUnreplicated: granted, and too few replicas have it. It is given back.
	OutcomeUnreplicated
	// OutcomeOutranked: of a claim that was part of a survey, when somebody who outranks
	// us stands, or an original does.
	OutcomeOutranked
	// OutcomeSpent: no token is left that is higher than what Redis has. Nobody leads before
	// a person has seen to it; Cause says to what.
	OutcomeSpent
	numOutcomes
)

// Holder is who a leader record that counts names.
type Holder struct {
	Candidate
	// Token is the term's, 0 if the record has none that can be read.
	Token uint64
	// Left is how long the holder's session lives if it is not renewed.
	Left time.Duration
	// Appointed: a resigning leader named it; it is not preempted at once.
	Appointed bool
	// Birth is that of the session that holds the office.
	Birth string
	// EvictGrace is for how long the holder may be without a subscription before
	// it may be evicted; 0: it is under OnExpiry, and never is.
	EvictGrace time.Duration
}

// Survey is what Redis says of an election.
type Survey struct {
	// Fault is why there is no survey, CauseNone if there is one.
	Fault Cause
	// Holder is who leads; its ID is "" if nobody does.
	Holder Holder
	// Token is the stored token, whether or not the record counts.
	Token uint64
	// Place is how many of our candidates outrank us; -1 if we are no candidate.
	Place int
	// Higher are live candidates of ours that outrank us, highest first, 4 at most. They
	// are not listed where the holder outranks us: we have lost to it already.
	Higher []Candidate
	// Originals are live candidates of the original package.
	Originals []Candidate
	// Quarantine is how long claims will be refused yet.
	Quarantine time.Duration
	// Heir is whom a released office is kept for, and HeirLeft for how long yet: a
	// resigner named it. "" and 0 if it is kept for nobody.
	Heir     string
	HeirLeft time.Duration
}

// Input is one thing that happens to an election. Which members are set depends
// on Kind. It is passed by value and kept by nobody.
type Input struct {
	Kind InputKind
	// Outcome is the reply to a claim or re-assertion.
	Outcome Outcome
	// Appointed (InClaimed): granted to whom a resigner had named.
	Appointed bool
	// Round is the round that the reply or message answers; 0 where an original
	// answers, which knows no rounds.
	Round uint64
	// From is who sent the message, or who is gone.
	From Candidate
	// Survey is the reply to a survey.
	Survey *Survey
	// Tenancy, Token, Holder and Wait come with an Outcome; Holder is there if it is
	// OutcomeHeld, else nil: few replies have one, and it would be a third of every input.
	// Token is also the term that a hint speaks of, and (InDrained) the term whose
	// work has returned, 0 for the present one. Wait is also (InGone) how much longer
	// than [Stagger] each place waits for the one before it, which has many offices to take.
	Tenancy Tenancy
	Token   uint64
	Holder  *Holder
	Wait    time.Duration
	// Draining (InAck): the holder gives up the office within that time; (InKick):
	// it stays for that long yet.
	Draining time.Duration
	// Heir is the id that the release names (InVacant), that the resigner names
	// (InResign, "" for whoever is next), or that the office is kept for (InClaimed).
	Heir string
	// Cause says why, where the sender knows better (InQuit, InStandDown, faults).
	Cause Cause
}
