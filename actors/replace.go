package actors

import (
	"fmt"
	"strings"

	"hustings/fsm"
	"hustings/redisbridge"
)

// This file is both sides of Config.ReplaceDuplicate. Nothing here shortens anybody's
// trust: the one that is replaced is told that its session is renewed no more, and the
// one that replaces it waits until that session is gone, as after a crash. So the rule
// that a session has one owner, on which every lease rests, is never bent; see
// docs/guarantees.md.

// replace marks the session of the process that had our id when we first looked. It
// reports whether that one still has it. A third process that got the id meanwhile is
// not replaced: of two that replace the same one, one wins, and the other is refused
// (ErrDuplicateID) as it would be without ReplaceDuplicate. Otherwise they would take
// turns for ever.
func (n *nodeActor) replace(a *redisbridge.HeartbeatAnswer) bool {
	inc, _, _ := strings.Cut(a.Other.Birth, "-")
	if n.beats.replacing == "" {
		n.beats.replacing = inc
		n.env.logger.Warn("replacing the process that has this id", "other", whose(a.Other.Details), "left", a.Other.Left)
	}
	if inc != n.beats.replacing {
		return false
	}
	// Again with every beat: a failover may have lost the mark.
	n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallReplace, Target: inc})
	return true
}

// yieldDue: whoever is replaced has had a TTL, in which its trust has ended.
type yieldDue struct{ silent }

// yield: another process is to have our id. Our session lives on for as long as we may
// trust it, and is not renewed: what we lead drains meanwhile, and is released as soon as
// its work has stopped. When we have left, or after a TTL, the node has failed.
func (n *nodeActor) yield(a *redisbridge.HeartbeatAnswer) {
	if n.yielded {
		return
	}
	n.yielded = true
	err := fmt.Errorf("%w: %q is now %s", ErrReplaced, n.cfg.ID, whose(a.Other.Details))
	n.env.logger.Warn("another process replaces this one", "other", whose(a.Other.Details), "left", a.Other.Left)
	if n.phase >= leaving {
		return // it goes anyway
	}
	n.doomed = err
	n.shared.failed.Store(&err)
	n.after(n.cfg.TTL, &yieldDue{})
	if n.phase < registering {
		n.phase = registering
	}
	n.depart(fsm.CauseReplaced)
}

func (n *nodeActor) onYieldDue() {
	if n.phase != failed && len(n.stopping) == 0 {
		n.fail(n.doomed)
	}
}
