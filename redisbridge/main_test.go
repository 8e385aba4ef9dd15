package redisbridge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	redis.SetLogger(&goredis)
	goleak.VerifyTestMain(m)
}

// goredis is what go-redis says by itself, which would go to stderr.
var goredis said

type said struct {
	mu    sync.Mutex // guards the rest
	lines []string
}

// Printf implements go-redis's logger.
func (s *said) Printf(_ context.Context, format string, v ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, v...))
}

// of returns the lines about a server.
func (s *said) of(addr string) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if strings.Contains(l, addr) {
			list = append(list, l)
		}
	}
	return list
}
