package redisbridge

// scratch is the room that a pipeline is written in. There is one under way at a time, and
// once it was answered its commands are nobody's any more (see [Conn]), so that the next
// one is written over it. After a failure nobody knows who still reads them: then it is
// given up. It belongs to the bridge.
type scratch struct {
	cmds    []Command
	words   []string
	flights []flight
}

// maxScratch bounds how many words are kept: a burst is not to be paid for for ever.
const maxScratch = 1 << 12

// begin makes the room free again.
func (s *scratch) begin() {
	if cap(s.words) > maxScratch {
		*s = scratch{}
	}
	s.cmds, s.words = s.cmds[:0], s.words[:0]
}

// args returns room for n words, which may be appended to it.
func (s *scratch) args(n int) []string {
	at := len(s.words)
	if at+n > cap(s.words) {
		s.words, at = make([]string, 0, max(2*cap(s.words), n, 32)), 0
	}
	s.words = s.words[:at+n]
	return s.words[at : at : at+n]
}

// grounded takes flights back that have landed, and their calls' slices for what is to be
// queued. A slice may be the end of one that held thousands: none of it keeps a call.
func (b *Bridge) grounded(flying []flight) {
	for _, f := range flying {
		clear(f.calls)
		if b.spare[f.kind] == nil && f.calls != nil {
			b.spare[f.kind] = f.calls[:0]
		}
	}
	clear(flying)
	b.scratch.flights = flying[:0]
}
