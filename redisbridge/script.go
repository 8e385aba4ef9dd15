package redisbridge

import (
	"crypto/sha1" //nolint:gosec // Redis names scripts by SHA-1.
	"embed"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// Script is one Lua script, an embedded file of redisbridge/scripts with those parts
// of common.lua in front that it uses. docs/protocol.md says what each takes and returns.
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
	BidScript       = script("bid")
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
	HeartbeatScript, JoinScript, CanvassScript, BidScript, ClaimScript, EvictScript, ReassertScript, ReleaseScript,
	QuitScript, LeaveScript, PurgeScript, MembersScript, PeerScript, RestoreScript, ReplaceScript,
}

// scriptHashes are those of Scripts.
func scriptHashes() []string {
	list := make([]string, len(Scripts))
	for i, s := range Scripts {
		list[i] = s.Hash
	}
	return list
}

func script(name string) *Script {
	body := mustRead(name)
	src := used(mustRead("common"), body) + body
	sum := sha1.Sum([]byte(src)) //nolint:gosec // see above
	return &Script{Name: name, Source: src, Hash: hex.EncodeToString(sum[:])}
}

var (
	luaWord = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*`)
	luaText = regexp.MustCompile(`'[^']*'`) // what a key is called needs no function of that name
)

// used returns the parts of common that body needs, in their order. Redis runs the whole
// text at every call, and each function in it is made anew: what a script does not use
// would cost more than many a script itself.
//
// A part begins with "local" at the start of a line, and names one value. Parts use only
// earlier ones, so one pass from the last to the first finds them all. A word that means
// something else keeps a part too many, never one too few.
func used(common, body string) string {
	words := map[string]bool{}
	note := func(text string) {
		for _, w := range luaWord.FindAllString(luaText.ReplaceAllString(text, ""), -1) {
			words[w] = true
		}
	}
	note(body)
	var out []string
	for _, part := range slices.Backward(parts(common)) {
		name := strings.TrimPrefix(strings.TrimPrefix(part, "local "), "function ")
		if words[luaWord.FindString(name)] {
			note(part)
			out = append(out, part)
		}
	}
	slices.Reverse(out)
	return strings.Join(out, "")
}

// parts cuts common where a line begins with "local".
func parts(common string) []string {
	var out []string
	for line := range strings.Lines(common) {
		if strings.HasPrefix(line, "local ") {
			out = append(out, line)
		} else {
			out[len(out)-1] += line
		}
	}
	return out
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

// ServerError is an error reply of Redis. Code is its first word, or that of the error
// inside a script, which servers before Redis 7 put behind a first word of their own. It is
// NOPERM also where a script lacks a right, which servers tell without a code.
type ServerError struct {
	Code, Text string
}

func (e *ServerError) Error() string { return e.Text }
