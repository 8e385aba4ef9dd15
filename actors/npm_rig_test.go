package actors_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// npmSpeed divides the times of the originals, and what of ours depends on them: a round
// waits for a third of a second, the next one comes after two.
func npmSpeed() time.Duration { return time.Duration(setting("HUSTINGS_NPM_SPEED", 30)) }

// setting is a number from the environment: figures come from many runs, or from real
// speed, and take longer than a test may.
func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// npmFleet is a fleet of ours and of real originals, on a redis-server of its own: their
// keys have no prefix to choose.
type npmFleet struct {
	*fleet
	server *redistest.Server
	speed  time.Duration
	olds   []*redistest.Original
	ids    sync.Map // of all originals that were started, string
	ours   []*npmPeer
	others []*npmNode
}

// npmPeer is a node of ours whose terms are noted.
type npmPeer struct {
	*peer
	terms *terms
}

// terms is who took itself for the leader, and when.
type terms struct {
	mu   sync.Mutex // guards list
	list []term
}

type term struct{ from, to time.Duration } // to is 0 while it lasts

func (t *terms) begin(at time.Duration) {
	t.mu.Lock()
	t.list = append(t.list, term{from: at})
	t.mu.Unlock()
}

func (t *terms) end(at time.Duration) {
	t.mu.Lock()
	if n := len(t.list); n > 0 && t.list[n-1].to == 0 {
		t.list[n-1].to = at
	}
	t.mu.Unlock()
}

// mixed runs a test with a fleet of its own, at the same time as others. With
// HUSTINGS_NPM_RUNS it runs so many times, for figures.
func mixed(t *testing.T, test func(t *testing.T, f *npmFleet)) {
	t.Helper()
	redistest.NeedOriginal(t)
	t.Parallel()
	runs := setting("HUSTINGS_NPM_RUNS", 1)
	if runs == 1 {
		test(t, newNpmFleet(t))
		return
	}
	for i := range runs {
		t.Run(strconv.Itoa(i), func(t *testing.T) { test(t, newNpmFleet(t)) })
	}
}

func newNpmFleet(t testing.TB) *npmFleet {
	t.Helper()
	server := redistest.NewServer(t)
	f := &npmFleet{fleet: newFleet(t, server.Addr), server: server, speed: npmSpeed()}
	f.keys = redisbridge.DefaultPrefix
	f.ttl = 2 * time.Second
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, o := range f.olds {
			t.Logf("%s was told %s", o.ID, told(o))
		}
		t.Logf("our log:\n%s", f.logs.String())
	})
	f.overhear()
	return f
}

// scaled is a time of the originals.
func (f *npmFleet) scaled(d time.Duration) time.Duration { return d / f.speed }

// old starts an original that stands in "e".
func (f *npmFleet) old(id string, pid int, elections ...string) *redistest.Original {
	f.t.Helper()
	if len(elections) == 0 {
		elections = []string{"e"}
	}
	return f.oldAt(f.addr, id, pid, elections...)
}

func (f *npmFleet) oldAt(addr, id string, pid int, elections ...string) *redistest.Original {
	f.t.Helper()
	f.ids.Store(id, true)
	o := redistest.NewOriginal(f.t, redistest.OriginalConfig{Addr: addr, ID: id, PID: pid, Speed: float64(f.speed), Run: elections})
	f.olds = append(f.olds, o)
	return o
}

// our starts a node of ours that stands in "e".
func (f *npmFleet) our(id string, rank int64, change ...func(*actors.Config)) *npmPeer {
	f.t.Helper()
	p := f.idle(id, rank, change...)
	p.run("e")
	return p
}

func (f *npmFleet) idle(id string, rank int64, change ...func(*actors.Config)) *npmPeer {
	f.t.Helper()
	p := &npmPeer{f.start(id, rank, append([]func(*actors.Config){f.hasten}, change...)...), &terms{}}
	f.ours = append(f.ours, p)
	events := p.Subscribe(context.Background(), actors.SubscribeOptions{Buffer: 4096})
	go func() {
		for ev := range events {
			switch ev := ev.(type) {
			case *actors.Won:
				if ev.Election == "e" {
					p.terms.begin(ev.At.Mono)
				}
			case *actors.Lost:
				if ev.Election == "e" {
					p.terms.end(ev.At.Mono)
				}
			}
		}
	}()
	return p
}

func (f *npmFleet) hasten(c *actors.Config) {
	actors.HastenOriginals(c, f.speed)
	// A busy machine answers later than a hastened second allows.
	c.VoteTimeout = max(c.VoteTimeout, 200*time.Millisecond)
}

// told is what an original's application was told, without messages.
func told(o *redistest.Original) string {
	var s []string
	for _, ev := range o.Events() {
		switch ev.Kind {
		case "message", "subscribed", "stalled":
		default:
			s = append(s, strings.TrimSpace(ev.Kind+" "+ev.ID+ev.Text))
		}
	}
	return strings.Join(s, ", ")
}

// oldTerms is when an original's application took itself for the leader of "e".
func oldTerms(o *redistest.Original) []term {
	t := &terms{}
	for _, ev := range o.Events() {
		switch {
		case ev.Kind == "won" && ev.Election == "e":
			t.begin(ev.At)
		case ev.Kind == "lost" && ev.Election == "e", ev.Kind == "exited":
			t.end(ev.At)
		}
	}
	return t.list
}

func leadsNow(o *redistest.Original, election string) bool {
	leads := false
	for _, ev := range o.Events() {
		switch {
		case ev.Kind == "won" && ev.Election == election:
			leads = true
		case ev.Kind == "lost" && ev.Election == election, ev.Kind == "exited":
			leads = false
		}
	}
	return leads
}

// leading lists everybody that takes itself for the leader.
func (f *npmFleet) leading(election string) string {
	var ids []string
	for _, o := range f.olds {
		if leadsNow(o, election) {
			ids = append(ids, o.ID)
		}
	}
	for _, p := range f.ours {
		if l := p.Leadership(election); l != nil && l.Valid() {
			ids = append(ids, p.ID())
		}
	}
	for _, n := range f.others {
		if n.leads() {
			ids = append(ids, n.id)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (f *npmFleet) settled(election, id string) error {
	if got := f.leading(election); got != id {
		return fmt.Errorf("%q leads, want %q", got, id)
	}
	for _, p := range f.ours {
		select {
		case <-p.Done():
			continue
		default:
		}
		if l, err := p.Leader(election); err != nil || l.ID != id {
			return fmt.Errorf("%s says %q (%v), want %q", p.ID(), l.ID, err, id)
		}
	}
	return nil
}

// soon waits until id, and nobody else, leads "e" and ours know it, and says how long
// that took: as measured, and what it would be with originals at their own speed if all
// of it was theirs.
func (f *npmFleet) soon(what, id string) time.Duration {
	f.t.Helper()
	return f.soonIn("e", what, id)
}

func (f *npmFleet) soonIn(election, what, id string) time.Duration {
	f.t.Helper()
	start := time.Now()
	var err error
	for end := start.Add(patience + f.scaled(3*time.Minute)); ; time.Sleep(2 * time.Millisecond) {
		if err = f.settled(election, id); err == nil {
			break
		}
		if time.Now().After(end) {
			f.t.Fatalf("%s: not settled: %v", what, err)
		}
	}
	took := time.Since(start)
	f.t.Logf("FIGURE %s: %d ms (%.1f s of the originals)", what, took.Milliseconds(), (took * f.speed).Seconds())
	return took
}

// stays watches for a time of the originals that id, and nobody else, leads. On a busy
// machine a heartbeat may come too late, and nobody leads for a moment; and an original that
// gets no processor time hears the kicks of its round before it has sent all votes, and
// takes itself for elected (B1).
func (f *npmFleet) stays(id string, d time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(f.scaled(d)); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		got := f.leading("e")
		if got == id || got == "" {
			continue
		}
		if late := f.stalled(); late != "" {
			f.t.Logf("%q leads, but the machine is too busy: %s", got, late)
			break
		}
		f.t.Errorf("it does not stay so: %q leads", got)
		return
	}
	f.soon("it stays so", id)
}

// stalled says which originals got no processor time in the round that they are in.
func (f *npmFleet) stalled() string {
	since := redisbridge.SystemClock{}.Now().Mono - f.scaled(12*time.Second)
	var list []string
	for _, o := range f.olds {
		for _, ev := range o.Events() {
			if ev.Kind == "stalled" && ev.At > since {
				list = append(list, o.ID+" stood still for "+ev.Text)
			}
		}
	}
	return strings.Join(list, ", ")
}

// nobodyDied fails the test if something that was said has ended an original.
func (f *npmFleet) nobodyDied() {
	f.t.Helper()
	for _, o := range f.olds {
		if s := told(o); strings.Contains(s, "died") {
			f.t.Errorf("%s: %s", o.ID, s)
		}
	}
}

// hears waits until an original's application is told something, from an event on.
func (f *npmFleet) hears(o *redistest.Original, from int, kind, id string) int {
	f.t.Helper()
	at, ok := o.Await(patience+f.scaled(3*time.Minute), from, func(ev redistest.OriginalEvent) bool { return ev.Kind == kind && ev.ID == id })
	if !ok {
		f.t.Fatalf("%s does not hear %q %q: %s", o.ID, kind, id, told(o))
	}
	return at
}

func (f *npmFleet) do(o *redistest.Original, what string, args map[string]any) json.RawMessage {
	f.t.Helper()
	v, err := o.Do(what, args)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

// leaves has an original take its leave as applications do before they end: by
// markProcessOffline, with an id or without. It does not always call back, so that its
// effect is what is waited for.
func (f *npmFleet) leaves(o *redistest.Original, id string) {
	f.t.Helper()
	if err := o.Ask("offline", map[string]any{"id": id}, nil); err != nil {
		f.t.Fatal(err)
	}
	eventually(f.t, o.ID+" is not listed", func() bool { return !f.listed(o.ID) })
	f.do(o, "result", map[string]any{"election": "e"}) // what it had sent is out
	o.Kill()
}

func (f *npmFleet) listed(id string) bool {
	return f.client.HExists(context.Background(), f.keys.Details(), id).Val()
}

// overlap is for how long two of "e" took themselves for the leader, of whom one at least
// is an original; between ours it must be never.
func (f *npmFleet) overlap() (old time.Duration) {
	f.t.Helper()
	type span struct {
		term
		who string
		old bool
	}
	now := redisbridge.SystemClock{}.Now().Mono
	var list []span
	add := func(who string, old bool, ts []term) {
		for _, t := range ts {
			t.to = cmp.Or(t.to, now)
			list = append(list, span{t, who, old})
		}
	}
	for _, o := range f.olds {
		add(o.ID, true, oldTerms(o))
	}
	for _, p := range f.ours {
		p.terms.mu.Lock()
		add(p.ID(), false, p.terms.list)
		p.terms.mu.Unlock()
	}
	for i, a := range list {
		for _, b := range list[:i] {
			d := min(a.to, b.to) - max(a.from, b.from)
			if d <= 0 || a.who == b.who {
				continue
			}
			if !a.old && !b.old {
				f.t.Errorf("%s and %s, both ours, led at once for %v", a.who, b.who, d)
			}
			old += d
		}
	}
	return old
}

// npmNode is a node of ours in a process of its own, which can be killed and paused.
type npmNode struct {
	id     string
	cmd    *exec.Cmd
	exited chan struct{}
	news   chan string
	mu     sync.Mutex // guards last
	last   string
}

// nodeEnv makes a test binary such a process: "addr id rank speed ttl_ms".
const nodeEnv = "HUSTINGS_TEST_NODE"

func (f *npmFleet) spawn(id string, rank int64) *npmNode {
	f.t.Helper()
	n := &npmNode{id: id, exited: make(chan struct{}), news: make(chan string, 1000)}
	n.cmd = exec.Command(os.Args[0])
	n.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d %d", nodeEnv, f.addr, id, rank, f.speed, f.ttl.Milliseconds()))
	stdin, err := n.cmd.StdinPipe() // its end ends the process
	if err != nil {
		f.t.Fatal(err)
	}
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			n.mu.Lock()
			n.last = lines.Text()
			n.mu.Unlock()
			n.news <- lines.Text()
		}
		_ = n.cmd.Wait()
		n.mu.Lock()
		n.last = "exited"
		n.mu.Unlock()
		close(n.exited)
	}()
	f.t.Cleanup(func() {
		n.signal(syscall.SIGKILL)
		<-n.exited
		_ = stdin.Close()
	})
	f.others = append(f.others, n)
	return n
}

func (n *npmNode) leads() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last == "won"
}

func (n *npmNode) signal(s syscall.Signal) { _ = n.cmd.Process.Signal(s) }

func (n *npmNode) hears(t testing.TB, want string) {
	t.Helper()
	for receive(t, n.id+" hears "+want, n.news) != want {
	}
}

// npmNodeMain is such a process: it stands in "e" and says what it is told.
func npmNodeMain(setup string) {
	var addr, id string
	var rank int64
	var speed, ttl int
	if _, err := fmt.Sscan(setup, &addr, &id, &rank, &speed, &ttl); err != nil {
		panic(err)
	}
	cfg := actors.Config{
		ID: id, Rank: &rank, TTL: time.Duration(ttl) * time.Millisecond, Quarantine: new(false),
		Redis: redisbridge.Config{Options: &redis.UniversalOptions{Addrs: []string{addr}}},
	}
	(&npmFleet{speed: time.Duration(speed)}).hasten(&cfg)
	node, err := actors.Start(context.Background(), system, cfg)
	if err != nil {
		panic(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	events := node.Subscribe(context.Background(), actors.SubscribeOptions{})
	if err := node.Run(context.Background(), "e"); err != nil {
		panic(err)
	}
	for ev := range events {
		switch ev.(type) {
		case *actors.Won:
			fmt.Println("won")
		case *actors.Lost:
			fmt.Println("lost")
		}
	}
}
