package main

import (
	"context"
	"time"
)

// contender is a library that is measured.
type contender interface {
	// name as in the table.
	name() string
	// module is its path, whose version the report tells.
	module() string
	// note says how it is used, where there was a choice.
	note() string
	// prepare is called once, before all else.
	prepare(ctx context.Context, s setup) error
	// open makes a participant. What it sends goes through w.
	open(ctx context.Context, s setup, w *wire) (participant, error)
	// close is called once, when all participants have gone.
	close()
}

// setup is what a participant is made from.
type setup struct {
	addr string        // of the server
	ttl  time.Duration // how long what it holds outlives it
	// maxTTL is the longest of the run.
	maxTTL time.Duration
	// rank orders the participants of a fleet, 1 the lowest, for a library that has
	// ranks; to the others all are alike.
	rank int
}

// participant stands for a process. Its methods may be called from any goroutine.
type participant interface {
	// acquire returns when this participant has the office, or ctx has ended.
	acquire(ctx context.Context, office string) (term, error)
	// key is the key in Redis whose end frees the office when the participant is dead.
	key(office string) string
	// leave ends the participant. It holds nothing any more.
	leave()
	// vanish ends it after its wire was cut, and tells nobody.
	vanish()
}

// collector is a participant whose library has a call for many offices.
type collector interface {
	// acquireAll returns when it has all of them.
	acquireAll(ctx context.Context, offices []string) (term, error)
}

// term is an office that is held, or many.
type term interface {
	// release gives up what is held, and returns when Redis knows. An error says that it was not
	// held any more.
	release(ctx context.Context) error
}
