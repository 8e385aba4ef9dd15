package redisbridge_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

func TestConfigurationsThatCannotWorkSaySo(t *testing.T) {
	cluster := options("192.0.2.1:1")
	cluster.IsClusterMode = true
	database := cluster
	database.DB = 1
	both := cluster
	both.MasterName = "m"
	replicas := options("192.0.2.1:1")
	replicas.RouteRandomly = true
	nowhere := options("")
	nowhere.Addrs, nowhere.MasterName = nil, "m"
	nameOnly, sentinelNameOnly := replicas, nowhere
	nameOnly.RouteRandomly, nameOnly.Username = false, "me"
	sentinelNameOnly.Addrs, sentinelNameOnly.SentinelUsername = nameOnly.Addrs, "me"
	for name, c := range map[string]struct {
		cfg  redisbridge.BackendConfig
		says string
	}{
		"cluster without hash tag":    {redisbridge.BackendConfig{Redis: cluster}, "write {ipc}"},
		"cluster with empty hash tag": {redisbridge.BackendConfig{Redis: cluster, Keys: "{}ipc"}, "hash tag"},
		"cluster with a database":     {redisbridge.BackendConfig{Redis: database, Keys: "{ipc}"}, "DB 0"},
		"sentinel and cluster":        {redisbridge.BackendConfig{Redis: both, Keys: "{ipc}"}, "choose one"},
		"reads from replicas":         {redisbridge.BackendConfig{Redis: replicas}, "lag"},
		"sentinel without addresses":  {redisbridge.BackendConfig{Redis: nowhere}, "name the Sentinels"},
		"user without a password":     {redisbridge.BackendConfig{Redis: nameOnly}, "default user"},
		"the Sentinels' user, too":    {redisbridge.BackendConfig{Redis: sentinelNameOnly}, "default user"},
		"negative timeout":            {redisbridge.BackendConfig{Timeout: -1}, "negative"},
		"address without a port":      {redisbridge.BackendConfig{Redis: options("localhost")}, `"localhost" in Addrs`},
		"address with an empty port":  {redisbridge.BackendConfig{Redis: options("localhost:")}, "write host:port"},
		"address with no such port":   {redisbridge.BackendConfig{Redis: options("localhost:65536")}, "write host:port"},
		"address with a bare IPv6":    {redisbridge.BackendConfig{Redis: options("::1")}, `"::1" in Addrs`},
		"a URL for an address":        {redisbridge.BackendConfig{Redis: options("redis://me:topsecret@localhost:6379")}, `"redis://me:***@localhost:6379" in Addrs`},
	} {
		_, err := redisbridge.NewBackend(c.cfg)
		if !errors.Is(err, redisbridge.ErrBackendConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
		if redisbridge.Classify(err) != redisbridge.Permanent {
			t.Errorf("%s: class %v, want permanent", name, redisbridge.Classify(err))
		}
	}
	elsewhere := options("nobody but this Dialer knows")
	elsewhere.Dialer = func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }
	provided := options("localhost:6379")
	provided.Username, provided.CredentialsProvider = "me", func() (string, string) { return "me", "topsecret" }
	for _, o := range []redis.UniversalOptions{provided, options(""), options("localhost:6379"), options(":6379"), options("[::1]:6379"), options("/tmp/a b"), elsewhere} {
		if b, err := redisbridge.NewBackend(redisbridge.BackendConfig{Redis: o}); err != nil {
			t.Error(err)
		} else {
			b.Close()
		}
	}
}

func TestClusterIsFoundByTheSlotOfThePrefix(t *testing.T) {
	s := redistest.NewCluster(t)
	o := options(s.Addr)
	o.IsClusterMode = true
	cfg := redisbridge.BackendConfig{Redis: o, Keys: "{ipc}"}
	redistest.Conformance(t, 0, func(t *testing.T) *redistest.Fixture { return fixture(t, cfg) })
	f := fixture(t, redisbridge.BackendConfig{Redis: options(s.Addr), Keys: "ipc"})
	r := f.Do(redisbridge.Command{Args: []string{"MGET", "ipc::a", "ipc::b"}})[0]
	if redisbridge.Classify(r.Err) != redisbridge.Permanent {
		t.Errorf("two slots: %v, want CROSSSLOT, permanent", r.Err)
	}
}

// Each time the node of the cluster that is asked first is of no use, whichever that is.
func TestAClusterIsFoundThoughTheFirstNodeThatIsAskedHangsOrKnowsNothing(t *testing.T) {
	s := redistest.NewCluster(t)
	forgetful := redistest.NewServer(t, "--cluster-enabled", "yes") // as one that lost its nodes.conf
	for name, c := range map[string]struct {
		dial  func(ctx context.Context) (net.Conn, error)
		times int // go-redis draws lots where a node knows nothing
	}{
		"it hangs": {func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, 1},
		"it knows nothing": {func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", forgetful.Addr)
		}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad atomic.Pointer[string] // the host that is asked first
			o := options("a.example:6379")
			o.Addrs = append(o.Addrs, "b.example:6379")
			o.Dialer = func(ctx context.Context, _, addr string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(addr)
				if bad.CompareAndSwap(nil, &host); *bad.Load() == host {
					return c.dial(ctx)
				}
				return (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
			}
			f := fixture(t, redisbridge.BackendConfig{Redis: o, Keys: "{" + redisbridge.Keys(name) + "}", Timeout: 6 * time.Second}) // one that hangs takes half of it
			for range c.times {
				bad.Store(nil)
				conn := f.Connect()
				replies, err := f.DoOn(conn, redisbridge.Command{Args: []string{"SET", f.Keys.Epoch(), ""}})
				if conn.Close(); err != nil || replies[0].Err != nil {
					t.Fatal(err, replies)
				}
			}
		})
	}
}

// Nobody is asked but the nodes that were named, and of the others only the slot's owner is
// dialled: one that hangs or is down must not delay a fleet on another shard.
func TestOfAClusterOnlyWhoIsAskedAndTheOwnerAreDialled(t *testing.T) {
	c := redistest.NewClusterOf(t, 3)
	at, err := c.Owner("{ipc}")
	if err != nil {
		t.Fatal(err)
	}
	asked, other := c.Nodes[(at+1)%3].Addr, c.Nodes[(at+2)%3].Addr
	var others atomic.Int64
	o := options(asked)
	o.IsClusterMode = true
	o.Dialer = func(ctx context.Context, _, addr string) (net.Conn, error) {
		if addr == other {
			others.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	f := fixture(t, redisbridge.BackendConfig{Redis: o, Keys: "{ipc}", Timeout: time.Second})
	for range 10 {
		f.Connect().Close()
	}
	if n := others.Load(); n > 0 {
		t.Errorf("it was dialled %d times", n)
	}
}

// A node that never met another one does not know its own address, and names none.
func TestANodeOfAClusterThatKnowsNoAddressOfItsOwnIsFoundWhereItWasAsked(t *testing.T) {
	s := redistest.NewCluster(t)
	var mu sync.Mutex
	var dialled []string
	o := options("a.example:6379")
	o.IsClusterMode = true
	o.Dialer = func(ctx context.Context, _, addr string) (net.Conn, error) {
		mu.Lock()
		dialled = append(dialled, addr)
		mu.Unlock()
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
	}
	fixture(t, redisbridge.BackendConfig{Redis: o, Keys: "{ipc}"}).Connect()
	_, port, _ := net.SplitHostPort(s.Addr)
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"a.example:6379", "a.example:" + port}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %q, want %q", dialled, want)
	}
}

func TestAClusterThatNamesNoAddressesSaysWhatToSet(t *testing.T) {
	s := redistest.NewCluster(t)
	if got, err := s.Do("CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint"); err != nil || got != "+OK" {
		t.Skip("before Redis 7 there was none:", got, err)
	}
	o := options(s.Addr)
	o.IsClusterMode = true
	_, err := connect(t, backend(t, redisbridge.BackendConfig{Redis: o, Keys: "{ipc}"}))
	if redisbridge.Classify(err) != redisbridge.Permanent || !strings.Contains(err.Error(), "cluster-preferred-endpoint-type") {
		t.Errorf("%v, want it permanent, and the setting named", err)
	}
}

func TestAPlainServerIsNoCluster(t *testing.T) {
	s := redistest.NewServer(t)
	o := options(s.Addr)
	o.IsClusterMode = true
	_, err := connect(t, backend(t, redisbridge.BackendConfig{Redis: o, Keys: "{ipc}"}))
	if redisbridge.Classify(err) != redisbridge.Permanent {
		t.Errorf("%v, want it permanent", err)
	}
}

// The old primary takes commands still, and would for ten seconds more: Sentinel closes its
// connections only when it makes a replica of it.
func TestALinkToAPrimaryThatSentinelReplacesIsClosed(t *testing.T) {
	r := redistest.NewReplicated(t, 1, 3)
	old := r.Servers[0]
	o := options("")
	o.Addrs, o.MasterName = append([]string{"127.0.0.1:1"}, r.Addrs()...), r.Name // one is down
	b := backend(t, redisbridge.BackendConfig{Redis: o})
	c, err := connect(t, b)
	if err != nil {
		t.Fatal(err)
	}
	up, ended := make(chan struct{}), make(chan error, 1)
	b.Subscribe([]string{"c"}, redisbridge.SubscriptionHandler{
		Confirmed: func() { close(up) }, Message: func(string, string) {}, Ended: func(err error) { ended <- err },
	})
	receive(t, up)
	now, err := r.Failover()
	if err != nil {
		t.Fatal(err)
	}
	if err := receive(t, ended); !strings.Contains(err.Error(), "another primary, "+now.Addr) {
		t.Errorf("the subscription: %v", err)
	}
	failed := make(chan error, 1)
	c.Do([]redisbridge.Command{{Args: []string{"PING"}}}, func(_ []redisbridge.Reply, err error) { failed <- err })
	if err := receive(t, failed); err == nil || !strings.Contains(err.Error(), "another primary, "+now.Addr) {
		t.Errorf("the connection: %v", err)
	}
	if got, err := old.Do("SET", "x", "1"); err != nil || got != "+OK" {
		t.Errorf("the old primary: %s %v; this test shows nothing if it takes no commands", got, err)
	}
	c, err = connect(t, b)
	if err != nil {
		t.Fatal(err)
	}
	c.Do([]redisbridge.Command{{Args: []string{"SET", "there", "1"}}}, func(_ []redisbridge.Reply, err error) { failed <- err })
	if err := receive(t, failed); err != nil {
		t.Errorf("the next connection: %v", err)
	}
	if got, err := now.Do("EXISTS", "there"); err != nil || got != ":1" {
		t.Errorf("the next connection went elsewhere: %q %v", got, err)
	}
}

// A Sentinel that says what it has done, and is gone when it is asked for more.
func TestTheLastWordOfASentinelClosesALink(t *testing.T) {
	r := redistest.NewReplicated(t, 1, 1)
	way := redistest.NewProxy(t, r.Sentinels[0].Addr)
	o := options(way.Addr)
	o.MasterName = r.Name
	c, err := connect(t, backend(t, redisbridge.BackendConfig{Redis: o}))
	if err != nil {
		t.Fatal(err)
	}
	redistest.Sleep(time.Second) // it is asked when the subscription was confirmed
	if n := way.Connections(); n != 1 {
		t.Fatalf("%d connections to the Sentinel, want the one that listens", n)
	}
	way.Refuse()
	now, err := r.Failover()
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	c.Do([]redisbridge.Command{{Args: []string{"PING"}}}, func(_ []redisbridge.Reply, err error) { failed <- err })
	if err := receive(t, failed); err == nil || !strings.Contains(err.Error(), "another primary, "+now.Addr) {
		t.Errorf("the connection: %v", err)
	}
}

// Nothing else tells: it is asked where the master is when a connection is opened, and answers.
func TestTheLogSaysOnceThatASentinelDoesNotLetUsHearOfFailovers(t *testing.T) {
	sentinel := redistest.NewSentinel(t, "fleet", redistest.NewServer(t))
	user := []string{"ACL", "SETUSER", "me", "on", ">secret", "+sentinel|master", "+sentinel|get-master-addr-by-name"}
	if got, err := sentinel.Do(user...); err != nil || got != "+OK" {
		t.Fatalf("%s %v", got, err)
	}
	way := redistest.NewProxy(t, sentinel.Addr)
	o := options(way.Addr)
	o.MasterName, o.SentinelUsername, o.SentinelPassword = "fleet", "me", "secret"
	lines := make(lineWriter, 10)
	b := backend(t, redisbridge.BackendConfig{Redis: o, Logger: slog.New(slog.NewTextHandler(lines, nil))})
	if _, err := connect(t, b); err != nil {
		t.Fatal(err)
	}
	line := receive(t, lines)
	for _, says := range []string{"failovers are not heard of", "sentinel=" + way.Addr, "NOPERM", "subscribe", "+subscribe and the channels +*"} {
		if !strings.Contains(line, says) {
			t.Errorf("it does not say %q: %s", says, line)
		}
	}
	redistest.Sleep(1500 * time.Millisecond) // it is tried again every second
	if len(lines) > 0 {
		t.Errorf("again: %s", <-lines)
	}
}

// lineWriter takes the lines of a log.
type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

func TestSentinelNamesTheMaster(t *testing.T) {
	master := redistest.NewServer(t)
	sentinel := redistest.NewSentinel(t, "fleet", master)
	o := options("127.0.0.1:1") // the first is down
	o.Addrs = append(o.Addrs, sentinel.Addr)
	o.MasterName = "fleet"
	f := fixture(t, redisbridge.BackendConfig{Redis: o})
	f.Plain("SET", "x", "1")
	if got, err := master.Do("EXISTS", "x"); err != nil || got != ":1" {
		t.Errorf("at the master: %s %v", got, err)
	}
	f.Subscribe("c")
	o.MasterName = "nobody"
	_, err := connect(t, backend(t, redisbridge.BackendConfig{Redis: o}))
	if !errors.Is(err, redisbridge.ErrBackendConfig) {
		t.Errorf("an unknown name: %v, want a configuration fault", err)
	}
}

func TestAnUntrustedCertificateIsPermanent(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	o := options(s.Listener.Addr().String())
	o.TLSConfig = &tls.Config{}
	if _, err := connect(t, backend(t, redisbridge.BackendConfig{Redis: o})); redisbridge.Classify(err) != redisbridge.Permanent {
		t.Errorf("%v, want it permanent", err)
	}
}

// served is the address of a server that serves until the test ends.
func served(t *testing.T, answer func(c net.Conn, words []string)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go serve(l, answer)
	return l.Addr().String()
}

// serve speaks just enough RESP: answer gets each command of each connection.
func serve(l net.Listener, answer func(c net.Conn, words []string)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			r := bufio.NewReader(c)
			for {
				words, err := command(r)
				if err != nil {
					return
				}
				answer(c, words)
			}
		}()
	}
}

func command(r *bufio.Reader) (words []string, err error) {
	n, err := number(r)
	if err != nil {
		return nil, err
	}
	for range n {
		length, err := number(r)
		if err != nil {
			return nil, err
		}
		word := make([]byte, length+len("\r\n"))
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, err
		}
		words = append(words, string(word[:length]))
	}
	return words, nil
}

// number reads how many words, or bytes, follow.
func number(r *bufio.Reader) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// It would be two lines every three seconds for as long as the outage lasts, on the stderr of a
// program that never asked for it.
func TestGoRedisIsNotHeardWhereNobodyListens(t *testing.T) {
	m := redistest.NewMini(t)
	p := redistest.NewProxy(t, m.Addr())
	p.Refuse()
	plain := options(p.Addr)
	sentinel, cluster := plain, plain
	sentinel.MasterName, cluster.IsClusterMode = "mymaster", true
	for name, o := range map[string]redis.UniversalOptions{"plain": plain, "Sentinel": sentinel, "Cluster": cluster} {
		b := backend(t, redisbridge.BackendConfig{Redis: o, Keys: "{ipc}"})
		_, err := connect(t, b)
		ended := make(chan error, 2)
		b.Subscribe([]string{"x"}, redisbridge.SubscriptionHandler{Ended: func(err error) { ended <- err }})
		for _, err := range []error{err, receive(t, ended)} {
			if err == nil || !strings.Contains(err.Error(), "connection refused") || redisbridge.Classify(err) != redisbridge.Outage {
				t.Errorf("%s: %v, want that it is refused", name, err)
			}
		}
		if lines := goredis.of(p.Addr); len(lines) > 0 {
			t.Errorf("%s: go-redis says %q", name, lines)
		}
	}
}

func TestWhyAServerTurnsUsAwayIsTold(t *testing.T) {
	for says, want := range map[string]redisbridge.Class{
		"ERR max number of clients reached":                       redisbridge.Outage,
		"DENIED Redis is running in protected mode because of it": redisbridge.Permanent,
	} {
		addr := served(t, func(c net.Conn, _ []string) {
			_, _ = c.Write([]byte("-" + says + "\r\n"))
			_ = c.(*net.TCPConn).CloseWrite()
		})
		plain, password := options(addr), options(addr)
		password.Password = "topsecret"
		sentinel, cluster := plain, plain
		sentinel.MasterName, cluster.IsClusterMode = "mymaster", true
		for name, o := range map[string]redis.UniversalOptions{"plain": plain, "with a password": password, "Sentinel": sentinel, "Cluster": cluster} {
			b := backend(t, redisbridge.BackendConfig{Redis: o, Keys: "{ipc}"})
			_, err := connect(t, b)
			ended := make(chan error, 2)
			b.Subscribe([]string{"x"}, redisbridge.SubscriptionHandler{Ended: func(err error) { ended <- err }})
			for _, err := range []error{err, receive(t, ended)} {
				if err == nil || !strings.HasSuffix(err.Error(), says) || redisbridge.Classify(err) != want {
					t.Errorf("%s: %v, want %s", name, err, says)
				}
			}
		}
	}
}

// One address does not tell a Cluster from a server, and Redis's words for it do not say what to do.
func TestAServerOfAClusterThatWasNotSaidToBeOneIsToldOf(t *testing.T) {
	for says, want := range map[string]redisbridge.Class{
		"MOVED 4454 127.0.0.1:7000": redisbridge.Reconnect,
		"ERR Script attempted to access a non local key in a cluster node script: 77fd, on @user_script:29.": redisbridge.Refused,
	} {
		addr := served(t, func(c net.Conn, words []string) {
			answer := "-NOPERM no"
			switch strings.ToLower(words[0]) {
			case "ping":
				answer = "+PONG"
			case "get":
				answer = "-" + says
			}
			_, _ = c.Write([]byte(answer + "\r\n"))
		})
		f := fixture(t, redisbridge.BackendConfig{Redis: options(addr)})
		said := f.Do(redisbridge.Command{Args: []string{"GET", "x"}})[0].Err
		if redisbridge.Classify(said) != want {
			t.Errorf("%v is %v, want %v", said, redisbridge.Classify(said), want)
		}
		for _, part := range []string{says, "IsClusterMode", "cluster=true", "{ipc}"} {
			if !strings.Contains(said.Error(), part) {
				t.Errorf("%q is not in %q", part, said)
			}
		}
	}
}

func TestASubscriptionEndsWhenTheServerDoesWhatNobodyAsked(t *testing.T) {
	const confirm = "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"
	for name, c := range map[string]struct{ after, says string }{
		"unsubscribed":       {"*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n", "unexpected unsubscribe"},
		"subscribed again":   {confirm, "unexpected subscribe"},
		"a malformed frame":  {"*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n", "malformed"},
		"another's protocol": {"HTTP/1.1 400 Bad Request\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			addr := served(t, func(c1 net.Conn, words []string) {
				if strings.EqualFold(words[0], "subscribe") {
					_, _ = c1.Write([]byte(confirm + "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n" + c.after))
				} else {
					_, _ = c1.Write([]byte("-ERR unknown command 'hello', with args beginning with: '2'\r\n"))
				}
			})
			heard, ended := make(chan string, 4), make(chan error, 2)
			b := backend(t, redisbridge.BackendConfig{Redis: options(addr)})
			b.Subscribe([]string{"x"}, redisbridge.SubscriptionHandler{
				Confirmed: func() { heard <- "confirmed" },
				Message:   func(_, payload string) { heard <- payload },
				Ended:     func(err error) { ended <- err },
			})
			if got := receive(t, heard) + " " + receive(t, heard); got != "confirmed hi" {
				t.Errorf("heard %s", got)
			}
			if err := receive(t, ended); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("ended with %v, want %q", err, c.says)
			}
		})
	}
}
