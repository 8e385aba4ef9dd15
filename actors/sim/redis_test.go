package sim_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"hustings/actors/sim"
	"hustings/redisbridge"
)

// do runs a plain command given as one line.
func do(t *testing.T, r *sim.Redis, line string) any {
	t.Helper()
	v, err := r.Do(strings.Fields(line)...)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return v
}

func TestExpiry(t *testing.T) {
	w := sim.New(t, 1)
	r := w.Redis()
	do(t, r, "SET k v PX 10")
	for _, step := range []struct {
		wait time.Duration
		pttl int64
	}{{0, 10}, {9 * time.Millisecond, 1}, {time.Millisecond, 0}, {999_999, 0}, {1, -2}} {
		w.Run(step.wait)
		if got := do(t, r, "PTTL k"); got != step.pttl {
			t.Errorf("at %v: PTTL %v, want %d", w.Now(), got, step.pttl)
		}
	}
	if got := do(t, r, "EXISTS k"); got != int64(0) {
		t.Errorf("EXISTS %v", got)
	}
}

func TestAStepOfRedissClockEndsKeys(t *testing.T) {
	w := sim.New(t, 1)
	r := w.Redis()
	do(t, r, "SET k v PX 10000")
	r.StepClock(-time.Hour)
	if got := do(t, r, "PTTL k"); got != int64(10_000+3_600_000) {
		t.Errorf("after a step back: %v", got)
	}
	r.StepClock(time.Hour + 11*time.Second)
	if got := do(t, r, "GET k"); got != nil {
		t.Errorf("after a step forward: %v", got)
	}
}

func TestPlainCommands(t *testing.T) {
	r := sim.New(t, 1).Redis()
	for _, c := range []struct {
		line string
		want any
	}{
		{"PING", "PONG"},
		{"GET none", nil},
		{"HSET h b 2 a 1", int64(2)},
		{"HSET h a 3 c 4", int64(1)},
		{"HGETALL h", []any{"a", "3", "b", "2", "c", "4"}},
		{"HDEL h a none", int64(1)},
		{"HGET h a", nil},
		{"SADD s y x y", int64(2)},
		{"SMEMBERS s", []any{"x", "y"}},
		{"SREM s x y z", int64(2)},
		{"EXISTS s", int64(0)},
		{"ZADD z 2 b 2 a 1 c", int64(3)},
		{"ZADD z 5 c", int64(0)},
		{"ZRANGE z 0 -1", []any{"a", "b", "c"}},
		{"ZREVRANGE z 0 1 WITHSCORES", []any{"c", "5", "b", "2"}},
		{"ZADD big 4503599627370495 x 0.5 y", int64(2)},
		{"ZSCORE big x", "4503599627370495"},
		{"ZSCORE big y", "0.5"},
		{"SET s 1 PX 100", "OK"},
		{"SET s 2 KEEPTTL", "OK"},
		{"PTTL s", int64(100)},
		{"SET s 3", "OK"},
		{"PTTL s", int64(-1)},
		{"PUBLISH ch hello", int64(0)},
		{"PUBSUB NUMSUB a b", []any{"a", int64(0), "b", int64(0)}},
		{"WAIT 1 0", int64(0)},
		{"FLUSHALL", "OK"},
		{"EXISTS h z", int64(0)},
	} {
		if got := do(t, r, c.line); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, want %#v", c.line, got, c.want)
		}
	}
	for line, code := range map[string]string{"SADD big x": "WRONGTYPE", "GET": "ERR", "BLPOP x 0": "ERR"} {
		do(t, r, "ZADD big 1 x")
		_, err := r.Do(strings.Fields(line)...)
		if e, ok := err.(*redisbridge.ServerError); !ok || e.Code != code {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestSRandMemberIsOfTheSeed(t *testing.T) {
	pick := func(seed uint64) string {
		w := sim.New(nil, seed)
		defer w.Close()
		for i := range 100 {
			_, _ = w.Redis().Do("SADD", "ipc::vacant", strconv.Itoa(i))
		}
		v, err := w.Redis().Eval(redisbridge.HeartbeatScript, "ipc", "a", "i", "1", "1", "5000", "0", "e", "0", "", "0", "0", "")
		if err != nil {
			t.Fatal(err)
		}
		list := v.([]any)[8].([]any)
		if len(list) != 64 {
			t.Fatalf("%d vacant elections", len(list))
		}
		return fmt.Sprint(list)
	}
	first, again, other := pick(1), pick(1), pick(2)
	if first != again || first == other {
		t.Error("the choice is not the seed's")
	}
}

func TestFailoverToALaggingReplica(t *testing.T) {
	w := sim.New(t, 1)
	r := w.Redis()
	replid := func() string {
		info := do(t, r, "INFO replication").(string)
		_, id, _ := strings.Cut(info, "master_replid:")
		return strings.TrimSpace(id)
	}
	first := replid()
	do(t, r, "SET old 1")
	do(t, r, "SADD set a")
	do(t, r, "ZADD z 1 m")
	w.Run(3 * time.Second)
	do(t, r, "SET old 2")
	do(t, r, "SET new 1")
	do(t, r, "SADD set b")
	do(t, r, "SREM set a")
	do(t, r, "ZADD z 7 m")
	w.Run(time.Second)
	r.Failover(2*time.Second, -time.Minute)
	look := func() string {
		return fmt.Sprintf("%v %v %v %v", do(t, r, "GET old"), do(t, r, "GET new"), do(t, r, "SMEMBERS set"), do(t, r, "ZSCORE z m"))
	}
	if got := look(); got != "1 <nil> [a] 1" {
		t.Errorf("the replica has %s", got)
	}
	if replid() == first || len(replid()) != 40 {
		t.Errorf("replid %q, before %q", replid(), first)
	}
	do(t, r, "SET old 9")
	r.Failback()
	if got := look(); got != "2 1 [b] 7" || replid() != first {
		t.Errorf("the former primary has %s", got)
	}
}

func TestRestart(t *testing.T) {
	w := sim.New(t, 1)
	r := w.Redis()
	do(t, r, "SET k v")
	do(t, r, "SET short v PX 1000")
	r.Bounce(2*time.Second, false)
	w.Run(3 * time.Second)
	if do(t, r, "GET k") != "v" || do(t, r, "GET short") != nil {
		t.Error("a restart with data keeps what has not expired")
	}
	r.Restart(true)
	if do(t, r, "GET k") != nil {
		t.Error("a restart without data keeps nothing")
	}
}
