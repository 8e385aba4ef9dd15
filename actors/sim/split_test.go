package sim_test

import (
	"fmt"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// split is a fleet of five that loses its primary, and two of its nodes, one of them the
// leader, to the other side of a partition.
func split(w *sim.World, minReplicas, stay int) (list []*sim.Node, cut []*sim.Process) {
	w.Redis().SetReplicas(2)
	for i := range 5 {
		n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), MinReplicas: minReplicas})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		list = append(list, n)
	}
	w.Run(w.Rand().Duration(20*time.Second, 30*time.Second))
	requireTrue(w, "the highest leads", inOffice(list[4]), "")
	cut = []*sim.Process{list[4].Process, list[2].Process}
	w.Redis().Split(w.Rand().Duration(0, 2*time.Second), cut...).SetReplicas(stay)
	w.Redis().SetReplicas(1 - min(stay, 1)) // of two, one was promoted or stayed
	return list, cut
}

func inOffice(n *sim.Node) bool {
	h := n.Handle()
	if h == nil {
		return false
	}
	l := h.Leadership("e")
	return l != nil && l.Valid()
}

func TestAPrimaryThatIsCutOffMakesNoSecondLeader(t *testing.T) {
	sim.Test(t, 60, func(w *sim.World) { // the observer looks for two leaders
		list, _ := split(w, 1, 0)
		w.Run(6 * time.Second)
		requireTrue(w, "the cut off do not lead", !inOffice(list[4]) && !inOffice(list[2]), "")
		w.Run(20 * time.Second)
		requireTrue(w, "the highest of the others does", inOffice(list[3]), "")
		requireTrue(w, "the cut off still don't", !inOffice(list[4]) && !inOffice(list[2]), "")
		w.Rejoin()
		w.Run(20 * time.Second)
		requireTrue(w, "the highest is back", inOffice(list[4]), "")
	})
}

// What MinReplicas is for, and what it cannot do: a primary that keeps as many replicas as
// are asked for makes leaders.
func TestAPrimaryThatIsCutOffWithEnoughReplicasMakesASecondLeader(t *testing.T) {
	for name, c := range map[string]struct{ minReplicas, stay int }{"none asked for": {0, 0}, "one of one": {1, 1}} {
		t.Run(name, func(t *testing.T) {
			sim.Test(t, 5, func(w *sim.World) {
				w.Waive(sim.RuleOneLeader)
				list, _ := split(w, c.minReplicas, c.stay)
				w.Redis().SetReplicas(1) // as many as the others ask for
				w.Run(30 * time.Second)
				requireTrue(w, "two lead", inOffice(list[4]) && inOffice(list[3]), "")
			})
		})
	}
}

func TestNobodyLeadsWhileReplicasAreMissing(t *testing.T) {
	sim.Test(t, 40, func(w *sim.World) {
		w.Redis().SetReplicas(2)
		var list []*sim.Node
		for i := range 3 {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), MinReplicas: 2})
			n.Stand(actors.ElectionConfig{Name: "e", Run: true})
			list = append(list, n)
		}
		w.Run(w.Rand().Duration(20*time.Second, 30*time.Second))
		requireTrue(w, "the highest leads", inOffice(list[2]), "")
		w.Redis().SetReplicas(1)
		w.Run(actors.DefaultTTL)
		for range 20 {
			requireTrue(w, "nobody leads", !inOffice(list[0]) && !inOffice(list[1]) && !inOffice(list[2]), "")
			w.Run(time.Second)
		}
		w.Redis().SetReplicas(2)
		w.Run(10 * time.Second)
		requireTrue(w, "the highest leads again", inOffice(list[2]), "")
	})
}

// Heartbeats are acknowledged, and a claim is not: it is given back at once.
func TestAClaimThatNoReplicaHasIsGivenBack(t *testing.T) {
	sim.Test(t, 40, func(w *sim.World) {
		w.Redis().SetReplicas(1)
		n := w.Node("n", actors.Config{MinReplicas: 1})
		n.Stand(actors.ElectionConfig{Name: "e"})
		w.Run(20 * time.Second)
		claims := 0
		n.Intercept(func(dir sim.Direction, names []string) sim.Mishap {
			for _, name := range names {
				if name == "bid" {
					claims++
					w.Redis().SetReplicas(0)
					w.After(100*time.Millisecond, func() { w.Redis().SetReplicas(1) })
				}
			}
			return sim.Mishap{}
		})
		n.Tell("e", &actors.Run{})
		requireTrue(w, "it claims", w.RunUntil(func() bool { return claims > 0 }, time.Second), "")
		w.Run(50 * time.Millisecond)
		requireTrue(w, "it does not lead", !inOffice(n), "")
		id, _ := w.Redis().Do("HGET", "ipc::election:e:leader", "id")
		requireTrue(w, "the record names nobody", id == nil, id)
		n.Intercept(nil)
		requireTrue(w, "it leads later", w.RunUntil(func() bool { return inOffice(n) }, 2*time.Second), "")
	})
}
