package main

import "hustings/actors"

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
	valid := l.Valid()
	until := l.Until()
	if !valid {
		at = clock.Now()
	}
	if valid == s.yes {
		return
	}
	s.yes = valid
	s.run.printer.print(newLine("valid", at, "election", s.election, "value", valid, "until_ns", monoNS(until)))
}
