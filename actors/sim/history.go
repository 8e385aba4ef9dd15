package sim

import (
	"sort"
	"time"
)

// A replica that lags is the primary's data with its last writes undone. So that
// a failover can go back any time, each write leaves behind how to undo it.

// undoOp says what a change was; undoing does the opposite.
type undoOp uint8

const (
	wholeKey  undoOp = iota // the key had the value old, or was not there
	added                   // the member name was added to a set
	removed                 // the member name was removed from a set
	fieldSet                // the field name had text, or was not there
	scoreSet                // the member name had score, or was not there
	expirySet               // the key expired at the time in score
	textSet                 // the key had the string text, which expired at the time in score
)

// change is one write, to undo it by.
type change struct {
	at    time.Duration
	key   string
	old   *value
	name  string
	text  string
	score float64
	op    undoOp
	was   bool // the field or member was there
}

// remember keeps a change for as long as the history goes back.
func (s *store) remember(c change) {
	if s.history <= 0 {
		return
	}
	c.at = s.world()
	// Forget in large steps, so that the copying costs nothing a write, and before there
	// is more of it: most worlds write little in the time that the history goes back.
	if n := len(s.undo); n >= 64 && n == cap(s.undo) {
		cut := sort.Search(n, func(i int) bool { return s.undo[i].at >= c.at-s.history })
		if cut > n/2 {
			m := copy(s.undo, s.undo[cut:])
			clear(s.undo[m:])
			s.undo = s.undo[:m]
		}
	}
	s.undo = append(s.undo, c)
}

// rollback takes back what was written in the last lag of time.
func (s *store) rollback(lag time.Duration) {
	since := s.world() - lag
	n := len(s.undo)
	for ; n > 0 && s.undo[n-1].at > since; n-- {
		s.revert(s.undo[n-1])
	}
	clear(s.undo)
	s.undo = s.undo[:0] // a second failover does not go behind the first
}

func (s *store) revert(c change) {
	v, _ := s.keys.get(c.key)
	switch c.op {
	case wholeKey:
		if c.old == nil {
			s.keys.remove(c.key)
		} else {
			s.keys.set(c.key, c.old)
		}
	case added:
		v.set, _ = erase(v.set, c.name)
	case removed:
		v.set, _ = insert(v.set, c.name)
	case fieldSet:
		if c.was {
			v.hset(c.name, c.text)
		} else {
			v.hdel(c.name)
		}
	case scoreSet:
		if c.was {
			v.zset.add(c.name, c.score)
		} else {
			v.zset.remove(c.name)
		}
	case expirySet:
		v.expire = int64(c.score)
	case textSet:
		v.setText(c.text)
		v.expire = int64(c.score)
	}
}
