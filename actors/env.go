package actors

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// env is what one start of a node shares with its elections. It is made by the node's
// actor and never changed; what varies in it is atomic.
type env struct {
	cfg     *Config
	clock   redisbridge.Clock
	session *fsm.Session
	logger  *slog.Logger
	rules   *fsm.Rules // of elections that are opened by name
	entropy func() uint64
	root    *actor.RootContext
	node    *actor.PID
	bridge  *actor.PID
	// offline, mixed and observed are written by the node's actor only.
	// mixed: an original is in the fleet, so that surveys must look for more.
	offline  *atomic.Bool
	mixed    *atomic.Bool
	observed *atomic.Int64
	over     atomic.Pointer[error] // why the start has ended, nil while it lasts
	ignored  atomic.Bool           // a user's message was, and the log says so
	away     said                  // that Redis is
	waiting  said                  // that the dataset is new
	rounds   rounds
	*shared
}

// said is when the log was told, of one election, what is so of all of the node: of thousands
// it would be told at once.
type said struct{ at atomic.Int64 }

// again reports whether the log is to be told again.
func (s *said) again(now time.Duration) bool {
	at := s.at.Load()
	return (at == 0 || now-time.Duration(at) >= troubleAgain) && s.at.CompareAndSwap(at, max(int64(now), 1))
}

// rounds bounds how many rounds without a result the log is told of: one hung node spoils
// those of all elections in which it goes first.
type rounds struct {
	since atomic.Int64
	told  atomic.Int32
}

// maxRounds is how many in troubleAgain.
const maxRounds = 16

// another reports whether the log is to be told of one more.
func (r *rounds) another(now time.Duration) bool {
	since := r.since.Load()
	if now-time.Duration(since) >= troubleAgain && r.since.CompareAndSwap(since, int64(now)) {
		r.told.Store(0)
	}
	return r.told.Add(1) <= maxRounds
}

// inconclusive is the level at which the log is told of a round without a result.
func (e *env) inconclusive(why fsm.CauseCode) slog.Level {
	now, tell := e.clock.Now().Mono, false
	switch why {
	case fsm.CauseUnreachable, fsm.CauseBusy:
		tell = e.away.again(now)
	case fsm.CauseQuarantine:
		tell = e.waiting.again(now)
	default:
		tell = e.rounds.another(now)
	}
	if tell {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// handle returns a handle on the node.
func (e *env) handle() *Node {
	return &Node{system: e.root.ActorSystem(), pid: e.node, shared: e.shared, cfg: e.cfg}
}

// publish hands an event to the node, which knows the subscribers.
func (e *env) publish(ev Event) {
	if e.heard() {
		e.root.Send(e.node, ev)
	}
}

// heard reports whether anybody would hear an event: else it need not be made.
func (e *env) heard() bool { return e.subscribed.Load() > 0 }

// logs reports whether anybody reads the log at a level.
func (e *env) logs(level slog.Level) bool { return e.logger.Enabled(e.stopped, level) }

// rulesOf returns the rules of an election, which all those share that are configured
// like the ones opened by name.
func (e *env) rulesOf(c *ElectionConfig) *fsm.Rules {
	if c == &e.cfg.Elections {
		return e.rules
	}
	like := *c
	like.Name, like.Run, like.Drains = e.cfg.Elections.Name, e.cfg.Elections.Run, e.cfg.Elections.Drains
	if like == e.cfg.Elections {
		return e.rules
	}
	return newRules(e.cfg, c)
}

func newRules(cfg *Config, c *ElectionConfig) *fsm.Rules {
	return &fsm.Rules{
		VoteTimeout: cfg.VoteTimeout, Interval: cfg.Interval, Mixed: *cfg.Mixed, OriginalPatience: cfg.originals.patience,
		DrainTimeout: c.DrainTimeout, Sticky: c.Sticky, MinTenure: c.MinTenure, EvictGrace: c.EvictGrace,
	}
}

// shared outlives the restarts of a node's actor: it is what a Node handle reads.
type shared struct {
	// elections by name.
	elections *register
	// members is what the node knows of the fleet, sorted by id; immutable.
	members atomic.Pointer[[]Member]
	// start is the present start of the node's actor.
	start atomic.Pointer[env]
	// subscribed counts subscriptions of any kind.
	subscribed atomic.Int64
	counters   redisbridge.Counters
	// metrics is nil without a MeterProvider.
	metrics *metrics
	// Owned by the node's actor, and handed on to its successor at a restart:
	// the subscribers, elections that were spawned outside, by their PIDs' ids, the backend.
	hub    hub
	roster map[string]lodger
	// departed are the elections whose actors have stopped, until Redis knows, by the quits
	// that tell it: who comes next under such a name clears up first.
	departed map[string]uint64
	// down are elections opened by name that stood down when their actors were lost: who
	// comes next under such a name does so too.
	down map[string]bool
	// rerun are elections opened by name that ran when the node's actor panicked.
	rerun []string
	// held is what was asked of the node while it was being restarted.
	held    []*actor.MessageEnvelope
	backend redisbridge.Backend
	// evictable: an election is, or was, under OnDisconnect.
	evictable atomic.Bool
	// offline: Offline was called, and no Online since.
	offline bool
	// ending: the node's actor was told to stop, and has told everybody.
	ending bool
	// self is the actor whose starts share this.
	self atomic.Pointer[actor.PID]
	// done is closed, and stopped ends, when the node's actor has stopped for good.
	done    chan struct{}
	stopped context.Context
	stop    context.CancelFunc
	// workers run the elections that are opened by name.
	workers *workers
	// turnover is closed, and replaced, whenever an election's actor has stopped: who asked it
	// for something may not be answered.
	turnover atomic.Pointer[chan struct{}]
	// link is the bridge's state, as the node was last told.
	link atomic.Pointer[redisbridge.Link]
	// trouble is what keeps the session from being renewed, nil if nothing does.
	trouble atomic.Pointer[error]
	// failed is why, if it did not stop because it was told to.
	failed atomic.Pointer[error]
}

// turn wakes those who wait for an election's actor.
func (s *shared) turn() {
	next := make(chan struct{})
	if old := s.turnover.Swap(&next); old != nil {
		close(*old)
	}
}

// spawned are the elections of the roster in an order of their own: what is done for each may
// show.
func (s *shared) spawned() []*entry {
	list := make([]*entry, 0, len(s.roster))
	for _, l := range s.roster {
		list = append(list, l.entry)
	}
	slices.SortFunc(list, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
	return list
}

// closeBackend gives the backend of a start back, unless it is the user's.
func (s *shared) closeBackend() {
	if s.backend != nil {
		s.backend.Close()
		s.backend = nil
	}
}

func newShared() *shared {
	s := &shared{elections: newRegister(), done: make(chan struct{}), departed: map[string]uint64{}, down: map[string]bool{}, roster: map[string]lodger{}}
	s.workers = newWorkers(several(), s.done)
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.members.Store(&[]Member{})
	s.turn()
	return s
}

// cell is what an election's actor shares with its successor after a restart, and with
// readers. The actor is the one writer.
type cell struct {
	view   atomic.Pointer[glance] // nil before the first start
	lead   atomic.Pointer[Leadership]
	starts atomic.Int32 // of its actor, in all starts of the node
	// observers is how many look on without standing.
	observers int32
	down      atomic.Bool // told to stand down
	run       atomic.Bool // told to run, by the config or by Run, and not to quit since
}

func newCell(run bool) *cell {
	c := &cell{}
	c.run.Store(run)
	return c
}

// present is the state of the election of that name.
func (c *cell) present(name string) View {
	v := c.view.Load()
	if v == nil {
		return View{Election: name}
	}
	return v.of(name)
}

// of is the view of the election of that name.
func (v glance) of(name string) View {
	out := View{
		Election: name, State: v.state, Round: v.round, Result: v.result,
		Rank: v.rank, Leader: v.leader, Token: v.token, Draining: v.draining, StoodDown: v.stoodDown,
	}
	if v.since != 0 {
		out.Since = fsm.Instant{Wall: v.since}.Time()
	}
	return out
}

// glance is a View as a cell keeps it, in two thirds of the memory.
type glance struct {
	leader    fsm.Leader
	since     time.Duration // on the wall clock
	round     uint64
	rank      int64
	token     uint64
	state     fsm.State
	result    fsm.Result
	draining  bool
	stoodDown bool
}

// cellOf returns the cell of an election, nil if the node has none of that name.
func (s *shared) cellOf(election string) *cell {
	if e := s.elections.find(election); e != nil {
		return e.cell
	}
	return nil
}

// route returns the actor of an election, nil if the node has none of that name.
func (s *shared) route(election string) *actor.PID {
	if e := s.elections.find(election); e != nil {
		return e.pid
	}
	return nil
}

// fresh reports whether a heartbeat was answered within the last TTL.
func (e *env) fresh() bool {
	at, ok := e.session.LastAnswer()
	return ok && e.clock.Now().Mono-at <= e.cfg.TTL
}

// trusted returns for how long the session is trusted from now on. Any goroutine may ask.
func (e *env) trusted() time.Duration {
	return e.session.Current().Left(e.clock.Now())
}

// Messages between a node and its elections.
type (
	// attach: an election wants to belong to the node.
	attach struct {
		silent
		election string
		pid      *actor.PID
		process  actor.Process
		cell     *cell
		cfg      ElectionConfig
		err      error // its config is wrong
	}
	// attached: it does, in this start.
	attached struct {
		silent
		env *env
		// recover: another actor of this name was here before.
		recover bool
	}
	// greetDue: an election that panicked has waited long enough.
	greetDue struct {
		silent
		e *entry
	}
	// detached: it does not, or no longer.
	detached struct {
		silent
		err error
	}
	// beatNow: Redis does not know our session.
	beatNow struct{ silent }
	// watch: an election follows a holder.
	watch struct {
		silent
		election string
		holder   fsm.Candidate
		left     time.Duration
		// Under OnDisconnect: see fsm.DoWatch.
		grace time.Duration
		place int
		birth string
	}
	// observing: an election is to be looked at with each beat.
	observing struct {
		silent
		election string
		on       bool
	}
	// open asks for the actor of an election, made if need be. If there is a request it
	// is handed on to it; done is called then only if it can't be.
	open struct {
		silent
		election string
		request  *ask
		run      bool // it ran when the node's actor panicked
		done     func(*actor.PID, error)
	}
	// stopElection quits because the node stops.
	stopElection struct {
		silent
		why fsm.CauseCode
	}
)
