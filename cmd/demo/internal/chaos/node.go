package chaos

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"

	"hustings/redisbridge/redistest"
)

// node is a place in the fleet: an id, a way to Redis, and the process that runs there at
// present, if one does.
type node struct {
	run   *run
	id    string
	proxy *redistest.Proxy
	busy  bool // a fault is under way here; guarded by run.mu

	mu   sync.Mutex // guards the rest
	life *life
}

// life is one process of a node.
type life struct {
	n      int // index in the log
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *tail
	ended  chan struct{}
}

// start starts the node's process, unless one runs.
func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life != nil && !n.life.over() {
		return nil
	}
	o := n.run.o
	args := []string{
		"node", "--redis", "redis://" + user + ":" + password + "@" + n.proxy.Addr + "/0",
		"--id", n.id, "--spread", "--ttl", o.TTL.String(), "--vote-timeout", o.VoteTimeout.String(),
		"--probe", o.Probe.String(), "--held", "--format", "json", "--stdin", "--log-level", "error",
		fmt.Sprintf("--quarantine=%v", o.Quarantine),
	}
	if o.Takeover != "" {
		args = append(args, "--takeover", o.Takeover)
	}
	for _, e := range n.run.elections {
		args = append(args, "--election", e)
	}
	l := &life{cmd: o.Command(args...), stderr: &tail{}, ended: make(chan struct{})}
	l.cmd.Stderr = l.stderr
	apart(l.cmd)
	stdin, err := l.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	l.stdin = stdin
	l.n = n.run.book.process(n.id, o.Now())
	if err := l.cmd.Start(); err != nil {
		return fmt.Errorf("chaos: a node can't be started: %w", err)
	}
	n.life = l
	go n.follow(l, stdout)
	return nil
}

// over reports whether the process has ended.
func (l *life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// follow reads what a process says, until it ends. One that ends by itself is started
// anew; the checker tells of it.
func (n *node) follow(l *life, stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<21)
	for lines.Scan() {
		line, err := ParseLine(l.n, lines.Text())
		if err != nil {
			continue // the last one of a process that was killed may be cut off
		}
		n.run.book.line(line)
	}
	_ = l.cmd.Wait()
	own := false
	n.run.book.change(l.n, func(p *Process) {
		own = !p.Killed && !p.Told
		if p.Ended == 0 {
			p.Ended = n.run.o.Now()
		}
		p.Code, p.Stderr = l.cmd.ProcessState.ExitCode(), l.stderr.String()
	})
	close(l.ended)
	if own {
		redistest.Sleep(n.run.o.TTL / 4)
		if n.run.ctx.Err() == nil {
			n.run.complain(n.start())
		}
	}
}

// now returns the present life, nil if there is none.
func (n *node) now() *life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life
}

// kill ends the process at once and returns when it has ended.
func (n *node) kill() {
	l := n.now()
	n.run.book.change(l.n, func(p *Process) {
		if p.Ended == 0 {
			p.Killed, p.Ended = true, n.run.o.Now()
		}
	})
	_ = l.cmd.Process.Kill()
	<-l.ended
}

// term tells the process to end and returns when it has. One that does not within its
// patience and ours is killed.
func (n *node) term() {
	l := n.now()
	n.run.book.change(l.n, func(p *Process) { p.Told = p.Told || p.Ended == 0 })
	_ = ask(l.cmd.Process)
	n.await(l)
}

func (n *node) await(l *life) {
	late := make(chan struct{})
	timer := n.run.clock.AfterFunc(5*n.run.o.TTL+patience, func() { close(late) })
	defer timer.Stop()
	select {
	case <-l.ended:
	case <-late:
		n.run.book.change(l.n, func(p *Process) { p.Told = false }) // to be told as a violation
		_ = l.cmd.Process.Kill()
		<-l.ended
	}
}

// freeze stops the process as it stands; thaw lets it run on.
func (n *node) freeze() *life {
	l := n.now()
	n.run.book.freeze(l.n, true)
	_ = freeze(l.cmd.Process)
	return l
}

func (n *node) thaw(l *life) {
	_ = thaw(l.cmd.Process)
	n.run.book.freeze(l.n, false)
}

// say gives the process a command. What it answers is in the log.
func (n *node) say(command string) {
	_, _ = io.WriteString(n.now().stdin, command+"\n")
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end string
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end += string(p)
	if len(t.end) > tailSize {
		// A panic says what it is first.
		if i := strings.Index(t.end, "panic:"); i >= 0 {
			t.end = t.end[i:min(len(t.end), i+tailSize)]
		} else {
			t.end = t.end[len(t.end)-tailSize:]
		}
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end
}
