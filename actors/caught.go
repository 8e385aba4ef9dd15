package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Users' functions that run on an actor's goroutine: Config.Steps, Config.RankFor,
// Handle.Done. A panic of theirs is not the actor's: it would cost a term, or the node.

// caught is deferred around such a function: it logs and counts the panic.
func (s *shared) caught(log *slog.Logger, what string) {
	if r := recover(); r != nil {
		s.metrics.panicked()
		log.Error("a function of the user panicked", "function", what, "reason", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

// rankOf asks RankFor. Without a rank there is no candidate: the election fails at once.
func rankOf(env *env, election string) (rank int64, err error) {
	returned := false
	defer func() {
		if !returned {
			err = fmt.Errorf("election %q: %w", election, errRank)
		}
	}()
	defer env.shared.caught(env.logger, "Config.RankFor")
	rank, returned = env.cfg.rank(election), true
	return rank, nil
}

var errRank = errors.New("hustings: Config.RankFor panicked: see the log, mend it, and start the node again")
