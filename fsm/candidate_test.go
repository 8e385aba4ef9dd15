package fsm_test

import (
	"testing"

	"hustings/fsm"
)

func TestBetweenEqualRanksTheGreaterIDOutranks(t *testing.T) {
	a, b := fsm.Candidate{ID: "a", Rank: 5}, fsm.Candidate{ID: "b", Rank: 5}
	if a.Outranks(b) || !b.Outranks(a) || a.Outranks(a) {
		t.Error("ids do not break the tie")
	}
	if z := (fsm.Candidate{ID: "z", Rank: 4}); z.Outranks(a) {
		t.Error("the id counts more than the rank")
	}
	if hi := (fsm.Candidate{ID: "\xff", Rank: 5}); !hi.Outranks(b) {
		t.Error("ids are not compared bytewise")
	}
}

func TestBetweenEqualRanksOneOfOursOutranksAnOriginal(t *testing.T) {
	ours, old := fsm.Candidate{ID: "a", Rank: 5}, fsm.Candidate{ID: "b", Rank: 5, Original: true}
	if !ours.Outranks(old) || old.Outranks(ours) {
		t.Error("an original outranks one of ours of the same rank")
	}
}

func TestOneselfIsKnownByIDNotByRank(t *testing.T) {
	r := newRig(t)
	r.won(5).vote(fsm.Candidate{ID: "me", Inc: "another", Rank: 999}).in(fsm.Won).gives()
	r.hint(me, 99).gives()
}

func TestRendezvousSpreadsAndMovesOnlyWhatItMust(t *testing.T) {
	nodes := []string{"web-1", "web-2", "web-3", "web-4", "web-5"}
	first := func(election string, nodes []string) (best string) {
		top := int64(-1)
		for _, n := range nodes {
			r := fsm.Rendezvous(n, election)
			if r < 0 || r >= fsm.MaxRank {
				t.Fatalf("rank %d of %s for %s", r, n, election)
			}
			if r > top {
				best, top = n, r
			}
		}
		return best
	}
	led := map[string]int{}
	for i := range 10000 {
		e := "e" + string(rune('0'+i%10)) + string(rune('a'+i/10%26)) + string(rune('A'+i/260))
		leader := first(e, nodes)
		led[leader]++
		if after := first(e, nodes[:4]); leader != "web-5" && after != leader {
			t.Fatalf("%s moved from %s to %s although web-5 left", e, leader, after)
		}
	}
	for _, n := range nodes {
		if led[n] < 1800 || led[n] > 2200 {
			t.Errorf("%s leads %d of 10000", n, led[n])
		}
	}
}
