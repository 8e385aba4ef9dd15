package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// A heartbeat that becomes due in the instant in which the node sends one for another
// reason does not begin a second chain of them: there is one in a third of the TTL.
func TestThereIsOneChainOfHeartbeats(t *testing.T) {
	Test(t, 20, func(w *World) {
		const ttl, quiet = 1500 * time.Millisecond, 30 * time.Second
		n := w.Node("n", actors.Config{TTL: ttl})
		w.Run(ttl)
		for range 20 {
			events := slices.Clone(w.sched.agenda.soon)
			for _, p := range w.sched.agenda.later {
				events = append(events, p.event)
			}
			for _, e := range events {
				if _, ok := e.do.(*timer); ok {
					w.At(e.at, func() { n.Send(n.pid, &redisbridge.Link{Up: true, Commands: true}) })
				}
			}
			w.Run(ttl / 3)
		}
		beats := 0
		w.tap = func(cmd redisbridge.Command, _ redisbridge.Reply) {
			if cmd.Script == redisbridge.HeartbeatScript {
				beats++
			}
		}
		w.Run(quiet)
		if most := int(quiet/(ttl/3)) + 1; beats > most {
			w.Require("one chain of heartbeats", fmt.Errorf("it sent %d in %v, at most %d are due", beats, quiet, most))
		}
	})
}
