package inspect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

var actorSystem = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))

func begin(t *testing.T, addr, id string, rank int64, ttl time.Duration) *actors.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	n, err := actors.Start(ctx, actorSystem, actors.Config{
		ID: id, Rank: &rank, TTL: ttl, Quarantine: new(false),
		Redis: redisbridge.Config{Options: &redis.UniversalOptions{Addrs: []string{addr}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = n.Stop(ctx)
	})
	return n
}

func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(late); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", late, what)
		}
	}
}

// over puts a real source under a rig's methods.
func over(t *testing.T, source inspect.Source, o inspect.Options) *rig {
	r := &rig{t: t, page: inspect.Handler(source, o)}
	r.board = r.page.Board()
	r.server = httptest.NewServer(r.page)
	r.url = r.server.URL + "/"
	t.Cleanup(func() { r.page.Close(); r.server.Close() })
	return r
}

func TestAFleetOfRealNodesIsShownAndObeys(t *testing.T) {
	addr := redistest.NewMini(t).Addr()
	low, high := begin(t, addr, "low", 1, time.Second), begin(t, addr, "high", 2, time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	if err := low.Run(ctx, "billing"); err != nil { // before anybody looks
		t.Fatal(err)
	}
	fleet := inspect.Node(low)
	r := over(t, fleet, inspect.Options{Control: true})
	fleet.Put(high)
	soon(t, "low leads", func() bool { s := r.state("election=billing"); return s.Detail != nil && s.Detail.Leader == "low" })
	if _, err := fleet.Do(ctx, inspect.Command{Action: "run", Node: "high", Election: "billing"}); err != nil {
		t.Fatal(err)
	}
	soon(t, "high leads", func() bool { return r.state("election=billing").Detail.Leader == "high" })
	s := r.state("election=billing")
	if d := s.Detail; d.Seats[0].Node != "high" || d.Seats[0].TrustedMS <= 0 || d.Seats[0].Session == nil || !d.Seats[0].Session.LinkUp ||
		!strings.Contains(d.Seats[1].Explain, "low does not lead") {
		t.Errorf("detail: %+v", d)
	}
	if fleet.Trust("high", "billing") <= 0 || fleet.Trust("low", "billing") != 0 || fleet.Trust("nobody", "billing") != 0 {
		t.Error("the trust is wrong")
	}
	for i, n := range s.Nodes {
		if id := []string{"high", "low"}[i]; n.ID != id || !n.Here || !n.Up || !n.Link {
			t.Errorf("node: %+v", n)
		}
	}
	if _, err := fleet.Do(ctx, inspect.Command{Action: "resign", Node: "high", Election: "billing"}); err != nil {
		t.Fatal(err)
	}
	soon(t, "low leads again", func() bool { return r.state("election=billing").Detail.Leader == "low" })
	if _, err := fleet.Do(ctx, inspect.Command{Action: "appoint", Node: "high", Election: "billing"}); err != nil {
		t.Fatal(err)
	}
	soon(t, "high is appointed", func() bool { return r.state("election=billing").Detail.Leader == "high" })
	if _, err := fleet.Do(ctx, inspect.Command{Action: "appoint", Node: "nobody", Election: "billing"}); err == nil {
		t.Error("somebody who is not there was appointed")
	}
	if _, err := fleet.Do(ctx, inspect.Command{Action: "quit", Node: "high", Election: "billing"}); err != nil {
		t.Fatal(err)
	}
	soon(t, "high is idle", func() bool { return r.state("election=billing").Detail.Seats[0].State == "idle" })
	for _, c := range []inspect.Command{{Action: "explode", Node: "low"}, {Action: "run", Node: "nobody"}} {
		if _, err := fleet.Do(ctx, c); err == nil {
			t.Errorf("obeyed %+v", c)
		}
	}
	actorSystem.Root.Stop(low.PID()) // a crash
	soon(t, "low is dead", func() bool {
		s := r.state("election=billing")
		return !s.Nodes[1].Up && s.Detail.Seats[1].State == "idle" && s.Detail.Seats[1].Cause == "stopped"
	})
}

func TestAFloodOfARealNodesElectionsEndsWithAllShown(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs thousands of elections")
	}
	const elections = 3000 // more events than the buffer takes at once
	n := begin(t, redistest.NewServer(t).Addr, "web-1", 1, 10*time.Second)
	r := over(t, inspect.Node(n), inspect.Options{})
	begin := time.Now()
	for i := range elections {
		actorSystem.Root.Spawn(actors.ElectionProps(n.PID(), actors.ElectionConfig{Name: fmt.Sprintf("job-%d", i), Run: true}))
	}
	soon(t, "all are led", func() bool { return r.state("limit=1").Summary.Led == elections })
	t.Logf("all led on the page %v after they were run", time.Since(begin))
}

func TestANodeIsReadyWhileRedisAnswersAndLiveAnyhow(t *testing.T) {
	mini := redistest.NewMini(t)
	n := begin(t, mini.Addr(), "web-1", 1, time.Second)
	ask := func(ready bool) (int, string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		if ready {
			inspect.Ready(n).ServeHTTP(w, r)
		} else {
			inspect.Live(n).ServeHTTP(w, r)
		}
		var p struct{ Reason string }
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Errorf("%v in %s", err, w.Body)
		}
		return w.Code, p.Reason
	}
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	for i := range 100 { // more than one ping asks
		if err := n.Run(ctx, fmt.Sprint("e", i)); err != nil {
			t.Fatal(err)
		}
	}
	if code, why := ask(true); code != 200 {
		t.Errorf("ready: %d %s", code, why)
	}
	mini.Close()
	soon(t, "not ready", func() bool { code, why := ask(true); return code == 503 && why != "" })
	time.Sleep(1500 * time.Millisecond) // longer than a TTL
	if code, why := ask(false); code != 200 {
		t.Errorf("live while Redis is away: %d %s", code, why)
	}
	if code, _ := ask(true); code != 503 {
		t.Errorf("ready while Redis is away: %d", code)
	}
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	soon(t, "ready again", func() bool { code, _ := ask(true); return code == 200 })
	actorSystem.Root.Stop(n.PID())
	<-n.Done()
	if code, why := ask(false); code != 503 || !strings.Contains(why, "stopped") || strings.Contains(why, "answer") {
		t.Errorf("live after the end: %d %s", code, why)
	}
}

// Who mounts the page before the node is ready, as who spawns it does, sees it as it is.
func TestANodeThatIsShownBeforeItIsReadyHasItsRankOnceItIs(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	pid := actorSystem.Root.Spawn(actors.NodeProps(actors.Config{
		ID: "a", Rank: new(int64(7)), TTL: time.Second, Quarantine: new(false),
		Redis: redisbridge.Config{Options: &redis.UniversalOptions{Addrs: []string{redistest.NewMini(t).Addr()}}},
	}))
	n, err := actors.Attach(ctx, actorSystem, pid)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Stop(context.Background()) }()
	r := over(t, inspect.Node(n), inspect.Options{})
	soon(t, "its rank and process are shown", func() bool {
		s := r.state("")
		return len(s.Nodes) == 1 && s.Nodes[0].Rank == 7 && s.Nodes[0].PID != 0
	})
}

// An election whose actor was stopped leads no more, though the node lives.
func TestAnElectionWhoseActorWasStoppedIsNotShownAsLed(t *testing.T) {
	n := begin(t, redistest.NewMini(t).Addr(), "a", 1, time.Second)
	r := over(t, inspect.Node(n), inspect.Options{})
	pid := actorSystem.Root.Spawn(actors.ElectionProps(n.PID(), actors.ElectionConfig{Name: "e", Run: true}))
	led := func() bool { s := r.state("election=e"); return s.Detail != nil && s.Detail.Leader == "a" }
	soon(t, "it leads", led)
	if err := actorSystem.Root.StopFuture(pid).Wait(); err != nil {
		t.Fatal(err)
	}
	soon(t, "it does not", func() bool { return !led() })
}
