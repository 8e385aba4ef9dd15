package main

import (
	"hustings/actors"
	"hustings/fsm"
)

// probe asks Valid in every election now and then, and prints changes of the answer.
func (r *nodeRun) probe() {
	if r.o.probe <= 0 {
		return
	}
	for pause(r.over, r.o.probe) {
		for _, s := range r.standing() {
			s.poll()
		}
	}
}

// poll asks once. A term that began since the last poll is a new question: the answer
// about the old one comes first, so that two terms never look like one.
func (s *stand) poll() {
	s.polls.Lock()
	defer s.polls.Unlock()
	l := s.lead.Load()
	if l == nil || s.run.o.probe <= 0 {
		return
	}
	if s.polled != l && s.yes {
		s.ask(s.polled)
	}
	s.polled = l
	s.ask(l)
}

// ask reads the clock before and after. A yes held at the earlier reading still, a no
// holds from the later one on: a stop of the process between them fakes nothing.
func (s *stand) ask(l *actors.Leadership) {
	at := clock.Now()
	valid := l.Valid() || s.run.lies(at, l)
	until := l.Until()
	if !valid {
		at = clock.Now()
	}
	if s.run.o.held {
		s.hold(l, valid, at, until)
	}
	if valid == s.yes {
		return
	}
	s.yes = valid
	s.run.printer.print(newLine("valid", at, "election", s.election, "value", valid, "until_ns", monoNS(until)))
}

// held is what is known of a term between its first yes and its no.
type held struct {
	of         *actors.Leadership
	yes, until fsm.Instant // the last yes, and what the last line said of the trust
}

// hold keeps the last yes, and prints it when the trust has been prolonged and when it
// has ended: whoever reads the lines of a process that was killed knows from the last one
// until when it was trusted at least.
func (s *stand) hold(l *actors.Leadership, valid bool, at, until fsm.Instant) {
	if s.held.of != l {
		s.held = held{of: l}
	}
	h := &s.held
	if valid {
		h.yes = at
	}
	if h.yes != (fsm.Instant{}) && (until != h.until || !valid && s.yes) {
		h.until = until
		s.run.printer.print(newLine("held", at, "election", s.election, "token", l.Token(),
			"yes_ns", monoNS(h.yes), "until_ns", monoNS(until)))
	}
}

// liar names the environment variable that makes a node say yes for so long after its
// trust has ended. It is there to show that demo chaos finds such a node.
const liar = "HUSTINGS_DEMO_LIES"

// lies reports whether this node says yes although its trust has ended.
func (r *nodeRun) lies(now fsm.Instant, l *actors.Leadership) bool {
	return r.lie > 0 && now.Mono < l.Until().Mono+r.lie
}
