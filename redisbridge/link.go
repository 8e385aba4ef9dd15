package redisbridge

import (
	"errors"
	"log/slog"
)

// tell tells the owner when something changed.
func (b *Bridge) tell(err error) {
	now := Link{Commands: b.conn != nil, Deaf: b.deaf && !b.heard, Epoch: b.told.Epoch}
	now.Up = now.Commands && (b.heard || b.deaf)
	if err != nil && !now.Up {
		now.Err = err
		now.Permanent = Classify(err) == Permanent
	}
	if now.Up && !b.told.Up {
		now.Epoch++
	}
	same := now.Up == b.told.Up && now.Commands == b.told.Commands && now.Deaf == b.told.Deaf &&
		now.Permanent == b.told.Permanent && (now.Err == nil) == (b.told.Err == nil)
	if same && !b.another(now.Err) {
		return
	}
	if now.Up {
		clear(b.causes)
	} else {
		b.another(now.Err)
	}
	b.told, b.refusing = now, nil
	sent := now // so that only what is sent goes to the heap
	b.root.Send(b.set.Owner, &sent)
	level, text := slog.LevelInfo, "bridge up"
	if !now.Up {
		level, text = slog.LevelWarn, "bridge down"
	}
	if (now.Err != nil || now.Up) && b.set.Logger.Enabled(nil, level) { //nolint:staticcheck // no context here
		b.set.Logger.Log(nil, level, text, "id", b.set.ID, "commands", now.Commands, "deaf", now.Deaf, "cause", err) //nolint:staticcheck // no context here
	}
}

// maxCauses bounds the causes of one outage that are told.
const maxCauses = 16

// another notes the cause of an outage, and reports whether there was none of its kind
// in this one: a server that is gone may come back loading, or want another password.
func (b *Bridge) another(err error) bool {
	if err == nil {
		return false
	}
	kind := Classify(err).String()
	if server, ok := errors.AsType[*ServerError](err); ok {
		kind = server.Code
	}
	if b.causes[kind] || len(b.causes) >= maxCauses {
		return false
	}
	b.causes[kind] = true
	return true
}
