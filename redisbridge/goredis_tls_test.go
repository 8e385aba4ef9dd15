package redisbridge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// named is a listener on the loopback interface with a certificate for localhost and
// nothing else, which the pool trusts from then on.
func named(t *testing.T, pool *x509.CertPool) (l net.Listener, port string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(cert)
	l, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return l, port
}

// leads answers as a Sentinel and as a node of a Cluster that know of one server.
func leads(to string) func(net.Conn, []string) {
	host, port, _ := net.SplitHostPort(to)
	return func(c net.Conn, words []string) {
		answer := "-ERR unknown command\r\n"
		switch asked := strings.ToLower(strings.Join(words, " ")); {
		case strings.HasPrefix(asked, "sentinel master "):
			answer = "*2\r\n$12\r\nconfig-epoch\r\n$1\r\n1\r\n"
		case strings.HasPrefix(asked, "sentinel get-master-addr-by-name"):
			answer = fmt.Sprintf("*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(host), host, len(port), port)
		case asked == "cluster slots":
			answer = fmt.Sprintf("*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$%d\r\n%s\r\n:%s\r\n$1\r\nx\r\n", len(host), host, port)
		}
		_, _ = c.Write([]byte(answer))
	}
}

// A Sentinel or a node of a Cluster has a certificate of its own, and so has the server
// that it names.
func TestEachServerOfAURLIsCheckedAgainstTheNameThatIsDialled(t *testing.T) {
	s, pool := redistest.NewTLSServer(t)
	l, port := named(t, pool)
	go serve(l, leads(s.Addr))
	_, own, _ := net.SplitHostPort(s.Addr)
	for _, c := range []struct {
		url, name string
		want      redisbridge.Class
	}{
		{"rediss://" + s.Addr, "", redisbridge.Healthy},
		{"rediss://localhost:" + own, "", redisbridge.Permanent},
		{"rediss://localhost:" + own, "127.0.0.1", redisbridge.Healthy},
		{"rediss://" + s.Addr, "localhost", redisbridge.Permanent},

		{"rediss://localhost:" + port + "?master=m", "", redisbridge.Healthy},
		{"rediss://127.0.0.1:1?addr=localhost:" + port + "&master=m", "", redisbridge.Healthy},
		{"rediss://127.0.0.1:" + port + "?master=m", "", redisbridge.Permanent},
		{"rediss://localhost:" + port + "?master=m", "localhost", redisbridge.Permanent},

		{"rediss://localhost:" + port + "?cluster=true", "", redisbridge.Healthy},
		{"rediss://127.0.0.1:1?addr=localhost:" + port, "", redisbridge.Healthy},
		{"rediss://localhost:" + port + "?cluster=true", "localhost", redisbridge.Permanent},
	} {
		o, err := redisbridge.ParseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		o.TLSConfig.RootCAs = pool
		if c.name != "" {
			o.TLSConfig.ServerName = c.name
		}
		b := backend(t, redisbridge.BackendConfig{Redis: *o, Keys: "{ipc}"})
		if _, err = connect(t, b); redisbridge.Classify(err) != c.want {
			t.Errorf("%s, name %q: %v, want %v", c.url, c.name, err, c.want)
		}
		b.Close()
	}
}

// Redis takes the beginning of TLS for half a command, and waits for the rest.
func TestAPortThatDoesNotAnswerToTLSIsNamedAsThat(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the kernel takes the connection, nobody answers
	o, err := redisbridge.ParseURL("rediss://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b := backend(t, redisbridge.BackendConfig{Redis: *o, Timeout: 50 * time.Millisecond})
	defer b.Close()
	if _, err = connect(t, b); err == nil || !strings.Contains(err.Error(), "TLS") || redisbridge.Classify(err) != redisbridge.Outage {
		t.Errorf("%v", err)
	}
}
