package redisbridge

import (
	"crypto/sha1" //nolint:gosec // Redis names scripts by SHA-1.
	"embed"
	"encoding/hex"
	"strings"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// Script is one Lua script, an embedded file of redisbridge/scripts with
// common.lua in front. docs/protocol.md says what each takes and returns.
type Script struct {
	// Name is the file's name without ".lua".
	Name string
	// Source is the whole text, Hash its SHA-1 in hex, as Redis names it.
	Source, Hash string
}

// The scripts. The simulated Redis knows them by name, a real one by hash.
var (
	HeartbeatScript = script("heartbeat")
	JoinScript      = script("join")
	CanvassScript   = script("canvass")
	ClaimScript     = script("claim")
	EvictScript     = script("evict")
	ReassertScript  = script("reassert")
	ReleaseScript   = script("release")
	QuitScript      = script("quit")
	LeaveScript     = script("leave")
	PurgeScript     = script("purge")
	MembersScript   = script("members")
	PeerScript      = script("peer")
	RestoreScript   = script("restore")
	ReplaceScript   = script("replace")
)

// Scripts lists every script, for loading and for tests.
var Scripts = []*Script{
	HeartbeatScript, JoinScript, CanvassScript, ClaimScript, EvictScript, ReassertScript, ReleaseScript,
	QuitScript, LeaveScript, PurgeScript, MembersScript, PeerScript, RestoreScript, ReplaceScript,
}

func script(name string) *Script {
	src := mustRead("common") + "\n" + mustRead(name)
	sum := sha1.Sum([]byte(src)) //nolint:gosec // see above
	return &Script{Name: name, Source: src, Hash: hex.EncodeToString(sum[:])}
}

// mustRead returns an embedded file with its comments removed: they are for
// readers of the repository, not for the server.
func mustRead(name string) string {
	b, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic("redisbridge: embedded script is missing: " + name)
	}
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		if t := strings.TrimSpace(line); t == "" || strings.HasPrefix(t, "--") {
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}

// ServerError is an error reply of Redis. Code is its first word.
type ServerError struct {
	Code, Text string
}

func (e *ServerError) Error() string { return e.Text }
