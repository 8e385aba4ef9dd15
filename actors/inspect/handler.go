package inspect

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options change a handler. The zero value is ready: a page to look at.
type Options struct {
	// Title is the page's. Default "hustings".
	Title string
	// Control lets whoever may load the page give orders, if the source is a Controller.
	// The handler brings no authentication: wrap it in yours.
	Control bool
	// Hosts are the names and addresses under which the page may be asked for, without
	// ports; a request that names another is refused. Set it where there is no
	// authentication, against DNS rebinding: a page of a stranger whose name suddenly
	// means this machine. Default: any.
	Hosts []string
	// Links are shown beside the title: other pages like this one.
	Links []Link
	// MaxClients bounds the event streams that are open at a time; a further one is told
	// 503 and to come again. Default 32.
	MaxClients int
	// History is how many changes are kept for looking back. Default 4096.
	History int
	// KeepAlive is how often a silent event stream says that it is still there.
	// Default 15 s.
	KeepAlive time.Duration
	// Clock is where the time comes from. Default: the machine's.
	Clock Clock
}

// Link is another page. Href is relative to this one.
type Link struct{ Title, Href string }

func (o Options) withDefaults() Options {
	if o.Title == "" {
		o.Title = "hustings"
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&o.MaxClients, 32}, {&o.History, 4096}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 15 * time.Second
	}
	if o.Clock == nil {
		o.Clock = system
	}
	return o
}

// Page is an http.Handler that shows a Source. All its methods may be called from any
// goroutine.
type Page struct {
	source  Source
	options Options
	board   *Board
	token   string // for orders
	clients atomic.Int64
	closed  chan struct{}
	stop    context.CancelFunc
	once    sync.Once
	done    sync.WaitGroup
}

// Handler returns a page over a source. It begins to watch at once, so that what happens
// before somebody looks can be looked back at, and ends with Close. Mount it under any
// path that ends in a slash; StripPrefix is not needed.
func Handler(source Source, options Options) *Page {
	options = options.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	p := &Page{
		source: source, options: options, token: random(), closed: make(chan struct{}), stop: stop,
		board: newBoard(options.Clock, random(), options.History),
	}
	p.done.Go(func() { source.Watch(ctx, p.board) })
	return p
}

// Close ends the event streams and stops watching; it returns when that is done. The page
// shows the last that it saw from then on. http.Server.Shutdown waits for open streams:
// give it this with RegisterOnShutdown. A second call does nothing.
func (p *Page) Close() {
	p.once.Do(func() {
		close(p.closed)
		p.stop()
	})
	p.done.Wait()
}

// Board is what the page shows, for whoever has news that the source does not tell.
func (p *Page) Board() *Board { return p.board }

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

//go:embed static
var static embed.FS

// files are the static files by name, with their types.
var files = map[string]string{}

var page = template.Must(template.ParseFS(static, "static/page.html"))

func init() {
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	for _, e := range entries {
		if t := types[path.Ext(e.Name())]; t != "" {
			files[e.Name()] = t
		}
	}
}

// policy is the page's Content-Security-Policy: nothing but its own files, no inline
// script or style, no text that becomes markup, in nobody's frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// ServeHTTP serves the page, its files, and what it shows.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !p.hostAllowed(r.Host) {
		http.Error(w, "this page is not served under that host name", http.StatusMisdirectedRequest)
		return
	}
	name := path.Base(r.URL.Path)
	if strings.HasSuffix(r.URL.Path, "/") || r.URL.Path == "" {
		name = ""
	}
	if name == "control" {
		p.control(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this can only be read", http.StatusMethodNotAllowed)
		return
	}
	switch name {
	case "":
		p.html(w, r)
	case "state.json":
		p.state(w, r)
	case "events":
		p.events(w, r)
	case "diagram.svg":
		p.diagram(w, r)
	default:
		t := files[name]
		if t == "" {
			http.NotFound(w, r)
			return
		}
		h.Set("Content-Type", t)
		http.ServeFileFS(w, r, static, "static/"+name)
	}
}

func (p *Page) hostAllowed(host string) bool {
	if len(p.options.Hosts) == 0 {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	return slices.ContainsFunc(p.options.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// html writes the page. The diagram in it is ours and made of the table alone.
func (p *Page) html(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	err := page.Execute(w, map[string]any{
		"Title": p.options.Title, "Links": p.options.Links, "Diagram": template.HTML(drawing("")), //nolint:gosec // no foreign text in it
	})
	if err != nil {
		fmt.Fprintf(w, "<!-- %s -->", "the page could not be written whole")
	}
}

// reply writes JSON.
func reply(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "this can't be told in JSON: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
