package inspect_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hustings/actors/inspect"
)

// message is one of an event stream.
type message struct {
	event, id, comment string
	data               struct {
		Last    uint64
		Dirty   bool
		Entries []inspect.Entry
		Trusted map[string]int64
	}
}

// client reads an event stream.
type client struct {
	t        *testing.T
	messages chan message
	resp     *http.Response
	cancel   context.CancelFunc
}

func (r *rig) listen(query, lastID string) *client {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"events?"+query, nil)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := r.server.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &client{t: r.t, messages: make(chan message, 1000), resp: resp, cancel: cancel}
	r.t.Cleanup(func() { cancel(); _ = resp.Body.Close() })
	go c.read()
	return c
}

func (c *client) read() {
	defer close(c.messages)
	var m message
	for scan := bufio.NewScanner(c.resp.Body); scan.Scan(); {
		line := scan.Text()
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if m.event != "" || m.comment != "" {
				c.messages <- m
			}
			m = message{}
		case field == "":
			m.comment = value
		case field == "event":
			m.event = value
		case field == "id":
			m.id = value
		case field == "data":
			_ = json.Unmarshal([]byte(value), &m.data)
		}
	}
}

// next waits for a message that fits.
func (c *client) next(what string, fits func(message) bool) message {
	c.t.Helper()
	deadline := time.After(late)
	for {
		select {
		case m, ok := <-c.messages:
			if !ok {
				c.t.Fatalf("the stream ended before: %s", what)
			}
			if fits(m) {
				return m
			}
		case <-deadline:
			c.t.Fatalf("did not come: %s", what)
		}
	}
}

func event(name string) func(message) bool {
	return func(m message) bool { return m.event == name }
}

func TestChangesAreStreamedAsTheyHappen(t *testing.T) {
	r := newRig(t, inspect.Options{})
	c := r.listen("election=billing", "")
	if got := c.resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("content type %s", got)
	}
	c.next("hello", event("hello"))
	begin := time.Now()
	r.elect("web-1", "billing", 3, 7)
	r.elect("web-1", "other", 3, 8)
	seen := 0
	c.next("the office taken", func(m message) bool {
		for _, e := range m.data.Entries {
			if e.Election != "billing" {
				t.Errorf("told of %q", e.Election)
			}
			seen++
			if e.To == "won" {
				return true
			}
		}
		return false
	})
	if seen != 3 {
		t.Errorf("%d transitions were told, want 3", seen)
	}
	t.Logf("told after %v", time.Since(begin))
}

func TestATermsTrustIsToldWhenItIsRenewed(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.source.setTrust("web-1", 4*time.Second)
	r.elect("web-1", "billing", 3, 7)
	c := r.listen("election=billing", "")
	c.next("the first", func(m message) bool { return m.data.Trusted["web-1"] == 4000 })
	r.source.setTrust("web-1", 9*time.Second)
	c.next("the renewal", func(m message) bool { return m.data.Trusted["web-1"] == 9000 && !m.data.Dirty })
}

func TestAStreamGoesOnWhereItBroke(t *testing.T) {
	r := newRig(t, inspect.Options{History: 100})
	r.elect("web-1", "billing", 3, 7)
	c := r.listen("election=billing", "")
	id := c.next("hello", event("hello")).id
	c.cancel()
	r.elect("web-2", "billing", 9, 8)
	m := r.listen("election=billing", id).next("what was missed", func(m message) bool { return len(m.data.Entries) > 0 })
	if m.data.Entries[0].Node != "web-2" || m.data.Entries[0].To != "voting" {
		t.Errorf("went on with %+v", m.data.Entries[0])
	}
	for i := range 200 { // more than is kept
		r.board.Note(start, "", "", "", fmt.Sprint(i))
	}
	r.listen("election=billing", id).next("that too much was missed", event("reload"))
	run, _, _ := strings.Cut(id, "-")
	for _, other := range []string{"0000-3", run + "-99999999", "nonsense", "-"} {
		m := r.listen("", other).next("an answer", func(m message) bool { return m.event != "" })
		if want := map[bool]string{true: "hello", false: "reload"}[strings.HasPrefix(other, run)]; m.event != want {
			t.Errorf("after %q: %s, want %s", other, m.event, want)
		}
	}
	r.board.Reset()
	r.listen("", id).next("news of the reset", event("reload"))
}

func TestAFloodOfChangesBecomesOneOrderToLoadAnew(t *testing.T) {
	r := newRig(t, inspect.Options{})
	c := r.listen("election=billing", "")
	c.next("hello", event("hello"))
	for i := range 20_000 {
		r.board.Note(start, "", "billing", "", fmt.Sprint(i))
	}
	c.next("reload", event("reload"))
}

func TestTheNumberOfStreamsIsBounded(t *testing.T) {
	r := newRig(t, inspect.Options{MaxClients: 2})
	a, b := r.listen("", ""), r.listen("", "")
	a.next("hello", event("hello"))
	b.next("hello", event("hello"))
	resp, _ := r.get("events")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the third: %s", resp.Status)
	}
	a.cancel()
	for end := time.Now().Add(late); ; time.Sleep(10 * time.Millisecond) {
		c := r.listen("", "")
		if c.resp.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the room of one that has gone is not given away")
		}
	}
}

func TestASilentStreamSaysThatItIsThere(t *testing.T) {
	r := newRig(t, inspect.Options{KeepAlive: 300 * time.Millisecond})
	r.listen("", "").next("a comment", func(m message) bool { return m.comment != "" })
}

func TestStreamsEndWithThePageAndTheServerShutsDown(t *testing.T) {
	r := newRig(t, inspect.Options{})
	c := r.listen("", "")
	c.next("hello", event("hello"))
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	if err := r.server.Config.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	c.next("bye", event("bye"))
	r.page.Close() // again
}

func TestAClientThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	r := newRig(t, inspect.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"events?election=billing", nil)
	resp, err := r.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() // never read
	text := strings.Repeat("x", 10_000)
	begin := time.Now()
	for range 20_000 {
		r.board.Note(start, "", "billing", "", text)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("20,000 notes took %v", took)
	}
	r.listen("election=billing", "").next("a message for another client", event("hello"))
}

// plain is a ResponseWriter that can write and no more, as many a middleware's.
type plain struct{ w http.ResponseWriter }

func (p plain) Header() http.Header         { return p.w.Header() }
func (p plain) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p plain) WriteHeader(status int)      { p.w.WriteHeader(status) }

func TestAStreamThatCannotFlowSaysWhy(t *testing.T) {
	r := newRig(t, inspect.Options{})
	wrapped := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.page.ServeHTTP(plain{w}, req) }))
	defer wrapped.Close()
	r.url = wrapped.URL + "/"
	if resp, body := r.get("events"); resp.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "Unwrap") ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s %v: %s", resp.Status, resp.Header, body)
	}
	if resp, _ := r.get(""); resp.StatusCode != http.StatusOK {
		t.Errorf("the page: %s", resp.Status)
	}
}
