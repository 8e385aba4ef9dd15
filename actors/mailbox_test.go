package actors

import (
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// invoker handles a mailbox's messages as an actor would.
type invoker struct {
	handle func(message any)
	fails  func(reason, message any)
}

func (i *invoker) InvokeSystemMessage(m any)           { i.handle(m) }
func (i *invoker) InvokeUserMessage(m any)             { i.handle(m) }
func (i *invoker) EscalateFailure(reason, message any) { i.fails(reason, message) }

// More mailboxes than may wait, and more messages than one turn takes, from many
// goroutines: all are handled, one at a time, and those of one sender in their order. That
// no worker stays is for the check of leaks.
func TestWorkersHandleEveryMessageInOrder(t *testing.T) {
	end := make(chan struct{})
	w := newWorkers(several(), end)
	const senders, boxes, each = 4, maxJobs + 1000, 3
	type sent struct{ by, n int }
	var done, sending sync.WaitGroup
	done.Add(senders * boxes * each)
	all := make([]*mailbox, boxes)
	for i := range all {
		var last [senders]int // the race detector sees to it that one at a time writes
		all[i] = &mailbox{workers: w}
		all[i].RegisterHandlers(&invoker{handle: func(m any) {
			s := m.(sent)
			if s.n != last[s.by]+1 {
				t.Errorf("message %d of %d after %d", s.n, s.by, last[s.by])
			}
			last[s.by] = s.n
			done.Done()
		}}, w)
	}
	for by := range senders {
		sending.Go(func() {
			for n := range each {
				for _, m := range all {
					m.PostUserMessage(sent{by, n + 1})
				}
			}
		})
	}
	sending.Wait()
	done.Wait() // a message that nobody handles makes this hang
	if n := len(w.jobs); n != 0 {
		t.Errorf("%d jobs wait still", n)
	}
	close(end)
}

// What protoactor's own mailbox does, ours does: the two get the same, on one goroutine.
func TestAMailboxIsSuspendedAndFailsAsProtoactorsDoes(t *testing.T) {
	script := []any{
		"user", &actor.SuspendMailbox{}, "while suspended", "panic", 1, // 1: a system message
		&actor.ResumeMailbox{}, "after", "panic", &actor.ResumeMailbox{}, "last",
	}
	run := func(m actor.Mailbox, d actor.Dispatcher) (got []any) {
		m.RegisterHandlers(&invoker{
			handle: func(message any) {
				if message == "panic" {
					panic("told to")
				}
				got = append(got, message)
			},
			fails: func(reason, message any) { got = append(got, reason, message) },
		}, d)
		m.Start()
		for _, message := range script {
			switch message := message.(type) {
			case string:
				m.PostUserMessage(message)
			default:
				m.PostSystemMessage(message)
			}
		}
		return got
	}
	want := run(actor.UnboundedLockfree()(), actor.NewSynchronizedDispatcher(burst))
	idle := &workers{} // with nobody to work
	idle.first.Do(func() { idle.jobs = make(chan job, 1) })
	ours := &mailbox{workers: idle}
	got := run(pumped{ours}, nil)
	if len(want) < 7 {
		t.Fatalf("protoactor's has handled %v only", want)
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("message %d: %v, want %v", i, got[i], want[i])
		}
	}
}

// pumped works on its mailbox at once, on the goroutine that posts.
type pumped struct{ *mailbox }

func (p pumped) PostUserMessage(message any) {
	p.mailbox.PostUserMessage(message)
	p.pump()
}

func (p pumped) PostSystemMessage(message any) {
	p.mailbox.PostSystemMessage(message)
	p.pump()
}

func (p pumped) pump() {
	select {
	case m := <-p.workers.jobs:
		m.work()
	default:
	}
}
