package sim_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/actors/sim"
	"hustings/redisbridge"
)

// beater is an actor that keeps a session alive and claims one office, with
// messages to itself: about what a node does when nothing happens.
type beater struct {
	p     *sim.Process
	b     redisbridge.Backend
	conn  redisbridge.Conn
	self  *actor.PID
	root  *actor.RootContext
	inc   string
	req   int
	birth string
	epoch string
}

type (
	connected struct{ conn redisbridge.Conn }
	beat      struct{}
	replied   struct{ replies []redisbridge.Reply }
	down      struct{}
	probed    struct{}
)

func (n *beater) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		n.self, n.root = c.Self(), n.p.System().Root
		n.b = n.p.Backend()
		n.subscribe()
		n.connect()
	case connected:
		n.conn = m.conn
		n.beat()
	case beat:
		n.beat()
	case replied:
		if v, ok := m.replies[0].Value.([]any); ok && len(v) > 4 {
			n.birth, n.epoch = v[1].(string), v[2].(string)
		}
		n.p.Clock().AfterFunc(100*time.Millisecond, func() { n.root.Send(n.self, beat{}) })
	case down:
		n.connect()
	}
}

func (n *beater) connect() {
	n.b.Connect(func(conn redisbridge.Conn, err error) {
		if err != nil {
			n.p.Clock().AfterFunc(50*time.Millisecond, func() { n.root.Send(n.self, down{}) })
			return
		}
		n.root.Send(n.self, connected{conn})
	})
}

func (n *beater) subscribe() {
	n.b.Subscribe([]string{"ipc::bully:" + n.p.ID()}, redisbridge.SubscriptionHandler{
		Confirmed: func() {},
		Message:   func(string, string) { n.root.Send(n.self, probed{}) },
		Ended:     func(error) { n.p.Clock().AfterFunc(50*time.Millisecond, n.subscribe) },
	})
}

func (n *beater) beat() {
	n.req++
	cmds := []redisbridge.Command{{Script: redisbridge.HeartbeatScript, Args: []string{
		"ipc", n.p.ID(), n.inc, "1", strconv.Itoa(n.req), "5000", "1", "e1", "0", "", "0", "0", `{"type":"probe"}`,
	}}}
	n.conn.Do(cmds, func(r []redisbridge.Reply, err error) {
		if err != nil {
			n.conn.Close()
			n.root.Send(n.self, down{})
			return
		}
		n.root.Send(n.self, replied{r})
	})
}

// fleet boots five beaters.
func fleet(w *sim.World) {
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		w.Process(id).Boot(func(p *sim.Process) {
			p.Spawn(actor.PropsFromProducer(func() actor.Actor {
				return &beater{p: p, inc: strings.Repeat(strconv.Itoa(p.Life()%10), 32)}
			}))
		})
	}
}

// One operation is a world: five nodes, a minute, a storm over two thirds of it.
func BenchmarkFleetInAStorm(b *testing.B) {
	events := uint64(0)
	b.ReportAllocs()
	for seed := range uint64(b.N) {
		w := sim.New(b, seed)
		fleet(w)
		w.Storm(40*time.Second, sim.Storm{})
		w.Run(time.Minute)
		events += w.Events()
		w.Close()
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
	b.ReportMetric(0, "ns/op")
}
