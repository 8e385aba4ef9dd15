package fsm_test

import (
	"fmt"
	"testing"
	"time"

	"hustings/fsm"
)

// at is an instant d after a start on both clocks.
func at(d time.Duration) fsm.Instant { return fsm.Instant{Mono: time.Hour, Wall: time.Hour}.Add(d) }

func answer(s *fsm.Session, now fsm.Instant, req uint64, v fsm.Verdict, t fsm.Tenancy) fsm.Answered {
	return s.Answer(now, req, v, t, fsm.Epoch{Number: 1, Name: t.Epoch})
}

func TestTheMarginIsATenthAndAtLeast50ms(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		fsm.MinTTL:             50 * time.Millisecond,
		500 * time.Millisecond: 50 * time.Millisecond,
		5 * time.Second:        500 * time.Millisecond,
	} {
		if got := fsm.Margin(ttl); got != want {
			t.Errorf("margin of %s is %s, want %s", ttl, got, want)
		}
	}
}

func TestTrustIsCountedFromTheInstantBeforeSending(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	req := s.Beat(at(0))
	answer(s, at(2*time.Second), req, fsm.VerdictCreated, first)
	if s.Current().Until() != at(term) {
		t.Errorf("until %v, want %v", s.Current().Until(), at(term))
	}
	if s.Current().Tenancy() != first || s.Inc() != inc || s.TTL() != ttl {
		t.Errorf("tenancy %v, inc %s, ttl %s", s.Current().Tenancy(), s.Inc(), s.TTL())
	}
}

func TestLateAndReorderedAnswersNeverShortenTrust(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	a, b, c := s.Beat(at(0)), s.Beat(at(time.Second)), s.Beat(at(2*time.Second))
	answer(s, at(2*time.Second), c, fsm.VerdictExtended, first)
	answer(s, at(3*time.Second), a, fsm.VerdictCreated, first)
	answer(s, at(3*time.Second), b, fsm.VerdictExtended, first)
	if want := at(2*time.Second + term); s.Current().Until() != want {
		t.Errorf("until %v, want %v", s.Current().Until(), want)
	}
}

func TestALostAnswerCostsOnlyItsOwnProlongation(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	answer(s, at(0), s.Beat(at(0)), fsm.VerdictCreated, first)
	s.Unanswered(s.Beat(at(time.Second)))
	if s.Current().Until() != at(term) {
		t.Error("an unanswered heartbeat prolonged the trust")
	}
	answer(s, at(2*time.Second), s.Beat(at(2*time.Second)), fsm.VerdictExtended, first)
	if s.Current().Until() != at(2*time.Second+term) {
		t.Error("the next answer did not prolong it")
	}
}

func TestAnAnswerCountsOnce(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	req := s.Beat(at(0))
	answer(s, at(0), req, fsm.VerdictCreated, first)
	if a := answer(s, at(time.Second), req, fsm.VerdictExtended, second); a.Changed || s.Current().Tenancy() != first {
		t.Error("the second answer to one request was believed")
	}
}

func TestAnAnswerThatIsOlderThanItsOwnTrustGivesNone(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	req := s.Beat(at(0))
	answer(s, at(term), req, fsm.VerdictCreated, first)
	if s.Current().Holds(at(term)) || s.Trust(first, at(term)) != nil {
		t.Error("trusted")
	}
	if _, ok := s.End(at(term)); ok {
		t.Error("a trust that never held has an end")
	}
}

func TestABirthOfAnotherIncarnationIsNotOurs(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	answer(s, at(0), s.Beat(at(0)), fsm.VerdictExtended, fsm.Tenancy{Birth: "another-1", Epoch: "e1"})
	if s.Current() != nil {
		t.Error("trusted")
	}
}

func TestTakenIsFatalUnlessItIsOlderThanTheLastGoodAnswer(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	early, late := s.Beat(at(0)), s.Beat(at(time.Second))
	answer(s, at(time.Second), late, fsm.VerdictCreated, first)
	if answer(s, at(time.Second), early, fsm.VerdictTaken, fsm.Tenancy{}).Replaced {
		t.Error("fatal although a later heartbeat was answered as ours")
	}
	if !answer(s, at(2*time.Second), s.Beat(at(2*time.Second)), fsm.VerdictTaken, fsm.Tenancy{}).Replaced {
		t.Error("not fatal")
	}
	if !answer(fsm.NewSession(inc, ttl), at(0), 1, fsm.VerdictTaken, fsm.Tenancy{}).Replaced {
		t.Error("the first answer of all is not fatal")
	}
}

func TestStaleAndUnknownAnswersSayNothing(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	for _, v := range []fsm.Verdict{fsm.VerdictStale, fsm.VerdictUnknown, fsm.Verdict(99)} {
		if a := answer(s, at(0), s.Beat(at(0)), v, first); a != (fsm.Answered{}) || s.Current() != nil {
			t.Errorf("verdict %d: %+v", v, a)
		}
	}
	if _, ok := s.LastAnswer(); ok {
		t.Error("counted as an answer")
	}
}

func TestAnotherTenancyIsNoticedOnceAndTheOldOneKeepsItsTrust(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	if answer(s, at(0), s.Beat(at(0)), fsm.VerdictCreated, first).Changed {
		t.Error("the first tenancy of all is no change")
	}
	old := s.Current()
	if !answer(s, at(time.Second), s.Beat(at(time.Second)), fsm.VerdictExtended, second).Changed {
		t.Error("not noticed")
	}
	if answer(s, at(time.Second), s.Beat(at(time.Second)), fsm.VerdictExtended, second).Changed {
		t.Error("noticed twice")
	}
	if s.Current().Tenancy() != second || s.Trust(first, at(time.Second)) != old || old.Until() != at(term) {
		t.Error("the old trust changed")
	}
	if end, ok := s.End(at(time.Second)); !ok || end != at(term) {
		t.Errorf("the first trust ends at %v, %v", end, ok)
	}
	if end, ok := s.End(at(term)); !ok || end != at(time.Second+term) {
		t.Errorf("then ends %v, %v", end, ok)
	}
}

func TestAnOlderAnswerDoesNotBringAnOlderTenancyBack(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	a, b := s.Beat(at(0)), s.Beat(at(time.Second))
	answer(s, at(time.Second), b, fsm.VerdictCreated, second)
	if answer(s, at(time.Second), a, fsm.VerdictCreated, first).Changed || s.Current().Tenancy() != second {
		t.Error("the older tenancy is current")
	}
}

func TestALapsedTenancyIsTrustedAnewWithoutRevivingWhatRestedOnIt(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	answer(s, at(0), s.Beat(at(0)), fsm.VerdictCreated, first)
	old := s.Current()
	answer(s, at(term), s.Beat(at(term)), fsm.VerdictExtended, first)
	if old.Holds(at(term)) {
		t.Error("revived")
	}
	if !s.Current().Holds(at(term)) || s.Trust(first, at(term)) == old {
		t.Error("not trusted anew")
	}
}

func TestOnlyTheNewestTenanciesAndHeartbeatsAreKept(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	oldest := s.Beat(at(0))
	for i := range 20 {
		answer(s, at(0), s.Beat(at(0)), fsm.VerdictExtended, fsm.Tenancy{Birth: inc + "-1", Epoch: string(rune('a' + i))})
	}
	for range 20 {
		s.Beat(at(0))
	}
	answer(s, at(0), oldest, fsm.VerdictExtended, first)
	if s.Trust(first, at(0)) != nil {
		t.Error("an answer to a forgotten heartbeat was believed")
	}
	if s.Trust(fsm.Tenancy{Birth: inc + "-1", Epoch: "a"}, at(0)) != nil {
		t.Error("the oldest tenancy is kept")
	}
	if s.Trust(fsm.Tenancy{Birth: inc + "-1", Epoch: "t"}, at(0)) == nil {
		t.Error("the newest is not")
	}
}

func TestTheHighestTokenAndEpochSeenAreKept(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	for _, token := range []uint64{3, 9, 4} {
		s.Seen(token)
	}
	s.SeenEpoch(fsm.Epoch{Number: 2, Name: "b"})
	s.SeenEpoch(fsm.Epoch{Number: 1, Name: "a"})
	s.SeenEpoch(fsm.Epoch{Number: 2, Name: "c"}) // of an equal number the first stays
	if s.Token() != 9 || s.Epoch() != (fsm.Epoch{Number: 2, Name: "b"}) {
		t.Errorf("token %d, epoch %+v", s.Token(), s.Epoch())
	}
	answer(s, at(time.Second), s.Beat(at(0)), fsm.VerdictCreated, first)
	if when, ok := s.LastAnswer(); !ok || when != at(time.Second).Mono {
		t.Errorf("last answer at %v, %v", when, ok)
	}
}

// Any goroutine may ask while the node's extends; the race detector listens.
func TestReadersMayAskWhileTheNodeExtends(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	answer(s, at(0), s.Beat(at(0)), fsm.VerdictCreated, first)
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-done:
				return
			default:
			}
			s.Seen(s.Token() + 1)
			s.SeenEpoch(fsm.Epoch{Number: s.Token()})
			if !s.Current().Holds(at(0)) || s.Trust(first, at(0)) == nil {
				t.Error("a trust that is only ever prolonged did not hold")
				return
			}
			s.End(at(0))
			s.LastAnswer()
			s.Epoch()
		}
	}()
	for i := range 1000 {
		now := at(time.Duration(i) * time.Millisecond)
		answer(s, now, s.Beat(now), fsm.VerdictExtended, first)
	}
	close(done)
	<-gone
}

func TestWhatIsLeftOfTrustIsThatOfTheClockOnWhichItEndsFirst(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	answer(s, at(0), s.Beat(at(0)), fsm.VerdictCreated, first)
	now := at(time.Second)
	now.Wall += time.Second // the wall clock was set on
	if got, want := s.Current().Left(now), term-2*time.Second; got != want {
		t.Errorf("left %v, want %v", got, want)
	}
	if got := s.Current().Left(at(term)); got != 0 {
		t.Errorf("left %v at the end", got)
	}
	if got := s.Current().Left(now); got != 0 {
		t.Errorf("left %v after somebody has seen it end", got)
	}
	if got := (*fsm.Trust)(nil).Left(now); got != 0 {
		t.Errorf("no trust has %v left", got)
	}
}

// A wall clock that was set on ends the trust first that was given before it was set.
func TestTheFirstEndIsByWhicheverClockComesFirst(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	early := at(0)
	early.Wall += time.Minute // set back afterwards
	answer(s, early, s.Beat(early), fsm.VerdictCreated, first)
	later := at(time.Second)
	answer(s, later, s.Beat(later), fsm.VerdictExtended, second)
	now := at(2 * time.Second)
	if end, ok := s.End(now); !ok || end != early.Add(term) {
		t.Errorf("first by the monotonic clock: %v %v", end, ok)
	}
	now = fsm.Instant{Mono: at(2 * time.Second).Mono, Wall: later.Wall + term - time.Millisecond}
	if end, ok := s.End(now); !ok || end != later.Add(term) {
		t.Errorf("first by the wall clock: %v %v, want %v", end, ok, later.Add(term))
	}
}

func TestRevokeEndsTheTrustOfEveryTenancy(t *testing.T) {
	s := fsm.NewSession(inc, ttl)
	var trusts []*fsm.Trust
	ended := 0
	for i := range 40 {
		now := at(time.Duration(i) * time.Millisecond)
		a := answer(s, now, s.Beat(now), fsm.VerdictExtended, fsm.Tenancy{Birth: inc + "-1", Epoch: fmt.Sprint(i)})
		trusts = append(trusts, s.Current())
		holding := 0
		for _, tr := range trusts {
			if tr.Holds(now) {
				holding++
			}
		}
		// What is not kept has ended, and whoever rests on it hears of that.
		if a.Lapsed != (i+1-holding > ended) {
			t.Fatalf("after %d: %d hold, lapsed %v", i+1, holding, a.Lapsed)
		}
		if ended = i + 1 - holding; i == 9 && ended > 0 || !s.Current().Holds(now) {
			t.Errorf("after %d: %d have ended", i+1, ended)
		}
	}
	if end, _ := s.End(at(40 * time.Millisecond)); end != trusts[ended].Until() {
		t.Errorf("the first end is %v, want %v", end, trusts[ended].Until())
	}
	s.Revoke()
	for i, tr := range trusts {
		if tr.Holds(at(40 * time.Millisecond)) {
			t.Errorf("the trust of tenancy %d outlives Revoke", i)
		}
	}
}
