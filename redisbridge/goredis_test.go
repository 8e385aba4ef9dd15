package redisbridge_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// patience bounds what must come at once; nothing is measured by it.
const patience = 10 * time.Second

func options(addr string) redis.UniversalOptions {
	return redis.UniversalOptions{Addrs: []string{addr}}
}

func backend(t *testing.T, cfg redisbridge.BackendConfig) redisbridge.Backend {
	t.Helper()
	b, err := redisbridge.NewBackend(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func fixture(t *testing.T, cfg redisbridge.BackendConfig) *redistest.Fixture {
	t.Helper()
	return &redistest.Fixture{T: t, Backend: backend(t, cfg), Keys: cfg.Keys, Advance: redistest.Sleep}
}

// connect returns what Connect calls back with, and fails if that is twice.
func connect(t *testing.T, b redisbridge.Backend) (redisbridge.Conn, error) {
	t.Helper()
	type result struct {
		c   redisbridge.Conn
		err error
	}
	ch := make(chan result, 2)
	b.Connect(func(c redisbridge.Conn, err error) { ch <- result{c, err} })
	r := receive(t, ch)
	if len(ch) > 0 {
		t.Error("connect answered twice")
	}
	return r.c, r.err
}

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func beat(prefix string) redisbridge.Command {
	return redisbridge.Command{Script: redisbridge.HeartbeatScript, Args: []string{
		prefix, "a", strings.Repeat("0", 32), "1", "1", "30000", "0", "first", "0", "", "0", "0", "",
	}}
}

func verdict(r redisbridge.Reply) any {
	if l, ok := r.Value.([]any); ok && len(l) > 0 {
		return l[0]
	}
	return r.Err
}

func TestForgottenScriptsAreSentAgainAndNothingElse(t *testing.T) {
	s := redistest.NewServer(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	f.Flush()
	f.Plain("SCRIPT", "FLUSH")
	add := redisbridge.Command{Args: []string{"SADD", "x", "1"}}
	r := f.Do(add, beat("ipc"), add, beat("ipc"))
	if got := fmt.Sprintf("%v %v %v %v", r[0].Value, verdict(r[1]), r[2].Value, verdict(r[3])); got != "1 created 0 extended" {
		t.Errorf("replies %s, want 1 created 0 extended", got)
	}
}

// What clears a former life away goes before what registers, also if Redis knows only the
// script of the second.
func TestScriptsKeepTheirOrderWhereOneOfThemWasForgotten(t *testing.T) {
	s := redistest.NewServer(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	f.Flush()
	f.Do(beat("ipc"))
	f.Plain("SCRIPT", "FLUSH")
	f.Plain("SCRIPT", "LOAD", redisbridge.JoinScript.Source)
	head := []string{"ipc", "a", strings.Repeat("0", 32), "1"}
	r := f.Do(
		redisbridge.Command{Script: redisbridge.LeaveScript, Args: append(head[:4:4], "f0", "500")},
		redisbridge.Command{Script: redisbridge.JoinScript, Args: append(head[:4:4], `{"v":1}`, "1", "e", "7", "1")},
	)
	if got := fmt.Sprint(verdict(r[0]), " ", verdict(r[1])); got != "ok ok" {
		t.Errorf("replies %s, want ok ok", got)
	}
	if got := f.Plain("HGET", "ipc::server:details", "a"); got != `{"v":1}` {
		t.Errorf("details %v: the leave came after the join", got)
	}
	if got := f.Plain("SISMEMBER", "ipc::election:e:candidates", "a"); got != int64(1) {
		t.Error("no candidate")
	}
}

// Replicas are waited for behind what they are to have.
func TestAWaitIsSentAgainBehindForgottenScripts(t *testing.T) {
	s := redistest.NewServer(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	f.Flush()
	wait := redisbridge.Command{Args: []string{"WAIT", "0", "1"}}
	waits := func() string {
		_, rest, _ := strings.Cut(fmt.Sprint(f.Plain("INFO", "commandstats")), "cmdstat_wait:calls=")
		calls, _, _ := strings.Cut(rest, ",")
		return calls
	}
	f.Do(beat("ipc"), wait)
	if n := waits(); n != "1" {
		t.Errorf("%s waits with a known script, want 1", n)
	}
	f.Plain("SCRIPT", "FLUSH")
	r := f.Do(beat("ipc"), wait)
	if got := fmt.Sprintf("%v %v", verdict(r[0]), r[1].Value); got != "extended 0" {
		t.Errorf("replies %s, want extended 0", got)
	}
	if n := waits(); n != "3" {
		t.Errorf("%s waits after another forgotten one, want 3", n)
	}
}

func TestAConnectionLoadsWhatTheServerDoesNotHave(t *testing.T) {
	s := redistest.NewServer(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	all := len(redisbridge.Scripts)
	loaded := func(what string, want int) {
		t.Helper()
		f.Connect().Close()
		_, rest, _ := strings.Cut(fmt.Sprint(f.Plain("INFO", "commandstats")), "cmdstat_script|load:calls=")
		if calls, _, _ := strings.Cut(rest, ","); calls != strconv.Itoa(want) {
			t.Errorf("%s: %s scripts were loaded in all, want %d", what, calls, want)
		}
	}
	loaded("a new server", all)
	f.Plain("SCRIPT", "FLUSH")
	f.Plain("SCRIPT", "LOAD", redisbridge.ClaimScript.Source)
	loaded("one is there", 2*all)
	loaded("all are there", 2*all)
}

func TestScriptsRunWhereLoadingThemIsNotPermitted(t *testing.T) {
	s := redistest.NewServer(t)
	if got, err := s.Do("ACL", "SETUSER", "plain", "on", ">secret", "~*", "&*", "+@all", "-script"); err != nil || got != "+OK" {
		t.Fatal(got, err)
	}
	o := options(s.Addr)
	o.Username, o.Password = "plain", "secret"
	f := fixture(t, redisbridge.BackendConfig{Redis: o})
	if got := verdict(f.Do(beat("ipc"))[0]); got != "created" {
		t.Errorf("heartbeat: %v, want created", got)
	}
}

func TestScriptsRunWhereNobodyKnowsHowToLoadThem(t *testing.T) {
	s := redistest.NewServer(t, "--rename-command", "SCRIPT", "")
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	if got := verdict(f.Do(beat("ipc"))[0]); got != "created" {
		t.Errorf("heartbeat: %v, want created", got)
	}
}

func TestAUnixSocketWillDo(t *testing.T) {
	// Not t.TempDir: the path of a socket may have 107 bytes.
	dir, err := os.MkdirTemp("", "hustings-unix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "redis:6379") // which is no host and port
	redistest.NewServer(t, "--unixsocket", path)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(path)})
	if got := verdict(f.Do(beat("ipc"))[0]); got != "created" {
		t.Errorf("heartbeat: %v, want created", got)
	}
	f.Subscribe("c")
}

func TestADeadLinkIsAnErrorOnceAndTheConnectionIsOver(t *testing.T) {
	m := redistest.NewMini(t)
	p := redistest.NewProxy(t, m.Addr())
	f := fixture(t, redisbridge.BackendConfig{Redis: options(p.Addr)})
	c := f.Connect()
	p.Reset()
	_, err := f.DoOn(c, beat("ipc"))
	if err == nil || redisbridge.Classify(err) != redisbridge.Outage {
		t.Errorf("Do over a reset link: %v, want an outage", err)
	}
	if _, err := f.DoOn(c, beat("ipc")); !errors.Is(err, redisbridge.ErrConnClosed) {
		t.Errorf("Do after that: %v, want ErrConnClosed", err)
	}
	if n := p.Connections(); n != 0 {
		t.Errorf("%d connections: go-redis has redialled", n)
	}
}

func TestAHungServerIsAnErrorWithinTheTimeout(t *testing.T) {
	s := redistest.NewServer(t)
	for _, d := range []redistest.Direction{redistest.ToServer, redistest.ToClient} {
		p := redistest.NewProxy(t, s.Addr)
		f := fixture(t, redisbridge.BackendConfig{Redis: options(p.Addr), Timeout: 500 * time.Millisecond})
		c := f.Connect()
		p.Hold(d)
		if _, err := f.DoOn(c, beat("ipc")); redisbridge.Classify(err) != redisbridge.Outage {
			t.Errorf("Do: %v, want an outage", err)
		}
		if _, err := connect(t, f.Backend); redisbridge.Classify(err) != redisbridge.Outage {
			t.Errorf("Connect: %v, want an outage", err)
		}
		ended := make(chan error, 2)
		f.Backend.Subscribe([]string{"x"}, redisbridge.SubscriptionHandler{
			Confirmed: func() { t.Error("confirmed by a server that hangs") },
			Ended:     func(err error) { ended <- err },
		})
		if err := receive(t, ended); redisbridge.Classify(err) != redisbridge.Outage {
			t.Errorf("Subscribe: %v, want an outage", err)
		}
	}
}

func TestARefusedConnectionIsAnOutage(t *testing.T) {
	m := redistest.NewMini(t)
	p := redistest.NewProxy(t, m.Addr())
	p.Refuse()
	b := backend(t, redisbridge.BackendConfig{Redis: options(p.Addr)})
	if c, err := connect(t, b); c != nil || redisbridge.Classify(err) != redisbridge.Outage {
		t.Errorf("connect: %v %v, want an outage", c, err)
	}
	if err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, b); err != nil {
		t.Errorf("connect after that: %v", err)
	}
}

func TestWrongCredentialsArePermanentAndNotRepeated(t *testing.T) {
	s := redistest.NewServer(t, "--requirepass", "right")
	for name, c := range map[string]struct{ password, code string }{
		"wrong":   {"topsecret", "WRONGPASS"},
		"missing": {"", "NOAUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(s.Addr)
			o.Password = c.password
			b := backend(t, redisbridge.BackendConfig{Redis: o})
			_, err := connect(t, b)
			ended := make(chan error, 2)
			b.Subscribe([]string{"x"}, redisbridge.SubscriptionHandler{Ended: func(err error) { ended <- err }})
			for _, err := range []error{err, receive(t, ended)} {
				var said *redisbridge.ServerError
				if !errors.As(err, &said) || said.Code != c.code || redisbridge.Classify(err) != redisbridge.Permanent {
					t.Errorf("%v, want %s", err, c.code)
				}
				if c.password != "" && strings.Contains(fmt.Sprintf("%v %+v", err, err), c.password) {
					t.Errorf("the password is in %q", err)
				}
			}
		})
	}
	o := options(s.Addr)
	o.Password = "right"
	if _, err := connect(t, backend(t, redisbridge.BackendConfig{Redis: o})); err != nil {
		t.Error(err)
	}
}

func TestAKilledSubscriptionEnds(t *testing.T) {
	s := redistest.NewServer(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	l := f.Subscribe("a", "b", "a")
	f.Plain("CLIENT", "KILL", "TYPE", "pubsub")
	if err := l.Ended(); err == nil || errors.Is(err, redisbridge.ErrConnClosed) {
		t.Errorf("ended with %v, want an error of the link", err)
	}
	if n, _ := s.Do("PUBLISH", "a", "x"); n != ":0" {
		t.Errorf("%s receivers: go-redis has subscribed again", n)
	}
	closed := f.Subscribe("a")
	closed.Close()
	if err := closed.Ended(); !errors.Is(err, redisbridge.ErrConnClosed) {
		t.Errorf("ended with %v, want ErrConnClosed", err)
	}
}

func TestCloseDoesNotWaitForAHangingDial(t *testing.T) {
	dialing := make(chan struct{}, 2)
	o := options("192.0.2.1:6379")
	o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialing <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	b := backend(t, redisbridge.BackendConfig{Redis: o, Timeout: time.Hour})
	ended := make(chan error, 4)
	b.Connect(func(_ redisbridge.Conn, err error) { ended <- err })
	s := b.Subscribe([]string{"x"}, redisbridge.SubscriptionHandler{Ended: func(err error) { ended <- err }})
	receive(t, dialing)
	receive(t, dialing)
	s.Close()
	if err := receive(t, ended); !errors.Is(err, redisbridge.ErrConnClosed) {
		t.Errorf("subscription: %v, want ErrConnClosed", err)
	}
	b.Close()
	if err := receive(t, ended); !errors.Is(err, redisbridge.ErrConnClosed) {
		t.Errorf("connection: %v, want ErrConnClosed", err)
	}
}

func TestCloseUnblocksACommandThatHangs(t *testing.T) {
	m := redistest.NewMini(t)
	p := redistest.NewProxy(t, m.Addr())
	f := fixture(t, redisbridge.BackendConfig{Redis: options(p.Addr), Timeout: time.Hour})
	c := f.Connect()
	p.Hold(redistest.ToClient)
	done := make(chan error, 2)
	c.Do([]redisbridge.Command{beat("ipc")}, func(_ []redisbridge.Reply, err error) { done <- err })
	c.Close()
	if err := receive(t, done); !errors.Is(err, redisbridge.ErrConnClosed) {
		t.Errorf("%v, want ErrConnClosed", err)
	}
}

func TestEveryDoIsAnsweredOnceWhileCloseRaces(t *testing.T) {
	s := redistest.NewServer(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	for range 100 {
		c := f.Connect()
		answers := make(chan error, 8)
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				c.Do([]redisbridge.Command{beat("ipc")}, func(_ []redisbridge.Reply, err error) { answers <- err })
			})
		}
		callers.Go(c.Close)
		callers.Wait()
		for range 3 {
			_ = receive(t, answers) // closed or not: what counts is one answer each
		}
		if len(answers) > 0 {
			t.Fatal("a Do was answered twice")
		}
	}
}

func TestDoMayBeCalledFromItsCallback(t *testing.T) {
	m := redistest.NewMini(t)
	f := fixture(t, redisbridge.BackendConfig{Redis: options(m.Addr())})
	c := f.Connect()
	done := make(chan error, 2)
	c.Do(nil, func(_ []redisbridge.Reply, err error) {
		c.Do([]redisbridge.Command{beat("ipc")}, func(_ []redisbridge.Reply, err error) { done <- err })
	})
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}

func TestAReadOnlyReplicaAnswersAndAsksForReconnecting(t *testing.T) {
	master, replica := redistest.NewServer(t), redistest.NewServer(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	if got, err := replica.Do("REPLICAOF", host, port); err != nil || got != "+OK" {
		t.Fatal(got, err)
	}
	f := fixture(t, redisbridge.BackendConfig{Redis: options(replica.Addr)})
	r := f.Do(redisbridge.Command{Args: []string{"SET", "x", "1"}})[0]
	if redisbridge.Classify(r.Err) != redisbridge.Reconnect {
		t.Errorf("SET at a replica: %v, want reconnect", r.Err)
	}
}

func TestAServerThatMayEvictKeysIsCautionedOf(t *testing.T) {
	s := redistest.NewServer(t)
	b := backend(t, redisbridge.BackendConfig{Redis: options(s.Addr)})
	for _, c := range []struct {
		memory, policy string
		risk           bool
	}{
		{"0", "allkeys-lru", false}, {"100mb", "noeviction", false}, {"100mb", "allkeys-lru", true}, {"100mb", "volatile-ttl", true},
	} {
		for _, set := range [][]string{{"maxmemory", c.memory}, {"maxmemory-policy", c.policy}} {
			if _, err := s.Do(append([]string{"CONFIG", "SET"}, set...)...); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := connect(t, b)
		if err != nil {
			t.Fatal(err)
		}
		if text := conn.(redisbridge.Cautious).Caution(); (text != "") != c.risk || c.risk && !strings.Contains(text, c.policy) {
			t.Errorf("maxmemory %s, %s: %q", c.memory, c.policy, text)
		}
	}
}
