package redisbridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

func mustFence(t testing.TB, resource string, token uint64) redisbridge.Fence {
	t.Helper()
	f, err := redisbridge.NewFence(resource, token)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// onFenceServers runs a test on every kind of server that can be had.
func onFenceServers(t *testing.T, test func(t *testing.T, c redis.UniversalClient)) {
	t.Helper()
	// Otherwise go-redis leaves goroutines behind.
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	alone := func(addr string) redis.UniversalClient {
		return redis.NewClient(&redis.Options{Addr: addr, MaintNotificationsConfig: quiet})
	}
	clients := map[string]func(t *testing.T) redis.UniversalClient{
		"miniredis":    func(t *testing.T) redis.UniversalClient { return alone(redistest.NewMini(t).Addr()) },
		"redis-server": func(t *testing.T) redis.UniversalClient { return alone(redistest.NewServer(t).Addr) },
		"cluster": func(t *testing.T) redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.NewCluster(t).Addr}, MaintNotificationsConfig: quiet})
		},
	}
	for name, open := range clients {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			t.Cleanup(func() { _ = c.Close() })
			test(t, c)
		})
	}
}

// fenced fails the test unless err is ErrFenced with these tokens.
func fenced(t *testing.T, err error, resource string, token, newest uint64) {
	t.Helper()
	var f *redisbridge.FencedError
	if !errors.Is(err, redisbridge.ErrFenced) || !errors.As(err, &f) {
		t.Fatalf("%v, want ErrFenced", err)
	}
	if f.Resource != resource || f.Token != token || f.Newest != newest {
		t.Errorf("%+v, want %q, token %d, newest %d", f, resource, token, newest)
	}
	for _, n := range []uint64{token, newest} {
		if !strings.Contains(err.Error(), fmt.Sprint(n)) {
			t.Errorf("%q does not name %d", err, n)
		}
	}
}

func TestAFenceLetsNoOlderTokenWrite(t *testing.T) {
	// Neighbours as floats: 2^53 and its successor are one number to Lua.
	const older, newer = 1<<53 + 0, 1<<53 + 1
	ctx := context.Background()
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		for _, resource := range []string{"cursor", "{shop}:orders here", "a{b"} {
			a, b := mustFence(t, resource, older), mustFence(t, resource, newer)
			for _, f := range []redisbridge.Fence{a, a, b, b} { // the same token again, and a newer one
				if err := f.Set(ctx, c, fmt.Sprint(f.Token()), 0); err != nil {
					t.Fatal(err)
				}
			}
			fenced(t, a.Set(ctx, c, "late", 0), resource, older, newer)
			if got := c.Get(ctx, resource).Val(); got != fmt.Sprint(uint64(newer)) {
				t.Errorf("%q is %q after a refused write", resource, got)
			}
			if ttl := c.TTL(ctx, b.Key()).Val(); ttl != -1 {
				t.Errorf("the fence expires: %v", ttl)
			}
		}
	})
}

func TestTokensCompareAsNumbersHoweverLong(t *testing.T) {
	order := []uint64{1, 2, 9, 10, 99, 1700000000000, 9007199254740992, 9007199254740993, 1e18, 9999999999999999999, 10000000000000000000, 18446744073709551614, 18446744073709551615}
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{
		Addr: redistest.NewMini(t).Addr(), MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = c.Close() })
	for i, high := range order {
		for j, low := range order {
			resource := fmt.Sprintf("r%d-%d", i, j)
			if err := mustFence(t, resource, high).Raise(ctx, c); err != nil {
				t.Fatal(err)
			}
			err := mustFence(t, resource, low).Raise(ctx, c)
			if refused := errors.Is(err, redisbridge.ErrFenced); refused != (low < high) {
				t.Errorf("%d after %d: %v", low, high, err)
			}
		}
	}
}

func TestAFenceKeepsHashesAndScripts(t *testing.T) {
	ctx := context.Background()
	script := redisbridge.NewFenceScript(`-- adds to the resource, and notes it in another key
redis.call('RPUSH', KEYS[2], ARGV[1])
return redis.call('INCRBY', KEYS[1], ARGV[2])`)
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		h := mustFence(t, "{x}:hash", 7)
		if err := h.HSet(ctx, c, "a", 1, "b", "two"); err != nil {
			t.Fatal(err)
		}
		fenced(t, mustFence(t, "{x}:hash", 6).HSet(ctx, c, "a", 9), "{x}:hash", 6, 7)
		if got := c.HGetAll(ctx, "{x}:hash").Val(); len(got) != 2 || got["a"] != "1" || got["b"] != "two" {
			t.Errorf("%v", got)
		}
		n := mustFence(t, "{x}:n", 7)
		for want := int64(5); want <= 10; want += 5 {
			got, err := n.Eval(ctx, c, script, []string{"{x}:log"}, "note", 5)
			if err != nil || got != want {
				t.Errorf("%v %v, want %d", got, err, want)
			}
		}
		_, err := mustFence(t, "{x}:n", 6).Eval(ctx, c, script, []string{"{x}:log"}, "late", 5)
		fenced(t, err, "{x}:n", 6, 7)
		if got := c.LRange(ctx, "{x}:log", 0, -1).Val(); len(got) != 2 {
			t.Errorf("%v", got)
		}
		if err := h.Set(ctx, c, "short", 50*time.Millisecond); err != nil {
			t.Error(err)
		}
		if ttl := c.PTTL(ctx, "{x}:hash").Val(); ttl <= 0 || ttl > 50*time.Millisecond {
			t.Errorf("ttl %v", ttl)
		}
	})
}

func TestManyFieldsAreSetInOneGo(t *testing.T) {
	ctx := context.Background()
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		var pairs []any
		for i := range 9000 {
			pairs = append(pairs, fmt.Sprintf("f%d", i), i)
		}
		if err := mustFence(t, "h", 1).HSet(ctx, c, pairs...); err != nil {
			t.Fatal(err)
		}
		if n := c.HLen(ctx, "h").Val(); n != 9000 {
			t.Errorf("%d fields", n)
		}
	})
}

func TestAFenceWorksInPipelines(t *testing.T) {
	ctx := context.Background()
	script := redisbridge.NewFenceScript(`return redis.call('INCR', KEYS[1])`)
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		for name, pipe := range map[string]redis.Pipeliner{"pipeline": c.Pipeline(), "transaction": c.TxPipeline()} {
			a, b := mustFence(t, "{p}:"+name, 1), mustFence(t, "{p}:"+name, 2)
			if err := b.Set(ctx, pipe, 41, 0); err != nil {
				t.Fatal(err)
			}
			counted := b.Pipe(ctx, pipe, script, nil)
			late := a.Pipe(ctx, pipe, script, nil)
			after := pipe.Get(ctx, "{p}:"+name)
			_, err := pipe.Exec(ctx)
			fenced(t, redisbridge.FencedBy(err), "{p}:"+name, 1, 2)
			fenced(t, redisbridge.FencedBy(late.Err()), "{p}:"+name, 1, 2)
			if n, err := counted.Int(); n != 42 || err != nil {
				t.Errorf("%s: %v %v", name, n, err)
			}
			if after.Val() != "42" {
				t.Errorf("%s: %q", name, after.Val())
			}
		}
	})
}

func TestWhatCannotBeFencedIsSaid(t *testing.T) {
	for _, c := range []struct {
		resource string
		token    uint64
	}{{"", 1}, {"x", 0}, {"a}b", 1}, {"{}x", 1}} {
		if _, err := redisbridge.NewFence(c.resource, c.token); !errors.Is(err, redisbridge.ErrFence) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	var zero redisbridge.Fence
	if err := zero.Raise(context.Background(), nil); !errors.Is(err, redisbridge.ErrFence) {
		t.Errorf("the zero fence: %v", err)
	}
	f := mustFence(t, "x", 1)
	for _, err := range []error{f.HSet(context.Background(), nil), f.HSet(context.Background(), nil, "a"), f.Set(context.Background(), nil, 1, -1)} {
		if !errors.Is(err, redisbridge.ErrFence) {
			t.Error(err)
		}
	}
	if err := redisbridge.FencedBy(nil); err != nil {
		t.Error(err)
	}
	if other := errors.New("FENCED 1 2 x"); !errors.Is(redisbridge.FencedBy(other), other) {
		t.Error("an error that the server did not send was taken for its word")
	}
}

// A name that is a hash tag and nothing else had the key of the name inside.
// Whoever goes on with the fence that came with an error wrote without one by way of a pipeline,
// where other calls refuse.
func TestAPipelineRefusesAFenceThatIsNone(t *testing.T) {
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		ctx := t.Context()
		write := redisbridge.NewFenceScript(`return redis.call('SET', KEYS[1], ARGV[1])`)
		nobodys, err := redisbridge.NewFence("orders", 0) // the token of a nil Leadership
		if !errors.Is(err, redisbridge.ErrFence) {
			t.Fatal(err)
		}
		good := mustFence(t, "orders", 7)
		for name, queue := range map[string]func(p redis.Pipeliner) *redis.Cmd{
			"token 0":         func(p redis.Pipeliner) *redis.Cmd { return nobodys.Pipe(ctx, p, write, nil, "mine") },
			"the zero fence":  func(p redis.Pipeliner) *redis.Cmd { return redisbridge.Fence{}.Pipe(ctx, p, write, nil, "mine") },
			"the zero script": func(p redis.Pipeliner) *redis.Cmd { return good.Pipe(ctx, p, &redisbridge.FenceScript{}, nil, "mine") },
			"no script":       func(p redis.Pipeliner) *redis.Cmd { return good.Pipe(ctx, p, nil, nil, "mine") },
		} {
			p := c.Pipeline()
			cmd := queue(p)
			_, failed := p.Exec(ctx)
			for _, err := range []error{cmd.Err(), failed} {
				if err == nil || !strings.Contains(err.Error(), "this cannot be fenced: use NewFence") {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if got, err := c.Get(ctx, "orders").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("written: %q, %v", got, err)
		}
		for _, s := range []*redisbridge.FenceScript{nil, {}} {
			if _, err := good.Eval(ctx, c, s, nil); !errors.Is(err, redisbridge.ErrFence) {
				t.Errorf("Eval of no script: %v", err)
			}
		}
	})
}

func TestNoTwoResourcesShareAFence(t *testing.T) {
	names := []string{"x", "{x}", "{x}:", "{x}y", "{x}::fence", "{x}::fence{}", "{x", "{{x}", "{{x}}", "{{x", "x{y}", "xx", "{x}{y}", "{x}{x}"}
	keys := map[string]string{}
	for _, name := range names {
		key := mustFence(t, name, 1).Key()
		if other, taken := keys[key]; taken && other != name {
			t.Errorf("%q is the key of %q and of %q", key, other, name)
		}
		keys[key] = name
	}
	for name, want := range map[string]string{"x": "{x}::fence", "{x}:y": "{x}:y::fence", "a{x}": "a{x}::fence", "{x}": "{x}::fence{}"} {
		if got := mustFence(t, name, 1).Key(); got != want {
			t.Errorf("%q has the key %q, want %q", name, got, want)
		}
	}
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		if err := mustFence(t, "x", 9).Raise(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		if err := mustFence(t, "{x}", 8).Set(context.Background(), c, 1, 0); err != nil {
			t.Errorf("fenced by another resource's token: %v", err)
		}
	})
}

// A key that somebody put where the fence is must not let everybody through.
func TestAFenceThatHoldsNoTokenLetsNobodyThrough(t *testing.T) {
	ctx := context.Background()
	onFenceServers(t, func(t *testing.T, c redis.UniversalClient) {
		f := mustFence(t, "x", 5)
		for _, rubbish := range []string{"", "abc", "-1", "1e9", "0x9", "007"} {
			c.Set(ctx, f.Key(), rubbish, 0)
			if err := f.Set(ctx, c, "v", 0); err == nil || errors.Is(err, redisbridge.ErrFenced) {
				t.Errorf("%q: %v", rubbish, err)
			}
		}
		if n := c.Exists(ctx, "x").Val(); n != 0 {
			t.Error("something was written")
		}
	})
}
