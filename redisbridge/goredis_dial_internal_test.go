package redisbridge

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var errNobody = errors.New("connection refused")

// addresses says what comes of dialling each address: nil is a machine that is gone, and
// answers nothing.
type addresses map[string]func() (net.Conn, error)

func (a addresses) dial(ctx context.Context, addr string) (net.Conn, error) {
	if answer := a[addr]; answer != nil {
		return answer()
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// A net.Dialer would give the first one all the time, since that is less than two seconds.
func TestANameIsReachedThoughItsFirstAddressesAreDead(t *testing.T) {
	there, far := net.Pipe()
	defer func() { _, _ = there.Close(), far.Close() }()
	net := addresses{
		"alive":   func() (net.Conn, error) { return there, nil },
		"refuses": func() (net.Conn, error) { return nil, errNobody },
	}
	for _, c := range []struct {
		name  string
		addrs []string
		after time.Duration
		err   error
	}{
		{"alone", []string{"alive"}, 0, nil},
		{"alone and dead", []string{"dead"}, DefaultTimeout, context.DeadlineExceeded},
		{"behind one that refuses", []string{"refuses", "alive"}, 0, nil},
		{"behind a dead one", []string{"dead", "alive"}, DefaultTimeout / 2, nil},
		{"behind two dead ones", []string{"dead", "dead", "alive"}, DefaultTimeout / 3 * 2, nil},
		{"behind three of many", []string{"dead", "dead", "dead", "alive", "dead", "dead"}, DefaultTimeout / 4 * 3, nil},
		{"all refuse", []string{"refuses", "refuses"}, 0, errNobody},
		{"all are dead", slices.Repeat([]string{"dead"}, 9), DefaultTimeout, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), DefaultTimeout)
				defer cancel()
				at := time.Now()
				got, err := inTurn(ctx, DefaultTimeout, c.addrs, net.dial)
				if took := time.Since(at); took != c.after {
					t.Errorf("it took %v, want %v", took, c.after)
				}
				if !errors.Is(err, c.err) || (got == there) != (c.err == nil) {
					t.Errorf("got %v %v, want %v", got, err, c.err)
				}
			})
		})
	}
}
