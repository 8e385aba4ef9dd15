package fsm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hustings/fsm"
)

func TestHistoryKeepsTheNewest64WithRisingNumbers(t *testing.T) {
	r := newRig(t)
	moves := 0
	for i := range 100 {
		for range 3 { // run, quit, withdrawn: two transitions
			switch {
			case r.m.State() == fsm.Idle:
				r.run()
			default:
				r.quit().withdrawn()
			}
			moves++
			h := r.m.History()
			if want := min(moves, fsm.HistoryLen); len(h) != want {
				t.Fatalf("after %d transitions (turn %d) it keeps %d", moves, i, len(h))
			}
			for j, tr := range h {
				if want := uint64(moves - len(h) + 1 + j); tr.Seq != want {
					t.Fatalf("entry %d of %d is number %d, want %d", j, len(h), tr.Seq, want)
				}
			}
		}
	}
	h := r.m.History()
	h[0].Seq = 0
	if r.m.History()[0].Seq == 0 {
		t.Error("the list is not a copy")
	}
}

func TestATransitionTellsWhatWhenAndWhy(t *testing.T) {
	r := newRig(t).waiting(high)
	r.after(3 * time.Millisecond).kick(high)
	h := r.m.History()
	last := h[len(h)-1]
	want := fsm.Transition{
		Seq: 5, At: r.now, From: fsm.Waiting, Event: fsm.Defeated, To: fsm.Lost, Round: 2,
		Cause: fsm.Cause{Code: fsm.CauseKicked, Peer: "high", Rank: 900},
	}
	if last != want {
		t.Errorf("%+v, want %+v", last, want)
	}
	if r.effect(fsm.DoMoved).Transition != want {
		t.Error("observers are told something else than history keeps")
	}
	if r.m.Since() != r.now {
		t.Errorf("since %v", r.m.Since())
	}
	text, err := json.Marshal(last)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"from":"waiting"`, `"event":"defeated"`, `"to":"lost"`, `"cause":"kicked by high (rank 900)"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

func TestATransitionIntoOfficeCarriesTheToken(t *testing.T) {
	r := newRig(t).won(5)
	h := r.m.History()
	if h[len(h)-1].Token != 5 {
		t.Errorf("%+v", h[len(h)-1])
	}
}

func TestACauseIsASentence(t *testing.T) {
	for want, c := range map[string]fsm.Cause{
		"":                           {},
		"kicked by web-7 (rank 900)": {Code: fsm.CauseKicked, Peer: "web-7", Rank: 900},
		"kicked by web-7":            {Code: fsm.CauseKicked, Peer: "web-7", Rank: fsm.UnknownRank},
		"kicked by somebody":         {Code: fsm.CauseKicked},
		"web-7 (rank 0) did not answer our vote within 1.5s":                       {Code: fsm.CauseSilent, Peer: "web-7", D: 1500 * time.Millisecond},
		"session lapsed: no heartbeat was answered that was sent in the last 4.5s": {Code: fsm.CauseLapsed, D: 4500*time.Millisecond + 17},
		"Redis is unreachable: {d} {peer} %s":                                      {Code: fsm.CauseUnreachable, Detail: "{d} {peer} %s"},
		"cause 250":                                                                {Code: 250},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if text, err := c.MarshalText(); err != nil || string(text) != want {
			t.Errorf("marshals as %q, %v", text, err)
		}
	}
}

func TestEveryCauseHasASentenceAndTheyAllDiffer(t *testing.T) {
	seen := map[string]fsm.CauseCode{}
	code := fsm.CauseCode(0)
	for ; !strings.HasPrefix((fsm.Cause{Code: code}).String(), "cause "); code++ {
		s := fsm.Cause{Code: code, Peer: "p", D: time.Second, Detail: "why"}.String()
		if code > 0 && s == "" {
			t.Errorf("cause %d has no sentence", code)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("causes %d and %d say the same: %s", code, other, s)
		}
		if strings.ContainsAny(s, "{}") {
			t.Errorf("cause %d leaves something open: %s", code, s)
		}
		seen[s] = code
	}
	if code < 20 || code > 64 { // subscribers are told once per cause: a bit for each
		t.Errorf("%d causes", code)
	}
}

func TestAResultHasAName(t *testing.T) {
	for r, want := range map[fsm.Result]string{fsm.NoResult: "none", fsm.ResultWon: "won", fsm.ResultLost: "lost", 9: "Result(9)"} {
		if text, err := r.MarshalText(); err != nil || string(text) != want {
			t.Errorf("%d is called %q, %v", uint8(r), text, err)
		}
	}
}

func TestAnInstantIsTwoClocks(t *testing.T) {
	a := fsm.Instant{Mono: 5, Wall: 1000}
	if b := a.Add(3); b != (fsm.Instant{Mono: 8, Wall: 1003}) || b.Sub(a) != 3 || b.Time().UnixNano() != 1003 || b.String() != "1970-01-01T00:00:00.000001003Z" {
		t.Errorf("%+v", b)
	}
}
