package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// Options are what a run is made of.
type Options struct {
	// Seed draws the faults: kinds, times, targets. What the processes make of them
	// is not in its hand.
	Seed uint64
	// For is how long the run lasts in all; the last Quiet of it without faults.
	For, Quiet       time.Duration
	TTL, VoteTimeout time.Duration
	Nodes, Elections int
	Kinds            []Kind
	// Apart makes one fault at a time, each after the fleet has settled for a while: so
	// that figures are of one kind alone.
	Apart      bool
	Quarantine bool
	// Takeover is passed to the nodes unless empty.
	Takeover string
	// Probe is how often the nodes poll Valid.
	Probe time.Duration
	// Command makes the command "demo" with these arguments.
	Command func(args ...string) *exec.Cmd
	// Now reads the clock of mono_ns.
	Now func() int64
	// Progress is called now and then, from one goroutine; it may be nil.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Took, Of time.Duration
	Faults   int
}

// patience bounds what should come at once: only a machine that hangs takes longer.
const patience = 10 * time.Second

// run is a run.
type run struct {
	o         Options
	clock     redisbridge.SystemClock
	ctx       context.Context
	stop      context.CancelCauseFunc
	book      *book
	store     *store
	elections []string
	nodes     []*node
	rng       *rand.Rand // of the one goroutine that plans
	deck      []Kind
	faults    sync.WaitGroup

	mu     sync.Mutex // guards guests, injected and every node's busy
	guests []*node
	count  int
}

// Bounds are what such a run is held to.
func (o *Options) Bounds() Bounds {
	b := Bounds{TTL: o.TTL, VoteTimeout: o.VoteTimeout, Nodes: o.Nodes, Rank: fsm.Rendezvous}
	if o.Takeover == "on-disconnect" {
		b.Overlap = o.TTL // an evicted holder's trust ends within it
	}
	return b
}

// Run makes trouble and returns the log. An error means that the run itself failed: no
// redis-server ([redistest.ErrNoServer]), a fault that could not be made, ctx ended. There
// is a log all the same, up to then, if the fleet was started.
func Run(ctx context.Context, o Options) (*Log, error) {
	if !possible {
		return nil, errors.New("chaos: needs a Unix: processes are stopped by signals")
	}
	store, err := openStore()
	if err != nil {
		return nil, err
	}
	defer store.close()
	r := &run{o: o, store: store, rng: rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15))}
	for i := range o.Elections {
		r.elections = append(r.elections, fmt.Sprintf("e%d", i+1))
	}
	r.book = newBook(r.elections)
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	err = r.play()
	r.stop(err)
	r.faults.Wait()
	r.mark(func(l *Log, now int64) {
		if l.End == 0 { // it was cut short
			l.Begin, l.Calm, l.End = cmp.Or(l.Begin, now), cmp.Or(l.Calm, now), now
		}
	})
	r.end()
	return r.book.close(), err
}

// play is the run: the fleet assembles, storm, quiet.
func (r *run) play() error {
	for i := range r.o.Nodes {
		n, err := r.place(fmt.Sprintf("n%d", i+1))
		if err != nil {
			return err
		}
		r.nodes = append(r.nodes, n)
		if err := n.start(); err != nil {
			return err
		}
	}
	begin := r.clock.Now()
	watch := r.watch(begin)
	defer watch()
	if !r.until(r.o.Bounds().Leader()+patience, r.book.led) {
		return r.failed(errors.New("chaos: the fleet did not elect leaders before the first fault"))
	}
	r.mark(func(l *Log, now int64) { l.Begin = now })
	storm := r.o.For - r.o.Quiet - r.clock.Now().Sub(begin)
	for end := r.clock.Now().Add(storm); len(r.o.Kinds) > 0 && r.clock.Now().Mono < end.Mono && r.ctx.Err() == nil; {
		r.episode()
	}
	r.faults.Wait()
	r.mark(func(l *Log, now int64) { l.Calm = now })
	r.wait(max(r.o.Quiet, begin.Add(r.o.For).Sub(r.clock.Now())))
	r.until(r.o.Bounds().Right()-r.o.Quiet, r.right)
	if err := r.failed(nil); err != nil {
		return err
	}
	r.mark(func(l *Log, now int64) { l.End = now })
	return nil
}

// failed returns why the run failed, if it did.
func (r *run) failed(err error) error {
	if cause := context.Cause(r.ctx); cause != nil {
		return cause
	}
	return err
}

// episode is one fault or some at a time, and mostly the recovery from them.
func (r *run) episode() {
	n := 1
	if r.rng.IntN(10) < 6 {
		n += 1 + r.rng.IntN(3)
	}
	await, pause := r.rng.IntN(100) < 80, r.ttls(0, 0.7)
	if r.o.Apart {
		n, await, pause = 1, true, pause+2*r.o.TTL
	}
	var batch sync.WaitGroup
	for range n {
		p := r.draw()
		r.faults.Add(1)
		batch.Add(1)
		go func() {
			defer r.faults.Done()
			defer batch.Done()
			r.wait(p.offset)
			r.inject(&p)
		}()
	}
	if await {
		batch.Wait()
		r.until(r.o.Bounds().Leader()+r.o.TTL, r.book.led)
	}
	r.wait(pause)
}

// inject does what is planned, if its target is free.
func (r *run) inject(p *plan) {
	if r.ctx.Err() != nil {
		return
	}
	for _, k := range kindTable {
		switch {
		case k.kind != p.kind:
		case k.kind == Join:
			r.injected()
			r.joinNode(p)
		case k.redis != nil:
			r.injectRedis(p, k.redis)
		default:
			n := r.claim(p)
			if n == nil {
				return
			}
			r.injected()
			k.node(r, p, n)
			r.mu.Lock()
			n.busy = false
			r.mu.Unlock()
		}
	}
}

func (r *run) injectRedis(p *plan, do func(*run, *plan, func(string)) error) {
	r.store.busy.Lock()
	defer r.store.busy.Unlock()
	if r.ctx.Err() != nil {
		return
	}
	r.injected()
	var over func()
	err := do(r, p, func(note string) { over = r.begun(p.kind, "", note) })
	if over != nil {
		over()
	}
	r.complain(err)
}

func (r *run) injected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
}

// claim returns the node that a fault is for: the leader, or the drawn one, or the next
// that no other fault has; nil if two only would be left in peace.
func (r *run) claim(p *plan) *node {
	leader := ""
	if p.lead || p.kind == Resign || p.kind == Withdraw {
		leader = r.book.leader(p.election)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	free := 0
	var first *node
	for i := range r.nodes {
		n := r.nodes[(p.node+i)%len(r.nodes)]
		if n.busy {
			continue
		}
		free++
		if first == nil || n.id == leader {
			first = n
		}
	}
	if free < 3 || p.kind == Resign && first.id != leader {
		return nil
	}
	first.busy = true
	return first
}

// place makes room for a node.
func (r *run) place(id string) (*node, error) {
	proxy, err := r.store.proxy()
	return &node{run: r, id: id, proxy: proxy}, err
}

// guest makes room for a node that outranks all others in an election.
func (r *run) guest(election string) (*node, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	best := int64(0)
	for _, n := range r.nodes {
		best = max(best, fsm.Rendezvous(n.id, election))
	}
	id := ""
	for i := 0; id == "" || fsm.Rendezvous(id, election) <= best; i++ {
		id = fmt.Sprintf("guest-%d-%d", len(r.guests)+1, i)
	}
	n, err := r.place(id)
	if err == nil {
		r.guests = append(r.guests, n)
	}
	return n, err
}

// right reports whether the highest rank leads everywhere. Guests have gone by then.
func (r *run) right() bool {
	for _, e := range r.elections {
		top := r.nodes[0].id
		for _, n := range r.nodes {
			if fsm.Rendezvous(n.id, e) > fsm.Rendezvous(top, e) {
				top = n.id
			}
		}
		if r.book.leader(e) != top {
			return false
		}
	}
	return true
}

// wait waits, or less if the run ends.
func (r *run) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	timer := r.clock.AfterFunc(d, func() { close(done) })
	defer timer.Stop()
	select {
	case <-done:
	case <-r.ctx.Done():
	}
}

// until waits until something is so, for so long at most.
func (r *run) until(limit time.Duration, so func() bool) bool {
	end := r.clock.Now().Add(limit)
	for !so() {
		if r.clock.Now().Mono >= end.Mono || r.ctx.Err() != nil {
			return false
		}
		r.wait(5 * time.Millisecond)
	}
	return true
}

func (r *run) mark(f func(l *Log, now int64)) {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	f(&r.book.log, r.o.Now())
}

// complain ends the run: a fault could not be made.
func (r *run) complain(err error) {
	if err != nil && r.ctx.Err() == nil {
		r.stop(err)
	}
}

// end tells all nodes to end, and returns when they have.
func (r *run) end() {
	var all sync.WaitGroup
	r.mu.Lock()
	nodes := append(append([]*node{}, r.nodes...), r.guests...)
	r.mu.Unlock()
	for _, n := range nodes {
		if n.now() != nil {
			all.Go(n.term)
		}
	}
	all.Wait()
}

// watch tells the progress until the returned function is called.
func (r *run) watch(begin fsm.Instant) (stop func()) {
	if r.o.Progress == nil {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
			}
			r.mu.Lock()
			n := r.count
			r.mu.Unlock()
			r.o.Progress(Progress{Took: r.clock.Now().Sub(begin), Of: r.o.For, Faults: n})
			redistest.Sleep(100 * time.Millisecond)
		}
	}()
	return func() { close(quit); <-done }
}
