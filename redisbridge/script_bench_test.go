package redisbridge_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// BenchmarkScripts measures what each script of the way from one leader to the next costs
// the server: microseconds of its processor, as INFO counts them, for a call about one
// election with three candidates, beside a bare script that only writes a record and
// publishes. The server does one thing at a time: whoever comes second waits that long.
func BenchmarkScripts(b *testing.B) {
	r := newScriptRig(b)
	const elections = 100 // a round of the benchmark
	name := func(i int) string { return fmt.Sprintf("e%03d", i) }
	bare := redis.NewScript(`redis.call('HSET', KEYS[1], 'id', ARGV[1], 'token', ARGV[2])
return redis.call('PUBLISH', ARGV[1], 'leader')`)
	r.must(b, bare.Load(r.ctx, r.client).Err())
	total := map[string]float64{}
	measure := func(what string, call func(i int)) {
		before := r.spent(b)
		for i := range elections {
			call(i)
		}
		total[what] += r.spent(b) - before
	}
	rounds := 0
	for b.Loop() {
		rounds++
		measure("bare", func(i int) { r.must(b, bare.EvalSha(r.ctx, r.client, []string{r.key}, "n1", i).Err()) })
		measure("bid", func(i int) { r.bid(b, 3, name(i), "granted") })
		measure("bid-held", func(i int) { r.bid(b, 1, name(i), "held") })
		for id := 1; id <= 3; id++ {
			measure("register", func(i int) { r.canvass(b, id, name(i), "r") })
		}
		measure("claim", func(i int) { r.claim(b, 3, name(i)) })
		measure("look", func(i int) { r.canvass(b, 2, name(i), "") })
		measure("roll-call", func(i int) { // of all elections at once
			if i == 0 {
				r.rollCall(b, 2, elections, name)
			}
		})
		measure("release", func(i int) { r.release(b, 3, name(i)) })
		measure("heir", func(i int) { r.claim(b, 2, name(i)) })
		for id := 1; id <= 3; id++ {
			measure("quit", func(i int) { r.call(b, redisbridge.QuitScript, r.id(id), r.inc(id), "1", "1", name(i)) })
		}
	}
	for what, us := range total {
		n := float64(rounds * elections)
		if what == "register" || what == "quit" {
			n *= 3
		}
		b.ReportMetric(us/n, what+"-us")
	}
}

// scriptRig calls scripts for three nodes, each with a subscriber.
type scriptRig struct {
	ctx    context.Context
	client *redis.Client
	key    string
	births [4]string
	epoch  string
	tokens map[string]string
}

func newScriptRig(b *testing.B) *scriptRig {
	b.Helper()
	server := redistest.NewServer(b)
	r := &scriptRig{ctx: context.Background(), key: "ipc::epoch", tokens: map[string]string{}}
	r.client = redis.NewClient(&redis.Options{Addr: server.Addr, Protocol: 2, PoolSize: 1})
	b.Cleanup(func() { _ = r.client.Close() })
	for _, s := range redisbridge.Scripts {
		r.must(b, r.client.ScriptLoad(r.ctx, s.Source).Err())
	}
	listener := redis.NewClient(&redis.Options{Addr: server.Addr, Protocol: 2})
	b.Cleanup(func() { _ = listener.Close() })
	for id := 1; id <= 3; id++ {
		ps := listener.Subscribe(r.ctx, "ipc::bully:"+r.id(id))
		go func() { // what comes is only to be sent
			for {
				if _, err := ps.Receive(r.ctx); err != nil {
					return
				}
			}
		}()
		b.Cleanup(func() { _ = ps.Close() })
		got := r.call(b, redisbridge.HeartbeatScript, r.id(id), r.inc(id), "1", "1", "600000", "0", "epoch-1", "0", "", "0", "0", "")
		r.births[id], r.epoch = got[1].(string), got[2].(string)
		r.call(b, redisbridge.JoinScript, r.id(id), r.inc(id), "1", r.details(id), "0")
	}
	return r
}

func (r *scriptRig) must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (r *scriptRig) id(i int) string  { return "node-" + strconv.Itoa(i) }
func (r *scriptRig) inc(i int) string { return fmt.Sprintf("%032x", i) }

func (r *scriptRig) details(i int) string {
	return redisbridge.Details{Process: "1.5", Timestamp: "2026-01-01T00:00:00Z", Inc: r.inc(i), V: 1, Rank: strconv.Itoa(i), TTL: 600_000, MaxTTL: 600_000, Host: "host", PID: i}.Text()
}

// call calls a script and returns its reply; prefix and key are put in front.
func (r *scriptRig) call(b *testing.B, s *redisbridge.Script, args ...string) []any {
	b.Helper()
	words := []any{"evalsha", s.Hash, 1, r.key, "ipc"}
	for _, a := range args {
		words = append(words, a)
	}
	got, err := r.client.Do(r.ctx, words...).Slice()
	r.must(b, err)
	return got
}

func (r *scriptRig) canvass(b *testing.B, id int, election, flags string) {
	b.Helper()
	got := r.call(b, redisbridge.CanvassScript, r.id(id), r.inc(id), "1", r.details(id), "0", "1", election, strconv.Itoa(id), flags)
	if got[0] != "ok" {
		b.Fatalf("canvass: %v", got)
	}
}

func (r *scriptRig) rollCall(b *testing.B, id, elections int, name func(int) string) {
	b.Helper()
	args := []string{r.id(id), r.inc(id), "1", r.details(id), "0", strconv.Itoa(elections)}
	for i := range elections {
		args = append(args, name(i), strconv.Itoa(id), "r")
	}
	if got := r.call(b, redisbridge.CanvassScript, args...); got[0] != "ok" {
		b.Fatalf("canvass: %v", got)
	}
}

func (r *scriptRig) bid(b *testing.B, id int, election, verdict string) {
	b.Helper()
	got := r.call(b, redisbridge.BidScript, r.id(id), r.inc(id), "1", "0", "x", "1", r.epoch, "0", "0", r.births[id], r.epoch,
		r.details(id), "1", election, strconv.Itoa(id), "rt")
	if item := got[7].([]any)[0].([]any); item[0] != verdict {
		b.Fatalf("bid: %v, want %s", got, verdict)
	}
}

func (r *scriptRig) claim(b *testing.B, id int, election string) {
	b.Helper()
	got := r.call(b, redisbridge.ClaimScript, r.id(id), r.inc(id), "1", "0", "x", "1", r.epoch, "0", "0", r.births[id], r.epoch, "1", election, "0", "")
	item := got[6].([]any)[0].([]any)
	if item[0] != "granted" {
		b.Fatalf("claim: %v", got)
	}
	r.tokens[election] = item[1].(string)
}

func (r *scriptRig) release(b *testing.B, id int, election string) {
	b.Helper()
	got := r.call(b, redisbridge.ReleaseScript, r.id(id), r.inc(id), "1", election, r.tokens[election], "", "")
	if item := got[0].([]any); item[0] != "released" || item[1] != "node-2" {
		b.Fatalf("release: %v", got)
	}
}

var evalshaUsec = regexp.MustCompile(`cmdstat_evalsha:calls=\d+,usec=(\d+)`)

// spent is how many microseconds the server has spent in script calls.
func (r *scriptRig) spent(b *testing.B) float64 {
	b.Helper()
	info, err := r.client.Info(r.ctx, "commandstats").Result()
	r.must(b, err)
	found := evalshaUsec.FindStringSubmatch(info)
	if found == nil {
		return 0
	}
	us, err := strconv.ParseFloat(found[1], 64)
	r.must(b, err)
	return us
}
