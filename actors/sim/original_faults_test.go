package sim_test

import (
	"testing"
	"time"

	"hustings/actors/sim"
	"hustings/redisbridge"
)

func handler(message func(channel, payload string)) redisbridge.SubscriptionHandler {
	return redisbridge.SubscriptionHandler{Confirmed: func() {}, Message: message, Ended: func(error) {}}
}

func alone(w *sim.World, id string, pid int64) *sim.Original {
	return w.Original(id, pid, sim.OriginalConfig{Run: []string{"e"}})
}

// leads lists who takes itself for the leader.
func leads(list ...*sim.Original) (ids []string) {
	for _, o := range list {
		if o.Leads("e") {
			ids = append(ids, o.ID())
		}
	}
	return ids
}

func TestB1AKickBeforeTheTimerMakesAnOriginalWinFalsely(t *testing.T) {
	// Integers come in ascending order: the highest first, itself, the lowest last.
	fleets := 0
	for seed := range uint64(40) {
		w := sim.New(t, seed)
		high := alone(w, "1", 3000)
		w.Run(20 * time.Second)
		alone(w, "3", 1000)
		w.Run(20 * time.Second)
		mid := alone(w, "2", 2000)
		if w.RunUntil(func() bool { return mid.Leads("e") && high.Leads("e") }, 10*time.Minute) {
			fleets++
		}
		w.Close()
	}
	t.Logf("false wins in %d of 40 fleets of 3 in 10 minutes", fleets)
	if fleets == 0 || fleets == 40 {
		t.Error("not as rare, or as frequent, as measured")
	}
}

func TestB2AMemberWithoutDetailsAtTheEndHangsEveryRound(t *testing.T) {
	w := sim.New(t, 1)
	behind(t, w, "SADD", "ipc::election:e:candidates", "9")
	low, high := alone(w, "1", 1000), alone(w, "2", 2000)
	w.Run(10 * time.Minute)
	if len(leads(low, high)) != 0 {
		t.Errorf("%v lead", leads(low, high))
	}
	behind(t, w, "SREM", "ipc::election:e:candidates", "9")
	w.Run(2 * time.Minute)
	if got := leads(low, high); len(got) != 1 || got[0] != "2" {
		t.Errorf("%v lead", got)
	}
}

func TestB3AfterAFlushAnOriginalNeverHasARoundAgain(t *testing.T) {
	w := sim.New(t, 1)
	list := originals(w, 2)
	w.Run(20 * time.Second)
	w.Redis().FlushAll()
	list[1].Crash()
	w.Run(10 * time.Minute)
	if got := leads(list...); len(got) != 0 || told(list[0]) != "lost" {
		t.Errorf("%v lead; %s", got, told(list[0]))
	}
}

func TestB4AndB5OfflineWithoutIDLeavesTheCandidateAndNeverCallsBack(t *testing.T) {
	w := sim.New(t, 1)
	o := originals(w, 1)[0]
	called := false
	w.Run(time.Second)
	o.Offline("", func() { called = true })
	w.Run(time.Second)
	if called || behind(t, w, "SISMEMBER", "ipc::election:e:candidates", "o0") != int64(1) || behind(t, w, "HGET", "ipc::server:details", "o0") != nil {
		t.Error("offline without an id came to its end")
	}
	other := w.Original("new", 1, sim.OriginalConfig{})
	behind(t, w, "SADD", "ipc::server:list", "new")
	other.Online(func() { called = true })
	w.Run(time.Second)
	if called || behind(t, w, "SISMEMBER", "ipc::server:list", "new") != int64(0) {
		t.Error("online under a listed id without participated set came to its end")
	}
}

func TestB6OnlineAgainMakesAGhostAndBothLead(t *testing.T) {
	w := sim.New(t, 1)
	low := alone(w, "low", 1000)
	w.Run(20 * time.Second)
	high := alone(w, "high", 2000)
	w.Run(20 * time.Second)
	high.Online(nil)
	if !w.RunUntil(func() bool { return len(leads(low, high)) == 2 }, 2*time.Minute) {
		t.Errorf("%s; %s", told(low), told(high))
	}
	w.Run(2 * time.Minute)
	if low.Count("won") < 3 || low.Count("lost") < 3 {
		t.Errorf("no flapping: %s", told(low))
	}
}

func TestB7AndB8AGapOfTheSubscriberOrAFailedPublishIsADeath(t *testing.T) {
	w := sim.New(t, 1)
	list := originals(w, 2)
	w.Run(59900 * time.Millisecond)
	w.Redis().DropSubscribers(list[1].Process)
	w.Run(2 * time.Second)
	if told(list[0]) != "lost, dead o1" {
		t.Errorf("B7: %s", told(list[0]))
	}

	w = sim.New(t, 1)
	list = originals(w, 2)
	w.Run(20 * time.Second)
	w.Redis().Forbid("PUBLISH")
	w.Run(time.Minute)
	if list[0].Count("dead") != 1 || list[1].Count("dead") != 1 {
		t.Errorf("B8: %s; %s", told(list[0]), told(list[1]))
	}
}

func TestB9APatternSubscriberHidesTheDead(t *testing.T) {
	w := sim.New(t, 1)
	w.Redis().SetPatternSubscribers(1)
	list := originals(w, 2)
	w.Run(20 * time.Second)
	list[1].Crash()
	w.Run(10 * time.Minute)
	if told(list[0]) != "lost" || list[0].LastResult("e") != sim.ResultInconclusive {
		t.Errorf("%s, last result %d", told(list[0]), list[0].LastResult("e"))
	}
}

func TestB10EqualPidsAllWin(t *testing.T) {
	w := sim.New(t, 1)
	a, b := alone(w, "a", 1), alone(w, "b", 1)
	w.Run(20 * time.Second)
	if len(leads(a, b)) != 2 {
		t.Errorf("%v lead", leads(a, b))
	}
}

func TestB11AHungLeaderIsNeverReplaced(t *testing.T) {
	w := sim.New(t, 1)
	list := originals(w, 2)
	w.Run(20 * time.Second)
	list[1].Pause(0)
	w.Run(10 * time.Minute)
	if list[0].Leads("e") {
		t.Error("replaced")
	}
}

func TestB12ToB14QuitDoesLessThanItSays(t *testing.T) {
	w := sim.New(t, 1)
	o := originals(w, 1)[0]
	w.Run(time.Second)
	o.Quit("e")
	w.Run(20 * time.Second)
	if told(o) != "won" {
		t.Errorf("B12: %s", told(o))
	}

	o.Run("e")
	o.Run("e")
	w.Run(time.Second)
	o.Quit("e")
	w.Run(time.Second)
	before := o.Commands()
	w.Run(2 * time.Minute)
	if o.Commands() == before {
		t.Error("B13: the first interval was cleared, too")
	}

	w = sim.New(t, 1)
	o = w.Original("o", 1, sim.OriginalConfig{})
	o.Online(nil)
	w.Run(time.Second)
	o.Run("e")
	o.Quit("e")
	w.Run(time.Second)
	if behind(t, w, "SISMEMBER", "ipc::election:e:candidates", "o") != int64(1) {
		t.Error("B14: quit took effect before run did")
	}
}

func TestB16AStaleEntryCostsOneMoreRound(t *testing.T) {
	w := sim.New(t, 1)
	w.Redis().SetPatternSubscribers(0)
	o := originals(w, 1)[0]
	heard := spy(w, "ipc::bully:low")
	behind(t, w, "SADD", "ipc::election:e:candidates", "low")
	behind(t, w, "HSET", "ipc::server:details", "low", `{"process":5}`)
	w.Run(time.Second)
	behind(t, w, "PUBLISH", "ipc::bully:o0", `{"type":"vote","election":"e","me":9999,"id":"x"}`)
	w.Run(time.Minute)
	if len(*heard) != 2 || len(o.Pending("e")) != 2 {
		t.Fatalf("pending %q", o.Pending("e"))
	}
	behind(t, w, "PUBLISH", "ipc::bully:o0", `{"type":"voteack","election":"e","me":5,"id":"low"}`)
	w.Run(20 * time.Second)
	if o.LastResult("e") != sim.ResultInconclusive {
		t.Errorf("last result %d", o.LastResult("e"))
	}
}

func TestB20AConnectionLostUnderATransactionOrRefusedEndsTheProcess(t *testing.T) {
	w := sim.New(t, 1)
	o := originals(w, 1)[0]
	w.Run(time.Second)
	w.Redis().Bounce(100*time.Millisecond, false)
	w.Run(2 * time.Second)
	if !o.Alive() {
		t.Fatalf("died of a short outage: %s", told(o))
	}
	w.Redis().Bounce(time.Second, false)
	w.Run(2 * time.Second)
	if o.Alive() || o.Count("died") != 1 {
		t.Errorf("outlived an outage of a second: %s", told(o))
	}
	o.Restart()
	w.Run(20 * time.Second)
	if !o.Leads("e") {
		t.Errorf("after a restart: %s", told(o))
	}
	w.Hold(o.Process)
	o.Run("e")
	w.After(time.Millisecond, func() { w.Redis().Kill(o.Process); w.Release(o.Process) })
	w.Run(time.Second)
	if o.Alive() {
		t.Error("outlived the loss of its connection under a transaction")
	}
}
