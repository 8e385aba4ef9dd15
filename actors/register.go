package actors

import (
	"hash/maphash"
	"sync/atomic"
)

// register finds a node's elections by name. The node's actor is the one writer; anybody
// may read at any time, without waiting. It is an open hash table in an array that is at
// most three quarters full and is copied to grow, since with 100,000 elections a sync.Map
// beside a map of the node's own was a tenth of all memory.
//
// What a reader may use of an entry is its name, pid and cell, which never change.
type register struct {
	seed  maphash.Seed
	slots atomic.Pointer[[]atomic.Pointer[entry]] // their number is a power of two
	turns atomic.Uint64                           // see Node.Turns
	used  int                                     // slots that are or were taken; the writer's
	live  int                                     // of these, taken; the writer's
}

// removed is in a slot that was taken: a search goes on behind it.
var removed = &entry{}

// minSlots is where a register begins.
const minSlots = 8

func newRegister() *register {
	r := &register{seed: maphash.MakeSeed()}
	r.clear()
	return r
}

// find returns the entry of a name, nil if there is none.
func (r *register) find(name string) *entry {
	slots := *r.slots.Load()
	for i := r.first(name, len(slots)); ; i = (i + 1) & (len(slots) - 1) {
		switch e := slots[i].Load(); {
		case e == nil:
			return nil
		case e != removed && e.name == name:
			return e
		}
	}
}

// first is where the search for a name begins.
func (r *register) first(name string, slots int) int {
	return int(maphash.String(r.seed, name) & uint64(slots-1)) //nolint:gosec // below slots
}

// put enters e, in place of an entry of the same name.
func (r *register) put(e *entry) {
	slots := *r.slots.Load()
	if 4*(r.used+1) > 3*len(slots) {
		slots = r.grow(slots)
	}
	for i := r.first(e.name, len(slots)); ; i = (i + 1) & (len(slots) - 1) {
		switch old := slots[i].Load(); {
		case old == nil:
			r.used++
			r.live++
			slots[i].Store(e)
			r.turns.Add(1)
			return
		case old != removed && old.name == e.name:
			slots[i].Store(e)
			r.turns.Add(1)
			return
		}
	}
}

// grow copies what is there into an array that has room for as much again.
func (r *register) grow(old []atomic.Pointer[entry]) []atomic.Pointer[entry] {
	n := minSlots
	for n < 2*(r.live+1) {
		n *= 2
	}
	slots := make([]atomic.Pointer[entry], n)
	for k := range old {
		e := old[k].Load()
		if e == nil || e == removed {
			continue
		}
		i := r.first(e.name, n)
		for slots[i].Load() != nil {
			i = (i + 1) & (n - 1)
		}
		slots[i].Store(e)
	}
	r.used = r.live
	r.slots.Store(&slots)
	return slots
}

// remove takes the entry of a name out.
func (r *register) remove(name string) {
	slots := *r.slots.Load()
	for i := r.first(name, len(slots)); ; i = (i + 1) & (len(slots) - 1) {
		switch e := slots[i].Load(); {
		case e == nil:
			return
		case e != removed && e.name == name:
			slots[i].Store(removed)
			r.turns.Add(1)
			r.live--
			return
		}
	}
}

// clear takes all out.
func (r *register) clear() {
	slots := make([]atomic.Pointer[entry], minSlots)
	r.used, r.live = 0, 0
	r.slots.Store(&slots)
	r.turns.Add(1)
}

// each calls f for every entry, in no order. What is entered meanwhile may be left out.
func (r *register) each(f func(*entry)) {
	slots := *r.slots.Load()
	for i := range slots {
		if e := slots[i].Load(); e != nil && e != removed {
			f(e)
		}
	}
}
