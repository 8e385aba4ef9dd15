package sim_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// Followers know when the leader's session ends, and look then. With a network of at most
// half a millisecond one way, nothing in the protocol takes longer than this: on a real machine
// what comes on top is the machine's.
func TestASuccessorIsElectedMillisecondsAfterTheSessionEnds(t *testing.T) {
	const bound = 5 * time.Millisecond
	var mu sync.Mutex // guards took: worlds run in parallel
	var took []time.Duration
	sim.Test(t, 200, func(w *sim.World) {
		nodes, won := make([]*sim.Node, 3), time.Duration(-1)
		for i := range nodes {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), TTL: second})
			n.Stand(actors.ElectionConfig{Name: theElection, Run: true})
			n.Watch(func(ev actors.Event) {
				if _, ok := ev.(*actors.Won); ok {
					won = w.Now()
				}
			})
			nodes[i] = n
		}
		w.Run(6*second + w.Rand().Duration(0, 2*second))
		if l := nodes[2].Handle().Leadership(theElection); l == nil || !l.Valid() {
			w.Require("the highest leads", fmt.Errorf("n2 does not"))
			return
		}
		won = -1
		nodes[2].With(func(p *sim.Process) { p.Crash() })
		w.Run(time.Millisecond) // a heartbeat of it may be on its way
		left, err := w.Redis().Do("PTTL", keys.Session("n2"))
		if err != nil {
			w.Require("the session is there", err)
			return
		}
		end := w.Now() + time.Duration(left.(int64))*time.Millisecond
		if !w.RunUntil(func() bool { return won >= 0 }, end-w.Now()+bound) {
			w.Require("a successor", fmt.Errorf("none %v after the session's end", bound))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, won-end)
	})
	if len(took) > 0 {
		slices.Sort(took)
		t.Logf("of %d: p50 %v, p99 %v, max %v", len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	}
}
