package actors

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hustings/fsm"
)

// Explain says in a few sentences why this node leads an election or does not, what it
// waits for, and until when. The words are for people and may change; programs read
// [Node.Inspect]. It never blocks on Redis. ErrUnknown if this node has nothing to do with
// the election.
func (n *Node) Explain(ctx context.Context, election string) (string, error) {
	s, err := n.Inspect(ctx, election)
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	return s.Explain(), nil
}

// Explain puts a snapshot into sentences; it looks at nothing else. A TrustedMS below 0
// is one that is not known, as in a snapshot of the past, and is not spoken of.
func (s *Snapshot) Explain() string {
	x := explanation{s: s}
	switch s.State {
	case fsm.Idle:
		x.idle()
	case fsm.Voting:
		x.voting()
	case fsm.Waiting:
		x.waiting()
	case fsm.Won:
		x.won()
	case fsm.Lost:
		x.lost()
	case fsm.Inconclusive:
		x.inconclusive()
	}
	x.session()
	return strings.Join(x.sentences, " ")
}

// explanation collects the sentences about a snapshot.
type explanation struct {
	s         *Snapshot
	sentences []string
}

func (x *explanation) say(format string, args ...any) {
	x.sentences = append(x.sentences, fmt.Sprintf(format, args...))
}

// cause is why the present state was entered.
func (x *explanation) cause() fsm.Cause {
	if n := len(x.s.History); n > 0 && x.s.History[n-1].To == x.s.State {
		return x.s.History[n-1].Cause
	}
	return fsm.Cause{}
}

// because is the cause, as the end of a sentence.
func (x *explanation) because() string {
	if c := x.cause().String(); c != "" {
		return ": " + c
	}
	return ""
}

// within is when the machine acts next by itself, as part of a sentence; "" if never.
func (x *explanation) within(format string) string {
	if x.s.DeadlineMS < 0 {
		return ""
	}
	return fmt.Sprintf(format, span(x.s.DeadlineMS))
}

// span is a time of so many milliseconds, in words.
func span(ms int64) string {
	if ms < 1000 {
		return fmt.Sprintf("%d ms", ms)
	}
	if ms < 100_000 {
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

func (x *explanation) idle() {
	if x.s.StoodDown { // the last transition may be older, and say something else
		x.say("%s stands down in %q: it is no candidate before it is told to stand again, also where it is told to run.", x.s.ID, x.s.Election)
	} else {
		x.say("%s is no candidate in %q%s.", x.s.ID, x.s.Election, x.because())
	}
	x.leader()
}

func (x *explanation) voting() {
	x.say("%s does not lead %q yet: it has begun round %d%s.", x.s.ID, x.s.Election, x.s.Round, parens(x.cause()))
	x.say("It asks Redis who stands and who leads%s.", x.within("; without an answer the round ends in %s"))
}

func (x *explanation) waiting() {
	x.say("%s does not lead %q yet.", x.s.ID, x.s.Election)
	if len(x.s.Pending) == 0 {
		x.say("In round %d it has claimed the office%s, and waits for the answer of Redis%s.",
			x.s.Round, parens(x.cause()), x.within(", for %s at most"))
		return
	}
	who := make([]string, 0, len(x.s.Pending))
	for _, p := range x.s.Pending {
		who = append(who, voter(p))
	}
	x.say("In round %d it waits for the answers of %s%s.", x.s.Round, list(who), x.within(", for %s at most"))
}

// voter is a candidate whose answer a round waits for.
func voter(p fsm.Pending) string {
	what := fmt.Sprintf("rank %d", p.Rank)
	if p.Original {
		what += ", an original"
	}
	if p.Holder {
		what += ", in office and asked to make way"
	}
	return fmt.Sprintf("%s (%s)", p.ID, what)
}

// list puts names into one phrase; beyond a handful it counts them.
func list(who []string) string {
	const most = 4
	if len(who) > most {
		who = append(who[:most:most], fmt.Sprintf("%d more", len(who)-most))
	}
	if len(who) == 1 {
		return who[0]
	}
	return strings.Join(who[:len(who)-1], ", ") + " and " + who[len(who)-1]
}

func (x *explanation) won() {
	x.say("%s leads %q with token %d%s.", x.s.ID, x.s.Election, x.s.Token, x.because())
	switch {
	case x.s.Draining:
		x.say("It is giving up the office, and keeps it until its work has stopped%s.", x.within("; it looks again in %s"))
	case x.s.TrustedMS > 0:
		x.say("That may be trusted for another %s if Redis falls silent; each answered heartbeat renews it.", span(x.s.TrustedMS))
	case x.s.TrustedMS == 0:
		x.say("Its trust has ended: it leads no more, and is about to step down.")
	}
}

func (x *explanation) lost() {
	x.say("%s does not lead %q%s.", x.s.ID, x.s.Election, x.because())
	x.leader()
	other := x.s.Leader.ID != "" && x.s.Leader.ID != x.s.ID
	switch {
	case x.cause().Code == fsm.CauseResigned:
		x.say("It has resigned, and stands again when its successor's office ends%s.", x.within(", or in %s if nobody leads"))
	case other:
		x.say("It stands again when %s lets go or its session ends%s.", x.s.Leader.ID, x.within("; it acts by itself in %s"))
	case x.s.DeadlineMS >= 0:
		x.say("It stands again in %s.", span(x.s.DeadlineMS))
	}
}

func (x *explanation) inconclusive() {
	x.say("%s does not lead %q: round %d had no result%s.", x.s.ID, x.s.Election, x.s.Round, parens(x.cause()))
	x.leader()
	if x.s.DeadlineMS >= 0 {
		x.say("It tries again in %s.", span(x.s.DeadlineMS))
	}
}

// leader says who leads, if it is not this node.
func (x *explanation) leader() {
	l := x.s.Leader
	switch {
	case !l.Known:
		x.say("Who leads is not known here.")
	case l.ID == "":
		x.say("Nobody leads, as far as is known here.")
	case l.Original:
		x.say("%s leads, an original without a lease.", l.ID)
	case l.ID != x.s.ID:
		x.say("%s leads with token %d.", l.ID, l.Token)
	}
}

// session says what is wrong with what every term rests on.
func (x *explanation) session() {
	n := x.s.Session
	if n.TTLMS == 0 { // of the past: not known
		return
	}
	if !n.LinkUp {
		x.say("The link to Redis is down.")
	}
	if n.TrustedMS == 0 {
		ago := "has been answered yet"
		if n.AnsweredMS >= 0 {
			ago = fmt.Sprintf("was answered in the last %s", span(n.AnsweredMS))
		}
		x.say("Its session is not current: no heartbeat %s, and without one it can't take office.", ago)
	}
}

// parens is a cause in brackets.
func parens(c fsm.Cause) string {
	if s := c.String(); s != "" {
		return " (" + s + ")"
	}
	return ""
}
