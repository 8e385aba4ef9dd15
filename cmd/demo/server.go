package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
)

// server is the Redis of the scripted demonstration: an embedded one, or a real one where
// the demonstration leaves nothing behind.
type server struct {
	about   string
	options *redis.UniversalOptions
	prefix  string
	mini    *miniredis.Miniredis
}

// openServer starts an embedded server, or says where a real one is.
func openServer(url string) (*server, error) {
	if url == "" {
		m := miniredis.NewMiniRedis()
		if err := m.Start(); err != nil {
			return nil, fmt.Errorf("the embedded Redis did not start: %w", err)
		}
		m.ClockTTL(true)
		return &server{
			about: "an embedded Redis", mini: m, prefix: redisbridge.DefaultPrefix,
			options: &redis.UniversalOptions{Addrs: []string{m.Addr()}},
		}, nil
	}
	options, err := redisbridge.ParseURL(url)
	if err != nil {
		return nil, err
	}
	var name [6]byte
	_, _ = rand.Read(name[:]) // never fails
	// The braces keep the fleet in one slot of a Redis Cluster.
	prefix := "{demo-" + hex.EncodeToString(name[:]) + "}"
	return &server{about: redisbridge.Redact(url) + ", prefix " + prefix, options: options, prefix: prefix}, nil
}

// answers asks a real server for a sign of life, once.
func (s *server) answers(ctx context.Context) error {
	if s.mini != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	options := *s.options
	options.MaxRetries, options.DialerRetries = -1, 1
	client := redis.NewUniversalClient(&options)
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("Redis does not answer: %w", err) //nolint:staticcheck // a name
	}
	return nil
}

// close ends the embedded server, or removes our keys from a real one. The error says what
// is left behind.
func (s *server) close() error {
	if s.mini != nil {
		s.mini.Close()
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	client := redis.NewUniversalClient(s.options)
	defer client.Close()
	var err error
	if c, ok := client.(*redis.ClusterClient); ok {
		err = c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return s.remove(ctx, node) })
	} else {
		err = s.remove(ctx, client)
	}
	if err != nil {
		return fmt.Errorf("keys that begin with %s may be left in Redis: %w", s.prefix, err)
	}
	return nil
}

// remove deletes every key of our prefix.
func (s *server) remove(ctx context.Context, client redis.Cmdable) error {
	keys := client.Scan(ctx, 0, s.prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		if !strings.HasPrefix(keys.Val(), s.prefix) {
			continue
		}
		if err := client.Del(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}
