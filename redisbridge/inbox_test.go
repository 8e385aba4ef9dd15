package redisbridge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// held is a rig whose bridge stands still, as one does that cannot keep up, until its
// test lets it go on.
type held struct {
	*rig
	goOn func()
}

// hold begins to hold the bridge up, in the answer to a call of its own.
func hold(t *testing.T) *held {
	t.Helper()
	r := newRig(t)
	stands, free := make(chan struct{}), make(chan struct{})
	stopper := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*redisbridge.LeaveAnswer); ok {
			close(stands)
			<-free
		}
	}, actor.WithDispatcher(actor.NewSynchronizedDispatcher(300))))
	t.Cleanup(func() { system.Root.Stop(stopper) })
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: 1})
	system.Root.Send(r.pid, &redisbridge.Call{Kind: redisbridge.CallLeave, ReplyTo: stopper})
	c.reply(beatReply("extended"))
	var done sync.WaitGroup
	done.Go(func() { c.reply([]any{"ok"}) })
	<-stands
	return &held{r, sync.OnceFunc(func() { close(free); done.Wait() })}
}

func TestWhatIsTooLargeIsDroppedBeforeItWaits(t *testing.T) {
	r := hold(t)
	defer r.goOn()
	large := strings.Repeat("x", redisbridge.MaxPayload+1)
	for range 1000 {
		r.sub().h.Message("p::comm:me", large)
		r.sub().h.Message("p::bully:me", large)
	}
	if c := r.set.Counters.Read(); c.DroppedFor["malformed"] != 2000 || c.MessagesIn != 2000 {
		t.Errorf("while the bridge stands still: %+v", c)
	}
	r.log.Reset()
	r.goOn()
	if c := r.set.Counters.Read(); c.Dropped != 2000 || c.MessagesIn != 2000 {
		t.Errorf("afterwards: %+v", c)
	}
	if line := r.log.String(); !strings.Contains(line, "larger than 1 MiB") || !strings.Contains(line, "dropped_since_last=2000") || len(line) > 500 {
		t.Errorf("%.600s", line)
	}
}

func TestWhatWaitsForTheBridgeIsBounded(t *testing.T) {
	for _, c := range []struct {
		channel string
		size    int
		waits   int
	}{
		{"p::comm:me", 1 << 20, 8},
		{"p::public", 1 << 10, 8 << 10},
		{"p::comm:me", 2, 16 << 10},
		{"p::bully:me", 1 << 20, 16},
		{"p::bully:me", 2, 32 << 10},
	} {
		t.Run(fmt.Sprintf("%s %d", c.channel, c.size), func(t *testing.T) {
			r := hold(t)
			defer r.goOn()
			message := `"` + strings.Repeat("x", c.size-2) + `"`
			for range c.waits + 100 {
				r.sub().h.Message(c.channel, message)
			}
			if n := r.set.Counters.Read(); n.DroppedFor["overflow"] != 100 || n.Dropped != 100 || n.MessagesIn != 100 {
				t.Errorf("while the bridge stands still: %+v", n)
			}
			r.goOn()
			if n := r.set.Counters.Read(); n.MessagesIn != uint64(c.waits+100) || n.DroppedFor["overflow"] != 100 {
				t.Errorf("afterwards: %+v", n)
			}
			// On the control channel the first in the queue is dropped, too, and one line a second is enough.
			if c.channel != "p::bully:me" && !strings.Contains(r.log.String(), "too many wait to be read") {
				t.Errorf("%.500s", r.log.String())
			}
			// What was handled makes room, again and again.
			for range c.waits + 100 {
				r.sub().h.Message(c.channel, message)
			}
			if n := r.set.Counters.Read(); n.DroppedFor["overflow"] != 100 {
				t.Errorf("with nothing waiting: %+v", n)
			}
		})
	}
}

// A flood of messages does not keep control messages out, nor a flood of those the probe,
// without which the subscription would be given up.
func TestAFloodLeavesRoomForWhatMattersMore(t *testing.T) {
	r := hold(t)
	defer r.goOn()
	for range 50_000 {
		r.sub().h.Message("p::public", `"x"`)
	}
	r.routes["a"] = r.caller
	r.take()
	for i, channel := range []string{"p::bully:me", "p::bully:me"} {
		r.sub().h.Message(channel, fmt.Sprintf(`{"type":"vote","election":"a","me":1,"id":"n%d"}`, i))
	}
	for range 50_000 {
		r.sub().h.Message("p::bully:me", `{"type":"vote","election":"b","me":1,"id":"n1"}`)
	}
	before := r.set.Counters.Read().DroppedFor["overflow"]
	r.probe(r.sub(), 1)
	r.probe(r.sub(), 1<<63)
	if n := r.set.Counters.Read().DroppedFor["overflow"]; n != before {
		t.Error("a probe was dropped")
	}
	for range 50_000 {
		r.probe(r.sub(), 1)
	}
	if n := r.set.Counters.Read().DroppedFor["overflow"]; n == before {
		t.Error("probes have no bound")
	}
	r.goOn()
	if got := r.take(); len(got) != 2 {
		t.Errorf("%d control messages heard", len(got))
	}
}

// What waits keeps its place over restarts of the bridge and of the subscription.
func TestWhatWaitsCountsAlsoWhenItsSubscriptionHasEnded(t *testing.T) {
	r := hold(t)
	defer r.goOn()
	old := r.sub()
	for range 16 << 10 {
		old.h.Message("p::public", `"x"`)
	}
	old.h.Ended(redisbridge.ErrConnClosed)
	r.goOn()
	r.advance(time.Second)
	if r.sub() == old {
		t.Fatal("no other subscription")
	}
	for range 16<<10 + 1 {
		old.h.Message("p::public", `"x"`)
		r.sub().h.Message("p::public", `"x"`)
	}
	if n := r.set.Counters.Read().Dropped; n != 0 {
		t.Errorf("%d dropped", n)
	}
}
