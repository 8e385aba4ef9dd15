package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
)

// ledger stands for the database in which jobs are marked as done.
type ledger struct {
	done  map[int]bool
	twice error
}

func (l *ledger) next() int {
	job := 0
	for l.done[job] {
		job++
	}
	return job
}

func (l *ledger) run(job int, by string) {
	if l.done[job] {
		l.twice = fmt.Errorf("job %d ran again, on %s", job, by)
	}
	l.done[job] = true
}

// clerk is the user's own actor. While its node leads it takes the next job that is not
// done, prepares it for 50 ms, and runs it.
type clerk struct {
	process  *sim.Process
	node     *sim.Node
	election *actor.PID
	ledger   *ledger
	leads    bool
	token    uint64 // of the term that the last message told of
	careful  bool   // ask the node whether it leads before running a job
}

// prepared: a job is ready to be run, in the term in which it was taken.
type prepared struct {
	job   int
	token uint64
}

func (c *clerk) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.election = ctx.Spawn(actors.ElectionProps(c.node.PID(), actors.ElectionConfig{Name: "billing", Run: true, Drains: true}))
		ctx.Send(c.node.PID(), &actors.Subscribe{Election: "billing", PID: ctx.Self(), Window: 16})
	case *actors.Won:
		c.leads, c.token = true, m.Token
		c.prepare(ctx)
	case *actors.Ending:
		c.leads = false
		ctx.Send(c.election, &actors.Drained{Token: m.Token})
	case *actors.Lost:
		c.leads = false
	case *prepared:
		c.run(ctx, m)
	}
	if _, ok := ctx.Message().(actors.Event); ok {
		ctx.Send(c.node.PID(), &actors.Ack{PID: ctx.Self(), N: 1})
	}
}

func (c *clerk) prepare(ctx actor.Context) {
	self, root, m := ctx.Self(), c.process.System().Root, &prepared{c.ledger.next(), c.token}
	c.process.Clock().AfterFunc(50*time.Millisecond, func() { root.Send(self, m) })
}

func (c *clerk) run(ctx actor.Context, m *prepared) {
	leads := c.leads // what the last message said
	if c.careful {
		l := c.node.Handle().Leadership("billing")
		leads = l.Valid() && l.Token() == m.token // what is so now, in the term in which the job was taken
	}
	if leads {
		c.ledger.run(m.job, c.process.ID())
		c.prepare(ctx)
	}
}

// clerks makes three nodes, each with a clerk, that share a ledger.
func clerks(w *sim.World, careful bool) *ledger {
	l := &ledger{done: map[int]bool{}}
	for i := range 3 {
		n := w.Node(fmt.Sprintf("web-%d", i+1), actors.Config{Rank: new(int64(i))})
		n.With(func(p *sim.Process) {
			p.Spawn(actor.PropsFromProducer(func() actor.Actor {
				return &clerk{process: p, node: n, ledger: l, careful: careful}
			}))
		})
	}
	w.Every("no job runs twice", func() error { return l.twice })
	return l
}

// assumed are the hazards but one: that a wall clock is set back while the machine is suspended
// is what docs/guarantees.md assumes not to happen (3), and the ledger looks at no tokens.
func assumed() []sim.Hazard {
	return slices.DeleteFunc(sim.Hazards(), func(h sim.Hazard) bool { return h == sim.WallJumps })
}

func TestNoJobRunsTwice(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		l := clerks(w, true)
		w.Storm(40*time.Second, sim.Storm{Hazards: assumed()})
		w.Run(time.Minute)
		if len(l.done) < 20 {
			w.Require("jobs run", fmt.Errorf("only %d did", len(l.done)))
		}
	})
}

// The careless clerk believes its last message. When its process stands still between
// that message and the job, another one leads meanwhile, and the job runs twice.
func TestTheSimulatorFindsTheCarelessClerk(t *testing.T) {
	for seed := range uint64(200) {
		w := sim.New(nil, seed)
		clerks(w, false)
		w.Storm(40*time.Second, sim.Storm{Hazards: []sim.Hazard{sim.Pauses}, Always: true})
		w.Run(time.Minute)
		err := w.Err()
		w.Close()
		if err != nil {
			if !strings.Contains(err.Error(), "no job runs twice") {
				t.Fatalf("seed %d found something else: %v", seed, err)
			}
			t.Logf("found with seed %d: %v", seed, err)
			return
		}
	}
	t.Fatal(errors.New("200 seeds did not find it"))
}
