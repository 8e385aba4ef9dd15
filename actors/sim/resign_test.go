package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// late has the answers to a script come that late, from now on.
func late(n *sim.Node, script string, d time.Duration) {
	n.Intercept(func(dir sim.Direction, commands []string) (m sim.Mishap) {
		if dir == sim.FromRedis && slices.Contains(commands, script) {
			m.Late = d
		}
		return m
	})
}

// Who has resigned is told so, also where somebody else asks for it before Redis has answered:
// that one is told that this node does not lead.
func TestASecondResignationDoesNotAnswerTheFirst(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{})
		w.Require("Run", returns(w, n, time.Second, "Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") }))
		w.Run(time.Second)
		late(n, "release", 200*time.Millisecond)
		said := make([]error, 2)
		took := make([]time.Duration, 2)
		n.Go(func(ctx context.Context, node *actors.Node) {
			began := w.Now()
			said[0] = node.Resign(ctx, "e")
			took[0] = w.Now() - began
		})
		w.Run(50 * time.Millisecond)
		n.Go(func(ctx context.Context, node *actors.Node) { said[1] = node.Resign(ctx, "e"); took[1] = w.Now() })
		w.Run(time.Second)
		switch {
		case took[0] < 200*time.Millisecond || took[1] == 0:
			w.Require("both return, the first when Redis knows", fmt.Errorf("%v", took))
		case said[0] != nil || !errors.Is(said[1], actors.ErrNotLeader):
			w.Require("each is told what is true of it", fmt.Errorf("the first %w, the second %w", said[0], said[1]))
		}
	})
}

// Release of a term that somebody else ends meanwhile returns when Redis knows, also where Run
// was called.
func TestReleaseOfADrainingTermReturnsWhenRedisKnows(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{})
		began, took := time.Duration(0), time.Duration(0)
		n.Go(func(ctx context.Context, node *actors.Node) {
			l, err := node.Campaign(ctx, "e")
			if err = errors.Join(err, node.Run(ctx, "e")); err != nil {
				w.Fail("Campaign and Run", err)
				return
			}
			go func() { _ = node.Resign(ctx, "e") }()
			<-l.Context().Done()
			began = w.Now()
			if err := l.Release(ctx); err != nil {
				w.Fail("Release", err)
			}
			took = w.Now() - began
		})
		late(n, "release", 200*time.Millisecond)
		w.Run(2 * time.Second)
		if took < 200*time.Millisecond {
			w.Require("it waits for Redis", fmt.Errorf("it returned after %v", took))
		}
	})
}

// A release of an older term, which Redis has refused at first, answers nobody who resigns from
// a later one.
func TestAnOlderReleaseDoesNotAnswerALaterResignation(t *testing.T) {
	const slow = 300 * time.Millisecond
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{TTL: second})
		resign := func(ctx context.Context, node *actors.Node) error { return node.Resign(ctx, "e") }
		w.Require("Run", returns(w, n, second, "Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") }))
		w.Run(second)
		refuse, released := true, 0
		n.Intercept(func(dir sim.Direction, commands []string) (m sim.Mishap) {
			switch mine := slices.Contains(commands, "release"); {
			case dir == sim.ToRedis:
				w.Redis().RefuseAll(nil)
				if mine && refuse {
					w.Redis().RefuseAll(&redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM not now"})
				}
			case mine && !refuse:
				released++
				m.Late = slow
			}
			return m
		})
		if err := returns(w, n, second, "Resign", resign); !errors.Is(err, actors.ErrRefused) {
			w.Require("Redis refuses the release", fmt.Errorf("%w", err))
		}
		w.Run(3 * second) // it stands again, and leads
		refuse = false
		if !w.RunUntil(func() bool { return released == 1 }, 2*second) {
			w.Require("the release is tried again", errors.New("it is not"))
		}
		began := w.Now()
		w.Require("Resign", returns(w, n, 2*second, "Resign", resign))
		if took := w.Now() - began; released < 2 || took < 3*slow/2 {
			w.Require("Redis knows of the later one", fmt.Errorf("after %v, %d releases", took, released))
		}
	})
}
