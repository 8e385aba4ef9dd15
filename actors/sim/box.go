package sim

// boxes keeps texts as values of a reply, where they are any: making each anew was a tenth of
// all allocations, and most replies say again what the last ones said (verdicts, births,
// the epoch's name). One that is not there, or was pushed out by another, is made.
type boxes [1 << boxBits]any

const boxBits = 9

// box returns a text as a reply's value.
func (b *boxes) box(s string) any {
	if s == "" {
		return ""
	}
	place := &b[spread(s)>>(64-boxBits)]
	if kept, ok := (*place).(string); !ok || kept != s {
		*place = s
	}
	return *place
}

// boxDecimal returns a number as the text that it is in a reply. Most are the one of the
// last time: the floor changes with a term.
func (s *store) boxDecimal(n int64) any {
	if s.last.text == nil || s.last.n != n {
		s.last.n, s.last.text = n, decimal(n)
	}
	return s.last.text
}

// nothing is an empty list in a reply.
var nothing any = []any{}

// boxList is a list in a reply.
func boxList(items []any) any {
	if len(items) == 0 {
		return nothing
	}
	return items
}
