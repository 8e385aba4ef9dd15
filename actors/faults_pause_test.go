package actors_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge/redistest"
)

// A leading process is stopped as it stands (SIGSTOP) for longer than its trust lasts, and
// goes on when another leads (SIGCONT). It asks Valid as fast as it can all the time, and
// must not get one yes after it went on; nor one nil from its context's Err. Times are of
// the machine's clock, which both processes read; each is taken before the question.
func TestALeaderThatStoodStillNeverSaysYesWhenItGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("it stops and continues a process")
	}
	t.Parallel()
	rounds, ttl := 5, time.Second
	if n := injections(t); n > 1 {
		rounds, ttl = n, 500*time.Millisecond
	}
	server := redistest.NewServer(t)
	o := newOffice(t, ttl, "ipc")
	o.start(1, func(int) *redis.UniversalOptions { return &redis.UniversalOptions{Addrs: []string{server.Addr}} })
	var log syncBuffer
	c := startChild(t, childConfig{
		Addr: server.Addr, Prefix: "ipc", ID: "child", Rank: 9, TTL: ttl, Election: stormElection, Watch: true,
	}, &log)
	var ends []time.Duration
	for k := 0; k < rounds; {
		eventually(t, "the child leads", func() bool { return c.stat().Valid })
		time.Sleep(ttl / 3 * time.Duration(k*37%100) / 100) // at another place in the beat each time
		c.terms = nil
		if !c.stat().Valid {
			continue
		}
		stopped := time.Now()
		c.stop()
		eventually(t, "the other one leads", func() bool { return o.nodes[0].Leadership(stormElection).Valid() })
		eventually(t, "it has told", func() bool { return o.ref.last().token == o.token() })
		won := o.ref.last().at
		woke := time.Now()
		c.signal(syscall.SIGCONT)
		term := c.termThatEnded(stopped)
		if term.Done.Before(woke) {
			continue // it had lost the office before it was stopped
		}
		k++
		if !term.LastYes.Before(woke) || !term.LastYes.Before(won) || !term.LastAlive.Before(woke) {
			t.Errorf("round %d: it went on at %v, the other had won at %v; it said yes at %v, its context was alive at %v",
				k, woke, won, term.LastYes, term.LastAlive)
		}
		if !term.Asked {
			ends = append(ends, term.Done.Sub(woke))
		}
	}
	t.Logf("%d times; the context, asked nothing, ended p50 %v, p99 %v after SIGCONT was sent", rounds, percentile(ends, 50), percentile(ends, 99))
}

// stop sends SIGSTOP until the system says that the process stands still. (Once in a few
// hundred times on a machine with a load of 50 it ran on.)
func (p *child) stop() {
	p.t.Helper()
	stat := fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid)
	for range 100 {
		p.signal(syscall.SIGSTOP)
		time.Sleep(5 * time.Millisecond)
		text, err := os.ReadFile(stat)
		if err != nil {
			return // a system without /proc
		}
		// "pid (name) state": a name may hold anything.
		if _, state, ok := strings.Cut(string(text), ") "); ok && strings.HasPrefix(state, "T") {
			return
		}
	}
	p.t.Fatal("the child does not stop")
}

func (p *child) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// termThatEnded waits for a term that ended after an instant.
func (p *child) termThatEnded(after time.Time) *childTerm {
	p.t.Helper()
	for _, t := range p.terms {
		if t.Done.After(after) {
			return t
		}
	}
	return p.line(func(l childLine) bool { return l.Term != nil && l.Term.Done.After(after) }).Term
}
