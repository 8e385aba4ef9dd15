package fsm

import "testing"

// One transition, of which looplab was asked before.
func BenchmarkTransition(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fire(Waiting, Elected); err != nil {
			b.Fatal(err)
		}
	}
}
