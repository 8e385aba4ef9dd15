package sim_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// A bubble fails the test that it was called in, so what it says then is read from a child.

// failingVariable names, for the child, which of the failing scenarios to run.
const failingVariable = "HUSTINGS_TEST_FAILING"

// failing is what must fail, with what it must say. Seed 3 is the one that fails.
var failing = map[string]struct {
	run  func(t *testing.T)
	says []string
}{
	"Fail in Go code": {
		inGoCode(func(_ *testing.T, w *sim.World) { w.Fail("mine", errors.New("something is wrong")) }),
		[]string{"mine: something is wrong", "failed at 20s", "FAILED mine something is wrong"},
	},
	"panic in Go code": {
		inGoCode(func(*testing.T, *sim.World) { panic("ouch") }),
		[]string{"failed at 20s", "no panic: Go code of", "panicked: ouch", "inGoCode"},
	},
	"Fatal in Go code": {
		inGoCode(func(t *testing.T, _ *sim.World) { t.Fatal("wrong value") }),
		[]string{"wrong value", "failed at 20s", "Go code returns: a function of Go, of", "t.Fatal"},
	},
	"panic in the scenario": {
		inScenario(func(*testing.T, *sim.World) { panic("ouch") }),
		[]string{"failed at 1s", "no panic: the scenario panicked: ouch", "inScenario"},
	},
	"Fatal in the scenario": {
		inScenario(func(t *testing.T, _ *sim.World) { t.Fatal("wrong value") }),
		[]string{"wrong value", "the scenario returns: ", "t.Fatal"},
	},
	"Fatal in a scenario without Go code": {
		func(t *testing.T) {
			sim.Test(t, 3, func(w *sim.World) {
				if w.Seed() == 3 {
					t.Fatal("wrong value")
				}
			})
		},
		[]string{"wrong value", "the scenario returns: ", "t.Fatal"},
	},
	"Fail at the end of the scenario": {
		inScenario(func(_ *testing.T, w *sim.World) { w.Fail("mine", errors.New("something is wrong")) }),
		[]string{"mine: something is wrong"},
	},
	"Go code that waits for ever": {
		inGoCode(func(*testing.T, *sim.World) { select {} }),
		[]string{"Go code ends: 2 functions of Go have not returned 1m0s after", "inGoCode", "select (no cases)"},
	},
	"a failure of a goroutine that Go code has left": {
		inGoCode(func(_ *testing.T, w *sim.World) {
			go func() {
				time.Sleep(30 * time.Second)
				w.Fail("mine", errors.New("something is wrong"))
			}()
		}),
		[]string{"mine: something is wrong"},
	},
	"Go code that sleeps for ever": {
		inGoCode(func(*testing.T, *sim.World) {
			for {
				time.Sleep(time.Second)
			}
		}),
		[]string{"Go code ends: 2 functions of Go have not returned 1m0s after", "inGoCode", "time.Sleep"},
	},
	"a goroutine of Go code that waits for ever": {
		inGoCode(func(*testing.T, *sim.World) { go waitForever() }),
		[]string{"Go code ends: goroutines are left in the bubble 1m0s after all contexts ended", "waitForever"},
	},
	"a scenario that waits for ever": {
		inScenario(func(*testing.T, *sim.World) { waitForever() }),
		[]string{"no deadlock: ", "waitForever"},
	},
	"a scenario that sleeps": {
		inScenario(func(_ *testing.T, w *sim.World) { time.Sleep(time.Minute); w.Run(time.Second) }),
		[]string{"the scenario slept or waited for 1m0s", "World.Run", "called at bubble_fail_test.go:"},
	},
	"a scenario that sleeps at its end": {
		inScenario(func(*testing.T, *sim.World) { time.Sleep(time.Minute) }),
		[]string{"the scenario slept or waited for 1m0s", "World.Run"},
	},
	"a scenario that gives up waiting": {
		inScenario(func(_ *testing.T, w *sim.World) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			<-ctx.Done()
			w.RunUntil(func() bool { return true }, time.Second)
		}),
		[]string{"the scenario slept or waited for 5s", "World.Run", "called at bubble_fail_test.go:"},
	},
	"a bubble that is never run": {
		func(t *testing.T) {
			sim.Bubble(t, 3, func(w *sim.World) {
				if w.Node("a", actors.Config{}); w.Seed() != 3 {
					w.Run(time.Second)
				}
			})
		},
		[]string{"the scenario returned before anything could happen", "World.Run"},
	},
	"a world that is never run": {
		func(t *testing.T) {
			sim.Test(t, 3, func(w *sim.World) {
				if w.Storm(time.Minute, sim.Storm{}); w.Seed() != 3 {
					w.Run(time.Second)
				}
			})
		},
		[]string{"the scenario returned before anything could happen", "World.Run"},
	},
	"work that does not end with its term": {
		func(t *testing.T) {
			sim.Bubble(t, 3, func(w *sim.World) {
				var workers atomic.Int64
				for i := range 2 {
					w.Node(strconv.Itoa(i), actors.Config{Rank: new(int64(i))}).Go(func(ctx context.Context, node *actors.Node) {
						_ = node.Lead(ctx, "e", func(ctx context.Context, _ *actors.Leadership) error {
							workers.Add(1)
							defer workers.Add(-1)
							if <-ctx.Done(); w.Seed() == 3 {
								time.Sleep(2 * time.Second)
							}
							return nil
						})
					})
				}
				w.Every("one works", func() error {
					if k := workers.Load(); k > 1 {
						return fmt.Errorf("%d do", k)
					}
					return nil
				})
				w.Run(10 * time.Second)
				w.Partition(w.Process("1"))
				w.Run(10 * time.Second)
			})
		},
		[]string{"one works: 2 do"},
	},
	"Fail in the farewell": {
		func(t *testing.T) {
			sim.Bubble(t, 3, func(w *sim.World) {
				w.Node("a", actors.Config{}).Go(func(ctx context.Context, _ *actors.Node) {
					<-ctx.Done()
					time.Sleep(time.Second)
					if w.Seed() == 3 {
						w.Fail("mine", errors.New("something is wrong"))
					}
				})
				w.Run(time.Second)
			})
		},
		[]string{"mine: something is wrong", "failed at 2s"},
	},
	"Fail without an error": {
		inGoCode(func(_ *testing.T, w *sim.World) { w.Fail("mine", nil) }),
		[]string{"mine: failed without an error", "failed at 20s", "FAILED mine"},
	},
	"the scenario's calls in Go code": {
		func(t *testing.T) {
			sim.Bubble(t, 3, func(w *sim.World) {
				n := w.Node("a", actors.Config{})
				n.Stand(actors.ElectionConfig{Name: "e"})
				redis, old := w.Redis(), w.Original("o", 7, sim.OriginalConfig{})
				n.Go(func(context.Context, *actors.Node) {
					if w.Seed() == 3 {
						for name, call := range scenarios(w, n, redis, old) {
							returned := make(chan bool, 1)
							go func() {
								defer func() { returned <- false }()
								call()
								returned <- true
							}()
							if <-returned {
								fmt.Println("\npanic: " + name + " was not refused")
							}
						}
					}
				})
				w.Run(time.Second)
			})
		},
		[]string{"the kit is used as documented: ", " from Go code", "Process.Do", "called at bubble_fail_test.go:"},
	},
	"a message from Go code": {
		inGoCodeOf(func(n *sim.Node) { n.System().Root.Send(n.PID(), &actors.Run{}) }),
		[]string{"the kit is used as documented: ", "actor.RootContext.Send from Go code", "Process.Do", "called at bubble_fail_test.go:"},
	},
	"the end of an actor from Go code": {
		inGoCodeOf(func(n *sim.Node) { n.System().Root.Stop(n.PID()) }),
		[]string{"the kit is used as documented: ", "actor.RootContext.Stop from Go code", "called at bubble_fail_test.go:"},
	},
	"Attach in Go code": {
		inGoCodeOf(func(n *sim.Node) { _, _ = actors.Attach(context.Background(), n.System(), n.PID()) }),
		[]string{"the kit is used as documented: ", "actors.Attach from Go code", "called at bubble_fail_test.go:"},
	},
	"another trace": {
		func(t *testing.T) {
			t.Setenv("HUSTINGS_TWICE", "1")
			runs := 0
			sim.Bubble(t, 5, func(w *sim.World) {
				if runs++; w.Seed() == 3 {
					w.Note(nil, "run", strconv.Itoa(runs))
				}
				w.Run(time.Second)
			})
		},
		[]string{
			"seed 3 is not deterministic", "they part at once", "the first run: 0.000000 world run 5 the second run:",
			"the second run: 0.000000 world run 6 What two runs", "the order of a map",
		},
	},
	"another trace without goroutines": {
		func(t *testing.T) {
			t.Setenv("HUSTINGS_TWICE", "1")
			t.Setenv("HUSTINGS_SEED", "3")
			runs := 0
			sim.Test(t, 5, func(w *sim.World) {
				w.Note(nil, "both", "do this")
				w.Run(time.Second)
				if runs++; runs == 2 {
					w.Note(nil, "one", "does this")
				}
			})
		},
		[]string{
			"seed 3 is not deterministic", "they are the same up to 0.000000 world both do this the first run:",
			"the first run: (it ends there) the second run: 1.000000 world one does this What two runs",
		},
	},
	"another trace without a line": {
		func(t *testing.T) {
			t.Setenv("HUSTINGS_TWICE", "1")
			t.Setenv("HUSTINGS_SEED", "3")
			runs := time.Duration(0)
			sim.Test(t, 5, func(w *sim.World) {
				runs++
				w.At(runs*time.Second, func() { w.Process("a").Do(func() {}) })
				w.Run(10 * time.Second)
				w.Note(nil, "both", "do this")
			})
		},
		[]string{"seed 3 is not deterministic", "both do this", "by an event that has no line"},
	},
}

// scenarios are calls that belong to the scenario.
func scenarios(w *sim.World, n *sim.Node, redis *sim.Redis, old *sim.Original) map[string]func() {
	return map[string]func(){
		"World.After":           func() { w.After(0, func() {}) },
		"World.At":              func() { w.At(0, func() {}) },
		"World.Calm":            func() { w.Calm() },
		"World.Every":           func() { w.Every("mine", func() error { return nil }) },
		"World.Hold":            func() { w.Hold() },
		"World.HoldOneway":      func() { w.HoldOneway(n.Process, sim.ToRedis) },
		"World.Node":            func() { w.Node("b", actors.Config{}) },
		"World.Note":            func() { w.Note(nil, "a", "b") },
		"World.Original":        func() { w.Original("c", 1, sim.OriginalConfig{}) },
		"World.Partition":       func() { w.Partition() },
		"World.PartitionOneway": func() { w.PartitionOneway(n.Process, sim.ToRedis) },
		"World.Process":         func() { w.Process("a") },
		"World.Rand":            func() { w.Rand() },
		"World.Recover":         func() { w.Recover() },
		"World.Redis":           func() { w.Redis() },
		"World.Rejoin":          func() { w.Rejoin() },
		"World.Release":         func() { w.Release() },
		"World.Repair":          func() { w.Repair() },
		"World.Require":         func() { w.Require("mine", nil) },
		"World.Run":             func() { w.Run(time.Second) },
		"World.RunUntil":        func() { w.RunUntil(func() bool { return true }, time.Second) },
		"World.SetWeather":      func() { w.SetWeather(sim.Weather{}) },
		"World.Storm":           func() { w.Storm(time.Second, sim.Storm{}) },
		"World.Tell":            func() { w.Tell(nil) },
		"World.Waive":           func() { w.Waive(sim.RuleOneLeader) },
		"Process.Boot":          func() { n.Boot(nil) },
		"Process.Bounce":        func() { n.Bounce(time.Second) },
		"Process.Crash":         func() { n.Crash() },
		"Process.Go":            func() { n.Process.Go(func(context.Context) {}) },
		"Process.Intercept":     func() { n.Intercept(nil) },
		"Process.JumpWall":      func() { n.JumpWall(time.Second) },
		"Process.Pause":         func() { n.Pause(time.Second) },
		"Process.Rand":          func() { n.Rand() },
		"Process.Restart":       func() { n.Restart() },
		"Process.Resume":        func() { n.Resume() },
		"Process.Send":          func() { n.Send(n.PID(), &actors.Run{}) },
		"Process.SetDrift":      func() { n.SetDrift(1) },
		"Process.Slow":          func() { n.Slow(time.Second) },
		"Process.Spawn":         func() { n.Spawn(actors.NodeProps(actors.Config{})) },
		"Process.SpawnNamed":    func() { _, _ = n.SpawnNamed(actors.NodeProps(actors.Config{}), "x") },
		"a spawn in its system": func() { n.System().Root.Spawn(actors.NodeProps(actors.Config{})) },
		"Process.Suspend":       func() { n.Suspend(time.Second) },
		"Node.Ask":              func() { n.Ask("e", &actors.Run{}, func(error) {}) },
		"Node.Go":               func() { n.Go(func(context.Context, *actors.Node) {}) },
		"Node.Stand":            func() { n.Stand(actors.ElectionConfig{Name: "f"}) },
		"Node.Tell":             func() { n.Tell("e", &actors.Run{}) },
		"Node.Watch":            func() { n.Watch(func(actors.Event) {}) },
		"Node.With":             func() { n.With(func(*sim.Process) {}) },
		"Redis.Bounce":          func() { redis.Bounce(time.Second, true) },
		"Redis.Crash":           func() { redis.Crash() },
		"Redis.Do":              func() { _, _ = redis.Do("GET", "x") },
		"Redis.Failover":        func() { redis.Failover(0, 0) },
		"Redis.FlushAll":        func() { redis.FlushAll() },
		"Redis.Restart":         func() { redis.Restart(true) },
		"Redis.Split":           func() { redis.Split(0) },
		"Original.Run":          func() { old.Run("e") },
	}
}

func waitForever() { <-make(chan int) }

// inScenario has a scenario with Go code do something wrong at its end.
func inScenario(wrong func(*testing.T, *sim.World)) func(*testing.T) {
	return func(t *testing.T) {
		sim.Bubble(t, 5, func(w *sim.World) {
			w.Node("a", actors.Config{}).Go(func(ctx context.Context, _ *actors.Node) { <-ctx.Done() })
			w.Run(time.Second)
			if w.Seed() == 3 {
				wrong(t, w)
			}
		})
	}
}

// inGoCode has two nodes' Go code do something wrong after 20 s, both at once.
func inGoCode(wrong func(*testing.T, *sim.World)) func(*testing.T) {
	return func(t *testing.T) {
		sim.Bubble(t, 5, func(w *sim.World) {
			for _, id := range []string{"a", "b"} {
				w.Node(id, actors.Config{}).Go(func(context.Context, *actors.Node) {
					for w.Now() < 20*time.Second {
						time.Sleep(100 * time.Millisecond)
					}
					if w.Seed() == 3 {
						wrong(t, w)
					}
				})
			}
			w.Run(30 * time.Second)
		})
	}
}

// inGoCodeOf has Go code of a node do something wrong when it has slept.
func inGoCodeOf(wrong func(*sim.Node)) func(*testing.T) {
	return func(t *testing.T) {
		sim.Bubble(t, 5, func(w *sim.World) {
			n := w.Node("a", actors.Config{})
			n.Go(func(context.Context, *actors.Node) {
				if time.Sleep(time.Second); w.Seed() == 3 {
					wrong(n)
				}
			})
			w.Run(3 * time.Second)
		})
	}
}

// TestFailing is the child; otherwise it does nothing.
func TestFailing(t *testing.T) {
	if f, ok := failing[os.Getenv(failingVariable)]; ok {
		f.run(t)
	}
}

// Whatever goes wrong in a bubble, its seed is named, and the binary goes on with the next test.
func TestWhatFailsInABubbleNamesItsSeed(t *testing.T) {
	for name, f := range failing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run", "^TestFailing$", "-test.timeout", "1m") //nolint:gosec // ourselves
			cmd.Env = append(os.Environ(), failingVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("it passed:\n%s", out)
			}
			words := strings.Join(strings.Fields(string(out)), " ")
			for _, text := range append([]string{"seed 3"}, f.says...) {
				if !strings.Contains(words, text) {
					t.Errorf("it does not say %q", text)
				}
			}
			for _, text := range []string{"\npanic: ", "fatal error: ", "DATA RACE", "synctest.Run(", "testingSynctestTest("} {
				if strings.Contains("\n"+string(out), text) {
					t.Errorf("it says %q", text)
				}
			}
			if t.Failed() {
				t.Logf("it says:\n%s", out)
			}
		})
	}
}
