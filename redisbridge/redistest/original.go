package redistest

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"hustings/redisbridge"
)

// ErrNoOriginal says that there is no npm package to start.
var ErrNoOriginal = errors.New("redistest: no original: put node on PATH, " +
	"and name the folder of npm's ipc@0.0.1 (…/node_modules/ipc) in HUSTINGS_IPC_DIR")

// originalStartup bounds the time in which node must have loaded the package: a tenth of a
// second where nothing else runs.
const originalStartup = time.Minute

//go:embed original.js
var originalDriver string

// OriginalConfig describes a process of the npm package.
type OriginalConfig struct {
	// Addr is the Redis server's, host:port; required.
	Addr string
	// ID is its server id; required.
	ID string
	// PID is the process id that the package sees: its rank.
	PID int
	// Speed divides all its times: the wait of 10 s, the interval of 60 s, the 255 ms
	// before it connects again. Default 1.
	Speed float64
	// Lag delays the replies to its commands, and nothing that is published; not divided.
	Lag time.Duration
	// Run names the elections in which it stands from the start, after it has gone online.
	Run []string
}

// OriginalEvent is an event that its application gets; or that its channels are confirmed
// ("subscribed"), that an uncaught error ends it ("died"), that the process is over
// ("exited"), that it got no processor time for more than 20 ms, or was paused
// ("stalled").
type OriginalEvent struct {
	At       time.Duration   // on the monotonic clock of redisbridge.SystemClock
	Kind     string          `json:"event"`
	Election string          `json:"election"` // won, lost; the package does not tell
	ID       string          `json:"id"`       // dead
	Process  json.RawMessage `json:"process"`  // dead
	Value    json.RawMessage `json:"value"`    // message
	Text     string          `json:"text"`     // died, stalled
}

// Original is a process that runs the unedited npm package ipc@0.0.1 under node. Its
// methods may be called from any goroutine.
type Original struct {
	ID  string
	PID int // as the package sees it

	process *exec.Cmd
	exited  chan struct{}
	stderr  bytes.Buffer // read when it has exited

	writing sync.Mutex // guards stdin
	stdin   io.WriteCloser

	mu      sync.Mutex // guards the rest
	events  []OriginalEvent
	news    chan struct{} // closed and made anew with every event
	asked   int
	answers map[int]func(json.RawMessage)
}

// NewOriginal starts one for a test and ends it with the test; its channels are confirmed
// and it is a candidate when this returns. Where there is no node, or HUSTINGS_IPC_DIR
// names no package, the test is skipped.
func NewOriginal(t testing.TB, cfg OriginalConfig) *Original {
	t.Helper()
	o, err := StartOriginal(cfg)
	if errors.Is(err, ErrNoOriginal) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Kill)
	return o
}

// NeedOriginal skips a test where no original can be started.
func NeedOriginal(t testing.TB) {
	t.Helper()
	if _, _, err := findOriginal(); err != nil {
		t.Skip(err)
	}
}

func findOriginal() (node, dir string, err error) {
	node, err = exec.LookPath("node")
	dir = os.Getenv("HUSTINGS_IPC_DIR")
	if err != nil || dir == "" {
		return "", "", ErrNoOriginal
	}
	return node, dir, nil
}

// StartOriginal starts one; the caller ends it, with Kill.
func StartOriginal(cfg OriginalConfig) (*Original, error) {
	node, dir, err := findOriginal()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("redistest: address of the original's Redis: %w", err)
	}
	if cfg.Speed == 0 {
		cfg.Speed = 1
	}
	n, _ := strconv.Atoi(port)
	setup, err := json.Marshal(map[string]any{"dir": dir, "host": host, "port": n, "id": cfg.ID, "pid": cfg.PID, "speed": cfg.Speed, "lag": cfg.Lag.Milliseconds()})
	if err != nil {
		return nil, fmt.Errorf("redistest: %w", err)
	}
	o := &Original{
		ID: cfg.ID, PID: cfg.PID, process: exec.Command(node, "-e", originalDriver, string(setup)),
		exited: make(chan struct{}), news: make(chan struct{}), answers: map[int]func(json.RawMessage){},
	}
	o.process.Stderr = &o.stderr
	stdout, err := o.process.StdoutPipe()
	if err == nil {
		o.stdin, err = o.process.StdinPipe()
	}
	if err == nil {
		err = o.process.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("redistest: %w", err)
	}
	go o.listen(stdout)
	if err := o.begin(cfg.Run); err != nil {
		o.Kill()
		return nil, fmt.Errorf("redistest: the original %q did not start: %w: %s", cfg.ID, err, o.stderr.String())
	}
	return o, nil
}

func (o *Original) begin(elections []string) error {
	if _, ok := o.Await(originalStartup, 0, func(ev OriginalEvent) bool { return ev.Kind == "subscribed" }); !ok {
		return errors.New("its channels are not confirmed")
	}
	if len(elections) == 0 {
		return nil
	}
	if _, err := o.Do("online", nil); err != nil {
		return err
	}
	for _, e := range elections {
		if _, err := o.Do("run", map[string]any{"election": e}); err != nil {
			return err
		}
	}
	return nil
}

// listen reads what the driver writes, until the process is over.
func (o *Original) listen(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 2<<20)
	for lines.Scan() {
		var line struct {
			N     int
			Value json.RawMessage
		}
		var ev OriginalEvent
		if json.Unmarshal(lines.Bytes(), &line) != nil || json.Unmarshal(lines.Bytes(), &ev) != nil {
			continue
		}
		if line.N == 0 {
			o.tell(ev)
			continue
		}
		o.mu.Lock()
		answer := o.answers[line.N]
		delete(o.answers, line.N)
		o.mu.Unlock()
		if answer != nil {
			answer(line.Value)
		}
	}
	_ = o.process.Wait()
	o.tell(OriginalEvent{Kind: "exited"})
	close(o.exited)
}

func (o *Original) tell(ev OriginalEvent) {
	ev.At = redisbridge.SystemClock{}.Now().Mono
	o.mu.Lock()
	o.events = append(o.events, ev)
	close(o.news)
	o.news = make(chan struct{})
	o.mu.Unlock()
}

// Do asks the package for something and waits for its callback, which does not always
// come: 10 s at most. What it is asked for, and its arguments:
//
//	online; offline (id, or none for itself)   markProcessOnline, markProcessOffline
//	run, quit (election)                       runForPresident, quitElection; answered at once
//	send (id, value), broadcast (value)        sendMessage, sendMessageToAll; number of receivers
//	winner; details (id)                       getCurrentWinner, getProcessDetails
//	result, pending (election)                 its last result, and whose acks it waits for
func (o *Original) Do(what string, args map[string]any) (json.RawMessage, error) {
	done := make(chan struct{})
	var value json.RawMessage
	if err := o.Ask(what, args, func(v json.RawMessage) { value = v; close(done) }); err != nil {
		return nil, err
	}
	if !within(startup, done) {
		return nil, fmt.Errorf("redistest: the original %q did not call back for %s", o.ID, what)
	}
	return value, nil
}

// Ask is Do without waiting; done, which may be nil, is called once or never.
func (o *Original) Ask(what string, args map[string]any, done func(json.RawMessage)) error {
	line := map[string]any{"do": what}
	for k, v := range args {
		line[k] = v
	}
	o.mu.Lock()
	o.asked++
	line["n"] = o.asked
	o.answers[o.asked] = done
	o.mu.Unlock()
	b, err := json.Marshal(line)
	if err == nil {
		o.writing.Lock()
		_, err = o.stdin.Write(append(b, '\n'))
		o.writing.Unlock()
	}
	if err != nil {
		return fmt.Errorf("redistest: %s of the original %q: %w", what, o.ID, err)
	}
	return nil
}

// Events returns what has happened so far.
func (o *Original) Events() []OriginalEvent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]OriginalEvent(nil), o.events...)
}

// Await waits until an event fits, of those from the given number on; ok is false when
// none has come within d.
func (o *Original) Await(d time.Duration, from int, fits func(OriginalEvent) bool) (at int, ok bool) {
	late := make(chan struct{})
	timer := redisbridge.SystemClock{}.AfterFunc(d, func() { close(late) })
	defer timer.Stop()
	for {
		o.mu.Lock()
		news, list := o.news, o.events
		o.mu.Unlock()
		for ; from < len(list); from++ {
			if fits(list[from]) {
				return from, true
			}
		}
		select {
		case <-news:
		case <-late:
			return from, false
		}
	}
}

// Alive reports whether the process runs still.
func (o *Original) Alive() bool {
	select {
	case <-o.exited:
		return false
	default:
		return true
	}
}

// Kill ends the process at once (SIGKILL) and waits for its end. A second call does nothing.
func (o *Original) Kill() {
	_ = o.process.Process.Kill()
	<-o.exited
}
