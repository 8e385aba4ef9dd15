package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hustings/actors/sim"
	"hustings/redisbridge"
)

// client is a process that keeps a connection and a subscription to a channel
// open and counts in a key.
type client struct {
	p      *sim.Process
	conn   redisbridge.Conn
	sent   int
	ok     int
	failed int
	err    error
	heard  []string
	ups    int
	ended  []error
	enough bool // sends nothing more
	light  bool // leaves no trace of each single command in Redis
}

func newClient(w *sim.World, id string) *client {
	c := &client{p: w.Process(id)}
	c.p.Boot(func(p *sim.Process) {
		b := p.Backend()
		c.connect(b)
		c.subscribe(b)
	})
	return c
}

func (c *client) connect(b redisbridge.Backend) {
	b.Connect(func(conn redisbridge.Conn, err error) {
		if c.conn = conn; err != nil {
			c.err, c.conn = err, nil
			c.p.Clock().AfterFunc(50*time.Millisecond, func() { c.connect(b) })
			return
		}
		c.incr(b)
	})
}

func (c *client) incr(b redisbridge.Backend) {
	if c.enough {
		return
	}
	c.sent++
	member := fmt.Sprintf("%s-%d", c.p.ID(), c.sent)
	words := []string{"SADD", "done", member}
	if c.light {
		words = []string{"SET", c.p.ID(), member}
	}
	c.conn.Do([]redisbridge.Command{{Args: words}}, func(r []redisbridge.Reply, err error) {
		if err != nil {
			c.failed++
			c.err = err
			c.conn.Close()
			c.connect(b)
			return
		}
		if r[0].Err == nil {
			c.ok++
		}
		c.p.Clock().AfterFunc(10*time.Millisecond, func() { c.incr(b) })
	})
}

func (c *client) subscribe(b redisbridge.Backend) {
	b.Subscribe([]string{"news"}, redisbridge.SubscriptionHandler{
		Confirmed: func() { c.ups++ },
		Message:   func(_, payload string) { c.heard = append(c.heard, payload) },
		Ended: func(err error) {
			c.ended = append(c.ended, err)
			c.p.Clock().AfterFunc(50*time.Millisecond, func() { c.subscribe(b) })
		},
	})
}

func (c *client) done() int64 {
	n, _ := c.p.World().Redis().Do("SCARD", "done")
	return n.(int64)
}

func TestFineWeather(t *testing.T) {
	w := sim.New(t, 1)
	c := newClient(w, "a")
	w.Run(time.Second)
	if n, _ := w.Redis().Do("PUBLISH", "news", "hello"); n != int64(1) {
		t.Errorf("%v subscribers", n)
	}
	w.Run(time.Second)
	if c.failed != 0 || c.ok < 150 || len(c.heard) != 1 || c.ups != 1 || len(c.ended) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAPartitionIsSilenceUntilTheTimeout(t *testing.T) {
	w := sim.New(t, 1, sim.ClientTimeout(time.Second))
	c := newClient(w, "a")
	w.Run(time.Second)
	before := c.ok
	w.Partition(c.p)
	w.Run(900 * time.Millisecond)
	if c.failed != 0 || c.ok > before+1 {
		t.Fatalf("%d failed, %d more", c.failed, c.ok-before)
	}
	w.Run(5 * time.Second)
	if c.failed != 1 || c.err == nil || len(c.ended) != 0 {
		t.Fatalf("%d failed (%v), subscription ended %v", c.failed, c.err, c.ended)
	}
	if n, _ := w.Redis().Do("PUBLISH", "news", "stuck"); n != int64(1) {
		t.Errorf("the server knows of %v subscribers", n)
	}
	w.Repair()
	w.Run(2 * time.Second)
	if c.ok < before+50 {
		t.Error("no recovery")
	}
}

func TestALostReplyMeansExecuted(t *testing.T) {
	// Where the last command of the client was under way still when it was counted, as
	// with seed 73, it was missed.
	sim.Test(t, 100, func(w *sim.World) {
		c := newClient(w, "a")
		w.Run(time.Second)
		w.SetWeather(sim.Weather{LoseReply: 1})
		w.Run(100 * time.Millisecond)
		w.SetWeather(sim.Weather{})
		w.Run(2 * time.Second)
		c.enough = true
		w.Run(time.Second)
		if c.failed == 0 || c.done() != int64(c.sent) {
			w.Require("executed", fmt.Errorf("%d sent, %d done, %d failed", c.sent, c.done(), c.failed))
		}
	})
}

func TestAGivenUpCommandMayTakeEffectLate(t *testing.T) {
	late, never := false, false
	for seed := range uint64(40) {
		w := sim.New(t, seed)
		c := newClient(w, "a")
		w.Run(time.Second)
		w.PartitionOneway(c.p, sim.ToRedis)
		w.Run(3 * time.Second)
		sent, done := c.sent, c.done()
		if done >= int64(sent) || c.failed == 0 {
			t.Fatalf("seed %d: %d sent, %d done", seed, sent, done)
		}
		c.p.Pause(0)
		w.Repair()
		w.Run(3 * time.Second)
		if c.done() > done {
			late = true
		} else {
			never = true
		}
	}
	if !late || !never {
		t.Errorf("late %v, never %v", late, never)
	}
}

func TestRedisDown(t *testing.T) {
	w := sim.New(t, 1)
	c := newClient(w, "a")
	w.Run(time.Second)
	w.Redis().Bounce(3*time.Second, false)
	w.Run(time.Second)
	if len(c.ended) == 0 || c.conn != nil {
		t.Errorf("ended %v, connection %v", c.ended, c.conn)
	}
	ok := c.ok
	w.Run(4 * time.Second)
	if c.ok < ok+50 {
		t.Error("no recovery")
	}
	if n, _ := w.Redis().Do("PUBLISH", "news", "x"); n != int64(1) {
		t.Errorf("%v subscribers", n)
	}
}

func TestACrashClosesConnections(t *testing.T) {
	w := sim.New(t, 1)
	c := newClient(w, "a")
	w.Run(time.Second)
	c.p.Crash()
	w.Run(time.Second)
	if n, _ := w.Redis().Do("PUBLISH", "news", "x"); n != int64(0) {
		t.Errorf("%v subscribers", n)
	}
	c.p.Restart()
	w.Run(time.Second)
	if c.ups != 2 {
		t.Errorf("up %d times", c.ups)
	}
}

func TestRefusals(t *testing.T) {
	w := sim.New(t, 1)
	w.Redis().Forbid("SUBSCRIBE")
	c := newClient(w, "a")
	w.Run(time.Second)
	var said *redisbridge.ServerError
	if len(c.ended) == 0 || !errors.As(c.ended[0], &said) || said.Code != "NOPERM" {
		t.Errorf("%v", c.ended)
	}
	w.Redis().RefuseClients(&redisbridge.ServerError{Code: "WRONGPASS", Text: "WRONGPASS no"})
	w.Redis().Kill(c.p)
	w.Run(time.Second)
	if !errors.As(c.err, &said) || said.Code != "WRONGPASS" {
		t.Errorf("%v", c.err)
	}
	w.Calm()
	ok := c.ok
	w.Run(time.Second)
	if c.ok == ok || c.ups != 1 {
		t.Errorf("%d ok, up %d times", c.ok-ok, c.ups)
	}
}

func TestPubSubFaults(t *testing.T) {
	w := sim.New(t, 1)
	c := newClient(w, "a")
	w.Run(time.Second)
	publish := func(weather sim.Weather) []string {
		w.SetWeather(weather)
		c.heard = nil
		for i := range 100 {
			_, _ = w.Redis().Do("PUBLISH", "news", fmt.Sprintf("%02d", i))
		}
		w.Run(time.Minute)
		return c.heard
	}
	sorted := func(s []string) bool {
		for i := 1; i < len(s); i++ {
			if s[i] < s[i-1] {
				return false
			}
		}
		return true
	}
	if n := publish(sim.Weather{LosePubSub: 0.5}); len(n) < 30 || len(n) > 70 || !sorted(n) {
		t.Errorf("lost: %d", len(n))
	}
	if n := publish(sim.Weather{DuplicatePubSub: 0.5}); len(n) < 130 || len(n) > 170 || !sorted(n) {
		t.Errorf("doubled: %d", len(n))
	}
	if n := publish(sim.Weather{DelayPubSub: 0.5}); len(n) != 100 || !sorted(n) {
		t.Errorf("delayed: %d", len(n))
	}
	if n := publish(sim.Weather{ReorderPubSub: 0.5}); len(n) != 100 || sorted(n) {
		t.Errorf("out of order: %d", len(n))
	}
}

// After any storm the fleet works again, and no reply was a lie.
func TestStorms(t *testing.T) {
	sim.Test(t, 60, func(w *sim.World) {
		clients := []*client{newClient(w, "a"), newClient(w, "b"), newClient(w, "c")}
		for _, c := range clients {
			c.light = true
		}
		w.Run(time.Second)
		hazards := w.Storm(30*time.Second, sim.Storm{})
		w.Run(45 * time.Second)
		for _, c := range clients {
			before := c.ok
			w.Run(time.Second)
			if c.ok < before+50 {
				w.Require("recovery", fmt.Errorf("%s did %d after %q", c.p.ID(), c.ok-before, hazards))
			}
		}
		// These clients would never notice a subscription that went silent.
		if n, _ := w.Redis().Do("PUBLISH", "news", "x"); n.(int64) < 3 && !slices.Contains(hazards, sim.DeadSockets) {
			w.Require("recovery", fmt.Errorf("%v subscribers after %q", n, hazards))
		}
	})
}
