package redistest_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"hustings/redisbridge/redistest"
)

func TestAForcedFailoverMakesAReplicaThePrimary(t *testing.T) {
	t.Parallel()
	r := redistest.NewReplicated(t, 2, 3)
	if got, err := r.Servers[0].Do("SET", "x", "1"); got != "+OK" || err != nil {
		t.Fatal(got, err)
	}
	now, err := r.Failover()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := now.Do("EXISTS", "x"); now == r.Servers[0] || got != ":1" || err != nil {
		t.Errorf("%s of %v: %s %v", now.Addr, r.Servers[0].Addr, got, err)
	}
}

// clusterWithKey is a Cluster in which somebody, whose place it is, has the key {ipc}x.
func clusterWithKey(t *testing.T) (c *redistest.Cluster, owner int) {
	t.Helper()
	c = redistest.NewClusterOf(t, 3)
	owner, err := c.Owner("{ipc}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Nodes[owner].Do("SET", "{ipc}x", "1"); got != "+OK" || err != nil {
		t.Fatal(got, err)
	}
	return c, owner
}

func TestAReplicaInAClusterTakesItsPrimarysPlace(t *testing.T) {
	t.Parallel()
	c, at := clusterWithKey(t)
	replica := c.AddReplica(t, c.Nodes[at])
	if err := c.Failover(replica); err != nil {
		t.Fatal(err)
	}
	if got, err := replica.Do("EXISTS", "{ipc}x"); got != ":1" || err != nil {
		t.Errorf("%s %v", got, err)
	}
	replica.Kill()
	if err := c.AwaitFailover(c.Nodes[at]); err != nil {
		t.Error("and back, when it dies:", err)
	}
}

func TestAServerThatIsDownKeepsItsPort(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	s.Kill()
	taken := func() bool { // by the rule of all who look for a port
		l, err := net.ListenPacket("udp", s.Addr)
		if err == nil {
			_ = l.Close()
		}
		return err != nil
	}
	if !taken() {
		t.Error("another process may take it")
	}
	if s.Stop(); taken() {
		t.Error("it is kept though the server was stopped for good")
	}
}

func TestASlotMovesWithItsKeysOrWithoutThem(t *testing.T) {
	t.Parallel()
	c, at := clusterWithKey(t)
	for keep, want := range map[bool]string{true: ":1", false: ":0"} {
		to := (at + 1) % 3
		if _, err := c.Nodes[at].Do("SET", "{ipc}x", "1"); err != nil {
			t.Fatal(err)
		}
		if err := c.MoveSlot("{ipc}", to, keep); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Nodes[to].Do("EXISTS", "{ipc}x"); got != want || err != nil {
			t.Errorf("with keys %v: EXISTS %s %v", keep, got, err)
		}
		if got, _ := c.Nodes[at].Do("EXISTS", "{ipc}x"); !strings.HasPrefix(got, "-MOVED") {
			t.Errorf("with keys %v: the old owner says %s", keep, got)
		}
		at = to
	}
}

func TestAServerWithTLSIsTrustedByItsAuthorityOnly(t *testing.T) {
	t.Parallel()
	s, pool := redistest.NewTLSServer(t)
	if got, err := s.Do("PING"); got != "+PONG" || err != nil {
		t.Errorf("%s %v", got, err)
	}
	c, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if c, err := tls.Dial("tcp", s.Addr, &tls.Config{}); err == nil {
		_ = c.Close()
		t.Error("it is trusted without its authority")
	}
}

func TestAProxyLosesOneReplyAndLeadsElsewhere(t *testing.T) {
	t.Parallel()
	a, b := redistest.NewServer(t), redistest.NewServer(t)
	p := redistest.NewProxy(t, a.Addr)
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	say := func(c net.Conn, text string) string {
		_, _ = c.Write([]byte(text))
		buf := make([]byte, 100)
		n, _ := c.Read(buf)
		return string(buf[:n])
	}
	if got := say(c, "PING\r\n"); got != "+PONG\r\n" {
		t.Fatal(got)
	}
	p.Lose(redistest.ToClient)
	p.Retarget(b.Addr)
	if got := say(c, "SET x 1\r\n"); got != "" {
		t.Errorf("the reply that is lost: %q", got)
	}
	if got, err := a.Do("EXISTS", "x"); got != ":1" || err != nil {
		t.Errorf("the command: %s %v", got, err)
	}
	again, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if got := say(again, "EXISTS x\r\n"); got != ":0\r\n" {
		t.Errorf("at the other server: %q", got)
	}
}
