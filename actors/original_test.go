package actors_test

import (
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

func TestAnOriginalWithAHigherNumberIsVotedToAndItsKickIsObeyed(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		old := f.original("old", 900).runs("e")
		ours := f.start("ours", 7).run("e")
		wantVote(t, old.hears("vote"), "ours", "e", 7.5)
		old.says("votekick", "ours", "e")
		if lost := ours.lost("e"); lost.Cause.Code != fsm.CauseKicked || lost.Cause.Peer != "old" {
			t.Errorf("lost: %v", lost.Cause)
		}
		if l, err := ours.Leader("e"); err != nil || l.ID != "old" || !l.Original || l.Token != 0 {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestAnOriginalWithAHigherNumberThatAcksStandsBack(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		old := f.original("old", 900).runs("e")
		ours := f.start("ours", 7).run("e")
		old.hears("vote")
		old.says("voteack", "ours", "e")
		ours.won("e")
	})
}

func TestAnOriginalWithALowerNumberIsVotedToAndNotWaitedFor(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		old := f.original("old", 3).runs("e")
		ours := f.start("ours", 7).run("e")
		wantVote(t, old.hears("vote"), "ours", "e", 7.5)
		ours.won("e") // it never answered
	})
}

func TestALowerVoteOfAnOriginalIsKickedTwice(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		old := f.original("old", 3).runs("e")
		ours := f.start("ours", 7).run("e")
		ours.won("e")
		old.says("vote", "ours", "e")
		first := old.hears("votekick")
		wantVote(t, first, "ours", "e", 7.5)
		second := old.hears("votekick")
		wantVote(t, second, "ours", "e", 7.5)
		if d := second.at.Sub(first.at); d < 1900*time.Millisecond || d > 8*time.Second {
			t.Errorf("the kick is repeated after %v", d)
		}
		if l, err := ours.Leader("e"); err != nil || !l.Self {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestALeaderGivesWayToAnOriginalWithAHigherNumber(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		ours := f.start("ours", 7).run("e")
		ours.won("e")
		old := f.original("old", 900).runs("e")
		old.says("vote", "ours", "e")
		wantVote(t, old.hears("voteack"), "ours", "e", 7.5)
		if lost := ours.lost("e"); lost.Cause.Code != fsm.CauseOutvoted {
			t.Errorf("lost: %v", lost.Cause)
		}
		if n := f.client.HGet(bg(t), f.keys.Leader("e"), "id").Val(); n != "" {
			t.Errorf("the ack came before the release: the record names %q", n)
		}
	})
}

func TestASilentOriginalIsPassedOverFromTheThirdRoundOn(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.original("old", 900).runs("e")
		ours := f.start("ours", 7, func(c *actors.Config) { c.VoteTimeout = 100 * time.Millisecond }).run("e")
		if undecided := next[*actors.Inconclusive](ours, nil); undecided.Cause.Code != fsm.CauseSilent || undecided.Cause.Peer != "old" {
			t.Errorf("inconclusive: %v", undecided.Cause)
		}
		ours.won("e")
		s, err := ours.Inspect(bg(t), "e")
		ours.must(err)
		if s.Round != 3 || s.History[len(s.History)-1].Cause.Code != fsm.CausePassedOver {
			t.Errorf("round %d, history %+v", s.Round, s.History)
		}
	})
}

func TestAnOriginalThatIsGoneIsPurgedAndNotWaitedForLong(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		ctx := bg(t)
		for _, err := range []error{
			f.client.SAdd(ctx, f.keys.List(), "ghost").Err(), f.client.SAdd(ctx, f.keys.Candidates("e"), "ghost").Err(),
			f.client.SAdd(ctx, f.keys.Participated("ghost"), "e").Err(),
			f.client.HSet(ctx, f.keys.Details(), "ghost", `{"process":900}`).Err(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		ours := f.start("ours", 7).run("e")
		ours.won("e")
		eventually(t, "the ghost is purged", func() bool {
			return !f.candidate("e", "ghost") && !f.client.HExists(ctx, f.keys.Details(), "ghost").Val()
		})
	})
}

func TestMessagesToAndFromAnOriginalAreBareJSON(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		old := f.original("old", 3)
		ours := f.start("ours", 7)
		if n, err := ours.Send(bg(t), "old", map[string]int{"a": 1}); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if w := receive(t, "a message", old.inbox); w.payload != `{"a":1}` || w.channel != f.keys.Comm("old") {
			t.Errorf("%+v", w)
		}
		if n, err := ours.Broadcast(bg(t), "hello"); err != nil || n != 2 {
			t.Errorf("%d, %v", n, err)
		}
		if w := receive(t, "a message", old.inbox); w.payload != `"hello"` || w.channel != f.keys.Public() {
			t.Errorf("%+v", w)
		}
		if m := next[*actors.Message](ours, nil); m.From != "" || !m.Broadcast || string(m.JSON()) != `"hello"` {
			t.Errorf("its own broadcast: %+v", m)
		}
		f.publish(f.keys.Comm("ours"), `{"any":[1,null]}`)
		if m := next[*actors.Message](ours, nil); m.From != "" || m.Broadcast || string(m.JSON()) != `{"any":[1,null]}` {
			t.Errorf("%+v", m)
		}
	})
}

func TestOriginalsAreIgnoredWhereTheFleetIsSaidToHaveNone(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		old := f.original("old", 900).runs("e")
		ours := f.start("ours", 7, func(c *actors.Config) { c.Mixed = new(false) }).run("e")
		ours.won("e")
		old.says("vote", "ours", "e")
		old.says("votekick", "ours", "e")
		eventually(t, "both are dropped", func() bool { return ours.Counts().Dropped == 2 })
		if l, err := ours.Leader("e"); err != nil || !l.Self {
			t.Errorf("%+v, %v", l, err)
		}
	})
}
