package redisbridge

import (
	"strings"
	"testing"

	"hustings/fsm"
)

// What control messages cost, as ours and as the original writes them: one comes with every
// vote, and a batch of 256 with every failover of many elections.
func BenchmarkCodec(b *testing.B) {
	vote := &Control{Type: TypeVote, Election: "billing", ID: "web-4", Inc: "00112233445566778899aabbccddeeff", Round: 7}
	hint := `{"type":"leader","election":"billing","id":"web-4","inc":"00112233445566778899aabbccddeeff","token":"1763863300000"}`
	text := string(appendControl(nil, vote, "4242.5"))
	b.Run("encode-vote", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 256)
		for b.Loop() {
			buf = appendControl(buf[:0], vote, "4242.5")
		}
	})
	for name, payload := range map[string]string{
		"decode-vote":            text,
		"decode-originals-vote":  `{"type": "vote", "election": "billing", "me": 4242, "id": "web-4"}`,
		"decode-batch-of-256":    batchHead + strings.Repeat(hint+",", 255) + hint + batchTail,
		"decode-what-is-no-JSON": strings.Repeat("x", 1000),
	} {
		messages, _ := DecodeControl(payload)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if list, _ := DecodeControl(payload); len(list) != len(messages) {
					b.Fatal("read something else")
				}
			}
			b.ReportMetric(float64(len(messages)), "messages")
		})
	}
}

// What the answer to a canvass of 256 elections costs to read: of new ones, and of ones
// that another node leads.
func BenchmarkSurvey(b *testing.B) {
	short := []any{"", int64(0)}
	long := []any{
		"1763863300000", "web-4", "00112233445566778899aabbccddeeff-1", int64(4000), "4242", "", int64(1),
		[]any{"web-4", "4242", "00112233445566778899aabbccddeeff-1", int64(4000)},
		[]any{},
		"", int64(0), "",
	}
	for name, item := range map[string][]any{"new": short, "led": long} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			bridge, call := &Bridge{}, &Call{Kind: CallSurvey}
			for b.Loop() {
				for range maxItems {
					if s := bridge.readSurvey(call, newList(item)); s.Fault.Code != fsm.CauseNone {
						b.Fatal("misread")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*maxItems), "ns/election")
		})
	}
}
