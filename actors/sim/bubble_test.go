package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// job counts who works on it, as a database row would.
type job struct {
	workers int
	runs    int
	token   uint64
}

// scheduler is an ordinary program: it does its work while it leads.
func scheduler(j *job, w *sim.World) func(context.Context, *actors.Node) {
	return func(ctx context.Context, node *actors.Node) {
		for ctx.Err() == nil {
			_ = node.Lead(ctx, "billing", func(ctx context.Context, l *actors.Leadership) error {
				j.workers++
				defer func() { j.workers-- }()
				if j.workers > 1 {
					w.Fail("one worker", fmt.Errorf("%d at once", j.workers))
				}
				if l.Token() <= j.token {
					w.Fail("tokens rise", fmt.Errorf("%d after %d", l.Token(), j.token))
				}
				j.token = l.Token()
				for ctx.Err() == nil && l.Valid() {
					j.runs++
					select {
					case <-time.After(100 * time.Millisecond):
					case <-ctx.Done():
					}
				}
				return ctx.Err()
			})
		}
	}
}

func TestOrdinaryCodeLeadsInVirtualTime(t *testing.T) {
	sim.Bubble(t, 20, func(w *sim.World) {
		j := &job{}
		var list []*sim.Node
		for i := range 3 {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i))})
			n.Go(scheduler(j, w))
			list = append(list, n)
		}
		w.Run(20 * time.Second)
		if j.runs < 100 {
			w.Require("work is done", fmt.Errorf("%d runs", j.runs))
		}
		list[2].Bounce(7 * time.Second)
		w.Run(30 * time.Second)
		if l := list[2].Handle().Leadership("billing"); !l.Valid() {
			w.Require("the highest is back", errors.New("it is not"))
		}
		w.Storm(30*time.Second, sim.Storm{Hazards: []sim.Hazard{sim.BadWeather, sim.Partitions, sim.RedisBounces}})
		w.Run(60 * time.Second)
	})
}

func TestGoCodeGivesTheSameTraceForTheSameSeed(t *testing.T) {
	var hashes []uint64
	for range 3 {
		sim.Bubble(t, 1, func(w *sim.World) {
			j := &job{}
			for i := range 3 {
				w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i))}).Go(scheduler(j, w))
			}
			w.Storm(20*time.Second, sim.Storm{})
			w.Run(40 * time.Second)
			hashes = append(hashes, w.Hash())
		})
	}
	if hashes[0] != hashes[1] || hashes[1] != hashes[2] {
		t.Errorf("traces differ: %x", hashes)
	}
}

// contender works for a while when it leads, and says so. Told to end, it takes its time,
// now and then until after the DrainTimeout.
func contender(n *sim.Node, campaigns bool) func(context.Context, *actors.Node) {
	work := func(ctx context.Context, l *actors.Leadership) error {
		defer n.Working(ctx, l)()
		select {
		case <-ctx.Done():
		case <-l.Context().Done():
		case <-time.After(time.Duration(3+l.Token()%10) * time.Second):
		}
		time.Sleep(time.Duration(l.Token()%5) * time.Second)
		return ctx.Err()
	}
	return func(ctx context.Context, node *actors.Node) {
		for ctx.Err() == nil {
			if !campaigns {
				_ = node.Lead(ctx, "billing", work)
				continue
			}
			l, err := node.Campaign(ctx, "billing")
			if err != nil {
				continue
			}
			_ = work(ctx, l)
			_ = l.Release(ctx)
		}
	}
}

// The last rule that looked at actors only: the work of Lead and Campaign is over before
// another's begins.
func TestTheWorkOfOrdinaryCodeIsOverBeforeTheSuccessors(t *testing.T) {
	sim.Bubble(t, 20, func(w *sim.World) {
		for i := range 4 {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{
				Rank: new(int64(i)), Elections: actors.ElectionConfig{DrainTimeout: 3 * time.Second},
			})
			n.Go(contender(n, i%2 == 1))
		}
		w.Storm(40*time.Second, sim.Storm{})
		w.Run(70 * time.Second)
	})
}

// Time that passes while Go code waits is time that passes: events of many instants are
// not taken for events of one.
func TestAHealthyWorldOfGoCodeRunsForHours(t *testing.T) {
	sim.Bubble(t, 1, func(w *sim.World) {
		for i := range 3 {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i))})
			n.Go(func(ctx context.Context, node *actors.Node) {
				_ = node.Lead(ctx, "billing", func(ctx context.Context, _ *actors.Leadership) error {
					<-ctx.Done()
					return nil
				})
			})
		}
		w.Run(3 * time.Hour)
		if w.Events() < 150_000 {
			w.Require("enough events to tell", fmt.Errorf("%d", w.Events()))
		}
	})
}

// When a check is looked at, all Go code waits, and what it wrote is there. So it is with what RunUntil
// looks at. (No lock: here nothing is written that package time wakes, so the race detector sees the order.)
func TestChecksSeeWhatGoCodeWrote(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		workers, terms := 0, 0
		w.Every("one worker", func() error {
			if workers > 1 {
				return fmt.Errorf("%d work", workers)
			}
			return nil
		})
		for i := range 3 {
			n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i))})
			n.Go(func(ctx context.Context, node *actors.Node) {
				_ = node.Lead(ctx, "billing", func(ctx context.Context, _ *actors.Leadership) error {
					workers++
					terms++
					defer func() { workers-- }()
					<-ctx.Done()
					return nil
				})
			})
		}
		if !w.RunUntil(func() bool { return workers == 1 }, 30*time.Second) {
			w.Require("somebody works", errors.New("nobody does"))
		}
		w.Storm(30*time.Second, sim.Storm{Hazards: []sim.Hazard{sim.Partitions, sim.RedisBounces, sim.WallJumps, sim.Drift}})
		w.Run(time.Minute)
		if terms == 0 {
			w.Require("terms", errors.New("none"))
		}
	})
}

func TestBubblesRunTheSeedsThatTheEnvironmentAsksFor(t *testing.T) {
	seeds := func() (list []uint64) {
		sim.Bubble(t, 2, func(w *sim.World) { list = append(list, w.Seed()) })
		return list
	}
	t.Setenv("HUSTINGS_SEEDS", "4")
	if got := seeds(); !slices.Equal(got, []uint64{1, 2, 3, 4}) {
		t.Errorf("HUSTINGS_SEEDS=4 ran %d", got)
	}
	t.Setenv("HUSTINGS_SEED", "7")
	if got := seeds(); !slices.Equal(got, []uint64{7}) {
		t.Errorf("HUSTINGS_SEED=7 ran %d", got)
	}
	t.Setenv("HUSTINGS_TWICE", "1")
	if got := seeds(); !slices.Equal(got, []uint64{7, 7}) {
		t.Errorf("HUSTINGS_TWICE=1 ran %d", got)
	}
}

// Go code of a process that is killed does not wait for its node for ever, whatever it
// waits for, and with whatever context.
func TestAKilledProcessLetsItsGoCodeEnd(t *testing.T) {
	waits := map[string]func(context.Context, *actors.Node) error{
		"Subscribe": func(ctx context.Context, node *actors.Node) error {
			for range node.Subscribe(ctx, actors.SubscribeOptions{}) {
			}
			return nil
		},
		"Observe": func(ctx context.Context, node *actors.Node) error {
			ch, err := node.Observe(ctx, "billing")
			for range ch {
			}
			return err
		},
		"a term's context": func(ctx context.Context, node *actors.Node) error {
			l, err := node.Campaign(ctx, "billing")
			if err == nil {
				<-l.Context().Done()
				if err := context.Cause(l.Context()); !errors.Is(err, actors.ErrLost) {
					return fmt.Errorf("the term ended with %w", err)
				}
			}
			return err
		},
		"Lead": func(ctx context.Context, node *actors.Node) error {
			err := node.Lead(ctx, "accounts", func(ctx context.Context, _ *actors.Leadership) error {
				<-ctx.Done()
				return nil
			})
			if errors.Is(err, actors.ErrStopped) || errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
		"Campaign": func(ctx context.Context, node *actors.Node) error {
			if _, err := node.Campaign(ctx, "occupied"); err == nil || !errors.Is(err, actors.ErrStopped) && ctx.Err() == nil {
				return fmt.Errorf("it returned %w", err)
			}
			return nil
		},
	}
	for name, wait := range waits {
		for _, forever := range []bool{false, true} {
			sim.Bubble(t, 3, func(w *sim.World) {
				w.Node("other", actors.Config{}).Stand(actors.ElectionConfig{Name: "occupied", Run: true})
				w.Run(5 * time.Second)
				ended := 0
				n := w.Node("a", actors.Config{Rank: new(int64(0))})
				n.Go(func(ctx context.Context, node *actors.Node) {
					if forever {
						ctx = context.WithoutCancel(ctx)
					}
					if err := wait(ctx, node); err != nil {
						w.Fail(name, err)
					}
					ended++
				})
				w.Run(10 * time.Second)
				if ended > 0 {
					w.Require(name, errors.New("it ended before"))
				}
				for life := range 2 {
					n.Bounce(time.Second)
					w.Run(0)
					if ended != life+1 {
						w.Require(name, fmt.Errorf("%d ended after %d crashes", ended, life+1))
					}
					w.Run(30 * time.Second)
				}
			})
		}
	}
}

// The last that a slow reader gets is how much it has missed, also when its process is killed.
func TestAKilledProcessTellsWhatWasMissed(t *testing.T) {
	sim.Bubble(t, 1, func(w *sim.World) {
		var last actors.Event
		n := w.Node("a", actors.Config{})
		n.Go(func(ctx context.Context, node *actors.Node) {
			ch := node.Subscribe(ctx, actors.SubscribeOptions{Buffer: 2})
			_ = node.Run(ctx, "billing")
			<-ctx.Done()
			for last = range ch {
			}
		})
		w.Run(10 * time.Second)
		n.Crash()
		w.Run(time.Second)
		if m, ok := last.(*actors.Missed); !ok || m.N == 0 {
			w.Require("missed", fmt.Errorf("the last was %v", last))
		}
	})
}

// What a context's end brings about in a node does not depend on which goroutine is faster.
func TestContextsThatEndGiveTheSameTraceForTheSameSeed(t *testing.T) {
	hashes := map[uint64]bool{}
	for range 20 {
		sim.Bubble(t, 1, func(w *sim.World) {
			for i := range 3 {
				n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i))})
				n.Go(func(ctx context.Context, node *actors.Node) {
					for ctx.Err() == nil {
						some, cancel := context.WithTimeout(ctx, 7*time.Second)
						_ = node.Lead(some, "billing", func(ctx context.Context, _ *actors.Leadership) error {
							<-ctx.Done()
							return nil
						})
						cancel()
					}
				})
			}
			w.Run(time.Minute)
			hashes[w.Hash()] = true
		})
	}
	if len(hashes) > 1 {
		t.Errorf("%d traces", len(hashes))
	}
}

// What Go code sends at one instant arrives in its order, as in production.
func TestWhatGoCodeSendsAtOneInstantArrivesInItsOrder(t *testing.T) {
	sim.Bubble(t, 20, func(w *sim.World) {
		n := w.Node("a", actors.Config{})
		var got []int
		n.Go(func(ctx context.Context, node *actors.Node) {
			clock := n.Clock().(redisbridge.Outsider)
			for i := range 4 {
				clock.Outside(ctx, func() { got = append(got, i) })
			}
		})
		w.Run(time.Second)
		if !slices.Equal(got, []int{0, 1, 2, 3}) {
			w.Require("their order", fmt.Errorf("%d", got))
		}
	})
}

// Go code enters the world by Process.Do: it sends to an actor, and kills its own process.
func TestGoCodeEntersTheWorldByDo(t *testing.T) {
	var hashes []uint64
	for range 3 {
		sim.Bubble(t, 1, func(w *sim.World) {
			n := w.Node("a", actors.Config{Rank: new(int64(1))})
			var heard []time.Duration
			var ear *actor.PID
			n.With(func(p *sim.Process) {
				ear = p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
					if c.Message() == "hello" {
						heard = append(heard, w.Now())
					}
				}))
			})
			n.Go(func(ctx context.Context, node *actors.Node) {
				time.Sleep(3 * time.Second)
				n.Do(func() { n.Send(ear, "hello") })
				time.Sleep(time.Second)
				if _, err := node.Campaign(ctx, "e"); err != nil {
					return
				}
				n.Do(func() { n.Bounce(2 * time.Second) })
				<-ctx.Done()
				time.Sleep(3 * time.Second)
				n.Do(func() { w.Fail("the dead are silent", errors.New("one of them is not")) })
			})
			w.Run(12 * time.Second)
			hashes = append(hashes, w.Hash())
			if n.Life() != 2 || len(heard) != 2 || heard[0] != 3*time.Second {
				w.Require("Do is done at once", fmt.Errorf("life %d, heard %v", n.Life(), heard))
			}
		})
	}
	if hashes[0] != hashes[1] || hashes[0] != hashes[2] {
		t.Fatalf("three runs of a seed: %x", hashes)
	}
}

// A process that comes up again after the scenario has nothing to run.
func TestNoGoCodeBeginsAfterTheScenario(t *testing.T) {
	sim.Bubble(t, 1, func(w *sim.World) {
		began := 0
		n := w.Node("a", actors.Config{})
		n.Go(func(ctx context.Context, _ *actors.Node) { began++; <-ctx.Done() })
		w.Node("b", actors.Config{}).Go(func(ctx context.Context, _ *actors.Node) {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // the world runs on meanwhile
			if began != 1 {
				w.Fail("nothing begins", fmt.Errorf("Go code began %d times", began))
			}
		})
		w.Run(time.Second)
		n.Bounce(time.Second)
	})
}

// A program that starts its node itself runs as it is: it is given what it would take from
// the machine.
func TestAProgramThatStartsItsNodeItself(t *testing.T) {
	program := func(ctx context.Context, system *actor.ActorSystem, cfg actors.Config, work func(context.Context, *actors.Leadership) error) error {
		node, err := actors.Start(ctx, system, cfg)
		if err != nil {
			return err
		}
		defer func() {
			bye, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = node.Stop(bye)
		}()
		return node.Lead(ctx, "billing", work)
	}
	t.Setenv("HUSTINGS_TWICE", "1") // both start at one instant
	sim.Bubble(t, 30, func(w *sim.World) {
		var leads atomic.Pointer[string]
		for i := range 2 {
			w.Process(fmt.Sprintf("web-%d", i)).Boot(func(p *sim.Process) {
				id := p.ID()
				system, cfg := p.System(), actors.Config{
					ID: id, Rank: new(int64(i)), Host: "sim", PID: 1,
					Redis: redisbridge.Config{Backend: p.Backend(), Clock: p.Clock(), Entropy: p.Rand().Uint64},
				}
				p.Go(func(ctx context.Context) {
					err := program(ctx, system, cfg, func(ctx context.Context, _ *actors.Leadership) error {
						leads.Store(&id)
						<-ctx.Done()
						return nil
					})
					if !errors.Is(err, context.Canceled) {
						w.Fail("the program ends with its context", err)
					}
				})
			})
		}
		led := func(id string) {
			if !w.RunUntil(func() bool { p := leads.Load(); return p != nil && *p == id }, 30*time.Second) {
				w.Require("led", errors.New("not by "+id))
			}
		}
		led("web-1")
		w.Process("web-1").Crash()
		led("web-0")
		w.Process("web-1").Restart()
		led("web-1")
	})
}
