package main

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"hustings/redisbridge/redistest"
)

// wire is one node's way to Redis. Whatever address the node dials (a server, Sentinels
// and the master that they name, the nodes of a Cluster), it is led there through a proxy
// of its own, so that it can be cut off from all of them at once.
type wire struct {
	tls *tls.Config // nil: plain text

	mu      sync.Mutex                  // guards the rest
	proxies map[string]*redistest.Proxy // by the address behind them
	held    bool
	refused bool
	closed  bool
}

func newWire(secure *tls.Config) *wire {
	return &wire{tls: secure, proxies: map[string]*redistest.Proxy{}}
}

// dial is a Dialer for go-redis. TLS is spoken with the server, through the proxy.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p, err := w.proxy(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	plain, err := d.DialContext(ctx, network, p.Addr)
	if err != nil || w.tls == nil {
		return plain, err
	}
	cfg := w.tls.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(addr)
	}
	secure := tls.Client(plain, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, err
	}
	return secure, nil
}

// proxy returns the one before an address; a new one is as the others are.
func (w *wire) proxy(addr string) (*redistest.Proxy, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.proxies[addr]; p != nil {
		return p, nil
	}
	if w.closed {
		return nil, net.ErrClosed
	}
	p, err := redistest.StartProxy(addr)
	if err != nil {
		return nil, err
	}
	if w.held {
		p.Hold(redistest.ToServer)
		p.Hold(redistest.ToClient)
	}
	if w.refused {
		p.Refuse()
	}
	w.proxies[addr] = p
	return p, nil
}

// each does something to every proxy; mu is held meanwhile.
func (w *wire) each(f func(*redistest.Proxy)) {
	for _, p := range w.proxies {
		f(p)
	}
}

// hold lets nothing through, and tells neither side.
func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
	w.each(func(p *redistest.Proxy) { p.Hold(redistest.ToServer); p.Hold(redistest.ToClient) })
}

// free ends hold: what was held goes on its way.
func (w *wire) free() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	w.each(func(p *redistest.Proxy) { p.Release(redistest.ToServer); p.Release(redistest.ToClient) })
}

// refuse breaks what is open and lets nobody in.
func (w *wire) refuse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = true
	w.each(func(p *redistest.Proxy) { p.Refuse(); p.Reset() })
}

// accept ends refuse.
func (w *wire) accept() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || !w.refused {
		return
	}
	w.refused = false
	w.each(func(p *redistest.Proxy) { _ = p.Accept() })
}

// reset breaks what is open.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each(func(p *redistest.Proxy) { p.Reset() })
}

// close ends it for good.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.each(func(p *redistest.Proxy) { p.Close() })
}
