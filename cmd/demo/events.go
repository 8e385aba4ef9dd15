package main

import (
	"fmt"

	"hustings/actors"
	"hustings/fsm"
)

// eventLine tells an event of the library's, nil if it has no line: what Status says was
// told by the lines before.
func eventLine(ev actors.Event) *line {
	switch ev := ev.(type) {
	case *actors.Won:
		return newLine("won", ev.At, "election", ev.Election, "token", ev.Token, "until_ns", monoNS(ev.Trusted))
	case *actors.Lost:
		return newLine("lost", ev.At, "election", ev.Election, "cause", ev.Cause.String()).withText("leader", ev.Leader)
	case *actors.Inconclusive:
		return newLine("inconclusive", ev.At, "election", ev.Election, "cause", ev.Cause.String())
	case *actors.LeaderChanged:
		return newLine("leader", ev.At, "election", ev.Election).with(leaderMembers(ev.Leader)...)
	case *actors.DrainOverdue:
		return newLine("error", ev.At, "error",
			fmt.Sprintf("election %q: %s; the office was released all the same: raise --drain-timeout or stop sooner", ev.Election, ev.Cause))
	case *actors.Moved:
		t := &ev.Transition
		return newLine("transition", t.At, "election", ev.Election, "from", t.From, "event", t.Event, "to", t.To,
			"cause", t.Cause.String(), "round", t.Round)
	case *actors.PeerUp:
		return newLine("up", ev.At, "peer", ev.Peer.ID, "rank", ev.Peer.Rank)
	case *actors.PeerLeft:
		return newLine("left", ev.At, "peer", ev.Peer.ID, "rank", ev.Peer.Rank)
	case *actors.PeerDead:
		return newLine("dead", ev.At, "peer", ev.Peer.ID, "rank", ev.Peer.Rank)
	case *actors.Message:
		return newLine("message", ev.At).withText("from", ev.From).with("data", ev.JSON(), "broadcast", ev.Broadcast)
	case *actors.Missed:
		return newLine("error", clock.Now(), "error", fmt.Sprintf("%d events were missed: this process was too slow to take them", ev.N))
	}
	return nil
}

// leaderMembers tells who leads: null when nobody does, or when it is not known.
func leaderMembers(l fsm.Leader) []any {
	var id any
	if l.ID != "" {
		id = l.ID
	}
	out := []any{"leader", id}
	if l.Token != 0 {
		out = append(out, "token", l.Token)
	}
	return append(out, "known", l.Known)
}

// linkWatch turns news of the link into lines, one for each change: the library tells
// every failed attempt too.
type linkWatch struct{ down bool }

// line returns nil when nothing has changed. The link is up when the node is ready.
func (w *linkWatch) line(ev *actors.LinkChanged) *line {
	if w.down == !ev.Up {
		return nil
	}
	w.down = !ev.Up
	l := newLine("bridge", ev.At, "state", "up")
	if w.down {
		l = newLine("bridge", ev.At, "state", "down")
		if ev.Err != nil {
			l.withText("cause", ev.Err.Error())
		}
	}
	return l
}
