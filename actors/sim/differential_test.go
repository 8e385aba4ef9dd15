package sim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/redis/go-redis/v9"

	"hustings/actors/sim"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// side is one of the two servers that are compared, with what it alone gave:
// tokens carry the server's time, so that they differ a little.
type side struct {
	*redistest.Fixture
	tokens   map[string]string
	listener *redistest.Listener
}

// step is one command for both sides; args may look up a side's own tokens.
type step struct {
	script *redisbridge.Script
	args   func(s *side) []string
}

// The names are few, so that random steps meet; one needs quoting.
var (
	someIDs       = []string{"a", "b", `c"/ü`}
	someElections = []string{"x", "y\\\n/", "z"}
)

// wholePortion is how many elections a leave or a purge may strike at once here: with fewer,
// chance would choose on each side.
const wholePortion = "3"

func TestTheModelAnswersAsARealServer(t *testing.T) {
	server := redistest.NewServer(t)
	clock := redisbridge.SystemClock{}
	start := clock.Now()
	w := sim.New(t, 1, sim.Latency(1, 1), sim.WallStart(start.Wall))
	model := &side{Fixture: &redistest.Fixture{
		T: t, Backend: w.Process("client").Backend(), Pump: func() { w.Run(20) }, Advance: w.Run,
	}}
	b, err := redisbridge.NewBackend(redisbridge.BackendConfig{Redis: redis.UniversalOptions{Addrs: []string{server.Addr}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	actual := &side{Fixture: &redistest.Fixture{T: t, Backend: b, Advance: redistest.Sleep}}
	channels := make([]string, len(someIDs))
	for i, id := range someIDs {
		channels[i] = redisbridge.Keys("ipc").Bully(id)
	}
	for _, s := range []*side{model, actual} {
		s.listener = s.Subscribe(channels[:2]...) // the third has no subscriber
	}
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range []*side{model, actual} {
			s.tokens = make(map[string]string)
			s.Flush()
		}
		d := &drawer{T: rt, epoch: "", births: make(map[string]string), conns: make(map[string]int)}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			st := d.step()
			w.Run(max(0, clock.Now().Sub(start)-w.Now()))
			got, want := model.take(st), actual.take(st)
			if !alike(normal(st, got), normal(st, want)) {
				rt.Fatalf("%s\n model %#v\n redis %#v", st, got, want)
			}
			d.learn(st, want)
		}
		for _, st := range kept() {
			if got, want := model.take(st), actual.take(st); !alike(got, want) {
				rt.Fatalf("in the end: %s\n model %#v\n redis %#v", st, got, want)
			}
		}
		got, want := model.heard(channels[0]), actual.heard(channels[0])
		if !alike(got, want) {
			rt.Fatalf("heard\n model %v\n redis %v", got, want)
		}
	})
}

// kept asks for what the scripts have left behind, but for times and tokens.
func kept() (list []step) {
	k := redisbridge.Keys("ipc")
	ask := func(args ...string) { list = append(list, step{args: fixed(args...)}) }
	for _, e := range someElections {
		for _, field := range []string{"id", "birth", "appointed", "heir", "evict"} {
			ask("HGET", k.Leader(e), field)
		}
		ask("EXISTS", k.Leader(e))
		ask("ZRANGE", k.Ranks(e), "0", "-1", "WITHSCORES")
		for _, set := range []string{k.Vacant(), k.Deserted(), k.Participated(someIDs[0])} {
			ask("SISMEMBER", set, e)
		}
		for _, id := range append(someIDs, "original") {
			ask("SISMEMBER", k.Candidates(e), id)
		}
	}
	ask("ZRANGE", k.Members(), "0", "-1")
	ask("HGET", k.Epoch(), "number")
	return list
}

// take runs a step and keeps the tokens that it gave.
func (s *side) take(st step) any {
	args := st.args(s)
	r := s.Do(redisbridge.Command{Script: st.script, Args: args})[0]
	if r.Err != nil {
		return "error"
	}
	switch st.script {
	case redisbridge.ClaimScript:
		s.granted(r.Value.([]any)[6].([]any), args[13:])
	case redisbridge.BidScript:
		s.granted(r.Value.([]any)[7].([]any), args[14:])
	}
	return r.Value
}

// granted keeps the tokens of an answer to claims.
func (s *side) granted(items []any, args []string) {
	for i, it := range items {
		if item := it.([]any); len(item) > 0 && item[0] == "granted" {
			s.tokens[args[3*i]] = item[1].(string)
		}
	}
}

// heard drains the messages that came to a channel, batches taken apart, each
// followed by its token, in a fixed order: scripts that go over a set send in any.
func (s *side) heard(channel string) []any {
	s.Plain("PUBLISH", channel, "end")
	var out [][]any
	add := func(m string) {
		head, rest, _ := strings.Cut(m, `"token":"`)
		token, tail, _ := strings.Cut(rest, `"`)
		out = append(out, []any{head + tail, token})
	}
	for h := s.listener.Next(); h.Payload != "end"; h = s.listener.Next() {
		var batch struct{ Messages []json.RawMessage }
		if err := json.Unmarshal([]byte(h.Payload), &batch); err != nil || batch.Messages == nil {
			add(h.Channel + " " + h.Payload)
			continue
		}
		for _, m := range batch.Messages {
			add(h.Channel + " batch " + string(m))
		}
	}
	slices.SortStableFunc(out, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return slices.Concat(out...)
}

func (s step) String() string {
	name := "plain"
	if s.script != nil {
		name = s.script.Name
	}
	return fmt.Sprintf("%s %q", name, s.args(&side{tokens: map[string]string{}}))
}

// normal sorts what comes from sets, which have no order, and forgets how long exactly an
// office is kept yet.
func normal(st step, reply any) any {
	v, ok := reply.([]any)
	if !ok {
		return reply
	}
	switch {
	case st.script == redisbridge.HeartbeatScript && len(v) > 8:
		v[8] = chunks(v[8].([]any), 1)
		v[10] = nil // how far into a millisecond
	case st.script == redisbridge.CanvassScript && len(v) > 5:
		normalLooks(v[5])
	case st.script == redisbridge.BidScript && len(v) > 7:
		normalLooks(v[6])
		normalClaims(v[7])
	case st.script == redisbridge.ClaimScript && len(v) > 6:
		normalClaims(v[6])
	case st.script == redisbridge.MembersScript && v[1] == int64(1):
		v[2] = chunks(v[2].([]any), 4)
	}
	return v
}

func normalLooks(items any) {
	for _, it := range items.([]any) {
		if item := it.([]any); len(item) > 10 {
			item[10] = item[10] != int64(0)
		}
	}
}

func normalClaims(items any) {
	for _, it := range items.([]any) {
		if item := it.([]any); len(item) > 0 && item[0] == "kept" {
			item[1] = "a while"
		}
	}
}

func chunks(list []any, size int) []any {
	parts := slices.Collect(slices.Chunk(list, size))
	slices.SortFunc(parts, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return slices.Concat(parts...)
}

// alike compares replies: numbers above a thousand are times, and may be a
// little apart, as may texts that are such numbers.
func alike(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, alike)
	case int64:
		y, ok := b.(int64)
		return ok && (x == y || x > 1000 && y > 1000 && near(x, y))
	case string:
		y, ok := b.(string)
		if ok && x != y && len(x) > 10 {
			m, e1 := strconv.ParseInt(x, 10, 64)
			n, e2 := strconv.ParseInt(y, 10, 64)
			return e1 == nil && e2 == nil && near(m, n)
		}
		return ok && x == y
	}
	return a == b
}

func near(x, y int64) bool {
	const tolerance = 5 * time.Second
	return max(x-y, y-x) < tolerance.Milliseconds()
}
