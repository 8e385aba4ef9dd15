package fsm

import (
	"context"
	"errors"
	"sync"

	"github.com/looplab/fsm"
)

// The looplab FSM of an election is 2.4 KB, and looplab's table cannot be shared
// between instances. So an election keeps its state as an enum, and a transition
// borrows an instance: set to the election's state, fired, read back. This file is
// the one place that may call looplab's SetState.
//
// No looplab callback is registered and the context is always the background one:
// a cancelled context wedges a looplab FSM for good.

var pool = sync.Pool{New: func() any { return newInstance(Idle) }}

func newInstance(initial State) *fsm.FSM {
	events := make(fsm.Events, 0, numEvents)
	for _, row := range Table.Events {
		src := make([]string, len(row.From))
		for i, s := range row.From {
			src[i] = s.String()
		}
		events = append(events, fsm.EventDesc{Name: row.Name, Src: src, Dst: row.To.String()})
	}
	return fsm.NewFSM(initial.String(), events, fsm.Callbacks{})
}

// ErrRefused is wrapped by the error for an event that its state does not take.
var ErrRefused = errors.New("fsm: event refused in this state")

// fire takes one transition. The error wraps ErrRefused and says which event and
// which state, in looplab's words.
func fire(from State, ev Event) (State, error) {
	f := pool.Get().(*fsm.FSM)
	defer pool.Put(f)
	f.SetState(from.String())
	if err := f.Event(context.Background(), ev.String()); err != nil {
		return from, errors.Join(ErrRefused, err)
	}
	to, err := parseState(f.Current())
	if err != nil {
		return from, err
	}
	return to, nil
}

func parseState(name string) (State, error) {
	for _, row := range Table.States {
		if row.Name == name {
			return row.State, nil
		}
	}
	return Idle, errors.New("fsm: no such state: " + name)
}
