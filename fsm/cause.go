package fsm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// CauseCode names a reason; Cause adds who and how long.
type CauseCode uint8

// The reasons for transitions and for ends of leaderships.
const (
	CauseNone CauseCode = iota
	CauseRun
	CauseQuit
	CauseRetry
	CauseNoLeader
	CauseHolderEnded
	CauseVacant
	CauseLowerHolder
	CauseLowerVotes
	CauseLinkUp
	CausePolled
	CauseUnopposed
	CauseHeir
	CauseGranted
	CausePassedOver
	CauseOutvoted
	CauseKicked
	CauseHigherLeads
	CauseHigherStands
	CauseHeld
	CauseLapsed
	CauseSuperseded
	CauseResigned
	CauseSilent
	CauseNoAnswer
	CauseUnreachable
	CauseQuarantine
	CauseNotRegistered
	CauseNoSession
	CauseLateGrant
	CauseDrainOverdue
	CauseNodeStopped
	CauseNewEpoch
	CauseHolderDrains
	CauseReplaced
	CauseKept
	CauseAppointed
	CauseResignedTo
	CauseReplicas
	CauseDeaf
	CauseDisconnected
	CauseStandDown
	CauseStand
	CauseActorStopped
	CauseActorPanicked
	CauseRefused
	CauseBusy
	numCauses
)

// Cause is why something happened. It is a value that costs nothing until it is
// read; String makes the sentence.
type Cause struct {
	Code CauseCode
	// Peer is the node involved, Rank its rank.
	Peer string
	Rank int64
	// D is the duration involved.
	D time.Duration
	// Detail is an error's text.
	Detail string
}

func because(c CauseCode) Cause { return Cause{Code: c} }

func causedBy(c CauseCode, who Candidate) Cause {
	return Cause{Code: c, Peer: who.ID, Rank: who.Rank}
}

var sentences = [numCauses]string{
	CauseNone:          "",
	CauseRun:           "told to run",
	CauseQuit:          "told to quit",
	CauseRetry:         "a retry is due",
	CauseNoLeader:      "no leader is known",
	CauseHolderEnded:   "the session of {peer} ended",
	CauseVacant:        "{peer} released the office",
	CauseLowerHolder:   "{peer} leads and ranks below us",
	CauseLowerVotes:    "{peer}, which ranks below us, is voting",
	CauseLinkUp:        "the link to Redis is up again",
	CausePolled:        "the votes are out",
	CauseUnopposed:     "nobody outranks us",
	CauseHeir:          "{peer} released the office and named us",
	CauseGranted:       "the claim was granted",
	CausePassedOver:    "the claim was granted; {peer} had been silent for too long",
	CauseOutvoted:      "a vote from {peer}, which outranks us",
	CauseKicked:        "kicked by {peer}",
	CauseHigherLeads:   "{peer} leads and outranks us",
	CauseHigherStands:  "{peer} stands, and goes first",
	CauseHeld:          "{peer} holds the lease",
	CauseLapsed:        "session lapsed: no heartbeat was answered that was sent in the last {d}",
	CauseSuperseded:    "superseded: the record of our term is gone, or names somebody newer",
	CauseResigned:      "resigned",
	CauseSilent:        "{peer} did not answer our vote within {d}",
	CauseNoAnswer:      "Redis did not answer within {d}",
	CauseUnreachable:   "Redis is unreachable: {detail}",
	CauseQuarantine:    "the dataset is new: claims are refused for {d} more, so that every older lease ends first",
	CauseNotRegistered: "Redis does not know us as a candidate",
	CauseNoSession:     "our session is not current: {detail}",
	CauseLateGrant:     "the claim was granted too late: its lease may be over",
	CauseDrainOverdue:  "the work did not return within {d}",
	CauseNodeStopped:   "the node stopped",
	CauseNewEpoch:      "Redis has a new dataset",
	CauseHolderDrains:  "{peer} did not release within {d}",
	CauseReplaced:      "another process took over our id",
	CauseKept:          "the office is kept for {peer} for {d} more: the leader that resigned named it",
	CauseAppointed:     "the leader that resigned named us",
	CauseResignedTo:    "resigned in favour of {peer}",
	CauseReplicas:      "the claim was not kept: {detail}",
	CauseDeaf:          "not subscribed at Redis: whoever leads under OnDisconnect must be, or it is evicted",
	CauseDisconnected:  "the subscription at Redis was lost: under OnDisconnect another may lead within {d}",
	CauseStandDown:     "told to stand down",
	CauseStand:         "told to stand again",
	CauseActorStopped:  "the election's actor was stopped",
	CauseActorPanicked: "the election's actor panicked",
	CauseRefused:       "Redis refuses: {detail}",
	CauseBusy:          "Redis can't do it now: {detail}",
}

// String makes the sentence: "kicked by web-7 (rank 900)".
func (c Cause) String() string {
	if c.Code >= numCauses {
		return fmt.Sprintf("cause %d", c.Code)
	}
	return fill(sentences[c.Code], c)
}

func fill(pattern string, c Cause) string {
	var out []byte
	for i := 0; i < len(pattern); {
		switch rest := pattern[i:]; {
		case hasPrefix(rest, "{peer}"):
			out = append(out, c.peer()...)
			i += len("{peer}")
		case hasPrefix(rest, "{d}"):
			out = append(out, c.D.Round(time.Millisecond).String()...)
			i += len("{d}")
		case hasPrefix(rest, "{detail}"):
			out = append(out, c.Detail...)
			i += len("{detail}")
		default:
			out = append(out, pattern[i])
			i++
		}
	}
	return string(out)
}

func (c Cause) peer() string {
	if c.Peer == "" {
		return "somebody"
	}
	if c.Rank < 0 {
		return printed(c.Peer)
	}
	return fmt.Sprintf("%s (rank %d)", printed(c.Peer), c.Rank)
}

// MarshalText writes the sentence.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func hasPrefix(s, p string) bool { return len(s) >= len(p) && s[:len(p)] == p }

// printed is an id in a sentence. Those of originals may be anything, and long.
func printed(id string) string {
	const most = 256
	cut := ""
	if len(id) > most {
		id, cut = id[:most], "…"
	}
	if cut == "" && !strings.ContainsFunc(id, func(r rune) bool { return r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		return id
	}
	return strconv.Quote(id) + cut
}
