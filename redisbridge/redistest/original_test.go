package redistest_test

import (
	"testing"
	"time"

	"hustings/redisbridge/redistest"
)

func TestARealOriginalWinsAloneAndYieldsToAHigherOne(t *testing.T) {
	server := redistest.NewServer(t)
	start := func(id string, pid int) *redistest.Original {
		return redistest.NewOriginal(t, redistest.OriginalConfig{Addr: server.Addr, ID: id, PID: pid, Speed: 50, Run: []string{"e"}})
	}
	hears := func(o *redistest.Original, kind string) {
		t.Helper()
		if _, ok := o.Await(10*time.Second, 0, func(ev redistest.OriginalEvent) bool { return ev.Kind == kind && ev.Election == "e" }); !ok {
			t.Errorf("%s hears no %s: %+v", o.ID, kind, o.Events())
		}
	}
	low := start("low", 10)
	hears(low, "won")
	high := start("high", 20)
	hears(low, "lost")
	hears(high, "won")
	high.Kill()
	if high.Alive() || !low.Alive() {
		t.Error("the wrong one was killed")
	}
}
