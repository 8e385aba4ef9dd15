package sim

import (
	"cmp"
	"fmt"
	"time"

	"hustings/redisbridge"
)

// OriginalConfig describes a process that runs npm ipc@0.0.1. Its zero value is what the
// package's own defaults are.
type OriginalConfig struct {
	// ID is the server id. Default the process's name; another one where a second process
	// is to have it, or had it before.
	ID string
	// Wait is how long a round waits for acks. Default 10 s.
	Wait time.Duration
	// Interval is from one round to the next. Default 60 s.
	Interval time.Duration
	// Run names the elections in which the application stands from the start, after it
	// has gone online. Without any it does nothing by itself: call Online and Run.
	Run []string
}

// Result is what an original has on record as its last result of an election.
type Result int

// The results. Inconclusive is the round that somebody left unanswered; no event tells it.
const (
	ResultInconclusive Result = -1
	ResultLost         Result = 0
	ResultWon          Result = 1
	ResultNone         Result = 2
)

// OriginalEvent is an event that an original's application gets, and (Died) the end of its
// process by a fault of the package. The package's won and lost do not name the election;
// Election does, for tests.
type OriginalEvent struct {
	At       time.Duration // of the world
	Kind     string        // "won", "lost", "dead", "message", "died"
	Election string        // won, lost
	ID       string        // dead
	Text     string        // dead: the process as JSON; message: the value as JSON; died: why
}

// Original is a process that runs npm ipc@0.0.1: a model of what that package puts on the
// wire, its faults included. It belongs to the goroutine of its world.
//
// The methods that make it do something take effect at once if it runs, and do nothing if
// it does not. A crash and restart is a new life with the same id, and (see Renumber) the same
// pid, that begins as the first one did. Its Redis client queues while it is disconnected, has no timeout,
// and dies where the package's does: see its faults B1 to B23 in docs/migration.md.
//
// Not modelled: ids that are numbers or contain a space, and election names that are
// members of JavaScript's arrays.
type Original struct {
	*Process
	pid    int64 // of this life
	next   int64 // of the next one
	cfg    OriginalConfig
	keys   redisbridge.Keys
	record []OriginalEvent
	watch  []func(OriginalEvent)

	// Of one life.
	begun     uint32 // which one has begun
	asked     uint32 // which one todo is for
	todo      []func()
	client    *originalClient
	result    map[string]Result
	pending   map[string][]string // who has not acked; there is an entry once it ran
	timers    map[string]redisbridge.Timer
	intervals map[string]*originalInterval
}

// originalInterval is what setInterval returned.
type originalInterval struct{ cleared bool }

// Original starts a process of the original package, of a name that no other process has.
func (w *World) Original(id string, pid int64, cfg OriginalConfig) *Original {
	cfg.ID = cmp.Or(cfg.ID, id)
	def(&cfg.Wait, 10*time.Second)
	def(&cfg.Interval, time.Minute)
	o := &Original{Process: w.Process(id), next: pid, cfg: cfg, keys: redisbridge.DefaultPrefix}
	o.Boot(o.start)
	return o
}

func (o *Original) start(*Process) {
	o.pid, o.begun = o.next, o.epoch
	o.result, o.pending = make(map[string]Result), make(map[string][]string)
	o.timers, o.intervals = make(map[string]redisbridge.Timer), make(map[string]*originalInterval)
	o.client = newOriginalClient(o)
	if len(o.cfg.Run) > 0 {
		o.online(func() {
			for _, e := range o.cfg.Run {
				o.run(e)
			}
		})
	}
}

// PID returns the number by which it is ranked.
func (o *Original) PID() int64 { return o.pid }

// Renumber says by which number its next life is ranked: to a process that is started again
// the system gives another id.
func (o *Original) Renumber(pid int64) { o.next = pid }

// LastResult returns the last result of an election; ResultNone if there is none yet.
func (o *Original) LastResult(election string) Result {
	if r, ok := o.result[election]; ok {
		return r
	}
	return ResultNone
}

// Leads reports whether it takes itself for the leader: it runs, and its last result is won.
func (o *Original) Leads(election string) bool {
	return o.Alive() && o.LastResult(election) == ResultWon
}

// Pending returns who has not acked yet in an election's round.
func (o *Original) Pending(election string) []string {
	return append([]string(nil), o.pending[election]...)
}

// Waits reports whether a timer of the election's round is armed.
func (o *Original) Waits(election string) bool { return o.timers[election] != nil }

// Commands returns how many commands it has sent in this life, PUBLISH included, as
// MONITOR would count them.
func (o *Original) Commands() int { return o.client.sent }

// Events returns what has happened so far, former lives included.
func (o *Original) Events() []OriginalEvent { return append([]OriginalEvent(nil), o.record...) }

// Count returns how many events of a kind there were.
func (o *Original) Count(kind string) int {
	n := 0
	for _, ev := range o.record {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

// Watch has f called with every event, in the process.
func (o *Original) Watch(f func(OriginalEvent)) { o.watch = append(o.watch, f) }

// Online is markProcessOnline. done may be nil; it is called when the package calls back,
// which it does not always.
func (o *Original) Online(done func()) { o.does(func() { o.online(done) }) }

// Offline is markProcessOffline: of the process itself if id is "", as when the
// application names none.
func (o *Original) Offline(id string, done func()) { o.does(func() { o.offline(id, done) }) }

// Run is runForPresident.
func (o *Original) Run(election string) { o.does(func() { o.run(election) }) }

// Quit is quitElection.
func (o *Original) Quit(election string) { o.does(func() { o.quit(election) }) }

// Send is sendMessage: json goes to a node as it is. done may be nil.
func (o *Original) Send(to, json string, done func(receivers int64, err error)) {
	o.does(func() { o.message(o.keys.Comm(to), json, done) })
}

// Broadcast is sendMessageToAll; the sender hears itself.
func (o *Original) Broadcast(json string, done func(receivers int64, err error)) {
	o.does(func() { o.message(o.keys.Public(), json, done) })
}

func (o *Original) message(channel, json string, done func(int64, error)) {
	o.client.publish(channel, json, func(n int64, err error) {
		if done != nil {
			done(n, err)
		}
	})
}

// does runs f in the process, as an event of its own; what is asked for at one instant is
// done in that order.
func (o *Original) does(f func()) {
	o.world.scenarios()
	if !o.Alive() {
		return
	}
	if o.asked != o.epoch {
		o.asked, o.todo = o.epoch, nil
	}
	o.todo = append(o.todo, f)
	o.Do(o.goOn)
}

// goOn does the next thing that was asked for, once the process has begun: it may have been
// started at this very instant.
func (o *Original) goOn() {
	if o.begun != o.epoch {
		o.Do(o.goOn)
		return
	}
	next := o.todo[0]
	o.todo = o.todo[1:]
	next()
}

func (o *Original) emit(ev OriginalEvent) {
	ev.At = o.world.sched.now
	o.record = append(o.record, ev)
	o.world.trace.note(o.Process, "original "+ev.Kind, ev.Election+ev.ID, ev.Text, 0)
	for _, f := range o.watch {
		f(ev)
	}
}

// die is an uncaught error: the process ends. Nothing starts it again by itself.
func (o *Original) die(format string, args ...any) {
	if o.Alive() {
		o.emit(OriginalEvent{Kind: "died", Text: fmt.Sprintf(format, args...)})
		o.Crash()
	}
}

// every is setInterval: f runs now and then until the interval is cleared.
func (o *Original) every(d time.Duration, f func()) *originalInterval {
	i := &originalInterval{}
	var next func()
	next = func() {
		o.Clock().AfterFunc(d, func() {
			if !i.cleared {
				next()
				f()
			}
		})
	}
	next()
	return i
}

// SetPatternSubscribers sets how many clients have a pattern subscribed that matches every
// channel: they count in the reply of PUBLISH, and not in PUBSUB NUMSUB. Default 0.
func (r *Redis) SetPatternSubscribers(n int) { r.store.patterns = int64(n) }
