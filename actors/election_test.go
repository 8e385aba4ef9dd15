package actors_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

func TestThreeNodesElectTheHighest(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b, c := f.start("a", 1), f.start("b", 2), f.start("c", 3)
		for _, p := range []*peer{c, a, b} {
			p.run("e")
		}
		token := c.won("e").Token
		for _, p := range []*peer{a, b} {
			p.follows("e", "c")
			if l, err := p.Leader("e"); err != nil || l.ID != "c" || l.Token != token || l.Self || l.Original {
				t.Errorf("%s: %+v, %v", p.ID(), l, err)
			}
		}
		if l, err := c.Leader("e"); err != nil || !l.Self || l.Token != token {
			t.Errorf("the leader itself: %+v, %v", l, err)
		}
	})
}

func TestAHigherJoinerTakesOver(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		low := f.start("z-low", 1).run("e")
		first := low.won("e")
		high := f.start("a-high", 2).run("e")
		second := high.won("e")
		if lost := low.lost("e"); lost.Cause.Code != fsm.CauseOutvoted || lost.Cause.Peer != "a-high" {
			t.Errorf("lost: %v", lost.Cause)
		}
		if second.Token <= first.Token {
			t.Errorf("token %d after %d", second.Token, first.Token)
		}
		low.follows("e", "a-high")
		if got := low.LastResult("e") + " " + high.LastResult("e"); got != "lost won" {
			t.Errorf("last results: %s", got)
		}
	})
}

func TestAmongEqualRanksTheGreaterIDLeads(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b := f.start("a", 7).run("e"), f.start("b", 7).run("e")
		b.won("e")
		a.follows("e", "b")
	})
}

func TestAStickyLeaderStaysWhenAHigherNodeJoins(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		low := f.start("low", 1, func(c *actors.Config) { c.Elections.Sticky = true }).run("e")
		low.won("e")
		high := f.start("high", 2).run("e")
		if lost := high.lost("e"); lost.Leader != "low" {
			t.Errorf("lost to %q: %v", lost.Leader, lost.Cause)
		}
		for _, ev := range high.rest(1500 * time.Millisecond) {
			if _, won := ev.(*actors.Won); won {
				t.Error("it took over all the same")
			}
		}
		if l, err := low.Leader("e"); err != nil || !l.Self {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestACrashedLeaderIsReplacedByTheHighestWhenItsSessionEnds(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = 2 * time.Second
		c := f.start("c", 3).run("e")
		first := c.won("e")
		a, b := f.start("a", 1).run("e"), f.start("b", 2).run("e")
		a.follows("e", "c")
		b.follows("e", "c")
		c.crash()
		at := time.Now()
		left := f.client.PTTL(context.Background(), f.keys.Session("c")).Val()
		second := b.won("e")
		if waited := time.Since(at); waited < left-10*time.Millisecond {
			t.Errorf("replaced after %v, but the session had %v left", waited, left)
		}
		if second.Token <= first.Token {
			t.Errorf("token %d after %d", second.Token, first.Token)
		}
		a.follows("e", "b")
	})
}

func TestALeaderThatStopsHandsOverAtOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = time.Minute
		c := f.start("c", 3).run("e")
		c.won("e")
		a, b := f.start("a", 1).run("e"), f.start("b", 2).run("e")
		a.follows("e", "c")
		b.follows("e", "c")
		c.must(c.Stop(bg(t)))
		b.won("e") // within patience, which is half a TTL
		a.follows("e", "b")
		if f.candidate("e", "c") || f.client.Exists(context.Background(), f.keys.Session("c")).Val() != 0 {
			t.Error("it left something behind")
		}
	})
}

func TestAResignerHandsOverAndDoesNotTakeBack(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 2).run("e")
		first := high.won("e")
		low := f.start("low", 1).run("e")
		low.follows("e", "high")
		high.must(high.Resign(bg(t), "e"))
		if lost := high.lost("e"); lost.Cause.Code != fsm.CauseResigned {
			t.Errorf("lost: %v", lost.Cause)
		}
		if second := low.won("e"); second.Token <= first.Token {
			t.Errorf("token %d after %d", second.Token, first.Token)
		}
		high.follows("e", "low")
		for _, ev := range high.rest(2 * time.Second) {
			if _, won := ev.(*actors.Won); won {
				t.Error("it took back what it gave up")
			}
		}
		low.must(low.Quit(bg(t), "e"))
		high.won("e") // the successor's office has ended
	})
}

func TestAResignerWithoutASuccessorStandsAgainAfterATTL(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * time.Second
		a := f.start("a", 1).run("e")
		first := a.won("e")
		at := time.Now() // before: on a busy machine it may be long until Resign returns
		a.must(a.Resign(bg(t), "e"))
		second := a.won("e")
		if waited := time.Since(at); waited < 800*time.Millisecond || second.Token <= first.Token {
			t.Errorf("it won again after %v, token %d after %d", waited, second.Token, first.Token)
		}
	})
}

func TestOnlyALeaderCanResign(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 2).run("e")
		high.won("e")
		low := f.start("low", 1).run("e")
		low.follows("e", "high")
		for _, election := range []string{"e", "unheard-of"} {
			if err := low.Resign(bg(t), election); !errors.Is(err, actors.ErrNotLeader) {
				t.Errorf("%s: %v", election, err)
			}
		}
	})
}

func TestQuittingWhileLeadingSendsLostAndNothingAfter(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		a.must(a.Quit(bg(t), "e"))
		if f.candidate("e", "a") {
			t.Error("it is a candidate still")
		}
		if lost := a.lost("e"); lost.Cause.Code != fsm.CauseQuit {
			t.Errorf("lost: %v", lost.Cause)
		}
		b := f.start("b", 2).run("e")
		b.won("e")
		for _, ev := range a.rest(500 * time.Millisecond) {
			switch ev := ev.(type) {
			case *actors.Won, *actors.Lost, *actors.Inconclusive, *actors.Ending:
				t.Errorf("after quit: %T %+v", ev, ev)
			}
		}
		a.must(a.Quit(bg(t), "e")) // who does not stand gets nil
		if s, err := a.Inspect(bg(t), "e"); err != nil || s.State != fsm.Idle || s.Result != fsm.NoResult {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestWhoQuitsMayRunAgainWithAHigherToken(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		token := uint64(0)
		for range 5 {
			a.run("e")
			won := a.won("e")
			if won.Token <= token {
				t.Errorf("token %d after %d", won.Token, token)
			}
			token = won.Token
			a.must(a.Quit(bg(t), "e"))
			a.lost("e")
		}
	})
}

func TestRunningTwiceIsRunningOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e").run("e")
		a.won("e")
		a.run("e")
		for _, ev := range a.rest(200 * time.Millisecond) {
			if _, again := ev.(*actors.Won); again {
				t.Error("it won twice")
			}
		}
		a.must(a.Quit(bg(t), "e"))
		if f.candidate("e", "a") {
			t.Error("quitting once was not enough")
		}
	})
}

func TestElectionsOfOneNodeAreIndependent(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		ranks := func(first int64) func(*actors.Config) {
			return func(c *actors.Config) {
				c.RankFor = func(election string) int64 {
					if election == "first" {
						return first
					}
					return 10 - first
				}
			}
		}
		a, b := f.start("a", 0, ranks(9)), f.start("b", 0, ranks(1))
		for _, p := range []*peer{a, b} {
			p.run("first").run("second")
		}
		a.won("first")
		b.won("second")
		a.follows("second", "b")
		b.follows("first", "a")
	})
}
