package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
)

// scriptOptions are the flags of the scripted demonstration.
type scriptOptions struct {
	redis string
	seed  uint64
	nodes int
	speed float64
}

// Bounds of the cast: three can lose one and still hand over.
const (
	minCast = 3
	maxCast = 50
)

func scriptFlags(o *scriptOptions, w io.Writer) *flag.FlagSet {
	f := newFlags("demo", w, usage, "")
	f.StringVar(&o.redis, "redis", "", "`URL` of a real Redis; its keys get a prefix of their own and are removed (default an embedded one)")
	f.Uint64Var(&o.seed, "seed", 1, "seed of ranks and choices")
	f.IntVar(&o.nodes, "nodes", 5, fmt.Sprintf("how many nodes, %d to %d", minCast, maxCast))
	f.Float64Var(&o.speed, "speed", 1, "divides the pauses between the acts; it does not hurry the elections")
	return f
}

func (o *scriptOptions) check(f *flag.FlagSet) error {
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("demo: %q is no flag; %s", f.Arg(0), commands)
	case o.nodes < minCast || o.nodes > maxCast:
		err = fmt.Errorf("demo: --nodes %d: use %d to %d", o.nodes, minCast, maxCast)
	case !(o.speed > 0): // NaN is not
		err = fmt.Errorf("demo: --speed %v: use more than 0; 2 halves the pauses", o.speed)
	default:
		if err = checkURL(o.redis); err != nil {
			err = fmt.Errorf("demo: %w", err)
		}
	}
	if err != nil {
		fmt.Fprintln(f.Output(), err)
	}
	return err
}

// runScript is demo alone. Exit code 1 says that an act did not happen in time.
func runScript(args []string, c *console) int {
	o := &scriptOptions{}
	f := scriptFlags(o, c.err)
	err := parse(f, args)
	if err == nil {
		err = o.check(f)
	}
	if code, stop := parsed(err); stop {
		return code
	}
	ctx, done := c.interruptible()
	defer done()
	if err := perform(ctx, o, c); err != nil {
		fmt.Fprintf(c.err, "demo: %v\n", err)
		return exitFault
	}
	return exitOK
}

// perform plays all acts and prints the summary.
func perform(ctx context.Context, o *scriptOptions, c *console) (err error) {
	server, err := openServer(o.redis)
	if err != nil {
		return err
	}
	if err := server.answers(ctx); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer func() { err = errors.Join(err, server.close()) }()
	s := &stage{
		o: o, options: server.options, prefix: server.prefix,
		system: newSystem(slog.New(slog.DiscardHandler)),
		out:    newTimeline(c.out, c.colour),
		rng:    rand.New(rand.NewPCG(o.seed, 0)), //nolint:gosec // a demonstration
	}
	defer s.out.close()
	defer s.clear()
	s.out.say("hustings: %d nodes in this process elect a leader of %q over %s", o.nodes, election, server.about)
	s.out.say("TTL %v; quarantine off, because this dataset is new and thrown away: else the first leader would wait one TTL", scriptTTL)
	for i, a := range acts {
		if i > 0 && !pause(ctx, s.scaled(actPause)) {
			return context.Cause(ctx)
		}
		s.out.title(a.title)
		if err := s.play(ctx, a.play); err != nil {
			act := fmt.Sprintf("act %d (%s)", i+1, a.title)
			if ctx.Err() != nil {
				return fmt.Errorf("%w in %s", context.Cause(ctx), act)
			}
			return fmt.Errorf("%s did not happen: %w", act, err)
		}
	}
	s.out.flush()
	return s.summary()
}

// How the demonstration is timed.
const (
	election     = "default"
	scriptTTL    = time.Second
	actPause     = 1200 * time.Millisecond
	scenePause   = 400 * time.Millisecond
	actPatience  = 10 * time.Second
	stopPatience = 3 * time.Second
)

// stage is where the acts are played.
type stage struct {
	o       *scriptOptions
	options *redis.UniversalOptions
	prefix  string
	system  *actor.ActorSystem
	out     *timeline
	rng     *rand.Rand
	ranks   []int64 // of those to come
	cast    []*player
	book    book
	figures []figure
}

// player is one node of the cast.
type player struct {
	node *actors.Node
	id   string
	rank int64
	gone bool
}

// figure is a line of the summary.
type figure struct {
	what, note string
	took       time.Duration
}

func (s *stage) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.o.speed)
}

// play gives an act its time.
func (s *stage) play(ctx context.Context, act func(*stage, context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, actPatience, fmt.Errorf("not within %v", actPatience))
	defer cancel()
	return act(s, ctx)
}

// enter starts a node; what it tells is booked and shown.
func (s *stage) enter(ctx context.Context, id string, rank int64) (*player, error) {
	off := false
	node, err := actors.Start(ctx, s.system, actors.Config{
		ID: id, Rank: &rank, TTL: scriptTTL, Quarantine: &off,
		Redis: redisbridge.Config{Options: s.options, Prefix: s.prefix},
	})
	if err != nil {
		return nil, err
	}
	p := &player{node: node, id: id, rank: rank}
	s.out.note(clock.Now(), id, joinText, fmt.Sprintf("joins the fleet with rank %d", rank))
	events := node.Subscribe(context.Background(), actors.SubscribeOptions{Transitions: true, Buffer: eventBuffer})
	s.book.watch(id, events, s.out.show)
	return p, nil
}

// clear stops whoever is left, for a script that broke off.
func (s *stage) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	for _, p := range s.cast {
		if !p.gone {
			_ = p.node.Stop(ctx)
		}
	}
	s.book.wait()
}

// present returns the nodes that are on stage.
func (s *stage) present() []*player {
	var out []*player
	for _, p := range s.cast {
		if !p.gone {
			out = append(out, p)
		}
	}
	return out
}
