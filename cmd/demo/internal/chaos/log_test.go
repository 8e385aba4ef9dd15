package chaos

import "testing"

// What one process says may be read after what another said later.
func TestWhoLeadsIsWhoWonLastInWhateverOrderItIsRead(t *testing.T) {
	b := newBook([]string{"e"})
	low, high := b.process("low", 1), b.process("high", 1)
	b.line(Line{Ev: "won", Election: "e", Process: high, At: 30})
	b.line(Line{Ev: "won", Election: "e", Process: low, At: 10})
	b.line(Line{Ev: "lost", Election: "e", Process: low, At: 20})
	if got := b.leader("e"); got != "high" || !b.led() {
		t.Errorf("%q leads", got)
	}
	b.change(high, func(p *Process) { p.Ended = 40 })
	b.line(Line{Ev: "won", Election: "e", Process: high, At: 35})
	if got := b.leader("e"); got != "" || b.led() {
		t.Errorf("%q leads, and has ended", got)
	}
	b.line(Line{Ev: "won", Election: "e", Process: low, At: 50})
	if got := b.leader("e"); got != "low" {
		t.Errorf("%q leads, not the next", got)
	}
	b.line(Line{Ev: "lost", Election: "e", Process: low, At: 60})
	if b.led() {
		t.Error("nobody leads any more")
	}
}
