package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// The elections of a node that dies: more than one call of a purge strikes.
const manyElections = 1700

// burial is a fleet of a and b, with c, d and so on if there are more, and what they were
// told of deaths.
type burial struct {
	w     *sim.World
	nodes []*sim.Node
	told  map[string][]string // by node: who is dead
}

func newBurial(w *sim.World, n int) *burial {
	b := &burial{w: w, told: map[string][]string{}}
	for i := range n {
		node := w.Node(string(rune('a'+i)), actors.Config{Rank: new(int64(i)), TTL: second})
		node.Watch(func(ev actors.Event) {
			if dead, ok := ev.(*actors.PeerDead); ok {
				b.told[node.ID()] = append(b.told[node.ID()], dead.Peer.ID)
			}
		})
		b.nodes = append(b.nodes, node)
	}
	w.Run(5 * second)
	return b
}

func (b *burial) do(words ...string) any {
	v, err := b.w.Redis().Do(words...)
	if err != nil {
		b.w.Require("Redis answers", err)
	}
	return v
}

// stands makes a node a candidate of many elections.
func (b *burial) stands(id string) {
	for i := range manyElections {
		e := "e" + strconv.Itoa(i)
		b.do("SADD", keys.Participated(id), e)
		b.do("SADD", keys.Candidates(e), id)
		b.do("ZADD", keys.Ranks(e), "1", id)
	}
}

func (b *burial) left(id string) int64 { return b.do("SCARD", keys.Participated(id)).(int64) }

// purged waits until nothing is left of a node.
func (b *burial) purged(id string, within time.Duration) {
	if !b.w.RunUntil(func() bool { return b.do("HGET", keys.Details(), id) == nil }, within) {
		b.w.Require("the dead are purged", fmt.Errorf("%s is listed, with %d elections", id, b.left(id)))
		return
	}
	rest := []any{b.left(id), b.do("SISMEMBER", keys.List(), id), b.do("ZSCORE", keys.Sessions(), id)}
	if !slices.Equal(rest, []any{int64(0), int64(0), nil}) {
		b.w.Require("nothing is left of the dead", fmt.Errorf("%v", rest))
	}
	for i := range manyElections {
		e := "e" + strconv.Itoa(i)
		if b.do("SISMEMBER", keys.Candidates(e), id) != int64(0) || b.do("ZSCORE", keys.Ranks(e), id) != nil {
			b.w.Require("the dead are no candidates", fmt.Errorf("%s is one of %s", id, e))
			return
		}
	}
}

func (b *burial) crash(i int) { b.nodes[i].With(func(p *sim.Process) { p.Crash() }) }

// deaths requires what a node was told, whoever else has died.
func (b *burial) deaths(node string, want ...string) {
	b.w.Run(3 * second)
	if got := b.told[node]; !slices.Equal(got, want) {
		b.w.Require("the dead are told once", fmt.Errorf("%s was told of %v, want %v", node, got, want))
	}
}

func TestADeadNodeOfManyElectionsIsToldAtOnceAndPurgedInPortions(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		b := newBurial(w, 3)
		b.stands("c")
		b.crash(2)
		parts := map[int64]bool{}
		gone := w.RunUntil(func() bool {
			parts[b.left("c")] = true
			return b.left("c") == 0
		}, 5*second)
		if !gone || !parts[manyElections-500] || !parts[manyElections-1000] || !parts[manyElections-1500] {
			w.Require("500 elections a call", fmt.Errorf("there were %v left", parts))
		}
		b.purged("c", second)
		b.deaths("a", "c")
		b.deaths("b", "c")
	})
}

func TestAnotherNodeGoesOnWithAPurgeWhenItsCallerDies(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		b := newBurial(w, 3)
		b.stands("c")
		b.crash(2)
		if !w.RunUntil(func() bool { return b.left("c") < manyElections }, 5*second) {
			w.Require("a purge has begun", fmt.Errorf("%d are left", b.left("c")))
			return
		}
		b.crash(0)
		w.Run(second / 2)
		if b.left("c") == 0 {
			w.Require("the purge is not done", fmt.Errorf("it is"))
		}
		b.purged("c", 4*second)
		b.purged("a", 4*second)
		b.deaths("b", "c", "a")
	})
}

func TestAPurgeThatFailsIsRepeated(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		b := newBurial(w, 2)
		lost := 0
		b.nodes[0].With(func(p *sim.Process) {
			p.Intercept(func(dir sim.Direction, commands []string) sim.Mishap {
				if dir == sim.ToRedis && slices.Contains(commands, "purge") && lost < 2 {
					lost++
					return sim.Mishap{Lost: true}
				}
				return sim.Mishap{}
			})
		})
		b.crash(1)
		b.purged("b", 6*second)
		if lost != 2 {
			w.Require("two purges are lost", fmt.Errorf("%d were", lost))
		}
		b.deaths("a", "b")
	})
}

// Its session is over before anybody has read that it is there.
func TestADeadNodeThatNobodyHasMetIsPurged(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		b := newBurial(w, 2)
		inc := strings.Repeat("5", 32)
		for _, call := range []struct {
			script *redisbridge.Script
			args   []string
		}{
			{redisbridge.HeartbeatScript, []string{"1", "1000", "0", "x", "0", "", "0", "0", ""}},
			{redisbridge.JoinScript, []string{`{"process":5,"v":1,"inc":"` + inc + `"}`, "1", "e0", "7"}},
		} {
			if _, err := w.Redis().Eval(call.script, append([]string{"ipc", "s", inc, "1"}, call.args...)...); err != nil {
				w.Require("it registers", err)
			}
		}
		b.do("DEL", keys.Session("s"))
		b.purged("s", 4*second)
		b.deaths("a")
	})
}

// Who was on its way offline when it was cut off is purged. It lives again before others have read
// of that: to them it is no member all the same.
func TestWhoIsPurgedAndLivesOfflineIsNoMember(t *testing.T) {
	const ttl = 3 * second
	sim.Bubble(t, 3, func(w *sim.World) {
		var nodes []*sim.Node
		for _, id := range []string{"a", "b", "c"} {
			nodes = append(nodes, w.Node(id, actors.Config{TTL: ttl, Mixed: new(false)}))
		}
		w.Run(5 * second)
		w.Hold(nodes[2].Process)
		nodes[2].Go(func(ctx context.Context, node *actors.Node) { _ = node.Offline(ctx) })
		w.Run(ttl * 5 / 8)
		w.Hold(nodes[1].Process)
		exists := func(key string) bool {
			n, err := w.Redis().Do("EXISTS", key)
			w.Require("EXISTS", err)
			return n == int64(1)
		}
		listed := func() bool {
			is, err := w.Redis().Do("SISMEMBER", keys.List(), "c")
			w.Require("SISMEMBER", err)
			return is == int64(1)
		}
		if !w.RunUntil(func() bool { return !listed() }, ttl) {
			w.Require("c is purged", errors.New("it is not"))
		}
		w.Release(nodes[2].Process)
		if !w.RunUntil(func() bool { return exists(keys.Session("c")) }, second) {
			w.Require("c lives", errors.New("it does not"))
		}
		w.Release(nodes[1].Process)
		w.Run(2 * ttl)
		if list := nodes[1].Handle().Members(); listed() || len(list) != 2 {
			w.Require("c is no member", fmt.Errorf("%v", list))
		}
	})
}
