package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"hustings/redisbridge/redistest"
)

// Faults that will not heal: an error line that says what to do, exit code 1.
func TestNodeFaults(t *testing.T) {
	locked := miniredis.RunT(t)
	locked.RequireAuth("sesame")
	open := redistest.NewMini(t)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no credentials", nodeArgs(locked.Addr(), "a"), []string{"refuses"}},
		{"wrong password", nodeArgs(":hunter2@"+locked.Addr(), "a"), []string{"refuses"}},
		{"bad URL", nodeArgs("u:hunter2@[", "a"), []string{"Redis URL", "redis://"}},
		{"bad settings", nodeArgs(open.Addr(), "a", "--rank", "-1", "--interval", "10ms"), []string{"Rank -1", "Interval 10ms"}},
		{"bad replicas", nodeArgs(open.Addr(), "a", "--min-replicas", "-1"), []string{"MinReplicas -1"}},
		{"no key", nodeArgs(open.Addr(), "a", "--mixed=false", "--shared-key", "no such file"), []string{"--shared-key", "no such file"}},
		{"bad id", nodeArgs(open.Addr(), "a b"), []string{"white space"}},
		{
			"unknown takeover", nodeArgs(open.Addr(), "a", "--takeover", "at-once"),
			[]string{"--takeover", "on-disconnect"},
		},
		{
			"short grace", nodeArgs(open.Addr(), "a", "--takeover", "on-disconnect", "--evict-grace", "10ms"),
			[]string{"EvictGrace 10ms is too short"},
		},
		{
			"a grace for nothing", nodeArgs(open.Addr(), "a", "--evict-grace", "100ms"),
			[]string{"EvictGrace 100ms", "OnDisconnect"},
		},
		{"bad flags", nodeArgs(open.Addr(), "a", "--ttl", "0s", "--drain", "-1s", "--probe", "1ns", "--election", "", "--spread", "--rank", "3"), []string{"--spread", "--ttl", "--drain", "--probe", "--election"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := startNode(t, c.args...)
			n.exit(exitFault)
			line := n.want(0, "ev", "error")
			checkMembers(t, line)
			for _, w := range c.want {
				if !strings.Contains(line.text("error"), w) {
					t.Errorf("%q does not say %q", line.text("error"), w)
				}
			}
			for _, said := range []string{line.text("error"), n.stderr.String()} {
				if strings.Contains(said, "hunter2") {
					t.Errorf("a password was told: %s", said)
				}
			}
		})
	}
}

func TestSecondNodeOfOneIDIsRefused(t *testing.T) {
	addr := redistest.NewMini(t).Addr()
	a := startNode(t, append(nodeArgs(addr, "a"), "--ttl", "500ms")...)
	a.want(0, "ev", "ready")
	b := startNode(t, append(nodeArgs(addr, "a"), "--ttl", "500ms")...)
	b.exit(exitFault)
	if line := b.want(0, "ev", "error"); !strings.Contains(line.text("error"), "id") {
		t.Errorf("error: %v", line)
	}
}

func TestNodeThatWaitsForRedisCanBeStopped(t *testing.T) {
	m := miniredis.RunT(t)
	addr := m.Addr()
	m.Close()
	t.Run("by a signal", func(t *testing.T) {
		n := startNode(t, nodeArgs(addr, "a")...)
		n.signals <- os.Interrupt
		n.exit(exitOK)
	})
	t.Run("by the end of input", func(t *testing.T) {
		n := startNode(t, append(nodeArgs(addr, "a"), "--ttl", "300ms")...)
		_ = n.in.Close()
		n.exit(exitOK)
	})
}

func TestNodeTellsThatRedisIsAway(t *testing.T) {
	m := redistest.NewMini(t)
	n := startNode(t, append(nodeArgs(m.Addr(), "a", "--election", "e", "--drain", "1ms"), "--ttl", "500ms")...)
	n.want(0, "ev", "won")
	m.Close()
	n.want(0, "ev", "bridge", "state", "down")
	n.want(0, "ev", "lost")
	n.want(0, "ev", "work", "state", "stopped")
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	mark := n.mark()
	n.want(0, "ev", "bridge", "state", "up")
	n.want(mark, "ev", "won")
	m.Close()
	n.signals <- syscall.SIGTERM
	n.exit(exitOK)
	for _, o := range n.all() {
		checkMembers(t, o)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"help", exitOK, "demo node"},
		{"help node", exitOK, "drain-timeout"},
		{"help me", exitUsage, "no help"},
		{"-h", exitOK, "-speed"},
		{"node -h", exitOK, "-min-tenure"},
		{"node -h", exitOK, "-evict-grace"},
		{"help bench", exitOK, "--quick"},
		{"help chaos", exitOK, "redis-stop"},
		{"chaos --faults earthquake", exitUsage, "some of kill"},
		{"chaos --nodes 2", exitUsage, "use 3 to 50"},
		{"chaos --for 1s --quiet 1s", exitUsage, "less quiet"},
		{"help sim", exitOK, "--seeds 1..1000"},
		{"sim --seed 60 --seeds 1..2 --for 1s", exitUsage, "leave one out"},
		{"sim --trace --seeds 1..2 --for 1s", exitUsage, "leave one out"},
		{"sim --seeds= --for 1s", exitUsage, "use A..B"},
		{"--nodes 2", exitUsage, "use 3 to 50"},
		{"--speed 0", exitUsage, "more than 0"},
		{"--frobnicate", exitUsage, "not defined"},
		{"--seed 1 node", exitUsage, "is no flag"},
		{"node --format xml", exitUsage, "use text or json"},
		{"node web-1", exitUsage, "is no flag"},
		{"--redis http://x", exitUsage, "redis nor rediss"},
		{"--speed NaN", exitUsage, "more than 0"},
		{"--nodes five", exitUsage, "demo -h explains"},
		{"node --ttl soon", exitUsage, "demo node -h explains"},
		{"serve --redis localhost", exitUsage, "redis nor rediss"},
		{"serve --ttl 299ms", exitUsage, "at least 300ms"},
		{"serve --addr 127.0.0.1", exitUsage, "missing port"},
		{"serve --addr 127.0.0.1:99999", exitUsage, "invalid port"},
		{"serve --redis redis://127.0.0.1:1", exitFault, "does not answer"},
		{"--redis redis://127.0.0.1:1", exitFault, "does not answer"},
		{"bench --redis localhost", exitUsage, "redis nor rediss"},
		{"bench --json /nowhere/out.json", exitUsage, "--json: stat /nowhere"},
		{"chaos --json /nowhere/out.json", exitUsage, "--json: stat /nowhere"},
		{"chaos --timeline /nowhere/out.txt", exitUsage, "--timeline: stat /nowhere"},
		{"chaos --takeover soon", exitUsage, "use on-expiry or on-disconnect"},
		{"chaos --vote-timeout -1s", exitUsage, "too short"},
	} {
		var out bytes.Buffer
		if code := run(strings.Fields(c.args), &console{in: strings.NewReader(""), out: &out, err: &out}); code != c.code {
			t.Errorf("demo %s: exit code %d, want %d", c.args, code, c.code)
		}
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("demo %s says %q, want %q", c.args, out.String(), c.want)
		}
		if lines := strings.Count(out.String(), "\n"); c.code != exitOK && lines > 3 {
			t.Errorf("demo %s says it in %d lines", c.args, lines)
		}
	}
}
