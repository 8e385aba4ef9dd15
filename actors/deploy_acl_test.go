package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// documentedRights reads what docs/operations.md says an ACL user needs: the words of
// ACL SETUSER after the name.
func documentedRights(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "    ACL SETUSER hustings ")
	block, _, _ = strings.Cut(block, "\n\n")
	words := strings.Fields(block)
	if !found || len(words) < 20 {
		t.Fatalf("operations.md has no rights any more: %q", words)
	}
	return words
}

// aclCase is a user that lacks one right, "" for one that has all.
type aclCase struct{ user, lacks string }

// What operations.md lists is enough for everything that a fleet does, and each right of it
// is used; who lacks one finds Redis's words in an error or in the log.
func TestTheRightsInOperationsAreEnoughAndNoneIsTooMany(t *testing.T) {
	deployment(t)
	rights := documentedRights(t)
	s := redistest.NewServer(t, "--acllog-max-len", "100000")
	admin := redis.NewClient(&redis.Options{Addr: s.Addr})
	t.Cleanup(func() { _ = admin.Close() })
	cases := []aclCase{{user: "all"}}
	for _, r := range rights {
		if strings.HasPrefix(r, "+") {
			cases = append(cases, aclCase{user: fmt.Sprint("u", len(cases)), lacks: strings.TrimPrefix(r, "+")})
		}
	}
	// Without these nothing fails: operations.md says so, and what it costs.
	silent := []string{"script|load", "script|exists", "info", "pubsub|numsub"}
	sideBySide(t, cases, func(c *aclCase) string { return "without " + c.lacks }, func(t *testing.T, c *aclCase) {
		admin := admin
		if c.lacks == "script|load" || c.lacks == "eval" { // by others the scripts are there
			admin = redis.NewClient(&redis.Options{Addr: redistest.NewServer(t).Addr})
			t.Cleanup(func() { _ = admin.Close() })
		}
		live := func(user string) (refused []string, log string, err error) {
			words := []any{"ACL", "SETUSER", user}
			for _, r := range rights {
				if r != "+"+c.lacks {
					words = append(words, strings.ReplaceAll(r, "ipc::", user+"::"))
				}
			}
			if err := admin.Do(context.Background(), words...).Err(); err != nil {
				t.Fatal(err)
			}
			l := &aclLife{t: t, admin: admin, user: user}
			err = l.live()
			return refusals(t, admin, user), l.logs.String(), err
		}
		refused, log, err := live(c.user)
		for again := range 2 { // on a busy machine a step may have taken too long
			if err == nil || c.lacks != "" && slices.Contains(refused, c.lacks) {
				break
			}
			t.Logf("again: %v", err)
			refused, log, err = live(fmt.Sprint(c.user, "-", again))
		}
		if c.lacks == "" {
			if err != nil || len(refused) > 0 {
				t.Errorf("with all rights: %v; refused: %v", err, refused)
			}
			return
		}
		if !slices.Contains(refused, c.lacks) {
			t.Errorf("nothing that a fleet does needs it; refused: %v", refused)
		}
		said := fmt.Sprint(err) + log
		texts := []string{"NOPERM", "can't run this command", "ACL failure in script"} // the last two inside a script
		if !slices.Contains(silent, c.lacks) && !slices.ContainsFunc(texts, func(w string) bool { return strings.Contains(said, w) }) {
			t.Errorf("neither an error nor the log says so: %v", err)
		}
		if strings.Contains(fmt.Sprint(err), "not ready when the context ended") {
			t.Errorf("the start waited for a right that it lacks: %v", err)
		}
		if slices.Contains(silent, c.lacks) && err != nil {
			t.Errorf("operations.md says that this one may be left away: %v", err)
		}
	})
}

// refusals are the commands that ACL LOG has of a user.
func refusals(t *testing.T, admin *redis.Client, user string) (list []string) {
	t.Helper()
	entries, err := admin.ACLLog(context.Background(), 100000).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Username == user && !slices.Contains(list, e.Object) {
			list = append(list, e.Object)
		}
	}
	return list
}

// aclLife is what two nodes of a fleet go through.
type aclLife struct {
	t     *testing.T
	admin *redis.Client
	user  string
	logs  syncBuffer
}

// aclTTL is short: each of many users waits for it several times.
const aclTTL = 500 * time.Millisecond

// aclPatience bounds each step; who lacks a right waits for it in vain.
const aclPatience = 8 * aclTTL

func (l *aclLife) start(id string, rank int64) (*actors.Node, error) {
	ctx, cancel := context.WithTimeout(context.Background(), aclPatience)
	defer cancel()
	n, err := actors.Start(ctx, system, actors.Config{
		ID: id, Rank: &rank, TTL: aclTTL, Logger: slog.New(slog.NewTextHandler(&l.logs, nil)),
		Redis: redisbridge.Config{Prefix: l.user, Options: &redis.UniversalOptions{
			Addrs: []string{l.admin.Options().Addr}, Username: l.user, Password: "password",
		}},
	})
	if err == nil {
		l.t.Cleanup(func() { system.Root.Stop(n.PID()); <-n.Done() })
	}
	return n, err
}

// until waits for what a step is to bring about.
func until(what string, is func() bool) error {
	for end := time.Now().Add(aclPatience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("not in time: " + what)
		}
	}
	return nil
}

// live returns what the first step that fails says.
func (l *aclLife) live() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*aclPatience)
	defer cancel()
	keys := redisbridge.Keys(l.user)
	// The members' log is so long that the next change cuts it.
	var old []redis.Z
	for i := range 4100 {
		old = append(old, redis.Z{Score: float64(i + 1), Member: fmt.Sprint("-gone", i)})
	}
	l.admin.ZAdd(ctx, keys.Members(), old...)
	a, err := l.start("a", 1)
	if err != nil {
		return err
	}
	b, err := l.start("b", 2)
	if err != nil {
		return err
	}
	leads := func(n *actors.Node) func() error {
		return func() error {
			return until(n.ID()+" leads", func() bool { return n.Leadership("e").Valid() })
		}
	}
	for _, step := range []func() error{
		func() error { return errors.Join(a.Run(ctx, "e"), b.Run(ctx, "e")) },
		leads(b),
		func() error { return l.admin.ScriptFlush(ctx).Err() },
		func() error {
			var err error
			late := until("messages are sent", func() bool {
				_, err = a.Send(ctx, "b", "hello")
				if err == nil {
					_, err = a.Broadcast(ctx, "all")
				}
				return err == nil
			})
			return errors.Join(late, err)
		},
		func() error {
			if _, err := a.Send(ctx, "stranger", "hello"); !errors.Is(err, actors.ErrNoReceiver) {
				return fmt.Errorf("nobody is there to receive it: %w", err)
			}
			return nil
		},
		func() error { return a.Offline(ctx) },
		func() error { return a.Online(ctx) },
		func() error { return a.Run(ctx, "e") },
		func() error { return b.Resign(ctx, "e") },
		leads(a),
		func() error { return a.Resign(ctx, "e") },
		leads(b),
		func() error {
			system.Root.Stop(b.PID()) // a crash
			return until("b is cleared up", func() bool {
				return !l.admin.HExists(ctx, keys.Details(), "b").Val() && l.admin.ZScore(ctx, keys.Sessions(), "b").Err() != nil
			})
		},
		leads(a),
		func() error { return l.leadMany(ctx, a) },
		func() error { return a.Quit(ctx, "e") },
		func() error { return a.Stop(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// leadMany has a node lead many elections, which it claims together.
func (l *aclLife) leadMany(ctx context.Context, n *actors.Node) error {
	const elections = 100
	faults := make(chan error, elections)
	name := func(i int) string { return fmt.Sprint("many", i) }
	for i := range elections {
		go func() { faults <- n.Run(ctx, name(i)) }()
	}
	var all error
	for range elections {
		all = errors.Join(all, <-faults)
	}
	return errors.Join(all, until("all are led", func() bool {
		led := 0
		for i := range elections {
			if n.Leadership(name(i)).Valid() {
				led++
			}
		}
		return led == elections
	}))
}
