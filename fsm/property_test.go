package fsm_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"hustings/fsm"

	"pgregory.net/rapid"
)

// wellFormed checks one effect by itself and against the effects before it.
func (w *world) wellFormed(e fsm.Effect) error {
	switch e.Kind {
	case fsm.DoSurvey:
		if e.Round == 0 {
			return errors.New("no round")
		}
	case fsm.DoVote:
		if e.Round != w.m.Round() {
			return fmt.Errorf("round %d, we are in %d", e.Round, w.m.Round())
		}
	case fsm.DoClaim:
		if e.Round != w.m.Round() || e.Tenancy == (fsm.Tenancy{}) || !w.s.Current().Holds(w.now) {
			return fmt.Errorf("round %d, tenancy %v", e.Round, e.Tenancy)
		}
	case fsm.DoReassert:
		if e.Token == 0 || e.Tenancy == (fsm.Tenancy{}) {
			return fmt.Errorf("token %d, tenancy %v", e.Token, e.Tenancy)
		}
	case fsm.DoRelease:
		if l := w.m.Lease(); l != nil && l.Token() == e.Token && l.Valid(w.now) {
			return errors.New("the lease is valid yet")
		}
		for _, l := range w.leases {
			if l.Token() <= e.Token && l.Valid(w.now) {
				return fmt.Errorf("term %d is valid, and its record may carry this token", l.Token())
			}
		}
	case fsm.DoWithdraw:
		if w.m.State() != fsm.Idle && w.m.State() != fsm.Voting {
			return fmt.Errorf("in %s", w.m.State())
		}
	case fsm.DoLead:
		if e.Lease == nil || !e.Lease.Valid(w.now) {
			return errors.New("the lease is not valid")
		}
		if n := len(w.leases); n > 0 && w.leases[n-1].Token() >= e.Lease.Token() {
			return fmt.Errorf("after token %d", w.leases[n-1].Token())
		}
		if n := len(w.leases); n > 0 && w.leases[n-1].Valid(w.now) {
			return errors.New("the term before is valid yet")
		}
	case fsm.DoUnlead:
		if n := len(w.leases); n == 0 || w.leases[n-1].Token() != e.Token || w.leases[n-1].Valid(w.now) {
			return errors.New("of no term, or of one that is valid yet")
		}
	case fsm.DoMoved:
		return w.moved(e.Transition)
	case fsm.DoEmit:
		return w.emitted(e.Notice)
	case fsm.DoAnswer:
		if e.Request != fsm.InQuit && e.Request != fsm.InResign {
			return fmt.Errorf("answers input %d", e.Request)
		}
	case fsm.DoAck, fsm.DoKick, fsm.DoBeat, fsm.DoWatch, fsm.DoEndWork:
	default:
		return errors.New("no such effect")
	}
	return nil
}

func (w *world) moved(t fsm.Transition) error {
	if to, ok := fsm.Table.Next(t.From, t.Event); !ok || to != t.To {
		return errors.New("not in the table")
	}
	if t.Seq != w.seq+1 || t.Cause.Code == fsm.CauseNone || t.At != w.now {
		return fmt.Errorf("number %d after %d, cause %q, at %v", t.Seq, w.seq, t.Cause, t.At)
	}
	w.seq, w.at = t.Seq, t.To
	if t.To == fsm.Idle {
		// What is told of one candidacy is over once it is withdrawn; a Won is
		// followed by its Lost, which is told after the transition.
		w.told = w.lastWon
	}
	return nil
}

func (w *world) emitted(n fsm.Notice) error {
	switch n.Kind {
	case fsm.NoticeWon, fsm.NoticeLost:
		won := n.Kind == fsm.NoticeWon
		if w.told && won == w.lastWon {
			return errors.New("told already")
		}
		if won && n.Token == 0 || !won && n.Cause.Code == fsm.CauseNone {
			return fmt.Errorf("token %d, cause %q", n.Token, n.Cause)
		}
		w.told, w.lastWon = w.at != fsm.Idle, won
	case fsm.NoticeInconclusive, fsm.NoticeDrainOverdue:
		if n.Cause.Code == fsm.CauseNone {
			return errors.New("no cause")
		}
	case fsm.NoticeLeader:
	default:
		return errors.New("no such notice")
	}
	return nil
}

// check holds after every step, and between them.
func (w *world) check() error {
	st, lease := w.m.State(), w.m.Lease()
	if (lease != nil) != (st == fsm.Won) {
		return fmt.Errorf("in %s with lease %v", st, lease)
	}
	_, armed := w.m.Deadline()
	switch {
	case st == fsm.Idle && armed:
		return errors.New("idle, with a deadline")
	case (st == fsm.Voting || st == fsm.Waiting || st == fsm.Inconclusive) && !armed:
		return fmt.Errorf("in %s without a deadline", st)
	case st == fsm.Lost && !armed && (w.m.Leader().ID == "" || w.m.Leader().ID == me.ID || w.m.Leader().Original):
		return fmt.Errorf("lost to %+v, whom nobody watches, without a deadline", w.m.Leader())
	}
	if w.m.Round() < w.round {
		return fmt.Errorf("round %d after %d", w.m.Round(), w.round)
	}
	w.round = w.m.Round()
	valid := 0
	for _, l := range w.leases {
		ok := l.Valid(w.now)
		if ok && w.ended[l] {
			return fmt.Errorf("term %d is valid again", l.Token())
		}
		if ok {
			valid++
		} else {
			w.ended[l] = true
		}
		if ok && l != lease {
			return fmt.Errorf("term %d is valid, the machine is in %s", l.Token(), st)
		}
	}
	if valid > 1 {
		return fmt.Errorf("%d valid terms", valid)
	}
	return nil
}

type drawn struct{ t *rapid.T }

func (d drawn) below(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "choice") }

func TestWhateverHappensTheInvariantsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(drawn{t})
		for range rapid.IntRange(1, 150).Draw(t, "turns") {
			if err := w.turn(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

type seeded struct{ *rand.Rand }

func (s seeded) below(n int) int { return s.IntN(n) }

// Even choices go deeper than those of rapid, which likes the small and the extreme;
// rapid finds a short script when something breaks.
func TestTheInvariantsHoldInLongWorlds(t *testing.T) {
	won := 0
	for seed := range uint64(1000) {
		w := newWorld(seeded{rand.New(rand.NewPCG(seed, 1))})
		for turn := range 300 {
			if err := w.turn(); err != nil {
				t.Fatalf("seed %d, turn %d: %v", seed, turn, err)
			}
		}
		if len(w.leases) > 1 {
			won++
		}
	}
	if won < 300 {
		t.Errorf("only %d of 1000 worlds were led more than once: the choices don't reach far enough", won)
	}
}

// script is a source of choices from a fuzzer's bytes; when they end, it is empty.
type script struct{ bytes []byte }

func (s *script) below(n int) int {
	if len(s.bytes) == 0 {
		return 0
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return int(b) % n
}

func FuzzStep(f *testing.F) {
	// Alone into office: a heartbeat sent and answered, run, then replies.
	f.Add([]byte{1, 1, 1, 7, 4, 8, 0, 15, 0, 0, 15, 0, 1, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &script{data}
		w := newWorld(src)
		for turns := 0; turns < 300 && len(src.bytes) > 0; turns++ {
			if err := w.turn(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
