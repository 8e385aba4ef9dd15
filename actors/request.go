package actors

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
)

// Messages inside the package.
type (
	// tick: an election's deadline has come.
	tick struct{ silent }
	// nudge: an input from the node.
	nudge struct {
		silent
		in fsm.Input
		// listed: Redis may have us for a candidate, whether or not we are one.
		listed bool
	}
	// rekick: time to kick an original again.
	rekick struct {
		silent
		to    fsm.Candidate
		round uint64
	}
	// ask wraps a request of the plain-Go calls; done is called once, on the
	// actor's goroutine, and must not block. It may come to an election twice, or to it and
	// to its successor: taker is the first that it came to, and does what it says.
	ask struct {
		silent
		request any
		done    func(error)
		taker   atomic.Pointer[actor.PID]
	}
	// contend asks for the next term. done is called once.
	contend struct {
		silent
		c *contender
	}
	// recant ends a contend; done is called when Redis knows. From the moment it is
	// handled no leadership is handed out.
	recant struct {
		silent
		c    *contender
		done func(error)
	}
	// finished: the work of a handed-out leadership has stopped. again: its
	// holder will contend again.
	finished struct {
		silent
		l     *Leadership
		again bool
		done  func(error)
	}
	// unwanted: who holds a leadership does not want it any more, and its work still runs.
	unwanted struct {
		silent
		l *Leadership
	}
	// inspect asks for a snapshot from plain Go.
	inspect struct {
		silent
		done func(*Snapshot, error)
	}
	// observe counts observers: elections that are looked at without standing.
	observe struct {
		silent
		delta int
	}
)

// contender is somebody who waits for a term. Either it is answered or it leaves, whichever
// is first: a term is never handed to one who does not wait any more.
type contender struct {
	done    func(*Leadership, error)
	settled atomic.Pointer[answer[*Leadership]]
}

// answer reports whether it was still waiting.
func (c *contender) answer(l *Leadership, err error) bool {
	if !c.settled.CompareAndSwap(nil, &answer[*Leadership]{l, err}) {
		return false
	}
	c.done(l, err)
	return true
}

// leave returns nil if no answer comes any more, else the answer.
func (c *contender) leave() *answer[*Leadership] {
	if c.settled.CompareAndSwap(nil, &answer[*Leadership]{}) {
		return nil
	}
	return c.settled.Load()
}

// responder is somebody who waits for an answer: an actor or a function.
type responder struct {
	root    *actor.RootContext
	pid     *actor.PID
	from    *actor.PID // who answers
	request any
	done    func(error)
	token   uint64 // of the term that is given up for it, 0 if there was none
}

func respond(list []responder, err error) {
	for _, r := range list {
		switch {
		case r.done != nil:
			r.done(err)
		case r.pid != nil:
			r.root.RequestWithCustomSender(r.pid, &Done{Request: r.request, Err: err}, r.from)
		}
	}
}

// responder makes one for a request.
func (e *election) responder(sender *actor.PID, m any) (any, responder) {
	if a, ok := m.(*ask); ok {
		return a.request, responder{done: a.done}
	}
	return m, responder{root: e.root, pid: sender, from: e.self, request: m}
}

// refuse answers a request with an error.
func (e *election) refuse(sender *actor.PID, m any, err error) {
	switch m := m.(type) {
	case *contend:
		m.c.answer(nil, err)
	case *recant:
		m.done(nil)
	case *finished:
		m.done(nil) // the term is over anyway
	case *inspect:
		m.done(nil, err)
	case *observe:
		e.cell.observers += int32(m.delta) //nolint:gosec // 1 or -1
	case *unwanted, *Drained:
	default:
		request, r := e.responder(sender, m)
		switch request.(type) {
		case *Run, *Quit, *Resign, *StandDown, *Stand, *Inspect, *stopElection:
			respond([]responder{r}, err)
		}
	}
}

// request takes what users ask of an election.
func (e *election) request(sender *actor.PID, m any) {
	switch m := m.(type) {
	case *contend:
		e.contend(m.c)
		return
	case *recant:
		e.recant(m)
		return
	case *finished:
		e.finish(m)
		return
	case *unwanted:
		e.giveUp(m.l)
		return
	case *inspect:
		m.done(e.snapshot(), nil)
		return
	case *observe:
		e.cell.observers += int32(m.delta) //nolint:gosec // 1 or -1
		e.follow()
		e.lookAway()
		return
	case *Inspect:
		if sender != nil {
			e.root.RequestWithCustomSender(sender, e.snapshot(), e.self)
		}
		return
	case *Drained:
		if e.lead != nil && e.lead.Token() == m.Token {
			e.drains = false
			e.drained()
		}
		return
	}
	request, r := e.responder(sender, m)
	switch request := request.(type) {
	case *Run:
		e.run(r)
	case *Quit:
		e.quit(r, fsm.Cause{})
	case *stopElection:
		e.parting = !e.env.offline.Load()
		e.quit(r, fsm.Cause{Code: request.why})
	case *Resign:
		e.resign(request, r)
	case *StandDown:
		e.standDown(r)
	case *Stand:
		e.stand(r)
	case *Stop:
		e.env.ignore(r, errNotNode)
	case *Subscribe, *Unsubscribe, *Ack, *Handle:
		e.env.ignore(r, errNotHub)
	default:
		if isValue(request) {
			e.env.ignore(r, errValue)
		}
	}
}

// ignore answers a message that the actor can't take. The first of a start is logged, since
// mostly nobody waits for the answer.
func (e *env) ignore(r responder, why error) {
	if !e.ignored.Swap(true) {
		e.logger.Warn("message ignored: the first of this start", "type", fmt.Sprintf("%T", r.request), "error", why.Error())
	}
	respond([]responder{r}, why)
}

// isValue reports whether a message is one of ours, but for being no pointer.
func isValue(m any) bool {
	switch m.(type) {
	case Run, Quit, Resign, StandDown, Stand, Inspect, Drained, Stop, Subscribe, Unsubscribe, Ack, Handle:
		return true
	}
	return false
}

// closed is why nobody may stand here now, nil if everybody may. A node that takes its
// leave waits for other elections to drain; this one must not begin again meanwhile.
func (e *election) closed() error {
	switch {
	case e.parting:
		if p := e.env.failed.Load(); p != nil {
			return *p
		}
		return ErrStopped
	case e.env.offline.Load():
		return ErrOffline
	}
	return nil
}

func (e *election) run(r responder) {
	if err := e.closed(); err != nil {
		respond([]responder{r}, err)
		return
	}
	e.cell.run.Store(true)
	e.taking(r)
	e.step(fsm.Input{Kind: fsm.InRun})
	e.taken()
}

// taking notes who is to be answered when the request has been handled; if that panics it
// is the end of this actor that answers.
func (e *election) taking(r responder) { e.desk().taken = append(e.desk().taken, r) }

// taken: the request has been handled.
func (e *election) taken() {
	list := e.desk().taken
	e.desk().taken = nil
	respond(list, nil)
}

func (e *election) quit(r responder, why fsm.Cause) {
	e.cell.run.Store(false)
	if e.cell.down.Load() {
		e.cell.down.Store(false)
		e.follow()
	}
	if c := e.contending(); c != nil {
		e.desk().contender = nil
		err := ErrQuit
		if closed := e.closed(); closed != nil && why.Code != fsm.CauseNone {
			err = closed // nobody has quit: the node stops
		}
		c.answer(nil, err)
	}
	if e.lead != nil && why.Code == fsm.CauseNone {
		e.lead.quit.Store(true)
	}
	e.desk().quitting = append(e.desk().quitting, r)
	e.step(fsm.Input{Kind: fsm.InQuit, Cause: why})
}

// answer answers the requests that the machine is done with.
func (e *election) answer(fx *fsm.Effect) {
	var err error
	switch {
	case fx.Refused:
		err = ErrNotLeader
	case e.papers != nil && e.papers.fault != nil:
		err = faultOf(*e.papers.fault)
	}
	switch fx.Request {
	case fsm.InQuit:
		respond(e.quitters(), err)
	case fsm.InResign:
		respond(e.resigners(fx.Token), err)
	default:
	}
}

// giving notes who is to be answered when the present term has been given up, and Redis knows.
func (e *election) giving(r responder) {
	if l := e.m.Lease(); l.Valid(e.env.clock.Now()) {
		r.token = l.Token()
	}
	e.desk().resigned = append(e.desk().resigned, r)
}

// resigners takes those who wait for the end of terms up to a token: 0, of none.
func (e *election) resigners(token uint64) (list []responder) {
	var later []responder
	for _, r := range e.desk().resigned {
		if r.token <= token {
			list = append(list, r)
		} else {
			later = append(later, r)
		}
	}
	e.papers.resigned = later
	return list
}

// faultOf is why Redis did not do what was asked, as an error.
func faultOf(why fsm.Cause) error {
	if why.Code == fsm.CauseRefused {
		return fmt.Errorf("%w: %s", ErrRefused, why.Detail)
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, why.Detail)
}

// unquit: Redis has not done what Quit asks for. Who waits is told; the bridge tries again,
// and nothing is begun here before it is done.
func (e *election) unquit(why fsm.Cause) {
	respond(e.quitters(), faultOf(why))
}

// quitters takes those who wait for a quit: what a term holds, too, is given up by it.
func (e *election) quitters() []responder {
	list := append(e.desk().quitting, e.desk().resigned...)
	e.desk().quitting, e.desk().resigned = nil, nil
	return list
}

// contend takes a contender: one at a time, and not beside a term that somebody holds.
func (e *election) contend(c *contender) {
	switch closed := e.closed(); {
	case c.settled.Load() != nil: // it has left already
	case closed != nil:
		c.answer(nil, closed)
	case e.contending() != nil || e.lead != nil && e.lead.held:
		c.answer(nil, ErrBusy)
	case e.lead != nil && !e.m.Draining() && !e.lead.finished.Load() && e.lead.Valid():
		e.hand(c)
	default:
		e.desk().contender = c
		e.step(fsm.Input{Kind: fsm.InRun})
	}
}

func (e *election) recant(m *recant) {
	mine := e.papers != nil && e.papers.contender == m.c
	if mine {
		e.papers.contender = nil
	}
	switch {
	case e.explicit() || e.contending() != nil || e.lead != nil && e.lead.held:
		m.done(nil) // we stand for somebody else
	case !mine && e.m.State() == fsm.Idle:
		m.done(nil)
	default: // it may have left before we heard of it: we stand on since its last term
		e.desk().quitting = append(e.desk().quitting, responder{done: m.done})
		e.withdraw()
	}
}

// giveUp begins to drain: the work has been told, by its own context, and has DrainTimeout
// from now on.
func (e *election) giveUp(l *Leadership) {
	switch {
	case e.lead != l || e.m.Draining():
	case e.explicit() || e.contending() != nil:
		e.step(fsm.Input{Kind: fsm.InResign})
	default:
		e.withdraw()
	}
}

// finish: the work has stopped. If it is still in office the office is given up.
func (e *election) finish(m *finished) {
	mine := e.lead == m.l
	if mine {
		e.lead.held = false
	}
	over := responder{done: func(err error) {
		if errors.Is(err, ErrNotLeader) {
			err = nil // it ended by itself meanwhile
		}
		m.done(err)
	}}
	switch {
	case m.again:
		e.taking(responder{done: m.done})
		if mine && e.m.Draining() {
			e.drained()
		}
		e.taken()
	case !mine && e.lead != nil && e.lead.held:
		m.done(nil) // the term that has begun since is somebody else's
	case !e.explicit() && e.contending() == nil:
		e.desk().quitting = append(e.desk().quitting, responder{done: m.done})
		e.withdraw()
	case mine && !e.m.Draining():
		e.giving(over)
		e.step(fsm.Input{Kind: fsm.InResign})
	case mine:
		e.giving(over)
		e.drained()
	default:
		m.done(nil)
	}
}

// drained: of the work of the term something has stopped, perhaps all.
func (e *election) drained() {
	if !e.awaited() {
		e.step(fsm.Input{Kind: fsm.InDrained, Token: e.lead.Token()})
	}
}

// snapshot is everything that the election knows of itself.
func (e *election) snapshot() *Snapshot {
	now := e.env.clock.Now()
	s := &Snapshot{
		View: e.glance().of(e.name), ID: e.env.cfg.ID, Place: e.m.Place(), Pending: e.m.Pending(),
		Incarnation: e.env.session.Inc(), History: e.m.History(), DeadlineMS: -1,
	}
	if s.Pending == nil {
		s.Pending = []fsm.Pending{}
	}
	s.Session, s.Counts = e.env.sessionInfo(), e.env.counters.Read()
	if n := len(s.History); n > 0 {
		s.Transitions = s.History[n-1].Seq
	}
	s.TrustedMS = wholeMS(e.m.Lease().Left(now))
	if at, ok := e.m.Deadline(); ok {
		s.DeadlineMS = max(0, (at - now.Mono).Milliseconds())
	}
	return s
}
