package actors_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/fsm"
	"hustings/redisbridge"
)

// keyed gives a node keys, the first of which signs.
func keyed(keys ...string) func(*actors.Config) {
	return func(c *actors.Config) {
		c.Mixed, c.SharedKey = new(false), []byte(keys[0])
		for _, k := range keys[1:] {
			c.SharedKeys = append(c.SharedKeys, []byte(k))
		}
	}
}

const (
	oneKey     = "one key of the fleet's"
	anotherKey = "another key altogether"
)

// spy collects what is published to a node's control channel.
func (f *fleet) spy(t testing.TB, id string) <-chan string {
	t.Helper()
	sub := f.client.Subscribe(bg(t))
	t.Cleanup(func() { _ = sub.Close() })
	if err := sub.Subscribe(bg(t), f.keys.Bully(id)); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Receive(bg(t)); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1000)
	go func() {
		for {
			m, err := sub.ReceiveMessage(bg(t))
			if err != nil {
				return
			}
			heard <- m.Payload
		}
	}()
	return heard
}

// details are those of a node.
func (f *fleet) details(t testing.TB, id string) redisbridge.Details {
	t.Helper()
	d, ok := redisbridge.ParseDetails(f.client.HGet(bg(t), f.keys.Details(), id).Val())
	if !ok {
		t.Fatalf("%s has no details", id)
	}
	return d
}

// wrongClock shows another time of day.
type wrongClock struct {
	redisbridge.Clock
	by time.Duration
}

func (c wrongClock) Now() fsm.Instant {
	now := c.Clock.Now()
	now.Wall += c.by
	return now
}

// overhear waits for a message of a type.
func overhear(t testing.TB, what string, heard <-chan string) string {
	t.Helper()
	for {
		m := receive(t, what, heard)
		if strings.Contains(m, `"type":"`+what+`"`) {
			return m
		}
	}
}

// Somebody who may subscribe and publish, and knows everything but the key.
func TestWhoHasNoKeyCanNeitherForgeNorRepeatNorRedirectControlMessages(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		heardA := f.spy(t, "a")
		a, b := f.start("a", 5, keyed(oneKey)).run("e"), f.start("b", 7, keyed(oneKey))
		a.won("e")
		b.run("e")
		vote := overhear(t, "vote", heardA) // of b, which outranks a: a makes way
		b.won("e")
		if err := b.Resign(bg(t), "e"); err != nil {
			t.Fatal(err)
		}
		token := a.won("e").Token
		before := a.Counts()
		inc := f.details(t, "b").Inc
		forged := map[string]string{
			"repeated":       vote,
			"unsigned":       fmt.Sprintf(`{"type":"vote","election":"e","me":7,"id":"b","inc":%q,"round":99}`, inc),
			"bad signature":  fmt.Sprintf(`{"type":"vote","election":"e","me":7,"id":"b","inc":%q,"round":99,"n":99,"at":%d,"sig":"AAAA"}`, inc, time.Now().UnixMilli()),
			"cut":            strings.Replace(vote, `"round":`, `"round":1`, 1),
			"another number": strings.Replace(vote, `"me":7`, `"me":70`, 1),
			"of another":     strings.Replace(vote, `"id":"b"`, `"id":"c"`, 1),
			"as a kick":      strings.Replace(vote, `"type":"vote"`, `"type":"votekick"`, 1),
			"in a batch":     `{"type":"batch","messages":[` + vote + `]}`,
			"original":       `{"type":"votekick","election":"e","me":900,"id":"b"}`,
		}
		for name, m := range forged {
			if m == vote && name != "repeated" {
				t.Fatalf("%s: %s was not changed", name, vote)
			}
			f.publish(f.keys.Bully("a"), m)
		}
		eventually(t, "all are dropped", func() bool { return a.Counts().Dropped >= before.Dropped+uint64(len(forged)) })
		after := a.Counts()
		got := [...]uint64{after.Unsigned - before.Unsigned, after.Forged - before.Forged, after.Replayed - before.Replayed}
		if got != [...]uint64{2, 5, 2} {
			t.Errorf("unsigned, forged, replayed: %v, want 2, 5, 2", got)
		}
		a.leads("e", token)
		// What was for a is nothing to b.
		was := b.Counts().Forged
		f.publish(f.keys.Bully("b"), strings.Replace(vote, `"id":"b"`, `"id":"a"`, 1))
		f.publish(f.keys.Bully("b"), vote) // in its own name: dropped before that
		eventually(t, "it is dropped", func() bool { return b.Counts().Forged == was+1 })
	})
}

func TestAMessageForAnEarlierStartOfANodeIsNothingToTheNext(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		heard := f.spy(t, "a")
		a, b := f.start("a", 5, keyed(oneKey)).run("e"), f.start("b", 7, keyed(oneKey))
		a.won("e")
		b.run("e").won("e")
		vote := overhear(t, "vote", heard)
		if err := a.Stop(bg(t)); err != nil {
			t.Fatal(err)
		}
		again := f.start("a", 5, keyed(oneKey)).run("e")
		again.follows("e", "b")
		f.publish(f.keys.Bully("a"), vote)
		eventually(t, "it is dropped", func() bool { return again.Counts().Forged == 1 })
	})
}

func TestAKeyIsChangedWithoutAnybodyGoingUnheard(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		// Half-way: one node signs with the old key yet, the other with the new one.
		a := f.start("a", 5, keyed(oneKey, anotherKey)).run("e")
		a.won("e")
		b := f.start("b", 7, keyed(anotherKey, oneKey)).run("e")
		b.won("e")
		a.follows("e", "b")
		if n := a.Counts().Forged + b.Counts().Forged + a.Counts().Unsigned; n != 0 {
			t.Errorf("%d messages were not believed", n)
		}
		// One that has another key only is not heard. Its rank does not help it.
		c := f.start("c", 9, keyed("a key of somebody else's")).run("e")
		eventually(t, "its votes are dropped", func() bool { return b.Counts().Forged > 0 })
		_ = c
	})
}

func TestAMessageOfAnotherTimeIsDropped(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 5, keyed(oneKey)).run("e")
		a.won("e")
		b := f.start("b", 7, keyed(oneKey), func(c *actors.Config) {
			c.Redis.Clock = wrongClock{redisbridge.SystemClock{}, 2 * redisbridge.SignWindow}
		}).run("e")
		_ = b
		eventually(t, "its votes are dropped", func() bool { return a.Counts().Untimely > 0 })
	})
}

func TestKeysThatCannotServeAreNamed(t *testing.T) {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	for want, change := range map[string]func(*actors.Config){
		"Mixed: false":                 func(c *actors.Config) { c.SharedKey = random },
		"has 15 bytes":                 func(c *actors.Config) { c.SharedKey, c.Mixed = random[:15], new(false) },
		"shared key 2 has 0 bytes":     func(c *actors.Config) { c.SharedKey, c.SharedKeys, c.Mixed = random, [][]byte{nil}, new(false) },
		"SharedKeys without":           func(c *actors.Config) { c.SharedKeys = [][]byte{random} },
		"SharedKeys has 8 keys":        func(c *actors.Config) { c.SharedKey, c.SharedKeys, c.Mixed = random, make([][]byte, 8), new(false) },
		"MinReplicas -1 is out of ran": func(c *actors.Config) { c.MinReplicas = -1 },
	} {
		cfg := actors.Config{ID: "a"}
		change(&cfg)
		if err := cfg.Validate(); !errors.Is(err, actors.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		} else if strings.Contains(err.Error(), string(random[:15])) {
			t.Error("the key is in the error")
		}
	}
}
