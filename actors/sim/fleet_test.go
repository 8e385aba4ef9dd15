package sim

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// tally counts what clients send to Redis and get from it, heartbeats and published messages
// apart.
type tally struct {
	commands, bytes, beats int
	by                     map[string]int // commands by name
}

func (t *tally) see(cmd redisbridge.Command, reply redisbridge.Reply) {
	name := commandName(cmd)
	if name == "heartbeat" {
		t.beats++
		return
	}
	t.commands++
	t.by[name]++
	for _, a := range cmd.Args {
		t.bytes += len(a)
	}
	t.bytes += size(reply.Value)
}

// size is about what a reply is on the wire: the texts, and eight bytes for a number.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		n := 0
		for _, x := range v {
			n += size(x)
		}
		return n
	case nil:
		return 0
	default:
		return 8
	}
}

// failover starts n nodes that all stand in one election, kills the leader, and counts what
// it costs until everybody follows the next one and knows of the death.
func failover(t testing.TB, n int) (cost tally, took time.Duration) {
	t.Helper()
	w := New(t, 1, KeepTrace(100))
	nodes := make([]*Node, n)
	for i := range nodes {
		nodes[i] = w.Node(fmt.Sprintf("n%04d", i), actors.Config{Rank: new(int64(i)), Mixed: new(false)})
		nodes[i].Stand(actors.ElectionConfig{Name: "e", Run: true})
	}
	leader, heir := nodes[n-1], nodes[n-2]
	follows := func(who *Node) func() bool {
		return func() bool {
			if l := who.Handle().Leadership("e"); l == nil || !l.Valid() {
				return false
			}
			for _, m := range nodes {
				if h := m.Handle(); h != nil && m.Alive() {
					if l, err := h.Leader("e"); err != nil || l.ID != who.id {
						return false
					}
				}
			}
			return true
		}
	}
	every := func(cond func() bool) func() bool { // looking at a fleet takes its time
		next := w.Now()
		return func() bool {
			if w.Now() < next {
				return false
			}
			next = w.Now() + 50*time.Millisecond
			return cond()
		}
	}
	w.Run(10 * time.Second)
	if !w.RunUntil(every(follows(leader)), time.Minute) {
		t.Fatalf("%d nodes have not agreed after %v", n, w.Now())
	}
	w.Run(20 * time.Second) // whatever the start has left to do
	cost.by = map[string]int{}
	w.tap = cost.see
	leader.Crash()
	died := w.Now()
	if !w.RunUntil(every(follows(heir)), time.Minute) {
		t.Fatalf("%d nodes have not agreed on a successor", n)
	}
	took = w.Now() - died
	w.Run(5 * time.Second) // the rest of the members' news
	return cost, took
}

// A failover of a fleet costs requests in proportion to its size, each of which carries no
// more in a large fleet than in a small one: what is read of those above is bounded.
func TestAFailoverOfALargeFleetCostsInProportionToIt(t *testing.T) {
	sizes := []int{30, 100}
	if text := os.Getenv("HUSTINGS_FLEET"); text != "" { // 2,000 nodes take minutes and gigabytes
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		cost, took := failover(t, n)
		t.Logf("%d nodes: %d commands (%.2f a node), %.1f kB (%.2f kB a node), %d heartbeats beside; all agree %v after the death; %v",
			n, cost.commands, float64(cost.commands)/float64(n), float64(cost.bytes)/1000, float64(cost.bytes)/1000/float64(n),
			cost.beats, took.Round(time.Millisecond), cost.by)
		if cost.commands > 4*n {
			t.Errorf("%d nodes need %d commands: more than 4 a node", n, cost.commands)
		}
		if cost.bytes > 1000*n {
			t.Errorf("%d nodes need %d bytes: more than 1 kB a node", n, cost.bytes)
		}
	}
}
