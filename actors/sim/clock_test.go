package sim_test

import (
	"slices"
	"testing"
	"time"

	"hustings/actors/sim"
)

func TestClocks(t *testing.T) {
	w := sim.New(t, 1)
	p, q := w.Process("p"), w.Process("q")
	p.SetDrift(8000)
	start, other := p.Now(), q.Now()
	if start.Mono == other.Mono {
		t.Error("two machines were started at the same instant")
	}
	w.Run(1000 * time.Second)
	if d := p.Now().Sub(start); d != 1008*time.Second {
		t.Errorf("drifting clock counted %v", d)
	}
	if d := p.Now().Wall - start.Wall; d != 1008*time.Second {
		t.Errorf("drifting wall clock counted %v", d)
	}
	at := q.Now()
	q.JumpWall(-time.Hour)
	if now := q.Now(); now.Mono != at.Mono || now.Wall != at.Wall-time.Hour {
		t.Errorf("after a jump: %v, before: %v", now, at)
	}
	q.JumpWall(time.Hour)
	fired := time.Duration(0)
	q.Clock().AfterFunc(2*time.Second, func() { fired = w.Now() })
	began := w.Now()
	w.Run(time.Second)
	q.Suspend(10 * time.Second)
	w.Run(time.Minute)
	if fired-began != 12*time.Second {
		t.Errorf("a timer over a suspension came after %v", fired-began)
	}
	if now := q.Now(); now.Sub(at) != 51*time.Second || now.Wall-at.Wall != 61*time.Second {
		t.Errorf("after a suspension: mono +%v, wall +%v", now.Sub(at), now.Wall-at.Wall)
	}
}

func TestTimersNeverComeEarly(t *testing.T) {
	sim.Test(t, 200, func(w *sim.World) {
		p, r := w.Process("p"), w.Rand()
		p.SetDrift(r.IntN(16001) - 8000)
		var bad error
		w.Every("timer", func() error { return bad })
		for range 100 {
			d := r.Duration(0, 100*time.Hour)
			if r.Chance(0.5) {
				d = r.Duration(0, 50)
			}
			due := p.Now().Mono + d
			p.Clock().AfterFunc(d, func() {
				if now := p.Now().Mono; now < due || now > due+2 {
					bad = errDue{now, due}
				}
			})
			if r.Chance(0.1) {
				w.Run(time.Second)
			}
		}
		w.Run(101 * time.Hour)
	})
}

type errDue struct{ now, due time.Duration }

func (e errDue) Error() string { return "due at " + e.due.String() + ", came at " + e.now.String() }

func TestAStoppedTimerDoesNotCome(t *testing.T) {
	w := sim.New(t, 1)
	p := w.Process("p")
	fired := 0
	timer := p.Clock().AfterFunc(time.Second, func() { fired++ })
	if !timer.Stop() || timer.Stop() {
		t.Error("the first stop is in time, the second is not")
	}
	late := p.Clock().AfterFunc(time.Second, func() { fired += 10 })
	p.Pause(5 * time.Second)
	w.Run(2 * time.Second)
	if !late.Stop() {
		t.Error("a timer that is held back has not fired")
	}
	w.Run(time.Minute)
	if fired != 0 {
		t.Error(fired)
	}
}

// A timer that is set again comes at the new time and not at the old one, even where its
// process stood still at the old one; and once it has come it may be set again.
func TestATimerThatIsSetAgainComesOnce(t *testing.T) {
	w := sim.New(t, 1)
	p := w.Process("p")
	var fired []time.Duration
	timer := p.Clock().AfterFunc(time.Second, func() { fired = append(fired, w.Now()) })
	if !timer.Reset(2 * time.Second) {
		t.Error("it was to come")
	}
	p.Pause(3 * time.Second)
	w.Run(2500 * time.Millisecond) // it is held back
	if !timer.Reset(10*time.Second) || !timer.Reset(20*time.Second) {
		t.Error("a timer that is held back has not fired")
	}
	w.Run(30 * time.Second)
	if timer.Reset(time.Second) || !timer.Stop() || timer.Reset(2*time.Second) {
		t.Error("it had come")
	}
	w.Run(30 * time.Second)
	if want := []time.Duration{22500 * time.Millisecond, 34500 * time.Millisecond}; !slices.Equal(fired, want) {
		t.Errorf("it came at %v, not at %v", fired, want)
	}
}

func TestACrashEndsASuspension(t *testing.T) {
	w := sim.New(t, 1)
	p := w.Process("p")
	fired := false
	p.Boot(func(p *sim.Process) { p.Clock().AfterFunc(time.Minute, func() { fired = true }) })
	p.Suspend(10 * time.Second)
	w.Run(time.Second)
	p.Restart()
	w.Run(61 * time.Second)
	if !fired {
		t.Error("the clock stands still")
	}
}
