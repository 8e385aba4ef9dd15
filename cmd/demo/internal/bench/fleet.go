package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// name returns a name that no other part of the run, and no other run, has.
func (r *run) name(what string) string {
	r.unique++
	return fmt.Sprintf("%s-%x-%d", what, int64(r.clock.Now().Wall), r.unique)
}

// names returns so many names of elections.
func (r *run) names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = r.name("e")
	}
	return list
}

// prefix returns that of a fleet with a TTL, whose dataset is known: the quarantine of a
// new one is over. Sections that use the same TTL share it.
func (r *run) prefix(ttl time.Duration) (string, error) {
	if p, ok := r.fleets[ttl]; ok {
		return p, nil
	}
	p := "{" + r.name("bench") + "}"
	f := &fleet{r: r, ttl: ttl, prefix: p}
	defer f.stop()
	n, err := f.start(1)
	if err == nil {
		err = n.Lead(r.ctx, "first", func(context.Context, *actors.Leadership) error { return nil })
	}
	if err != nil {
		return "", fmt.Errorf("waiting for the quarantine of a new dataset: %w", err)
	}
	r.fleets[ttl] = p
	return p, nil
}

// fleet is some nodes of this process. Its nodes have the ranks 1, 2, 3 …
type fleet struct {
	r      *run
	ttl    time.Duration
	like   actors.ElectionConfig // the elections' policy
	prefix string
	nodes  []*node
	events sync.WaitGroup
	won    chan win // of all nodes

	followed time.Duration // how long leadAll took, once the highest led, until all followed
}

// node is one of them.
type node struct {
	*actors.Node
	rank  int
	mine  *mortal
	ended bool
}

// win is a Won.
type win struct {
	node     *node
	election string
	at       time.Duration // monotonic, when its subscriber heard of it
}

// fleet starts nodes of a TTL.
func (r *run) fleet(nodes int, ttl time.Duration) (*fleet, error) {
	return r.fleetLike(nodes, ttl, actors.ElectionConfig{})
}

// fleetLike starts nodes whose elections have a policy.
func (r *run) fleetLike(nodes int, ttl time.Duration, like actors.ElectionConfig) (*fleet, error) {
	prefix, err := r.prefix(ttl)
	if err != nil {
		return nil, err
	}
	f := &fleet{r: r, ttl: ttl, like: like, prefix: prefix, won: make(chan win, 1<<18)}
	for range nodes {
		if _, err := f.start(len(f.nodes) + 1); err != nil {
			f.stop()
			return nil, err
		}
	}
	return f, nil
}

// start starts one more node.
func (f *fleet) start(rank int) (*node, error) {
	ctx, cancel := context.WithTimeout(f.r.ctx, 4*f.ttl+30*time.Second)
	defer cancel()
	backend, err := redisbridge.NewBackend(redisbridge.BackendConfig{
		Redis: *f.r.Redis, Keys: redisbridge.Keys(f.prefix), Timeout: f.ttl / 3,
	})
	if err != nil {
		return nil, err
	}
	n := &node{rank: rank, mine: &mortal{Backend: backend}}
	n.Node, err = actors.Start(ctx, f.r.system, actors.Config{
		ID: f.r.name("n"), Rank: new(int64(rank)), TTL: f.ttl, Elections: f.like,
		Redis: redisbridge.Config{Prefix: f.prefix, Backend: n.mine},
	})
	if err != nil {
		backend.Close()
		return nil, err
	}
	f.nodes = append(f.nodes, n)
	if f.won != nil {
		f.listen(n)
	}
	return n, nil
}

// listen passes the node's wins on.
func (f *fleet) listen(n *node) {
	events := n.Subscribe(context.Background(), actors.SubscribeOptions{Buffer: 1 << 17})
	f.events.Go(func() {
		for ev := range events {
			if w, ok := ev.(*actors.Won); ok {
				f.won <- win{n, w.Election, f.r.clock.Now().Mono}
			}
		}
	})
}

// stop stops all nodes that still run.
func (f *fleet) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, n := range f.nodes {
		all.Go(func() {
			if !n.ended {
				_ = n.Stop(ctx)
			}
			n.mine.Backend.Close()
		})
	}
	all.Wait()
	f.events.Wait()
}

// kill ends a node as SIGKILL does, and returns when its session will end in Redis, to
// the millisecond. A machine that is too busy for the TTL may have let it end already.
func (f *fleet) kill(n *node) (end time.Duration, err error) {
	n.ended = true
	n.mine.die()
	key := redisbridge.Keys(f.prefix).Session(n.ID())
	left, err := f.r.client.PTTL(f.r.ctx, key).Result()
	end = f.r.clock.Now().Mono + left
	f.r.system.Root.Stop(n.PID())
	if err == nil && left <= 0 {
		err = errLapsed
	}
	return end, err
}

// errLapsed: a node had no session when it was killed.
var errLapsed = errors.New("the killed node had no session: this machine is too busy for the TTL")

// run has some nodes stand in elections.
func (f *fleet) run(nodes []*node, elections []string) error {
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for _, n := range nodes {
		all.Go(func() {
			if err := n.Run(f.r.ctx, elections...); err != nil {
				failed.Store(&err)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// patience bounds a wait for a Won.
const patience = 3 * time.Minute

// next returns the next win in an election, "" for any.
func (f *fleet) next(election string) (win, error) {
	late := make(chan struct{})
	defer f.r.clock.AfterFunc(f.ttl+patience, func() { close(late) }).Stop()
	for {
		select {
		case w := <-f.won:
			if election == "" || w.election == election {
				return w, nil
			}
		case <-late:
			return win{}, fmt.Errorf("nobody was elected in %v", f.ttl+patience)
		case <-f.r.ctx.Done():
			return win{}, context.Cause(f.r.ctx)
		}
	}
}

// after returns the next win of another node than the one that was killed, whose last wins
// may wait to be read.
func (f *fleet) after(dead *node, election string) (win, error) {
	for {
		w, err := f.next(election)
		if err != nil || w.node != dead {
			return w, err
		}
	}
}

// settle waits until a node leads an election, and all others know it.
func (f *fleet) settle(election string, leader *node) error {
	for end := f.r.clock.Now().Mono + patience; f.r.clock.Now().Mono < end; {
		known := 0
		for _, n := range f.nodes {
			if l, err := n.Leader(election); n.ended || err == nil && l.ID == leader.ID() {
				known++
			}
		}
		if known == len(f.nodes) {
			return nil
		}
		if err := f.r.wait(5 * time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the fleet does not agree on the leader")
}

// mortal is a backend that can be cut off.
type mortal struct {
	redisbridge.Backend
	dead atomic.Bool
}

func (m *mortal) die() {
	m.dead.Store(true)
	m.Backend.Close()
}

// Connect implements redisbridge.Backend.
func (m *mortal) Connect(done func(redisbridge.Conn, error)) {
	if !m.dead.Load() {
		m.Backend.Connect(done)
	}
}

// Close implements redisbridge.Backend: the fleet closes it.
func (m *mortal) Close() {}
