package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// NewCluster starts a Redis Cluster of one node that serves all slots.
func NewCluster(t testing.TB) *Server {
	t.Helper()
	s := NewServer(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
	got, err := s.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	if err != nil || got != "+OK" {
		t.Fatalf("CLUSTER ADDSLOTSRANGE: %s %v", got, err)
	}
	err = retry(startup, func() error {
		got, err := s.Do("GET", "x")
		if err == nil && got != "$-1" {
			err = fmt.Errorf("the cluster is not up: %s", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// NewSentinel starts a Sentinel, with a quorum of its own, that watches a master
// under a name.
func NewSentinel(t testing.TB, name string, master *Server) *Server {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	// A Sentinel writes to its configuration, and will not start without one.
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor %s %s %s 1\n", name, host, port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return NewServer(t, file, "--sentinel")
}
