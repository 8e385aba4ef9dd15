package actors_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hustings/actors"
)

func TestACampaignThatIsCalledOffWithdraws(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high, low := f.start("high", 2).run("e"), f.start("low", 1)
		high.won("e")
		ctx, cancel := context.WithCancel(bg(t))
		ended := low.campaigns(ctx, "e")
		low.follows("e", "high")
		if !f.candidate("e", "low") {
			t.Error("it does not stand")
		}
		cancel()
		if err := receive(t, "Campaign returns", ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		eventually(t, "it has withdrawn", func() bool { return !f.candidate("e", "low") })
	})
}

func TestACampaignThatIsCalledOffLeavesARunAlone(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high := f.start("high", 2).run("e")
		high.won("e")
		low := f.start("low", 1).run("e")
		low.follows("e", "high")
		ctx, cancel := context.WithTimeout(bg(t), 50*time.Millisecond)
		defer cancel()
		if _, err := low.Campaign(ctx, "e"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		high.must(high.Quit(bg(t), "e"))
		low.won("e")
	})
}

func TestTheSecondContenderOfAProcessIsBusy(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		l, err := a.Campaign(bg(t), "e")
		a.must(err)
		if _, err := a.Campaign(bg(t), "e"); !errors.Is(err, actors.ErrBusy) {
			t.Errorf("beside a term: %v", err)
		}
		a.must(l.Release(bg(t)))
		a.must(l.Release(bg(t))) // a second call does nothing
		if l.Valid() || f.candidate("e", "a") {
			t.Errorf("released: valid %v, candidate %v", l.Valid(), f.candidate("e", "a"))
		}
		again, err := a.Campaign(bg(t), "e")
		a.must(err)
		if again.Token() <= l.Token() {
			t.Errorf("token %d after %d", again.Token(), l.Token())
		}
		a.must(again.Release(bg(t))) // or Stop would wait for it
	})
}

func TestQuitEndsACampaign(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		high, low := f.start("high", 2).run("e"), f.start("low", 1)
		high.won("e")
		ended := low.campaigns(bg(t), "e")
		low.follows("e", "high")
		low.must(low.Quit(bg(t), "e"))
		if err := receive(t, "Campaign returns", ended); !errors.Is(err, actors.ErrQuit) {
			t.Errorf("%v", err)
		}
	})
}
