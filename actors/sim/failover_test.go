package sim_test

import (
	"context"
	"errors"
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

// A failover to a replica that lags brings back what was quit just before: the node quits again,
// and nobody waits for votes that it does not give.
func TestACandidacyThatAFailoverBringsBackHoldsNobodyUp(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		m := newMeddled(w, 3, 1)
		m.nodes[2].Tell("e0", &actors.Quit{})
		w.Run(second / 2)
		w.Redis().Failover(second, 0)
		if is := m.do("SISMEMBER", keys.Candidates("e0"), "n2"); is != int64(1) {
			w.Require("it is back", fmt.Errorf("%v", is))
		}
		w.Run(10 * second)
		m.nodes[1].Tell("e0", &actors.Quit{})
		if !w.RunUntil(func() bool { return m.leader("e0") == m.nodes[0] }, second/10) {
			w.Require("the office is handed over at once", errors.New("it is not"))
		}
		if list := m.do("SMEMBERS", keys.Candidates("e0")); fmt.Sprint(list) != "[n0]" {
			w.Require("who stands", fmt.Errorf("%v", list))
		}
	})
}

// So it does with a node that went offline just before.
func TestANodeThatAFailoverBringsOnlineGoesOfflineAgain(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second})
		other := w.Node("b", actors.Config{TTL: second})
		w.Run(5 * second)
		w.Require("Offline", returns(w, n, second, "Offline", func(ctx context.Context, node *actors.Node) error { return node.Offline(ctx) }))
		w.Redis().Failover(second, 0)
		w.Run(5 * second)
		if list, err := w.Redis().Do("SMEMBERS", keys.List()); err != nil || fmt.Sprint(list) != "[b]" {
			w.Require("it is not listed", fmt.Errorf("%v, %w", list, err))
		}
		if list := other.Handle().Members(); len(list) != 1 {
			w.Require("it is no member", fmt.Errorf("%v", list))
		}
		w.Require("Online", returns(w, n, second, "Online", func(ctx context.Context, node *actors.Node) error { return node.Online(ctx) }))
		w.Run(second)
		if list := other.Handle().Members(); len(list) != 2 {
			w.Require("it is one again", fmt.Errorf("%v", list))
		}
	})
}
