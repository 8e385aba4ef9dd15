package sim_test

import (
	"fmt"
	"time"

	"hustings/actors"
	"hustings/actors/sim"
)

// A fleet of three in virtual time: the leader's process crashes without a word, and the
// next in rank leads when its session has run out. One seed always does the same. In a
// test, sim.Test makes a world for each of many seeds.
func Example() {
	w := sim.New(nil, 1)
	defer w.Close()
	var fleet []*sim.Node
	for i := range 3 {
		n := w.Node(fmt.Sprintf("web-%d", i+1), actors.Config{Rank: new(int64(i)), TTL: 5 * time.Second, Quarantine: new(false)})
		n.Stand(actors.ElectionConfig{Name: "billing", Run: true})
		fleet = append(fleet, n)
	}
	leads := func(n *sim.Node) func() bool {
		return func() bool { return n.Handle() != nil && n.Handle().Leadership("billing").Valid() }
	}
	fmt.Println("web-3 leads:", w.RunUntil(leads(fleet[2]), time.Minute))

	fleet[2].Crash()
	crashed := w.Now()
	fmt.Println("web-2 leads:", w.RunUntil(leads(fleet[1]), time.Minute))
	fmt.Println("within the TTL:", w.Now()-crashed <= 5*time.Second)

	fleet[2].Restart()
	fmt.Println("web-3 leads again:", w.RunUntil(leads(fleet[2]), time.Minute))
	fmt.Println("a rule was broken:", w.Err() != nil)
	// Output:
	// web-3 leads: true
	// web-2 leads: true
	// within the TTL: true
	// web-3 leads again: true
	// a rule was broken: false
}
