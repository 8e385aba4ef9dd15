package redisbridge

import (
	"errors"
	"log/slog"
	"time"
)

// callNames are the calls' names in the log: those of their scripts.
var callNames = [numCalls]string{
	CallHeartbeat: "heartbeat", CallReassert: "reassert", CallRelease: "release", CallQuit: "quit", CallLeave: "leave",
	CallJoin: "join", CallSurvey: "canvass", CallClaim: "claim", CallEvict: "evict", CallPeer: "peer",
	CallMembers: "members", CallPurge: "purge", CallReplace: "replace", CallRestore: "restore", CallRoll: "canvass", CallWinner: "winner",
	CallSubscribers: "subscribers", CallPublish: "publish",
}

// refusals say by code when the server's refusal of calls of a kind was logged.
type refusals map[string]time.Duration

// refusalEvery is how often the same refusal is logged while it lasts.
const refusalEvery = 10 * time.Second

// refusal logs that the server does not do a call: once for each kind and code, and
// every ten seconds while that goes on. What comes of it is the caller's affair, but often
// the caller sees no more than that no answer came.
func (b *Bridge) refusal(kind CallKind, err error) {
	server, ok := errors.AsType[*ServerError](err)
	if !ok {
		return
	}
	now, logged := b.set.Clock.Now().Mono, b.refused[kind]
	at, known := logged[server.Code]
	switch {
	case known && now-at < refusalEvery, !known && len(logged) >= maxCauses:
		return
	case logged == nil:
		logged = refusals{}
		b.refused[kind] = logged
	}
	logged[server.Code] = now
	b.set.Logger.Log(nil, slog.LevelWarn, "Redis refuses a call", //nolint:staticcheck // no context here
		"id", b.set.ID, "call", callNames[kind], "cause", err.Error())
}
