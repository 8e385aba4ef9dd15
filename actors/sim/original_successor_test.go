package sim_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// started is an original that stands in "e" from now on, as its application asks for; its next
// lives stand in nothing before they are told to.
func (f *mixedFleet) started(id string, pid int64) *sim.Original {
	o := f.w.Original(id, pid, sim.OriginalConfig{})
	o.Online(func() { o.Run("e") })
	f.old = append(f.old, o)
	return o
}

// drains is one of ours whose work takes its time to return.
func (f *mixedFleet) drains(id string, rank int64, work time.Duration) *sim.Node {
	n := f.w.Node(id, actors.Config{Rank: &rank})
	n.Stand(actors.ElectionConfig{Name: "e", Run: true, Drains: true})
	n.Watch(func(ev actors.Event) {
		if e, ok := ev.(*actors.Ending); ok {
			n.Process.Clock().AfterFunc(work, func() { n.Tell("e", &actors.Drained{Token: e.Token}) })
		}
	})
	f.ours = append(f.ours, n)
	return n
}

// alive fails the world if a process of an original has died by what was sent to it.
func (f *mixedFleet) alive() {
	for _, o := range f.old {
		if o.Count("died") > 0 {
			f.w.Require("nobody kills an original", fmt.Errorf("%s: %s", o.ID(), told(o)))
		}
	}
}

// An ack is owed to an original that voted while we led. The process that is started under
// its id has not voted, and an ack that it did not ask for ends it.
func TestAnOwedAckIsNotSentToTheSuccessorOfWhoeverVoted(t *testing.T) {
	for name, work := range map[string]time.Duration{"when the office is released": 5 * time.Second, "after its patience": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			onMixed(t, 20, func(f *mixedFleet) {
				f.drains("ours", 20, work)
				f.w.Run(20 * time.Second)
				f.require("ours")
				old := f.started("old", 30)
				f.w.Run(f.w.Rand().Duration(100*time.Millisecond, 4*time.Second))
				old.Renumber(40)
				old.Restart()
				f.w.Run(10 * time.Millisecond)
				old.Online(nil)
				f.w.Run(time.Minute)
				f.alive()
				old.Run("e")
				f.soon("old", time.Minute)
			})
		})
	}
}

// It is paid to the one that voted, whatever happens to others.
func TestAnOwedAckIsSentToWhoeverVoted(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.drains("ours", 20, 5*time.Second)
		f.w.Run(20 * time.Second)
		f.started("old", 30)
		f.soon("old", 12*time.Second)
	})
}

// The kick that is repeated is for the process that voted. The one after it may outrank us.
func TestAKickIsNotRepeatedToTheSuccessorOfWhoeverVoted(t *testing.T) {
	onMixed(t, 20, func(f *mixedFleet) {
		f.our("ours", 20)
		f.w.Run(20 * time.Second)
		f.require("ours")
		old := f.original("old", 10)
		f.w.Run(f.w.Rand().Duration(100*time.Millisecond, 1500*time.Millisecond))
		if told(old) != "lost" {
			f.w.Require("it is kicked", errors.New(told(old)))
		}
		old.Renumber(30)
		old.Restart()
		f.soon("old", 13*time.Second)
		f.w.Run(3 * time.Minute)
		f.require("old")
	})
}

// Nobody leads for as long as we take a dead one for the leader.
func TestWhoDrainedForAnOriginalThatDiedMeanwhileStandsAgainAtOnce(t *testing.T) {
	for name, work := range map[string]time.Duration{"told before": 9 * time.Second, "told after": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			onMixed(t, 20, func(f *mixedFleet) {
				f.drains("ours", 20, work)
				f.w.Run(20 * time.Second)
				old := f.original("old", 30)
				f.w.Run(time.Second)
				old.Crash()
				f.w.Run(work)
				f.soon("ours", 8*time.Second)
			})
		})
	}
}
