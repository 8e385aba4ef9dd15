package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// An election's actor is stopped and another one is spawned in its place, while Redis does
// not take the first one's quit: it is too busy, or the right to it is missing. That quit is
// tried again later, and must not release what the second one holds by then.
func TestALateQuitLeavesTheSuccessorInOffice(t *testing.T) {
	for _, c := range []struct {
		name     string
		refusal  *redisbridge.ServerError
		recovers time.Duration // after the second one was spawned
	}{
		{"busy", &redisbridge.ServerError{Code: "NOREPLICAS", Text: "NOREPLICAS Not enough good replicas to write."}, 255 * time.Millisecond},
		{"refused", &redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM this user has no permissions to run the 'evalsha' command"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim.Test(t, 50, func(w *sim.World) {
				list := make([]*sim.Node, 2)
				for i := range list {
					list[i] = w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), Quarantine: new(false)})
					list[i].Stand(actors.ElectionConfig{Name: "e", Run: true, Sticky: true})
				}
				w.Every("one trusted leader", func() error {
					a, b := list[0].Handle(), list[1].Handle()
					if a != nil && b != nil && a.Leadership("e").Valid() && b.Leadership("e").Valid() {
						return fmt.Errorf("two are, with tokens %d and %d", a.Leadership("e").Token(), b.Leadership("e").Token())
					}
					return nil
				})
				w.Run(5 * time.Second)
				for _, n := range list {
					if n.Handle().Leadership("e").Valid() {
						w.Redis().RefuseAll(c.refusal)
						n.System().Root.Stop(n.Election("e"))
						w.Run(5 * time.Millisecond)
						n.Stand(actors.ElectionConfig{Name: "e", Run: true, Sticky: true})
						break
					}
				}
				w.Run(c.recovers)
				w.Redis().RefuseAll(nil)
				w.Run(20 * time.Second)
			})
		})
	}
}

// The actor of an election is stopped while a roll call that registers it is under way: what
// takes that back may come late, too, and must not release what a successor holds by then.
func TestALateQuitAfterARollCallLeavesTheSuccessorInOffice(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
		e := actors.ElectionConfig{Name: "e", Run: true}
		n.Stand(e)
		w.Run(3 * second)
		called, quits := false, 0
		n.Intercept(func(dir sim.Direction, commands []string) (m sim.Mishap) {
			switch {
			case dir == sim.FromRedis && slices.Contains(commands, "canvass"):
				called, m.Late = true, 50*time.Millisecond
			case dir == sim.ToRedis:
				w.Redis().RefuseAll(nil)
				if slices.Contains(commands, "quit") {
					if quits++; quits == 2 {
						w.Redis().RefuseAll(&redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM not now"})
					}
				}
			}
			return m
		})
		if !w.RunUntil(func() bool { return called }, 20*second) {
			w.Require("a roll call", errors.New("there is none"))
		}
		n.System().Root.Stop(n.Election("e"))
		w.RunUntil(func() bool { return quits > 1 }, second)
		n.Stand(e)
		if !w.RunUntil(func() bool { return n.Handle().Leadership("e").Valid() }, 5*second) {
			w.Require("the successor leads", errors.New("it does not"))
		}
		token := n.Handle().Leadership("e").Token()
		w.Run(20 * second)
		if l := n.Handle().Leadership("e"); !l.Valid() || l.Token() != token {
			w.Require("it stays in office", fmt.Errorf("%v, token %d, was %d; %d quits", l.Valid(), l.Token(), token, quits))
		}
		if holder, err := w.Redis().Do("HGET", keys.Leader("e"), "id"); err != nil || holder != "a" {
			w.Require("Redis knows", fmt.Errorf("%v, %w, %d quits", holder, err, quits))
		}
	})
}
