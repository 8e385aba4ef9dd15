package fsm_test

import (
	"fmt"
	"time"

	"hustings/fsm"
)

// A round that nobody contests, from idle into office: inputs go in, effects come out.
// Here a few lines stand in for Redis; the actor around a machine does the same with
// the real one.
func Example_round() {
	now := fsm.Instant{Mono: time.Hour, Wall: 20 * 365 * 24 * time.Hour}

	// The node's session: a heartbeat goes out and is answered 2 ms later.
	session := fsm.NewSession("b8e1", 5*time.Second)
	tenancy := fsm.Tenancy{Birth: "b8e1-1", Epoch: "dawn"}
	req := session.Beat(now)
	now = now.Add(2 * time.Millisecond)
	session.Answer(now, req, fsm.VerdictCreated, tenancy, fsm.Epoch{Number: 1, Name: "dawn"})

	rules := &fsm.Rules{VoteTimeout: time.Second, Interval: time.Minute, DrainTimeout: 30 * time.Second}
	m := fsm.NewMachine(fsm.Candidate{ID: "web-1", Inc: "b8e1", Rank: 7}, rules, session, 1)
	step := func(in fsm.Input) {
		for _, e := range m.Step(now, in) {
			fmt.Println(" ", describe(e))
		}
	}

	fmt.Println("told to run:")
	step(fsm.Input{Kind: fsm.InRun})
	fmt.Println("Redis: no holder, nobody above us:")
	step(fsm.Input{Kind: fsm.InSurveyed, Round: m.Round(), Survey: &fsm.Survey{}})
	fmt.Println("Redis: granted:")
	step(fsm.Input{Kind: fsm.InClaimed, Round: m.Round(), Outcome: fsm.OutcomeGranted, Token: 1700, Tenancy: tenancy})

	lease := m.Lease()
	fmt.Printf("valid: %v, for %s more\n", lease.Valid(now), lease.Until().Sub(now))
	now = now.Add(5 * time.Second)
	fmt.Printf("no heartbeat answered for 5 s: valid: %v\n", lease.Valid(now))
	step(fsm.Input{Kind: fsm.InLapse})

	// Output:
	// told to run:
	//   canvass: idle -> voting
	//   survey, round 1, register true
	// Redis: no holder, nobody above us:
	//   polled: voting -> waiting
	//   tell no leader
	//   claim, round 1, epoch dawn
	// Redis: granted:
	//   elected: waiting -> won
	//   lead 1700
	//   tell leader web-1 1700
	//   tell won 1700
	// valid: true, for 4.498s more
	// no heartbeat answered for 5 s: valid: false
	//   unlead 1700
	//   release 1700, over
	//   tell leader unknown
	//   defeated: won -> lost
	//   tell lost: session lapsed: no heartbeat was answered that was sent in the last 4.5s
}
