package floor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
)

// Leases is what a report calls the figure of [TakeLeases].
const Leases = "batched leases"

// A script call takes this many, a pipeline has this many script calls.
const (
	leasesCall     = 256
	callsTogether  = 8
	leaseTTLMillis = 60_000
)

// take does the least that many leases need: a key for each, which expires.
var take = redis.NewScript(`
for i = 2, #ARGV do
  if not redis.call('SET', KEYS[1] .. ARGV[i], 'a', 'NX', 'PX', ARGV[1]) then return redis.error_reply('taken') end
end
return 1`)

var giveUp = redis.NewScript(`
for i = 2, #ARGV do redis.call('DEL', KEYS[1] .. ARGV[i]) end
return 1`)

// TakeLeases returns how long it takes to take n leases and nothing else, many at a time. It
// gives them up again. Their keys begin with name, which nobody else uses.
func TakeLeases(ctx context.Context, client redis.UniversalClient, name string, n int) (time.Duration, error) {
	var clock redisbridge.SystemClock
	for _, s := range []*redis.Script{take, giveUp} {
		if err := s.Load(ctx, client).Err(); err != nil {
			return 0, fmt.Errorf("%s: %w", Leases, err)
		}
	}
	at := clock.Now().Mono
	err := each(ctx, client, take, name, n)
	took := clock.Now().Mono - at
	if e := each(ctx, client, giveUp, name, n); err == nil {
		err = e
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", Leases, err)
	}
	return took, nil
}

// each calls a script for all of n leases.
func each(ctx context.Context, client redis.UniversalClient, script *redis.Script, name string, n int) error {
	for i := 0; i < n; {
		pipe := client.Pipeline()
		for range callsTogether {
			args := []any{leaseTTLMillis}
			for ; i < n && len(args) <= leasesCall; i++ {
				args = append(args, strconv.Itoa(i))
			}
			if len(args) > 1 {
				script.EvalSha(ctx, pipe, []string{name}, args...)
			}
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
