package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hustings/actors"
	"hustings/redisbridge"
)

// command obeys one command. An error that it returns is the reply; else it has replied,
// or will.
type command func(r *nodeRun, name, rest string) error

// commandTable is every command. Questions are answered at once, messages in their order,
// and what changes an election after what was asked of that election before.
var commandTable map[string]command

func init() { // obey needs the table, which needs what obey needs
	commandTable = map[string]command{
		"run":       ofElection((*nodeRun).standIn),
		"quit":      ofElection((*nodeRun).quit),
		"resign":    resign,
		"standdown": ofElection(func(r *nodeRun, election string) error { return r.node.StandDown(r.over, election) }),
		"stand":     ofElection(func(r *nodeRun, election string) error { return r.node.Stand(r.over, election) }),
		"leader":    leader,
		"status":    status,
		"inspect":   inspect,
		"explain":   explain,
		"members":   members,
		"send":      send,
		"broadcast": broadcast,
		"offline":   presence((*nodeRun).offline),
		"online":    presence(func(r *nodeRun) error { return r.node.Online(r.over) }),
		"exit":      exit,
	}
}

// ofElection is a command that changes one election.
func ofElection(do func(r *nodeRun, election string) error) command {
	return func(r *nodeRun, name, rest string) error {
		election, _, err := r.electionArg(rest, 1)
		if err != nil {
			return err
		}
		r.lanes.do(r.ctx, "election "+election, func() { r.reply(name, do(r, election), "election", election) })
		return nil
	}
}

func resign(r *nodeRun, name, rest string) error {
	election, to, err := r.electionArg(rest, 2)
	if err != nil {
		return err
	}
	r.lanes.do(r.ctx, "election "+election, func() {
		r.reply(name, r.node.ResignTo(r.over, election, strings.Join(to, "")), "election", election)
	})
	return nil
}

// leader answers from what the node knows; not to know is an answer too.
func leader(r *nodeRun, name, rest string) error {
	election, _, err := r.electionArg(rest, 1)
	if err != nil {
		return err
	}
	l, err := r.node.Leader(election)
	known := err == nil || errors.Is(err, actors.ErrNoLeader)
	if !known && !errors.Is(err, actors.ErrUnknown) {
		return err
	}
	var id any
	if l.ID != "" {
		id = l.ID
	}
	r.reply(name, nil, "election", election, "leader", id, "token", orNull(l.Token), "known", known)
	return nil
}

// snapshotOf asks an election what it knows of itself.
func (r *nodeRun) snapshotOf(rest string) (string, *actors.Snapshot, error) {
	election, _, err := r.electionArg(rest, 1)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(r.over, soon)
	defer cancel()
	s, err := r.node.Inspect(ctx, election)
	return election, s, err
}

func status(r *nodeRun, name, rest string) error {
	election, s, err := r.snapshotOf(rest)
	if err != nil {
		return err
	}
	r.reply(name, nil, "election", election, "state", s.State, "result", s.Result, "token", orNull(s.Token), "trusted_ms", s.TrustedMS)
	return nil
}

// orNull tells a token; there is none with the value 0.
func orNull(token uint64) any {
	if token == 0 {
		return nil
	}
	return token
}

func inspect(r *nodeRun, name, rest string) error {
	election, s, err := r.snapshotOf(rest)
	if err != nil {
		return err
	}
	r.reply(name, nil, "election", election, "snapshot", s)
	return nil
}

func explain(r *nodeRun, name, rest string) error {
	election, s, err := r.snapshotOf(rest)
	if err != nil {
		return err
	}
	r.reply(name, nil, "election", election, "text", s.Explain())
	return nil
}

func members(r *nodeRun, name, rest string) error {
	if err := nothing(rest); err != nil {
		return err
	}
	type member struct {
		ID   string `json:"id"`
		Rank int64  `json:"rank"`
	}
	list := []member{}
	for _, m := range r.node.Members() {
		list = append(list, member{m.ID, m.Rank})
	}
	r.reply(name, nil, "members", list)
	return nil
}

func send(r *nodeRun, name, rest string) error {
	to, text := cutWord(rest)
	if to == "" {
		return errors.New("the receiver is missing: send ID JSON")
	}
	if err := redisbridge.CheckReceiver(to); err != nil {
		return fmt.Errorf("server id %q %w", to, err)
	}
	value, err := jsonArg(text)
	if err != nil {
		return err
	}
	r.lanes.do(r.ctx, "messages", func() {
		n, err := r.node.Send(r.over, to, value)
		r.reply(name, err, "receivers", n)
	})
	return nil
}

func broadcast(r *nodeRun, name, rest string) error {
	value, err := jsonArg(rest)
	if err != nil {
		return err
	}
	r.lanes.do(r.ctx, "messages", func() {
		n, err := r.node.Broadcast(r.over, value)
		r.reply(name, err, "receivers", n)
	})
	return nil
}

// presence is a command that changes the node's place in the fleet.
func presence(do func(r *nodeRun) error) command {
	return func(r *nodeRun, name, rest string) error {
		if err := nothing(rest); err != nil {
			return err
		}
		r.lanes.do(r.ctx, "", func() { r.reply(name, do(r)) })
		return nil
	}
}

func exit(r *nodeRun, name, rest string) error {
	if err := nothing(rest); err != nil {
		return err
	}
	r.reply(name, nil)
	r.exit()
	return nil
}

// nothing refuses words where none are expected.
func nothing(rest string) error {
	if rest != "" {
		return fmt.Errorf("%q is too much: this command stands alone", rest)
	}
	return nil
}
