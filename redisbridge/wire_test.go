package redisbridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hustings/fsm"
)

// TestWhatIsNoControlMessageIsRefusedWithItsReason goes through what an original or a
// stranger may put on a bully channel.
func TestWhatIsNoControlMessageIsRefusedWithItsReason(t *testing.T) {
	const vote = `{"type":"vote","election":"e","me":1,"id":"a"`
	tests := []struct {
		name, payload string
		want          error
	}{
		{"nothing", "", errNotObject},
		{"white space", " \t\r\n", errNotObject},
		{"not JSON", "hello", errNotObject},
		{"half of it", `{"type":"vote"`, errNotObject},
		{"two of it", vote + `}{}`, errNotObject},
		{"null", "null", errNotObject},
		{"a number", "5", errNotObject},
		{"true", "true", errNotObject},
		{"a string", `"vote"`, errNotObject},
		{"an array", `[]`, errNotObject},
		{"an array of messages", `[` + vote + `}]`, errNotObject},
		{"an empty object", `{}`, errUnknownType},
		{"an unknown type", `{"type":"coup","id":"a"}`, errUnknownType},
		{"a type in another case", `{"type":"VOTE","election":"e","me":1,"id":"a"}`, errUnknownType},
		{"a type that is a number", `{"type":5}`, errNotObject},
		{"a type that is an array", `{"type":["vote"]}`, errNotObject},
		{"no id", `{"type":"vote","election":"e","me":1}`, errBadID},
		{"id null", `{"type":"vote","election":"e","me":1,"id":null}`, errBadID},
		{"id true", `{"type":"vote","election":"e","me":1,"id":true}`, errBadID},
		{"id an object", `{"type":"vote","election":"e","me":1,"id":{}}`, errBadID},
		{"id empty", `{"type":"vote","election":"e","me":1,"id":""}`, errBadID},
		{"an original's id is too long", `{"type":"vote","election":"e","me":1,"id":"` + strings.Repeat("x", 4097) + `"}`, errBadID},
		{"id of ours with a space", `{"type":"vote","election":"e","me":1,"id":"a b","inc":"i"}`, errBadID},
		{"id of ours is too long", `{"type":"vote","election":"e","me":1,"id":"` + strings.Repeat("x", 257) + `","inc":"i"}`, errBadID},
		{"id with a space, of what originals do not send", `{"type":"leader","election":"e","token":"1","id":"a b"}`, errBadID},
		{"no election", `{"type":"voteack","me":1,"id":"a"}`, errBadElection},
		{"election null", `{"type":"votekick","election":null,"me":1,"id":"a"}`, errBadElection},
		{"election empty", `{"type":"vote","election":"","me":1,"id":"a"}`, errBadElection},
		{"election a number", `{"type":"vote","election":7,"me":1,"id":"a"}`, errNotObject},
		{"no me", `{"type":"vote","election":"e","id":"a"}`, errBadNumber},
		{"me null", `{"type":"vote","election":"e","me":null,"id":"a"}`, errBadNumber},
		{"me true", `{"type":"vote","election":"e","me":true,"id":"a"}`, errNotObject},
		{"me an array", `{"type":"vote","election":"e","me":[99999999],"id":"a"}`, errNotObject},
		{"me an object", `{"type":"vote","election":"e","me":{},"id":"a"}`, errNotObject},
		{"me a word", `{"type":"vote","election":"e","me":"abc","id":"a"}`, errNotObject},
		{"me beyond all numbers", `{"type":"vote","election":"e","me":1e999,"id":"a"}`, errBadNumber},
		{"me below all numbers", `{"type":"vote","election":"e","me":-1e999,"id":"a"}`, errBadNumber},
		{"me NaN", `{"type":"vote","election":"e","me":NaN,"id":"a"}`, errNotObject},
		{"a negative round", vote + `,"round":-1}`, errNotObject},
		{"half a round", vote + `,"round":1.5}`, errNotObject},
		{"a round beyond all numbers", vote + `,"round":1e999}`, errNotObject},
		{"draining for a word", vote + `,"draining_ms":"long"}`, errNotObject},
		{"no token", `{"type":"leader","election":"e","id":"a"}`, errBadToken},
		{"a token that is a number", `{"type":"leader","election":"e","id":"a","token":5}`, errNotObject},
		{"token 2^53", `{"type":"leader","election":"e","id":"a","token":"9007199254740992"}`, errBadToken},
		{"token 2^64", `{"type":"vacant","election":"e","id":"a","token":"18446744073709551616"}`, errBadToken},
		{"a negative token", `{"type":"vacant","election":"e","id":"a","token":"-1"}`, errBadToken},
		{"a token of a megabyte", `{"type":"leader","election":"e","id":"a","token":"` + strings.Repeat("9", 1<<20-100) + `"}`, errBadToken},
		{"a probe without id", `{"type":"probe","n":1}`, errBadID},
		{"batch in batch", `{"type":"batch","messages":[{"type":"batch","messages":[]}]}`, errNested},
		{"batch of null", `{"type":"batch","messages":[null]}`, errUnknownType},
		{"batch of a number", `{"type":"batch","messages":[5]}`, errNotObject},
		{"batch of one bad among good", `{"type":"batch","messages":[` + vote + `},{"type":"vote"}]}`, errBadID},
		{"batch that is an object", `{"type":"batch","messages":{}}`, errNotObject},
		{"ten megabytes", vote + `,"x":"` + strings.Repeat("x", 10<<20) + `"}`, errTooLarge},
		{"a hundred thousand arrays", strings.Repeat("[", 100_000), errNotObject},
		{"a hundred thousand objects", strings.Repeat(`{"x":`, 100_000) + "1" + strings.Repeat("}", 100_000), errTooMany},
		{"a hundred thousand arrays", `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", errNotObject},
		{"ten thousand batches", strings.Repeat(`{"type":"batch","messages":[`, 10_000) + strings.Repeat("]}", 10_000), errTooMany},
		{"five hundred batches", strings.Repeat(`{"type":"batch","messages":[`, 500) + strings.Repeat("]}", 500), errNested},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeControl(tt.payload)
			if !errors.Is(err, tt.want) || got != nil {
				t.Errorf("%v, %v; want error %q", got, err, tt.want)
			}
		})
	}
}

func TestWhatAnOriginalTakesIsTakenHereToo(t *testing.T) {
	vote := Control{Type: TypeVote, Election: "e", ID: "a", Number: 1}
	with := func(change func(*Control)) Control {
		c := vote
		change(&c)
		return c
	}
	tests := []struct {
		name, payload string
		want          Control
	}{
		{"an id with a space", `{"type":"vote","election":"e","me":1,"id":"a b"}`, with(func(c *Control) { c.ID = "a b" })},
		{"an id with a line feed", `{"type":"voteack","election":"e","me":1,"id":"a\nb"}`, with(func(c *Control) { c.Type, c.ID = TypeAck, "a\nb" })},
		{
			"a long id", `{"type":"votekick","election":"e","me":1,"id":"` + strings.Repeat("x", 4096) + `"}`,
			with(func(c *Control) { c.Type, c.ID = TypeKick, strings.Repeat("x", 4096) }),
		},
		{"an id of 300 digits", `{"type":"vote","election":"e","me":1,"id":` + strings.Repeat("7", 300) + `}`, with(func(c *Control) { c.ID = strings.Repeat("7", 300) })},
		{"as the original sends it", `{"type":"vote","election":"e","me":1,"id":"a"}`, vote},
		{"white space round it", " \n{ \"type\" : \"vote\", \"election\":\"e\",\t\"me\":1,\"id\":\"a\"} ", vote},
		{"extra members", `{"type":"vote","election":"e","me":1,"id":"a","x":[{"y":null}]}`, vote},
		{"a duplicate type: the last one counts", `{"type":"voteack","election":"e","me":1,"id":"a","type":"vote"}`, vote},
		{"a duplicate me: the last one counts", `{"type":"vote","election":"e","me":7,"id":"a","me":1}`, vote},
		{"me a numeric string", `{"type":"vote","election":"e","me":"1","id":"a"}`, vote},
		{"me a fraction", `{"type":"vote","election":"e","me":99999999.5,"id":"a"}`, with(func(c *Control) { c.Number = 99999999.5 })},
		{"me negative", `{"type":"vote","election":"e","me":-5,"id":"a"}`, with(func(c *Control) { c.Number = -5 })},
		{"me huge", `{"type":"vote","election":"e","me":1e308,"id":"a"}`, with(func(c *Control) { c.Number = 1e308 })},
		{"id a number", `{"type":"vote","election":"e","me":1,"id":7}`, with(func(c *Control) { c.ID = "7" })},
		{"id a negative number", `{"type":"vote","election":"e","me":1,"id":-7}`, with(func(c *Control) { c.ID = "-7" })},
		{"id with a colon, in UTF-8", `{"type":"vote","election":"e","me":1,"id":"a:ü"}`, with(func(c *Control) { c.ID = "a:ü" })},
		{"draining for a negative time is none", `{"type":"vote","election":"e","me":1,"id":"a","draining_ms":-5}`, vote},
		{"draining is bounded", `{"type":"vote","election":"e","me":1,"id":"a","draining_ms":9223372036854775807}`, with(func(c *Control) { c.Draining = time.Hour })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeControl(tt.payload)
			if err != nil || len(got) != 1 || got[0] != tt.want {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestABatchGivesItsMessagesInOrder(t *testing.T) {
	got, err := DecodeControl(`{"type":"batch","messages":[
		{"type":"leader","election":"a","id":"n1","inc":"i","token":"9007199254740991"},
		{"type":"vacant","election":"b","id":"n1","inc":"i","token":"5","heir":"n2"}]}`)
	want := []Control{
		{Type: TypeLeader, Election: "a", ID: "n1", Inc: "i", Token: 1<<53 - 1},
		{Type: TypeVacant, Election: "b", ID: "n1", Inc: "i", Token: 5, Heir: "n2"},
	}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := DecodeControl(`{"type":"batch"}`); err != nil || len(got) != 0 {
		t.Errorf("an empty batch: %+v, %v", got, err)
	}
}

func TestInvalidUTF8NeverBecomesAName(t *testing.T) {
	for _, id := range []string{"\xff", "\xc3\x28", `\ud800`, `\udc00x`} {
		for _, payload := range []string{
			`{"type":"vote","election":"e","me":1,"id":"` + id + `"}`,
			`{"type":"vote","election":"` + id + `","me":1,"id":"a"}`,
		} {
			got, err := DecodeControl(payload)
			if err == nil && (!utf8.ValidString(got[0].ID) || !utf8.ValidString(got[0].Election)) {
				t.Errorf("%q gave %+v", payload, got)
			}
		}
	}
}

func TestDetailsAreReadAsFarAsTheyGo(t *testing.T) {
	tests := []struct {
		name, text string
		ok         bool
		want       fsm.Candidate
	}{
		{"an original's", `{"process":16562,"timestamp":"2026-11-22T16:53:00.960Z"}`, true, fsm.Candidate{ID: "n", Rank: 16562, Original: true}},
		{"ours", `{"process":7.5,"timestamp":"x","inc":"i","v":1,"rank":"7","ttl":5000,"max_ttl":5000}`, true, fsm.Candidate{ID: "n", Inc: "i", Rank: 7}},
		{"ours without a rank: the number counts", `{"process":7.5,"v":1,"inc":"i"}`, true, fsm.Candidate{ID: "n", Inc: "i", Rank: 7}},
		{"ours with a rank out of range", `{"process":3.5,"v":1,"rank":"4503599627370496"}`, true, fsm.Candidate{ID: "n", Rank: 3}},
		{"extra members", `{"process":1,"x":{}}`, true, fsm.Candidate{ID: "n", Rank: 1, Original: true}},
		{"members of wrong types are an original's", `{"process":5,"v":"x","ttl":[]}`, true, fsm.Candidate{ID: "n", Rank: 5, Original: true}},
		{"no process", `{"x":1}`, true, fsm.Candidate{ID: "n", Original: true}},
		{"process a numeric string", `{"process":"1000"}`, true, fsm.Candidate{ID: "n", Rank: 1000, Original: true}},
		{"process beyond all numbers", `{"process":1e999}`, true, fsm.Candidate{ID: "n", Original: true}},
		{"process below zero", `{"process":-4}`, true, fsm.Candidate{ID: "n", Original: true}},
		{"process huge", `{"process":1e300}`, true, fsm.Candidate{ID: "n", Rank: fsm.MaxRank - 1, Original: true}},
		{"process an array", `{"process":[1000]}`, false, fsm.Candidate{}},
		{"nothing", ``, false, fsm.Candidate{}},
		{"null", `null`, false, fsm.Candidate{}},
		{"a number", `5`, false, fsm.Candidate{}},
		{"a string", `"x"`, false, fsm.Candidate{}},
		{"not JSON", `{"process"`, false, fsm.Candidate{}},
		{"deep", strings.Repeat(`{"x":`, 100_000), false, fsm.Candidate{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, ok := ParseDetails(tt.text)
			if ok != tt.ok {
				t.Fatalf("ok is %v, want %v", ok, tt.ok)
			}
			if got := d.Candidate("n"); ok && got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAnyNumberOnTheWireIsARank(t *testing.T) {
	for number, want := range map[float64]int64{
		0: 0, -1: 0, 7.5: 7, math.Inf(1): fsm.MaxRank - 1, math.Inf(-1): 0, 1e300: fsm.MaxRank - 1, fsm.MaxRank - 0.5: fsm.MaxRank - 1,
	} {
		if got := RankOf(number); got != want {
			t.Errorf("%v: %d, want %d", number, got, want)
		}
	}
}

// Seed 5861681 of the simulator: "I stay for 0.3 ms" was said without a time, which is for the whole
// term. Nobody asked the holder ever again.
func TestALittleTimeIsNotNone(t *testing.T) {
	for _, c := range []struct {
		draining time.Duration
		want     int64
	}{{-time.Second, 0}, {0, 0}, {1, 1}, {300 * time.Microsecond, 1}, {1999 * time.Microsecond, 1}, {2 * time.Millisecond, 2}, {2 * time.Hour, 3_600_000}} {
		if got := (&Control{Draining: c.draining}).drainingMillis(); got != c.want {
			t.Errorf("%v: %d ms, want %d", c.draining, got, c.want)
		}
	}
}

// written is a control message, as the codec and as encoding/json write it.
func written(t *testing.T, c Control, number string) string {
	t.Helper()
	text := string(appendControl(nil, &c, number))
	w := wireMessage{
		Type: c.Type, Election: &c.Election, Me: json.Number(number), ID: []byte(marshal(c.ID)), Inc: c.Inc,
		Round: c.Round, Draining: c.Draining.Milliseconds(),
	}
	if want := marshal(w); text != want {
		t.Fatalf("wrote %s, encoding/json writes %s", text, want)
	}
	return text
}

// To read what has many messages takes far longer than to send it.
func TestABatchOfVeryManyMessagesIsNotRead(t *testing.T) {
	for _, one := range []string{`{}`, `{"type":"vote","election":"{\"}{{","me":1,"id":"x"}`} {
		batch := func(n int) string {
			return `{"type":"batch","messages":[` + strings.Repeat(one+",", n-1) + one + `]}`
		}
		if list, err := DecodeControl(batch(1024)); one != `{}` && (err != nil || len(list) != 1024) {
			t.Errorf("1,024: %d, %v", len(list), err)
		}
		if _, err := DecodeControl(batch(1025)); err != errTooMany {
			t.Errorf("1,025: %v", err)
		}
		many := batch((MaxPayload - 100) / (len(one) + 1))
		if n := testing.AllocsPerRun(1, func() { _, _ = DecodeControl(many) }); n > 0 {
			t.Errorf("%v allocations for %d bytes", n, len(many))
		}
	}
}

func FuzzDecodeControl(f *testing.F) {
	f.Add(`{"type":"vote","election":"default","me":16562,"id":"n1"}`)
	f.Add(`{"type":"voteack","election":"e","me":7.5,"id":7,"inc":"i","round":3,"draining_ms":100}`)
	f.Add(`{"type":"batch","messages":[{"type":"leader","election":"e","id":"n1","token":"5"},{"type":"probe","id":"n","n":9}]}`)
	f.Add(`null`)
	f.Add(`{"type":"vote","election":"e","me":-0.50,"id":"a<b>&","inc":"i\u0041","round":0,"draining_ms":0}`)
	f.Add(`{"type":"vote","election":"e","me":01,"id":"ü","Me":2}`)
	f.Add(`{"type":"vacant","election":"e","id":"a","token":"007","heir":"b"}`)
	f.Add(`{"type":"batch","messages":[]}`)
	f.Add(`{"type":"batch","messages":[{"type":"batch"}]}`)
	f.Add(`{"type":"vote","type":"batch","messages":[null]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		list, err := DecodeControl(payload)
		if len(payload) <= MaxPayload {
			slow, slowErr := slowControls(payload)
			if !errors.Is(err, slowErr) || !slices.Equal(list, slow) {
				t.Fatalf("%+v, %v; encoding/json has %+v, %v", list, err, slow, slowErr)
			}
		}
		if (err != nil) && list != nil {
			t.Fatalf("both %v and %v", list, err)
		}
		if len(list) > len(payload) {
			t.Fatalf("%d messages of %d bytes", len(list), len(payload))
		}
		for _, c := range list {
			if CheckName(c.ID) != nil && (c.Inc != "" || !originalID(c.ID)) || c.Type != TypeProbe && CheckName(c.Election) != nil {
				t.Fatalf("a bad name was accepted: %+v", c)
			}
			if c.Token >= 1<<53 || c.Draining < 0 || c.Draining > time.Hour || math.IsNaN(c.Number) || math.IsInf(c.Number, 0) {
				t.Fatalf("a number out of range was accepted: %+v", c)
			}
			switch c.Type {
			case TypeVote, TypeAck, TypeKick:
				sent := Control{Type: c.Type, Election: c.Election, ID: c.ID, Inc: c.Inc, Number: c.Number, Round: c.Round, Draining: c.Draining}
				again, err := DecodeControl(written(t, sent, strconv.FormatFloat(c.Number, 'g', -1, 64)))
				if err != nil || len(again) != 1 || again[0] != sent {
					t.Fatalf("%+v came back as %+v, %v", sent, again, err)
				}
			default:
			}
		}
	})
}

// What our nodes write is read without reflection.
func TestEntriesOfOursAreReadQuickly(t *testing.T) {
	d := Details{
		Process: "16562.5", Timestamp: "2026-11-22T16:53:00.960Z", Inc: strings.Repeat("0f", 16), V: 1, Rank: "16562",
		TTL: 5000, MaxTTL: 5000, Host: "web-7.example.org", PID: 16562, Start: "2026-11-22T16:53:00Z",
	}
	if got, ok := quickDetails(d.Text()); !ok || got != d {
		t.Errorf("%s is read as %+v, %v", d.Text(), got, ok)
	}
}

func FuzzParseDetails(f *testing.F) {
	f.Add(`{"process":16562,"timestamp":"2026-11-22T16:53:00.960Z"}`)
	f.Add(`{"process":7.5,"inc":"i","v":1,"rank":"7","ttl":5000,"max_ttl":5000,"host":"h","pid":1,"start":"s"}`)
	f.Add(`{"process":5,"v":"x"}`)
	f.Add(`{"process":1e999}`)
	f.Add(`{"v":1,"v":2,"Rank":"9","pid":-1,"ttl":007}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := ParseDetails(text)
		if slow, slowOK := slowDetails(text); d != slow || ok != slowOK {
			t.Fatalf("%+v, %v; encoding/json has %+v, %v", d, ok, slow, slowOK)
		}
		c := d.Candidate("n")
		if c.Rank < 0 || c.Rank >= fsm.MaxRank {
			t.Fatalf("rank %d", c.Rank)
		}
		if !ok {
			return
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(fmt.Errorf("%+v has no JSON: %w", d, err))
		}
		if again, ok := ParseDetails(string(out)); !ok || again.Candidate("n") != c {
			t.Fatalf("%+v came back as %+v", d, again)
		}
	})
}
