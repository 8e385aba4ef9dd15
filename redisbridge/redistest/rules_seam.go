package redistest

import (
	"errors"
	"strings"
	"time"

	"hustings/redisbridge"
)

var seamRules = []rule{
	{says: "commands of one Do are answered in order", check: func(f *Fixture) {
		r := f.Do(
			redisbridge.Command{Args: []string{"SET", "{ipc}x", "1"}},
			redisbridge.Command{Args: []string{"GET", "{ipc}x"}},
			redisbridge.Command{Args: []string{"GET", "{ipc}nothing"}},
			redisbridge.Command{Args: []string{"EXISTS", "{ipc}x"}},
		)
		want(f, "SET", r[0].Value, any("OK"))
		want(f, "GET", r[1].Value, any("1"))
		want(f, "GET of a missing key", r[2].Value, nil)
		want(f, "EXISTS", r[3].Value, any(int64(1)))
	}},
	{says: "an error reply is a ServerError of its command only", check: func(f *Fixture) {
		f.Plain("SADD", "{ipc}set", "a")
		r := f.Do(
			redisbridge.Command{Args: []string{"GET", "{ipc}set"}},
			redisbridge.Command{Args: []string{"EXISTS", "{ipc}set"}},
		)
		var said *redisbridge.ServerError
		if !errors.As(r[0].Err, &said) || said.Code != "WRONGTYPE" || !strings.HasPrefix(said.Text, "WRONGTYPE ") {
			f.T.Errorf("GET of a set: %v, want WRONGTYPE", r[0].Err)
		}
		want(f, "the next", r[1].Value, any(int64(1)))
	}},
	{says: "a script meets a key of another type with an error reply", check: func(f *Fixture) {
		f.Plain("SET", f.keys().Epoch(), "a string")
		n := f.node("a", 1)
		r := f.Do(redisbridge.Command{
			Script: redisbridge.HeartbeatScript,
			Args:   n.head("1", "1000", "0", "first", "0", "", "0", "0", ""),
		})[0]
		var said *redisbridge.ServerError
		if !errors.As(r.Err, &said) {
			f.T.Errorf("heartbeat: %v %v, want an error reply", r.Value, r.Err)
		}
	}},
	{says: "a closed connection answers once more, with an error", check: func(f *Fixture) {
		c := f.Connect()
		c.Close()
		c.Close()
		if _, err := f.DoOn(c, redisbridge.Command{Args: []string{"GET", "{ipc}x"}}); err == nil {
			f.T.Error("Do after Close: no error")
		}
	}},
	{says: "a closed backend ends what is open and opens nothing", check: func(f *Fixture) {
		c := f.Connect()
		l := f.Subscribe(f.keys().Bully("a"))
		f.Backend.Close()
		if l.Ended() == nil {
			f.T.Error("the subscription ended without a cause")
		}
		if _, err := f.DoOn(c, redisbridge.Command{Args: []string{"GET", "{ipc}x"}}); err == nil {
			f.T.Error("Do after the backend's Close: no error")
		}
		done := make(chan struct{})
		var err error
		f.Backend.Connect(func(_ redisbridge.Conn, e error) { err = e; close(done) })
		f.await("connect", done)
		if err == nil {
			f.T.Error("Connect after the backend's Close: no error")
		}
	}},
	{says: "a subscription hears its channels, in order, and no others", check: func(f *Fixture) {
		a, b := f.keys().Bully("a"), f.keys().Comm("a")
		l := f.Subscribe(a, b)
		f.Plain("PUBLISH", f.keys().Public(), "not for us")
		want(f, "receivers", f.Plain("PUBLISH", a, "1"), any(int64(1)))
		f.Plain("PUBLISH", b, "2")
		f.Plain("PUBLISH", a, "3")
		want(f, "first", l.Next(), Heard{a, "1"})
		want(f, "second", l.Next(), Heard{b, "2"})
		want(f, "third", l.Next(), Heard{a, "3"})
		l.None(a)
	}},
	{says: "subscribers are counted per channel", check: func(f *Fixture) {
		l := f.Subscribe(f.keys().Bully("counted"))
		want(f, "with one", f.peer("", "counted").numsub, 1)
		want(f, "of another", f.peer("", "b").numsub, 0)
		second := f.Subscribe(f.keys().Bully("counted"))
		want(f, "with two", f.peer("", "counted").numsub, 2)
		second.Close()
		l.Close()
		// The server learns of a closed socket when it looks at it next.
		for range 100 {
			if f.peer("", "counted").numsub == 0 {
				return
			}
			f.Advance(10 * time.Millisecond)
		}
		f.T.Error("a closed subscription is still counted after a second")
	}},
}
