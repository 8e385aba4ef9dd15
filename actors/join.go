package actors

import (
	"hustings/fsm"
	"hustings/redisbridge"
)

// join registers the node, and again every election in which it stands.
func (n *nodeActor) join() {
	if n.env.offline.Load() {
		return
	}
	n.fleet.joined, n.fleet.spoiled = false, false
	c := &redisbridge.Call{Kind: redisbridge.CallJoin, ReplyTo: n.ctx.Self()}
	for _, e := range n.els {
		m, ok := e.candidacy()
		if !ok {
			continue
		}
		if len(c.Entries) == maxEntries {
			n.sendJoin(c)
			c = &redisbridge.Call{Kind: redisbridge.CallJoin, ReplyTo: n.ctx.Self()}
		}
		c.Entries = append(c.Entries, m)
	}
	n.sendJoin(c)
}

func (n *nodeActor) sendJoin(c *redisbridge.Call) {
	n.fleet.joins++
	n.env.root.Send(n.env.bridge, c)
}

// rejoin registers again if the last attempt failed.
func (n *nodeActor) rejoin() {
	if !n.fleet.joined && n.fleet.joins == 0 && n.phase >= ready {
		n.join()
	}
}

// maxEntries bounds the elections that one script call registers; the others are in the
// next.
const maxEntries = 1024

func (n *nodeActor) onJoined(a *redisbridge.JoinAnswer) {
	n.fleet.joins = max(0, n.fleet.joins-1)
	n.fleet.spoiled = n.fleet.spoiled || a.Err != nil || a.Status != "ok"
	n.fleet.joined = n.fleet.joins == 0 && !n.fleet.spoiled
	if a.Err == nil && a.Status == "ok" {
		n.unregister(a.Entries)
	}
	switch why := n.refusal(a.Err); {
	case why != nil:
		n.fail(why)
	case a.Other != nil:
		if n.phase <= registering {
			n.awaitOriginal(*a.Other)
		}
	case a.Err != nil || a.Status != "ok":
		// No session of ours, or the link failed: the next heartbeat tells, and
		// registers again.
		if a.Err != nil {
			n.trouble(a.Err)
		}
		if n.phase == registering {
			n.phase = waitingTurn
			n.planBeat(n.cfg.TTL / 10)
		}
	case n.phase == registering && n.fleet.joined:
		n.phase, n.beats.originalSince = surveying, 0
		n.readMembers(0)
	}
	if n.fleet.joined {
		n.answer(&n.onlining, nil)
	}
	n.offlineIfQuit()
}

// unregister: an election may have been quit while its registration was on its way, and
// its own call have come before ours. Nobody would wait for such a candidate but in vain.
func (n *nodeActor) unregister(entries []redisbridge.Membership) {
	for _, m := range entries {
		e := n.shared.elections.find(m.Election)
		switch {
		case e == nil: // its actor has stopped
			n.clear(m.Election, 0)
		case e.idle():
			n.env.root.Send(e.pid, &nudge{in: fsm.Input{Kind: fsm.InNudge}, listed: true}) // it looks, and withdraws
		}
	}
}
