package redisbridge

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hustings/fsm"
)

// errShape is a reply that is not what the protocol says. Nothing that arrives from
// Redis may crash a node.
var errShape = errors.New("redisbridge: a script's reply has an unexpected form: is another version of hustings in the fleet?")

// land turns the reply to a command into the answers to its calls.
func (b *Bridge) land(f flight, r Reply) {
	if r.Err != nil {
		for _, c := range f.calls {
			b.unsure(c, r.Err)
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
			b.inSession(a.Tenancy.Birth)
		}
	case CallSurvey:
		if bids(f.calls) {
			b.landBid(f, r.Value)
		} else {
			b.landSurvey(f, r.Value)
		}
	case CallClaim:
		b.landClaim(f, r.Value)
	case CallReassert:
		b.landReassert(f, r.Value)
	case CallRelease:
		for _, c := range f.calls {
			b.released(c)
		}
	case CallQuit:
		b.landQuit(f, r.Value)
	case CallLeave:
		l := newList(r.Value)
		status := l.text(0)
		l.number(1) // none is left, or it would be repeated
		b.answer(c, &LeaveAnswer{Status: status, Err: l.fault()})
	case CallJoin:
		l := newList(r.Value)
		b.answer(c, &JoinAnswer{Status: l.text(0), Err: l.fault(), Entries: c.Entries})
	case CallEvict:
		b.answer(c, landEvict(c, r.Value))
	case CallPeer:
		b.landPeer(f, r.Value)
	case CallMembers:
		b.answer(c, b.landMembers(r.Value))
	case CallPurge:
		l := newList(r.Value)
		purged := l.number(0) == 1
		l.number(1)
		b.answer(c, &PurgeAnswer{Target: c.Target, Purged: purged, Err: l.fault()})
	case CallSubscribers:
		b.answer(c, landSubscribers(c, r.Value))
	case CallRoll:
		b.landRoll(c, r.Value)
	case CallRestore:
		b.answer(c, &RestoreAnswer{Gen: c.Gen, ID: c.Target})
	default:
		n, _ := r.Value.(int64)
		for _, c := range f.calls {
			b.answer(c, &Published{Gen: c.Gen, Receivers: n})
		}
	}
}

func (b *Bridge) released(c *Call) {
	b.answer(c, &Answer{Gen: c.Gen, Input: fsm.Input{Kind: fsm.InReleased, Token: c.Token}})
}

// inSession: our session is of this birth, so no record counts that names us with an older one.
// After an outage the releases of all that a node has led would delay what is to be done now.
func (b *Bridge) inSession(birth string) {
	var rest []*Call
	for _, c := range b.queue[CallRelease] {
		if over := c.Tenancy.Birth; over == "" || over == birth {
			rest = append(rest, c)
		} else {
			b.released(c)
			b.queued--
		}
	}
	b.queue[CallRelease] = rest
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
		a.Other = &Namesake{Left: l.millis(1), Birth: l.text(2)}
		a.Other.Details, _ = ParseDetails(l.text(3))
	case fsm.VerdictStale:
	case fsm.VerdictReplaced:
		a.Other = &Namesake{Left: l.millis(1)}
		a.Other.Details, _ = ParseDetails(l.text(2))
	case fsm.VerdictExtended, fsm.VerdictCreated:
		a.Tenancy = fsm.Tenancy{Birth: l.text(1), Epoch: l.text(2)}
		a.Number, a.Floor = l.unsigned(3), l.unsigned(4)
		a.Quarantine = l.millis(5)
		a.Version, a.Details = l.unsigned(6), int(l.number(7))
		vacant := l.list(8)
		for i := range vacant.items {
			a.Vacant = append(a.Vacant, vacant.text(i))
		}
		// PTTL counts from the beginning of a millisecond, some of which has passed.
		watched, phase := l.list(9), time.Duration(l.number(10))*time.Microsecond
		for i, id := range c.Watch {
			w := Watched{ID: id, Left: watched.millis(2 * i), Birth: watched.text(2*i + 1)}
			if w.Left > 0 && phase > 0 && phase < time.Millisecond {
				w.Left -= phase
			}
			a.Watched = append(a.Watched, w)
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

var doubts = map[string]Doubted{
	"unknown": DoubtUnknown, "heard": doubtHeard, "doubted": DoubtStands,
	"quarantine": DoubtRefused, "evicted": DoubtEvicted, "gone": DoubtGone,
}

// noneEvicted is the answer to nearly every look.
var noneEvicted = &EvictAnswer{}

func landEvict(c *Call, v any) *EvictAnswer {
	l := newList(v)
	var found []Eviction
	if l.text(0) == "ok" {
		items := l.list(1)
		for i, d := range c.Doubts {
			item := items.list(i)
			if word, left := doubts[item.text(0)], item.millis(1); word != doubtHeard {
				found = append(found, Eviction{d, word, left})
			}
		}
	}
	switch err := l.fault(); {
	case err != nil:
		return &EvictAnswer{Err: err}
	case len(found) == 0:
		return noneEvicted
	}
	return &EvictAnswer{Items: found}
}

// landPeer answers calls about one node, each about an election, or one about none.
func (b *Bridge) landPeer(f flight, v any) {
	l := newList(v)
	text, live, subscribers := l.text(0), l.millis(1), l.number(3)
	l.text(2) // the birth: not needed, but its form is checked
	took, stands, seats := l.number(4), l.number(5), l.list(6)
	d, listed := b.readDetails(f.calls[0].Target, text)
	for i, c := range f.calls {
		a := &PeerAnswer{
			Gen: c.Gen, Election: c.Election, ID: c.Target, Details: *d, Listed: listed, Who: d.Candidate(c.Target),
			Live: live, Subscribers: subscribers, Participated: took, Stands: stands,
		}
		if c.Election != "" {
			a.Candidate = seats.number(2*i) == 1
			// Without a session it may be the rank of one of ours in whose place an original
			// was started.
			if rank := seats.text(2*i + 1); rank != "" && (live > 0 || !listed || !d.Original()) {
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

func (b *Bridge) landMembers(v any) *MembersAnswer {
	l := newList(v)
	a := &MembersAnswer{Version: l.unsigned(0), Full: l.number(1) == 1, Details: int(l.number(3))}
	items := l.list(2)
	a.Members = make([]Member, 0, len(items.items)/4)
	for i := 0; i+3 < len(items.items); i += 4 {
		kind := items.text(i + 1)
		if kind == "" {
			*l.bad = true
			break
		}
		m := Member{ID: items.text(i), Kind: kind[0], Live: items.millis(i + 3)}
		m.Details, m.Listed = b.readDetails(m.ID, items.text(i+2))
		if originalID(m.ID) {
			a.Members = append(a.Members, m)
		}
	}
	if a.Err = l.fault(); a.Err != nil {
		a.Err = fmt.Errorf("members: %w", a.Err)
	}
	return a
}
