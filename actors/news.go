package actors

// news is what one message to an election has made of it, for subscribers: it goes to the
// node in one piece.
type news struct {
	few  [6]Event // hardly a step has more, and these need no heap
	n    int
	more []Event
}

// happened takes several events of an election to the node, in their order.
type happened struct {
	silent
	events []Event
}

func (l *news) add(ev Event) {
	if l.n < len(l.few) {
		l.few[l.n] = ev
		l.n++
		return
	}
	l.more = append(l.more, ev)
}

func (l *news) send(e *env) {
	switch {
	case l.n == 0:
	case l.n == 1:
		e.root.Send(e.node, l.few[0])
	default:
		e.root.Send(e.node, &happened{events: append(append(make([]Event, 0, l.n+len(l.more)), l.few[:l.n]...), l.more...)})
	}
}
