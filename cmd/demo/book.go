package main

import (
	"context"
	"sync"

	"hustings/actors"
	"hustings/fsm"
)

// entry is an event, and who told it.
type entry struct {
	who string
	ev  actors.Event
}

// book keeps all events of the demonstration, which is short, so that the acts can wait
// for them and the summary can check them.
type book struct {
	watching sync.WaitGroup

	mu      sync.Mutex // guards the rest
	entries []entry
	ends    map[uint64]fsm.Instant // of the terms that ended in a crash
	more    chan struct{}          // closed and replaced when entries grows
}

// watch books and shows what a node tells, until it stops.
func (b *book) watch(who string, events <-chan actors.Event, show func(who string, ev actors.Event)) {
	b.watching.Go(func() {
		for ev := range events {
			show(who, ev)
			b.add(entry{who, ev})
		}
	})
}

// wait returns when all nodes have stopped and told all.
func (b *book) wait() { b.watching.Wait() }

func (b *book) add(e entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, e)
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
}

// mark returns the present end, from which to await what comes.
func (b *book) mark() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.entries)
}

// await returns the first entry from a mark on that is right, when it comes.
func (b *book) await(ctx context.Context, from int, right func(entry) bool) (entry, error) {
	for {
		b.mu.Lock()
		news := b.entries[from:]
		from = len(b.entries)
		if b.more == nil {
			b.more = make(chan struct{})
		}
		more := b.more
		b.mu.Unlock()
		for _, e := range news {
			if right(e) {
				return e, nil
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return entry{}, context.Cause(ctx)
		}
	}
}

// crashed notes when a term ended whose leader could not say so.
func (b *book) crashed(token uint64, at fsm.Instant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ends == nil {
		b.ends = map[uint64]fsm.Instant{}
	}
	b.ends[token] = at
}

// wonBy matches the victory of one node, or of any if who is "".
func wonBy(who string) func(entry) bool {
	return func(e entry) bool {
		_, ok := e.ev.(*actors.Won)
		return ok && (who == "" || e.who == who)
	}
}

// wonByAnother matches the victory of any node but one.
func wonByAnother(who string) func(entry) bool {
	return func(e entry) bool {
		_, ok := e.ev.(*actors.Won)
		return ok && e.who != who
	}
}

// leftBy matches the news that a node has left.
func leftBy(who string) func(entry) bool {
	return func(e entry) bool {
		l, ok := e.ev.(*actors.PeerLeft)
		return ok && l.Peer.ID == who
	}
}
