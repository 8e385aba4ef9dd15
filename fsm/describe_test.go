package fsm_test

import (
	"fmt"
	"strings"

	"hustings/fsm"
)

// looking is the bit of surveys that belong to no round.
const looking = 1 << 63

// describe writes an effect in a line, without what depends on the seed.
func describe(e fsm.Effect) string {
	switch e.Kind {
	case fsm.DoSurvey:
		if e.Round&looking != 0 {
			return "look"
		}
		return fmt.Sprintf("survey, round %d, register %v", e.Round, e.Register)
	case fsm.DoVote:
		return fmt.Sprintf("vote to %s, round %d", e.To.ID, e.Round)
	case fsm.DoAck:
		if e.Draining > 0 {
			return fmt.Sprintf("ack to %s, round %d, draining %s", e.To.ID, e.Round, e.Draining)
		}
		return fmt.Sprintf("ack to %s, round %d%s", e.To.ID, e.Round, map[bool]string{true: ", owed"}[e.Owed])
	case fsm.DoKick:
		return fmt.Sprintf("kick to %s, round %d", e.To.ID, e.Round)
	case fsm.DoClaim:
		return fmt.Sprintf("claim, round %d, epoch %s", e.Round, e.Tenancy.Epoch)
	case fsm.DoReassert:
		return fmt.Sprintf("reassert %d, epoch %s", e.Token, e.Tenancy.Epoch)
	case fsm.DoRelease:
		if e.To.ID != "" {
			return fmt.Sprintf("release %d to %s%s", e.Token, e.To.ID, map[bool]string{true: ", kept for it"}[e.Keep])
		}
		return fmt.Sprintf("release %d%s", e.Token, map[bool]string{true: ", over"}[e.Tenancy != fsm.Tenancy{}])
	case fsm.DoWithdraw:
		return "withdraw"
	case fsm.DoBeat:
		return "beat"
	case fsm.DoWatch:
		return strings.TrimSpace("watch " + e.To.ID)
	case fsm.DoLead:
		return fmt.Sprintf("lead %d", e.Lease.Token())
	case fsm.DoEndWork:
		return "end work: " + e.Cause.String()
	case fsm.DoUnlead:
		return fmt.Sprintf("unlead %d", e.Token)
	case fsm.DoMoved:
		return fmt.Sprintf("%s: %s -> %s", e.Transition.Event, e.Transition.From, e.Transition.To)
	case fsm.DoAnswer:
		if e.Request == fsm.InResign {
			return fmt.Sprintf("answer resign of %d, refused %v", e.Token, e.Refused)
		}
		return fmt.Sprintf("answer quit, refused %v", e.Refused)
	case fsm.DoEmit:
		return "tell " + describeNotice(e.Notice)
	}
	return fmt.Sprintf("effect %d", e.Kind)
}

func describeNotice(n fsm.Notice) string {
	switch n.Kind {
	case fsm.NoticeWon:
		return fmt.Sprintf("won %d", n.Token)
	case fsm.NoticeLost:
		return "lost: " + n.Cause.String()
	case fsm.NoticeInconclusive:
		return "inconclusive: " + n.Cause.String()
	case fsm.NoticeDrainOverdue:
		return "overdue: " + n.Cause.String()
	case fsm.NoticeLeader:
		switch {
		case !n.Leader.Known:
			return "leader unknown"
		case n.Leader.ID == "":
			return "no leader"
		}
		return fmt.Sprintf("leader %s %d", n.Leader.ID, n.Leader.Token)
	}
	return fmt.Sprintf("notice %d", n.Kind)
}
