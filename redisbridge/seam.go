package redisbridge

import (
	"context"
	"time"

	"hustings/fsm"
)

// Clock is the only source of time in hustings. The real one is [SystemClock];
// the simulation brings its own. Both methods may be called from any goroutine.
type Clock interface {
	// Now reads the monotonic and the wall clock.
	Now() fsm.Instant
	// AfterFunc calls f once after d of monotonic time, on a goroutine of the
	// clock's choosing. f must not block: in hustings it only sends a message.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a call that is to come. Its methods may be called from any goroutine, and
// after the call too; a call that has begun is not waited for. A *time.Timer is one.
type Timer interface {
	// Stop cancels the call. It reports whether it came in time.
	Stop() bool
	// Reset has the function called once after d from now, and not at the time that was
	// set before, if that is still to come; it reports whether it was. Setting a timer
	// again makes nothing anew, which counts for those that every heartbeat puts off.
	Reset(d time.Duration) bool
}

// Outsider is what a simulation's Clock may be besides: code that runs on goroutines of its
// own, beside the actors, sends its messages through it, so that the simulation decides
// when they arrive. ctx is the caller's.
type Outsider interface {
	// Outside has f, which sends a message, or spawns or stops an actor, called once: when
	// the simulation comes to it, or at once where there is no such code. It does not wait
	// for that. Once the process of ctx, or the clock's, has died, f is not called.
	Outside(ctx context.Context, f func())
	// OutsideAfter is AfterFunc for such code.
	OutsideAfter(d time.Duration, f func()) Timer
	// AtDeath has f called when the simulated process of the clock is killed, after its
	// last event: from then on such code waits for what nobody answers.
	AtDeath(f func())
}

// Command is one thing to ask of Redis: a script call, or a plain command.
type Command struct {
	// Script is the script to call, or nil for a plain command.
	// A script is always called with one key, the fleet's epoch key.
	Script *Script
	// Args is ARGV of the script, or the words of the plain command, its name first.
	Args []string
}

// Reply is the server's answer to one command.
// Value is nil, a string, an int64 or a []any of these, as in RESP2.
// Err is the server's error reply (a *ServerError), never a failure of the link.
type Reply struct {
	Value any
	Err   error
}

// Backend is the seam below the bridge: a server that can be connected to and
// subscribed at. No method blocks; callbacks come later, on any goroutine, never
// from inside the call, and only pass a message on. The real one is built on
// go-redis; the simulation has a model.
type Backend interface {
	// Connect opens a command connection. done is called exactly once, with a
	// connection or an error (of the link, or a *ServerError such as WRONGPASS).
	Connect(done func(Conn, error))
	// Subscribe opens a subscription. The channels are confirmed by the server
	// before h.Confirmed is called; h.Ended is called exactly once, last.
	Subscribe(channels []string, h SubscriptionHandler) Subscription
	// Close gives everything back. Connections and subscriptions still open end
	// with an error.
	Close()
}

// Conn is one command connection. Commands of one connection take effect in the
// order of the Do calls.
type Conn interface {
	// Do sends the commands as one pipeline. done is called exactly once: with
	// one reply a command and a nil error, or with an error of the link, after
	// which nothing is known of any of the commands and the connection is
	// useless. Only one Do may be under way at a time. The commands and their arguments
	// must not be changed before done is called, and not after an error either; once
	// they were answered they are the caller's again. The slice of replies, and the lists in
	// it, are the caller's until the next Do, and not longer; texts and numbers may be kept.
	Do(cmds []Command, done func([]Reply, error))
	// Close gives the connection up. What was sent may still take effect.
	Close()
}

// Cautious is a Conn that knows what the server's settings put at risk. A Conn need not
// be one.
type Cautious interface {
	// Caution is a sentence for the operator, "" if there is nothing to say.
	Caution() string
}

// SubscriptionHandler is where a subscription tells what it hears. All three must be set.
// They are called one at a time, on a goroutine of the Backend's, and must not block.
type SubscriptionHandler struct {
	// Confirmed is called once, when the server has confirmed every channel.
	Confirmed func()
	// Message is called for each message, in the order in which they came; not before
	// Confirmed, and not after Ended.
	Message func(channel, payload string)
	// Ended is called exactly once, last, also if it was never confirmed, with why; after
	// Close that is an error, too. It is over then: nothing opens it again.
	Ended func(err error)
}

// Subscription is an open subscription. Its method may be called from any goroutine.
type Subscription interface {
	// Close ends it, and does not wait: messages may still come until h.Ended is called.
	// A second call does nothing.
	Close()
}
