package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
	"hustings/redisbridge"
)

// anyPanic leaves all panics to the supervision.
var anyPanic = sim.TolerateWhen(func(any) bool { return true })

// panics is a log whose handler panics at the next line with that text, n times.
type panics struct {
	at   string
	left int
}

func (p *panics) Enabled(context.Context, slog.Level) bool { return true }

func (p *panics) WithAttrs([]slog.Attr) slog.Handler { return p }

func (p *panics) WithGroup(string) slog.Handler { return p }

func (p *panics) Handle(_ context.Context, r slog.Record) error {
	if r.Message == p.at && p.left > 0 {
		p.left--
		panic("the log's disk is full")
	}
	return nil
}

// returns has Go code of the node make a call, and requires that it returns in time.
func returns(w *sim.World, n *sim.Node, within time.Duration, what string, call func(context.Context, *actors.Node) error) (err error) {
	done := false
	n.Go(func(ctx context.Context, node *actors.Node) { err, done = call(ctx, node), true })
	if !w.RunUntil(func() bool { return done }, within) {
		w.Require(what+" returns", errors.New("it does not"))
	}
	return err
}

func started(w *sim.World, cfg actors.Config) *sim.Node {
	cfg.Quarantine = new(false)
	n := w.Node("a", cfg)
	w.Run(2 * time.Second)
	return n
}

// breakNode has the node's actor panic.
func breakNode(n *sim.Node) { n.Send(n.PID(), (*actors.Subscribe)(nil)) }

func TestStopDoesNotWaitForAnElectionThatWaitsForItsNextStart(t *testing.T) {
	sim.Bubble(t, 5, func(w *sim.World) {
		n := started(w, actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(2 * time.Second)
		n.Send(n.Election("e"), (*actors.Drained)(nil))
		w.Run(time.Millisecond)
		if err := returns(w, n, time.Second, "Stop", func(ctx context.Context, node *actors.Node) error { return node.Stop(ctx) }); err != nil {
			w.Require("Stop", err)
		}
	}, anyPanic)
}

// Whoever asks an election for something is answered also where handling that panics.
func TestWhoseRequestPanicsIsAnswered(t *testing.T) {
	for at, call := range map[string]func(context.Context, *actors.Node) error{
		"Run":   func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") },
		"Stand": func(ctx context.Context, node *actors.Node) error { return node.Stand(ctx, "e") },
	} {
		sim.Bubble(t, 3, func(w *sim.World) {
			log := &panics{at: "transition"}
			n := started(w, actors.Config{Logger: slog.New(log)})
			if at == "Stand" {
				_ = returns(w, n, time.Second, "Run", func(ctx context.Context, node *actors.Node) error {
					return errors.Join(node.Run(ctx, "e"), node.StandDown(ctx, "e"))
				})
			}
			log.left = 1
			if err := returns(w, n, 5*time.Second, at, call); err == nil || log.left > 0 {
				w.Require(at, fmt.Errorf("it says %v; %d panics left", err, log.left))
			}
		}, anyPanic)
	}
}

// Lead goes on where its actor panics when it is told that the work of an ending term has
// returned.
func TestLeadGoesOnWhereTheEndOfItsWorkPanics(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		log := &panics{at: "lost"}
		n := started(w, actors.Config{Logger: slog.New(log)})
		terms := 0
		n.Go(func(ctx context.Context, node *actors.Node) {
			_ = node.Lead(ctx, "e", func(ctx context.Context, _ *actors.Leadership) error {
				terms++
				<-ctx.Done()
				return nil
			})
		})
		if !w.RunUntil(func() bool { return terms == 1 }, 5*time.Second) {
			w.Require("a term", errors.New("none"))
		}
		log.left = 1
		n.Go(func(ctx context.Context, node *actors.Node) { _ = node.Resign(ctx, "e") })
		w.Run(20 * time.Second)
		if terms != 2 || log.left > 0 {
			w.Require("a second term", fmt.Errorf("there were %d; %d panics left", terms, log.left))
		}
	}, anyPanic)
}

// A node that is stopped while it begins anew after a panic stops.
func TestANodeIsStoppedWhileItsActorIsRestarted(t *testing.T) {
	sim.Bubble(t, 30, func(w *sim.World) {
		n := started(w, actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(2 * time.Second)
		w.Require("Run", returns(w, n, time.Second, "Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "one", "two") }))
		stopped := false
		n.Go(func(ctx context.Context, node *actors.Node) {
			<-node.Done()
			stopped = true
		})
		breakNode(n)
		events := w.Seed()
		w.RunUntil(func() bool { events--; return events == 0 }, time.Second)
		n.System().Root.Stop(n.PID())
		w.Run(10 * time.Second)
		if !stopped {
			w.Require("it has stopped", errors.New("it has not"))
		}
	}, anyPanic)
}

// What was run by name runs again after a panic of the node's actor, also where it panics
// again before it is ready.
func TestElectionsByNameOutlastTwoPanicsOfTheNode(t *testing.T) {
	sim.Bubble(t, 10, func(w *sim.World) {
		n := started(w, actors.Config{})
		w.Require("Run", returns(w, n, time.Second, "Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") }))
		breakNode(n)
		w.Run(time.Duration(w.Seed()-1) * 50 * time.Microsecond)
		breakNode(n)
		w.Run(20 * time.Second)
		requireTrue(w, "it leads", n.Handle().Leadership("e").Valid(), "it does not")
	}, anyPanic)
}

// An election whose actor panicked is not run any more, whatever panics next.
func TestAnElectionThatPanickedIsNotRunAgainByAPanicOfTheNode(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		log := &panics{at: "transition"}
		n := started(w, actors.Config{Logger: slog.New(log)})
		call := func(what string, f func(context.Context, *actors.Node) error) error {
			return returns(w, n, 10*time.Second, what, f)
		}
		w.Require("Run", call("Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") }))
		w.Run(time.Second)
		log.left = 1
		_ = call("Resign", func(ctx context.Context, node *actors.Node) error { return node.Resign(ctx, "e") })
		w.Run(time.Second)
		breakNode(n)
		w.Run(20 * time.Second)
		if n.Handle().Leadership("e").Valid() || log.left > 0 {
			w.Require("it does not stand", errors.New("it leads"))
		}
		if err := call("Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") }); err != nil {
			w.Require("Run again", err)
		}
		w.Run(time.Second)
		if !n.Handle().Leadership("e").Valid() {
			w.Require("it leads when it is told to", errors.New("it does not"))
		}
	}, anyPanic)
}

// A node that has failed does not come back, also if its actor panics after that or while it
// tells so.
func TestANodeThatHasFailedDoesNotComeBackByAPanic(t *testing.T) {
	sim.Bubble(t, 2, func(w *sim.World) {
		w.Redis().RefuseClients(&redisbridge.ServerError{Code: "WRONGPASS", Text: "WRONGPASS invalid username-password pair"})
		log := &panics{at: "node failed", left: int(w.Seed() % 2)}
		n := w.Node("a", actors.Config{Logger: slog.New(log), Quarantine: new(false)})
		w.Run(2 * time.Second)
		if n.Handle().Err() == nil {
			w.Require("it fails", errors.New("it does not"))
		}
		w.Redis().RefuseClients(nil)
		breakNode(n)
		w.Run(20 * time.Second)
		err := returns(w, n, time.Second, "Run", func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") })
		if !errors.Is(err, actors.ErrRefused) {
			w.Require("it answers with why", fmt.Errorf("it says %w", err))
		}
		if err := returns(w, n, time.Second, "Stop", func(ctx context.Context, node *actors.Node) error { return node.Stop(ctx) }); err != nil {
			w.Require("Stop", err)
		}
	}, anyPanic)
}

// A heartbeat of a node's last start that is answered in this one says nothing of this one's.
func TestALateHeartbeatOfTheLastStartDoesNotKeepANodeFromLeading(t *testing.T) {
	sim.Test(t, 40, func(w *sim.World) {
		n := started(w, actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
		w.Run(5 * time.Minute)
		w.RunUntil(func() bool {
			lines := w.Trace()
			return strings.HasSuffix(lines[len(lines)-1], "reply heartbeat (1)")
		}, 10*time.Second)
		breakNode(n)
		w.Run(20 * time.Second)
		if !n.Handle().Leadership("e").Valid() {
			n.Tell("e", &actors.Run{})
			w.Run(10 * time.Second)
		}
		requireTrue(w, "it leads", n.Handle().Leadership("e").Valid(), "it does not")
	}, anyPanic)
}

// An observer is counted once, however often its node begins anew.
func TestAnObserverThatHasGoneCostsNothing(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e"})
		w.Run(time.Second)
		looks := func() uint64 {
			before := n.Handle().Counts().Requests
			w.Run(30 * time.Second)
			return n.Handle().Counts().Requests - before
		}
		idle := looks()
		n.Go(func(ctx context.Context, node *actors.Node) {
			ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
			defer cancel()
			leaders, err := node.Observe(ctx, "e")
			for range leaders {
			}
			if err != nil {
				w.Fail("Observe", err)
			}
		})
		w.Run(time.Second)
		breakNode(n)
		w.Run(50 * time.Second)
		if after := looks(); after > idle {
			w.Require("nobody looks", fmt.Errorf("%d requests, %d before", after, idle))
		}
	}, anyPanic)
}

func TestPingDoesNotWaitForAnElectionThatHasStopped(t *testing.T) {
	sim.Bubble(t, 40, func(w *sim.World) {
		n := started(w, actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e"})
		w.Run(time.Second)
		done := false
		n.Go(func(ctx context.Context, node *actors.Node) {
			if err := node.Ping(ctx); err != nil {
				w.Fail("Ping", err)
			}
			done = true
		})
		events := w.Seed()
		w.RunUntil(func() bool { events--; return events == 0 }, 0)
		n.System().Root.Stop(n.Election("e"))
		w.Run(time.Second)
		if !done {
			w.Require("Ping returns", errors.New("it does not"))
		}
	})
}

// Who waits for a node that is not ready is told that it stops, not of its actors.
func TestWhoWaitsForANodeThatIsNotReadyIsToldThatItStops(t *testing.T) {
	sim.Bubble(t, 20, func(w *sim.World) {
		w.Redis().Crash()
		n := w.Node("a", actors.Config{})
		w.Run(time.Second)
		var err error
		n.Go(func(ctx context.Context, node *actors.Node) { err = node.Run(ctx, "e") })
		w.Run(time.Second)
		_ = returns(w, n, time.Second, "Stop", func(ctx context.Context, node *actors.Node) error { return node.Stop(ctx) })
		if !errors.Is(err, actors.ErrStopped) {
			w.Require("Run says so", fmt.Errorf("it says %w", err))
		}
	})
}

func TestANodeThatIsOfflineIsSoAfterAPanic(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		n := started(w, actors.Config{})
		other := w.Node("other", actors.Config{})
		w.Run(5 * time.Second)
		call := func(what string, f func(context.Context, *actors.Node) error) error {
			return returns(w, n, 10*time.Second, what, f)
		}
		run := func(ctx context.Context, node *actors.Node) error { return node.Run(ctx, "e") }
		if err := call("Offline", func(ctx context.Context, node *actors.Node) error { return node.Offline(ctx) }); err != nil {
			w.Require("Offline", err)
		}
		breakNode(n)
		if err := call("Run", run); !errors.Is(err, actors.ErrOffline) {
			w.Require("Run says so", fmt.Errorf("it says %w", err))
		}
		w.Run(20 * time.Second)
		if members := other.Handle().Members(); len(members) != 1 {
			w.Require("it is no member", fmt.Errorf("%v", members))
		}
		if err := call("Online", func(ctx context.Context, node *actors.Node) error {
			return errors.Join(node.Online(ctx), run(ctx, node))
		}); err != nil {
			w.Require("Online", err)
		}
		w.Run(10 * time.Second)
		if members := other.Handle().Members(); len(members) != 2 || !n.Handle().Leadership("e").Valid() {
			w.Require("it is a member, and leads", fmt.Errorf("%v", members))
		}
	}, anyPanic)
}

// A contender that has left is handed no term, also where its withdrawal found no room among
// what waits for the node.
func TestAContenderThatLeftBeforeTheNodeWasReadyIsHandedNoTerm(t *testing.T) {
	for others := range 2 {
		sim.Bubble(t, 2, func(w *sim.World) {
			w.Redis().Crash()
			n := w.Node("a", actors.Config{Quarantine: new(false)})
			w.Run(time.Second)
			n.Go(func(ctx context.Context, node *actors.Node) {
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				for range 63 * others {
					go func() { _ = node.Stand(short, "e") }()
				}
				time.Sleep(time.Millisecond)
				if l, err := node.Campaign(short, "e"); l != nil || !errors.Is(err, context.DeadlineExceeded) {
					w.Fail("Campaign", fmt.Errorf("%v, %w", l, err))
				}
			})
			w.Run(10 * time.Second)
			w.Redis().Restart(false)
			w.Run(20 * time.Second)
			if n.Handle().Leadership("e") != nil {
				w.Require("nobody leads", errors.New("the node does"))
			}
		})
	}
}

// Who contends while the node's actor panics is handed the next term, and nobody else is.
func TestWhoContendsOverAPanicOfTheNodeIsHandedTheTerm(t *testing.T) {
	sim.Bubble(t, 60, func(w *sim.World) {
		n := started(w, actors.Config{})
		n.Stand(actors.ElectionConfig{Name: "e"})
		w.Run(time.Second)
		terms := 0
		n.Go(func(ctx context.Context, node *actors.Node) {
			for range 2 {
				l, err := node.Campaign(ctx, "e")
				if err != nil {
					w.Fail("Campaign", err)
					return
				}
				_ = l.Release(ctx)
				terms++
			}
		})
		events := w.Seed() % 20
		w.RunUntil(func() bool { events--; return events+1 == 0 }, time.Second)
		breakNode(n)
		w.Run(30 * time.Second)
		if terms != 2 {
			w.Require("two terms", fmt.Errorf("%d", terms))
		}
	}, anyPanic)
}

// Who waits for work that does not stop says so at once, and nothing where there is none.
func TestTheLogTellsOfAnEndThatWaitsForItsWork(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		var log bytes.Buffer
		n := started(w, actors.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		terms := 0
		n.Go(func(ctx context.Context, node *actors.Node) {
			_ = node.Lead(ctx, "e", func(ctx context.Context, _ *actors.Leadership) error {
				terms++
				<-ctx.Done()
				time.Sleep(10 * time.Second)
				return nil
			})
		})
		_ = w.RunUntil(func() bool { return terms == 1 }, 5*time.Second)
		n.Go(func(ctx context.Context, node *actors.Node) { _ = node.Quit(ctx, "e") })
		w.Run(time.Second)
		if got := log.String(); !strings.Contains(got, `msg=ending id=a election=e`) || !strings.Contains(got, `cause="told to quit" drain_timeout=30s`) ||
			strings.Contains(got, "msg=lost") {
			w.Require("the log tells of the wait", errors.New(got))
		}
		w.Run(10 * time.Second)
		told := log.Len()
		_ = returns(w, n, 5*time.Second, "Lead", func(ctx context.Context, node *actors.Node) error {
			return node.Lead(ctx, "e", func(context.Context, *actors.Leadership) error { return nil })
		})
		w.Run(time.Second)
		if got := log.String()[told:]; strings.Contains(got, "ending") || !strings.Contains(got, "msg=lost") {
			w.Require("nothing is told where nobody waits", errors.New(got))
		}
	})
}

// A server that takes connections and serves nothing, a replica say, is up and down many times a
// second: who waits for it to be ready says so now and then.
func TestTheLogOfAStartIsNotFilledByAServerThatServesNothing(t *testing.T) {
	sim.Test(t, 3, func(w *sim.World) {
		var log bytes.Buffer
		w.Redis().RefuseAll(&redisbridge.ServerError{Code: "READONLY", Text: "READONLY You can't write against a read only replica."})
		w.Node("a", actors.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		w.Run(29 * time.Second)
		if n := strings.Count(log.String(), "waiting for Redis"); n != 3 {
			w.Require("the log tells every 10 s", fmt.Errorf("%d lines in 29 s, want 3:\n%s", n, log.String()))
		}
		w.Redis().RefuseAll(nil)
		w.Run(5 * time.Second)
		if got := log.String(); !strings.Contains(got, "node ready") {
			w.Require("ready in the end", errors.New(got))
		}
	})
}

// What is the same for all elections of a node is said of one of them: an outage would fill the
// log of a node that has thousands.
func TestTheLogTellsOfOneElectionWhatIsSoOfAll(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		var log bytes.Buffer
		n := w.Node("a", actors.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		told := func(cause string) {
			for level, want := range map[string]int{"WARN": 1, "DEBUG": 4} {
				line := regexp.MustCompile("level=" + level + " msg=inconclusive id=a election=e. cause=\"" + cause)
				if got := line.FindAllString(log.String(), -1); len(got) != want {
					w.Require("one is told at "+level, fmt.Errorf("%d, not %d: %q", len(got), want, got))
				}
			}
			log.Reset()
		}
		for i := range 5 {
			n.Stand(actors.ElectionConfig{Name: fmt.Sprint("e", i), Run: true})
		}
		w.Run(20 * time.Second)
		told("the dataset is new")
		w.Redis().Crash()
		w.Run(20 * time.Second)
		told("Redis is unreachable")
	})
}

// Nor does one hung node fill it that spoils the rounds of thousands.
func TestTheLogTellsOfSomeRoundsThatOneNodeHasSpoilt(t *testing.T) {
	sim.Bubble(t, 3, func(w *sim.World) {
		var log bytes.Buffer
		last := w.Node("a", actors.Config{
			Rank: new(int64(1)), TTL: 10 * time.Second,
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		hung := w.Node("b", actors.Config{Rank: new(int64(2)), TTL: 10 * time.Second})
		first := w.Node("c", actors.Config{Rank: new(int64(3)), TTL: 10 * time.Second})
		for _, n := range []*sim.Node{first, hung, last} {
			for i := range 20 {
				n.Stand(actors.ElectionConfig{Name: fmt.Sprint("e", i), Run: true})
			}
		}
		w.Run(time.Minute)
		log.Reset()
		first.Crash()
		w.Run(6 * time.Second)
		hung.Pause(8 * time.Second)
		w.Run(8 * time.Second)
		for level, want := range map[string]int{"WARN": 16, "DEBUG": 4} {
			line := regexp.MustCompile("level=" + level + " msg=inconclusive id=a election=e.* cause=\"b .rank 2. did not answer")
			if got := line.FindAllString(log.String(), -1); len(got) != want {
				w.Require("some are told at "+level, fmt.Errorf("%d, not %d: %s", len(got), want, log.String()))
			}
		}
	})
}
