package actors

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"hustings/fsm"
	"hustings/redisbridge"
)

// perform does one effect.
func (e *election) perform(now fsm.Instant, fx *fsm.Effect, told *news) {
	switch fx.Kind {
	case fsm.DoVote, fsm.DoAck, fsm.DoKick:
		switch {
		case !fx.To.Original:
			e.publish(fx)
		case fx.Kind == fsm.DoKick:
			e.publish(fx)
			e.repeatKick(fx)
		case fx.Owed:
			e.payLater(fx.To)
		case fx.Kind == fsm.DoAck:
			e.ackTwice(fx)
		default:
			e.publish(fx)
		}
	case fsm.DoSurvey, fsm.DoClaim, fsm.DoReassert, fsm.DoRelease, fsm.DoWithdraw:
		e.call(fx)
	case fsm.DoBeat:
		e.root.Send(e.nursery.node, &beatNow{})
	case fsm.DoWatch:
		e.root.Send(e.nursery.node, &watch{election: e.name, holder: fx.To, left: fx.Left, grace: fx.Grace, place: fx.Place, birth: fx.Birth})
	case fsm.DoLead:
		e.begin(fx.Lease)
	case fsm.DoEndWork:
		e.lead.end(fx.Cause)
		if e.awaited() && e.env.logs(slog.LevelInfo) {
			e.env.logger.Info("ending", "election", e.name, "token", e.lead.Token(), "cause", fx.Cause.String(), "drain_timeout", e.cfg.DrainTimeout)
		}
		if e.env.heard() {
			told.add(&Ending{Election: e.name, At: now, Token: e.lead.Token(), Cause: fx.Cause})
		}
	case fsm.DoUnlead:
		e.unlead(fx.Cause)
	case fsm.DoEmit:
		e.emit(now, &fx.Notice, told)
	case fsm.DoMoved:
		e.moved(&fx.Transition, told)
	case fsm.DoAnswer:
		e.answer(fx)
	}
}

// call asks Redis.
func (e *election) call(fx *fsm.Effect) {
	if fx.Kind == fsm.DoClaim && fx.Eager {
		return // it went out with the survey
	}
	c := &redisbridge.Call{
		ReplyTo: e.self, Gen: e.gen, Election: e.name, Round: fx.Round, Register: fx.Register,
		Token: fx.Token, Tenancy: fx.Tenancy, Target: fx.To.ID, Keep: fx.Keep, Rank: e.m.Self().Rank, Original: e.mixed(),
		Grace: e.cfg.EvictGrace,
	}
	switch fx.Kind {
	case fsm.DoSurvey:
		c.Kind, c.Claim = redisbridge.CallSurvey, fx.Eager
		if fx.Eager {
			e.meter.asked(e)
		}
	case fsm.DoClaim:
		c.Kind = redisbridge.CallClaim
		e.meter.asked(e)
	case fsm.DoReassert:
		c.Kind = redisbridge.CallReassert
	case fsm.DoRelease:
		c.Kind = redisbridge.CallRelease
	case fsm.DoWithdraw:
		c.Kind = redisbridge.CallQuit
		if e.papers != nil {
			c.Since, e.papers.unsent = e.papers.unsent, 0
		}
	}
	e.root.Send(e.env.bridge, c)
}

// mixed reports whether an original is in the fleet, or was seen in this election, though the
// members' list does not have it yet.
func (e *election) mixed() bool { return e.env.mixed.Load() || e.m.Mixed() }

var wireTypes = map[fsm.EffectKind]redisbridge.MessageType{
	fsm.DoVote: redisbridge.TypeVote, fsm.DoAck: redisbridge.TypeAck, fsm.DoKick: redisbridge.TypeKick,
}

// publish sends a control message.
func (e *election) publish(fx *fsm.Effect) {
	self := e.m.Self()
	e.root.Send(e.env.bridge, &redisbridge.Call{
		Kind: redisbridge.CallPublish, Target: fx.To.ID, TargetInc: fx.To.Inc, Original: fx.To.Original, Rank: self.Rank,
		Control: &redisbridge.Control{
			Type: wireTypes[fx.Kind], Election: e.name, ID: self.ID, Inc: self.Inc,
			Round: fx.Round, Draining: fx.Draining,
		},
	})
}

// begin: a term begins.
func (e *election) begin(lease *fsm.Lease) {
	e.lead = newLeadership(e.name, lease, e.env)
	e.cell.lead.Store(e.lead)
	e.env.elections.turns.Add(1)
	e.drains = e.cfg.Drains
	if c := e.contending(); c != nil {
		e.hand(c)
	}
}

// hand gives a contender the term, unless it leaves in the same instant.
func (e *election) hand(c *contender) {
	if e.lead.held = c.answer(e.lead, nil); e.lead.held && e.papers != nil {
		e.papers.contender = nil
	}
}

// awaited reports whether work of the term is to be waited for, which somebody says has
// stopped.
func (e *election) awaited() bool { return e.drains || e.lead != nil && e.lead.held }

// unlead: a term is over.
func (e *election) unlead(why fsm.Cause) {
	e.lead.end(why)
	e.lead, e.drains = nil, false
	e.cell.lead.Store(nil)
	e.env.elections.turns.Add(1)
}

// emit tells subscribers and the log.
func (e *election) emit(now fsm.Instant, n *fsm.Notice, told *news) {
	if e.env.heard() {
		told.add(e.event(now, n))
	}
	switch n.Kind {
	case fsm.NoticeWon:
		e.won = true
	case fsm.NoticeLost:
		e.won = false
	case fsm.NoticeLeader:
		e.knew = n.Leader.Known
	default:
	}
	e.log(n)
	switch n.Kind {
	case fsm.NoticeWon:
		e.tellOriginals()
	case fsm.NoticeLeader:
		e.meter.leader(now, n.Leader.ID)
	case fsm.NoticeDrainOverdue:
		e.meter.drainOverdue()
	default:
	}
}

// event is a notice as subscribers get it.
func (e *election) event(now fsm.Instant, n *fsm.Notice) Event {
	switch n.Kind {
	case fsm.NoticeWon:
		return &Won{Election: e.name, At: now, Token: n.Token, Trusted: e.lead.Until()}
	case fsm.NoticeLost:
		return &Lost{Election: e.name, At: now, Cause: n.Cause, Leader: n.Leader.ID}
	case fsm.NoticeInconclusive:
		return &Inconclusive{Election: e.name, At: now, Cause: n.Cause}
	case fsm.NoticeLeader:
		return &LeaderChanged{Election: e.name, At: now, Leader: n.Leader}
	default:
		return &DrainOverdue{Election: e.name, At: now, Token: n.Token, Cause: n.Cause}
	}
}

// log writes a notice's line. Nothing is put together that nobody reads.
func (e *election) log(n *fsm.Notice) {
	log := e.env.logger
	switch n.Kind {
	case fsm.NoticeWon:
		if e.env.logs(slog.LevelInfo) {
			log.Info("won", "election", e.name, "token", n.Token)
		}
	case fsm.NoticeLost:
		if e.env.logs(slog.LevelInfo) {
			log.Info("lost", "election", e.name, "cause", n.Cause.String(), "leader", n.Leader.ID)
		}
	case fsm.NoticeInconclusive:
		if level := e.env.inconclusive(n.Cause.Code); e.env.logs(level) {
			log.Log(e.env.stopped, level, "inconclusive", "election", e.name, "cause", n.Cause.String())
		}
	case fsm.NoticeLeader:
		if e.env.logs(slog.LevelDebug) {
			log.Debug("leader", "election", e.name, "leader", n.Leader.ID, "token", n.Leader.Token)
		}
	case fsm.NoticeDrainOverdue:
		log.Error("drain overdue: the office is released while its work may still run", "election", e.name, "token", n.Token, "cause", n.Cause.String())
	}
}

// tellOriginals writes what an original reads as the winner, of whatever election.
func (e *election) tellOriginals() {
	if !e.mixed() {
		return
	}
	id, _ := json.Marshal(e.env.cfg.ID) // valid UTF-8: Validate has seen to it
	e.root.Send(e.env.bridge, &redisbridge.Call{
		Kind:    redisbridge.CallWinner,
		Payload: fmt.Sprintf(`{"serverId":%s,"pid":%s}`, id, e.env.cfg.number(e.m.Self().Rank)),
	})
}

func (e *election) moved(t *fsm.Transition, told *news) {
	e.meter.moved(t)
	if e.env.observed.Load() > 0 {
		told.add(&Moved{Election: e.name, Transition: *t})
	}
	if e.env.logs(slog.LevelDebug) {
		e.env.logger.Debug("transition", "election", e.name, "from", t.From.String(), "event", t.Event.String(),
			"to", t.To.String(), "cause", t.Cause.String(), "round", t.Round)
	}
}
