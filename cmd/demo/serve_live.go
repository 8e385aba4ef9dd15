package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
	web "hustings/actors/inspect"
	"hustings/redisbridge"
)

// servedElections are those of the live fleet, with the ranks of a node of a given rank:
// three ways to rank five nodes, so that more than one leads something.
var servedElections = []struct {
	name string
	rank func(rank int64) int64
}{
	{"billing", func(r int64) int64 { return r }},
	{"mail", func(r int64) int64 { return 1000 - r }},
	{"reports", func(r int64) int64 { return r * 37 % 100 }},
}

// live is the live fleet: real nodes in this process, each with a way of its own to Redis
// that can be cut, and a clock that can be held.
type live struct {
	*web.Fleet
	o       *serveOptions
	server  *server
	options *redis.UniversalOptions
	system  *actor.ActorSystem
	bounces sync.WaitGroup

	mu    sync.Mutex // guards the rest; not held while a node starts or stops
	seats map[string]*servedNode
	busy  map[string]bool
	adds  bool // a node is being added
	down  bool // Redis is being bounced
}

// servedNode is one node and what can be done to it.
type servedNode struct {
	id    string
	rank  int64
	wire  *wire
	clock *heldClock
	node  *actors.Node
	note  string
}

// openLive starts the nodes. Close what it returns, also if not all did start: the server
// is closed with them.
func openLive(ctx context.Context, o *serveOptions, server *server) (*live, error) {
	l := &live{
		Fleet: web.NewFleet(), o: o, server: server, options: server.options, seats: map[string]*servedNode{}, busy: map[string]bool{},
		system: newSystem(slog.New(slog.DiscardHandler)),
	}
	for i := range o.nodes {
		if err := l.start(ctx, fmt.Sprintf("web-%d", i+1), int64(10*(i+1))); err != nil {
			return l, err
		}
	}
	return l, nil
}

// start starts a node and has it stand.
func (l *live) start(ctx context.Context, id string, rank int64) error {
	options := *l.options
	n := &servedNode{id: id, rank: rank, wire: newWire(options.TLSConfig), clock: &heldClock{}}
	options.Dialer = n.wire.dial
	off := false
	var err error
	ctx, cancel := context.WithTimeout(ctx, 4*l.o.ttl+10*time.Second)
	defer cancel()
	n.node, err = actors.Start(ctx, l.system, actors.Config{
		ID: id, Rank: &rank, TTL: l.o.ttl, Quarantine: &off,
		RankFor: func(election string) int64 {
			for _, e := range servedElections {
				if e.name == election {
					return e.rank(rank)
				}
			}
			return rank
		},
		Redis: redisbridge.Config{Options: &options, Prefix: l.server.prefix, Clock: n.clock},
	})
	if err != nil {
		n.wire.close()
		return err
	}
	l.mu.Lock()
	l.seats[id] = n
	l.mu.Unlock()
	l.Put(n.node)
	for _, e := range servedElections {
		if err := n.node.Run(ctx, e.name); err != nil {
			return err
		}
	}
	return nil
}

// close stops everybody. The error says what is left behind.
func (l *live) close() error {
	l.bounces.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var stopping sync.WaitGroup
	l.mu.Lock()
	seats := l.seats
	l.seats = map[string]*servedNode{}
	l.mu.Unlock()
	for _, n := range seats {
		stopping.Go(func() {
			n.clock.release()
			n.wire.free()
			_ = n.node.Stop(ctx)
			n.wire.close()
		})
	}
	stopping.Wait()
	return l.server.close()
}

// say puts a sentence on the page, and a word beside the node.
func (l *live) say(n *servedNode, note, tone, text string) {
	n.note = note
	at := clock.Now().Time()
	l.Boards(func(b *web.Board) {
		b.Note(at, n.id, "", tone, text)
		b.Change(at, n.id, "", "", func(s *web.NodeState) { s.Note = note })
	})
}

// Notes of nodes.
const (
	noteKilled = "killed"
	notePaused = "paused"
	noteCut    = "cut off"
)

// Actions are the buttons.
func (l *live) Actions() []web.Action {
	list := l.Fleet.Actions()
	for i := range list {
		list[i].When = "running"
	}
	redisHelp := "Stops the embedded Redis for 2 s and starts it again with its data."
	if l.server.mini == nil {
		redisHelp = "Breaks every node's connections to Redis and refuses new ones for 2 s; the server itself is left alone."
	}
	return append(list,
		web.Action{Name: "kill", Label: "Kill", Scope: "node", When: "running", Danger: true, Help: "Stops its actors at once, as a crash would: nothing is given back, its session runs out."},
		web.Action{Name: "pause", Label: "Pause", Scope: "node", When: "running", Help: "Holds its timers and its link to Redis, much as SIGSTOP would; the timeouts of its sockets run on."},
		web.Action{Name: "cut", Label: "Cut off", Scope: "node", When: "running", Help: "Lets nothing through between it and Redis; neither side is told."},
		web.Action{Name: "start", Label: "Start again", Scope: "node", When: noteKilled, Help: "Starts a new process's worth of it under the same id."},
		web.Action{Name: "resume", Label: "Resume", Scope: "node", When: notePaused, Help: "Lets its timers and its link go on."},
		web.Action{Name: "heal", Label: "Heal", Scope: "node", When: noteCut, Help: "Lets everything through again, what was held included."},
		web.Action{Name: "add", Label: "Add a node of higher rank", Scope: "fleet", Help: "Starts one more node, which outranks all others in billing."},
		web.Action{Name: "bounce", Label: "Bounce Redis", Scope: "fleet", Danger: true, Help: redisHelp},
	)
}

// Do obeys a button. One thing at a time is done to a node.
func (l *live) Do(ctx context.Context, c web.Command) (string, error) {
	switch c.Action {
	case "run", "resign", "appoint", "standdown", "stand", "quit":
		return l.Fleet.Do(ctx, c)
	case "add":
		return l.add(ctx)
	case "bounce":
		return l.bounce()
	}
	l.mu.Lock()
	n, busy := l.seats[c.Node], l.busy[c.Node]
	if n != nil && !busy {
		l.busy[c.Node] = true
	}
	l.mu.Unlock()
	switch {
	case n == nil:
		return "", fmt.Errorf("there is no node %q", c.Node)
	case busy:
		return "", fmt.Errorf("%s is being dealt with already", c.Node)
	}
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.busy, c.Node)
	}()
	return l.do(ctx, n, c.Action)
}

// do does something to one node.
func (l *live) do(ctx context.Context, n *servedNode, action string) (string, error) {
	wants := map[string]string{"kill": "", "pause": "", "cut": "", "start": noteKilled, "resume": notePaused, "heal": noteCut}
	want, known := wants[action]
	if !known {
		return "", fmt.Errorf("%q is no action", action)
	}
	if n.note != want {
		now := n.note
		if now == "" {
			now = "running"
		}
		return "", fmt.Errorf("%s is %s: that can't be done to it now", n.id, now)
	}
	switch action {
	case "kill":
		l.say(n, noteKilled, "bad", n.id+" is killed: its session is left to run out")
		l.system.Root.Stop(n.node.PID())
		<-n.node.Done()
		n.wire.reset()
	case "pause":
		n.clock.hold()
		n.wire.hold()
		l.say(n, notePaused, "bad", n.id+" is paused: it sends nothing, and notices nothing")
	case "cut":
		n.wire.hold()
		l.say(n, noteCut, "bad", n.id+" is cut off from Redis: neither side is told")
	case "resume":
		n.wire.free()
		n.clock.release()
		l.say(n, "", "good", n.id+" goes on: what waited for it happens now")
	case "heal":
		n.wire.free()
		l.say(n, "", "good", n.id+" reaches Redis again")
	case "start":
		n.wire.close()
		l.say(n, noteKilled, "", n.id+" is started again: it waits for its former life's session to end")
		if err := l.start(ctx, n.id, n.rank); err != nil {
			return "", err
		}
	}
	return "done", nil
}

// add starts a node of higher rank than all others.
func (l *live) add(ctx context.Context) (string, error) {
	l.mu.Lock()
	if l.adds {
		l.mu.Unlock()
		return "", errors.New("a node is being added already")
	}
	l.adds = true
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.adds = false
	}()
	var ranks []int64
	for _, n := range l.seats {
		ranks = append(ranks, n.rank)
	}
	count := len(ranks) + 1
	l.mu.Unlock()
	if count > 20 {
		return "", errors.New("twenty nodes are enough")
	}
	sort.Slice(ranks, func(i, j int) bool { return ranks[i] > ranks[j] })
	id := fmt.Sprintf("web-%d", count)
	if err := l.start(ctx, id, ranks[0]+10); err != nil {
		return "", err
	}
	return id + " joins", nil
}

// bouncePause is how long Redis is away when it is bounced.
const bouncePause = 2 * time.Second

// bounce takes Redis away for a moment.
func (l *live) bounce() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return "", errors.New("Redis is away already") //nolint:staticcheck // a name
	}
	l.down = true
	seats := make([]*servedNode, 0, len(l.seats))
	for _, n := range l.seats {
		seats = append(seats, n)
	}
	l.tell("bad", "Redis goes away for 2 s")
	l.bounces.Go(func() {
		if l.server.mini != nil {
			l.server.mini.Close()
		}
		for _, n := range seats {
			n.wire.refuse()
		}
		time.Sleep(bouncePause)
		if l.server.mini != nil {
			_ = l.server.mini.Restart()
		}
		for _, n := range seats {
			n.wire.accept()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.down = false
		l.tell("good", "Redis is back, with its data")
	})
	return "Redis goes away for 2 s", nil
}

func (l *live) tell(tone, text string) {
	at := clock.Now().Time()
	l.Boards(func(b *web.Board) { b.Note(at, "", "", tone, text) })
}
