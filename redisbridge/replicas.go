package redisbridge

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrReplicas is wrapped by the fault of a heartbeat that fewer replicas acknowledged than
// were asked for.
var ErrReplicas = errors.New("redisbridge: too few replicas acknowledged")

// replicated reports whether replicas are to acknowledge what a command has written. A
// re-assertion need not be: what it moves is trusted as long as the heartbeats were
// acknowledged, and no longer.
func replicated(f flight) bool {
	return f.kind == CallHeartbeat || f.kind == CallClaim || f.kind == CallSurvey && bids(f.calls)
}

// waitShare is the part of the TTL that replicas have to acknowledge: half of the time in
// which the whole pipeline must be answered, so that a refusal is told from silence, and
// what waits behind it has its turn.
const waitShare = 6

// composeWait makes the command that ends a pipeline with heartbeats or claims. Scripts
// can't wait. One is enough: it waits for everything that the connection has written
// before it. It travels in the same pipeline, so that it costs the replicas' round trip
// and none of ours.
func (b *Bridge) composeWait() Command {
	timeout := (b.set.Session.TTL() / waitShare).Milliseconds()
	return Command{Args: []string{"WAIT", strconv.Itoa(b.set.MinReplicas), strconv.FormatInt(max(timeout, 1), 10)}}
}

// acknowledged reads its answer: nil if enough replicas have what was written.
func (b *Bridge) acknowledged(r Reply) error {
	if r.Err != nil {
		return fmt.Errorf("%w: %w", ErrReplicas, r.Err)
	}
	n, ok := r.Value.(int64)
	switch {
	case !ok:
		return fmt.Errorf("%w: %w", ErrReplicas, errShape)
	case n < int64(b.set.MinReplicas):
		return fmt.Errorf("%w: %d of MinReplicas %d", ErrReplicas, n, b.set.MinReplicas)
	}
	return nil
}
