package redisbridge

import (
	"slices"
	"strconv"
	"time"

	"hustings/fsm"
)

func (b *Bridge) landSurvey(f flight, v any) {
	l := newList(v)
	status, left := l.text(0), l.millis(4)
	l.text(1) // our birth: not needed, but its form is checked
	items := l.list(5)
	for i, c := range f.calls {
		b.surveyed(c, status, left, items, i)
	}
}

// landRoll tells each election of a roll call what was found, and the caller that it was.
func (b *Bridge) landRoll(c *Call, v any) {
	l := newList(v)
	a := &RollAnswer{Gen: c.Gen, Status: l.text(0), Entries: c.Entries}
	left, items := l.millis(4), l.list(5)
	l.text(1) // our birth: not needed, but its form is checked
	for i, e := range c.Entries {
		if a.Status != "ok" || *l.bad {
			break
		}
		s := b.readSurvey(&Call{Election: e.Election}, items.list(i))
		s.Quarantine = left
		if pid := b.set.Route(e.Election); pid != nil && !*l.bad {
			b.root.Send(pid, &Looked{Survey: s})
		}
	}
	a.Err = l.fault()
	b.answer(c, a)
}

// landBid: to a survey that claims come two answers, as if the claim had gone out behind it.
func (b *Bridge) landBid(f flight, v any) {
	l := newList(v)
	status, left := l.text(0), l.millis(5)
	tenancy := b.claimedIn(l)
	items, claims := l.list(6), l.list(7)
	if len(claims.items) == 0 {
		status = "stale"
	}
	for i, c := range f.calls {
		b.surveyed(c, l.text(0), left, items, i)
		if c.Claim {
			b.claimed(c, status, tenancy, claims, i)
		}
	}
}

// surveyed answers a survey with an item of what Redis said.
func (b *Bridge) surveyed(c *Call, status string, left time.Duration, items list, i int) {
	var s *fsm.Survey
	switch {
	case *items.bad:
		s = &fsm.Survey{Fault: unreachable(errShape)}
	case status == "taken" || status == "stale", (status == "none" || status == "replaced") && c.Register:
		s = &fsm.Survey{Fault: fsm.Cause{Code: fsm.CauseNoSession, Detail: "Redis answers " + status}}
	default:
		s = b.readSurvey(c, items.list(i))
		s.Quarantine = left
		if *items.bad {
			s = &fsm.Survey{Fault: unreachable(errShape)}
		}
	}
	b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InSurveyed, Round: c.Round, Survey: s}})
}

// unreachable is why there is no answer: Redis gave none, or an error.
func unreachable(err error) fsm.Cause {
	code := fsm.CauseUnreachable
	switch Classify(err) {
	case Refused, Permanent:
		code = fsm.CauseRefused
	case Busy:
		code = fsm.CauseBusy
	default:
	}
	return fsm.Cause{Code: code, Detail: err.Error()}
}

func (b *Bridge) readSurvey(c *Call, l list) *fsm.Survey {
	if len(l.items) == 2 { // nobody leads, and nobody else is there
		return &fsm.Survey{Token: l.unsigned(0), Place: int(l.number(1))}
	}
	s := &fsm.Survey{Token: l.unsigned(0), Place: int(l.number(6))}
	if id := l.text(1); id != "" {
		s.Holder = fsm.Holder{
			Candidate:  fsm.Candidate{ID: id, Inc: incOf(l.text(2)), Rank: rankText(l.text(4))},
			Token:      s.Token,
			Left:       l.millis(3),
			Appointed:  l.text(5) == "1",
			Birth:      l.text(2),
			EvictGrace: l.millis(11),
		}
	}
	higher := l.list(7)
	for i := 0; i+2 < len(higher.items); i += 3 {
		s.Higher = append(s.Higher, fsm.Candidate{ID: higher.text(i), Rank: rankText(higher.text(i + 1)), Inc: incOf(higher.text(i + 2))})
	}
	var dead []string
	others := l.list(8)
	for i := 0; i+2 < len(others.items); i += 3 {
		id := others.text(i)
		if !originalID(id) {
			continue
		}
		d, ok := ParseDetails(others.text(i + 1))
		subscribers := others.number(i + 2)
		switch {
		case subscribers == 0 || !ok && subscribers > 0:
			dead = append(dead, id)
		case ok && d.Original():
			s.Originals = append(s.Originals, d.Candidate(id))
		}
	}
	s.Heir, s.HeirLeft = l.text(9), l.millis(10)
	if len(dead) > 0 {
		b.root.Send(b.set.Owner, &Suspects{Election: c.Election, IDs: dead})
	}
	return s
}

func rankText(s string) int64 {
	if s == "" { // who left has none, and an error would be made for it
		return fsm.UnknownRank
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return fsm.UnknownRank
	}
	return n
}

func (b *Bridge) landClaim(f flight, v any) {
	l := newList(v)
	tenancy := b.claimedIn(l)
	status, items := l.text(0), l.list(6)
	for i, c := range f.calls {
		b.claimed(c, status, tenancy, items, i)
	}
}

// claimedIn returns the tenancy that an answer to claims names, and notes what it says of
// the dataset.
func (b *Bridge) claimedIn(l list) fsm.Tenancy {
	t := fsm.Tenancy{Birth: l.text(1), Epoch: l.text(2)}
	b.set.Session.SeenEpoch(fsm.Epoch{Number: l.unsigned(3), Name: t.Epoch})
	b.set.Session.Seen(l.unsigned(4))
	return t
}

// claimed answers a claim with an item of what Redis said.
func (b *Bridge) claimed(c *Call, status string, t fsm.Tenancy, items list, i int) {
	in := fsm.Input{Kind: fsm.InClaimed, Round: c.Round, Tenancy: t}
	switch {
	case *items.bad:
	case status != "ok":
		in.Outcome = fsm.OutcomeStale
	default:
		readClaim(&in, items.list(i))
		if b.short != nil && in.Outcome == fsm.OutcomeGranted {
			in.Outcome, in.Cause = fsm.OutcomeUnreplicated, fsm.Cause{Code: fsm.CauseReplicas, Detail: b.short.Error()}
		}
		if *items.bad {
			in.Outcome = fsm.OutcomeUnknown
		}
	}
	b.answer(c, &Answer{Gen: c.Gen, Input: in})
}

func readClaim(in *fsm.Input, l list) {
	switch l.text(0) {
	case "granted":
		in.Outcome, in.Token, in.Appointed = fsm.OutcomeGranted, l.unsigned(1), l.text(2) == "1"
	case "held":
		in.Outcome = fsm.OutcomeHeld
		in.Holder = &fsm.Holder{
			Candidate:  fsm.Candidate{ID: l.text(1), Inc: incOf(l.text(4)), Rank: rankText(l.text(5))},
			Token:      l.unsigned(2),
			Left:       l.millis(3),
			Appointed:  l.text(6) == "1",
			Birth:      l.text(4),
			EvictGrace: l.millis(7),
		}
	case "quarantine":
		in.Outcome, in.Wait = fsm.OutcomeQuarantine, l.millis(1)
	case "kept":
		in.Outcome, in.Wait, in.Heir = fsm.OutcomeKept, l.millis(1), l.text(2)
	case "spent":
		in.Outcome = fsm.OutcomeSpent
		in.Cause = fsm.Cause{Code: fsm.CauseRefused, Detail: "no token is left above what " + l.text(1) + " has; docs/operations.md says how to mend it"}
	case "outranked":
		in.Outcome = fsm.OutcomeOutranked
	case "refused":
		in.Outcome = fsm.OutcomeRefused
	default:
		*l.bad = true
	}
}

var reasserted = map[string]fsm.Outcome{
	"ok": fsm.OutcomeReasserted, "superseded": fsm.OutcomeSuperseded, "refused": fsm.OutcomeRefused,
}

func (b *Bridge) landReassert(f flight, v any) {
	l := newList(v)
	status := l.text(0)
	tenancy := fsm.Tenancy{Birth: l.text(1), Epoch: l.text(2)}
	items := l.list(4)
	for i, c := range f.calls {
		in := fsm.Input{Kind: fsm.InReasserted, Token: c.Token, Tenancy: tenancy, Outcome: fsm.OutcomeStale}
		if status == "ok" && !*l.bad {
			in.Outcome = reasserted[items.text(i)]
		}
		b.answer(c, &Answer{Gen: c.Gen, Input: in})
	}
}

// landQuit: a quit that was refused as stale was composed on a connection that is not
// the newest any more, which this one is: it is sent again. One that found our id
// taken has nothing to give up.
func (b *Bridge) landQuit(f flight, v any) {
	if newList(v).text(0) == "stale" {
		b.later(f.calls)
		return
	}
	for _, c := range f.calls {
		b.withdrawn(c)
		b.forgo(c.Election)
	}
}

func (b *Bridge) withdrawn(c *Call) {
	b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InWithdrawn}})
}

// forgo: an election has been quit, and who has quit it may stand again. An older quit that
// Redis refused has nothing left to give up, and must not take what is begun from now on.
func (b *Bridge) forgo(election string) {
	if len(b.owing) == 0 {
		return
	}
	b.owing = slices.DeleteFunc(b.owing, func(c *Call) bool {
		done := c.Kind == CallQuit && c.Election == election
		if done {
			b.withdrawn(c)
		}
		return done
	})
}
