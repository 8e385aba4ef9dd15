package redisbridge_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
)

// A leader that was replaced while it stood still writes too late.
func ExampleFence() {
	server, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	ctx := context.Background()

	// Tokens come from Leadership.Token; the newer leader has the higher one.
	former, _ := redisbridge.NewFence("{orders}:cursor", 1700000000001)
	present, _ := redisbridge.NewFence("{orders}:cursor", 1700000000002)

	fmt.Println(former.Set(ctx, client, "order 17", 0))
	fmt.Println(present.Raise(ctx, client)) // before it reads what the former one wrote
	err = former.Set(ctx, client, "order 18", 0)
	fmt.Println(errors.Is(err, redisbridge.ErrFenced))
	fmt.Println(err)
	fmt.Println(client.Get(ctx, "{orders}:cursor").Val())
	// Output:
	// <nil>
	// <nil>
	// true
	// redisbridge: fenced: a newer leader has written here: "{orders}:cursor" has seen token 1700000000002, this write has 1700000000001
	// order 17
}

// What belongs together goes into one Lua body.
func ExampleFence_Eval() {
	server, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	ctx := context.Background()

	next := redisbridge.NewFenceScript(`
		local n = redis.call('INCR', KEYS[1])
		redis.call('RPUSH', KEYS[2], n .. ' ' .. ARGV[1])
		return n`)
	fence, _ := redisbridge.NewFence("{orders}:number", 1700000000001)
	n, err := fence.Eval(ctx, client, next, []string{"{orders}:log"}, "two pounds of nails")
	fmt.Println(n, err)
	fmt.Println(client.LRange(ctx, "{orders}:log", 0, -1).Val())
	// Output:
	// 1 <nil>
	// [1 two pounds of nails]
}

// In a pipeline the error comes with Exec.
func ExampleFencedBy() {
	server, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	ctx := context.Background()

	newer, _ := redisbridge.NewFence("state", 9)
	_ = newer.Raise(ctx, client)
	older, _ := redisbridge.NewFence("state", 8)
	pipe := client.Pipeline()
	_ = older.Set(ctx, pipe, "late", 0)
	_, err = pipe.Exec(ctx)
	fmt.Println(errors.Is(redisbridge.FencedBy(err), redisbridge.ErrFenced))
	// Output: true
}
