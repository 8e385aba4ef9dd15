package actors_test

import (
	"errors"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
)

func TestANamedSuccessorTakesTheOfficePastHigherOnes(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 3).run("e")
		first := high.won("e")
		mid, low := f.start("mid", 2).run("e"), f.start("low", 1).run("e")
		mid.follows("e", "high")
		low.follows("e", "high")
		high.must(high.ResignTo(bg(t), "e", "low"))
		if lost := high.lost("e"); lost.Cause.Code != fsm.CauseResignedTo || lost.Cause.Peer != "low" {
			t.Errorf("lost: %v", lost.Cause)
		}
		second := low.won("e")
		if second.Token <= first.Token {
			t.Errorf("token %d after %d", second.Token, first.Token)
		}
		for _, p := range []*peer{high, mid, low} {
			p.follows("e", "low")
		}
		// mid outranks low and asks it to step down, in vain: for a TTL, which is longer
		// than this test takes.
		for _, ev := range low.rest(500 * time.Millisecond) {
			switch ev.(type) {
			case *actors.Ending, *actors.Lost:
				t.Errorf("%T %+v", ev, ev)
			}
		}
		if v, err := low.View("e"); err != nil || !v.Leader.Appointed || v.Token != second.Token {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

func TestASuccessorThatCannotTakeOverChangesNothing(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b := f.start("a", 2).run("e"), f.start("b", 1).run("e")
		token := a.won("e").Token
		b.follows("e", "a")
		dead := f.start("dead", 1, func(c *actors.Config) { c.TTL, c.MaxTTL = time.Second, f.ttl }).run("e")
		dead.follows("e", "a")
		dead.crash()
		f.client.Del(bg(t), f.keys.Session("dead"))
		f.start("elsewhere", 1)
		f.client.SAdd(bg(t), f.keys.Candidates("e"), "old")
		f.client.HSet(bg(t), f.keys.Details(), "old", `{"process":7}`)
		for _, to := range []string{"a", "nobody", "elsewhere", "dead", "old"} {
			if err := a.ResignTo(bg(t), "e", to); !errors.Is(err, actors.ErrSuccessor) {
				t.Errorf("to %q: %v", to, err)
			}
		}
		if err := b.ResignTo(bg(t), "e", "a"); !errors.Is(err, actors.ErrNotLeader) {
			t.Errorf("of who does not lead: %v", err)
		}
		a.leads("e", token)
		if l := a.Leadership("e"); !l.Valid() || l.Context().Err() != nil {
			t.Error("the work was told to end")
		}
	})
}

func TestASuccessorThatQuitWhileTheWorkDrainedIsReplacedByTheNext(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 3)
		l, err := high.Campaign(bg(t), "e")
		high.must(err)
		mid, low := f.start("mid", 2).run("e"), f.start("low", 1).run("e")
		low.follows("e", "high")
		done := make(chan error, 1)
		go func() { done <- high.ResignTo(bg(t), "e", "low") }()
		<-l.Context().Done()
		if err := high.ResignTo(bg(t), "e", "mid"); !errors.Is(err, actors.ErrSuccessor) {
			t.Errorf("a second word while the first is obeyed: %v", err)
		}
		low.must(low.Quit(bg(t), "e"))
		select {
		case err := <-done:
			t.Fatalf("answered while the work goes on: %v", err)
		default:
		}
		high.must(l.Release(bg(t)))
		high.must(<-done)
		mid.won("e")
	})
}

func TestASuccessorThatDiesInItsSecondIsReplacedAfterIt(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high, low := f.start("high", 3).run("e"), f.start("low", 1).run("e")
		high.won("e")
		low.follows("e", "high")
		low.crash() // its session lives on for a TTL, and nothing answers
		high.must(high.ResignTo(bg(t), "e", "low"))
		start := time.Now()
		f.start("mid", 2).run("e").won("e")
		if d := time.Since(start); d < 500*time.Millisecond {
			t.Errorf("the office was another's after %v", d)
		}
	})
}
