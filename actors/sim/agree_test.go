package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/fsm"
)

// agreement is a fleet of which everything is asked at random, in a storm.
type agreement struct {
	*meddled
	calls []*callers
}

// text is an answer of Redis, as it is printed.
func (a *agreement) text(words ...string) string { return fmt.Sprint(a.do(words...)) }

// offline reports whether a node is that, as far as Redis knows.
func (a *agreement) offline(n *sim.Node) bool {
	return a.text("SISMEMBER", keys.List(), n.ID()) == "0"
}

// differ says in what Redis, or a node, is not what the nodes believe; "" if all agree.
func (a *agreement) differ() string {
	took, members := map[string][]string{}, []string{}
	for _, n := range a.nodes {
		if !a.offline(n) {
			members = append(members, n.ID())
		}
	}
	for _, e := range a.names {
		var stand, ranks []string
		for _, n := range a.nodes {
			if v, err := n.Handle().View(e); err == nil && v.State != fsm.Idle {
				stand, ranks = append(stand, n.ID()), append(ranks, n.ID(), fmt.Sprint(v.Rank))
				took[n.ID()] = append(took[n.ID()], e)
			}
		}
		l, record := a.leader(e), a.text("HGET", keys.Leader(e), "id")
		for what, agree := range map[string]bool{
			"the candidates":    a.text("SMEMBERS", keys.Candidates(e)) == fmt.Sprint(stand),
			"the ranks":         a.text("ZRANGE", keys.Ranks(e), "0", "-1", "WITHSCORES") == fmt.Sprint(ranks),
			"the leader":        (l != nil) == (stand != nil) && (l == nil || record == l.ID()),
			"the vacancy":       a.text("SISMEMBER", keys.Vacant(), e) == "0",
			"what is left over": stand != nil || a.text("EXISTS", keys.Leader(e)) == "0",
		} {
			if !agree {
				return fmt.Sprintf("%s of %s: %v stand, the record names %s", what, e, stand, record)
			}
		}
		for _, n := range a.nodes {
			known, err := n.Handle().Leader(e)
			stands := slices.Contains(stand, n.ID())
			if err == nil && known.ID != record || stands && err != nil || !stands && errors.Is(err, actors.ErrNoLeader) && l != nil {
				return fmt.Sprintf("%s leads %s, and %s knows %q, %v", record, e, n.ID(), known.ID, err)
			}
		}
	}
	for _, n := range a.nodes {
		known := []string{}
		for _, m := range n.Handle().Members() {
			if m.ID != n.ID() || !a.offline(n) {
				known = append(known, m.ID)
			}
		}
		switch {
		case a.text("SMEMBERS", keys.Participated(n.ID())) != fmt.Sprint(took[n.ID()]):
			return fmt.Sprintf("%s stands in %v", n.ID(), took[n.ID()])
		case !slices.Equal(known, members):
			return fmt.Sprintf("members are %v, and %s knows %v", members, n.ID(), known)
		case !n.Handle().Health().Ready():
			return fmt.Sprintf("%s is not ready: %+v", n.ID(), n.Handle().Health())
		}
	}
	return ""
}

// until lets time pass until nothing differs.
func (a *agreement) until(rule string, within time.Duration, differ func() string) {
	if !a.w.RunUntil(func() bool { return a.w.Err() != nil || differ() == "" }, within) {
		a.w.Require(rule, fmt.Errorf("after %v: %s", within, differ()))
	}
}

// busy says which calls have not returned.
func (a *agreement) busy() string {
	for _, c := range a.calls {
		if what := c.busy(); what != "" {
			return what
		}
	}
	return ""
}

// all makes a call on every node.
func (a *agreement) all(what string, call func(context.Context, *actors.Node) error) {
	for _, n := range a.nodes {
		if err := returns(a.w, n, forCalls, what, call); err != nil {
			a.w.Require(what, err)
		}
	}
}

func newAgreement(w *sim.World) *agreement {
	a := &agreement{meddled: &meddled{w: w, names: []string{"e0", "e1", "e2", "e3", "e4", "e5"}}}
	dice := rand.New(rand.NewPCG(w.Seed(), 4))
	sticky, mixed := dice.IntN(4) == 0, dice.IntN(2) == 0
	for i := range 3 + dice.IntN(2) {
		n := w.Node(fmt.Sprintf("n%d", i), actors.Config{
			Rank: new(int64(i)), TTL: second, Mixed: new(mixed), Elections: actors.ElectionConfig{Sticky: sticky, DrainTimeout: drainFor},
		})
		c := &callers{w: w, n: n, names: a.names, patience: time.Hour, out: map[string]int{}}
		a.nodes, a.calls = append(a.nodes, n), append(a.calls, c)
		for k := range 3 {
			n.Go(func(ctx context.Context, node *actors.Node) {
				dice := rand.New(rand.NewPCG(w.Seed(), uint64(100*i+10*k+n.Life())))
				for ctx.Err() == nil && !c.over.Load() {
					c.call(ctx, dice, node)
					time.Sleep(beats(dice, 20))
				}
			})
		}
	}
	return a
}

// Whatever is asked of nodes, in whatever storm: once it is over, every call returns, Redis holds
// what the nodes believe and they know of each other; and when all have quit, nothing is left.
func TestAfterAnyStormOfCallsAndFaultsRedisHoldsWhatTheNodesBelieve(t *testing.T) {
	sim.Bubble(t, 100, func(w *sim.World) {
		a := newAgreement(w)
		w.Storm(15*second, sim.Storm{Longest: 3 * second})
		w.Run(15 * second)
		for _, c := range a.calls {
			c.over.Store(true)
		}
		w.Run(second)
		a.until("every call returns", w.LeaderWithin()+forCalls, a.busy)
		for _, n := range a.nodes {
			if err := n.Handle().Err(); err != nil {
				if !errors.Is(err, actors.ErrReplaced) && !errors.Is(err, actors.ErrRefused) { // see Swarm
					w.Require("no node fails", err)
				}
				return
			}
		}
		a.until("Redis holds what the nodes believe", w.RightLeaderWithin(), a.differ)
		a.all("Quit", func(ctx context.Context, node *actors.Node) error { return node.Quit(ctx, a.names...) })
		a.until("Redis holds what the nodes believe when all have quit", 2*second, a.differ)
		a.all("Stop", func(ctx context.Context, node *actors.Node) error { return node.Stop(ctx) })
		for _, key := range []string{keys.List(), keys.Details(), keys.Sessions(), keys.Vacant()} {
			if a.text("EXISTS", key) != "0" {
				w.Require("nothing is left when all have stopped", errors.New(key))
			}
		}
	})
}
