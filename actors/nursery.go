package actors

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// nursery makes the elections that are opened by name. One start of a node has one: its
// props are those of all of them, for props are the largest part of an actor, and say the
// same of every election. So an actor that comes from here does not know who it is. The
// node tells it, before anybody else knows its PID; a successor after a panic is told by
// its predecessor.
type nursery struct {
	props *actor.Props
	// left is what actors that are being restarted leave their successors, by PID's id.
	left sync.Map
}

// identity tells an election who it is.
type identity struct {
	silent
	cfg  ElectionConfig
	cell *cell
}

func newNursery(node *actor.PID, m *metrics) *nursery {
	n := &nursery{}
	n.props = m.measured(actor.PropsFromProducer(func() actor.Actor {
		return &election{node: node, nursery: n}
	}, lean, actor.WithDispatcher(newWorkers())))
	return n
}

// lean is the mailbox of an election: a process may have 100,000 of them, most of which
// get a message a minute.
var lean = actor.WithMailbox(actor.UnboundedLockfree())

// workers run the elections of a node on goroutines that go on with the next one that has
// something to do, and end when there is none. A goroutine for each message would have to
// grow its stack anew each time: with many elections that was a third of all work.
//
// An election never waits, so more of them at once than processors gain nothing but where
// a user's function does (RankFor, Steps, the Logger's handler), which must not.
type workers struct {
	jobs   chan func()
	active atomic.Int32
	most   int32
}

// maxJobs bounds what waits for a worker. What comes beyond it gets a goroutine of its own.
const maxJobs = 4096

func newWorkers() *workers {
	return &workers{jobs: make(chan func(), maxJobs), most: int32(4 * runtime.GOMAXPROCS(0))} //nolint:gosec // few
}

// Schedule implements [actor.Dispatcher]. It never blocks.
func (w *workers) Schedule(job func()) {
	select {
	case w.jobs <- job:
		w.begin()
	default:
		go job()
	}
}

// Throughput implements [actor.Dispatcher].
func (w *workers) Throughput() int { return 300 }

// begin starts a worker if there may be one more.
func (w *workers) begin() {
	for n := w.active.Load(); n < w.most; n = w.active.Load() {
		if w.active.CompareAndSwap(n, n+1) {
			go w.work()
			return
		}
	}
}

func (w *workers) work() {
	for {
		select {
		case job := <-w.jobs:
			job()
			continue
		default:
		}
		w.active.Add(-1)
		// Who has put in a job since we looked, and saw us still active, counts on us.
		if len(w.jobs) == 0 {
			return
		}
		w.begin()
		return
	}
}
