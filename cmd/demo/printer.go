package main

import (
	"fmt"
	"io"
	"sort"
	"sync"
	"time"
)

// maxLines is how many lines may wait for a reader that does not read. Further ones are
// dropped and counted, and an error line says how many: whoever prints is never blocked.
const maxLines = 1 << 14

// settle is how long the writer waits for what happened at the same time and is told by
// another goroutine: lines come in the order of their instants, as far as that serves.
const settle = 2 * time.Millisecond

// printer writes lines, whole, on a goroutine of its own.
type printer struct {
	id     string
	out    io.Writer
	format func(l *line, id string) []byte
	failed chan struct{} // closed when a write failed: nobody reads any more
	err    error         // why, when failed is closed
	done   chan struct{} // closed when the writer has ended
	wake   chan struct{}

	mu     sync.Mutex // guards the rest
	queue  []*line
	lost   int
	closed bool
}

func newPrinter(out io.Writer, id string, format func(*line, string) []byte) *printer {
	p := &printer{
		id: id, out: out, format: format,
		failed: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	go p.write()
	return p
}

// print queues a line. It never blocks; after close it does nothing.
func (p *printer) print(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return
	case len(p.queue) >= maxLines:
		p.lost++
		return
	case p.lost > 0:
		p.queue = append(p.queue, newLine("error", l.at, "error",
			fmt.Sprintf("%d lines were lost: stdout was not read for too long", p.lost)))
		p.lost = 0
	}
	p.queue = append(p.queue, l)
	p.nudge()
}

func (p *printer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// write is the writer's goroutine.
func (p *printer) write() {
	defer close(p.done)
	for range p.wake {
		time.Sleep(settle)
		for {
			p.mu.Lock()
			batch, closed := p.queue, p.closed
			p.queue = nil
			p.mu.Unlock()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			sort.SliceStable(batch, func(i, j int) bool { return batch[i].at.Mono < batch[j].at.Mono })
			var text []byte
			for _, l := range batch {
				text = append(text, p.format(l, p.id)...)
			}
			if _, err := p.out.Write(text); err != nil {
				p.err = err
				close(p.failed)
				return
			}
		}
	}
}

// close writes what waits, for so long at most. A second call does nothing more.
func (p *printer) close(patience time.Duration) {
	p.mu.Lock()
	p.closed = true
	p.nudge()
	p.mu.Unlock()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
	}
}
