package redistest_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fixture(t *testing.T, addr string) *redistest.Fixture {
	t.Helper()
	b, err := redisbridge.NewBackend(redisbridge.BackendConfig{
		Redis: redis.UniversalOptions{Addrs: []string{addr}}, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &redistest.Fixture{T: t, Backend: b, Advance: redistest.Sleep}
}

// One server serves all rules: each begins with a flush.
func TestConformanceOfRedis(t *testing.T) {
	s := redistest.NewServer(t)
	redistest.Conformance(t, redistest.Restarts, func(t *testing.T) *redistest.Fixture {
		f := fixture(t, s.Addr)
		f.Restart = func() {
			if err := s.Restart(true); err != nil {
				t.Fatal(err)
			}
		}
		return f
	})
}

func TestConformanceOfMiniredis(t *testing.T) {
	m := redistest.NewMini(t)
	redistest.Conformance(t, 0, func(t *testing.T) *redistest.Fixture { return fixture(t, m.Addr()) })
}
