package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// nodes makes a fleet that stands in one election, the highest rank last.
func nodes(w *sim.World, count int) []*sim.Node {
	list := make([]*sim.Node, count)
	for i := range list {
		n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i))})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		list[i] = n
	}
	return list
}

// leader returns who all agree on, or an error.
func leader(list []*sim.Node) (string, error) {
	var all error
	id := ""
	for _, n := range list {
		if n.Handle() == nil {
			return "", fmt.Errorf("%s has no handle", n.ID())
		}
		l, err := n.Handle().Leader("e")
		all = errors.Join(all, err)
		if id == "" {
			id = l.ID
		}
		if l.ID != id {
			all = errors.Join(all, fmt.Errorf("%s says %q, another %q", n.ID(), l.ID, id))
		}
	}
	return id, all
}

func TestNodesElectTheHighest(t *testing.T) {
	sim.Test(t, 20, func(w *sim.World) {
		list := nodes(w, 3)
		w.Run(20 * time.Second)
		id, err := leader(list)
		w.Require("agreement", err)
		if id != "n2" {
			w.Require("the highest leads", fmt.Errorf("%q leads", id))
		}
		list[2].Crash()
		w.Run(20 * time.Second)
		id, err = leader(list[:2])
		w.Require("agreement", err)
		if id != "n1" {
			w.Require("the next leads", fmt.Errorf("%q leads", id))
		}
		list[2].Restart()
		w.Run(20 * time.Second)
		id, err = leader(list)
		w.Require("agreement", err)
		if id != "n2" {
			w.Require("the highest leads again", fmt.Errorf("%q leads", id))
		}
	})
}

// One operation is a world: five nodes, a minute, a storm over two thirds of it.
func BenchmarkNodesInAStorm(b *testing.B) {
	events := uint64(0)
	b.ReportAllocs()
	for seed := range uint64(b.N) {
		w := sim.New(b, seed)
		nodes(w, 5)
		w.Storm(40*time.Second, sim.Storm{})
		w.Run(time.Minute)
		events += w.Events()
		w.Close()
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}

// survivable are the hazards after which every node works again. A node that is
// refused SUBSCRIBE when it starts gives up for good.
func survivable() []sim.Hazard {
	return slices.DeleteFunc(sim.Hazards(), func(h sim.Hazard) bool { return h == sim.NoSubscribe })
}

// Real nodes through storms: every seed ends with a leader on whom all agree.
func TestNodesInStorms(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		list := nodes(w, 3)
		w.Run(10 * time.Second)
		hazards := w.Storm(time.Minute, sim.Storm{Hazards: survivable()})
		w.Run(time.Minute)
		agreed := w.RunUntil(func() bool {
			_, err := leader(list)
			return err == nil
		}, time.Minute)
		if !agreed {
			_, err := leader(list)
			w.Require("agreement", fmt.Errorf("after %q: %w", hazards, err))
		}
	})
}
