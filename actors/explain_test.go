package actors_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

// at is a snapshot of web-1 in "billing" that came to a state for a reason.
func at(state fsm.State, why fsm.CauseCode, change ...func(*actors.Snapshot)) *actors.Snapshot {
	s := &actors.Snapshot{
		ID: "web-1", DeadlineMS: -1,
		View: actors.View{Election: "billing", State: state, Round: 3, Rank: 10},
		History: []fsm.Transition{{Seq: 1, To: state, Cause: fsm.Cause{
			Code: why, Peer: "web-2", Rank: 20, D: 1500 * time.Millisecond, Detail: "connection refused",
		}}},
		Session: actors.SessionInfo{TTLMS: 5000, TrustedMS: 4000, AnsweredMS: 500, LinkUp: true},
	}
	for _, c := range change {
		c(s)
	}
	return s
}

func leads(id string, token uint64) func(*actors.Snapshot) {
	return func(s *actors.Snapshot) { s.Leader = fsm.Leader{ID: id, Token: token, Known: true} }
}

func due(ms int64) func(*actors.Snapshot) { return func(s *actors.Snapshot) { s.DeadlineMS = ms } }

func TestASnapshotIsExplainedBySentencesThatSayWhyAndUntilWhen(t *testing.T) {
	pending := func(list ...fsm.Pending) func(*actors.Snapshot) {
		return func(s *actors.Snapshot) { s.Pending = list }
	}
	p := func(id string, rank int64) fsm.Pending {
		return fsm.Pending{Candidate: fsm.Candidate{ID: id, Rank: rank}}
	}
	holder := p("web-9", 5)
	holder.Holder = true
	old := p("old", 7)
	old.Original = true
	tests := map[string]struct {
		s    *actors.Snapshot
		want string
	}{
		"never stood": {
			&actors.Snapshot{ID: "web-1", DeadlineMS: -1, View: actors.View{Election: "billing"}},
			`web-1 is no candidate in "billing". Who leads is not known here.`,
		},
		"told to quit": {
			at(fsm.Idle, fsm.CauseQuit, leads("web-2", 7)),
			`web-1 is no candidate in "billing": told to quit. web-2 leads with token 7.`,
		},
		"stands down, having been told to quit before": {
			at(fsm.Idle, fsm.CauseQuit, leads("web-2", 7), func(s *actors.Snapshot) { s.StoodDown = true }),
			`web-1 stands down in "billing": it is no candidate before it is told to stand again, also where it is told to run. web-2 leads with token 7.`,
		},
		"asking Redis": {
			at(fsm.Voting, fsm.CauseHolderEnded, due(1600)),
			`web-1 does not lead "billing" yet: it has begun round 3 (the session of web-2 (rank 20) ended). It asks Redis who stands and who leads; without an answer the round ends in 1.6 s.`,
		},
		"waiting for one": {
			at(fsm.Waiting, fsm.CausePolled, due(800), pending(p("web-2", 20))),
			`web-1 does not lead "billing" yet. In round 3 it waits for the answers of web-2 (rank 20), for 800 ms at most.`,
		},
		"waiting for many": {
			at(fsm.Waiting, fsm.CausePolled, due(800), pending(p("a", 1), old, holder, p("d", 4), p("e", 5), p("f", 6))),
			`web-1 does not lead "billing" yet. In round 3 it waits for the answers of a (rank 1), old (rank 7, an original), web-9 (rank 5, in office and asked to make way), d (rank 4) and 2 more, for 800 ms at most.`,
		},
		"claiming": {
			at(fsm.Waiting, fsm.CauseUnopposed, due(1600)),
			`web-1 does not lead "billing" yet. In round 3 it has claimed the office (nobody outranks us), and waits for the answer of Redis, for 1.6 s at most.`,
		},
		"in office": {
			at(fsm.Won, fsm.CauseGranted, func(s *actors.Snapshot) { s.Token, s.TrustedMS = 41, 3210 }),
			`web-1 leads "billing" with token 41: the claim was granted. That may be trusted for another 3.2 s if Redis falls silent; each answered heartbeat renews it.`,
		},
		"in office, long ago": {
			at(fsm.Won, fsm.CauseGranted, func(s *actors.Snapshot) { s.Token, s.TrustedMS, s.Session = 41, -1, actors.SessionInfo{} }),
			`web-1 leads "billing" with token 41: the claim was granted.`,
		},
		"trust over": {
			at(fsm.Won, fsm.CauseGranted, func(s *actors.Snapshot) { s.Token = 41 }),
			`web-1 leads "billing" with token 41: the claim was granted. Its trust has ended: it leads no more, and is about to step down.`,
		},
		"draining": {
			at(fsm.Won, fsm.CauseGranted, due(30000), func(s *actors.Snapshot) { s.Token, s.TrustedMS, s.Draining = 41, 900, true }),
			`web-1 leads "billing" with token 41: the claim was granted. It is giving up the office, and keeps it until its work has stopped; it looks again in 30.0 s.`,
		},
		"following": {
			at(fsm.Lost, fsm.CauseHigherLeads, leads("web-2", 7), due(5000)),
			`web-1 does not lead "billing": web-2 (rank 20) leads and outranks us. web-2 leads with token 7. It stands again when web-2 lets go or its session ends; it acts by itself in 5.0 s.`,
		},
		"resigned": {
			at(fsm.Lost, fsm.CauseResigned, leads("", 0), due(5000)),
			`web-1 does not lead "billing": resigned. Nobody leads, as far as is known here. It has resigned, and stands again when its successor's office ends, or in 5.0 s if nobody leads.`,
		},
		"lapsed while Redis is away": {
			at(fsm.Lost, fsm.CauseLapsed, due(250), func(s *actors.Snapshot) {
				s.Session.LinkUp, s.Session.TrustedMS, s.Session.AnsweredMS = false, 0, 6000
			}),
			`web-1 does not lead "billing": session lapsed: no heartbeat was answered that was sent in the last 1.5s. Who leads is not known here. It stands again in 250 ms. The link to Redis is down. Its session is not current: no heartbeat was answered in the last 6.0 s, and without one it can't take office.`,
		},
		"an original in office": {
			at(fsm.Lost, fsm.CauseOutvoted, func(s *actors.Snapshot) { s.Leader = fsm.Leader{ID: "old", Known: true, Original: true} }),
			`web-1 does not lead "billing": a vote from web-2 (rank 20), which outranks us. old leads, an original without a lease. It stands again when old lets go or its session ends.`,
		},
		"no result": {
			at(fsm.Inconclusive, fsm.CauseSilent, due(260), leads("", 0)),
			`web-1 does not lead "billing": round 3 had no result (web-2 (rank 20) did not answer our vote within 1.5s). Nobody leads, as far as is known here. It tries again in 260 ms.`,
		},
		"a long wait": {
			at(fsm.Inconclusive, fsm.CauseQuarantine, due(125_000), leads("", 0)),
			`web-1 does not lead "billing": round 3 had no result (the dataset is new: claims are refused for 1.5s more, so that every older lease ends first). Nobody leads, as far as is known here. It tries again in 2m5s.`,
		},
		"never answered": {
			at(fsm.Idle, fsm.CauseNone, func(s *actors.Snapshot) { s.Session.TrustedMS, s.Session.AnsweredMS = 0, -1 }),
			`web-1 is no candidate in "billing". Who leads is not known here. Its session is not current: no heartbeat has been answered yet, and without one it can't take office.`,
		},
	}
	for name, test := range tests {
		if got := test.s.Explain(); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, test.want)
		}
	}
}

func TestEveryStateIsExplainedForEveryCause(t *testing.T) {
	causes := 0
	for code := fsm.CauseNone; !strings.HasPrefix((fsm.Cause{Code: code}).String(), "cause "); code++ {
		causes++
		for _, row := range fsm.Table.States {
			s := at(row.State, code, due(700))
			text := s.Explain()
			for _, part := range []string{"web-1", `"billing"`} {
				if !strings.Contains(text, part) {
					t.Errorf("%s, cause %d: %q does not name %s", row.Name, code, text, part)
				}
			}
			if strings.Contains(text, "%!") || strings.Contains(text, "{") || !strings.HasSuffix(text, ".") {
				t.Errorf("%s, cause %d: %q is not a sentence", row.Name, code, text)
			}
			if why := s.History[0].Cause.String(); !strings.Contains(text, why) {
				t.Errorf("%s: %q does not say why: %q", row.Name, text, why)
			}
		}
	}
	if causes < 30 {
		t.Errorf("only %d causes were found", causes)
	}
}

func TestANodeExplainsItselfAndAnswersForItsHealth(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		text, err := a.Explain(bg(t), "e")
		if err != nil || !strings.HasPrefix(text, `a leads "e" with token `) || strings.Contains(text, "session is not current") {
			t.Errorf("explained: %q, %v", text, err)
		}
		if _, err := a.Explain(bg(t), "nowhere"); !errors.Is(err, actors.ErrUnknown) {
			t.Errorf("an election that the node has nothing to do with: %v", err)
		}
		s, err := a.Inspect(bg(t), "e")
		if err != nil || !s.Session.LinkUp || s.Session.TTLMS != f.ttl.Milliseconds() || s.Session.TrustedMS <= 0 ||
			s.Session.Birth == "" || s.Session.Epoch == "" || s.Session.AnsweredMS < 0 || s.Counts.Requests == 0 ||
			s.Transitions != uint64(len(s.History)) || s.TrustedMS <= 0 {
			t.Errorf("snapshot: %+v, %v", s, err)
		}
		if h := a.Health(); !h.Ready() || h.Err != nil {
			t.Errorf("health: %+v", h)
		}
		a.run("d")
		if v := a.Views(); len(v) != 2 || v[0].Election != "d" || v[1].Election != "e" || v[1].State != fsm.Won {
			t.Errorf("views: %+v", v)
		}
		if err := a.Ping(bg(t)); err != nil {
			t.Errorf("ping: %v", err)
		}
		a.crash()
		if h := a.Health(); h.Ready() || !h.Stopped || h.LinkUp || h.Err == nil {
			t.Errorf("health of a node that has stopped: %+v", h)
		}
		if err := a.Ping(bg(t)); !errors.Is(err, actors.ErrStopped) {
			t.Errorf("ping of a node that has stopped: %v", err)
		}
	})
}
