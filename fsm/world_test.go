package fsm_test

import (
	"fmt"
	"time"

	"hustings/fsm"
)

// source is where a random world takes its choices from: rapid, or a fuzzer's bytes.
// below returns a number in [0, n).
type source interface{ below(n int) int }

// world drives one machine with choices, answers some of its requests as a hostile
// Redis would, and checks after every step what must always hold.
type world struct {
	src     source
	m       *fsm.Machine
	s       *fsm.Session
	now     fsm.Instant
	token   uint64 // of the last grant
	asked   []fsm.Effect
	beats   []uint64
	leases  []*fsm.Lease
	ended   map[*fsm.Lease]bool
	round   uint64
	seq     uint64
	at      fsm.State // as the transitions tell it
	lastWon bool
	told    bool
}

var people = []fsm.Candidate{me, high, higher, low, oldHi, oldLo, {}, {ID: "high", Inc: "other", Rank: -1}, {ID: "me", Inc: "x", Rank: 1 << 60}}

func newWorld(src source) *world {
	rules := standard()
	rules.Sticky = src.below(4) == 0
	rules.Mixed = src.below(3) > 0
	if src.below(3) == 0 {
		rules.MinTenure = time.Minute
	}
	w := &world{src: src, s: fsm.NewSession(inc, ttl), now: fsm.Instant{Mono: time.Hour, Wall: 1000 * time.Hour}, ended: map[*fsm.Lease]bool{}}
	w.m = fsm.NewMachine(me, &rules, w.s, uint64(src.below(1000)))
	return w
}

func pick[T any](src source, of []T) T { return of[src.below(len(of))] }

func (w *world) someone() fsm.Candidate { return pick(w.src, people) }

func (w *world) someToken() uint64 {
	return pick(w.src, []uint64{0, 1, w.token, w.token + 1, w.m.Leader().Token, 1<<63 + 5})
}

func (w *world) someRound() uint64 {
	return pick(w.src, []uint64{w.m.Round(), w.m.Round(), 0, w.m.Round() - 1, w.m.Round() + 1, looking | 1, 1<<64 - 1})
}

func (w *world) someTime() time.Duration {
	return pick(w.src, []time.Duration{0, 1, time.Millisecond, 100 * time.Millisecond, time.Second, ttl / 3, ttl, time.Minute, -1, 1<<63 - 1, -1 << 63})
}

func (w *world) someTenancy() fsm.Tenancy { return pick(w.src, []fsm.Tenancy{first, second, {}}) }

func (w *world) someHolder() fsm.Holder {
	return fsm.Holder{Candidate: w.someone(), Token: w.someToken(), Left: w.someTime(), Appointed: w.src.below(2) == 0}
}

func (w *world) someSurvey() *fsm.Survey {
	s := &fsm.Survey{Holder: w.someHolder(), Token: w.someToken(), Place: w.src.below(5) - 1, Quarantine: w.someTime()}
	if w.src.below(2) == 0 {
		s.Holder = fsm.Holder{}
	}
	if w.src.below(4) == 0 {
		s.Heir, s.HeirLeft = w.someone().ID, w.someTime()
	}
	if w.src.below(4) == 0 {
		s.Fault = fsm.Cause{Code: pick(w.src, []fsm.CauseCode{fsm.CauseUnreachable, fsm.CauseNoSession, 200}), Detail: "x"}
	}
	for range w.src.below(3) {
		s.Higher = append(s.Higher, w.someone())
	}
	for range w.src.below(3) {
		s.Originals = append(s.Originals, w.someone())
	}
	return s
}

// anything is an input made without regard for what the machine expects, but that a
// grant is Redis's word: its tokens rise, and it answers a claim.
func (w *world) anything() fsm.Input {
	in := fsm.Input{
		Kind: fsm.InputKind(w.src.below(int(fsm.InTick) + 3)), Round: w.someRound(), From: w.someone(),
		Outcome: fsm.Outcome(w.src.below(11)), Appointed: w.src.below(2) == 0, Tenancy: w.someTenancy(), Token: w.someToken(),
		Holder: new(w.someHolder()), Wait: w.someTime(), Draining: w.someTime(),
		Heir: pick(w.src, people).ID, Cause: fsm.Cause{Code: fsm.CauseCode(w.src.below(256))},
	}
	if in.Kind == fsm.InSurveyed {
		in.Survey = w.someSurvey()
	}
	if in.Kind == fsm.InClaimed && in.Outcome == fsm.OutcomeGranted {
		w.token++
		in.Token = w.token
	}
	return in
}

// reply answers one of the requests that are not answered yet, or loses it.
func (w *world) reply() (fsm.Input, bool) {
	if len(w.asked) == 0 {
		return fsm.Input{}, false
	}
	i := w.src.below(len(w.asked))
	e := w.asked[i]
	w.asked = append(w.asked[:i], w.asked[i+1:]...)
	switch e.Kind {
	case fsm.DoSurvey:
		if w.src.below(2) == 0 {
			return fsm.Input{Kind: fsm.InSurveyed, Round: e.Round, Survey: &fsm.Survey{}}, true
		}
		return fsm.Input{Kind: fsm.InSurveyed, Round: e.Round, Survey: w.someSurvey()}, true
	case fsm.DoVote:
		kind := fsm.InAck
		if w.src.below(3) == 0 {
			kind = fsm.InKick
		}
		return fsm.Input{Kind: kind, Round: e.Round, From: e.To, Draining: pick(w.src, []time.Duration{0, 0, time.Second})}, true
	case fsm.DoClaim:
		in := fsm.Input{Kind: fsm.InClaimed, Round: e.Round, Tenancy: e.Tenancy, Outcome: fsm.OutcomeGranted}
		if w.src.below(4) == 0 {
			in.Outcome, in.Holder = pick(w.src, []fsm.Outcome{fsm.OutcomeUnknown, fsm.OutcomeHeld, fsm.OutcomeQuarantine, fsm.OutcomeRefused, fsm.OutcomeStale, fsm.OutcomeKept, fsm.OutcomeOutranked, fsm.OutcomeSpent}), new(w.someHolder())
			in.Heir, in.Wait = w.someone().ID, w.someTime()
			in.Cause = fsm.Cause{Code: fsm.CauseRefused, Detail: "says what is spent"}
		}
		if in.Outcome == fsm.OutcomeGranted {
			w.token++
			in.Token, in.Appointed = w.token, w.src.below(4) == 0
		}
		return in, true
	case fsm.DoReassert:
		return fsm.Input{Kind: fsm.InReasserted, Token: e.Token, Tenancy: e.Tenancy, Outcome: pick(w.src, []fsm.Outcome{fsm.OutcomeReasserted, fsm.OutcomeSuperseded, fsm.OutcomeStale, fsm.OutcomeUnknown})}, true
	case fsm.DoRelease:
		return fsm.Input{Kind: fsm.InReleased, Token: e.Token}, true
	case fsm.DoWithdraw:
		return fsm.Input{Kind: fsm.InWithdrawn}, true
	case fsm.DoEndWork:
		return fsm.Input{Kind: fsm.InDrained}, true
	}
	return fsm.Input{}, false
}

// turn lets one thing happen. The error says what does not hold after it. The weights
// are such that about every other world gets into office and out of it again.
func (w *world) turn() error {
	switch w.src.below(16) {
	case 0:
		w.now = w.now.Add(pick(w.src, []time.Duration{1, 10 * time.Millisecond, 10 * time.Millisecond, time.Second, ttl / 3, term, time.Minute}))
	case 1:
		if w.src.below(8) == 0 {
			w.now.Wall += pick(w.src, []time.Duration{time.Hour, -time.Hour})
		}
	case 2:
		w.beats = append(w.beats, w.s.Beat(w.now))
		if len(w.beats) > 20 {
			w.beats = w.beats[1:]
		}
	case 3:
		if len(w.beats) > 0 {
			v := pick(w.src, []fsm.Verdict{fsm.VerdictExtended, fsm.VerdictExtended, fsm.VerdictCreated, fsm.VerdictStale, fsm.VerdictTaken})
			return w.answered(pick(w.src, w.beats), v, pick(w.src, []fsm.Tenancy{first, first, first, second, {}}))
		}
	case 4, 5:
		return w.answered(w.s.Beat(w.now), fsm.VerdictExtended, first)
	case 6:
		return w.step(w.anything())
	case 7:
		if at, ok := w.m.Deadline(); ok && w.src.below(2) == 0 {
			w.now = w.now.Add(max(at-w.now.Mono, 0))
		}
		return w.step(fsm.Input{Kind: fsm.InTick})
	case 8, 9:
		return w.step(fsm.Input{Kind: pick(w.src, []fsm.InputKind{fsm.InRun, fsm.InRun, fsm.InRun, fsm.InStand, fsm.InQuit, fsm.InResign, fsm.InStandDown}), Heir: pick(w.src, []string{"", "", "low", "high"})})
	default:
		if in, ok := w.reply(); ok {
			return w.step(in)
		}
	}
	return w.check()
}

// answered has a heartbeat answered, and does what the node does then.
func (w *world) answered(req uint64, v fsm.Verdict, t fsm.Tenancy) error {
	if w.s.Answer(w.now, req, v, t, fsm.Epoch{Number: 1, Name: t.Epoch}).Changed {
		return w.step(fsm.Input{Kind: fsm.InTenancy})
	}
	return w.check()
}

// step takes an input and keeps account of what it gives.
func (w *world) step(in fsm.Input) error {
	for i, e := range w.m.Step(w.now, in) {
		if err := w.wellFormed(e); err != nil {
			return fmt.Errorf("input %+v: effect %d, %q: %w", in, i, describe(e), err)
		}
		switch {
		case e.Kind == fsm.DoClaim && e.Eager:
			continue // asked for with the survey
		case e.Kind == fsm.DoSurvey && e.Eager:
			w.asked = append(w.asked, fsm.Effect{Kind: fsm.DoClaim, Round: e.Round, Tenancy: e.Tenancy})
		}
		switch e.Kind {
		case fsm.DoSurvey, fsm.DoVote, fsm.DoClaim, fsm.DoReassert, fsm.DoRelease, fsm.DoWithdraw, fsm.DoEndWork:
			w.asked = append(w.asked, e)
			if len(w.asked) > 64 {
				w.asked = w.asked[1:]
			}
		case fsm.DoLead:
			w.leases = append(w.leases, e.Lease)
		}
	}
	if err := w.check(); err != nil {
		return fmt.Errorf("input %+v: %w", in, err)
	}
	return nil
}
