package actors_test

import (
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// follow makes a server a replica of another, or a primary.
func follow(t *testing.T, s, primary *redistest.Server) {
	t.Helper()
	host, port := "NO", "ONE"
	if primary != nil {
		host, port, _ = net.SplitHostPort(primary.Addr)
	}
	if got, err := s.Do("REPLICAOF", host, port); err != nil || got != "+OK" {
		t.Fatalf("REPLICAOF %s %s: %s %v", host, port, got, err)
	}
}

func replicated(n int) func(*actors.Config) {
	return func(c *actors.Config) { c.MinReplicas, c.Quarantine = n, new(true) }
}

// holds reports whether a node leads at this instant.
func (p *peer) holds(election string) bool {
	l := p.Leadership(election)
	return l != nil && l.Valid()
}

func TestALeaderStepsDownWhenReplicasAreMissing(t *testing.T) {
	t.Parallel()
	r := redistest.NewReplicated(t, 2, 0)
	f := newFleet(t, r.Servers[0].Addr)
	f.ttl = 1500 * time.Millisecond
	a := f.start("a", 1, replicated(2)).run("e")
	a.won("e")
	for name, fault := range map[string]struct{ strike, mend func() }{
		"a replica leaves":       {func() { follow(t, r.Servers[1], nil) }, func() { follow(t, r.Servers[1], r.Servers[0]) }},
		"a replica stands still": {r.Servers[2].Pause, r.Servers[2].Resume},
	} {
		began := time.Now()
		fault.strike()
		a.lost("e")
		if d := time.Since(began); d > 2*f.ttl {
			t.Errorf("%s: it stepped down after %v", name, d)
		}
		time.Sleep(2 * f.ttl)
		if a.holds("e") {
			t.Errorf("%s: it leads again", name)
		}
		fault.mend()
		a.won("e")
	}
}

// The leader and the primary are cut off from the rest, which promotes a replica.
func TestACutOffPrimaryMakesNoSecondLeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask int
		two bool
	}{"one replica asked for": {1, false}, "none": {0, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := redistest.NewReplicated(t, 2, 0)
			f := newFleet(t, r.Servers[0].Addr)
			f.ttl = 1500 * time.Millisecond
			proxy := redistest.NewProxy(t, r.Servers[0].Addr)
			a := f.start("a", 7, replicated(c.ask)).run("e")
			a.won("e")
			b := f.start("b", 5, replicated(c.ask), func(c *actors.Config) {
				c.Redis.Options = &redis.UniversalOptions{Addrs: []string{proxy.Addr}}
			}).run("e")
			b.follows("e", "a")

			follow(t, r.Servers[1], nil)
			follow(t, r.Servers[2], r.Servers[1])
			proxy.Retarget(r.Servers[1].Addr)
			proxy.Reset()
			two := func() bool { return a.holds("e") && b.holds("e") }
			if c.two {
				eventually(t, "two leaders at once", two)
			}
			for end := time.Now().Add(6 * f.ttl); !c.two && time.Now().Before(end); time.Sleep(time.Millisecond) {
				if two() {
					t.Fatal("two leaders at once")
				}
			}
			// On a busy machine b may have missed its heartbeats at that very instant.
			eventually(t, "b leads on the side that has a replica", func() bool { return b.holds("e") })
		})
	}
}
