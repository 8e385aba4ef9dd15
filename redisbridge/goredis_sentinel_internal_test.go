package redisbridge

import (
	"errors"
	"testing"
	"time"
)

func TestTheNewestWordOfTheSentinelsCounts(t *testing.T) {
	made, err := NewBackend(BackendConfig{})
	if err != nil {
		t.Fatal(err)
	}
	b := made.(*backend)
	defer b.Close()
	open := func() *link {
		l, ok := b.open()
		if !ok {
			t.Fatal("the backend is closed")
		}
		return l
	}
	first, second, third := open(), open(), open()
	if !b.heads(first, sighting{"a", 3}) || !b.heads(second, sighting{"a", 3}) || first.ctx.Err() != nil {
		t.Fatal("the same word twice is no news")
	}
	if !b.heads(third, sighting{"b", 4}) {
		t.Error("a newer one was passed over")
	}
	for _, l := range []*link{first, second} {
		if err := l.fail("talking", errors.New("the socket's")); l.ctx.Err() == nil || !errors.Is(err, errMoved) || !errors.Is(err, ErrConnClosed) {
			t.Errorf("a link to the old one: %v", err)
		}
	}
	if third.ctx.Err() != nil {
		t.Error("the link to the new one was closed")
	}
	late := open()
	if b.heads(late, sighting{"a", 3}) || late.primary != "" {
		t.Error("a Sentinel that is behind was believed")
	}
	b.sighted(sighting{"a", 3})
	b.sighted(sighting{"c", 4})
	if third.ctx.Err() != nil {
		t.Error("old news closed a link")
	}
	// The one that knows it is down.
	const now = time.Hour
	if to := b.behind(late, sighting{"a", 3}, now); to != "b" || late.primary != "b" {
		t.Errorf("it goes to %s, where the newest is b", to)
	}
	b.sighted(sighting{"b", 4})
	if to := b.behind(late, sighting{"a", 3}, now+sentinelSettles); to != "b" {
		t.Errorf("it goes to %s, though b was confirmed meanwhile", to)
	}
	// All Sentinels were told to begin anew.
	if to := b.behind(late, sighting{"d", 0}, now+2*sentinelSettles); to != "d" || late.primary != "d" {
		t.Errorf("it goes to %s, though nobody says so any more", to)
	}
	if !b.heads(open(), sighting{"d", 0}) || !b.heads(open(), sighting{"e", 1}) || late.ctx.Err() == nil {
		t.Error("it does not follow them from their new beginning")
	}
}
