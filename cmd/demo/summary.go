package main

import (
	"fmt"
	"sort"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// summary checks the terms and prints the figures.
func (s *stage) summary() error {
	list := s.book.terms()
	if err := checkTerms(list); err != nil {
		return err
	}
	s.out.title("summary")
	for _, f := range s.figures {
		s.out.say("  %-24s %10s  after %s", f.what, f.took.Round(10*time.Microsecond), f.note)
	}
	s.out.say("  %d terms, never two leaders at once, and each token above the one before", len(list))
	return nil
}

// term is one time in office.
type term struct {
	who    string
	token  uint64
	from   fsm.Instant
	to     time.Duration // monotonic; known says whether somebody could tell
	known  bool
	lapsed bool
}

// terms reads all terms from the book, in order of their beginnings.
func (b *book) terms() []term {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []term
	open := map[string]int{} // by node: its last term
	for _, e := range b.entries {
		switch ev := e.ev.(type) {
		case *actors.Won:
			open[e.who] = len(list)
			list = append(list, term{who: e.who, token: ev.Token, from: ev.At})
		case *actors.Lost:
			if i, ok := open[e.who]; ok && !list[i].known {
				list[i].to, list[i].known = ev.At.Mono, true
				list[i].lapsed = ev.Cause.Code == fsm.CauseLapsed
			}
		}
	}
	for i := range list {
		if at, ok := b.ends[list[i].token]; ok && !list[i].known {
			list[i].to, list[i].known = at.Mono, true
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].from.Mono < list[j].from.Mono })
	return list
}

// checkTerms reports two leaders at once, and a token that did not rise. A term that
// lapsed ended before anybody could say so: its end is not compared.
func checkTerms(list []term) error {
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		switch {
		case !a.known:
			return fmt.Errorf("%s won while %s, elected before, had not said that it lost", b.who, a.who)
		case !a.lapsed && a.to > b.from.Mono:
			return fmt.Errorf("%s and %s led at the same time, for %v", a.who, b.who, a.to-b.from.Mono)
		case b.token <= a.token:
			return fmt.Errorf("token %d of %s does not rise above token %d of %s", b.token, b.who, a.token, a.who)
		}
	}
	return nil
}
