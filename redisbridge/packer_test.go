package redisbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

type order struct {
	Item  string   `json:"item"`
	Count int      `json:"count"`
	Tags  []string `json:"tags,omitempty"`
}

func TestAValueComesBackThroughEitherPacker(t *testing.T) {
	for _, p := range []Packer{JSON, MessagePack} {
		t.Run(p.String(), func(t *testing.T) {
			want := order{Item: "<ü & \"x\">", Count: 3, Tags: []string{"a", "b"}}
			text, err := Pack(p, "n1", "inc1", want, false)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Unpack(text)
			if err != nil || got.From != "n1" || got.Inc != "inc1" || got.Packer != p {
				t.Fatalf("%+v, %v", got, err)
			}
			var back order
			if err := got.Decode(&back); err != nil || !reflect.DeepEqual(back, want) {
				t.Errorf("%+v, %v", back, err)
			}
			asJSON, err := got.JSON()
			var again order
			if err != nil || json.Unmarshal(asJSON, &again) != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("as JSON: %s, %v", asJSON, err)
			}
		})
	}
}

func TestPlainValuesComeBackThroughEitherPacker(t *testing.T) {
	for _, p := range []Packer{JSON, MessagePack} {
		for _, v := range []any{nil, true, 5, -1.5, "text", []any{}, []any{1, "x", nil}, map[string]any{"a": map[string]any{}}} {
			text, err := Pack(p, "n1", "", v, false)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Unpack(text)
			if err != nil || got.From != "n1" {
				t.Fatalf("%v %v: %+v, %v", p, v, got, err)
			}
			want, _ := json.Marshal(v)
			if asJSON, err := got.JSON(); err != nil || string(asJSON) != string(want) {
				t.Errorf("%v %v: %s, %v", p, v, asJSON, err)
			}
		}
	}
}

func TestAMessagePackPayloadIsAlwaysAMap(t *testing.T) {
	for _, v := range []any{nil, 5, "text", []int{1}, order{}, []byte("x")} {
		text, err := Pack(MessagePack, "n1", "", v, false)
		if b := text[0]; err != nil || b < 0x80 || b > 0x8f && b != 0xde && b != 0xdf {
			t.Errorf("%v begins with %#x, %v", v, text[0], err)
		}
	}
}

func TestJSONIsNeverTakenForMessagePack(t *testing.T) {
	for _, text := range []string{`{"a":1}`, ` {"a":1}`, `5`, `null`, `"x"`, `[]`, "\t1"} {
		if p, err := Unpack(text); err != nil || p.Packer != JSON || string(p.Data) != text || p.From != "" {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}

func TestABarePayloadIsWhatOriginalsSendAndRead(t *testing.T) {
	for _, p := range []Packer{JSON, MessagePack} {
		text, err := Pack(p, "n1", "inc1", order{Item: "x"}, true)
		if err != nil || text != `{"item":"x","count":0}` {
			t.Errorf("%v: %s, %v", p, text, err)
		}
		if got, err := Unpack(text); err != nil || got.From != "" || got.Packer != JSON || string(got.Data) != text {
			t.Errorf("%v: %+v, %v", p, got, err)
		}
	}
}

func TestWhatLooksLikeAnEnvelopeButIsNoneIsAPlainMessage(t *testing.T) {
	for _, text := range []string{
		`{"hustings":2,"from":"a","data":1}`, `{"hustings":"1","from":"a","data":1}`, `{"hustings":1,"from":"","data":1}`,
		`{"hustings":1,"from":"a b","data":1}`, `{"hustings":1,"from":7,"data":1}`, `{"hustings":1,"from":"a"}`,
	} {
		if got, err := Unpack(text); err != nil || got.From != "" || string(got.Data) != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestAnEnvelopeMayCarryNull(t *testing.T) {
	if got, err := Unpack(`{"hustings":1,"from":"a","inc":"i","data":null}`); err != nil || got.From != "a" || string(got.Data) != "null" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	tests := []struct {
		name, payload string
		want          error
	}{
		{"nothing", "", errNoMessage},
		{"not JSON", "hello", errNoMessage},
		{"the text undefined", "undefined", errNoMessage},
		{"half of it", `{"a":`, errNoMessage},
		{"NaN", "NaN", errNoMessage},
		{"a MessagePack array", "\x93\x01\x02\x03", errNoMessage},
		{"a MessagePack nil", "\xc0", errNoMessage},
		{"a MessagePack map with numbers for keys", "\x81\x01\x02", errNoMessage},
		{"a MessagePack map cut off", "\x81\xa1a", errNoMessage},
		{"a MessagePack map and more", "\x80\x80", errNoMessage},
		{"a MessagePack map of four billion", "\xdf\xff\xff\xff\xff", errNoMessage},
		{"a MessagePack type that nobody uses", "\x81\xa1a\xc1", errNoMessage},
		{"a hundred thousand arrays", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), errNoMessage},
		{"a million MessagePack maps", strings.Repeat("\x81\xa1x", 349_000), errNoMessage},
		{"a million MessagePack maps in keys", strings.Repeat("\x81", 1_000_000), errNoMessage},
		{"ten megabytes", `"` + strings.Repeat("x", 10<<20) + `"`, errTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Unpack(tt.payload)
			if !errors.Is(err, tt.want) || got.Data != nil {
				t.Errorf("%+v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestAValueWithoutAFormIsRefusedBeforeItIsSent(t *testing.T) {
	for name, v := range map[string]any{"a channel": make(chan int), "a function": func() {}} {
		for _, p := range []Packer{JSON, MessagePack} {
			if text, err := Pack(p, "n1", "", v, false); !errors.Is(err, ErrNoForm) {
				t.Errorf("%s by %v: %q, %v", name, p, text, err)
			}
		}
	}
	if _, err := Pack(JSON, "n1", "", math.NaN(), false); !errors.Is(err, ErrNoForm) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := Pack(MessagePack, "n1", "", math.NaN(), true); !errors.Is(err, ErrNoForm) {
		t.Errorf("NaN for an original: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte(`{"hustings":1,"from":"n1","inc":"i","data":{"a":[1,2.5,"<x>"]}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"a":1,"a":2}`))
	for _, v := range []any{nil, 1, "x", map[string]any{"a": []any{1.5, []byte("b")}}, order{Tags: []string{"t"}}} {
		text, err := Pack(MessagePack, "n1", "i", v, false)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(text))
	}
	f.Add([]byte("\x81\xa1a\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x00")) // a time
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := Unpack(string(payload))
		if err != nil {
			return
		}
		if len(p.Data) > len(payload) {
			t.Fatalf("%d bytes of %d", len(p.Data), len(payload))
		}
		var v any
		if err := p.Decode(&v); err != nil {
			return // what a stranger packed need not be decodable here
		}
		_, _ = p.JSON()
		if p.From == "" || p.Packer == JSON && !bytes.Equal(bytes.ToValidUTF8(p.Data, nil), p.Data) {
			return
		}
		var text string
		if p.Packer == JSON {
			text, err = Pack(JSON, p.From, p.Inc, json.RawMessage(p.Data), false)
		} else {
			text, err = Pack(MessagePack, p.From, p.Inc, v, false)
		}
		if err != nil || len(text) > MaxPayload {
			return
		}
		again, err := Unpack(text)
		if err != nil || again.From != p.From || again.Inc != p.Inc || again.Packer != p.Packer {
			t.Fatalf("%+v came back as %+v, %v", p, again, err)
		}
		if p.Packer == JSON {
			var w any
			if err := again.Decode(&w); err != nil || !reflect.DeepEqual(v, w) {
				t.Fatalf("%v came back as %v, %v", v, w, err)
			}
		}
	})
}
