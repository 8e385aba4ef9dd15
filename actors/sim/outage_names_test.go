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

// campaigns asks for the terms of names, one after the other, each for as long as patience
// lasts, until its process ends.
func campaigns(names int, patience time.Duration) func(context.Context, *actors.Node) {
	return func(ctx context.Context, node *actors.Node) {
		for i := 0; i < names && ctx.Err() == nil; i++ {
			some, cancel := context.WithTimeout(ctx, patience)
			if l, err := node.Campaign(some, fmt.Sprint("job-", i)); err == nil {
				_ = l.Release(ctx)
			}
			cancel()
		}
	}
}

// While Redis is away names may come without end, too: of one that it has never heard of
// nothing need be withdrawn.
func TestNamesOfAnOutageLeaveNothingBehind(t *testing.T) {
	sim.Bubble(t, 1, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
		w.Run(3 * second)
		w.Redis().Crash()
		w.Run(5 * second)
		const names = 3000
		began := w.Now()
		n.Go(campaigns(names, 100*time.Millisecond))
		for len(n.Handle().Views()) < 1000 && w.Now() < began+time.Hour {
			w.Run(second)
		}
		if took := w.Now() - began; took > 3*time.Minute {
			w.Require("nobody waits for Redis to know", fmt.Errorf("1000 names took %v", took))
		}
		w.Run(names / 10 * second)
		if kept := len(n.Handle().Views()); kept > 2100 {
			w.Require("elections are given up", fmt.Errorf("%d are kept", kept))
		}
		if owed := n.Handle().Counts().Waiting; owed > 10 {
			w.Require("nothing is owed", fmt.Errorf("%d calls wait", owed))
		}
		w.Redis().Restart(false)
		w.Run(5 * second)
		if v, err := w.Redis().Do("EXISTS", keys.Candidates("job-0")); err != nil || v != int64(0) {
			w.Require("it stands for nothing", fmt.Errorf("%v, %w", v, err))
		}
	})
}

// A server that was made a replica takes connections, and refuses the heartbeat that goes out first.
func TestNamesLeaveNothingBehindWhileRedisIsReadOnly(t *testing.T) {
	sim.Bubble(t, 1, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
		w.Run(3 * second)
		w.Redis().RefuseAll(&redisbridge.ServerError{Code: "READONLY", Text: "READONLY You can't write against a read only replica."})
		w.Run(5 * second)
		n.Go(campaigns(3000, 100*time.Millisecond))
		w.Run(100 * second)
		if tried, owed := len(n.Handle().Views()), n.Handle().Counts().Waiting; tried < 500 || owed > 50 {
			w.Require("hardly anything is owed", fmt.Errorf("%d names, %d calls wait", tried, owed))
		}
	})
}

// Nor is anything owed for elections that a program spawns and stops meanwhile.
func TestSpawnedElectionsOfAnOutageLeaveNothingBehind(t *testing.T) {
	w := sim.New(t, 1)
	n := w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
	w.Run(3 * second)
	w.Redis().Crash()
	w.Run(5 * second)
	for i := range 100 {
		pid := n.Spawn(actors.ElectionProps(n.PID(), actors.ElectionConfig{Name: fmt.Sprint("job-", i), Run: true}))
		w.Run(500 * time.Millisecond)
		n.System().Root.Stop(pid)
		w.Run(time.Millisecond)
	}
	if owed := n.Handle().Counts().Waiting; owed > 10 {
		w.Require("nothing is owed", fmt.Errorf("%d calls wait", owed))
	}
}

// One of that name was there before the outage, and is owed a quit. Those that come after it
// wait for that, and it takes nothing that they hold.
func TestWhoComesDuringAnOutageWaitsForTheQuitOfAPredecessor(t *testing.T) {
	w := sim.New(t, 1)
	n := w.Node("a", actors.Config{TTL: time.Minute, Quarantine: new(false)})
	e := actors.ElectionConfig{Name: "e", Run: true}
	n.Stand(e)
	leads := func() bool { return n.Handle() != nil && n.Handle().Leadership("e").Valid() }
	if !w.RunUntil(leads, 5*second) {
		w.Require("it leads", errors.New("it does not"))
	}
	w.Redis().RefuseClients(&redisbridge.ServerError{Code: "LOADING", Text: "LOADING not now"})
	w.Redis().Kill(n.Process)
	w.Run(second)
	for range 2 {
		n.System().Root.Stop(n.Election("e"))
		w.Run(second)
		n.Stand(e)
		w.Run(second)
	}
	w.Redis().RefuseClients(nil)
	n.Intercept(func(dir sim.Direction, commands []string) sim.Mishap {
		w.Redis().RefuseAll(nil)
		if dir == sim.ToRedis && slices.Contains(commands, "quit") && w.Now() < 10*second {
			w.Redis().RefuseAll(&redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM not now"})
		}
		return sim.Mishap{}
	})
	if !w.RunUntil(leads, time.Minute) {
		w.Require("it leads again", errors.New("it does not"))
	}
	token := n.Handle().Leadership("e").Token()
	w.Run(time.Minute)
	if holder, err := w.Redis().Do("HGET", keys.Leader("e"), "id"); err != nil || holder != "a" || n.Handle().Leadership("e").Token() != token {
		w.Require("it stays in office", fmt.Errorf("%v, %w", holder, err))
	}
}

// What may have been sent is withdrawn, though it began while there was no connection. The
// session outlives this outage, and nothing else would have the node withdraw.
func TestACandidacyOfAnOutageThatRedisHasHeardOfIsWithdrawn(t *testing.T) {
	sim.Bubble(t, 20, func(w *sim.World) {
		n := w.Node("a", actors.Config{TTL: time.Minute, Quarantine: new(false)})
		w.Run(3 * second)
		refuse := func() {
			w.Redis().RefuseClients(&redisbridge.ServerError{Code: "LOADING", Text: "LOADING not now"})
		}
		refuse()
		w.Redis().Kill(n.Process)
		w.Run(5 * second)
		n.Go(campaigns(1, 10*second))
		w.Run(5 * second)
		stands := func() bool {
			v, _ := w.Redis().Do("SISMEMBER", keys.Candidates("job-0"), "a")
			return v == int64(1)
		}
		n.Intercept(func(dir sim.Direction, _ []string) (m sim.Mishap) {
			if m.Lost = dir == sim.FromRedis && stands(); m.Lost {
				refuse()
			}
			return m
		})
		w.Redis().RefuseClients(nil)
		w.Run(15 * second)
		n.Intercept(nil)
		w.Redis().RefuseClients(nil)
		if !stands() {
			w.Require("Redis knows of it", errors.New("it does not"))
		}
		w.Run(5 * second)
		if stands() {
			w.Require("it has been withdrawn", errors.New("it stands still"))
		}
	})
}
