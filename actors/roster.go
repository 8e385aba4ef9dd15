package actors

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

// entry is an election of this node.
type entry struct {
	name     string
	pid      *actor.PID
	cell     *cell
	holder   string  // whose session it follows
	doubts   *string // whose subscription it wants looked at; nil, nobody's
	observed bool
	stopped  bool   // has quit for good, the node is leaving
	quits    uint16 // how often it was asked to
	place    int32  // among the node's
}

// lodger is an election that somebody else has spawned. Its PID may come to be another actor's when it has stopped:
// the process tells which one is meant.
type lodger struct {
	*entry
	process actor.Process
}

// idle reports whether the election is no candidate.
func (e *entry) idle() bool {
	_, stands := e.candidacy()
	return !stands
}

// candidacy is what registers an election; ok is false if it is no candidate.
func (e *entry) candidacy() (m redisbridge.Membership, ok bool) {
	v := e.cell.view.Load() // once: its actor may take it away at any time
	if v == nil || v.state == fsm.Idle {
		return m, false
	}
	return redisbridge.Membership{Election: e.name, Rank: v.rank}, true
}

// enter adds an election to the books.
func (n *nodeActor) enter(e *entry) {
	e.place = int32(len(n.els)) //nolint:gosec // fewer than that fit into memory
	n.els = append(n.els, e)
	if e.stopped {
		n.stopped++
	}
}

// strike takes an election off the books. Others take its place, so that those which the roll
// call has been to stand in front still.
func (n *nodeActor) strike(e *entry) {
	to := int(e.place)
	move := func(from int) {
		if from == to {
			return // it has a place already, or goes
		}
		n.els[to] = n.els[from]
		n.els[to].place = int32(to) //nolint:gosec // see enter
		to = from
	}
	if to < n.roll.next {
		n.roll.next--
		move(n.roll.next)
	}
	move(len(n.els) - 1)
	n.els = slices.Delete(n.els, to, to+1)
	n.halted(e, false)
	n.doubt(e, &watch{})
	n.shared.elections.remove(e.name)
}

// attach takes an election into this start.
func (n *nodeActor) attach(m *attach) {
	known := n.shared.elections.find(m.election)
	if m.err == nil {
		m.err = n.unfit(m.cfg)
	}
	switch {
	case m.err != nil:
		n.refuse(m, m.err)
		return
	case n.phase >= leaving:
		n.refuse(m, n.notReady())
		return
	case known != nil && !known.pid.Equal(m.pid):
		n.refuse(m, ErrBusy)
		return
	case known != nil && known.cell != m.cell: // the next actor of this PID is here before we are told of the end of the last
		n.leftUs(known)
		known = nil
	}
	if known == nil {
		known = &entry{name: m.election, pid: m.pid, cell: m.cell, stopped: n.env.offline.Load()}
		n.shared.elections.put(known)
		n.enter(known)
		n.ctx.Watch(m.pid)
		n.shared.roster[m.pid.Id] = lodger{known, m.process}
		if _, left := n.shared.departed[m.election]; !left && !n.link.Commands {
			n.unheard[known] = n.shared.counters.Registering()
		}
	}
	if n.phase == ready {
		n.greet(known)
	}
}

// Back-off of an election that panics again and again.
const (
	greetMin = 10 * time.Millisecond
	greetMax = time.Second
)

// greet gives an election its node: at once the first time, later the more often it was
// restarted.
func (n *nodeActor) greet(e *entry) {
	starts := e.cell.starts.Load()
	if starts == 0 {
		n.greetNow(e)
		return
	}
	n.after(min(greetMin<<min(starts, 10), greetMax), &greetDue{e: e})
}

func (n *nodeActor) greetNow(e *entry) {
	if n.phase != ready || n.shared.elections.find(e.name) != e {
		return
	}
	n.env.root.Send(e.pid, &attached{env: n.env, recover: n.recovers(e.name)})
}

func (n *nodeActor) refuse(m *attach, err error) {
	err = fmt.Errorf("election %q: %w", m.election, err)
	n.hub.publish(n, &Failed{Election: m.election, At: n.env.clock.Now(), Err: err})
	n.env.root.Send(m.pid, &detached{err: err})
}

// terminated: an election's actor, the bridge, or a subscriber has stopped for good.
func (n *nodeActor) terminated(who *actor.PID) {
	if n.wasRetired(who) {
		return
	}
	n.hub.ended(n, who)
	if n.env.bridge != nil && who.Equal(n.env.bridge) {
		switch {
		case n.phase == parting && len(n.stopping) > 0:
			n.ctx.Stop(n.ctx.Self()) // Redis can't be told of our leave
		case n.phase != failed && n.phase != parting:
			n.fail(errors.New("hustings: the bridge has stopped"))
		}
		return
	}
	if e := n.ended(who); e != nil {
		n.leftUs(e)
		if n.super.exhausted(who.Id) {
			n.keepDown(e)
			n.hub.publish(n, &Failed{Election: e.name, At: n.env.clock.Now(), Err: errExhausted})
		}
		n.departIfQuit()
	}
}

// leftUs: the actor of an election has stopped.
func (n *nodeActor) leftUs(e *entry) {
	n.strike(e)
	delete(n.shared.roster, e.pid.Id)
	n.shared.turn()
	if n.phase < parting {
		n.clear(e.name, n.unheard[e])
	}
	delete(n.unheard, e)
}

// ended finds the election whose actor has stopped, nil if there is none that anybody has to know of.
func (n *nodeActor) ended(who *actor.PID) *entry {
	if l := n.shared.roster[who.Id]; l.entry != nil && l.pid.Equal(who) { // that of a subscriber elsewhere may have its id
		if n.is(who, l.process) {
			return nil // it is of the one that had this PID before
		}
		return l.entry
	}
	if n.phase == parting {
		return nil // all children stop now
	}
	at := slices.IndexFunc(n.els, func(e *entry) bool { return e.pid.Equal(who) })
	if at < 0 {
		return nil
	}
	return n.els[at]
}

// clear has Redis take us out of an election whose actor has stopped. Whatever it held is
// not ours any more. since is Counters.Registering when the actor came, 0 if that is not
// known: if it is the same yet, nothing is there to be taken back.
func (n *nodeActor) clear(election string, since uint64) {
	gen := n.env.entropy()
	n.shared.departed[election] = gen
	if n.clearing == nil {
		n.clearing = map[uint64]string{}
	}
	n.clearing[gen] = election
	n.env.root.Send(n.env.bridge, &redisbridge.Call{
		Kind: redisbridge.CallQuit, ReplyTo: n.ctx.Self(), Gen: gen, Election: election, Since: since,
	})
}

// uninvited: somebody takes us for a candidate of an election that we have not. Redis may do so, too:
// a failover has brought back what an actor that is gone had quit, or a former life of ours has left it
// behind. Others would wait for votes that nobody gives, so it is quit again. Who stands next under that
// name waits for it: see recovers.
func (n *nodeActor) uninvited(election string) {
	if n.phase != ready || n.shared.elections.find(election) != nil {
		return
	}
	if gen, asked := n.shared.departed[election]; asked && n.clearing[gen] != "" || len(n.clearing) >= maxUninvited {
		return
	}
	n.clear(election, 0)
}

// maxUninvited bounds the quits that are under way: anybody may send such messages, and without end. One
// that was too many is sent when somebody says so again.
const maxUninvited = 1024

// onCleared: Redis has answered that. What it has refused, or not done yet, it is asked again,
// and then there is another answer.
func (n *nodeActor) onCleared(a *redisbridge.Answer) {
	if a.Input.Cause.Code != fsm.CauseNone {
		return
	}
	if election := n.clearing[a.Gen]; n.shared.departed[election] == a.Gen {
		delete(n.shared.departed, election)
	}
	delete(n.clearing, a.Gen)
}

// recovers reports whether an actor before this one may have left something behind in Redis,
// which this one is to clear.
func (n *nodeActor) recovers(election string) bool {
	_, left := n.shared.departed[election]
	delete(n.shared.departed, election)
	return left
}

// open finds or makes the actor of an election that is asked for by name.
func (n *nodeActor) open(m *open) {
	if e := n.shared.elections.find(m.election); e != nil {
		n.opened(m, e)
		return
	}
	if n.phase >= leaving {
		m.done(nil, n.notReady())
		return
	}
	if !n.fit {
		cfg := n.cfg.Elections
		cfg.Name = m.election
		if err := errors.Join(cfg.Validate(), n.unfit(cfg)); err != nil {
			m.done(nil, err)
			return
		}
		n.fit = true
	}
	c := newCell(n.cfg.Elections.Run || m.run)
	if n.shared.down[m.election] {
		c.down.Store(true)
		delete(n.shared.down, m.election)
	}
	e := &entry{name: m.election, pid: n.ctx.Spawn(n.nursery.props), cell: c, stopped: n.env.offline.Load()}
	who := &identity{name: e.name, cfg: &n.cfg.Elections, cell: c}
	if n.phase == ready {
		who.env, who.recover = n.env, n.recovers(e.name)
	}
	n.env.root.Send(e.pid, who)
	n.enter(e) // a child: protoactor tells of its end unasked
	n.shared.elections.put(e)
	n.opened(m, e)
	n.spare()
}

// each gives every election an input; all get one message.
func (n *nodeActor) each(in fsm.Input) { n.nudgeAll(&nudge{in: in}) }

// plainly tells all elections what needs no more words than its kind.
func (n *nodeActor) plainly(kind fsm.InputKind) { n.nudgeAll(nudged[kind]) }

func (n *nodeActor) nudgeAll(m *nudge) {
	for _, e := range n.els {
		n.env.root.Send(e.pid, m)
	}
}

func (n *nodeActor) nudge(e *entry, in fsm.Input) { n.env.root.Send(e.pid, &nudge{in: in}) }

// look has an election look at Redis.
func (n *nodeActor) look(e *entry) { n.env.root.Send(e.pid, nudged[fsm.InNudge]) }

// nudged are the nudges that say no more than their kind. They are the same for all elections
// and times: many may have to look at once, and inputs are large.
var nudged = map[fsm.InputKind]*nudge{
	fsm.InNudge:   {in: fsm.Input{Kind: fsm.InNudge}},
	fsm.InLinkUp:  {in: fsm.Input{Kind: fsm.InLinkUp}},
	fsm.InLapse:   {in: fsm.Input{Kind: fsm.InLapse}},
	fsm.InTenancy: {in: fsm.Input{Kind: fsm.InTenancy}},
	fsm.InDeaf:    {in: fsm.Input{Kind: fsm.InDeaf}},
}

// names returns the elections' names in order, for loops whose order shows.
func (n *nodeActor) names() []string {
	out := make([]string, 0, len(n.els))
	for _, e := range n.els {
		out = append(out, e.name)
	}
	sort.Strings(out)
	return out
}
