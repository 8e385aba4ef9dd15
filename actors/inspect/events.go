package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of an event stream.
const (
	streamGap   = 50 * time.Millisecond  // the least time between two messages
	streamLook  = 250 * time.Millisecond // how often trust is looked at
	streamWrite = 10 * time.Second       // how long a client may take to read one
	maxChanges  = 1000                   // more since the last message: the client loads anew
	maxTold     = 200                    // entries in one message
	comeAgain   = 2 * time.Second        // what a client is told to wait before it reconnects
)

// changes is the data of a message.
type changes struct {
	Last  uint64  `json:"last"`
	NowMS int64   `json:"now_ms"`
	Rate  float64 `json:"rate"`
	// Dirty: something has changed, in some election.
	Dirty bool `json:"dirty,omitempty"`
	// Entries are what happened in the election that the client watches, and to nodes.
	Entries []Entry `json:"entries,omitempty"`
	// Trusted is by node how long terms of that election are trusted yet.
	Trusted map[string]int64 `json:"trusted,omitempty"`
}

// events serves /events: server-sent events. The stream has no queue of its own: it reads
// the board from where it was, and a client that was away for too long is told to load
// anew.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	if p.clients.Add(1) > int64(p.options.MaxClients) {
		p.clients.Add(-1)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many pages are open: close one", http.StatusServiceUnavailable)
		return
	}
	defer p.clients.Add(-1)
	s := &stream{p: p, w: w, control: http.NewResponseController(w), election: r.URL.Query().Get("election")}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // proxies must not wait for more
	if r.Method == http.MethodHead {
		return
	}
	if errors.Is(s.control.Flush(), http.ErrNotSupported) {
		http.Error(w, "events can't be sent: something around this page hides that its ResponseWriter can be flushed. "+
			"Give it a method Unwrap, or mount the page outside of it", http.StatusInternalServerError)
		return
	}
	news, stop := p.board.reader()
	defer stop()
	s.begin(r)
	for s.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-p.closed:
			s.send("bye", "", struct{}{})
			return
		case <-news:
			s.tell()
			s.pause(r, streamGap)
		case <-s.tick():
			s.look()
		}
	}
}

// stream is one client.
type stream struct {
	p        *Page
	w        http.ResponseWriter
	control  *http.ResponseController
	election string
	at       uint64 // the last entry that was told
	resets   uint64
	player   uint64
	clock    sourceTime
	trusted  map[string]int64 // when the terms' trust ends, on our clock, in ms
	due      <-chan struct{}
	cancel   func()
	quiet    time.Duration // since when nothing was sent
	err      error
}

// tick is when to look at trust again.
func (s *stream) tick() <-chan struct{} {
	if s.due == nil {
		s.due, s.cancel = after(s.p.options.Clock, streamLook)
	}
	return s.due
}

// pause waits, so that much news becomes few messages.
func (s *stream) pause(r *http.Request, d time.Duration) {
	due, cancel := after(s.p.options.Clock, d)
	defer cancel()
	select {
	case <-due:
	case <-r.Context().Done():
	case <-s.p.closed:
	}
}

// begin goes on where the client was, if it says so and that is still known.
func (s *stream) begin(r *http.Request) {
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.URL.Query().Get("since")
	}
	run, id, _ := strings.Cut(from, "-")
	b := s.p.board
	b.mu.Lock()
	s.at, s.resets, s.player, s.clock = b.last, b.resets, b.playerN, b.time
	if n, err := strconv.ParseUint(id, 10, 64); err == nil && run == b.run && n <= b.last {
		s.at = n
	}
	b.mu.Unlock()
	_, s.err = fmt.Fprintf(s.w, "retry: %d\n\n", comeAgain.Milliseconds())
	if from != "" && run != b.run {
		s.send("reload", s.id(), struct{}{})
		return
	}
	s.send("hello", s.id(), s.changes(true, nil))
	s.tell()
}

func (s *stream) id() string { return fmt.Sprintf("%s-%d", s.p.board.run, s.at) }

// tell sends what has happened since the last time.
func (s *stream) tell() {
	b := s.p.board
	b.mu.Lock()
	list, ok := b.since(s.at, maxChanges)
	reset := b.resets != s.resets
	dirty := s.at != b.last || s.player != b.playerN || s.clock != b.time
	s.at, s.resets, s.player, s.clock = b.last, b.resets, b.playerN, b.time
	b.mu.Unlock()
	if reset || !ok {
		s.send("reload", s.id(), struct{}{})
		return
	}
	if !dirty {
		return
	}
	var told []Entry
	for i := range list {
		if list[i].concerns(s.election) {
			told = append(told, list[i])
		}
	}
	s.send("changes", s.id(), s.changes(true, told[max(0, len(told)-maxTold):]))
}

// look tells of terms whose trust was renewed, and keeps the stream alive.
func (s *stream) look() {
	s.cancel()
	s.due = nil
	now := s.p.options.Clock.Now().Mono
	if s.renewed() {
		s.send("changes", s.id(), s.changes(false, nil))
	} else if now-s.quiet >= s.p.options.KeepAlive {
		s.write(": still here\n\n")
	}
}

// renewed reports whether trust in a term of the watched election changed otherwise than
// by time passing.
func (s *stream) renewed() bool {
	b := s.p.board
	b.mu.Lock()
	now, _ := b.reading()
	var leaders []string
	for _, seat := range b.now.seats[s.election] {
		if seat.Token != 0 {
			leaders = append(leaders, seat.Node)
		}
	}
	b.mu.Unlock()
	trusted := make(map[string]int64, len(leaders))
	changed := len(leaders) != len(s.trusted)
	for _, id := range leaders {
		left := s.p.source.Trust(id, s.election).Milliseconds()
		end := now + left
		old, known := s.trusted[id]
		if !known || end-old > 100 || old-end > 100 {
			changed = true
		} else {
			end = old
		}
		trusted[id] = end
	}
	s.trusted = trusted
	return changed
}

// changes is a message.
func (s *stream) changes(dirty bool, told []Entry) changes {
	s.renewed()
	c := changes{Last: s.at, Dirty: dirty, Entries: told, Trusted: map[string]int64{}}
	s.p.board.mu.Lock()
	c.NowMS, c.Rate = s.p.board.reading()
	s.p.board.mu.Unlock()
	for id := range s.trusted {
		c.Trusted[id] = s.p.source.Trust(id, s.election).Milliseconds()
	}
	return c
}

func (s *stream) send(event, id string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		s.err = err
		return
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	s.write(fmt.Sprintf("event: %s\n%sdata: %s\n\n", event, id, text)) // JSON has no line breaks
}

// write writes to the client, which has its time to take it.
func (s *stream) write(text string) {
	now := s.p.options.Clock.Now()
	s.quiet = now.Mono
	_ = s.control.SetWriteDeadline(now.Add(streamWrite).Time()) // not every server can
	if _, err := s.w.Write([]byte(text)); err != nil {
		s.err = err
		return
	}
	s.err = s.control.Flush()
}
