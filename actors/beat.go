package actors

import (
	"fmt"
	"log/slog"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// beats is what a node knows of its heartbeats. It belongs to the node's actor.
type beats struct {
	timer         redisbridge.Timer // next beat
	lapse         redisbridge.Timer // end of trust
	watch         redisbridge.Timer // end of a watched session
	out           int               // unanswered
	sentAt        time.Duration     // when the last one went out
	watched       []watched         // sorted by id
	ids           []string          // of these, as the last heartbeat asked
	otherSince    time.Duration     // when we first saw another session of our id
	started       string            // when we started, as our details say
	originalSince time.Duration     // when we first saw an original under our id
	lastEnd       time.Duration     // when that session ends if not renewed
	lastBirth     string
	replacing     string // incarnation of the process that we are to replace
	renewals      int    // of that session, later than a dead process explains
	floor         uint64 // highest token of the fleet that was told
	sweeping      bool
	troubled      toldOf // why the session is not renewed
	waited        toldOf // why we are not ready
	version       uint64
	details       int // entries there were when the members were last read
	epoch         string
	reading       bool
}

// Timers' messages.
type (
	beatDue  struct{ silent }
	lapseDue struct{ silent }
	watchDue struct{ silent }
)

func (b *beats) stop() {
	halt(b.timer, b.lapse, b.watch)
}

// maxOut bounds the heartbeats under way: an answer that takes longer than that is of
// no use.
const maxOut = 3

// beat sends a heartbeat and plans the next.
func (n *nodeActor) beat() {
	if n.phase >= parting || n.yielded || n.env.bridge == nil {
		return
	}
	n.planBeat(n.cfg.TTL / 3)
	now := n.env.clock.Now()
	if now.Mono-n.beats.sentAt >= n.cfg.TTL {
		n.beats.out = 0 // whatever became of them
	}
	if !n.link.Commands || n.beats.out >= maxOut || n.phase == connecting && !n.link.Up {
		return
	}
	n.beats.out++
	n.beats.sentAt = now.Mono
	req := n.env.session.Beat(now)
	n.env.root.Send(n.env.bridge, &redisbridge.Call{Kind: redisbridge.CallHeartbeat, ReplyTo: n.ctx.Self(), Req: req, Watch: n.beats.whom()})
	n.lookAtOriginals()
	for _, e := range n.els {
		if e.observed {
			n.look(e)
		}
	}
}

func (n *nodeActor) planBeat(d time.Duration) { n.set(&n.beats.timer, d, &beatDue{}) }

// onHeartbeat: the answer decides everything about the session.
func (n *nodeActor) onHeartbeat(a *redisbridge.HeartbeatAnswer) {
	sent, ours := n.env.session.Sent(a.Req)
	if !ours {
		return // of the last start: this one's numbers are lower, and would be taken for older
	}
	n.beats.out = max(0, n.beats.out-1)
	if n.phase >= parting {
		return
	}
	now := n.env.clock.Now()
	n.shared.metrics.beaten(n.env.session, now, a)
	if a.Err != nil {
		n.env.session.Unanswered(a.Req)
		n.trouble(a.Err)
		if why := n.refusal(a.Err); why != nil {
			n.fail(why)
		}
		return
	}
	if a.Verdict == fsm.VerdictTaken && n.phase < registering {
		n.env.session.Unanswered(a.Req)
		n.awaitTurn(sent, now, a)
		return
	}
	if a.Verdict == fsm.VerdictReplaced {
		n.env.session.Unanswered(a.Req)
		n.yield(a)
		return
	}
	n.env.session.Seen(a.Floor)
	old := n.env.session.Current()
	out := n.env.session.Answer(now, a.Req, a.Verdict, a.Tenancy, a.Epoch())
	if out.Lapsed {
		n.plainly(fsm.InLapse)
	}
	if a.Verdict == fsm.VerdictTaken {
		if out.Replaced {
			n.contested(sent, now, a)
		}
		return
	}
	n.beats.otherSince = 0
	n.trouble(nil)
	n.armLapse(now)
	switch {
	case n.phase < registering:
		n.phase = registering
		n.join()
	case out.Changed:
		n.env.logger.Warn("Redis names another tenancy: registering again", "birth", a.Tenancy.Birth, "epoch", a.Tenancy.Epoch, "quarantine", a.Quarantine)
		n.fleet.settled = now.Mono + n.cfg.MaxTTL + n.cfg.TTL/3
		n.join()
		n.fleet.unsure = n.env.offline.Load() // a failover may have brought back what our leave has removed
		n.offlineIfQuit()
		n.plainly(fsm.InTenancy)
		if old.Tenancy().Epoch == a.Tenancy.Epoch && old.Holds(now) {
			n.evicted()
		}
	case a.Verdict == fsm.VerdictCreated:
		n.join()
	default:
		n.rejoin()
	}
	if a.Verdict != fsm.VerdictStale {
		n.digest(now, a)
		n.callRoll(now)
	}
}

// awaitTurn: a session of our id lives. If its process is dead it ends by itself; if it
// is renewed again and again, its process is not.
func (n *nodeActor) awaitTurn(sent, now fsm.Instant, a *redisbridge.HeartbeatAnswer) {
	if n.phase != waitingTurn {
		n.phase = waitingTurn
		n.beats.otherSince = 0
	}
	if n.renewed(sent, now, a) {
		n.fail(fmt.Errorf("%w: %q is %s", ErrDuplicateID, n.cfg.ID, whose(a.Other.Details)))
		return
	}
	patience := n.cfg.TTL / 3
	if n.cfg.ReplaceDuplicate && n.replace(a) {
		patience = max(n.cfg.TTL/30, 10*time.Millisecond) // it may let go at any time
	}
	n.planBeat(min(max(a.Other.Left+time.Millisecond, 10*time.Millisecond), patience))
}

// awaitOriginal: a node of npm ipc is subscribed under our id, and listed. One that is being
// replaced by us ends; beside one that lives on we would be told what is meant for it.
func (n *nodeActor) awaitOriginal(d redisbridge.Details) {
	now := n.env.clock.Now()
	who := fmt.Sprintf("an original, process %s, since %s", d.Process, d.Timestamp)
	n.phase = waitingTurn
	switch since := n.beats.originalSince; {
	case since == 0:
		n.beats.originalSince = now.Mono
		n.env.logger.Warn("an original of this id lives: waiting for it to end", "other", who)
	case now.Mono-since > 2*n.cfg.TTL:
		n.fail(fmt.Errorf("%w: %q is %s", ErrDuplicateID, n.cfg.ID, who))
		return
	}
	err := fmt.Errorf("%w (%s)", errFormerLife, who)
	n.shared.trouble.Store(&err) // for whoever waits for Start
	n.planBeat(n.cfg.TTL / 10)
}

// contested: another incarnation holds our id after we had it. A process that started
// after us has taken it, and we are through. Otherwise it is a former life of ours,
// which a failover has brought back: it ends by itself, and until then nothing prolongs
// our trust.
func (n *nodeActor) contested(sent, now fsm.Instant, a *redisbridge.HeartbeatAnswer) {
	newer := a.Other.Inc != "" && fsm.BornAs(a.Other.Birth, a.Other.Inc) && a.Other.Start > n.beats.started
	if newer || n.renewed(sent, now, a) {
		n.fail(fmt.Errorf("%w: %q is now %s (%w)", ErrReplaced, n.cfg.ID, whose(a.Other.Details), ErrDuplicateID))
		return
	}
	n.planBeat(min(max(a.Other.Left+time.Millisecond, 10*time.Millisecond), n.cfg.TTL/3))
}

// renewed reports whether the other session of our id was renewed twice later than two TTLs
// after our first look at it. A dead process's last heartbeat may be late, but hardly by
// that, and then it is one, where a live process sends the next. What is left of the session was so
// at some time between sent and now: an answer that is late is no renewal.
func (n *nodeActor) renewed(sent, now fsm.Instant, a *redisbridge.HeartbeatAnswer) bool {
	b := &n.beats
	end := now.Mono + a.Other.Left // at the latest
	if b.otherSince == 0 {
		b.otherSince, b.renewals, b.lastEnd, b.lastBirth = now.Mono, 0, end, a.Other.Birth
		n.env.logger.Warn("a session of this id still lives: waiting for it to end", "other", whose(a.Other.Details), "left", a.Other.Left)
		n.trouble(fmt.Errorf("%w (%s)", errFormerLife, whose(a.Other.Details)))
	}
	if sent.Mono+a.Other.Left > b.lastEnd+renewalSlack || a.Other.Birth != b.lastBirth {
		b.lastEnd, b.lastBirth = end, a.Other.Birth
		if now.Mono-b.otherSince > 2*max(n.cfg.TTL, a.Other.Left) {
			b.renewals++
		}
	}
	b.lastEnd = min(b.lastEnd, end)
	return b.renewals >= 2
}

// renewalSlack is by how much an unrenewed session may seem to end later than before: clocks
// differ.
const renewalSlack = 100 * time.Millisecond

// trouble notes what keeps the session from being renewed, once per cause in the log, and
// for whoever waits for Start; nil is none.
func (n *nodeActor) trouble(err error) {
	old := n.shared.trouble.Load()
	if err == nil {
		if old != nil {
			n.shared.trouble.Store(nil)
		}
		return
	}
	if old != nil && (*old).Error() == err.Error() {
		return
	}
	kept := err // so that only what is kept goes to the heap
	n.shared.trouble.Store(&kept)
	if n.beats.troubled.again(err, n.env.clock.Now().Mono) && n.env.logs(slog.LevelWarn) {
		n.env.logger.Warn("the session is not renewed", "cause", err.Error())
	}
}

// toldOf is when the log was told of each kind of cause.
type toldOf map[string]time.Duration

// again reports whether the log is to be told of a cause, and notes that it is. The words of
// one kind vary, with a port in them, or with what was asked; and a server that takes
// connections and serves nothing causes it again and again.
func (t *toldOf) again(err error, now time.Duration) bool {
	kind := redisbridge.Kind(err)
	if at, told := (*t)[kind]; told && now-at < troubleAgain {
		return false
	}
	if *t == nil {
		*t = toldOf{}
	}
	(*t)[kind] = now
	return true
}

// troubleAgain is how long the log is silent about a kind of cause.
const troubleAgain = 10 * time.Second

func whose(d redisbridge.Details) string {
	if d.PID == 0 {
		return "a process that left no details"
	}
	return fmt.Sprintf("process %d on host %q, since %s", d.PID, d.Host, d.Start)
}

// digest takes what the heartbeat's answer says besides.
func (n *nodeActor) digest(now fsm.Instant, a *redisbridge.HeartbeatAnswer) {
	b := &n.beats
	if a.Tenancy.Epoch != b.epoch {
		// In a new dataset everybody is born again, leaders in office too.
		for i := range b.watched {
			b.watched[i].birth = ""
		}
	}
	for _, w := range a.Watched {
		if w.Left > 0 {
			n.prolongWatch(w, now.Mono+w.Left)
		}
	}
	n.armWatch(now)
	n.noteFloor(a.Floor)
	for _, name := range a.Vacant {
		if e := n.shared.elections.find(name); e != nil {
			n.look(e)
		}
	}
	if n.phase < surveying {
		return
	}
	if a.Tenancy.Epoch != b.epoch {
		b.version = 0
	}
	full := n.fleet.fullDue(now, n.cfg.Interval)
	if a.Version != b.version || a.Details != b.details || a.Tenancy.Epoch != b.epoch || full {
		b.epoch = a.Tenancy.Epoch
		since := b.version
		if a.Version == b.version || full || n.fleet.mixed && a.Details != b.details {
			// Originals come and go without a line in the log.
			since = 0
		}
		n.readMembers(since)
	}
}

// sweepDue: time for the followers to look.
type sweepDue struct{ silent }

// noteFloor notices that a term was granted somewhere in the fleet. If it was in an election
// of ours and the message about it was lost, its followers would follow the wrong holder
// for as long as that one lives. So a while after grants all followers look, in one
// batch; in a fleet where nothing changes, never.
func (n *nodeActor) noteFloor(floor uint64) {
	b := &n.beats
	if floor <= b.floor {
		return
	}
	first := b.floor == 0
	b.floor = floor
	if !b.sweeping && !first {
		b.sweeping = true
		n.after(max(n.cfg.TTL, n.cfg.Interval/4), &sweepDue{})
	}
}

func (n *nodeActor) onSweep() {
	n.beats.sweeping = false
	if n.phase == ready && !n.env.offline.Load() {
		n.callFollowers(n.env.clock.Now())
	}
}

// armLapse sets the timer for the first instant at which trust ends.
func (n *nodeActor) armLapse(now fsm.Instant) {
	end, ok := n.env.session.End(now)
	if !ok {
		halt(n.beats.lapse)
		return
	}
	n.set(&n.beats.lapse, max(min(end.Mono-now.Mono, end.Wall-now.Wall), 0), &lapseDue{})
}

// onLapse: some trust has ended, by the clock. The elections that rest on it step down.
func (n *nodeActor) onLapse() {
	now := n.env.clock.Now()
	n.armLapse(now)
	n.plainly(fsm.InLapse)
}
