package redistest

import (
	"io"
	"net"
	"testing"
)

// named is a server that tells its name to whoever connects, and keeps the connection.
func named(t *testing.T, name string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, name)
		}
	}()
	return l.Addr().String()
}

func TestAProxyThatIsRetargetedLeadsElsewhereWhateverIsDialledAfterIt(t *testing.T) {
	p := NewProxy(t, named(t, "a"))
	greet := func() (net.Conn, string) {
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		name := make([]byte, 1)
		if _, err := io.ReadFull(c, name); err != nil {
			t.Fatal(err)
		}
		return c, string(name)
	}
	old, name := greet()
	if name != "a" {
		t.Fatalf("reached %q", name)
	}
	p.Retarget(named(t, "b"))
	p.Reset()
	if _, err := old.Read(make([]byte, 1)); err == nil {
		t.Error("the old connection lives")
	}
	if _, name := greet(); name != "b" {
		t.Errorf("reached %q", name)
	}
}
