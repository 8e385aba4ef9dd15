package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/fsm"
	"hustings/redisbridge"
)

// Example runs the program of README.md on an embedded Redis until it leads.
func Example() {
	cfg, closeRedis := embedded()
	defer closeRedis()
	ctx, cancel := context.WithCancel(context.Background())
	working = cancel // the example has seen enough when the work begins

	err := lead(ctx, cfg)
	fmt.Println("stopped:", errors.Is(err, context.Canceled))
	// Output:
	// leading "billing"
	// stopped: true
}

// lead is the function of that name in README.md, word for word.
func lead(ctx context.Context, cfg actors.Config) error {
	node, err := actors.Start(ctx, actor.NewActorSystem(), cfg)
	if err != nil {
		return err
	}
	defer func() {
		bye, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = node.Stop(bye)
	}()
	return node.Lead(ctx, "billing", func(ctx context.Context, l *actors.Leadership) error {
		fmt.Printf("leading %q\n", l.Election()) // l.Token() goes with every write
		working()
		<-ctx.Done() // leadership is over, or the program is to end
		return nil
	})
}

// working stands for the work in README.md.
var working = func() {}

// A program that has an actor system of its own spawns a node and elections where it
// likes, and gets events as messages.
func Example_actors() {
	cfg, closeRedis := embedded()
	defer closeRedis()
	system := quietSystem()
	over := make(chan struct{})
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &worker{cfg: cfg, over: over}
	}))
	<-over
	_ = system.Root.StopFuture(pid).Wait()
	// Output:
	// leader of "billing"
	// not leader: the node stopped
	// stopped: <nil>
}

// worker is a user's actor: the parent of a node and of an election.
type worker struct {
	cfg  actors.Config
	node *actor.PID
	over chan struct{}
}

func (w *worker) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		w.node = ctx.Spawn(actors.NodeProps(w.cfg))
		ctx.Spawn(actors.ElectionProps(w.node, actors.ElectionConfig{
			Name: "billing",
			Run:  true, // stand from the start
		}))
		ctx.Send(w.node, &actors.Subscribe{Election: "billing", PID: ctx.Self(), Window: 16})
	case *actors.Won:
		fmt.Printf("leader of %q\n", m.Election)
		ctx.Request(w.node, &actors.Stop{}) // the example has seen enough
	case *actors.Lost:
		fmt.Println("not leader:", m.Cause)
	case *actors.Done: // answers Run, Quit, Resign and Stop
		fmt.Println("stopped:", m.Err)
		close(w.over)
	}
	if _, ok := ctx.Message().(actors.Event); ok {
		// Without acknowledgements a subscriber gets Window events and no more.
		ctx.Send(w.node, &actors.Ack{PID: ctx.Self(), N: 1})
	}
}

// Inspect shows where an election stands, and how it came there.
func ExampleNode_Inspect() {
	cfg, closeRedis := embedded()
	defer closeRedis()
	ctx := context.Background()
	node := start(ctx, cfg)
	defer stop(node)

	leadership, err := node.Campaign(ctx, "billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = leadership.Release(ctx) }() // until then the office is kept for the work
	snapshot, err := node.Inspect(ctx, "billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("state:", snapshot.State)
	fmt.Println("token is the leadership's:", snapshot.Token == leadership.Token())
	for _, t := range snapshot.History {
		fmt.Printf("%d. %v\n", t.Seq, t)
	}
	// Output:
	// state: won
	// token is the leadership's: true
	// 1. canvass: idle -> voting (told to run)
	// 2. polled: voting -> waiting (nobody outranks us)
	// 3. elected: waiting -> won (the claim was granted)
}

// Subscribe streams what happens, transitions too if asked. First comes the present state;
// a reader that is too slow blocks nobody, and is told how many events it missed.
func ExampleNode_Subscribe() {
	cfg, closeRedis := embedded()
	defer closeRedis()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	node := start(ctx, cfg)
	defer stop(node)

	events := node.Subscribe(ctx, actors.SubscribeOptions{Election: "billing", Transitions: true})
	if err := node.Run(ctx, "billing"); err != nil {
		fmt.Println(err)
		return
	}
	for ev := range events {
		switch ev := ev.(type) {
		case *actors.Moved:
			t := ev.Transition
			fmt.Printf("%s -> %s: %s\n", t.From, t.To, t.Cause)
		case *actors.Won:
			fmt.Println("leads", ev.Election)
			return // the channel is closed with ctx
		case *actors.Missed:
			fmt.Println("missed", ev.N, "events")
		}
	}
	// Output:
	// idle -> voting: told to run
	// voting -> waiting: nobody outranks us
	// waiting -> won: the claim was granted
	// leads billing
}

// Explain says in words why a node leads or does not, what it waits for, and until when.
// Node.Explain does it for the present. The words are for people, and may change.
func ExampleSnapshot_Explain() {
	s := &actors.Snapshot{
		ID:         "web-1",
		View:       actors.View{Election: "billing", State: fsm.Waiting, Round: 3},
		Pending:    []fsm.Pending{{Candidate: fsm.Candidate{ID: "web-2", Rank: 20}, Holder: true}, {Candidate: fsm.Candidate{ID: "web-3", Rank: 30}}},
		DeadlineMS: 800,
	}
	fmt.Println(s.Explain())
	// Output:
	// web-1 does not lead "billing" yet. In round 3 it waits for the answers of web-2 (rank 20, in office and asked to make way) and web-3 (rank 30), for 800 ms at most.
}

// A message goes to one node by its id. The receiver learns who sent it.
func ExampleNode_Send() {
	cfg, closeRedis := embedded()
	defer closeRedis()
	ctx := context.Background()
	cfg.ID = "web-1"
	web1 := start(ctx, cfg)
	defer stop(web1)
	cfg.ID = "web-2"
	web2 := start(ctx, cfg)
	defer stop(web2)

	inbox := web2.Subscribe(ctx, actors.SubscribeOptions{})
	receivers, err := web1.Send(ctx, "web-2", map[string]any{"reload": "prices"})
	fmt.Println("receivers:", receivers, err)
	for ev := range inbox { // first comes the present state of the node
		if m, ok := ev.(*actors.Message); ok {
			fmt.Printf("from %s: %s\n", m.From, m.JSON())
			break
		}
	}
	_, err = web1.Send(ctx, "web-3", "anybody?")
	fmt.Println(errors.Is(err, actors.ErrNoReceiver))
	// Output:
	// receivers: 1 <nil>
	// from web-1: {"reload":"prices"}
	// true
}

// Observe follows an election without standing in it.
func ExampleNode_Observe() {
	cfg, closeRedis := embedded()
	defer closeRedis()
	ctx := context.Background()
	cfg.ID = "web-1"
	web1 := start(ctx, cfg)
	defer stop(web1)
	cfg.ID = "web-2"
	web2 := start(ctx, cfg)
	defer stop(web2)

	leaders, err := web2.Observe(ctx, "billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	leadership, err := web1.Campaign(ctx, "billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = leadership.Release(ctx) }()
	for l := range leaders {
		if l.ID != "" { // "" is a vacancy
			fmt.Println(l.ID, "leads, with the token of its term:", l.Token == leadership.Token())
			break
		}
	}
	// Output:
	// web-1 leads, with the token of its term: true
}

// embedded starts a Redis inside this process, for examples. It is new every time and
// thrown away, so the quarantine is switched off: with it the first leader waits MaxTTL.
func embedded() (cfg actors.Config, closeRedis func()) {
	m, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	m.ClockTTL(true) // otherwise nothing expires
	return actors.Config{
		ID:         "web-1",
		Redis:      redisbridge.Config{Options: &redis.UniversalOptions{Addrs: []string{m.Addr()}}},
		TTL:        2 * time.Second,
		Quarantine: new(false),
	}, m.Close
}

// quietSystem is an actor system that does not log on the terminal.
func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

func start(ctx context.Context, cfg actors.Config) *actors.Node {
	node, err := actors.Start(ctx, quietSystem(), cfg)
	if err != nil {
		panic(err)
	}
	return node
}

func stop(node *actors.Node) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := node.Stop(ctx); err != nil {
		panic(err)
	}
}
