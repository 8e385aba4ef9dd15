package redistest

import (
	"testing"
)

// rule is one sentence of docs/protocol.md and how to see that it holds.
type rule struct {
	says  string
	check func(f *Fixture)
	// needs is what the Redis must be able to do for the rule to mean anything.
	needs Ability
}

// Ability is what not every Redis under test can do. Rules that need what this one
// can't are not run, and not listed.
type Ability uint8

// The abilities.
const (
	// Exact: nothing but Fixture.Advance makes the server's time pass.
	Exact Ability = 1 << iota
	// Restarts: Fixture.Restart is set.
	Restarts
)

// Conformance checks that a Redis, real or modelled, keeps the rules of
// docs/protocol.md: the scripts, their messages, and the seam itself. Each rule
// is a subtest on a fixture of its own with an empty dataset; open makes it. can says
// what this Redis is able to do beside the ordinary.
//
// Beside the scripts a backend needs the plain commands that the rules use to
// look and to meddle: FLUSHALL, GET, SET, DEL, EXISTS, HGET, HSET, HDEL, SADD,
// SREM, SISMEMBER, SCARD, ZADD, ZSCORE, ZRANGE, ZCARD, PUBLISH, PUBSUB NUMSUB.
func Conformance(t *testing.T, can Ability, open func(t *testing.T) *Fixture) {
	groups := []struct {
		name  string
		rules []rule
	}{
		{"seam", seamRules},
		{"session", sessionRules},
		{"replace", replaceRules},
		{"epoch", epochRules},
		{"register", registerRules},
		{"canvass", canvassRules},
		{"claim", claimRules},
		{"bid", bidRules},
		{"evict", evictRules},
		{"reassert", reassertRules},
		{"release", releaseRules},
		{"members", memberRules},
		{"return", returnRules},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, r := range g.rules {
				if r.needs&^can != 0 {
					continue
				}
				t.Run(r.says, func(t *testing.T) {
					f := open(t)
					f.can = can
					t.Cleanup(f.Backend.Close)
					f.Flush()
					r.check(f)
				})
			}
		})
	}
}

// want fails the test if got is not what it should be.
func want[T comparable](f *Fixture, what string, got, want T) {
	f.T.Helper()
	if got != want {
		f.T.Errorf("%s: %v, want %v", what, got, want)
	}
}

// between fails the test if n is outside low..high.
func between(f *Fixture, what string, n, low, high int64) {
	f.T.Helper()
	if n < low || n > high {
		f.T.Errorf("%s: %d, want %d..%d", what, n, low, high)
	}
}
