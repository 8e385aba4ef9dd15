package actors_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
)

// A child is a node in a process of its own: this test binary, started again. What it
// costs the processor can be told from what the others cost, and it can be stopped as it
// stands.

// childEnv names the variable that makes the test binary a child.
const childEnv = "HUSTINGS_TEST_CHILD"

// childConfig is what a child is told.
type childConfig struct {
	Addr     string
	User     string
	Password string
	Prefix   string
	ID       string
	Rank     int64
	TTL      time.Duration
	Election string
	// Takeover is the election's policy.
	Takeover actors.Takeover
	// Expiring, if not "", is a second election, under OnExpiry.
	Expiring string
	// Watch: report each term, as watchTerms does.
	Watch bool
}

// childLine is what a child says.
type childLine struct {
	Ready bool `json:",omitempty"`
	Error string

	// Stat.
	CPU      time.Duration
	Counts   redisbridge.Counts
	Valid    bool
	Routines int

	// Term, of a child that watches. Times are of the machine's clock.
	Term *childTerm `json:",omitempty"`
}

// childTerm is what a child saw of a term. Each time is taken before the question.
type childTerm struct {
	Token uint64
	// Begun: the first Valid() that was true. LastYes: the last one. LastAlive: the last
	// Err() of the context that was nil, if that was asked.
	Begun, LastYes, LastAlive time.Time
	// Done: the context's channel was closed, seen by who waited for it.
	Done time.Time
	// Asked: Err() was asked, so that Done is not the timer's doing.
	Asked bool
}

// runChild is the child's main function.
func runChild(text string) int {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n, err := actors.Start(ctx, system, actors.Config{
		ID: c.ID, Rank: &c.Rank, TTL: c.TTL, Elections: actors.ElectionConfig{Takeover: c.Takeover},
		Redis: redisbridge.Config{Prefix: c.Prefix, Options: &redis.UniversalOptions{
			Addrs: []string{c.Addr}, Username: c.User, Password: c.Password,
		}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err == nil {
		err = n.Run(ctx, c.Election)
	}
	if err != nil {
		_ = out.Encode(childLine{Error: err.Error()})
		return 1
	}
	if c.Expiring != "" {
		system.Root.Spawn(actors.ElectionProps(n.PID(), actors.ElectionConfig{Name: c.Expiring, Run: true}))
	}
	terms := make(chan *childTerm)
	if c.Watch {
		go watchTerms(n, c.Election, terms)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			asked <- struct{}{}
		}
	}()
	_ = out.Encode(childLine{Ready: true})
	for {
		select {
		case t := <-terms:
			_ = out.Encode(childLine{Term: t})
		case _, ok := <-asked:
			if !ok {
				bye, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_ = n.Stop(bye)
				return 0
			}
			_ = out.Encode(childLine{
				CPU: processorTime(), Counts: n.Counts(), Valid: n.Leadership(c.Election).Valid(), Routines: runtime.NumGoroutine(),
			})
		}
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchTerms asks each term Valid as fast as it can until it says no, and then, every
// second term, the context's Err.
func watchTerms(n *actors.Node, election string, terms chan<- *childTerm) {
	for asks := false; ; asks = !asks {
		l := n.Leadership(election)
		for l == nil || !l.Valid() {
			time.Sleep(100 * time.Microsecond)
			l = n.Leadership(election)
		}
		t := &childTerm{Token: l.Token(), Begun: time.Now(), Asked: asks}
		t.LastYes, t.LastAlive = t.Begun, t.Begun
		done := make(chan time.Time)
		go func() {
			<-l.Context().Done()
			done <- time.Now()
		}()
		for now := time.Now(); l.Valid(); now = time.Now() {
			t.LastYes = now
			if asks {
				if now := time.Now(); l.Context().Err() == nil {
					t.LastAlive = now
				}
			}
			runtime.Gosched()
		}
		t.Done = <-done
		terms <- t
	}
}

// child is a running child.
type child struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan childLine
	terms []*childTerm
	// killed: its end is the test's doing.
	killed bool
}

// startChild starts one that is ended when the test ends.
func startChild(t testing.TB, c childConfig, log io.Writer) *child {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text), "GOMAXPROCS=2")
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &child{t: t, cmd: cmd, in: in, lines: make(chan childLine, 1<<12)}
	go func() {
		defer close(p.lines)
		for dec := json.NewDecoder(out); ; {
			var l childLine
			if dec.Decode(&l) != nil {
				return
			}
			p.lines <- l
		}
	}()
	t.Cleanup(func() {
		_ = p.in.Close()
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		for range p.lines {
		}
		if err := cmd.Wait(); err != nil && !p.killed {
			t.Errorf("the child %s: %v", c.ID, err)
		}
	})
	if l := p.line(func(l childLine) bool { return l.Ready || l.Error != "" }); l.Error != "" {
		t.Fatalf("the child %s: %s", c.ID, l.Error)
	}
	return p
}

// line returns the next line that fits; terms on the way are kept.
func (p *child) line(fits func(childLine) bool) childLine {
	p.t.Helper()
	for {
		l, ok := <-p.lines
		if !ok {
			p.t.Fatal("the child has ended")
		}
		if l.Term != nil {
			p.terms = append(p.terms, l.Term)
		}
		if fits(l) {
			return l
		}
	}
}

// stat asks how the child is doing.
func (p *child) stat() childLine {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, "stat"); err != nil {
		p.t.Fatal(err)
	}
	return p.line(func(l childLine) bool { return !l.Ready && l.Term == nil })
}

// percentile is the value below which p percent of the list lie.
func percentile(list []time.Duration, p int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[(len(list)-1)*p/100]
}
