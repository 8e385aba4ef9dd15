package sim

import (
	"fmt"
	"slices"
)

// Rule is a promise that every world with nodes is held to: the observer looks after
// each event, and a broken rule fails the world. See [Rules].
type Rule struct {
	// Name is short, for reports and tables.
	Name string
	// Sentence says what is promised, exceptions included.
	Sentence string
}

// The rules of the observer. Those of liveness are looked at by [World.Recover] only,
// since nothing but the test knows when faults are over.
var (
	RuleOneLeader = Rule{
		"at most one trusted leader",
		"at no instant do two nodes of one election answer Valid with true, nor does a Leadership that its node does not name any more. Not counted: an office under OnDisconnect " +
			"whose holder was evicted, from then until its session would have ended or it is re-asserted (for fenced work), originals (they hold no lease), and a machine that was suspended " +
			"after its wall clock was set back in the same term (neither of its clocks counted the time)",
	}
	RuleTokensRise = Rule{
		"tokens strictly rise",
		"each term of an election has a higher token than every term before it, across data loss too; assumed is a Redis " +
			"whose clock is never behind the highest reading that it had by more than the quarantine",
	}
	RuleWorkOver = Rule{
		"work is over before the successor's starts",
		"an office that is given up while its trust lasts is not another's before the work has returned (Drained; for Go code, what Working was told), " +
			"unless DrainTimeout has passed, the node has failed, its clocks did not count the time (see the first rule), or " +
			"the office is under OnDisconnect and its holder was without a subscription in that term",
	}
	RuleQuiet = Rule{
		"no event after quit",
		"an election that went idle tells neither Won, Lost, Ending, Inconclusive nor DrainOverdue before it is run again; one that stands down " +
			"is idle, or gives up the office, before it is told to stand",
	}
	RuleWellFormed = Rule{
		"events are well-formed",
		"every event names its election; Won and Lost alternate, with Ending and DrainOverdue inside a term only and with " +
			"its token; Inconclusive comes once a cause until a decision; LeaderChanged tells a change; Status repeats the " +
			"result that was told last",
	}
	RuleCause = Rule{
		"nobody steps down without a cause",
		"every Ending and Lost has a cause that is true: a lapse after the end of trust only, outvoted or kicked by a node " +
			"that ranks higher only and never if sticky; and once the faults are over nobody's session lapses",
	}
	RuleLeader = Rule{
		"a leader once faults are over",
		"every election in which somebody stands has a trusted leader within LeaderWithin of the end of all faults",
	}
	RuleRightLeader = Rule{
		"the right leader once faults are over",
		"within RightLeaderWithin the highest live rank leads, or a sticky holder stays, everybody who stands knows it, " +
			"and it remains so; who has resigned is passed over until its successor's office ends",
	}
)

// Rules lists every rule of the observer.
func Rules() []Rule {
	return []Rule{
		RuleOneLeader, RuleTokensRise, RuleWorkOver, RuleQuiet, RuleWellFormed, RuleCause, RuleLeader, RuleRightLeader,
	}
}

// Broken returns the rule that the world has broken; ok is false if it has broken none.
func (w *World) Broken() (rule Rule, ok bool) {
	return w.observer.broken, w.observer.broken.Name != ""
}

// breach fails the world for a rule, unless the world is told to leave it out.
func (o *observer) breach(r Rule, format string, args ...any) {
	if o.world.failed() || slices.Contains(o.waived, r.Name) {
		return
	}
	o.broken = r
	o.world.Fail(r.Name, fmt.Errorf(format+"\n  the rule: %s", append(args, r.Sentence)...))
}

// Waive has the observer leave rules out from now on. It is for scenarios that show what
// happens where an assumption does not hold, and for experiments that take a guard out; a
// test of anything else has no use for it.
func (w *World) Waive(rules ...Rule) {
	w.scenarios()
	for _, r := range rules {
		w.observer.waived = append(w.observer.waived, r.Name)
	}
}

// WithoutRules waives rules from the beginning; see [World.Waive].
func WithoutRules(rules ...Rule) Option {
	return func(o *options) { o.without = append(o.without, rules...) }
}
