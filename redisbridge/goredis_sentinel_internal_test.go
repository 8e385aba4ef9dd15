package redisbridge

import (
	"errors"
	"testing"
	"time"
)

func newBackend(t *testing.T) *backend {
	t.Helper()
	b, err := NewBackend(BackendConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.(*backend)
}

func TestTheNewestWordOfTheSentinelsCounts(t *testing.T) {
	b := newBackend(t)
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
	if b.demoted(late); b.primary != (sighting{"b", 4}) {
		t.Errorf("a replica of the next primary made it forget the newest word: %v", b.primary)
	}
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

func TestTheLastWordOfASentinelCounts(t *testing.T) {
	b := newBackend(t)
	l, _ := b.open()
	b.heads(l, sighting{"10.0.0.1:6379", 3})
	for _, word := range []struct{ channel, payload string }{
		{"+config-update-from", "sentinel 5a1 10.0.0.7 26379 @ fleet 10.0.0.1 6379"},                      // says no more than that
		{"+promoted-slave", "slave 10.0.0.3:6379 10.0.0.3 6379 @ fleet 10.0.0.9 6379"},                    // late
		{"+switch-master", "fleet 10.0.0.9 6379 10.0.0.3 6379"},                                           // late
		{"+switch-master", "fleet 10.0.0.1 6379"}, {"+promoted-slave", ""}, {"+sdown", "a b c d e f g h"}, // no such words
	} {
		if b.announced(replacement(word.channel, word.payload)); l.ctx.Err() != nil {
			t.Fatalf("%v closed the link", word)
		}
	}
	b.announced(replacement("+promoted-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ fleet 10.0.0.1 6379"))
	if l.ctx.Err() == nil || b.primary != (sighting{"10.0.0.2:6379", 4}) {
		t.Errorf("the primary is %v, the link to the old one: %v", b.primary, l.ctx.Err())
	}
	b.announced(replacement("+switch-master", "fleet 10.0.0.2 6379 ::1 6379"))
	if b.primary != (sighting{"[::1]:6379", 5}) {
		t.Errorf("the primary is %v", b.primary)
	}
}

func TestAReplicaIsNoPrimaryWhateverASentinelSaid(t *testing.T) {
	b := newBackend(t)
	old, late := &link{b: b}, &link{b: b}
	b.heads(old, sighting{"a", 3})
	b.sighted(sighting{"b", 4})
	const now = time.Hour
	if b.behind(late, sighting{"a", 3}, now); late.primary != "b" {
		t.Fatalf("it goes to %q", late.primary)
	}
	b.demoted(old) // it was the primary, and is said to be none
	if to := b.behind(late, sighting{"a", 3}, now); to != "b" {
		t.Errorf("it goes to %s, since another server is a replica", to)
	}
	b.demoted(late)
	if next := (&link{b: b}); !b.heads(next, sighting{"a", 3}) || next.primary != "a" {
		t.Errorf("the Sentinels have undone the failover, and are not believed: %q", next.primary)
	}
}
