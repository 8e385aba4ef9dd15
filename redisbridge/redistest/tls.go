package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// NewTLSServer starts a server that speaks TLS only, with a certificate for 127.0.0.1
// from an authority of its own, whose certificate clients need as RootCAs. It asks no
// certificate of clients.
func NewTLSServer(t testing.TB, args ...string) (*Server, *x509.CertPool) {
	t.Helper()
	pool, cert, key := NewAuthority(t)
	s, err := startServer(&tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}, append([]string{
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no",
	}, args...)...)
	if err == ErrNoServer { //nolint:errorlint // as it is returned
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s, pool
}

// NewAuthority makes a certificate authority, and with it the certificate of a server at
// 127.0.0.1 that is valid for an hour. It returns the authority's certificate and the
// files of the server's certificate and key.
func NewAuthority(t testing.TB) (pool *x509.CertPool, cert, key string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redistest"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &caKey.PublicKey, caKey)
	must(err)
	ca, err := x509.ParseCertificate(der)
	must(err)
	pool = x509.NewCertPool()
	pool.AddCert(ca)

	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template = &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err = x509.CreateCertificate(rand.Reader, template, ca, &serverKey.PublicKey, caKey)
	must(err)
	private, err := x509.MarshalECPrivateKey(serverKey)
	must(err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		must(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	return pool, write("server.crt", "CERTIFICATE", der), write("server.key", "EC PRIVATE KEY", private)
}
