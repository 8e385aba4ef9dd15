package redisbridge

import (
	"fmt"
	"strings"
	"testing"
)

func TestABridgeReadsAnEntryAnewThatSaysSomethingElse(t *testing.T) {
	var b Bridge
	texts := []string{
		Details{Process: "1", Inc: "a", V: 1}.Text(), Details{Process: "2", Inc: "b", V: 1}.Text(),
		`{"process":3}`, "", "no entry", `{"process":4,"timestamp":"` + strings.Repeat("x", maxEntry) + `"}`,
	}
	for i := range 3 * maxEntries {
		for _, id := range []string{"n", fmt.Sprintf("n%d", i%(2*maxEntries))} {
			text := texts[(i/2)%len(texts)] // each twice in a row
			got, listed := b.readDetails(id, text)
			if want, ok := ParseDetails(text); *got != want || listed != ok {
				t.Fatalf("%q of %s reads as %+v, %v, want %+v, %v", text, id, *got, listed, want, ok)
			}
		}
		if len(b.entries) > maxEntries {
			t.Fatalf("%d entries are remembered", len(b.entries))
		}
	}
	b.readDetails(strings.Repeat("n", maxEntry), texts[0])
	for id, e := range b.entries {
		if n := len(id) + len(e.text); n > maxEntry {
			t.Errorf("an entry of %d bytes is remembered", n)
		}
	}
}
