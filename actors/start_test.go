package actors_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/fsm"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

func TestEveryFaultOfAConfigIsNamedAtOnceWithWhatToDo(t *testing.T) {
	t.Parallel()
	rank := int64(fsm.MaxRank)
	err := actors.Config{
		ID: "no name", Rank: &rank, TTL: 299*time.Millisecond + time.Microsecond, MaxTTL: time.Millisecond, VoteTimeout: time.Millisecond,
		Interval: time.Microsecond, Packer: 9, Redis: redisbridge.Config{Prefix: "a\tb"},
		Elections: actors.ElectionConfig{MinTenure: -1, DrainTimeout: -1},
	}.Validate()
	if !errors.Is(err, actors.ErrConfig) {
		t.Fatal(err)
	}
	for _, want := range []string{
		`ID "no name"`, "remove it", `Redis.Prefix "a\tb"`, "Redis.Options is missing: give", "Rank 4503599627370496 is out of range: use",
		"TTL 299.001ms is too short: use at least 300ms", "round it", "MaxTTL 1ms is shorter", "VoteTimeout 1ms is too short: use",
		"Interval 1µs must be longer", "Packer 9 is unknown: use", "Elections.MinTenure -1ns is negative: use", "Elections.DrainTimeout -1ns is negative: use",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 12 {
		t.Errorf("%d lines:\n%v", n, err)
	}
	if _, again := actors.Start(bg(t), system, actors.Config{ID: "no name"}); !errors.Is(again, actors.ErrConfig) {
		t.Error(again)
	}
}

// Who spawns NodeProps has Validate to ask before: what it lets pass must not fail for its addresses.
func TestValidateLooksAtTheAddressesToo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    redis.UniversalOptions
		want []string
	}{
		{redis.UniversalOptions{Addrs: []string{"h:1"}}, nil},
		{redis.UniversalOptions{Addrs: []string{"h:1", "h:2"}, DB: 1}, []string{"write {ipc} instead of ipc", "leave DB 0"}},
		{redis.UniversalOptions{Addrs: []string{"h:1", "h"}, MasterName: "m", IsClusterMode: true}, []string{"choose one", `"h" in Addrs is no address`}},
		{redis.UniversalOptions{Addrs: []string{"h:1"}, Username: "u"}, []string{"a user name without a password"}},
	} {
		cfg := actors.Config{ID: "a", Redis: redisbridge.Config{Options: &c.o}}
		err := cfg.Validate()
		if (err != nil) != (len(c.want) > 0) || err != nil && (!errors.Is(err, actors.ErrConfig) || !errors.Is(err, redisbridge.ErrBackendConfig)) {
			t.Errorf("%v: %v", c.o.Addrs, err)
		}
		for _, want := range c.want {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%q is not in:\n%v", want, err)
			}
		}
	}
}

// Beyond some centuries an instant overflows: an office was released at once whose
// DrainTimeout was "for ever", and an Interval of that length made a storm of votes.
func TestATimeThatIsTooLongToReckonWithIsRefused(t *testing.T) {
	t.Parallel()
	const years = 10 * 365 * 24 * time.Hour
	forever := time.Duration(math.MaxInt64).Truncate(time.Millisecond)
	for _, d := range []time.Duration{years, years + time.Millisecond, forever} {
		for name, err := range map[string]error{
			"VoteTimeout":            actors.Config{VoteTimeout: d, Interval: forever}.Validate(),
			"Interval":               actors.Config{Interval: d}.Validate(),
			"Elections.MinTenure":    actors.Config{Elections: actors.ElectionConfig{MinTenure: d}}.Validate(),
			"Elections.DrainTimeout": actors.Config{Elections: actors.ElectionConfig{DrainTimeout: d}}.Validate(),
			"MinTenure":              actors.ElectionConfig{Name: "e", MinTenure: d}.Validate(),
			"DrainTimeout":           actors.ElectionConfig{Name: "e", DrainTimeout: d}.Validate(),
			"EvictGrace":             actors.ElectionConfig{Name: "e", Takeover: actors.OnDisconnect, EvictGrace: d}.Validate(),
		} {
			want := fmt.Sprintf("%s %v is too long: use at most 87600h0m0s", name, d)
			if refused := err != nil && strings.Contains(err.Error(), want); refused != (d > years) {
				t.Errorf("%s %v: %v", name, d, err)
			}
		}
	}
}

func TestNamesAreWhatRedisAndPeopleCanTell(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"a": true, "web-1:é": true, strings.Repeat("x", 256): true, "": false, strings.Repeat("x", 257): false, "a b": false,
		"a\u00a0b": false, "a\nb": false, "a\x00b": false, "\xff": false, "a\u2028b": false, "\u0085": false,
	} {
		err := actors.ElectionConfig{Name: name}.Validate()
		if (err == nil) != ok || err != nil && !errors.Is(err, actors.ErrConfig) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// starting starts a node that is not to succeed before ctx ends.
func (f *fleet) starting(ctx context.Context) chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := actors.Start(ctx, system, f.config("a", 1))
		ended <- err
	}()
	return ended
}

func TestStartTriesUntilItsContextEndsAndSaysSo(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, servers["miniredis"])
	proxy.Refuse()
	f := newFleet(t, proxy.Addr)
	why := errors.New("the patience of the test")
	ctx, cancel := context.WithCancelCause(bg(t))
	ended := f.starting(ctx)
	eventually(t, "it says so", func() bool { return strings.Contains(f.logs.String(), "waiting for Redis") })
	cancel(why)
	if err := receive(t, "Start returns", ended); !errors.Is(err, actors.ErrUnreachable) || !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	go func() {
		n, err := actors.Start(bg(t), system, f.config("a", 1))
		if err == nil {
			err = n.Stop(bg(t))
		}
		ended <- err
	}()
	eventually(t, "it says so again", func() bool { return strings.Count(f.logs.String(), "waiting for Redis") > 1 })
	if err := proxy.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, "Start succeeds once Redis is up", ended); err != nil {
		t.Error(err)
	}
}

func TestAStartThatWaitsForAFormerLifeDoesNotSayThatRedisIsAway(t *testing.T) {
	t.Parallel()
	f := newFleet(t, servers["miniredis"])
	f.start("a", 1).crash()
	why := errors.New("the patience of the test")
	ctx, cancel := context.WithCancelCause(bg(t))
	ended := f.starting(ctx)
	eventually(t, "it waits", func() bool { return strings.Contains(f.logs.String(), "a session of this id still lives") })
	cancel(why)
	err := receive(t, "Start returns", ended)
	if errors.Is(err, actors.ErrUnreachable) || !errors.Is(err, why) || !strings.Contains(err.Error(), "waiting for the session of an earlier process") {
		t.Errorf("%v", err)
	}
}

func TestAWrongPasswordIsPermanentAtOnceAndNowhereToBeRead(t *testing.T) {
	t.Parallel()
	const right, wrong = "s3cr3t-right", "s3cr3t-wrong"
	mini := redistest.NewMini(t)
	mini.RequireAuth(right)
	addrs := map[string]string{"miniredis": mini.Addr()}
	if servers["redis-server"] != "" {
		addrs["redis-server"] = redistest.NewServer(t, "--requirepass", right).Addr
	}
	for name, addr := range addrs {
		for _, url := range []string{"redis://:" + wrong + "@" + addr, "redis://user:" + wrong + "@" + addr, "redis://" + addr} {
			f := newFleet(t, addr)
			options, err := redisbridge.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Now()
			_, err = actors.Start(bg(t), system, f.config("a", 1, func(c *actors.Config) { c.Redis.Options = options }))
			if !errors.Is(err, actors.ErrRefused) || time.Since(at) > patience/2 {
				t.Errorf("%s: %v after %v", name, err, time.Since(at))
			}
			if text := f.logs.String() + fmt.Sprint(err); strings.Contains(text, "s3cr3t") {
				t.Errorf("%s: the password can be read:\n%s", name, text)
			}
		}
	}
}

func TestACrashedNodesSuccessorWaitsForItsSession(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * time.Second
		f.start("a", 1).crash()
		at := time.Now()
		left := f.client.PTTL(bg(t), f.keys.Session("a")).Val()
		again := f.start("a", 1).run("e")
		if waited := time.Since(at); waited < left-10*time.Millisecond {
			t.Errorf("it started after %v, but its predecessor's session had %v left", waited, left)
		}
		again.won("e")
	})
}

func TestWhoComesBackUnderAnOldIDStandsInNoElectionUntilItRuns(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = 2 * time.Second
		first := f.start("high", 2).run("e")
		first.won("e")
		first.crash()
		again := f.start("high", 2)
		if f.candidate("e", "high") {
			t.Error("it is a candidate still, and will answer no votes")
		}
		low := f.start("low", 1).run("e")
		low.won("e")
		for _, line := range low.seen {
			if strings.Contains(line, "Inconclusive") {
				t.Error("the one that does not stand was waited for: " + line)
			}
		}
		again.run("e")
		again.won("e")
	})
}

func TestTheIDOfALiveNodeIsRefusedNamingIt(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = 2 * time.Second
		a := f.start("a", 1).run("e")
		token := a.won("e").Token
		_, err := actors.Start(bg(t), system, f.config("a", 2))
		host, _ := os.Hostname()
		if !errors.Is(err, actors.ErrDuplicateID) {
			t.Fatal(err)
		}
		for _, want := range []string{`"a"`, fmt.Sprintf("process %d", os.Getpid()), fmt.Sprintf("host %q", host), "since 20"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
		a.leads("e", token)
	})
}

func TestAnotherMaxTTLThanTheFleetsIsRefused(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.start("a", 1)
		_, err := actors.Start(bg(t), system, f.config("b", 2, func(c *actors.Config) { c.MaxTTL = 7 * time.Second }))
		if !errors.Is(err, actors.ErrMaxTTL) || !strings.Contains(err.Error(), `"a" has 5s, this node 7s (where it is not set it is the TTL)`) {
			t.Errorf("%v", err)
		}
		if f.client.HExists(bg(t), f.keys.Details(), "b").Val() {
			t.Error("it left its details behind")
		}
	})
}

func TestStoppingTwiceIsStoppingOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1).run("e")
		a.won("e")
		both := make(chan error, 2)
		for range 2 {
			go func() { both <- a.Stop(bg(t)) }()
		}
		for range 2 {
			a.must(receive(t, "Stop returns", both))
		}
		a.must(a.Stop(bg(t)))
		receive(t, "Done is closed", a.Done())
		for name, err := range map[string]error{
			"Run": a.Run(bg(t), "e"), "Quit": a.Quit(bg(t), "x"), "Offline": a.Offline(bg(t)),
			"Lead": a.Lead(bg(t), "e", func(context.Context, *actors.Leadership) error { return nil }),
		} {
			if !errors.Is(err, actors.ErrStopped) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := a.Send(bg(t), "a", 1); !errors.Is(err, actors.ErrStopped) {
			t.Errorf("Send: %v", err)
		}
		if _, err := a.Leader("e"); !errors.Is(err, actors.ErrStopped) {
			t.Errorf("Leader: %v", err)
		}
		for _, election := range []string{"e", "one that it never had"} {
			if _, err := a.Inspect(bg(t), election); !errors.Is(err, actors.ErrStopped) {
				t.Errorf("Inspect of %s: %v", election, err)
			}
			if _, err := a.Explain(bg(t), election); !errors.Is(err, actors.ErrStopped) {
				t.Errorf("Explain of %s: %v", election, err)
			}
		}
		keys := f.client.Keys(bg(t), string(f.keys)+"::*").Val()
		for _, k := range keys {
			if strings.Contains(k, "session:") || strings.Contains(k, "candidates") || strings.Contains(k, "server:") {
				t.Errorf("it left %s behind", k)
			}
		}
	})
}

func TestStopWithoutRedisEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"refused", "black hole"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			mini := redistest.NewMini(t)
			proxy := redistest.NewProxy(t, mini.Addr())
			f := newFleet(t, mini.Addr())
			a := f.start("a", 1, func(c *actors.Config) {
				c.Redis.Options = &redis.UniversalOptions{Addrs: []string{proxy.Addr}}
			}).run("e")
			a.won("e")
			if fault == "refused" {
				proxy.Refuse()
				proxy.Reset()
			} else {
				proxy.Hold(redistest.ToServer)
			}
			ctx, cancel := context.WithTimeout(bg(t), 200*time.Millisecond)
			defer cancel()
			at := time.Now()
			if err := a.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `stop "a"`) {
				t.Errorf("%v", err)
			}
			if took := time.Since(at); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A node puts its registration together from what its elections show. One may quit before
// it goes out, and its quit then comes first: the registration makes a candidate that does
// not stand.
func TestARegistrationThatComesAfterTheQuitIsTakenBack(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 5).run("idle")
		a.won("idle")
		a.must(a.Quit(bg(t), "idle"))
		late := &redisbridge.JoinAnswer{Status: "ok"}
		for _, e := range []string{"idle", "gone"} {
			a.must(f.client.SAdd(bg(t), f.keys.Candidates(e), "a").Err())
			a.must(f.client.ZAdd(bg(t), f.keys.Ranks(e), redis.Z{Score: 5, Member: "a"}).Err())
			late.Entries = append(late.Entries, redisbridge.Membership{Election: e, Rank: 5})
		}
		system.Root.Send(a.PID(), late)
		for _, e := range []string{"idle", "gone"} {
			eventually(t, e+" has no candidate", func() bool {
				return f.client.Exists(bg(t), f.keys.Candidates(e), f.keys.Ranks(e)).Val() == 0
			})
		}
	})
}
