package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// lineMembers is the interface that scripts rely on: what each line has besides ev, id, t
// and mono_ns. A ? marks what may be missing.
var lineMembers = map[string]string{
	"ready":           "",
	"won":             "election token until_ns",
	"lost":            "election cause leader?",
	"inconclusive":    "election cause",
	"leader":          "election leader token? known",
	"up":              "peer rank?",
	"left":            "peer rank?",
	"dead":            "peer rank?",
	"message":         "from? data broadcast",
	"bridge":          "state cause?",
	"transition":      "election from event to cause round",
	"work":            "election state token",
	"valid":           "election value until_ns",
	"held":            "election token yes_ns until_ns",
	"error":           "error",
	"reply":           "cmd ok error? election? receivers?", // of a command that is not listed, or that failed
	"reply run":       "cmd ok error? election",
	"reply quit":      "cmd ok error? election",
	"reply resign":    "cmd ok error? election",
	"reply leader":    "cmd ok election leader token known",
	"reply status":    "cmd ok election state result token trusted_ms",
	"reply inspect":   "cmd ok election snapshot",
	"reply explain":   "cmd ok election text",
	"reply standdown": "cmd ok error? election",
	"reply stand":     "cmd ok error? election",
	"reply members":   "cmd ok members",
	"reply send":      "cmd ok receivers",
	"reply broadcast": "cmd ok receivers",
}

// checkMembers holds a line to the table.
func checkMembers(t *testing.T, o output) {
	t.Helper()
	key := o.text("ev")
	if cmd := key + " " + o.text("cmd"); key == "reply" && o["ok"] == true && lineMembers[cmd] != "" {
		key = cmd
	}
	want, ok := lineMembers[key]
	if !ok {
		t.Errorf("a line that is not documented: %v", o)
		return
	}
	known := map[string]bool{}
	for _, name := range strings.Fields("ev id t mono_ns " + want) {
		optional := strings.HasSuffix(name, "?")
		name = strings.TrimSuffix(name, "?")
		known[name] = true
		if _, ok := o[name]; !ok && !optional {
			t.Errorf("%q is missing in %v", name, o)
		}
	}
	for name := range o {
		if !known[name] {
			t.Errorf("%q is not documented, in %v", name, o)
		}
	}
}

// Whoever reads the lines must not go on with an old leader for good.
func TestWhoMissedEventsIsToldWhoLeads(t *testing.T) {
	var out bytes.Buffer
	o, err := parseNode(strings.Fields("--format json --id web --rank 1 --quarantine=false --redis redis://"+redistest.NewMini(t).Addr()), &out)
	if err != nil {
		t.Fatal(err)
	}
	r := newNodeRun(o, told(0, &out))
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	defer r.leave()
	for _, name := range []string{"a", "b"} {
		l, err := r.node.Campaign(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Release(t.Context()) }()
	}
	events := make(chan actors.Event, 1)
	events <- &actors.Missed{N: 3}
	close(events)
	r.tell(events)
	r.printer.close(flushPatience)
	for _, want := range []string{`"error":"3 events were missed`, `"election":"a","leader":"web"`, `"election":"b","leader":"web"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in %s", want, out.String())
		}
	}
}

// The docs name every line and every member.
func TestDocsNameEveryMember(t *testing.T) {
	doc, err := os.ReadFile("../../docs/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range lineMembers {
		ev, cmd, _ := strings.Cut(key, " ")
		for _, name := range append(strings.Fields(want), ev, cmd) {
			if name = strings.TrimSuffix(name, "?"); name != "" && !bytes.Contains(doc, []byte("`"+name)) {
				t.Errorf("docs/demo.md does not name `%s` of %q", name, key)
			}
		}
	}
}

// Two nodes, driven by commands alone, through everything that a script may ask.
func TestNodesObeyAndTell(t *testing.T) {
	addr := redistest.NewMini(t).Addr()
	a := startNode(t, nodeArgs(addr, "a", "--rank", "10", "--election", "e", "--probe", "5ms")...)
	a.want(0, "ev", "won", "election", "e")
	a.want(0, "ev", "work", "state", "started")
	a.want(0, "ev", "valid", "value", true)

	b := startNode(t, nodeArgs(addr, "b", "--rank", "20", "--election", "e", "--drain", "20ms")...)
	won := b.want(0, "ev", "won")
	a.want(0, "ev", "lost", "election", "e")
	a.want(0, "ev", "work", "state", "stopped")
	a.want(0, "ev", "valid", "value", false)
	a.want(0, "ev", "leader", "leader", "b", "token", won["token"])
	a.want(0, "ev", "up", "peer", "b", "rank", 20.0)

	if r := b.ask("status"); r["state"] != "won" || r["result"] != "won" || r["token"] != won["token"] || r["trusted_ms"].(float64) <= 0 {
		t.Errorf("status of the leader: %v", r)
	}
	if r := a.ask("leader e"); r["leader"] != "b" || r["token"] != won["token"] || r["known"] != true {
		t.Errorf("leader: %v", r)
	}
	if r := a.ask("leader nowhere"); r["ok"] != true || r["leader"] != nil || r["known"] != false {
		t.Errorf("leader of an unknown election: %v", r)
	}
	if s, ok := a.ask("inspect")["snapshot"].(map[string]any); !ok || s["state"] != "lost" || len(s["history"].([]any)) == 0 {
		t.Errorf("snapshot: %v", s)
	}
	if list, ok := a.ask("members")["members"].([]any); !ok || len(list) != 2 || list[1].(map[string]any)["id"] != "b" {
		t.Errorf("members: %v", list)
	}
	if text := b.ask("explain").text("text"); !strings.HasPrefix(text, `b leads "e" with token `) {
		t.Errorf("explained: %q", text)
	}
	talk(t, a, b)
	maintain(t, a, b)
	reign(t, a, b)
	b.tell("exit")
	b.exit(exitOK)
	a.want(0, "ev", "left", "peer", "b")
	_ = a.in.Close() // the end of input is exit
	a.exit(exitOK)
	for _, o := range append(a.all(), b.all()...) {
		checkMembers(t, o)
	}
	checkOrder(t, a, b)
}

func talk(t *testing.T, a, b *node) {
	t.Helper()
	if r := a.ask(`send b {"a": [1, "x"]}`); r["ok"] != true || r["receivers"] != 1.0 {
		t.Errorf("send: %v", r)
	}
	if m := b.want(0, "ev", "message", "from", "a", "broadcast", false); m["data"].(map[string]any)["a"] == nil {
		t.Errorf("message: %v", m)
	}
	if r := b.ask(`broadcast "all"`); r["ok"] != true || r["receivers"] != 2.0 {
		t.Errorf("broadcast: %v", r)
	}
	a.want(0, "ev", "message", "from", "b", "broadcast", true, "data", "all")
	b.want(0, "ev", "message", "from", "b", "broadcast", true, "data", "all")
	if r := a.ask(`send nobody 1`); r["ok"] != false || r["receivers"] != 0.0 {
		t.Errorf("send to nobody: %v", r)
	}
	for _, bad := range []string{
		"send b {x", "send b", "send", "broadcast", "run two words", "members 1", "offline now", "exit now",
		"resign e b", "status nowhere", "inspect nowhere", "frobnicate", "run \x01",
	} {
		if r := a.ask(bad); r["ok"] != false || r.text("error") == "" {
			t.Errorf("%q: %v", bad, r)
		}
	}
}

// maintain: who leads stands down, and stands again, which takes the office back.
func maintain(t *testing.T, a, b *node) {
	t.Helper()
	markA, mark := a.mark(), b.mark()
	if r := b.ask("standdown"); r["ok"] != true {
		t.Errorf("standdown: %v", r)
	}
	b.want(mark, "ev", "work", "state", "stopped") // answered when the work had stopped
	b.want(mark, "ev", "lost", "cause", "told to stand down")
	a.want(markA, "ev", "won")
	mark = b.mark()
	if r := b.ask("run"); r["ok"] != true { // remembered, not obeyed
		t.Errorf("run while it stands down: %v", r)
	}
	if r := b.ask("status"); r["state"] != "idle" {
		t.Errorf("status: %v", r)
	}
	if r := b.ask("stand e"); r["ok"] != true {
		t.Errorf("stand: %v", r)
	}
	b.want(mark, "ev", "won")
}

// reign: who leads resigns, quits, goes offline and comes back.
func reign(t *testing.T, a, b *node) {
	t.Helper()
	if r := a.ask("resign"); r["ok"] != false {
		t.Errorf("resign of who does not lead: %v", r)
	}
	mark, markA := b.mark(), a.mark()
	if r := b.ask("resign e"); r["ok"] != true {
		t.Errorf("resign: %v", r)
	}
	// It was answered when the work had stopped and the office was released.
	b.want(mark, "ev", "work", "state", "stopped")
	b.want(mark, "ev", "lost")
	a.want(markA, "ev", "won")

	mark = b.mark()
	if r := a.ask("quit"); r["ok"] != true {
		t.Errorf("quit: %v", r)
	}
	b.want(mark, "ev", "won")
	if r := a.ask("status"); r["state"] != "idle" || r["token"] != nil {
		t.Errorf("status after quit: %v", r)
	}
	if r := a.ask("run"); r["ok"] != true {
		t.Errorf("run: %v", r)
	}
	mark = a.mark()
	if r := b.ask("offline"); r["ok"] != true {
		t.Errorf("offline: %v", r)
	}
	a.want(mark, "ev", "won", "election", "e")
	if r := b.ask("run"); r["ok"] != false {
		t.Errorf("run while offline: %v", r)
	}
	if r := b.ask("online"); r["ok"] != true {
		t.Errorf("online: %v", r)
	}
	mark = b.mark()
	if r := b.ask("run other"); r["ok"] != true {
		t.Errorf("run another: %v", r)
	}
	b.want(mark, "ev", "won", "election", "other")
}

// checkOrder: in one process the terms of an election, as told by both nodes, must not
// overlap, and tokens rise.
func checkOrder(t *testing.T, nodes ...*node) {
	t.Helper()
	type change struct {
		at, token float64
		won       bool
	}
	var list []change
	for _, n := range nodes {
		led := false
		for _, o := range n.all() {
			if o["election"] != "e" {
				continue
			}
			switch o.text("ev") {
			case "won":
				led = true
				list = append(list, change{o["mono_ns"].(float64), o["token"].(float64), true})
			case "lost":
				if led {
					list = append(list, change{at: o["mono_ns"].(float64)})
				}
				led = false
			}
		}
	}
	for range list { // few, so by insertion
		for i := 1; i < len(list); i++ {
			if list[i].at < list[i-1].at {
				list[i], list[i-1] = list[i-1], list[i]
			}
		}
	}
	token := 0.0
	for i, c := range list {
		if c.won != (i%2 == 0) {
			t.Errorf("terms overlap: %v", list)
		}
		if c.won && c.token <= token {
			t.Errorf("tokens do not rise: %v", list)
		}
		token = max(token, c.token)
	}
}

func TestKilledLeaderIsReplaced(t *testing.T) {
	addr := redistest.NewMini(t).Addr()
	a := spawnNode(t, nodeArgs(addr, "a", "--rank", "10", "--election", "e")...)
	b := spawnNode(t, nodeArgs(addr, "b", "--rank", "20", "--election", "e")...)
	first := b.want(0, "ev", "won")
	a.want(0, "ev", "leader", "leader", "b")
	a.want(0, "ev", "up", "peer", "b")
	mark := a.mark()
	_ = b.process.Kill()
	second := a.want(mark, "ev", "won")
	if second["token"].(float64) <= first["token"].(float64) {
		t.Errorf("token %v does not rise above %v", second["token"], first["token"])
	}
	// The two processes share a clock: the old trust ended before the new began.
	if second["mono_ns"].(float64) <= first["until_ns"].(float64) {
		t.Errorf("won at %v, and the other was trusted until %v", second["mono_ns"], first["until_ns"])
	}
	a.want(mark, "ev", "dead", "peer", "b")
	_ = a.process.Signal(syscall.SIGTERM)
	a.exit(exitOK)
}

func TestKilledLeaderUnderOnDisconnectIsReplacedBeforeItsTrustHadEnded(t *testing.T) {
	addr := redistest.NewMini(t).Addr()
	policy := []string{"--election", "e", "--ttl", "20s", "--takeover", "on-disconnect", "--evict-grace", "100ms"}
	a := spawnNode(t, nodeArgs(addr, "a", append(policy, "--rank", "10")...)...)
	b := spawnNode(t, nodeArgs(addr, "b", append(policy, "--rank", "20")...)...)
	first := b.want(0, "ev", "won")
	a.want(0, "ev", "leader", "leader", "b")
	mark := a.mark()
	_ = b.process.Kill()
	second := a.want(mark, "ev", "won")
	if second["mono_ns"].(float64) >= first["until_ns"].(float64) {
		t.Errorf("won at %v only, when the other was not trusted any more since %v", second["mono_ns"], first["until_ns"])
	}
	_ = a.process.Signal(syscall.SIGTERM)
	a.exit(exitOK)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	addr := redistest.NewMini(t).Addr()
	n := spawnNode(t, nodeArgs(addr, "a", "--election", "e", "--drain", "10m", "--drain-timeout", "10m")...)
	n.want(0, "ev", "work", "state", "started")
	_ = n.process.Signal(syscall.SIGINT)
	n.want(0, "ev", "work", "state", "stopping")
	_ = n.process.Signal(syscall.SIGINT)
	n.exit(exitFault)
}
