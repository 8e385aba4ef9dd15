package redisbridge

import (
	"context"
	"net"
	"time"
)

// dialName dials a name at its addresses, one after the other, until one answers. A
// net.Dialer gives each of them two seconds at least, or all the time that there is: with
// the default TTL a name whose first address is that of a dead machine would never be
// reached.
func (l *link) dialName(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if network == "unix" || err != nil || host == "" {
		return (&net.Dialer{}).DialContext(ctx, network, addr) // a Unix socket, or this host
	}
	ips, err := net.DefaultResolver.LookupHost(ctx, host) // an address is its own
	if err != nil {
		return nil, err
	}
	return inTurn(ctx, l.b.cfg.Timeout, ips, func(ctx context.Context, ip string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(ip, port))
	})
}

// mostShares is into how many parts the time for dialling is divided at most.
const mostShares = 4

// inTurn dials addresses until one answers, each for its share of the time, the last one for
// what is left. Its error is that of the first.
func inTurn(ctx context.Context, timeout time.Duration, addrs []string, dial func(context.Context, string) (net.Conn, error)) (net.Conn, error) {
	share := timeout / time.Duration(max(1, min(len(addrs), mostShares)))
	var first error
	for i, addr := range addrs {
		each, cancel := ctx, context.CancelFunc(func() {})
		if i < len(addrs)-1 {
			each, cancel = context.WithTimeout(ctx, share)
		}
		socket, err := dial(each, addr)
		cancel()
		if err == nil {
			return socket, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}
