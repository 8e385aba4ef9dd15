package actors

import (
	"runtime"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// mailbox is that of an election which its node has spawned: protoactor's own in a third
// of the memory, for workers that need no closure to run it. A process may have 100,000 of
// them, most of which get a message a minute.
//
// It keeps protoactor's rules: one goroutine at a time runs it; system messages go first;
// while it is suspended, after a panic and until the supervisor has decided, only these
// are handled; messages of one sender keep their order.
type mailbox struct {
	user, system letters
	invoker      actor.MessageInvoker
	workers      *workers
	running      atomic.Bool
	suspended    bool // of whoever runs it
}

// letters are a queue with many senders and one reader at a time.
type letters struct {
	sent  atomic.Pointer[letter] // the last one first
	ready *letter                // the first one first; the reader's
}

type letter struct {
	next    *letter
	message any
}

func (q *letters) push(message any) {
	l := &letter{message: message}
	for {
		l.next = q.sent.Load()
		if q.sent.CompareAndSwap(l.next, l) {
			return
		}
	}
}

// pop returns nil if there is none.
func (q *letters) pop() any {
	if q.ready == nil {
		for l := q.sent.Swap(nil); l != nil; {
			next := l.next
			l.next, q.ready = q.ready, l
			l = next
		}
	}
	l := q.ready
	if l == nil {
		return nil
	}
	q.ready = l.next
	return l.message
}

// PostUserMessage implements [actor.Mailbox]. A batch is posted one by one and then as
// itself.
func (m *mailbox) PostUserMessage(message any) {
	batch, ok := message.(actor.MessageBatch)
	if env, is := message.(*actor.MessageEnvelope); is {
		batch, ok = env.Message.(actor.MessageBatch)
	}
	if ok {
		for _, one := range batch.GetMessages() {
			m.PostUserMessage(one)
		}
	}
	if d := m.workers.depth; d != nil {
		d.MessagePosted(message)
	}
	m.user.push(message)
	m.schedule()
}

// PostSystemMessage implements [actor.Mailbox].
func (m *mailbox) PostSystemMessage(message any) {
	if d := m.workers.depth; d != nil {
		d.MessagePosted(message)
	}
	m.system.push(message)
	m.schedule()
}

// RegisterHandlers implements [actor.Mailbox]. The dispatcher is the workers.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker = invoker
}

// Start implements [actor.Mailbox].
func (m *mailbox) Start() {}

// UserMessageCount implements [actor.Mailbox]: 1 if any waits that was not looked at. Only
// protoactor's metrics ask; ours count in mailboxDepth.
func (m *mailbox) UserMessageCount() int {
	if m.user.sent.Load() != nil {
		return 1
	}
	return 0
}

func (m *mailbox) schedule() {
	if m.running.CompareAndSwap(false, true) {
		m.workers.run(m)
	}
}

// work handles what is there, and what comes meanwhile.
func (m *mailbox) work() {
	for {
		for !m.empty() {
		}
		suspended := m.suspended
		m.running.Store(false)
		// Who has posted since, and saw us running, counts on us.
		more := m.system.sent.Load() != nil || !suspended && m.user.sent.Load() != nil
		if !more || !m.running.CompareAndSwap(false, true) {
			return
		}
	}
}

// burst is after how many messages others get a turn.
const burst = 300

// empty handles messages until there is none that may be, or one panics, which is for the
// supervisor then. It reports whether there is none.
func (m *mailbox) empty() (done bool) {
	var message any
	defer func() {
		if reason := recover(); reason != nil {
			m.handled(message)
			m.invoker.EscalateFailure(reason, message)
		}
	}()
	for n := 1; ; n++ {
		if n%burst == 0 {
			runtime.Gosched()
		}
		if message = m.system.pop(); message != nil {
			switch message.(type) {
			case *actor.SuspendMailbox:
				m.suspended = true
			case *actor.ResumeMailbox:
				m.suspended = false
			default:
				m.invoker.InvokeSystemMessage(message)
			}
		} else {
			if m.suspended {
				return true
			}
			if message = m.user.pop(); message == nil {
				return true
			}
			m.invoker.InvokeUserMessage(message)
		}
		m.handled(message)
	}
}

// handled counts a message out.
func (m *mailbox) handled(message any) {
	if d := m.workers.depth; d != nil {
		d.MessageReceived(message)
	}
}
