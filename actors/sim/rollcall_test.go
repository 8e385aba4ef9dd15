package sim

import (
	"fmt"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// rolls counts what a fleet sends while nothing happens.
type rolls struct {
	requests int
	calls    map[string]int           // roll calls, by node
	most     int                      // elections in one
	last     map[string]time.Duration // when a node was last called in an election
	longest  time.Duration            // between two calls of one election
	now      func() time.Duration
}

func (r *rolls) see(cmd redisbridge.Command, _ redisbridge.Reply) {
	r.requests++
	if cmd.Script != redisbridge.CanvassScript {
		return
	}
	id, items := cmd.Args[1], cmd.Args[7:]
	r.calls[id]++
	r.most = max(r.most, len(items)/3)
	for i := 0; i < len(items); i += 3 {
		who := id + " in " + items[i]
		if at, ok := r.last[who]; ok {
			r.longest = max(r.longest, r.now()-at)
		}
		r.last[who] = r.now()
	}
}

// Whatever the number of elections, a node in a fleet where nothing happens sends its
// heartbeats and now and then a roll call: 0.65 requests/s at most at a TTL of 5 s. Each
// election is called in its turn, by its leader and by who follows it, and nothing is sent
// by a node that stands in none.
func TestTheSteadyCostDoesNotGrowWithTheNumberOfElections(t *testing.T) {
	const ttl, quiet = 5 * time.Second, 20 * time.Minute
	for _, elections := range []int{0, 1, 256, 600} {
		t.Run(fmt.Sprint(elections), func(t *testing.T) {
			w := New(t, 1)
			nodes := []*Node{}
			for i := range 3 {
				n := w.Node(fmt.Sprintf("n%d", i), actors.Config{Rank: new(int64(i)), TTL: ttl})
				for k := range elections {
					n.Stand(actors.ElectionConfig{Name: fmt.Sprintf("e%03d", k), Run: i != 0 || elections > 1})
				}
				nodes = append(nodes, n)
			}
			w.Run(2 * time.Minute)
			r := &rolls{calls: map[string]int{}, last: map[string]time.Duration{}, now: w.Now}
			w.tap = r.see
			w.Run(quiet)
			rate := float64(r.requests) / float64(len(nodes)) / quiet.Seconds()
			t.Logf("%.4f requests/s a node, %v roll calls, %d elections in one, each election within %v", rate, r.calls, r.most, r.longest)
			if rate > 0.65 {
				t.Errorf("%.4f requests/s a node, want 0.65 at most", rate)
			}
			if r.most > 256 || elections > 0 && r.most != min(elections, 256) {
				t.Errorf("a call of %d elections", r.most)
			}
			stand := len(nodes)
			switch elections {
			case 0:
				stand = 0
			case 1:
				stand = 2 // n0 does not stand, and is silent
			}
			if len(r.calls) != stand || len(r.last) != stand*elections {
				t.Errorf("%d nodes called themselves in %d elections in all, want %d in %d each", len(r.calls), len(r.last), stand, elections)
			}
			turns := time.Duration(max(elections+255, 256) / 256)
			if most := turns * (7*ttl + ttl/2 + ttl/3 + time.Second); r.longest > most {
				t.Errorf("an election was called after %v, want %v at most", r.longest, most)
			}
		})
	}
}

// After a change somewhere, who follows somebody looks, and is registered again by that: a
// roll call soon after it would be the same again.
func TestAnElectionThatWasLookedAtAfterAGrantIsNotCalledBesides(t *testing.T) {
	const ttl = 4 * time.Second // so that looks after grants do not come with a heartbeat
	w := New(t, 1)
	a, b := w.Node("a", actors.Config{Rank: new(int64(1)), TTL: ttl}), w.Node("b", actors.Config{Rank: new(int64(2)), TTL: ttl})
	for _, n := range []*Node{a, b} {
		n.Stand(actors.ElectionConfig{Name: "e", Run: true})
	}
	b.Stand(actors.ElectionConfig{Name: "f", Run: true})
	w.Run(2 * time.Minute)
	var beat, looked, last time.Duration
	grants, calls := 0, 0
	w.tap = func(cmd redisbridge.Command, _ redisbridge.Reply) {
		switch now := w.Now(); {
		case cmd.Args[1] != "a":
		case cmd.Script == redisbridge.HeartbeatScript:
			beat = now
		case cmd.Script == redisbridge.CanvassScript:
			if now-last > 9*ttl+ttl/3 && last != 0 {
				t.Errorf("%v and %v: nothing between", last, now)
			}
			last = now
			if now-beat > 10*time.Millisecond {
				looked = now
				grants++
				return
			}
			calls++
			if now-looked < ttl {
				t.Errorf("called at %v, and looked at %v", now, looked)
			}
		}
	}
	const changes = 100
	for range changes { // nothing to a, but for the floor
		b.Tell("f", &actors.Quit{})
		w.Run(7 * time.Second)
		b.Tell("f", &actors.Run{})
		w.Run(18 * time.Second)
	}
	if grants < changes-1 || calls < changes/2 {
		t.Errorf("a looked %d times after %d changes, and was called %d times", grants, changes, calls)
	}
}
