package actors

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// Restart limits: so many within so long, then the actor is stopped for good.
const (
	maxRestarts   = 10
	restartWindow = 10 * time.Second
)

// supervisor restarts a node's bridge and elections when they panic. protoactor's own
// strategies count with the real clock; this one counts with the node's. It is called on
// the node's goroutine only.
type supervisor struct {
	clock    redisbridge.Clock
	logger   *slog.Logger
	failures map[string][]time.Duration
	given    map[string]bool // given up
	metrics  *metrics
}

func newSupervisor(clock redisbridge.Clock, logger *slog.Logger, m *metrics) *supervisor {
	return &supervisor{clock: clock, logger: logger, failures: map[string][]time.Duration{}, given: map[string]bool{}, metrics: m}
}

// exhausted reports, once, whether an actor was stopped because it failed too often.
func (s *supervisor) exhausted(id string) bool {
	given := s.given[id]
	delete(s.given, id)
	return given
}

// HandleFailure restarts the child, or stops it when it fails too often.
func (s *supervisor) HandleFailure(system *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	now := s.clock.Now().Mono
	s.metrics.panicked()
	list := append(s.failures[child.Id], now)
	for len(list) > 0 && now-list[0] > restartWindow {
		list = list[1:]
	}
	s.failures[child.Id] = list
	s.logger.Error("actor panicked", "actor", child.Id, "reason", fmt.Sprint(reason), "message", fmt.Sprintf("%T", message), "restarts", len(list))
	system.EventStream.Publish(&actor.SupervisorEvent{Child: child, Reason: reason, Directive: actor.RestartDirective})
	if len(list) > maxRestarts {
		delete(s.failures, child.Id)
		s.given[child.Id] = true
		parent.StopChildren(child)
		return
	}
	parent.RestartChildren(child)
}
