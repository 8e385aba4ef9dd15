package redistest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// ErrNoServer says that there is no redis-server to start.
var ErrNoServer = errors.New("redistest: no redis-server: put one on PATH or name it in HUSTINGS_REDIS_SERVER")

// startup bounds the time in which a server must answer.
const startup = 10 * time.Second

// Server is a real redis-server on the loopback interface, without persistence
// of its own. Its methods are for one goroutine at a time; Addr may be read by any.
type Server struct {
	// Addr is host:port, and stays the same over restarts.
	Addr string

	binary, dir string
	args        []string
	tls         *tls.Config    // of clients, nil without TLS
	reserved    net.PacketConn // keeps others from the port while the server is down
	process     *exec.Cmd
	exited      chan struct{}
}

// NewServer starts a server for a test and stops it when the test ends. args are
// further options of redis-server, as in "--requirepass", "secret", the first of
// which may be a configuration file. Where there
// is no redis-server the test is skipped.
func NewServer(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := StartServer(args...)
	if errors.Is(err, ErrNoServer) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// StartServer starts a server; the caller stops it.
func StartServer(args ...string) (*Server, error) { return startServer(nil, args...) }

func startServer(secure *tls.Config, args ...string) (*Server, error) {
	name := os.Getenv("HUSTINGS_REDIS_SERVER")
	if name == "" {
		name = "redis-server"
	}
	binary, err := exec.LookPath(name)
	if err != nil {
		return nil, ErrNoServer
	}
	dir, err := os.MkdirTemp("", "hustings-redis-")
	if err != nil {
		return nil, err
	}
	s := &Server{binary: binary, dir: dir, args: args, tls: secure}
	// Another process may take the port between our look and the server's.
	for range 5 {
		if s.Addr, s.reserved, err = reserve(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s, nil
		}
		_ = s.reserved.Close()
	}
	_ = os.RemoveAll(dir)
	return nil, err
}

func (s *Server) port() string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

func (s *Server) start() error {
	// A configuration file, if any, must come first.
	var args []string
	options := s.args
	if len(options) > 0 && !strings.HasPrefix(options[0], "--") {
		args, options = options[:1:1], options[1:]
	}
	port := []string{"--port", s.port()}
	if s.tls != nil {
		port = []string{"--port", "0", "--tls-port", s.port()}
	}
	args = append(args, port...)
	args = append(args,
		"--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no",
		"--save", "", "--appendonly", "no", "--logfile", filepath.Join(s.dir, "log"), "--loglevel", "notice")
	args = append(args, options...)
	process := exec.Command(s.binary, args...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	process.Stderr = log // what is wrong with an option it says there
	err = process.Start()
	_ = log.Close()
	if err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = process.Wait()
		close(exited)
	}()
	s.process, s.exited = process, exited
	err = retry(startup, func() error {
		select {
		case <-exited:
			return nil // looked at below
		default:
			return s.answers()
		}
	})
	select {
	case <-exited:
		err = errors.New("it exited")
	default:
	}
	if err != nil {
		s.Kill()
		return fmt.Errorf("redistest: redis-server did not start: %w: %s", err, s.lastLines())
	}
	return nil
}

// Kill ends the process at once, as a crash would: what was not saved is lost.
func (s *Server) Kill() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		<-s.exited
		s.process = nil
	}
}

// Start starts a server again that Kill ended, at the same address, under a new
// replication id, with what it had saved: all of it if it keeps an append-only file,
// nothing by default. It returns when the server has loaded that; clients are told
// LOADING until then.
func (s *Server) Start() error {
	if s.process != nil {
		return errors.New("redistest: it runs")
	}
	return s.start()
}

// Stop ends the process and removes its files. A second call does nothing.
func (s *Server) Stop() {
	s.Kill()
	_ = s.reserved.Close()
	_ = os.RemoveAll(s.dir)
}

// Restart ends the process and starts it again at the same address, under a new
// replication id. With keep it has its data still, as after SAVE.
func (s *Server) Restart(keep bool) error {
	dump := filepath.Join(s.dir, "dump.rdb")
	_ = os.Remove(dump)
	if keep {
		// A save for a replica may be under way: then it is refused.
		err := retry(startup, func() error {
			got, err := s.Do("SAVE")
			if err == nil && got != "+OK" {
				err = errors.New(got)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("redistest: SAVE: %w", err)
		}
	}
	s.Kill()
	return s.start()
}

// Pid returns the process id, 0 when it is stopped.
func (s *Server) Pid() int {
	if s.process == nil {
		return 0
	}
	return s.process.Process.Pid
}

// Do sends one command on a connection of its own and returns the first line of
// the reply, its type character included: "+OK", ":1", "-ERR …", "$5". It knows
// no password.
func (s *Server) Do(words ...string) (string, error) {
	c, err := net.DialTimeout("tcp", s.Addr, startup)
	if err != nil {
		return "", err
	}
	if s.tls != nil {
		c = tls.Client(c, s.tls)
	}
	return ask(c, words...)
}

func (s *Server) lastLines() string {
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " / ")
}

// answers says whether something that speaks RESP listens and has loaded its dataset.
func (s *Server) answers() error {
	line, err := s.Do("PING")
	if err == nil && line != "+PONG" && !strings.HasPrefix(line, "-NOAUTH") {
		return fmt.Errorf("it says %s", line)
	}
	return err
}

func ask(c net.Conn, words ...string) (string, error) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(startup))
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.Write([]byte(b.String())); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// The range of ports: below what systems give to outgoing connections.
const firstPort, ports = 20000, 10000

var lastPort atomic.Uint32

// reserve returns an address of the loopback interface at which nobody listens. It is the
// caller's until held is closed: who has the UDP port of a number has the TCP port too, by
// agreement of all that call reserve. Tests of many packages run at the same time, and a
// server that a test has killed must find its port free. The process id spreads them.
func reserve() (addr string, held net.PacketConn, err error) {
	for range 200 {
		port := firstPort + (os.Getpid()*37+int(lastPort.Add(1)))%ports
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			return addr, held, l.Close()
		}
		_ = held.Close()
	}
	return "", nil, errors.New("redistest: no free port between 20000 and 30000")
}
