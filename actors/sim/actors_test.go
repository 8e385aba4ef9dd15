package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors/sim"
)

type ball struct{ left int }

// player returns a ball until it has gone back and forth often enough.
func player(w *sim.World, p *sim.Process) *actor.Props {
	return actor.PropsFromFunc(func(c actor.Context) {
		if b, ok := c.Message().(*ball); ok && b.left > 0 {
			w.Note(p, "ball", fmt.Sprint(b.left))
			c.Request(c.Sender(), &ball{b.left - 1})
		}
	})
}

func pingPong(w *sim.World) {
	a, b := w.Process("a"), w.Process("b")
	left, right := a.Spawn(player(w, a)), b.Spawn(player(w, b))
	for i := range 4 {
		b.Clock().AfterFunc(time.Duration(i)*time.Second, func() {
			b.System().Root.RequestWithCustomSender(right, &ball{50}, left)
		})
	}
	// Two systems do not know each other's names: each player gets its own pair.
	c := w.Process("c")
	one, two := c.Spawn(player(w, c)), c.Spawn(player(w, c))
	c.System().Root.RequestWithCustomSender(one, &ball{50}, two)
	w.Run(time.Minute)
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	hashes := make(map[uint64]uint64)
	for seed := range uint64(20) {
		for range 2 {
			w := sim.New(t, seed)
			pingPong(w)
			if known, ok := hashes[seed]; ok && known != w.Hash() {
				t.Fatalf("seed %d: %x, then %x", seed, known, w.Hash())
			}
			hashes[seed] = w.Hash()
			w.Close()
		}
	}
	different := make(map[uint64]bool)
	for _, h := range hashes {
		different[h] = true
	}
	if len(different) != len(hashes) {
		t.Errorf("%d seeds gave %d traces", len(hashes), len(different))
	}
}

func TestChildrenRunInTheirParentsProcess(t *testing.T) {
	w := sim.New(t, 1)
	p := w.Process("a")
	var events []string
	child := actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *actor.Stopped:
			events = append(events, "child stopped")
		case string:
			events = append(events, "child heard "+m)
		}
	})
	parent := p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *actor.Started:
			c.Spawn(child)
		case *actor.Stopped:
			events = append(events, "parent stopped")
		case string:
			for _, pid := range c.Children() {
				c.Send(pid, m)
			}
		}
	}))
	p.Send(parent, "hello")
	if len(events) != 0 {
		t.Fatalf("something ran outside the scheduler: %q", events)
	}
	w.Run(time.Second)
	p.System().Root.Stop(parent)
	w.Run(time.Second)
	if got := strings.Join(events, ", "); got != "child heard hello, child stopped, parent stopped" {
		t.Error(got)
	}
}

func TestAPanicFailsTheWorld(t *testing.T) {
	w := sim.New(nil, 7)
	defer w.Close()
	p := w.Process("a")
	p.Send(p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if _, ok := c.Message().(string); ok {
			panic("ouch")
		}
	})), "go")
	w.Run(time.Second)
	if w.Err() == nil || !strings.Contains(w.Report(), "seed 7") || !strings.Contains(w.Report(), "ouch") {
		t.Errorf("%v", w.Err())
	}
}

func TestATolratedPanicIsSupervised(t *testing.T) {
	w := sim.New(t, 7, sim.TolerateWhen(func(reason any) bool { return reason == "ouch" }))
	p := w.Process("a")
	started := 0
	pid := p.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			switch c.Message().(type) {
			case *actor.Started:
				started++
			case string:
				panic("ouch")
			}
		})
	}))
	for i := range 50 { // more than the stock strategy allows in ten real seconds
		w.After(time.Duration(i)*time.Minute, func() { p.Send(pid, "go") })
	}
	w.Run(time.Hour)
	if started != 51 {
		t.Errorf("started %d times", started)
	}
}

func TestADeadLetterIsAnsweredWithoutRealTime(t *testing.T) {
	w := sim.New(t, 7)
	p := w.Process("a")
	var heard []string
	gone := p.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	p.System().Root.Stop(gone)
	w.Run(time.Second)
	p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *actor.Started:
			c.Watch(gone)
			c.Request(gone, "anybody?")
		case *actor.Terminated, *actor.DeadLetterResponse:
			heard = append(heard, fmt.Sprintf("%T", m))
		}
	}))
	w.Run(time.Second)
	if len(heard) != 2 {
		t.Errorf("heard %q", heard)
	}
}

func TestACrashTakesMessagesAndTimersAlong(t *testing.T) {
	w := sim.New(t, 3)
	p := w.Process("a")
	ticks, lives := 0, 0
	var old *actor.PID
	p.Boot(func(p *sim.Process) {
		lives++
		pid := p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			if _, ok := c.Message().(string); ok {
				ticks++
			}
		}))
		if old == nil {
			old = pid
		}
		p.Clock().AfterFunc(2*time.Second, func() { p.Send(pid, "tick") })
	})
	w.Run(time.Second)
	p.Bounce(5 * time.Second)
	w.Run(6 * time.Second)
	if lives != 2 || ticks != 0 {
		t.Fatalf("%d lives, %d ticks", lives, ticks)
	}
	p.Send(old, "to the dead")
	w.Run(3 * time.Second)
	if ticks != 1 {
		t.Errorf("%d ticks", ticks)
	}
}

func TestAPauseKeepsTheOrder(t *testing.T) {
	sim.Test(t, 50, func(w *sim.World) {
		p := w.Process("a")
		next, bad := 0, error(nil)
		pid := p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			if n, ok := c.Message().(int); ok {
				if n != next {
					bad = fmt.Errorf("got %d, want %d", n, next)
				}
				next++
			}
		}))
		w.Every("order", func() error { return bad })
		for i := range 1000 {
			w.After(time.Duration(i)*time.Millisecond, func() { p.Do(func() { p.Send(pid, i) }) })
		}
		w.After(100*time.Millisecond, func() { p.Pause(300 * time.Millisecond) })
		w.After(600*time.Millisecond, func() { p.Slow(5 * time.Millisecond) })
		w.Run(350 * time.Millisecond)
		if next > 110 {
			w.Require("paused", fmt.Errorf("%d messages handled in a pause", next))
		}
		w.Run(10 * time.Second)
		if next != 1000 {
			w.Require("all", fmt.Errorf("%d messages handled", next))
		}
	})
}

func TestZenoIsFound(t *testing.T) {
	w := sim.New(nil, 1)
	defer w.Close()
	p := w.Process("a")
	p.Send(p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(string); ok {
			c.Send(c.Self(), m)
		}
	})), "again")
	w.Run(time.Second)
	if w.Err() == nil || w.Now() != 0 {
		t.Error("a world without time went on")
	}
}

func TestTestReportsTheLowestSeed(t *testing.T) {
	var rec recorder
	func() {
		defer func() { _ = recover() }()
		sim.Test(&rec, 100, func(w *sim.World) {
			w.Run(time.Second)
			if w.Seed()%10 == 3 {
				w.Require("rule", errors.New("broken"))
			}
		})
	}()
	if !strings.Contains(rec.said, "seed 3 failed") || !strings.Contains(rec.said, "rule: broken") {
		t.Error(rec.said)
	}
}

type recorder struct{ said string }

func (*recorder) Helper()        {}
func (*recorder) Cleanup(func()) {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	panic(r.said)
}

func BenchmarkPingPong(b *testing.B) {
	w := sim.New(b, 1)
	p := w.Process("a")
	one, two := p.Spawn(actor.PropsFromFunc(bounce)), p.Spawn(actor.PropsFromFunc(bounce))
	p.System().Root.RequestWithCustomSender(one, &ball{}, two)
	p.Clock().AfterFunc(0, func() {})
	b.ReportAllocs()
	tick(w, p)
	b.ResetTimer()
	start := w.Events()
	for w.Events()-start < uint64(b.N) {
		w.Run(time.Millisecond)
		p.System().Root.RequestWithCustomSender(one, &ball{}, two)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

var theBall = &ball{}

func bounce(c actor.Context) {
	if b, ok := c.Message().(*ball); ok && b.left < 1000 {
		b.left++
		c.Request(c.Sender(), b)
	}
	_ = theBall
}

// tick keeps a timer running, as nodes do.
func tick(w *sim.World, p *sim.Process) {
	p.Clock().AfterFunc(time.Millisecond, func() { tick(w, p) })
}
