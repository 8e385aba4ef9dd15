package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hustings/actors"
	web "hustings/actors/inspect"
	"hustings/actors/sim"
)

// replay plays a simulated world on a page: at a speed, in steps, and backwards, which is
// a replay from the seed up to an earlier instant. One goroutine owns the world.
type replay struct {
	calls  chan func()
	ended  chan struct{}
	done   chan struct{}
	boards chan *web.Board // that joined

	mu    sync.Mutex // guards the rest
	trust map[[2]string]time.Duration

	// Of the player's goroutine.
	board   *web.Board
	world   *simWorld
	order   worldOrder
	playing bool
	speed   float64
	played  time.Time // up to when, on our clock
}

// worldOrder says which world to play.
type worldOrder struct {
	seed   uint64
	nodes  int
	faults []string
}

// How a world is played.
const (
	playFrame  = 50 * time.Millisecond
	playFor    = 3 * time.Minute  // of trouble, in virtual time
	playCalm   = 30 * time.Second // and after it
	playStart  = 12 * time.Second // where a new world stands still: somebody has been elected, as a rule
	stepWithin = time.Minute
)

func newReplay(seed uint64) *replay {
	p := &replay{
		calls: make(chan func()), ended: make(chan struct{}), done: make(chan struct{}), boards: make(chan *web.Board),
		trust: map[[2]string]time.Duration{}, speed: 1, order: worldOrder{seed: seed, nodes: 5},
	}
	go p.run()
	return p
}

func (p *replay) close() {
	close(p.ended)
	<-p.done
}

// run is the goroutine that owns the world.
func (p *replay) run() {
	defer close(p.done)
	tick := time.NewTicker(playFrame)
	defer tick.Stop()
	defer func() {
		if p.world != nil {
			p.world.close()
		}
	}()
	for {
		select {
		case <-p.ended:
			return
		case p.board = <-p.boards:
			p.begin(playStart)
		case f := <-p.calls:
			f()
		case now := <-tick.C:
			if p.playing && p.world != nil {
				p.frame(now)
			}
		}
	}
}

// frame plays on.
func (p *replay) frame(now time.Time) {
	d := time.Duration(float64(now.Sub(p.played)) * p.speed)
	p.played = now
	p.world.run(min(d, 5*time.Second))
	if p.world.over() {
		p.playing = false
	}
	p.show()
}

// begin makes the world anew and runs it to an instant.
func (p *replay) begin(to time.Duration) {
	if p.board == nil {
		return
	}
	if p.world != nil {
		p.world.close()
	}
	p.board.Reset()
	p.world = newSimWorld(p.order, p.board)
	p.world.run(to)
	p.show()
}

// replayState is what the page's controls show.
type replayState struct {
	Seed    uint64   `json:"seed"`
	Nodes   int      `json:"nodes"`
	Chosen  []string `json:"chosen"`
	Kinds   []string `json:"kinds"`
	Hazards []string `json:"hazards"`
	Playing bool     `json:"playing"`
	Speed   float64  `json:"speed"`
	AtMS    int64    `json:"at_ms"`
	EndMS   int64    `json:"end_ms"`
	Events  uint64   `json:"events"`
	Error   string   `json:"error,omitempty"`
}

// show puts the present of the world on the board.
func (p *replay) show() {
	w := p.world
	trust := w.show()
	p.mu.Lock()
	p.trust = trust
	p.mu.Unlock()
	rate := 0.0
	if p.playing {
		rate = p.speed
	}
	p.board.Clock(w.time(w.Now()), rate)
	s := replayState{
		Seed: p.order.seed, Nodes: p.order.nodes, Chosen: append([]string{}, p.order.faults...), Hazards: []string{},
		Playing: p.playing, Speed: p.speed, AtMS: w.Now().Milliseconds(), EndMS: w.end().Milliseconds(), Events: w.Events(),
	}
	for _, h := range sim.Hazards() {
		s.Kinds = append(s.Kinds, string(h))
	}
	for _, h := range w.scene.Hazards() {
		s.Hazards = append(s.Hazards, string(h))
	}
	if err := w.Err(); err != nil {
		s.Error = "A rule was broken: " + err.Error()
	}
	p.board.Player(s)
}

// Watch gives the player its page. A player has one.
func (p *replay) Watch(ctx context.Context, b *web.Board) {
	select {
	case p.boards <- b:
	case <-p.ended:
	case <-ctx.Done():
	}
	<-ctx.Done()
}

// Trust is as of the last frame.
func (p *replay) Trust(node, election string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trust[[2]string{node, election}]
}

// call runs f on the goroutine that owns the world.
func (p *replay) call(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case p.calls <- func() { f(); close(ran) }:
	case <-p.ended:
		return errors.New("the simulator has ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	<-ran
	return nil
}

// Inspect looks into a machine of the world, and changes nothing in it.
func (p *replay) Inspect(ctx context.Context, node, election string) (s *actors.Snapshot, err error) {
	err = p.call(ctx, func() {
		if p.world != nil {
			s = p.world.inspect(node, election)
		}
	})
	if err == nil && s == nil {
		err = fmt.Errorf("inspect: %s does not run in this world just now", node)
	}
	return s, err
}

// Actions are the orders that the page's controls give.
func (p *replay) Actions() []web.Action {
	var list []web.Action
	for _, name := range []string{"new", "play", "pause", "step", "seek", "speed"} {
		list = append(list, web.Action{Name: name, Label: name, Scope: "hidden"})
	}
	return list
}

// Do obeys one.
func (p *replay) Do(ctx context.Context, c web.Command) (text string, err error) {
	if e := p.call(ctx, func() { text, err = p.do(c) }); e != nil {
		return "", e
	}
	return text, err
}

func (p *replay) do(c web.Command) (string, error) {
	if p.world == nil {
		return "", errors.New("there is no world yet")
	}
	switch c.Action {
	case "new":
		order, err := readOrder(c.Args)
		if err != nil {
			return "", err
		}
		p.order, p.playing = order, false
		p.begin(playStart)
		return fmt.Sprintf("A new world from seed %d", order.seed), nil
	case "play":
		p.playing, p.played = !p.world.over(), time.Now()
	case "pause":
		p.playing = false
	case "step":
		p.playing = false
		p.world.step(stepWithin)
	case "seek":
		ms, err := strconv.ParseInt(c.Args["to_ms"], 10, 64)
		if err != nil || ms < 0 {
			return "", fmt.Errorf("%q is no instant", c.Args["to_ms"])
		}
		p.seek(min(time.Duration(min(ms, 1e9))*time.Millisecond, p.world.end()))
	case "speed":
		f, err := strconv.ParseFloat(c.Args["speed"], 64)
		if err != nil || math.IsNaN(f) || f < 0.01 || f > 100 {
			return "", fmt.Errorf("speed %q: use 0.01 to 100", c.Args["speed"])
		}
		p.speed, p.played = f, time.Now()
	default:
		return "", fmt.Errorf("%q is no action", c.Action)
	}
	p.show()
	return "", nil
}

// seek goes to an instant: on, or by a replay from the seed.
func (p *replay) seek(to time.Duration) {
	p.played = time.Now()
	if to < p.world.Now() {
		p.begin(to)
		return
	}
	p.world.run(to - p.world.Now())
}

func readOrder(args map[string]string) (worldOrder, error) {
	seed, err := strconv.ParseUint(args["seed"], 10, 53)
	if err != nil {
		return worldOrder{}, fmt.Errorf("seed %q: use a whole number", args["seed"])
	}
	nodes, err := strconv.Atoi(args["nodes"])
	if err != nil || nodes < 2 || nodes > 20 {
		return worldOrder{}, fmt.Errorf("nodes %q: use 2 to 20", args["nodes"])
	}
	o := worldOrder{seed: seed, nodes: nodes}
	for name := range strings.SplitSeq(args["faults"], ",") {
		if name == "" {
			continue
		}
		if !slices.Contains(sim.Hazards(), sim.Hazard(name)) {
			return worldOrder{}, fmt.Errorf("there is no fault %q", name)
		}
		o.faults = append(o.faults, name)
	}
	return o, nil
}
