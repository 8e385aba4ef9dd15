package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
)

// options of a run.
type options struct {
	addr  string
	quick bool
	only  string
	// contenders are the names of those to measure; none is all.
	contenders []string
	progress   io.Writer
}

// run is a run under way. It belongs to one goroutine.
type run struct {
	options    options
	ctx        context.Context
	client     *redis.Client
	clock      redisbridge.SystemClock
	contenders []contender
	report     report
	unique     int
	ttl        time.Duration // where no TTL runs out
	begun      time.Duration // monotonic
}

const (
	// patience bounds the wait for somebody to get an office.
	patience = time.Minute
	// shortTTL is that of failovers: what is waited for before they begin.
	shortTTL = time.Second
)

// scenario is one of the things that are measured.
type scenario struct {
	name string
	run  func(*run) error
}

var scenarios = []scenario{
	{"first leader", (*run).measureFirst},
	{"handover", (*run).measureHandover},
	{"failover", (*run).measureFailover},
	{"crowded failover", (*run).measureCrowdedFailover},
	{"steady cost", (*run).measureSteady},
	{"many offices", (*run).measureMany},
}

// measure measures. A report that is not nil holds what was measured before an error.
func measure(ctx context.Context, o options) (*report, error) {
	r := &run{options: o, ctx: ctx, client: redis.NewClient(&redis.Options{Addr: o.addr}), ttl: 5 * time.Second}
	defer func() { _ = r.client.Close() }()
	r.begun = r.clock.Now().Mono
	if o.quick {
		r.ttl = shortTTL // its quarantine is what a quick run would wait for
	}
	for _, c := range []contender{&hustingsFleet{}, rueidisLock{}, bsmLock{}, redSync{}} {
		if len(o.contenders) == 0 || slices.Contains(o.contenders, c.name()) {
			r.contenders = append(r.contenders, c)
		}
	}
	if len(r.contenders) == 0 {
		return nil, fmt.Errorf("nobody is called %s", strings.Join(o.contenders, ", "))
	}
	for _, c := range r.contenders {
		defer c.close()
		if err := c.prepare(ctx, r.setup(r.ttl, 1)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name(), err)
		}
	}
	var err error
	if r.report, err = r.about(); err != nil {
		return nil, err
	}
	for i, s := range scenarios {
		if !strings.Contains(s.name, o.only) {
			continue
		}
		r.tell(fmt.Sprintf("%4.0f s: %d of %d, %s", (r.clock.Now().Mono - r.begun).Seconds(), i+1, len(scenarios), s.name))
		if err := s.run(r); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return &r.report, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return &r.report, nil
}

// tell says what is being done.
func (r *run) tell(doing string) {
	if r.options.progress != nil {
		fmt.Fprintln(r.options.progress, doing)
	}
}

// some returns how much of something is measured: less of it in a quick run.
func some[T any](r *run, full, quick T) T {
	if r.options.quick {
		return quick
	}
	return full
}

// name returns a name that nothing had before.
func (r *run) name() string {
	r.unique++
	return fmt.Sprintf("office-%d", r.unique)
}

// names returns so many of them.
func (r *run) names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = r.name()
	}
	return list
}

// wait waits, or until the run is called off.
func (r *run) wait(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

func (r *run) setup(ttl time.Duration, rank int) setup {
	return setup{addr: r.options.addr, ttl: ttl, maxTTL: max(r.ttl, shortTTL), rank: rank}
}

// fleet is some participants of a contender, of the ranks 1, 2, 3 …
type fleet struct {
	r        *run
	c        contender
	ttl      time.Duration
	requests atomic.Int64 // that its members sent
	members  []*member
	gone     sync.WaitGroup // members that vanish
}

// member is one of them.
type member struct {
	participant
	wire *wire
	rank int
}

// fleet opens one.
func (r *run) fleet(c contender, size int, ttl time.Duration) (*fleet, error) {
	f := &fleet{r: r, c: c, ttl: ttl}
	for range size {
		if err := f.join(len(f.members) + 1); err != nil {
			f.stop()
			return nil, fmt.Errorf("%s: %w", c.name(), err)
		}
	}
	return f, nil
}

// join opens one more member.
func (f *fleet) join(rank int) error {
	ctx, cancel := context.WithTimeout(f.r.ctx, patience)
	defer cancel()
	w := &wire{requests: &f.requests}
	p, err := f.c.open(ctx, f.r.setup(f.ttl, rank), w)
	if err != nil {
		return err
	}
	f.members = append(f.members, &member{p, w, rank})
	return nil
}

// stop ends all members.
func (f *fleet) stop() {
	var all sync.WaitGroup
	for _, m := range f.members {
		all.Go(m.leave)
	}
	all.Wait()
	f.gone.Wait()
	f.members = nil
}

// top is the member of the highest rank, and the others.
func (f *fleet) top() (*member, []*member) {
	n := len(f.members) - 1
	return f.members[n], f.members[:n]
}
