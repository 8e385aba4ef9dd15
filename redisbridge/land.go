package redisbridge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hustings/fsm"
)

// errShape is a reply that is not what the protocol says. Nothing that arrives from
// Redis may crash a node.
var errShape = errors.New("redisbridge: a script's reply has an unexpected form: is another version of hustings in the fleet?")

// list reads script replies without trusting their form: what is missing or of another
// type reads as zero and is remembered.
type list struct {
	items []any
	bad   *bool
}

func newList(v any) list {
	items, ok := v.([]any)
	bad := !ok
	return list{items, &bad}
}

func (l list) at(i int) any {
	if i >= len(l.items) {
		*l.bad = true
		return nil
	}
	return l.items[i]
}

func (l list) text(i int) string {
	switch v := l.at(i).(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		*l.bad = true
		return ""
	}
}

func (l list) number(i int) int64 {
	switch v := l.at(i).(type) {
	case int64:
		return v
	case string:
		if v == "" {
			return 0
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			*l.bad = true
		}
		return n
	default:
		*l.bad = true
		return 0
	}
}

func (l list) unsigned(i int) uint64 { return uint64(max(l.number(i), 0)) } //nolint:gosec // not negative

func (l list) millis(i int) time.Duration {
	return time.Duration(max(l.number(i), 0)) * time.Millisecond
}

func (l list) list(i int) list {
	items, ok := l.at(i).([]any)
	if !ok {
		*l.bad = true
	}
	return list{items, l.bad}
}

func (l list) fault() error {
	if *l.bad {
		return errShape
	}
	return nil
}

// land turns the reply to a command into the answers to its calls.
func (b *Bridge) land(f flight, r Reply) {
	if r.Err != nil {
		for _, c := range f.calls {
			b.answer(c, fault(c, r.Err))
		}
		return
	}
	c := f.calls[0]
	switch f.kind {
	case CallHeartbeat:
		a := landHeartbeat(c, r.Value)
		if b.short != nil && a.Err == nil && a.Tenancy.Birth != "" {
			b.answer(c, fault(c, b.short))
		} else {
			b.answer(c, a)
		}
		if a.Err == nil && (a.Verdict == fsm.VerdictCreated || a.Verdict == fsm.VerdictExtended) {
			b.checkProbe(c.Req)
		}
	case CallSurvey:
		b.landSurvey(f, r.Value)
	case CallClaim:
		b.landClaim(f, r.Value)
	case CallReassert:
		b.landReassert(f, r.Value)
	case CallRelease:
		for _, c := range f.calls {
			b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InReleased, Token: c.Token}})
		}
	case CallQuit:
		b.landQuit(f, r.Value)
	case CallLeave:
		l := newList(r.Value)
		b.answer(c, &LeaveAnswer{Status: l.text(0), Err: l.fault()})
	case CallJoin:
		l := newList(r.Value)
		b.answer(c, &JoinAnswer{Status: l.text(0), Err: l.fault(), Entries: c.Entries})
	case CallEvict:
		b.answer(c, landEvict(c, r.Value))
	case CallPeer:
		b.landPeer(f, r.Value)
	case CallMembers:
		b.answer(c, landMembers(r.Value))
	case CallPurge:
		l := newList(r.Value)
		b.answer(c, &PurgeAnswer{Target: c.Target, Purged: l.number(0) == 1, Err: l.fault()})
	case CallSubscribers:
		b.answer(c, landSubscribers(c, r.Value))
	default:
		n, _ := r.Value.(int64)
		for _, c := range f.calls {
			b.answer(c, &Published{Gen: c.Gen, Receivers: n})
		}
	}
}

var verdicts = map[string]fsm.Verdict{
	"extended": fsm.VerdictExtended, "created": fsm.VerdictCreated,
	"taken": fsm.VerdictTaken, "stale": fsm.VerdictStale, "replaced": fsm.VerdictReplaced,
}

func landHeartbeat(c *Call, v any) *HeartbeatAnswer {
	l := newList(v)
	a := &HeartbeatAnswer{Req: c.Req, Verdict: verdicts[l.text(0)]}
	switch a.Verdict {
	case fsm.VerdictTaken:
		a.Left, a.OtherBirth = l.millis(1), l.text(2)
		a.Other, _ = ParseDetails(l.text(3))
	case fsm.VerdictStale:
	case fsm.VerdictReplaced:
		a.Left = l.millis(1)
		a.Other, _ = ParseDetails(l.text(2))
	case fsm.VerdictExtended, fsm.VerdictCreated:
		a.Tenancy = fsm.Tenancy{Birth: l.text(1), Epoch: l.text(2)}
		a.Epoch = fsm.Epoch{Number: l.unsigned(3), Name: l.text(2)}
		a.Floor = l.unsigned(4)
		a.Quarantine = l.millis(5)
		a.Version, a.Details = l.unsigned(6), int(l.number(7))
		vacant := l.list(8)
		for i := range vacant.items {
			a.Vacant = append(a.Vacant, vacant.text(i))
		}
		watched := l.list(9)
		for i, id := range c.Watch {
			a.Watched = append(a.Watched, Watched{ID: id, Left: watched.millis(2 * i), Birth: watched.text(2*i + 1)})
		}
	default:
		a.Err = errShape
		return a
	}
	a.Err = l.fault()
	return a
}

// incOf is the incarnation in a birth.
func incOf(birth string) string {
	inc, _, _ := strings.Cut(birth, "-")
	return inc
}

func (b *Bridge) landSurvey(f flight, v any) {
	l := newList(v)
	status, left := l.text(0), l.millis(4)
	l.text(1) // our birth: not needed, but its form is checked
	items := l.list(5)
	for i, c := range f.calls {
		var s *fsm.Survey
		switch {
		case *l.bad:
			s = &fsm.Survey{Fault: unreachable(errShape)}
		case status == "taken" || status == "stale", (status == "none" || status == "replaced") && c.Register:
			s = &fsm.Survey{Fault: fsm.Cause{Code: fsm.CauseNoSession, Detail: "Redis answers " + status}}
		default:
			s = b.readSurvey(c, items.list(i))
			s.Quarantine = left
			if *l.bad {
				s = &fsm.Survey{Fault: unreachable(errShape)}
			}
		}
		b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InSurveyed, Round: c.Round, Survey: s}})
	}
}

func unreachable(err error) fsm.Cause {
	return fsm.Cause{Code: fsm.CauseUnreachable, Detail: err.Error()}
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
	for i := 0; i+3 < len(higher.items); i += 4 {
		s.Higher = append(s.Higher, fsm.Candidate{ID: higher.text(i), Rank: rankText(higher.text(i + 1)), Inc: incOf(higher.text(i + 2))})
	}
	var dead []string
	others := l.list(8)
	for i := 0; i+2 < len(others.items); i += 3 {
		id := others.text(i)
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
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return fsm.UnknownRank
	}
	return n
}

func (b *Bridge) landClaim(f flight, v any) {
	l := newList(v)
	status := l.text(0)
	tenancy := fsm.Tenancy{Birth: l.text(1), Epoch: l.text(2)}
	b.set.Session.SeenEpoch(fsm.Epoch{Number: l.unsigned(3), Name: tenancy.Epoch})
	b.set.Session.Seen(l.unsigned(4))
	items := l.list(6)
	for i, c := range f.calls {
		in := fsm.Input{Kind: fsm.InClaimed, Round: c.Round, Tenancy: tenancy}
		switch {
		case *l.bad:
		case status != "ok":
			in.Outcome = fsm.OutcomeStale
		default:
			readClaim(&in, items.list(i))
			if b.short != nil && in.Outcome == fsm.OutcomeGranted {
				in.Outcome, in.Cause = fsm.OutcomeUnreplicated, fsm.Cause{Code: fsm.CauseReplicas, Detail: b.short.Error()}
			}
			if *l.bad {
				in.Outcome = fsm.OutcomeUnknown
			}
		}
		b.answer(c, &Answer{Gen: c.Gen, Input: in})
	}
}

func readClaim(in *fsm.Input, l list) {
	switch l.text(0) {
	case "granted":
		in.Outcome, in.Token, in.Appointed = fsm.OutcomeGranted, l.unsigned(1), l.text(2) == "1"
	case "held":
		in.Outcome = fsm.OutcomeHeld
		in.Holder = fsm.Holder{
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

var doubts = map[string]Doubted{
	"unknown": DoubtUnknown, "heard": DoubtHeard, "doubted": DoubtStands,
	"quarantine": DoubtRefused, "evicted": DoubtEvicted, "gone": DoubtGone,
}

func landEvict(c *Call, v any) *EvictAnswer {
	l := newList(v)
	a := &EvictAnswer{}
	if l.text(0) == "ok" {
		items := l.list(1)
		for i, d := range c.Doubts {
			item := items.list(i)
			a.Items = append(a.Items, Eviction{d, doubts[item.text(0)], item.millis(1)})
		}
	}
	if a.Err = l.fault(); a.Err != nil {
		a.Items = nil
	}
	return a
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
		b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InWithdrawn}})
	}
}

// landPeer answers calls about one node, each about an election, or one about none.
func (b *Bridge) landPeer(f flight, v any) {
	l := newList(v)
	text, live, subscribers := l.text(0), l.millis(1), l.number(3)
	l.text(2) // the birth: not needed, but its form is checked
	took, stands, seats := l.number(4), l.number(5), l.list(6)
	d, listed := ParseDetails(text)
	for i, c := range f.calls {
		a := &PeerAnswer{
			Gen: c.Gen, Election: c.Election, ID: c.Target, Details: d, Listed: listed, Who: d.Candidate(c.Target),
			Live: live, Subscribers: subscribers, Participated: took, Stands: stands,
		}
		if c.Election != "" {
			a.Candidate = seats.number(2*i) == 1
			if rank := seats.text(2*i + 1); rank != "" {
				a.Who.Rank, a.Who.Original = rankText(rank), false
			}
		}
		a.Err = l.fault()
		b.answer(c, a)
	}
}

func landSubscribers(c *Call, v any) *SubscribersAnswer {
	l := newList(v)
	a := &SubscribersAnswer{IDs: c.Watch}
	for i := range c.Watch {
		a.Counts = append(a.Counts, l.number(2*i+1))
	}
	a.Err = l.fault()
	return a
}

func landMembers(v any) *MembersAnswer {
	l := newList(v)
	a := &MembersAnswer{Version: l.unsigned(0), Full: l.number(1) == 1}
	items := l.list(2)
	for i := 0; i+3 < len(items.items); i += 4 {
		kind := items.text(i + 1)
		if kind == "" {
			*l.bad = true
			break
		}
		m := Member{ID: items.text(i), Kind: kind[0], Live: items.millis(i + 3)}
		m.Details, m.Listed = ParseDetails(items.text(i + 2))
		a.Members = append(a.Members, m)
	}
	if a.Err = l.fault(); a.Err != nil {
		a.Err = fmt.Errorf("members: %w", a.Err)
	}
	return a
}
