package inspect_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a real Chromium, driven by the DevTools protocol over two pipes: a few dozen
// lines, where a driver library brings megabytes of generated code.
type browser struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	session string

	mu      sync.Mutex // guards the rest
	next    int
	waiting map[int]chan reply
	said    []string // what the console said, and exceptions
	gone    bool
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// newBrowser starts Chromium, or skips the test where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	name := os.Getenv("HUSTINGS_CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no Chromium: put chromium on PATH or name it in HUSTINGS_CHROMIUM")
	}
	commandsR, commandsW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answersR, answersW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, in: commandsW, waiting: map[int]chan reply{}}
	b.cmd = exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--no-first-run", "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir(), "about:blank")
	b.cmd.ExtraFiles = []*os.File{commandsR, answersW} // 3 and 4, as the flag has it
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = commandsR.Close()
	_ = answersW.Close()
	reading := make(chan struct{})
	go func() { defer close(reading); b.read(answersR) }()
	t.Cleanup(func() {
		b.end()
		_ = answersR.Close()
		<-reading
	})
	var target struct{ TargetID string }
	b.into(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var session struct{ SessionID string }
	b.into(&session, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil)
	}
	return b
}

// end closes Chromium, and kills it if it does not go.
func (b *browser) end() {
	b.mu.Lock()
	gone := b.gone
	b.mu.Unlock()
	if !gone {
		_, _ = fmt.Fprintf(b.in, `{"id":1000000,"method":"Browser.close"}`+"\x00")
	}
	exited := make(chan struct{})
	go func() { _ = b.cmd.Wait(); close(exited) }()
	select {
	case <-exited:
	case <-time.After(10 * time.Second):
		_ = b.cmd.Process.Kill()
		<-exited
	}
	_ = b.in.Close()
}

// read takes what Chromium says.
func (b *browser) read(r io.Reader) {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := lines.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.gone = true
			for _, ch := range b.waiting {
				close(ch)
			}
			b.waiting = map[int]chan reply{}
			b.mu.Unlock()
			return
		}
		var m struct {
			ID     int
			Method string
			Params json.RawMessage
			reply
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch m.Method {
		case "":
			if ch := b.waiting[m.ID]; ch != nil {
				delete(b.waiting, m.ID)
				ch <- m.reply
			}
		case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded":
			b.said = append(b.said, string(m.Params))
		}
		b.mu.Unlock()
	}
}

// call gives a command and waits for its answer.
func (b *browser) call(method string, params any) json.RawMessage {
	b.t.Helper()
	if params == nil {
		params = struct{}{}
	}
	ch := make(chan reply, 1)
	b.mu.Lock()
	b.next++
	id := b.next
	b.waiting[id] = ch
	b.mu.Unlock()
	text, err := json.Marshal(struct {
		ID        int    `json:"id"`
		Method    string `json:"method"`
		Params    any    `json:"params"`
		SessionID string `json:"sessionId,omitempty"`
	}{id, method, params, b.session})
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case a, ok := <-ch:
		if !ok {
			b.t.Fatalf("%s: Chromium has ended", method)
		}
		if a.Error != nil {
			b.t.Fatalf("%s: %s", method, a.Error.Message)
		}
		return a.Result
	case <-time.After(2 * late):
		b.t.Fatalf("%s: no answer", method)
	}
	return nil
}

func (b *browser) into(v any, method string, params any) {
	b.t.Helper()
	if err := json.Unmarshal(b.call(method, params), v); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// open loads a page and waits until it says that it is live.
func (b *browser) open(url string, width, height int, theme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": theme}}})
	b.call("Page.navigate", map[string]any{"url": url})
	b.until(`document.getElementById("live")?.textContent === "live"`)
}

// eval evaluates an expression in the page; a promise is waited for.
func (b *browser) eval(v any, expression string) {
	b.t.Helper()
	if err := b.try(v, expression); err != nil {
		b.t.Fatalf("%s: %v", expression[:min(len(expression), 200)], err)
	}
}

func (b *browser) try(v any, expression string) error {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.into(&r, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true})
	if e := r.ExceptionDetails; e != nil {
		return errors.New(e.Text + " " + e.Exception.Description)
	}
	if v == nil || len(r.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result.Value, v)
}

// until waits for a condition in the page.
func (b *browser) until(condition string) {
	b.t.Helper()
	for end := time.Now().Add(2 * late); ; time.Sleep(20 * time.Millisecond) {
		var is bool
		if err := b.try(&is, "!!("+condition+")"); err == nil && is {
			return
		}
		if time.Now().After(end) {
			var page string
			_ = b.try(&page, "document.body.innerText")
			b.t.Fatalf("never: %s\nthe page:\n%s\nthe console: %s", condition, page, b.console())
		}
	}
}

// console is what was said on the console so far.
func (b *browser) console() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.said, "\n")
}

// shoot writes a picture of what is seen into the folder of artifacts, if there is one.
func (b *browser) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("HUSTINGS_ARTIFACTS")
	if dir == "" {
		return
	}
	var shot struct{ Data []byte }
	var raw struct{ Data string }
	b.into(&raw, "Page.captureScreenshot", map[string]any{"format": "png"})
	data, err := base64.StdEncoding.DecodeString(raw.Data)
	if err == nil {
		shot.Data = data
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), shot.Data, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}
