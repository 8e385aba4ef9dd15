package chaos

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"hustings/redisbridge/redistest"
)

// What the nodes log in with. The default user has no password, for our own commands.
const (
	user     = "fleet"
	password = "sesame"
)

// store is the Redis of a run: a primary, a replica of it behind a proxy that can make it
// lag, and a proxy in front of the primary for each node.
type store struct {
	busy             sync.Mutex // one fault of Redis at a time; guards the two servers
	primary, replica *redistest.Server
	lag              *redistest.Proxy

	mu      sync.Mutex // guards proxies and target
	proxies []*redistest.Proxy
	target  string
}

// openStore starts the servers.
func openStore() (*store, error) {
	s := &store{}
	var err error
	for _, server := range []**redistest.Server{&s.primary, &s.replica} {
		*server, err = redistest.StartServer("--repl-diskless-sync-delay", "0", "--repl-timeout", "5",
			"--user", user, "on", ">"+password, "~*", "&*", "+@all")
		if err != nil {
			s.close()
			return nil, err
		}
	}
	s.target = s.primary.Addr
	if s.lag, err = redistest.StartProxy(s.primary.Addr); err == nil {
		err = s.follow()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// follow makes the replica one.
func (s *store) follow() error {
	host, port, err := net.SplitHostPort(s.lag.Addr)
	if err != nil {
		return err
	}
	return expect(s.replica, "REPLICAOF", host, port)
}

// expect sends a command that must succeed.
func expect(s *redistest.Server, words ...string) error {
	got, err := s.Do(words...)
	if err == nil && len(got) > 0 && got[0] == '-' {
		err = errors.New(got)
	}
	if err != nil {
		return fmt.Errorf("chaos: %s: %w", words[0], err)
	}
	return nil
}

// proxy starts one in front of the primary.
func (s *store) proxy() (*redistest.Proxy, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := redistest.StartProxy(s.target)
	if err == nil {
		s.proxies = append(s.proxies, p)
	}
	return p, err
}

// failover makes the replica the primary, which has not got what was written in the last
// lag. The old primary is dead before, and comes back as a replica: at any time there is
// one that takes commands (assumption 6 of docs/guarantees.md). began is called when
// the old one is about to die.
func (s *store) failover(lag time.Duration, began func(), persist func(func() error) error) error {
	if lag > 0 {
		s.lag.Hold(redistest.ToClient)
		redistest.Sleep(lag)
	}
	began()
	s.primary.Kill()
	if err := expect(s.replica, "REPLICAOF", "NO", "ONE"); err != nil {
		return err
	}
	s.primary, s.replica = s.replica, s.primary
	s.retarget(s.primary.Addr)
	s.lag.Retarget(s.primary.Addr)
	s.lag.Reset()
	s.lag.Release(redistest.ToClient)
	if err := persist(func() error { return s.replica.Restart(false) }); err != nil {
		return err
	}
	return s.follow()
}

func (s *store) retarget(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target = addr
	for _, p := range s.proxies {
		p.Retarget(addr)
		p.Reset()
	}
}

// lock changes the nodes' password, and breaks their connections; unlock puts it back.
func (s *store) lock() error {
	return errors.Join(
		expect(s.primary, "ACL", "SETUSER", user, "resetpass", ">other"),
		expect(s.primary, "CLIENT", "KILL", "USER", user))
}

func (s *store) unlock() error {
	return expect(s.primary, "ACL", "SETUSER", user, "resetpass", ">"+password)
}

func (s *store) close() {
	s.mu.Lock()
	proxies := s.proxies
	s.proxies = nil
	s.mu.Unlock()
	for _, p := range proxies {
		p.Close()
	}
	if s.lag != nil {
		s.lag.Close()
	}
	for _, server := range []*redistest.Server{s.primary, s.replica} {
		if server != nil {
			server.Stop()
		}
	}
}
