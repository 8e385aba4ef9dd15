package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// wire is what a participant dials through. It counts requests, and can be cut.
type wire struct {
	requests *atomic.Int64 // that left on it; several wires may share a count

	mu      sync.Mutex // guards the rest
	sockets []net.Conn
	severed bool
}

var errSevered = errors.New("the wire was cut")

// dial opens a socket.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	severed := w.severed
	w.mu.Unlock()
	if severed {
		return nil, errSevered
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.severed {
		_ = c.Close()
		return nil, errSevered
	}
	w.sockets = append(w.sockets, c)
	return &socket{TCPConn: c.(*net.TCPConn), w: w}, nil
}

// cut closes all sockets and lets none be opened, as the kernel does for a process that was
// killed.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.severed = true
	for _, c := range w.sockets {
		_ = c.Close()
	}
	w.sockets = nil
}

// socket counts the requests that are written to it. It is a TCPConn still, which clients
// look into for a sign of life.
type socket struct {
	*net.TCPConn
	w       *wire
	mu      sync.Mutex // guards counter
	counter counter
}

// Write implements net.Conn.
func (s *socket) Write(b []byte) (int, error) {
	n, err := s.TCPConn.Write(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w.requests.Add(s.counter.read(b[:n]))
	return n, err
}

// counter counts requests in what a client writes: arrays of bulk strings, in pieces of
// any size.
type counter struct {
	number int  // read so far, of a header's line
	header byte // whose line is read: '*', '$', or 0 for none
	skip   int  // bytes of a bulk string, and its end, that are to come
	left   int  // bulk strings of the request that are to come
}

// read returns how many requests end in b.
func (c *counter) read(b []byte) (requests int64) {
	for len(b) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(b))
			c.skip -= n
			b = b[n:]
			if c.skip == 0 && c.left == 0 {
				requests++
			}
			continue
		}
		switch at := b[0]; at {
		case '*', '$':
			c.header, c.number = at, 0
		case '\n':
			if c.header == '*' {
				c.left = c.number
			} else {
				c.skip, c.left = c.number+2, c.left-1
			}
		case '\r':
		default:
			c.number = 10*c.number + int(at-'0')
		}
		b = b[1:]
	}
	return requests
}
