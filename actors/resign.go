package actors

import (
	"fmt"
	"slices"

	"hustings/fsm"
	"hustings/redisbridge"
)

// nomination is a resignation that names a successor of whom Redis is being asked.
type nomination struct {
	to string
	r  responder
}

// resign gives up the office. A named successor is looked up first: who resigns in favour
// of nobody has lost the office for nothing.
func (e *election) resign(m *Resign, r responder) {
	if m.To == "" {
		e.giving(r)
		e.step(fsm.Input{Kind: fsm.InResign})
		return
	}
	if err := e.resignable(m.To); err != nil {
		respond([]responder{r}, err)
		return
	}
	e.desk().named = append(e.desk().named, nomination{m.To, r})
	e.root.Send(e.env.bridge, &redisbridge.Call{
		Kind: redisbridge.CallPeer, ReplyTo: e.self, Gen: e.gen, Election: e.name, Target: m.To,
	})
}

// resignable is why the office can't be given to somebody, as far as is known here.
func (e *election) resignable(to string) error {
	switch {
	case e.m.Lease() == nil:
		return ErrNotLeader
	case e.m.Draining():
		return fmt.Errorf("%w (the office is being given up already)", ErrSuccessor)
	case to == e.m.Self().ID:
		return fmt.Errorf("%w (%q is this node)", ErrSuccessor, to)
	case len(e.desk().named) >= maxChecks:
		return ErrBusy
	}
	return nil
}

// nominated: Redis has answered about somebody whom a resignation names.
func (e *election) nominated(a *redisbridge.PeerAnswer) {
	for { // one by one: if one panics the others are answered
		i := slices.IndexFunc(e.desk().named, func(n nomination) bool { return n.to == a.ID })
		if i < 0 {
			return
		}
		n := e.desk().named[i]
		e.desk().named = slices.Delete(e.desk().named, i, i+1)
		err := e.resignable(n.to) // things may have changed while Redis was asked
		if err == nil {
			err = eligible(a)
		}
		if err != nil {
			respond([]responder{n.r}, err)
			continue
		}
		e.giving(n.r)
		e.step(fsm.Input{Kind: fsm.InResign, Heir: n.to})
	}
}

// eligible is why somebody can't succeed, as Redis has it.
func eligible(a *redisbridge.PeerAnswer) error {
	switch {
	case a.Err != nil:
		return fmt.Errorf("%w: whether %q can take over is not known: %w", ErrUnreachable, a.ID, a.Err)
	case !a.Candidate:
		return fmt.Errorf("%w (%q is no candidate: it does not run, or stands down)", ErrSuccessor, a.ID)
	case a.Who.Original:
		return fmt.Errorf("%w (%q is an original, which holds no lease)", ErrSuccessor, a.ID)
	case a.Live == 0:
		return fmt.Errorf("%w (%q is dead: its session has ended)", ErrSuccessor, a.ID)
	}
	return nil
}
