package actors

import (
	"hustings/fsm"
	"hustings/redisbridge"
)

// endWith has a simulation say when the process of these actors is killed. In production
// nobody is left then to notice; in a simulation the code is that used the node's handles.
func (s *shared) endWith(c redisbridge.Clock) {
	if o, ok := c.(redisbridge.Outsider); ok {
		o.AtDeath(s.killed)
	}
}

// killed ends whatever code without actors waits for, as the end of the node's actor does.
// None of the node's actors runs any more.
func (s *shared) killed() {
	select {
	case <-s.done:
		return
	default:
	}
	for _, sub := range s.hub.subs {
		if sub.ch != nil {
			sub.close()
		}
	}
	s.elections.each(func(e *entry) {
		if l := e.cell.lead.Load(); l != nil {
			l.end(fsm.Cause{Code: fsm.CauseNodeStopped})
		}
	})
	s.stop()
	close(s.done)
}
