package main

import (
	"context"
	"sync"
)

// maxPending is how many commands may be under way; a further one waits, and with it the
// reading of stdin.
const maxPending = 256

// lanes runs commands side by side where their order does not matter: those of one lane
// run one after the other, those of different lanes at once, so that an election which
// drains holds up no other. A command of the lane "" comes after everything before it
// and before everything after it.
type lanes struct {
	room chan struct{}
	all  sync.WaitGroup

	// inputs are the lines of stdin, in order.
	inputs chan input

	// Of the one goroutine that calls do.
	last    map[string]chan struct{}
	barrier chan struct{}
}

func newLanes() *lanes {
	return &lanes{room: make(chan struct{}, maxPending), inputs: make(chan input, maxPending), last: map[string]chan struct{}{}}
}

// do runs op when its turn comes. It blocks while too many are under way; it gives up when
// ctx ends. One goroutine calls it.
func (l *lanes) do(ctx context.Context, lane string, op func()) bool {
	select {
	case l.room <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	before := []chan struct{}{l.barrier, l.last[lane]}
	done := make(chan struct{})
	if lane == "" {
		for _, d := range l.last {
			before = append(before, d)
		}
		clear(l.last)
		l.barrier = done
	} else {
		l.last[lane] = done
	}
	l.all.Go(func() {
		defer func() { close(done); <-l.room }()
		for _, d := range before {
			if d != nil {
				<-d
			}
		}
		op()
	})
	return true
}

// wait returns when all that was begun is done. Nothing may be begun meanwhile.
func (l *lanes) wait() { l.all.Wait() }
