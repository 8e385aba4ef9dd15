package main

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	web "hustings/actors/inspect"
	"hustings/redisbridge/redistest"
)

// await polls for a state of the live fleet.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func TestTheLiveFleetRunsBehindSentinelsOnAClusterAndOverTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts several servers")
	}
	ask := func(t *testing.T, url string) *server {
		t.Helper()
		s, err := openServer(url)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name string
		open func(t *testing.T) *server
	}{
		{"Sentinel", func(t *testing.T) *server {
			r := redistest.NewReplicated(t, 1, 1)
			return ask(t, "redis://"+r.Addrs()[0]+"?master="+r.Name)
		}},
		{"Cluster", func(t *testing.T) *server {
			nodes := redistest.NewClusterOf(t, 3).Addrs()
			return ask(t, "redis://"+nodes[0]+"?addr="+nodes[1]+"&addr="+nodes[2])
		}},
		{"TLS", func(t *testing.T) *server {
			s, pool := redistest.NewTLSServer(t)
			real := ask(t, "rediss://"+s.Addr)
			real.options.TLSConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
			return real
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			real := c.open(t)
			l, err := openLive(t.Context(), &serveOptions{nodes: 2, ttl: time.Second}, real)
			if err != nil {
				t.Fatal(err)
			}
			leads := func(id string) {
				t.Helper()
				await(t, id+" leads", func() bool { return l.Get(id).Leadership("billing").Valid() })
			}
			press := func(action, node string) {
				t.Helper()
				if _, err := l.Do(t.Context(), web.Command{Action: action, Node: node}); err != nil {
					t.Fatalf("%s: %v", action, err)
				}
			}
			leads("web-2")
			press("cut", "web-2")
			leads("web-1")
			press("heal", "web-2")
			leads("web-2")
			press("bounce", "")
			leads("web-2")
			l.close()
			if left := keys(t, real); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// keys are those of the fleet that are still there.
func keys(t *testing.T, s *server) (found []string) {
	t.Helper()
	client := redis.NewUniversalClient(s.options)
	defer client.Close()
	look := func(ctx context.Context, c redis.Cmdable) error {
		for it := c.Scan(ctx, 0, "*", 1000).Iterator(); it.Next(ctx); {
			if strings.HasPrefix(it.Val(), s.prefix) {
				found = append(found, it.Val())
			}
		}
		return nil
	}
	if c, ok := client.(*redis.ClusterClient); ok {
		_ = c.ForEachMaster(t.Context(), func(ctx context.Context, n *redis.Client) error { return look(ctx, n) })
		return found
	}
	_ = look(t.Context(), client)
	return found
}
