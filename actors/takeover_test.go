package actors_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
)

func TestWhatATakeoverPolicyNeedsIsSaid(t *testing.T) {
	t.Parallel()
	alone := &redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}}
	for _, c := range []struct {
		name  string
		e     actors.ElectionConfig
		redis *redis.UniversalOptions
		want  string // "": it is right
	}{
		{"the default", actors.ElectionConfig{}, alone, ""},
		{"the default grace", actors.ElectionConfig{Takeover: actors.OnDisconnect}, alone, ""},
		{"the shortest", actors.ElectionConfig{Takeover: actors.OnDisconnect, EvictGrace: 50 * time.Millisecond}, alone, ""},
		{"the longest, a TTL", actors.ElectionConfig{Takeover: actors.OnDisconnect, EvictGrace: time.Second}, alone, ""},
		{"too short", actors.ElectionConfig{Takeover: actors.OnDisconnect, EvictGrace: 49 * time.Millisecond}, alone, "EvictGrace 49ms is too short: use at least 50ms"},
		{"negative", actors.ElectionConfig{Takeover: actors.OnDisconnect, EvictGrace: -time.Second}, alone, "EvictGrace -1s is too short"},
		{"longer than the TTL", actors.ElectionConfig{Takeover: actors.OnDisconnect, EvictGrace: 1001 * time.Millisecond}, alone, "EvictGrace 1.001s is longer than TTL 1s"},
		{"not whole", actors.ElectionConfig{Takeover: actors.OnDisconnect, EvictGrace: 100*time.Millisecond + 1}, alone, "not a whole number of milliseconds"},
		{"a grace without the policy", actors.ElectionConfig{EvictGrace: time.Second}, alone, "EvictGrace 1s is for Takeover OnDisconnect"},
		{"unknown", actors.ElectionConfig{Takeover: 9}, alone, "Takeover Takeover(9) is unknown: use OnExpiry or OnDisconnect"},
		{"Sentinel", actors.ElectionConfig{Takeover: actors.OnDisconnect}, &redis.UniversalOptions{Addrs: []string{"a:1", "b:1"}, MasterName: "m"}, ""},
		{"Cluster", actors.ElectionConfig{Takeover: actors.OnDisconnect}, &redis.UniversalOptions{Addrs: []string{"a:1", "b:1"}}, "OnDisconnect does not work on Redis Cluster"},
		{"Cluster by its flag", actors.ElectionConfig{Takeover: actors.OnDisconnect}, &redis.UniversalOptions{Addrs: []string{"a:1"}, IsClusterMode: true}, "OnDisconnect does not work on Redis Cluster"},
		{"Cluster under OnExpiry", actors.ElectionConfig{}, &redis.UniversalOptions{Addrs: []string{"a:1"}, IsClusterMode: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := actors.Config{ID: "a", TTL: time.Second, Redis: redisbridge.Config{Options: c.redis, Prefix: "{p}"}, Elections: c.e}
			err := cfg.Validate()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (!errors.Is(err, actors.ErrConfig) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v; want %q", err, c.want)
			}
			if c.want == "" {
				return
			}
			if _, err := actors.Start(bg(t), system, cfg); !errors.Is(err, actors.ErrConfig) {
				t.Errorf("Start: %v", err)
			}
		})
	}
}
