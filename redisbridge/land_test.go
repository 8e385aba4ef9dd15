package redisbridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/redisbridge"
)

// replied makes a reply of bytes: nil, numbers, texts, and lists of these.
func replied(data *[]byte, depth int) any {
	next := func() int {
		if len(*data) == 0 {
			return 0
		}
		b := (*data)[0]
		*data = (*data)[1:]
		return int(b)
	}
	switch kind := next(); kind % 4 {
	case 1:
		return int64(next()) - 2
	case 2:
		n := min(kind/4, len(*data))
		text := string((*data)[:n])
		*data = (*data)[n:]
		return text
	case 3:
		list := []any{}
		for range kind / 4 {
			if depth > 0 {
				list = append(list, replied(data, depth-1))
			}
		}
		return list
	default:
		return nil
	}
}

// bytesOf is what replied makes a reply of.
func bytesOf(reply any) []byte {
	switch v := reply.(type) {
	case int64:
		return []byte{1, byte(v + 2)}
	case string:
		return append([]byte{byte(2 + 4*len(v))}, v...)
	case []any:
		out := []byte{byte(3 + 4*len(v))}
		for _, item := range v {
			out = append(out, bytesOf(item)...)
		}
		return out
	default:
		return []byte{0}
	}
}

// Whatever Redis replies, the bridge goes on, and every call is answered: a survey that
// claims twice, every other once.
func FuzzReplies(f *testing.F) {
	for _, reply := range []any{
		nil, "OK", int64(-2),
		[]any{},
		[]any{"ok", int64(1)},
		[]any{"ok", int64(0)},
		[]any{"stale", int64(0)},
		[]any{"extended", "inc-1", "e1", int64(4), "90", int64(0), int64(3), int64(2), []any{"x"}, []any{int64(9), "i-1"}, int64(7)},
		[]any{"taken", int64(9), "i-1", `{"process":5}`},
		[]any{"replaced", int64(9), `{"process":5,"v":1}`},
		[]any{"original", `{"process":5}`},
		[]any{"ok", "inc-1", "e1", int64(4), int64(0), []any{[]any{"17", "h", "i-1", int64(9), "5", "", int64(1), []any{"n", "7", "i-2"}, []any{"o", `{"process":8}`, int64(0)}, "", int64(0), "250"}}},
		[]any{"ok", "inc-1", "e1", int64(4), int64(0), []any{[]any{"", int64(0)}}},
		[]any{"ok", "inc-1", "e1", int64(4), "90", int64(0), []any{[]any{"", int64(0)}}, []any{[]any{"granted", "91", ""}}},
		[]any{"ok", "inc-1", "e1", int64(4), "90", int64(0), []any{[]any{"held", "h", "17", int64(9), "i-1", "5", "", ""}}},
		[]any{"ok", "inc-1", "e1", int64(4), []any{"superseded"}},
		[]any{"ok", []any{[]any{"doubted", int64(9)}}},
		[]any{int64(5), int64(0), []any{"a", "+", `{"v":1}`, int64(9)}, int64(1)},
		[]any{`{"v":1}`, int64(9), "i-1", int64(1), int64(-1), int64(-1), []any{int64(1), "5"}},
	} {
		for kind := redisbridge.CallHeartbeat; kind <= redisbridge.CallPublish; kind++ {
			f.Add(uint8(kind), bytesOf(reply))
		}
		f.Add(uint8(redisbridge.CallSurvey)+claiming, bytesOf(reply))
	}
	f.Fuzz(func(t *testing.T, what uint8, data []byte) {
		call := redisbridge.Call{
			Kind: redisbridge.CallKind(what % claiming % (uint8(redisbridge.CallPublish) + 1)), Election: "e", Target: "peer",
			Watch: []string{"w"}, Token: 5, Doubts: []redisbridge.Doubt{{ID: "d", Birth: "i-1"}},
		}
		answers := 1
		if call.Kind == redisbridge.CallSurvey && what >= claiming {
			call.Register, call.Claim, answers = true, true, 2
		}
		r := newRig(t)
		restarts := 0
		sub := system.EventStream.Subscribe(func(ev any) {
			if _, ok := ev.(*actor.SupervisorEvent); ok {
				restarts++
			}
		})
		defer system.EventStream.Unsubscribe(sub)
		c := r.up()
		r.call(call)
		reply := replied(&data, 4)
		c.reply(reply, reply)
		got := r.take()
		for range 2 { // what was not done, or not whole, is asked for again
			r.advance(time.Second)
			if len(c.done) > 0 {
				c.reply(noneLeft, noneLeft)
			}
			got = slices.Concat(got, r.take())
		}
		if len(got) != answers || restarts != 0 || c.closed {
			t.Errorf("kind %d, reply %#v: answers %v, %d restarts, closed %v", call.Kind, reply, got, restarts, c.closed)
		}
	})
}

// claiming is added to the kind of a survey that claims.
const claiming = 128

// A look tells of those about whom something is to be done.
func TestALookDoesNotTellOfTheHeard(t *testing.T) {
	r := newRig(t)
	c := r.up()
	a, b := redisbridge.Doubt{ID: "a", Birth: "i-1"}, redisbridge.Doubt{ID: "b", Birth: "i-2"}
	look := redisbridge.Call{Kind: redisbridge.CallEvict, Doubts: []redisbridge.Doubt{a, b}}
	heard, gone := []any{"heard", int64(0)}, []any{"gone", int64(0)}
	for _, tt := range []struct {
		items []any
		want  []redisbridge.Eviction
	}{
		{[]any{heard, heard}, nil},
		{[]any{heard, []any{"doubted", int64(9)}}, []redisbridge.Eviction{{Doubt: b, Word: redisbridge.DoubtStands, Left: 9 * time.Millisecond}}},
		{[]any{gone, heard}, []redisbridge.Eviction{{Doubt: a, Word: redisbridge.DoubtGone}}},
		{[]any{gone}, nil}, // not the form of an answer
	} {
		r.call(look)
		c.reply([]any{"ok", tt.items})
		got, _ := r.take()[0].(*redisbridge.EvictAnswer)
		if got == nil || !slices.Equal(got.Items, tt.want) || (got.Err != nil) != (len(tt.items) < 2) {
			t.Errorf("%v: %+v, want %+v", tt.items, got, tt.want)
		}
	}
}
