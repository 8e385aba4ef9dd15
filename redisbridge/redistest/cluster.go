package redistest

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slots is how many slots a Redis Cluster has.
const slots = 16384

// NewCluster starts a Redis Cluster of one node that serves all slots.
func NewCluster(t testing.TB) *Server {
	t.Helper()
	return NewClusterOf(t, 1).Nodes[0]
}

// Cluster is a Redis Cluster of primaries, and the replicas that were added.
type Cluster struct {
	// Nodes are the primaries, which share the slots evenly, in this order, to begin with, and
	// then the replicas.
	Nodes []*Server
	ids   []string
}

// NewClusterOf starts a Redis Cluster of n primaries.
func NewClusterOf(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{}
	for i := range n {
		s := newClusterNode(t)
		c.Nodes = append(c.Nodes, s)
		if err := c.found(s, i, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range c.Nodes {
		if err := complete(s); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func newClusterNode(t testing.TB) *Server {
	t.Helper()
	return NewServer(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000",
		"--repl-diskless-sync-delay", "0")
}

// complete waits until a node knows who serves each slot.
func complete(s *Server) error {
	return expect("the slots that "+s.Addr+" knows of", "ok 16384", func() string {
		got, _ := s.query("CLUSTER", "INFO")
		return field(got, "cluster_state") + " " + field(got, "cluster_slots_ok")
	})
}

// AddReplica starts a replica of a primary, and waits until it has its data and the others
// know it. If the primary dies it is replaced after some three seconds, where most of the
// primaries live.
func (c *Cluster) AddReplica(t testing.TB, of *Server) *Server {
	t.Helper()
	s := newClusterNode(t)
	if err := c.adopt(s, of); err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *Cluster) adopt(s, of *Server) error {
	if err := c.meet(s); err != nil {
		return err
	}
	if err := complete(s); err != nil {
		return err
	}
	id, err := s.query("CLUSTER", "MYID")
	if err != nil {
		return err
	}
	if _, err := s.query("CLUSTER", "REPLICATE", c.ids[slices.Index(c.Nodes, of)]); err != nil {
		return err
	}
	c.Nodes, c.ids = append(c.Nodes, s), append(c.ids, fmt.Sprint(id))
	if err := linked(s); err != nil {
		return err
	}
	for _, other := range c.Nodes {
		// Who has not heard of it gives it no vote.
		err := expect("whether "+other.Addr+" takes "+s.Addr+" for a replica", "true", func() string {
			return strconv.FormatBool(other.knowsReplica(fmt.Sprint(id)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// knowsReplica reports whether a node of a Cluster takes another one for a replica.
func (s *Server) knowsReplica(id string) bool {
	got, _ := s.query("CLUSTER", "NODES")
	text, _ := got.(string)
	for line := range strings.Lines(text) {
		if w := strings.Fields(line); len(w) > 2 && w[0] == id {
			return strings.Contains(w[2], "slave")
		}
	}
	return false
}

// Failover has a replica take its primary's place, by hand: the primary takes no commands
// until the replica has all of its data. It returns when the replica serves, and the one that
// was primary is a replica with its data.
func (c *Cluster) Failover(replica *Server) error {
	port := replica.info("replication", "master_port")
	old := slices.IndexFunc(c.Nodes, func(s *Server) bool { return s.port() == port })
	if old < 0 {
		return fmt.Errorf("redistest: %s is nobody's replica", replica.Addr)
	}
	if _, err := replica.query("CLUSTER", "FAILOVER"); err != nil {
		return err
	}
	if err := c.AwaitFailover(replica); err != nil {
		return err
	}
	return linked(c.Nodes[old])
}

// AwaitFailover returns when a replica has taken its primary's place.
func (c *Cluster) AwaitFailover(replica *Server) error {
	return expect("the role of "+replica.Addr, "master", func() string { return replica.info("replication", "role") })
}

// found gives the i-th of n nodes its slots and makes it known to the first.
func (c *Cluster) found(s *Server, i, n int) error {
	id, err := s.query("CLUSTER", "MYID")
	if err != nil {
		return err
	}
	c.ids = append(c.ids, fmt.Sprint(id))
	// Who has the same epoch as another may lose the slots that were moved to it.
	if _, err = s.query("CLUSTER", "SET-CONFIG-EPOCH", i+1); err != nil {
		return err
	}
	add := []any{"CLUSTER", "ADDSLOTS"}
	for slot := i * slots / n; slot < (i+1)*slots/n; slot++ {
		add = append(add, slot)
	}
	if _, err = s.query(add...); err != nil {
		return err
	}
	if i > 0 {
		return c.meet(s)
	}
	return nil
}

// meet makes a node known to the first.
func (c *Cluster) meet(s *Server) error {
	host, port, _ := net.SplitHostPort(c.Nodes[0].Addr)
	_, err := s.query("CLUSTER", "MEET", host, port)
	return err
}

// field is a line "name:value" of a reply.
func field(reply any, name string) string {
	text, _ := reply.(string)
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return v
		}
	}
	return ""
}

// Addrs are the nodes' addresses.
func (c *Cluster) Addrs() []string {
	return addresses(c.Nodes)
}

func addresses(servers []*Server) []string {
	list := make([]string, len(servers))
	for i, s := range servers {
		list[i] = s.Addr
	}
	return list
}

// Owner returns the place in Nodes of the one that serves a key.
func (c *Cluster) Owner(key string) (int, error) {
	for i, s := range c.Nodes {
		// Of the others the reply is MOVED, or ASK.
		if got, err := s.Do("EXISTS", key); err == nil && strings.HasPrefix(got, ":") {
			return i, nil
		}
	}
	return 0, fmt.Errorf("redistest: nobody serves %s", key)
}

// MoveSlot gives the slot of a key to the node at that place. With keep the slot's keys
// go along, in one command, which is one atomic step; without, the new owner has none.
func (c *Cluster) MoveSlot(key string, to int, keep bool) error {
	from, err := c.Owner(key)
	if err != nil || from == to {
		return err
	}
	// The new owner takes the next epoch. If it has not heard of the last one, which another
	// took, it may have to give the slot back.
	err = expect("how many epochs the nodes know of", "1", func() string {
		known := map[string]bool{}
		for _, s := range c.Nodes {
			got, _ := s.query("CLUSTER", "INFO")
			known[field(got, "cluster_current_epoch")] = true
		}
		return strconv.Itoa(len(known))
	})
	if err != nil {
		return err
	}
	got, err := c.Nodes[from].query("CLUSTER", "KEYSLOT", key)
	if err != nil {
		return err
	}
	slot, source, target := fmt.Sprint(got), c.Nodes[from], c.Nodes[to]
	host, port, _ := net.SplitHostPort(target.Addr)
	if _, err := target.query("CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[from]); err != nil {
		return err
	}
	if _, err := source.query("CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[to]); err != nil {
		return err
	}
	keys, err := source.query("CLUSTER", "GETKEYSINSLOT", slot, strconv.Itoa(slots))
	list, _ := keys.([]any)
	switch {
	case err != nil:
		return err
	case len(list) == 0:
	case keep:
		words := append([]any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}, list...)
		if _, err := source.query(words...); err != nil {
			return err
		}
	default:
		if _, err := source.query(append([]any{"DEL"}, list...)...); err != nil {
			return err
		}
	}
	var failed error
	for _, s := range []*Server{target, source} {
		_, err := s.query("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
		failed = errors.Join(failed, err)
	}
	return failed
}
