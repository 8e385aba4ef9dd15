package fsm

import "testing"

// One transition by way of a pooled looplab instance.
func BenchmarkTransition(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fire(Waiting, Elected); err != nil {
			b.Fatal(err)
		}
	}
}
