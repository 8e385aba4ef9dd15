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

// sheet is what the lists in a connection's replies are written on. They are the client's
// until its next Do, whose replies are written over them. A nil sheet makes every list anew,
// for who may keep it.
type sheet []any // as far as it is taken

// maxSheet bounds how much is kept: a burst is not to be paid for for ever.
const maxSheet = 1 << 12

// begin makes the sheet free again.
func (s *sheet) begin() {
	if cap(*s) > maxSheet {
		*s = nil
	}
	*s = (*s)[:0]
}

// list returns room for n items, which may be appended to it, and for the value.
func (s *sheet) list(n int) []any {
	if s == nil {
		return make([]any, 0, n)
	}
	at := len(*s)
	if at+n+1 > cap(*s) {
		*s, at = make([]any, 0, max(2*cap(*s), n+1, 32)), 0
	}
	*s = (*s)[:at+n+1]
	return (*s)[at : at : at+n+1]
}

// value is a list as a reply, or in one. The last one in its place does again if it is as
// long: most replies are like those before.
func (s *sheet) value(list []any) any {
	switch {
	case len(list) == 0:
		return nothing
	case s == nil || len(list) == cap(list):
		return list
	}
	last := &list[:cap(list)][cap(list)-1]
	if old, ok := (*last).([]any); !ok || len(old) != len(list) || &old[0] != &list[0] {
		*last = list
	}
	return *last
}

// reply is the list of these, as a reply or in one.
func (s *sheet) reply(items ...any) any { return s.value(append(s.list(len(items)), items...)) }
