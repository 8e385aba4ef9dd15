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

// books are the elections of one node, which come and go.
type books struct {
	w      *sim.World
	n      *sim.Node
	opened int
	tokens map[string]uint64 // of the terms of those that stand
	names  []string          // of these, in order
}

func newBooks(w *sim.World, elections int) *books {
	b := &books{w: w, tokens: map[string]uint64{}}
	b.n = w.Node("a", actors.Config{TTL: second, Quarantine: new(false)})
	for range elections {
		b.open()
	}
	w.Run(second)
	for _, e := range b.names {
		b.tokens[e] = b.n.Handle().Leadership(e).Token()
	}
	return b
}

// open has one more stand.
func (b *books) open() {
	e := fmt.Sprintf("e%03d", b.opened)
	b.opened++
	b.names = append(b.names, e)
	b.n.Stand(actors.ElectionConfig{Name: e, Run: true})
}

// stop ends the actor of one.
func (b *books) stop(e string) {
	i := slices.Index(b.names, e)
	b.names = slices.Delete(b.names, i, i+1)
	delete(b.tokens, e)
	b.n.System().Root.Stop(b.n.Election(e))
}

// lasting requires that the others are in office still.
func (b *books) lasting() {
	for _, e := range b.names {
		l := b.n.Handle().Leadership(e)
		if token, known := b.tokens[e]; !l.Valid() || known && token != l.Token() {
			b.w.Require("the others stay in office", fmt.Errorf("%s: %v, token %d, was %d", e, l.Valid(), l.Token(), token))
		}
		b.tokens[e] = l.Token()
	}
}

// called requires that all others are registered again where a key was deleted: their turn comes.
func (b *books) called() {
	for _, e := range b.names {
		if _, err := b.w.Redis().Do("DEL", keys.Candidates(e)); err != nil {
			b.w.Require("DEL", err)
		}
	}
	b.w.Run(healsWithin)
	for _, e := range b.names {
		if is, err := b.w.Redis().Do("SISMEMBER", keys.Candidates(e), "a"); err != nil || is != int64(1) {
			b.w.Require("all are called", fmt.Errorf("%s: %v, %w", e, is, err))
		}
	}
}

// Elections that are stopped after a roll call leave the others where they are.
func TestElectionsThatComeAndGoLeaveTheOthersAsTheyAre(t *testing.T) {
	sim.Test(t, seedsPerCase, func(w *sim.World) {
		r := w.Rand()
		b := newBooks(w, 1+r.IntN(8))
		for range 40 {
			w.Run(r.Duration(0, 4*second))
			if r.Chance(0.5) && len(b.names) > 1 {
				b.stop(b.names[r.IntN(len(b.names))])
			} else {
				b.open()
			}
			w.Run(second)
			b.lasting()
		}
		b.called()
	})
}

// Redis refuses a roll call, and most elections are stopped while it is under way: those that
// stay are called all the same.
func TestARollCallMayBeRefusedWhileElectionsAreStopped(t *testing.T) {
	sim.Test(t, 3, func(w *sim.World) {
		b := newBooks(w, 600)
		if _, err := w.Redis().Do("SET", keys.Ranks("e300"), "rubbish"); err != nil {
			w.Require("SET", err)
		}
		calls := 0
		b.n.Intercept(func(dir sim.Direction, commands []string) (m sim.Mishap) {
			if !slices.Contains(commands, "canvass") || dir != sim.FromRedis {
				return m
			}
			if calls++; calls == 2 { // with that one
				m.Late = 50 * time.Millisecond
				for _, e := range slices.Clone(b.names[5:]) {
					b.stop(e)
				}
			}
			return m
		})
		if !w.RunUntil(func() bool { return calls == 2 }, 20*second) {
			w.Require("two roll calls", errors.New("there were not"))
		}
		w.Run(second)
		b.stop("e004")
		w.Run(second)
		b.lasting()
		b.called()
	})
}
