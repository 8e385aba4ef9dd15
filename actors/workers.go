package actors

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// workers run actors of a node on goroutines that stay, and wait for the next actor that
// has something to do. A goroutine for each message would have to grow its stack anew
// every time: that was a quarter of all work in a handover, and a third with many elections.
//
// The node and its bridge have one goroutine each, so that no election can keep them from
// renewing the session. The elections that are opened by name share a few: an election
// never waits, so more of them at once than processors gain nothing but where a user's
// function does (RankFor, Steps, the Logger's handler), which must not.
//
// No worker is there before the first job, nor the room for jobs, which is a hundred
// kilobytes a node; and no worker after the node has stopped.
type workers struct {
	first   sync.Once // makes jobs
	jobs    chan job
	done    <-chan struct{}
	started atomic.Int32
	most    int32
	depth   *mailboxDepth // of the elections' mailboxes; nil if nobody measures
}

// job is a mailbox of ours, which needs no closure to be worked on, or a task.
type job interface{ work() }

// task is what another mailbox wants done.
type task func()

func (t task) work() { t() }

// maxJobs bounds what waits for a worker. What comes beyond it gets a goroutine of its own.
const maxJobs = 4096

// newWorkers makes at most a number of workers, which end when done is closed.
func newWorkers(most int, done <-chan struct{}) *workers {
	return &workers{done: done, most: int32(most)} //nolint:gosec // few
}

// several is how many workers the elections of a node share.
func several() int { return 4 * runtime.GOMAXPROCS(0) }

// Schedule implements [actor.Dispatcher]. It never blocks.
func (w *workers) Schedule(f func()) { w.run(task(f)) }

// run has a job done. It never blocks.
func (w *workers) run(j job) {
	w.first.Do(func() { w.jobs = make(chan job, min(maxJobs, 1024*int(w.most))) })
	select {
	case w.jobs <- j:
	default:
		go j.work()
		return
	}
	// A worker that waits has taken it. If none has, all are busy.
	for n := w.started.Load(); n < w.most && len(w.jobs) > 0; n = w.started.Load() {
		if w.started.CompareAndSwap(n, n+1) {
			go w.work()
			break
		}
	}
	select {
	case <-w.done:
		w.rest() // who was there may have gone before it saw the job
	default:
	}
}

// Throughput implements [actor.Dispatcher].
func (w *workers) Throughput() int { return burst }

func (w *workers) work() {
	for {
		select {
		case job := <-w.jobs:
			job.work()
		case <-w.done:
			w.rest()
			return
		}
	}
}

// rest does what waits after the end: actors that are to stop, and what they are sent.
func (w *workers) rest() {
	for {
		select {
		case job := <-w.jobs:
			go job.work()
		default:
			return
		}
	}
}
