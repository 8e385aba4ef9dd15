package sim

import (
	"fmt"
	"strings"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// step tells a step of a state machine, unless it is routine.
func (s *Story) step(n *told, st actors.Step) {
	moves, effects := describeEffects(st.Effects)
	if len(moves) == 0 && s.routine(st, effects) || n.stillAway(st, moves, effects) && !s.shown["all"] {
		return
	}
	var b strings.Builder
	if len(s.elections()) > 1 {
		b.WriteString(st.Election + ": ")
	}
	b.WriteString(describeInput(st))
	if len(moves) == 0 {
		fmt.Fprintf(&b, " -> %v", st.State)
	}
	for _, m := range moves {
		fmt.Fprintf(&b, " -> %v %q", m.To, m.Cause.String())
	}
	if len(effects) > 0 {
		b.WriteString("; " + strings.Join(effects, ", "))
	}
	s.line(n.name, "%s", b.String())
}

// stillAway keeps the retries short while Redis serves nobody: the first is told.
func (n *told) stillAway(st actors.Step, moves []fsm.Transition, effects []string) bool {
	was := n.away[st.Election]
	for _, m := range moves {
		retry := m.Cause.Code == fsm.CauseRetry
		away := m.Cause.Code == fsm.CauseUnreachable || m.Cause.Code == fsm.CauseBusy
		n.away[st.Election] = away || was && retry
		was = was && (retry || len(effects) == 0)
	}
	return was && len(moves) > 0
}

// elections counts the elections of the story: a line names its own where there are several.
func (s *Story) elections() map[string]bool {
	all := make(map[string]bool)
	for _, n := range s.order {
		for name := range n.election {
			all[name] = true
		}
	}
	return all
}

// routine is what happens all the time and changes nothing.
func (s *Story) routine(st actors.Step, effects []string) bool {
	if s.shown["all"] {
		return false
	}
	switch st.Input.Kind {
	case fsm.InClaimed:
		// A claim that went out with its survey, and was refused for what the survey said.
		refused := st.Input.Outcome == fsm.OutcomeHeld || st.Input.Outcome == fsm.OutcomeOutranked
		return refused && len(effects) == 0
	case fsm.InVote, fsm.InAck, fsm.InKick, fsm.InReasserted:
		return false // messages and answers are told even if nothing comes of them
	case fsm.InNudge, fsm.InReleased, fsm.InWithdrawn:
		return true
	default:
		return len(effects) == 0 || len(effects) == 1 && effects[0] == "look"
	}
}

// describeInput says what came.
func describeInput(st actors.Step) string {
	in := st.Input
	from := in.From.ID
	switch in.Kind {
	case fsm.InRun:
		return "run"
	case fsm.InQuit:
		return "quit"
	case fsm.InStandDown:
		return "stand down"
	case fsm.InStand:
		return "stand again"
	case fsm.InResign:
		if in.Heir != "" {
			return "resign in favour of " + in.Heir
		}
		return "resign"
	case fsm.InSurveyed:
		return describeSurvey(in)
	case fsm.InClaimed:
		return "claim " + describeOutcome(in)
	case fsm.InReasserted:
		return "re-assertion " + describeOutcome(in)
	case fsm.InReleased:
		return "the office is released"
	case fsm.InWithdrawn:
		return "no candidate any more"
	case fsm.InVote:
		return "vote from " + from
	case fsm.InAck:
		if in.Draining > 0 {
			return "ack from " + from + ", which drains"
		}
		return "ack from " + from
	case fsm.InKick:
		return "kick from " + from
	case fsm.InLeader:
		return fmt.Sprintf("heard that %s leads, token %d", from, in.Token)
	case fsm.InVacant:
		return fmt.Sprintf("heard that %s released, heir %s", from, or(in.Heir, "none"))
	case fsm.InGone:
		return "the session of " + from + " ended"
	}
	return plainInputs[in.Kind]
}

var plainInputs = map[fsm.InputKind]string{
	fsm.InRecover: "what a former life may have left is withdrawn",
	fsm.InLapse:   "trust ends",
	fsm.InTenancy: "Redis names another tenancy",
	fsm.InNudge:   "time to look",
	fsm.InForget:  "nobody asks any more who leads",
	fsm.InDeaf:    "the subscription is lost",
	fsm.InLinkUp:  "the link is up",
	fsm.InDrained: "the work has stopped",
	fsm.InTick:    "deadline",
}

func describeSurvey(in fsm.Input) string {
	sv := in.Survey
	what := "survey"
	if in.Round>>63 == 1 {
		what = "look"
	}
	if sv.Fault.Code != fsm.CauseNone {
		return what + " failed"
	}
	text := what + ": nobody leads"
	if sv.Holder.ID != "" {
		text = what + ": " + sv.Holder.ID + " leads"
	}
	if sv.HeirLeft > 0 {
		text += fmt.Sprintf(", the office is kept for %s for %v more", sv.Heir, sv.HeirLeft.Round(time.Millisecond))
	}
	if len(sv.Higher) > 0 {
		text += ", above us " + names(sv.Higher)
	}
	if len(sv.Originals) > 0 {
		text += ", originals " + names(sv.Originals)
	}
	return text
}

func names(list []fsm.Candidate) string {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	return strings.Join(ids, " ")
}

func describeOutcome(in fsm.Input) string {
	switch in.Outcome {
	case fsm.OutcomeGranted:
		if in.Appointed {
			return fmt.Sprintf("granted, appointed, token %d", in.Token)
		}
		return fmt.Sprintf("granted, token %d", in.Token)
	case fsm.OutcomeHeld:
		return fmt.Sprintf("refused: %s holds the lease, token %d", in.Holder.ID, in.Holder.Token)
	case fsm.OutcomeQuarantine:
		return fmt.Sprintf("refused: quarantine for %v more", in.Wait.Round(time.Millisecond))
	case fsm.OutcomeKept:
		return fmt.Sprintf("refused: the office is kept for %s for %v more", in.Heir, in.Wait.Round(time.Millisecond))
	case fsm.OutcomeSpent:
		return "refused: " + in.Cause.Detail
	case fsm.OutcomeOutranked:
		return "refused: somebody outranks us"
	case fsm.OutcomeRefused:
		return "refused: not a candidate"
	case fsm.OutcomeStale:
		return "refused: our session is another"
	case fsm.OutcomeReasserted:
		return fmt.Sprintf("accepted, token %d", in.Token)
	case fsm.OutcomeSuperseded:
		return "refused: superseded"
	default:
		return "not answered"
	}
}

// describeEffects separates the transitions from what is to be done.
func describeEffects(fx []fsm.Effect) (moves []fsm.Transition, effects []string) {
	for _, e := range fx {
		if e.Kind == fsm.DoMoved {
			moves = append(moves, e.Transition)
		} else if text := describeEffect(e); text != "" {
			effects = append(effects, text)
		}
	}
	return moves, effects
}

func describeEffect(e fsm.Effect) string {
	switch e.Kind {
	case fsm.DoSurvey:
		if e.Register {
			return "survey"
		}
		return "look"
	case fsm.DoVote:
		return "vote " + e.To.ID
	case fsm.DoAck:
		if e.Draining > 0 {
			return fmt.Sprintf("ack %s (drains, up to %v)", e.To.ID, e.Draining)
		}
		return "ack " + e.To.ID
	case fsm.DoKick:
		return "kick " + e.To.ID
	case fsm.DoClaim:
		return "claim"
	case fsm.DoReassert:
		return "re-assert"
	case fsm.DoRelease:
		if e.Keep {
			return fmt.Sprintf("release %d, to be kept for %s", e.Token, e.To.ID)
		}
		return fmt.Sprintf("release %d", e.Token)
	case fsm.DoWithdraw:
		return "withdraw"
	case fsm.DoBeat:
		return "heartbeat"
	case fsm.DoEndWork:
		return "end the work"
	case fsm.DoEmit:
		return describeNotice(e.Notice)
	case fsm.DoAnswer:
		if e.Refused {
			return "refused: not leader"
		}
	}
	return ""
}

func describeNotice(n fsm.Notice) string {
	switch n.Kind {
	case fsm.NoticeWon:
		return fmt.Sprintf("Won %d", n.Token)
	case fsm.NoticeLost:
		return "Lost"
	case fsm.NoticeInconclusive:
		return "Inconclusive"
	case fsm.NoticeDrainOverdue:
		return "DrainOverdue"
	}
	switch l := n.Leader; {
	case !l.Known:
		return "leader unknown"
	case l.ID == "":
		return "leader nobody"
	default:
		return "leader " + l.ID
	}
}
