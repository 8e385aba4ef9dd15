package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// client returns one that asks once; the caller closes it.
func (s *Server) client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.Addr, TLSConfig: s.tls, MaxRetries: -1, PoolSize: 1, Protocol: 2,
		DialTimeout: startup, ReadTimeout: startup, DisableIdentity: true,
	})
}

// query sends one command and returns the whole reply.
func (s *Server) query(words ...any) (any, error) {
	c := s.client()
	defer func() { _ = c.Close() }()
	got, err := c.Do(context.Background(), words...).Result()
	if err != nil {
		return nil, fmt.Errorf("redistest: %v at %s: %w", words[0], s.Addr, err)
	}
	return got, nil
}

// info returns one line of INFO.
func (s *Server) info(section, field string) string {
	got, err := s.query("INFO", section)
	text, _ := got.(string)
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok && err == nil {
			return v
		}
	}
	return ""
}

// expect retries until what f returns is want.
func expect(what, want string, f func() string) error {
	return retry(2*startup, func() error {
		if got := f(); got != want {
			return fmt.Errorf("redistest: %s is %q, want %q", what, got, want)
		}
		return nil
	})
}

// NewReplica starts a replica of a server and waits until it has its data.
func NewReplica(t testing.TB, primary *Server, args ...string) *Server {
	t.Helper()
	return NewReplicaAt(t, primary.Addr, args...)
}

// NewReplicaAt is NewReplica with an address, which may be a [Proxy]'s: so the replica
// can be made to lag.
func NewReplicaAt(t testing.TB, addr string, args ...string) *Server {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(t, append([]string{"--replicaof", host, port, "--repl-diskless-sync-delay", "0"}, args...)...)
	if err := linked(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// linked waits until a replica has its primary's data.
func linked(s *Server) error {
	return expect("the link to the primary", "up", func() string { return s.info("replication", "master_link_status") })
}

// NewSentinel starts a Sentinel, with a quorum of its own, that watches a master
// under a name.
func NewSentinel(t testing.TB, name string, master *Server) *Server {
	t.Helper()
	return newSentinel(t, name, master, 1)
}

func newSentinel(t testing.TB, name string, master *Server, quorum int) *Server {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	// A Sentinel writes to its configuration, and will not start without one.
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor %[1]s %s %s %d\nsentinel down-after-milliseconds %[1]s 500\nsentinel failover-timeout %[1]s 3000\n",
		name, host, port, quorum)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return NewServer(t, file, "--sentinel")
}

// Replicated is a primary with replicas that Sentinels watch.
type Replicated struct {
	// Name is the master's name, for MasterName.
	Name string
	// Servers are the primary and its replicas; the first began as the primary.
	Servers   []*Server
	Sentinels []*Server
}

// NewReplicated starts a primary, replicas of it, and Sentinels that know of all of them
// and of each other. A primary that does not answer for 500 ms is replaced, if more than
// half of the Sentinels live. args are for the servers.
func NewReplicated(t testing.TB, replicas, sentinels int, args ...string) *Replicated {
	t.Helper()
	r := &Replicated{Name: "fleet"}
	// Without a delay before the first replica is served.
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
	r.Servers = append(r.Servers, NewServer(t, args...))
	for range replicas {
		r.Servers = append(r.Servers, NewReplica(t, r.Servers[0], args...))
	}
	for range sentinels {
		r.Sentinels = append(r.Sentinels, newSentinel(t, r.Name, r.Servers[0], sentinels/2+1))
	}
	for _, s := range r.Sentinels {
		for field, want := range map[string]int{"num-slaves": replicas, "num-other-sentinels": sentinels - 1} {
			err := expect(field, strconv.Itoa(want), func() string { return r.told(s, field) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

// told is a field of what a Sentinel knows of the primary.
func (r *Replicated) told(sentinel *Server, field string) string {
	got, _ := sentinel.query("SENTINEL", "MASTER", r.Name)
	fields, _ := got.([]any)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == field {
			return fmt.Sprint(fields[i+1])
		}
	}
	return ""
}

// Addrs are the Sentinels' addresses.
func (r *Replicated) Addrs() []string {
	return addresses(r.Sentinels)
}

// Primary returns the server that the first Sentinel names.
func (r *Replicated) Primary() (*Server, error) {
	addr := net.JoinHostPort(r.told(r.Sentinels[0], "ip"), r.told(r.Sentinels[0], "port"))
	for _, s := range r.Servers {
		if s.Addr == addr {
			return s, nil
		}
	}
	return nil, fmt.Errorf("redistest: the Sentinel names %s", addr)
}

// Failover makes a replica the primary, as an operator does (SENTINEL FAILOVER), and
// returns it once the Sentinels name it.
func (r *Replicated) Failover() (*Server, error) {
	old, err := r.Primary()
	if err != nil {
		return nil, err
	}
	// A Sentinel refuses while it is busy with an earlier one.
	err = retry(2*startup, func() error {
		_, err := r.Sentinels[0].query("SENTINEL", "FAILOVER", r.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.AwaitFailover(old)
}

// AwaitFailover waits until all Sentinels name another primary than old, and that one
// takes writes.
func (r *Replicated) AwaitFailover(old *Server) (*Server, error) {
	var now *Server
	err := retry(2*startup, func() (err error) {
		if now, err = r.Primary(); err != nil {
			return err
		}
		if now == old {
			return errors.New("redistest: no failover yet")
		}
		_, port, _ := net.SplitHostPort(now.Addr)
		for _, s := range r.Sentinels {
			if r.told(s, "port") != port {
				return errors.New("redistest: the Sentinels do not agree yet")
			}
		}
		if role := now.info("replication", "role"); role != "master" {
			return fmt.Errorf("redistest: the new primary is a %s yet", role)
		}
		return nil
	})
	return now, err
}

// AwaitReplica waits until a server, a primary that was replaced, say, is a replica with
// a link to its primary.
func (r *Replicated) AwaitReplica(s *Server) error {
	return linked(s)
}
