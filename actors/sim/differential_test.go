package sim_test

import (
	"cmp"
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
	line   string
}

// The names are few, so that random steps meet; one needs quoting.
var (
	someIDs       = []string{"a", "b", `c"/ü`}
	someElections = []string{"x", "y\\\n/"}
)

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
		got, want := model.heard(channels[0]), actual.heard(channels[0])
		if !alike(got, want) {
			rt.Fatalf("heard\n model %v\n redis %v", got, want)
		}
	})
}

// take runs a step and keeps the tokens that it gave.
func (s *side) take(st step) any {
	args := st.args(s)
	r := s.Do(redisbridge.Command{Script: st.script, Args: args})[0]
	if r.Err != nil {
		return "error"
	}
	if st.script == redisbridge.ClaimScript {
		items := r.Value.([]any)[6].([]any)
		for i, it := range items {
			if item := it.([]any); item[0] == "granted" {
				s.tokens[args[13+3*i]] = item[1].(string)
			}
		}
	}
	return r.Value
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

// drawer draws steps, with what it knows of the state: births and epoch are
// mostly right, so that steps get somewhere.
type drawer struct {
	*rapid.T
	births  map[string]string
	conns   map[string]int
	epoch   string
	number  int64
	request int
}

func (d *drawer) one(what string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.T, what)
}

func (d *drawer) id() string       { return d.one("id", someIDs...) }
func (d *drawer) election() string { return d.one("election", someElections...) }
func (d *drawer) rank() string     { return d.one("rank", "0", "7", "7", "4503599627370495") }

// token is that of an election as a side has it, or a made-up one.
func (d *drawer) token(e string) func(*side) string {
	switch d.one("token", "last", "last", "last", "higher", "1", "none") {
	case "last":
		return func(s *side) string { return cmp.Or(s.tokens[e], "0") }
	case "higher":
		return func(s *side) string {
			n, _ := strconv.ParseInt(s.tokens[e], 10, 64)
			return strconv.FormatInt(n+1_000_000, 10)
		}
	case "1":
		return func(*side) string { return "1" }
	}
	return func(*side) string { return "0" }
}

// head is HEAD: prefix, id, inc, conn.
func (d *drawer) head(id string) []string {
	inc := strings.Repeat(d.one("inc", "1", "1", "1", "1", "1", "2"), 32)
	conn := d.conns[id]
	switch d.one("conn", "same", "same", "same", "next", "older") {
	case "next":
		conn++
		d.conns[id] = conn
	case "older":
		conn = max(0, conn-1)
	}
	return []string{"ipc", id, inc, strconv.Itoa(conn)}
}

func (d *drawer) known() (number, name string) {
	switch d.one("known", "right", "right", "right", "none", "ahead", "another") {
	case "right":
		return strconv.FormatInt(d.number, 10), d.epoch
	case "ahead":
		return strconv.FormatInt(d.number+1, 10), "future"
	case "another":
		return strconv.FormatInt(d.number, 10), "another"
	}
	return "0", ""
}

func (d *drawer) quarantine() string { return d.one("quarantine", "0", "0", "60000") }

func (d *drawer) fresh() string {
	d.request++
	return "e" + strconv.Itoa(d.request)
}

func fixed(args ...string) func(*side) []string { return func(*side) []string { return args } }

func (d *drawer) step() step {
	id := d.id()
	head := d.head(id)
	draws := []func(id string, head []string) step{
		d.heartbeat, d.heartbeat, d.join, d.join, d.canvass, d.claim, d.claim, d.claim,
		d.reassert, d.release, d.release, d.quit, d.others, d.meddle,
	}
	st := draws[rapid.IntRange(0, len(draws)-1).Draw(d.T, "kind")](id, head)
	return st
}

func (d *drawer) heartbeat(_ string, head []string) step {
	number, name := d.known()
	args := slices.Concat(head, []string{
		strconv.Itoa(d.request), "60000", d.one("info", "0", "1"), d.fresh(), number, name, "0", d.quarantine(),
		d.one("probe", "", `{"type":"probe"}`),
	}, someIDs[:rapid.IntRange(0, len(someIDs)).Draw(d.T, "watched")])
	return step{script: redisbridge.HeartbeatScript, args: fixed(args...)}
}

func (d *drawer) join(_ string, head []string) step {
	args := append(head, d.one("details", `{"v":1}`, `{"v":1,"x":2}`), "2", someElections[0], d.rank(), d.election(), d.rank())
	return step{script: redisbridge.JoinScript, args: fixed(args...)}
}

func (d *drawer) canvass(_ string, head []string) step {
	args := append(head, `{"v":1}`, d.quarantine(), "2")
	for range 2 {
		args = append(args, d.election(), d.rank(), d.one("flags", "", "r", "l", "m", "rm"))
	}
	return step{script: redisbridge.CanvassScript, args: fixed(args...)}
}

func (d *drawer) claim(id string, head []string) step {
	number, name := d.known()
	head = append(head, d.one("info", "0", "1"), d.fresh(), number, name, "0", d.quarantine(), d.births[id], d.epoch, "2")
	e, f := d.election(), d.election()
	seen, flags := d.token(e), d.one("flags", "", "a")
	return step{script: redisbridge.ClaimScript, args: func(s *side) []string {
		return slices.Concat(head, []string{e, seen(s), flags, f, "0", ""})
	}}
}

func (d *drawer) reassert(_ string, head []string) step {
	e := d.election()
	token := d.token(e)
	head = append(head, d.one("epoch", d.epoch, d.epoch, "another"), d.quarantine(), "1", e)
	return step{script: redisbridge.ReassertScript, args: func(s *side) []string { return slices.Concat(head, []string{token(s)}) }}
}

func (d *drawer) release(_ string, head []string) step {
	e := d.election()
	token, heir := d.token(e), d.one("heir", "", "a", "b", "nobody")
	return step{script: redisbridge.ReleaseScript, args: func(s *side) []string {
		return slices.Concat(head[:3], []string{"1", e, token(s), heir})
	}}
}

func (d *drawer) quit(_ string, head []string) step {
	if d.one("quit", "quit", "leave") == "leave" {
		return step{script: redisbridge.LeaveScript, args: fixed(append(head, d.one("end", "0", "1"))...)}
	}
	return step{script: redisbridge.QuitScript, args: fixed(append(head, "1", d.election())...)}
}

func (d *drawer) others(id string, head []string) step {
	switch d.one("look", "purge", "members", "peer") {
	case "purge":
		return step{script: redisbridge.PurgeScript, args: fixed(append(head, d.id(), d.one("kind", "ours", "original"), d.election())...)}
	case "members":
		return step{script: redisbridge.MembersScript, args: fixed("ipc", d.one("since", "0", "1", "2", "5", "99"))}
	}
	return step{script: redisbridge.PeerScript, args: fixed("ipc", d.one("e", append(someElections, "")...), id)}
}

// meddle changes keys behind the scripts' backs.
func (d *drawer) meddle(id string, _ []string) step {
	k, e := redisbridge.Keys("ipc"), d.election()
	return step{args: fixed(rapid.SampledFrom([][]string{
		{"DEL", k.Session(id)},
		{"DEL", k.Epoch()},
		{"DEL", k.Leader(e)},
		{"SADD", k.Candidates(e), "original"},
		{"HSET", k.Details(), "original", `{"process":1}`},
		{"HDEL", k.Details(), id},
		{"ZADD", k.Sessions(), "1", id, "1", "ghost"},
		{"ZADD", k.Members(), "5000", "+old"},
		{"ZRANGE", k.Ranks(e), "0", "-1", "WITHSCORES"},
		{"ZCARD", k.Sessions()}, // its order is of the millisecond
		{"SISMEMBER", k.Participated(id), e},
		{"ZCARD", k.Members()},
		{"EXISTS", k.Vacant(), k.Participated(id), k.List()},
		{"PTTL", k.Session(id)},
		{"SET", k.Session(id), "rubbish"},
		{"SADD", k.Session(id), "rubbish"},
	}).Draw(d.T, "plain")...)}
}

// learn takes births and the epoch from an answer.
func (d *drawer) learn(st step, reply any) {
	v, _ := reply.([]any)
	if st.script != redisbridge.HeartbeatScript || len(v) < 5 {
		return
	}
	d.births[st.args(nil)[1]] = v[1].(string)
	d.epoch, d.number = v[2].(string), v[3].(int64)
}

func (s step) String() string {
	name := "plain"
	if s.script != nil {
		name = s.script.Name
	}
	return fmt.Sprintf("%s %q", name, s.args(&side{tokens: map[string]string{}}))
}

// normal sorts what comes from sets, which have no order.
func normal(st step, reply any) any {
	v, ok := reply.([]any)
	if !ok {
		return reply
	}
	switch {
	case st.script == redisbridge.HeartbeatScript && len(v) > 8:
		v[8] = chunks(v[8].([]any), 1)
	case st.script == redisbridge.MembersScript && v[1] == int64(1):
		v[2] = chunks(v[2].([]any), 4)
	}
	return v
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
