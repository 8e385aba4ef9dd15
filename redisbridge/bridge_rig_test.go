package redisbridge_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// system is shared: making one costs megabytes. Its actors run on the stack of who
// sends to them, so that a test sees the effect of a message at once.
var system = actor.NewActorSystem(
	actor.WithDeadLetterThrottleInterval(time.Millisecond),
	actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
)

// rig is a bridge between a backend that the test plays and a clock that the test moves.
type rig struct {
	t       *testing.T
	now     time.Duration
	timers  []*rigTimer
	dials   []func(redisbridge.Conn, error)
	conns   []*rigConn
	subs    []*rigSub
	set     *redisbridge.Settings
	pid     *actor.PID
	told    []any // to the owner
	answers []any // to the callers
	caller  *actor.PID
	routes  map[string]*actor.PID
	log     bytes.Buffer
}

type rigTimer struct {
	rig  *rig
	at   time.Duration
	f    func()
	done bool
}

type rigConn struct {
	r       *rig
	caution string
	cmds    [][]redisbridge.Command // one slice a pipeline
	done    []func([]redisbridge.Reply, error)
	closed  bool
}

// Caution implements redisbridge.Cautious.
func (c *rigConn) Caution() string { return c.caution }

type rigSub struct {
	channels []string
	h        redisbridge.SubscriptionHandler
	closed   bool
}

func (r *rig) Now() fsm.Instant { return fsm.Instant{Mono: r.now, Wall: r.now} }

func (r *rig) AfterFunc(d time.Duration, f func()) redisbridge.Timer {
	x := &rigTimer{rig: r, f: f, done: true}
	x.Reset(d)
	return x
}

func (x *rigTimer) Stop() bool {
	was := !x.done
	x.done = true
	return was
}

func (x *rigTimer) Reset(d time.Duration) bool {
	was := x.Stop()
	x.at, x.done = x.rig.now+max(d, 0), false
	x.rig.timers = append(slices.DeleteFunc(x.rig.timers, func(y *rigTimer) bool { return x == y }), x)
	return was
}

func (r *rig) Connect(done func(redisbridge.Conn, error)) { r.dials = append(r.dials, done) }

func (r *rig) Subscribe(channels []string, h redisbridge.SubscriptionHandler) redisbridge.Subscription {
	s := &rigSub{channels: channels, h: h}
	r.subs = append(r.subs, s)
	return s
}

func (r *rig) Close() {}

func (s *rigSub) Close() { s.closed = true }

func (c *rigConn) Do(cmds []redisbridge.Command, done func([]redisbridge.Reply, error)) {
	if len(c.done) > 0 {
		c.r.t.Error("two pipelines at once on one connection")
	}
	kept := slices.Clone(cmds) // the bridge writes the next pipeline over them
	for i := range kept {
		kept[i].Args = slices.Clone(kept[i].Args)
	}
	c.cmds, c.done = append(c.cmds, kept), append(c.done, done)
}

func (c *rigConn) Close() { c.closed = true }

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Hour}
	synchronous := actor.WithDispatcher(actor.NewSynchronizedDispatcher(300))
	sink := func(to *[]any) *actor.PID {
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started, *actor.Stopping, *actor.Stopped:
			default:
				*to = append(*to, m)
			}
		}, synchronous))
		t.Cleanup(func() { system.Root.Stop(pid) })
		return pid
	}
	r.caller, r.routes = sink(&r.answers), map[string]*actor.PID{}
	r.set = &redisbridge.Settings{
		ID: "me", Session: fsm.NewSession("inc", 3*time.Second), Keys: "p", Backend: r, Clock: r,
		Entropy: func() uint64 { return 0 }, Logger: slog.New(slog.NewTextHandler(&r.log, nil)), Owner: sink(&r.told),
		Details: "{}", Number: func(rank int64) string { return fmt.Sprint(rank) + ".5" }, MaxTTL: 3 * time.Second,
		Conn: &atomic.Uint64{}, Counters: &redisbridge.Counters{},
		Route: func(election string) *actor.PID { return r.routes[election] },
	}
	r.pid = system.Root.Spawn(redisbridge.Props(r.set).Configure(synchronous))
	t.Cleanup(func() { system.Root.Stop(r.pid) })
	return r
}

// up connects and confirms.
func (r *rig) up() *rigConn {
	c := r.accept()
	r.sub().h.Confirmed()
	return c
}

// accept lets the last dial succeed.
func (r *rig) accept() *rigConn {
	r.t.Helper()
	if len(r.dials) == 0 {
		r.t.Fatal("nobody dials")
	}
	c := &rigConn{r: r}
	r.conns = append(r.conns, c)
	r.lastDial()(c, nil)
	return c
}

func (r *rig) lastDial() func(redisbridge.Conn, error) { return r.dials[len(r.dials)-1] }

func (r *rig) sub() *rigSub { return r.subs[len(r.subs)-1] }

// call sends a call that is answered to the caller.
func (r *rig) call(c redisbridge.Call) {
	c.ReplyTo = r.caller
	system.Root.Send(r.pid, &c)
}

// advance moves the clock, and fires what is due on the way.
func (r *rig) advance(d time.Duration) {
	end := r.now + d
	for {
		var next *rigTimer
		for _, x := range r.timers {
			if !x.done && x.at <= end && (next == nil || x.at < next.at) {
				next = x
			}
		}
		if next == nil {
			break
		}
		r.now, next.done = max(r.now, next.at), true
		next.f()
	}
	r.now = end
}

// next is how long it is until the earliest timer; -1: there is none.
func (r *rig) next() time.Duration {
	least := time.Duration(-1)
	for _, x := range r.timers {
		if !x.done && (least < 0 || x.at-r.now < least) {
			least = x.at - r.now
		}
	}
	return least
}

// take returns what the callers were answered since the last take.
func (r *rig) take() []any { return drain(&r.answers) }

// links returns what the owner was told of the link since the last time.
func (r *rig) links() []redisbridge.Link {
	var out []redisbridge.Link
	for _, m := range drain(&r.told) {
		if l, ok := m.(*redisbridge.Link); ok {
			out = append(out, *l)
		}
	}
	return out
}

func drain(list *[]any) []any {
	out := *list
	*list = nil
	return out
}

// sent describes the last pipeline: its commands, each by name and arguments after the
// head.
func (c *rigConn) sent() []string {
	if len(c.cmds) == 0 {
		return nil
	}
	var out []string
	for _, cmd := range c.cmds[len(c.cmds)-1] {
		if cmd.Script == nil {
			out = append(out, strings.Join(cmd.Args, " "))
			continue
		}
		head := 4 // prefix, id, inc, conn
		if cmd.Script == redisbridge.PeerScript {
			head = 1
		}
		out = append(out, cmd.Script.Name+" "+strings.Join(cmd.Args[min(head, len(cmd.Args)):], " "))
	}
	return out
}

// names are those of the scripts and commands of the last pipeline.
func (c *rigConn) names() []string {
	out := c.sent()
	for i := range out {
		out[i], _, _ = strings.Cut(out[i], " ")
	}
	return out
}

// number is the connection number in the first script of the last pipeline.
func (c *rigConn) number() string { return c.cmds[len(c.cmds)-1][0].Args[3] }

// reply answers the pipeline that is under way, nil for what no test looks at.
func (c *rigConn) reply(values ...any) {
	c.r.t.Helper()
	if len(c.done) == 0 {
		c.r.t.Fatal("no pipeline is under way")
	}
	replies := make([]redisbridge.Reply, len(c.cmds[len(c.cmds)-1]))
	for i := range replies {
		if i >= len(values) {
			continue
		}
		if err, ok := values[i].(error); ok {
			replies[i].Err = err
		} else {
			replies[i].Value = values[i]
		}
	}
	done := c.done[0]
	c.done = nil
	done(replies, nil)
}

// breaks fails the pipeline that is under way.
func (c *rigConn) breaks(err error) {
	done := c.done[0]
	c.done = nil
	done(nil, err)
}

func (r *rig) wantSent(c *rigConn, want ...string) {
	r.t.Helper()
	if got := c.sent(); !slices.Equal(got, want) {
		r.t.Errorf("sent %q, want %q", got, want)
	}
}
