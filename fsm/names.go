package fsm

import "fmt"

// causeNames are short and stay as they are: metrics and alerts select by them.
var causeNames = [numCauses]string{
	CauseNone:          "none",
	CauseRun:           "run",
	CauseQuit:          "quit",
	CauseRetry:         "retry",
	CauseNoLeader:      "no_leader",
	CauseHolderEnded:   "holder_ended",
	CauseVacant:        "vacant",
	CauseLowerHolder:   "lower_holder",
	CauseLowerVotes:    "lower_votes",
	CauseLinkUp:        "link_up",
	CausePolled:        "polled",
	CauseUnopposed:     "unopposed",
	CauseHeir:          "heir",
	CauseGranted:       "granted",
	CausePassedOver:    "passed_over",
	CauseOutvoted:      "outvoted",
	CauseKicked:        "kicked",
	CauseHigherLeads:   "higher_leads",
	CauseHigherStands:  "higher_stands",
	CauseHeld:          "held",
	CauseLapsed:        "lapsed",
	CauseSuperseded:    "superseded",
	CauseResigned:      "resigned",
	CauseSilent:        "silent",
	CauseNoAnswer:      "no_answer",
	CauseUnreachable:   "unreachable",
	CauseQuarantine:    "quarantine",
	CauseNotRegistered: "not_registered",
	CauseNoSession:     "no_session",
	CauseLateGrant:     "late_grant",
	CauseDrainOverdue:  "drain_overdue",
	CauseNodeStopped:   "node_stopped",
	CauseActorStopped:  "actor_stopped",
	CauseActorPanicked: "actor_panicked",
	CauseRefused:       "refused",
	CauseBusy:          "busy",
	CauseNewEpoch:      "new_epoch",
	CauseHolderDrains:  "holder_drains",
	CauseReplaced:      "replaced",
	CauseKept:          "kept",
	CauseAppointed:     "appointed",
	CauseResignedTo:    "resigned_to",
	CauseReplicas:      "replicas",
	CauseDeaf:          "deaf",
	CauseDisconnected:  "disconnected",
	CauseStandDown:     "stand_down",
	CauseStand:         "stand",
}

// String returns the code's short name, as metrics use it: "kicked".
func (c CauseCode) String() string {
	if c < numCauses {
		return causeNames[c]
	}
	return fmt.Sprintf("CauseCode(%d)", uint8(c))
}

// Codes returns every code, for tables.
func Codes() []CauseCode {
	all := make([]CauseCode, numCauses)
	for i := range all {
		all[i] = CauseCode(i)
	}
	return all
}

var outcomeNames = [numOutcomes]string{
	OutcomeUnknown: "unknown", OutcomeGranted: "granted", OutcomeHeld: "held", OutcomeQuarantine: "quarantine",
	OutcomeRefused: "refused", OutcomeStale: "stale", OutcomeReasserted: "reasserted", OutcomeSuperseded: "superseded",
	OutcomeKept: "kept", OutcomeUnreplicated: "unreplicated", OutcomeOutranked: "outranked", OutcomeSpent: "spent",
}

// String returns the outcome's name: "granted".
func (o Outcome) String() string {
	if o < numOutcomes {
		return outcomeNames[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

var verdictNames = [numVerdicts]string{
	VerdictUnknown: "unknown", VerdictExtended: "extended", VerdictCreated: "created", VerdictTaken: "taken",
	VerdictStale: "stale", VerdictReplaced: "replaced",
}

// String returns the verdict's name: "extended".
func (v Verdict) String() string {
	if v < numVerdicts {
		return verdictNames[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}
