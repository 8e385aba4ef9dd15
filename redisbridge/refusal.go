package redisbridge

import (
	"errors"
	"log/slog"
	"maps"
	"time"
)

// callNames are the calls' names in the log: those of their scripts.
var callNames = [numCalls]string{
	CallHeartbeat: "heartbeat", CallReassert: "reassert", CallRelease: "release", CallQuit: "quit", CallLeave: "leave",
	CallJoin: "join", CallSurvey: "canvass", CallClaim: "claim", CallEvict: "evict", CallPeer: "peer",
	CallMembers: "members", CallPurge: "purge", CallReplace: "replace", CallRestore: "restore", CallRoll: "canvass", CallWinner: "winner",
	CallSubscribers: "subscribers", CallPublish: "publish",
}

// refusals are when the log was told last of each code that the server said to calls of a kind.
type refusals map[string]time.Duration

// refusalEvery is how often the same refusal is logged while it lasts.
const refusalEvery = 10 * time.Second

// refusal logs that the server does not do a call: once for each kind and code, and
// every ten seconds while that goes on, of maxCauses codes at a time. What comes of it is the caller's affair, but often
// the caller sees no more than that no answer came.
func (b *Bridge) refusal(kind CallKind, err error) {
	server, ok := errors.AsType[*ServerError](err)
	if !ok {
		return
	}
	now, told := b.set.Clock.Now().Mono, b.refused[kind]
	// Several codes may take turns: servers of a Cluster need not say the same.
	maps.DeleteFunc(told, func(_ string, at time.Duration) bool { return now-at >= refusalEvery })
	if _, lately := told[server.Code]; lately || len(told) >= maxCauses {
		return
	}
	if told == nil {
		told = refusals{}
		b.refused[kind] = told
	}
	told[server.Code] = now
	b.set.Logger.Log(nil, slog.LevelWarn, "Redis refuses a call", //nolint:staticcheck // no context here
		"id", b.set.ID, "call", callNames[kind], "cause", err.Error())
}
