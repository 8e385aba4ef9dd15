package sim

import (
	"slices"
	"testing"
	"time"
)

// What is added and removed in any order comes out in the order of the world, also when much
// more happens at one instant than is kept apart from the heap.
func TestTheAgendaIsInOrder(t *testing.T) {
	r := NewRand(1)
	for round := range 200 {
		var (
			a   agenda
			all []*event
			now time.Duration
		)
		for seq := range uint64(500) {
			if r.Chance(0.6) {
				e := &event{at: now + time.Duration(r.IntN(1+round%50)), tie: uint64(r.IntN(3)), seq: seq}
				a.add(e)
				all = append(all, e)
				continue
			}
			if len(all) > 0 && r.Chance(0.3) { // cancelled
				i := r.IntN(len(all))
				a.remove(all[i])
				all = slices.Delete(all, i, i+1)
			}
			first := a.next()
			if len(all) == 0 {
				if first != nil {
					t.Fatalf("%+v is left", *first)
				}
				continue
			}
			want := slices.MinFunc(all, func(e, f *event) int {
				if e.before(f) {
					return -1
				}
				return 1
			})
			if first != want {
				t.Fatalf("round %d: %+v comes first, not %+v", round, first, *want)
			}
			if now = first.at; a.take(now-1) != nil || a.take(now) != first {
				t.Fatalf("round %d: it is not due when it is", round)
			}
			all = slices.DeleteFunc(all, func(e *event) bool { return e == first })
		}
	}
}
