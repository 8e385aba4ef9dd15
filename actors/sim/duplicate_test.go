package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
)

// twin is a process that runs a node under an id that another process has. A [sim.Node] is
// named after its process; this one is not.
type twin struct {
	*sim.Process
	handle   *actors.Node
	election *actor.PID
	failed   error
}

func startTwin(w *sim.World, process, id string, rank int64, pid int) *twin {
	return startTwinWith(w, process, actors.Config{ID: id, Rank: &rank, PID: pid}, actors.ElectionConfig{Name: "e", Run: true})
}

func startTwinWith(w *sim.World, process string, cfg actors.Config, e actors.ElectionConfig) *twin {
	d := &twin{Process: w.Process(process)}
	d.Boot(func(p *sim.Process) {
		d.handle, d.failed = nil, nil
		cfg.Host = process
		cfg.Redis.Clock, cfg.Redis.Backend, cfg.Redis.Entropy = p.Clock(), p.Backend(), p.Rand().Uint64
		node := p.Spawn(actors.NodeProps(cfg))
		d.election = p.Spawn(actors.ElectionProps(node, e))
		p.Send(node, &actors.Handle{Done: func(h *actors.Node) { d.handle = h }})
	})
	return d
}

// trusted reports whether it leads by its own clocks.
func (d *twin) trusted() bool {
	if d.handle == nil || !d.Alive() || d.Paused() {
		return false
	}
	l := d.handle.Leadership("e")
	return l != nil && l.Valid()
}

func (d *twin) err() error {
	if d.handle == nil {
		return nil
	}
	return d.handle.Err()
}

// state is what a failed run says of a twin.
func (d *twin) state() string {
	if d.handle == nil {
		return "no handle"
	}
	v, err := d.handle.View("e")
	return fmt.Sprintf("%v, %s, leader %q, %v", d.err(), v.State, v.Leader.ID, err)
}

// neverTwo checks after every event that at most one of the twins is a trusted leader.
func neverTwo(w *sim.World, list ...*twin) {
	w.Every("never two trusted leaders", func() error {
		leaders := []string{}
		for _, d := range list {
			if d.trusted() {
				leaders = append(leaders, d.Process.ID())
			}
		}
		if len(leaders) > 1 {
			return fmt.Errorf("%q", leaders)
		}
		return nil
	})
}

func requireTrue(w *sim.World, rule string, is bool, detail any) {
	if !is {
		w.Require(rule, fmt.Errorf("%v", detail))
	}
}

func TestASecondLiveProcessOfOneIDIsRefusedAndToldWhoTheOtherIs(t *testing.T) {
	sim.Test(t, 20, func(w *sim.World) {
		first := startTwin(w, "web-1", "n", 1, 4711)
		w.Run(20 * time.Second)
		second := startTwin(w, "web-2", "n", 1, 4712)
		neverTwo(w, first, second)
		w.RunUntil(func() bool { return second.err() != nil }, 20*time.Second)
		err := second.err()
		requireTrue(w, "the second is refused", errors.Is(err, actors.ErrDuplicateID), err)
		requireTrue(w, "it is told who the other is", strings.Contains(err.Error(), `process 4711 on host "web-1"`), err)
		w.Run(time.Minute)
		requireTrue(w, "the first leads on", first.trusted() && first.err() == nil, first.err())
	})
}

func TestOfTwoProcessesOfOneIDThatStartTogetherOneLives(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		a, b := startTwin(w, "web-1", "n", 1, 1), startTwin(w, "web-2", "n", 1, 2)
		neverTwo(w, a, b)
		w.Run(time.Minute)
		requireTrue(w, "one leads", a.trusted() != b.trusted(), "")
		loser := a
		if a.trusted() {
			loser = b
		}
		requireTrue(w, "the other is refused", errors.Is(loser.err(), actors.ErrDuplicateID), loser.err())
	})
}

func TestARestartAfterACrashWaitsAtMostOneTTLAndABeat(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		n := startTwin(w, "web-1", "n", 1, 1)
		neverTwo(w, n)
		w.Run(w.Rand().Duration(20*time.Second, 30*time.Second))
		requireTrue(w, "it leads", n.trusted(), n.err())
		n.Restart()
		limit := actors.DefaultTTL + actors.DefaultTTL/3
		requireTrue(w, "it leads again", w.RunUntil(n.trusted, limit), n.err())
	})
}

func TestALateHeartbeatOfTheDeadDoesNotKeepTheNextLifeOut(t *testing.T) {
	// What a process had sent when it was killed is still under way, and renews its
	// session up to ten seconds later. That is not a sign of life.
	sim.Test(t, 50, func(w *sim.World) {
		n := startTwin(w, "web-1", "n", 1, 1)
		neverTwo(w, n)
		w.Run(20 * time.Second)
		w.Hold(n.Process)
		w.Run(w.Rand().Duration(time.Second, 3*time.Second))
		n.Crash()
		w.After(w.Rand().Duration(0, 4*time.Second), func() { w.Release(n.Process) })
		w.After(w.Rand().Duration(0, 4*time.Second), n.Restart)
		requireTrue(w, "it leads again", w.RunUntil(func() bool { return n.Life() > 0 && n.trusted() }, 20*time.Second), n.err())
		w.Run(time.Minute)
		requireTrue(w, "it leads on", n.trusted(), n.err())
	})
}

func TestAPausedProcessWhoseIDWasTakenStepsDownForGood(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		first := startTwin(w, "web-1", "n", 1, 1)
		w.Run(20 * time.Second)
		first.Pause(w.Rand().Duration(20*time.Second, 40*time.Second))
		w.Run(w.Rand().Duration(0, 4*time.Second))
		second := startTwin(w, "web-2", "n", 1, 2)
		neverTwo(w, first, second)
		w.Run(90 * time.Second)
		requireTrue(w, "the second leads", second.trusted() && second.err() == nil, second.err())
		requireTrue(w, "the first has given up", errors.Is(first.err(), actors.ErrDuplicateID), first.err())
	})
}

func TestTwinsUnderFaultsAreNeverTwoLeaders(t *testing.T) {
	sim.Test(t, 60, func(w *sim.World) {
		a, b := startTwin(w, "web-1", "n", 1, 1), startTwin(w, "web-2", "n", 1, 2)
		c := startTwin(w, "web-3", "other", 0, 3)
		neverTwo(w, a, b, c)
		w.Run(10 * time.Second)
		w.Storm(time.Minute, sim.Storm{Hazards: survivable()})
		w.Run(time.Minute)
		w.Run(40 * time.Second)
		requireTrue(w, "somebody leads", a.trusted() || b.trusted() || c.trusted(), []string{a.state(), b.state(), c.state()})
		if a.err() == nil && b.err() == nil {
			w.Require("one of two is refused", errors.New("both live"))
		}
	})
}

// Trust ends when the wall clock says so, and no timer hears of that. A reader that saw the
// end must not be left with a leader in name, whom heartbeats keep in a place that nobody
// else may take.
func TestALeaderWhoseWallClockJumpedIsInOfficeAgainSoon(t *testing.T) {
	sim.Test(t, 20, func(w *sim.World) {
		n := startTwin(w, "web-1", "n", 1, 1)
		neverTwo(w, n) // looks after every event
		w.Run(w.Rand().Duration(20*time.Second, 30*time.Second))
		before := n.handle.Leadership("e").Token()
		n.JumpWall(10 * time.Second)
		requireTrue(w, "it leads again", w.RunUntil(n.trusted, 5*time.Second), n.state())
		requireTrue(w, "in a new term", n.handle.Leadership("e").Token() > before, before)
	})
}
