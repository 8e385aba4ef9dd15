package actors_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// Whole fleets on the ways in which people run Redis. In each a referee watches that
// nobody leads beside another and that tokens rise, whatever happens to the servers.

const deployTTL = time.Second

// deployment is for tests that start several servers.
func deployment(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts several servers")
	}
	t.Parallel()
}

func TestAFleetFollowsItsPrimaryUnderSentinel(t *testing.T) {
	deployment(t)
	r := redistest.NewReplicated(t, 2, 3)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	o := opened(t, deployTTL, "ipc", redis.UniversalOptions{MasterName: r.Name, Addrs: r.Addrs()})

	step := func(what string, f func()) {
		t.Helper()
		before, at := o.token(), time.Now()
		f()
		done := time.Since(at)
		t.Logf("%s: %v, in order %v later, token kept: %v", what, done, o.settle(), o.token() == before)
		if o.token() < before {
			t.Errorf("%s: token %d after %d", what, o.token(), before)
		}
	}
	step("a failover by hand", func() {
		logged := len(o.logs.String())
		_, err := r.Failover()
		must(err)
		o.logged(logged, "Redis names another tenancy")
	})
	var gone *redistest.Server
	step("the primary is killed", func() {
		p, err := r.Primary()
		must(err)
		gone = p
		p.Kill()
		_, err = r.AwaitFailover(p)
		must(err)
	})
	step("the primary that was replaced comes back", func() {
		must(gone.Start())
		must(r.AwaitReplica(gone))
	})
	before := o.token()
	for _, s := range r.Servers {
		if p, err := r.Primary(); err != nil || s == p {
			continue
		}
		step("a replica is restarted", func() { must(s.Restart(true)) })
	}
	if o.token() != before {
		t.Error("a restart of replicas cost the office")
	}
}

// After a failover by hand the old primary takes commands for ten seconds more, until
// Sentinel makes a replica of it. Who starts then finds the new one, and could lead there
// after the quarantine: so nobody may stay with the old one.
func TestAfterAFailoverByHandNobodyStaysWithTheOldPrimary(t *testing.T) {
	deployment(t)
	r := redistest.NewReplicated(t, 1, 3)
	// The rights are those that docs/operations.md names.
	for _, s := range r.Sentinels {
		got, err := s.Do("ACL", "SETUSER", "node", "reset", "on", ">secret", "&+*", "+sentinel|master", "+sentinel|get-master-addr-by-name", "+subscribe")
		if got != "+OK" {
			t.Fatal(got, err)
		}
	}
	options := redis.UniversalOptions{MasterName: r.Name, Addrs: r.Addrs(), SentinelUsername: "node", SentinelPassword: "secret"}
	o := opened(t, deployTTL, "ipc", options)
	if _, err := r.Failover(); err != nil {
		t.Fatal(err)
	}
	o.nodes = append(o.nodes, startNode(t, o.ref, o.config(len(o.nodes), &options)))
	if err := o.top().Run(bg(t), stormElection); err != nil {
		t.Fatal(err)
	}
	t.Logf("in order %v after the failover", o.settle())
}

// The Sentinel that does a failover dies when the nodes have heard of it, and nobody else
// has: the nodes stay together at the new primary, and go back together when the other
// Sentinels, after a dozen seconds, have made a replica of it again.
func TestASentinelThatDiesInItsFailoverDoesNotDivideTheFleet(t *testing.T) {
	deployment(t)
	r := redistest.NewReplicated(t, 1, 3)
	o := opened(t, deployTTL, "ipc", redis.UniversalOptions{MasterName: r.Name, Addrs: r.Addrs()})
	old, before, logged := r.Servers[0], o.token(), len(o.logs.String())
	if got, err := r.Sentinels[0].Do("SENTINEL", "FAILOVER", r.Name); got != "+OK" {
		t.Fatal(got, err)
	}
	o.logged(logged, "the Sentinels name another primary, "+r.Servers[1].Addr)
	r.Sentinels[0].Kill()
	t.Logf("at the new primary: in order %v after the Sentinel's death, token kept: %v", o.settle(), o.token() == before)
	logged = len(o.logs.String())
	if err := r.AwaitReplica(r.Servers[1]); err != nil {
		if link := r.AwaitReplica(old); link != nil {
			t.Fatal(err, link)
		}
		t.Log("the other Sentinels had heard of it")
		return
	}
	o.logged(logged, "Redis names another tenancy")
	t.Logf("back at the old one: in order %v later, token kept: %v", o.settle(), o.token() == before)
	if o.token() < before {
		t.Errorf("token %d after %d", o.token(), before)
	}
}

// A name, or an address, leads to the primary. What the new one lacks are the last term
// and a released office.
func TestAFailoverToAReplicaThatLagsAndBackMakesNoSecondLeader(t *testing.T) {
	deployment(t)
	a := redistest.NewServer(t, "--repl-diskless-sync-delay", "0")
	wire := redistest.NewProxy(t, a.Addr)
	b := redistest.NewReplicaAt(t, wire.Addr)
	name := redistest.NewProxy(t, a.Addr)
	o := opened(t, deployTTL, "ipc", redis.UniversalOptions{Addrs: []string{name.Addr}})

	wire.Hold(redistest.ToClient) // from now on the replica lags
	if err := o.top().Quit(bg(t), stormElection); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next leads", func() bool { return o.nodes[1].Leadership(stormElection).Valid() })
	second := o.nodes[1].Leadership(stormElection).Token()
	if err := o.top().Run(bg(t), stormElection); err != nil {
		t.Fatal(err)
	}
	o.settle()
	third := o.token()
	if third <= second {
		t.Errorf("token %d after %d", third, second)
	}
	turn := func(to *redistest.Server) {
		t.Helper()
		logged := len(o.logs.String())
		name.Retarget(to.Addr)
		name.Reset()
		o.logged(logged, "Redis names another tenancy")
		took := o.settle()
		t.Logf("in order %v after the failover, token kept: %v", took, o.token() == third)
		if o.token() < third {
			t.Errorf("token %d after %d", o.token(), third)
		}
	}
	if got, err := b.Do("REPLICAOF", "NO", "ONE"); got != "+OK" {
		t.Fatal(got, err)
	}
	turn(b)
	// Back to the one that was replaced, which was no replica meanwhile and knows nothing
	// of that. Nobody is promised anything then; but its number tells.
	turn(a)
}

func TestAFleetOnAClusterFollowsItsSlot(t *testing.T) {
	deployment(t)
	c := redistest.NewClusterOf(t, 3)
	options := redis.UniversalOptions{Addrs: c.Addrs()}
	plain := newOffice(t, deployTTL, "ipc")
	_, err := actors.Start(bg(t), system, plain.config(0, &options))
	if !errors.Is(err, actors.ErrConfig) || !strings.Contains(err.Error(), "write {ipc} instead of ipc") {
		t.Errorf("a plain prefix: %v", err)
	}
	o := opened(t, deployTTL, "{ipc}", options)
	at, err := c.Owner("{ipc}")
	if err != nil {
		t.Fatal(err)
	}
	for i, keep := range []bool{true, false, true} {
		logged, before := len(o.logs.String()), o.token()
		if err := c.MoveSlot("{ipc}", (at+i+1)%3, keep); err != nil {
			t.Fatal(err)
		}
		o.logged(logged, "MOVED")
		for i := range o.nodes {
			// All of them: who is still on its way when the slot moves on sees no MOVED.
			o.logged(logged, fmt.Sprintf(`msg="Redis names another tenancy: registering again" id=node-%d`, i))
		}
		t.Logf("the slot moved, with its keys: %v; in order %v later, token kept: %v", keep, o.settle(), o.token() == before)
		if o.token() < before {
			t.Errorf("token %d after %d", o.token(), before)
		}
	}
}

// A Cluster replaces its primaries by itself: by hand, and when one dies.
func TestAFleetOnAClusterFollowsItsPrimary(t *testing.T) {
	deployment(t)
	c := redistest.NewClusterOf(t, 3)
	at, err := c.Owner("{ipc}")
	if err != nil {
		t.Fatal(err)
	}
	primary := c.Nodes[at]
	replica := c.AddReplica(t, primary)
	o := opened(t, deployTTL, "{ipc}", redis.UniversalOptions{Addrs: c.Addrs()})
	step := func(what string, replace func() error) {
		t.Helper()
		before, logged, began := o.token(), len(o.logs.String()), time.Now()
		if err := replace(); err != nil {
			t.Fatal(what, err)
		}
		took := time.Since(began)
		o.logged(logged, "Redis names another tenancy")
		t.Logf("%s: %v, in order %v later, token kept: %v", what, took, o.settle(), o.token() == before)
		if o.token() < before {
			t.Errorf("%s: token %d after %d", what, o.token(), before)
		}
	}
	step("a failover by hand", func() error { return c.Failover(replica) })
	step("the primary is killed", func() error { replica.Kill(); return c.AwaitFailover(primary) })
}

func TestAFleetSpeaksTLS(t *testing.T) {
	deployment(t)
	s, pool := redistest.NewTLSServer(t)
	o := opened(t, deployTTL, "ipc", redis.UniversalOptions{Addrs: []string{s.Addr}, TLSConfig: &tls.Config{RootCAs: pool}})
	wrong, _, _ := redistest.NewAuthority(t)
	for name, cfg := range map[string]*tls.Config{
		"another authority": {RootCAs: wrong},
		"another name":      {RootCAs: pool, ServerName: "redis.example"},
	} {
		at := time.Now()
		_, err := actors.Start(bg(t), system, o.config(9, &redis.UniversalOptions{Addrs: []string{s.Addr}, TLSConfig: cfg}))
		if !errors.Is(err, actors.ErrRefused) || !strings.Contains(err.Error(), "certificate") || time.Since(at) > patience/2 {
			t.Errorf("%s: %v after %v", name, err, time.Since(at))
		}
	}
	// Who speaks no TLS is hung up on, which may be an outage: it is tried again.
	ctx, cancel := context.WithTimeout(context.Background(), 2*deployTTL)
	defer cancel()
	_, err := actors.Start(ctx, system, o.config(9, &redis.UniversalOptions{Addrs: []string{s.Addr}}))
	if !errors.Is(err, actors.ErrUnreachable) {
		t.Errorf("without TLS: %v", err)
	}
}

// Keys are a database's own, channels are not: docs/operations.md asks for one prefix per
// database.
func TestAFleetInAnotherDatabaseNeedsAPrefixOfItsOwn(t *testing.T) {
	deployment(t)
	s := redistest.NewServer(t)
	o := opened(t, deployTTL, "ipc", redis.UniversalOptions{Addrs: []string{s.Addr}, DB: 3})
	other := opened(t, deployTTL, "other", redis.UniversalOptions{Addrs: []string{s.Addr}, DB: 4})
	if got, err := s.Do("DBSIZE"); got != ":0" {
		t.Errorf("database 0: %s %v", got, err)
	}
	for _, n := range append(o.nodes, other.nodes...) {
		if d := n.Counts().Dropped; d != 0 {
			t.Errorf("%s dropped %d messages", n.ID(), d)
		}
	}
	// One prefix in two databases: two fleets that hear each other.
	guest := opened(t, deployTTL, "ipc", redis.UniversalOptions{Addrs: []string{s.Addr}, DB: 5})
	eventually(t, "messages of the other fleet are dropped", func() bool {
		return o.top().Counts().Dropped+guest.top().Counts().Dropped > 0
	})
}

func TestAFleetThatMayNotSubscribeElectsByLooking(t *testing.T) {
	deployment(t)
	s := redistest.NewServer(t, "--user", "deaf", "on", ">"+userPassword, "~*", "&*", "+@all", "-subscribe")
	o := newOffice(t, deployTTL, "ipc")
	o.start(3, func(int) *redis.UniversalOptions {
		return &redis.UniversalOptions{Addrs: []string{s.Addr}, Username: "deaf", Password: userPassword}
	})
	leads := func(i int) time.Duration {
		t.Helper()
		at := time.Now()
		eventually(t, o.nodes[i].ID()+" leads", func() bool { return o.nodes[i].Leadership(stormElection).Valid() })
		eventually(t, "all know it", func() bool {
			for _, n := range o.nodes[:i+1] { // who outranks it has quit
				if l, err := n.Leader(stormElection); err != nil || l.ID != o.nodes[i].ID() {
					return false
				}
			}
			return true
		})
		return time.Since(at)
	}
	t.Logf("the first leader after %v", leads(2))
	if err := o.nodes[2].Quit(bg(t), stormElection); err != nil {
		t.Fatal(err)
	}
	t.Logf("the next after %v", leads(1))
	if !strings.Contains(o.logs.String(), "deaf") {
		t.Error("the log does not say that they are deaf")
	}
	for _, n := range o.nodes {
		if n.healthy() {
			t.Errorf("%s was not told that it is deaf", n.ID())
		}
	}
}

// How docs/operations.md says to change the TTL of a live fleet: MaxTTL is the same from the
// start, and the nodes get another TTL one by one.
func TestTheTTLOfALiveFleetIsChangedNodeByNode(t *testing.T) {
	deployment(t)
	s := redistest.NewServer(t)
	o := newOffice(t, deployTTL, "ipc")
	with := func(i int, ttl time.Duration) *stormNode {
		cfg := o.config(i, &redis.UniversalOptions{Addrs: []string{s.Addr}})
		cfg.TTL, cfg.MaxTTL = ttl, 2*deployTTL
		n := startNode(t, o.ref, cfg)
		if err := n.Run(bg(t), stormElection); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 3 {
		o.nodes = append(o.nodes, with(i, deployTTL))
	}
	o.settle()
	for i := range 3 {
		before := o.token()
		if err := o.nodes[i].Stop(bg(t)); err != nil {
			t.Fatal(err)
		}
		o.nodes[i] = with(i, 2*deployTTL)
		o.settle()
		if i < 2 && o.token() != before {
			t.Errorf("a restart of %s cost the office", o.nodes[i].ID())
		}
	}
}
