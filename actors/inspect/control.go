package inspect

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// controlInfo is what a page needs to give orders.
type controlInfo struct {
	Token   string   `json:"token"`
	Actions []Action `json:"actions"`
}

// tokenHeader carries the token. A form of another site can't set a header.
const tokenHeader = "X-Hustings-Token" //nolint:gosec // a name

// Bounds of an order.
const (
	maxOrder    = 64 << 10
	orderWithin = 5 * time.Second // it must have arrived
)

func (p *Page) controlInfo() *controlInfo {
	c, ok := p.source.(Controller)
	if !ok || !p.options.Control {
		return nil
	}
	return &controlInfo{Token: p.token, Actions: c.Actions()}
}

// control serves orders: POST, from this very page.
func (p *Page) control(w http.ResponseWriter, r *http.Request) {
	c, ok := p.source.(Controller)
	if !ok || !p.options.Control {
		http.Error(w, "this page takes no orders", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "orders are posted", http.StatusMethodNotAllowed)
		return
	}
	if why := p.foreign(r); why != "" {
		http.Error(w, "refused: "+why, http.StatusForbidden)
		return
	}
	if !p.read(w, r) {
		return
	}
	order := Command{
		Action: r.PostForm.Get("action"), Node: r.PostForm.Get("node"), Election: r.PostForm.Get("election"),
		Args: make(map[string]string),
	}
	for name := range r.PostForm {
		order.Args[name] = r.PostForm.Get(name)
	}
	type outcome struct {
		OK   bool   `json:"ok"`
		Text string `json:"text"`
	}
	text, err := c.Do(r.Context(), order)
	if err != nil {
		reply(w, http.StatusConflict, outcome{false, err.Error()})
		return
	}
	reply(w, http.StatusOK, outcome{true, text})
}

// read reads an order's form; if it can't, that is answered.
func (p *Page) read(w http.ResponseWriter, r *http.Request) bool {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(p.options.Clock.Now().Add(orderWithin).Time()) // not every server can
	r.Body = http.MaxBytesReader(w, r.Body, maxOrder)
	err := r.ParseForm()
	var long *http.MaxBytesError
	switch {
	case err == nil:
		_ = control.SetReadDeadline(time.Time{}) // obeying it may take its time
		return true
	case errors.As(err, &long):
		http.Error(w, "the order is too long", http.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		http.Error(w, "the order did not arrive in time", http.StatusRequestTimeout)
	default:
		http.Error(w, "this is no form", http.StatusBadRequest)
	}
	return false
}

// foreign says why a request does not come from this page; "" if it does.
func (p *Page) foreign(r *http.Request) string {
	site := r.Header.Get("Sec-Fetch-Site") // the browser's own word, also where a proxy has changed the Host
	if site != "" && site != "same-origin" {
		return "it comes from another site"
	}
	if origin := r.Header.Get("Origin"); site == "" && origin != "" {
		if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, r.Host) {
			return "it comes from another origin"
		}
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(p.token)) != 1 {
		return "it does not carry this page's token: load the page again"
	}
	return ""
}
