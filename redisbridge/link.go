package redisbridge

import (
	"log/slog"
	"time"
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
		if b.hushed {
			b.log(now, err)
		}
		return
	}
	if now.Up {
		clear(b.causes)
	} else {
		b.another(now.Err)
	}
	b.told = now
	sent := now // so that only what is sent goes to the heap
	b.root.Send(b.set.Owner, &sent)
	b.log(now, err)
}

// Of a kind of cause the log is told so often within so long: a server that takes
// connections and serves nothing is up and down again many times a second.
const (
	logTimes  = 3
	logWithin = 10 * time.Second
)

// logged is how often the log was told since when.
type logged struct {
	since time.Duration
	times int
}

// log writes how the link is, and that it is up only after it was said to be down.
func (b *Bridge) log(now Link, err error) {
	level, text := slog.LevelInfo, "bridge up"
	switch {
	case now.Up:
		hushed := b.hushed && !b.gloomy
		b.hushed, b.gloomy = false, false
		if hushed {
			return // nobody was told that it was down
		}
	case now.Err == nil:
		return
	default:
		level, text = slog.LevelWarn, "bridge down"
		kind, at := Kind(err), b.set.Clock.Now().Mono
		told, known := b.logged[kind]
		if !known || at-told.since >= logWithin {
			told = logged{since: at}
		}
		if told.times == logTimes {
			b.hushed = true
			return
		}
		if b.logged == nil {
			b.logged = map[string]logged{}
		}
		told.times++
		b.hushed, b.gloomy, b.logged[kind] = false, true, told
	}
	if b.set.Logger.Enabled(nil, level) { //nolint:staticcheck // no context here
		words := []any{"id", b.set.ID, "commands", now.Commands, "deaf", now.Deaf}
		if err != nil {
			words = append(words, "cause", err)
		}
		b.set.Logger.Log(nil, level, text, words...) //nolint:staticcheck // no context here
	}
}

// maxCauses bounds the causes of one outage that are told, and the codes of refusals of a kind.
const maxCauses = 16

// another notes the cause of an outage, and reports whether there was none of its kind
// in this one: a server that is gone may come back loading, or want another password.
func (b *Bridge) another(err error) bool {
	if err == nil {
		return false
	}
	kind := Kind(err)
	if b.causes[kind] || len(b.causes) >= maxCauses {
		return false
	}
	b.causes[kind] = true
	return true
}
