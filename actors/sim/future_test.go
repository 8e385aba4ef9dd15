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

// asker asks another actor with a Future each second, and notes what comes.
func asker(w *sim.World, timeout time.Duration) (answers *[]string) {
	p := w.Process("a")
	answers = new([]string)
	slow := p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if s, ok := c.Message().(string); ok {
			root, to := p.System().Root, c.Sender()
			p.Clock().AfterFunc(100*time.Millisecond, func() { root.Send(to, "re: "+s) })
		}
	}))
	ask := p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if n, ok := c.Message().(int); ok {
			c.ReenterAfter(c.RequestFuture(slow, fmt.Sprint(n), timeout), func(res any, err error) {
				*answers = append(*answers, fmt.Sprint(res, err))
			})
		}
	}))
	for i := range 3 {
		w.After(time.Duration(i)*time.Second, func() { p.Send(ask, i) })
	}
	return answers
}

func TestFuturesWithoutTimeoutsAreEvents(t *testing.T) {
	sim.Test(t, 10, func(w *sim.World) {
		answers := asker(w, -1)
		w.Run(10 * time.Second)
		if s := strings.Join(*answers, ", "); s != "re: 0<nil>, re: 1<nil>, re: 2<nil>" {
			w.Require("answers", errors.New(s))
		}
	})
}

// The timeout of a Future would come in real time, from another goroutine.
func TestFuturesWithTimeoutsAreRefused(t *testing.T) {
	for _, timeout := range []time.Duration{50 * time.Millisecond, time.Hour} {
		w := sim.New(nil, 1)
		answers := asker(w, timeout)
		w.Run(10 * time.Second)
		if err := w.Err(); err == nil || !strings.Contains(err.Error(), "no real time: RequestFuture with a timeout") {
			t.Errorf("timeout %v: %v, answers %q", timeout, err, *answers)
		}
		w.Close()
	}
}

// What a world leaves behind must not wait for its end in the next.
func TestFuturesEndWithTheirWorld(t *testing.T) {
	for name, end := range map[string]func(*sim.World){
		"close": func(w *sim.World) { w.Close() },
		"crash": func(w *sim.World) { w.Process("a").Crash() },
	} {
		w := sim.New(nil, 1)
		p := w.Process("a")
		mute := p.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
		f := p.System().Root.RequestFuture(mute, "hello", -1)
		stop := p.System().Root.StopFuture(mute) // ten seconds, says protoactor
		end(w)
		ended := make(chan error, 2)
		go func() { ended <- f.Wait(); ended <- stop.Wait() }()
		for range 2 {
			select {
			case err := <-ended:
				if !errors.Is(err, actor.ErrDeadLetter) {
					t.Errorf("%s: %v", name, err)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("%s: a Future waits", name)
			}
		}
		w.Close()
	}
}

// So would a receive timeout, also that of an actor which sets it when it is started.
func TestReceiveTimeoutsAreRefused(t *testing.T) {
	for _, when := range []string{"*actor.Started", "string"} {
		w := sim.New(nil, 1)
		p := w.Process("a")
		pid := p.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			if fmt.Sprintf("%T", c.Message()) == when {
				c.SetReceiveTimeout(time.Hour) //nolint:forbidigo // to see it refused
			}
		}))
		w.After(time.Second, func() { p.Send(pid, "now") })
		w.Run(10 * time.Second)
		if err := w.Err(); err == nil || !strings.Contains(err.Error(), "no real time: SetReceiveTimeout") || !strings.Contains(err.Error(), when) {
			t.Errorf("set at %s: %v", when, err)
		}
		w.Close()
	}
}
