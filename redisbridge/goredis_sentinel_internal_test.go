package redisbridge

import (
	"errors"
	"testing"
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
	// All Sentinels were told to begin anew.
	b.restart(late, sighting{"d", 0})
	if !b.heads(open(), sighting{"d", 0}) || !b.heads(open(), sighting{"e", 1}) || late.ctx.Err() == nil {
		t.Error("it does not follow them from their new beginning")
	}
}
