package sim

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// mailbox runs one message per event. The stock one empties itself in one go,
// which would hide most interleavings of actors, and lets an actor that sends to
// itself starve the others. It belongs to the goroutine of its world.
type mailbox struct {
	proc      *Process
	invoker   actor.MessageInvoker
	system    queue
	user      queue
	suspended bool // after a failure, until the supervisor has decided
	posted    bool // an event for the next message is on the agenda, or running
	epoch     uint32
	apart     bool // its actor can neither begin nor end a term: see [apart]
	real      realTimed
}

// realTimed is the part of an actor's context that counts in real time.
type realTimed interface {
	ReceiveTimeout() time.Duration
	CancelReceiveTimeout()
}

// RegisterHandlers implements [actor.Mailbox].
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker, m.epoch = invoker, m.proc.epoch
	if c, ok := invoker.(actor.Context); ok {
		switch c.Actor().(type) {
		case *redisbridge.Bridge, *ears:
			m.apart = true
		default:
			m.real = c
		}
	}
}

// Start implements [actor.Mailbox].
func (m *mailbox) Start() {}

// UserMessageCount implements [actor.Mailbox].
func (m *mailbox) UserMessageCount() int { return m.user.len() }

// PostUserMessage implements [actor.Mailbox]. A batch is posted one by one and
// then as itself, as the stock mailbox does.
func (m *mailbox) PostUserMessage(message any) {
	m.proc.world.strays()
	if message == nil {
		m.proc.world.Fail("no nil message", errors.New("a nil message was sent: outside the simulation the receiver would spin for ever"))
		return
	}
	if batch, ok := message.(actor.MessageBatch); ok {
		m.postAll(batch)
	} else if env, ok := message.(*actor.MessageEnvelope); ok {
		m.proc.refuseTimed(env.Sender)
		if batch, ok := env.Message.(actor.MessageBatch); ok {
			m.postAll(batch)
		}
	}
	m.user.push(message)
	m.posts()
}

func (m *mailbox) postAll(batch actor.MessageBatch) {
	for _, message := range batch.GetMessages() {
		m.PostUserMessage(message)
	}
}

// PostSystemMessage implements [actor.Mailbox].
func (m *mailbox) PostSystemMessage(message any) {
	m.proc.world.strays()
	m.system.push(message)
	m.posts()
}

// posts sees to it that a message is handled. An actor of a former
// life has nobody to handle it.
func (m *mailbox) posts() {
	if m.epoch == m.proc.epoch {
		m.schedule()
	}
}

func (m *mailbox) schedule() {
	if m.posted || m.system.len() == 0 && (m.suspended || m.user.len() == 0) {
		return
	}
	m.posted = true
	m.proc.world.sched.post(m.proc, m.proc.world.sched.now, m)
}

// run handles one message.
func (m *mailbox) run() {
	var message any
	defer func() {
		if reason := recover(); reason != nil {
			m.failed(reason, message)
		}
		m.posted = false
		if m.real != nil && m.real.ReceiveTimeout() != 0 {
			m.refuseTimeout(message)
		}
		if m.epoch == m.proc.epoch {
			m.schedule()
		}
	}()
	if m.system.len() > 0 {
		switch message = m.system.pop(); message.(type) {
		case *actor.SuspendMailbox:
			m.suspended = true
		case *actor.ResumeMailbox:
			m.suspended = false
		default:
			m.invoker.InvokeSystemMessage(message)
		}
	} else if !m.suspended && m.user.len() > 0 {
		message = m.user.pop()
		m.invoker.InvokeUserMessage(message)
	}
}

// refuseTimeout fails the world: the timeout would come in real time, from another goroutine.
func (m *mailbox) refuseTimeout(message any) {
	m.real.CancelReceiveTimeout()
	m.proc.world.Fail("no real time", fmt.Errorf("SetReceiveTimeout, when handling %T, is counted in real time, and here it would never come: "+
		"have Process.Clock send the actor a message", message))
}

// failed hands a panic to the supervision if the world tolerates it, and fails
// the world otherwise.
func (m *mailbox) failed(reason, message any) {
	w := m.proc.world
	if tolerate := w.options.tolerate; tolerate != nil && tolerate(reason) {
		w.trace.note(m.proc, "panic", fmt.Sprint(reason), "", 0)
		m.invoker.EscalateFailure(reason, message)
		return
	}
	w.Fail("no panic", fmt.Errorf("%w: %v, handling %T\n%s", errPanic, reason, message, debug.Stack()))
}

// dispatcher is for what asks an adopted actor's props for one; our mailbox does not.
type dispatcher struct{ p *Process }

// Schedule implements [actor.Dispatcher].
func (d dispatcher) Schedule(fn func()) { d.p.Do(fn) }

// Throughput implements [actor.Dispatcher]: never yield to other goroutines.
func (d dispatcher) Throughput() int { return math.MaxInt }

// queue is a first-in, first-out ring that grows by doubling.
type queue struct {
	buf   []any // its length is a power of two
	head  int
	count int
}

func (q *queue) len() int { return q.count }

func (q *queue) push(x any) {
	if q.count == len(q.buf) {
		grown := make([]any, max(4, 2*len(q.buf)))
		for i := range q.count {
			grown[i] = q.buf[(q.head+i)&(len(q.buf)-1)]
		}
		q.buf, q.head = grown, 0
	}
	q.buf[(q.head+q.count)&(len(q.buf)-1)] = x
	q.count++
}

func (q *queue) pop() any {
	x := q.buf[q.head]
	q.buf[q.head] = nil
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.count--
	return x
}
