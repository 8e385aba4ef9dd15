package redistest_test

import "github.com/redis/go-redis/v9"

func redisOptions(addr string) redis.UniversalOptions {
	return redis.UniversalOptions{Addrs: []string{addr}}
}
