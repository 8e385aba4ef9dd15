package sim

import (
	"fmt"
	"reflect"
	"testing"
)

// drawn writes a list of lists, texts and numbers on a sheet, a script's way: some with room to
// spare, some longer than was thought.
func drawn(s *sheet, r *Rand, depth int) any {
	n := r.IntN(6)
	list := s.list(max(n+r.IntN(3)-1, 0))
	for range n {
		switch {
		case depth > 0 && r.Chance(0.4):
			list = append(list, drawn(s, r, depth-1))
		case r.Chance(0.5):
			list = append(list, fmt.Sprint("text", r.IntN(9)))
		default:
			list = append(list, int64(r.IntN(9)))
		}
	}
	if r.Chance(0.3) {
		return s.reply(list...)
	}
	return s.value(list)
}

// What is written on a sheet reads like what was made anew, until the sheet is begun again,
// whatever was on it before.
func TestWhatStandsOnASheetIsWhatWasWritten(t *testing.T) {
	var s sheet
	for round := range uint64(2000) {
		s.begin()
		var got, want []any
		for seed := round % 50; seed < round%50+3; seed++ { // a pipeline; the same ones come again
			got = append(got, drawn(&s, NewRand(seed), 3))
			want = append(want, drawn(nil, NewRand(seed), 3))
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d: %v, want %v", round, got, want)
		}
	}
}

// The same reply again makes nothing.
func TestASheetIsWrittenOverForNothing(t *testing.T) {
	var s sheet
	text, number := any("text"), any(int64(1234567))
	write := func() {
		s.begin()
		inner := append(s.list(2), text, number)
		s.reply(text, s.value(inner), s.value(s.list(3)), number)
	}
	write()
	if n := testing.AllocsPerRun(100, write); n != 0 {
		t.Errorf("%v allocations", n)
	}
	s.list(maxSheet)
	if s.begin(); cap(s) != 0 {
		t.Errorf("%d places are kept of a burst", cap(s))
	}
}
