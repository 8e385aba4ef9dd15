package inspect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"hustings/actors/inspect"
)

// A proxy in between may fail one request while the stream goes on.
func TestThePageIsLiveAgainWhenItIsAnsweredAgain(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.cast()
	var refuse atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if refuse.Load() && strings.HasSuffix(req.URL.Path, "state.json") {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		r.page.ServeHTTP(w, req)
	}))
	defer proxy.Close()
	defer r.page.Close() // ends the streams
	b := newBrowser(t)
	b.open(proxy.URL+"/", 1280, 1000, "light")
	b.until(`document.getElementById("live").textContent === "live"`)
	refuse.Store(true)
	r.board.Note(start, "", "", "good", "something happens")
	b.until(`document.getElementById("live").textContent.startsWith("no answer")`)
	refuse.Store(false)
	b.until(`document.getElementById("live").textContent === "live"`)
}

// A proxy may hold an answer back until it is complete, which a stream never is.
func TestThePageFollowsBehindAProxyThatBuffers(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.cast()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/events") {
			<-req.Context().Done()
			return
		}
		r.page.ServeHTTP(w, req)
	}))
	defer proxy.Close()
	b := newBrowser(t)
	b.call("Page.navigate", map[string]any{"url": proxy.URL + "/"})
	b.until(`document.getElementById("leader").textContent.includes("web-5")`)
	r.board.Note(start, "", "", "good", "something happens")
	b.until(`document.getElementById("live").textContent.startsWith("no stream comes through")`)
	b.until(`document.body.textContent.includes("something happens")`)
}

func TestAVisitorToAMomentThatIsForgottenIsBroughtBackToThePresent(t *testing.T) {
	r := newRig(t, inspect.Options{History: 50})
	r.cast()
	b := newBrowser(t)
	b.open(r.url, 1280, 1000, "light")
	b.leads("web-5")
	b.eval(nil, `document.getElementById("back").click()`)
	b.eval(nil, `document.getElementById("back").click()`)
	b.until(`!document.getElementById("past").hidden`)
	for i := range 5000 { // faster than a stream tells of them one by one
		r.board.Note(start, "", "", "good", fmt.Sprint("news ", i))
	}
	b.until(`document.getElementById("said").textContent === "That moment is not recorded any more."`)
	b.until(`document.getElementById("past").hidden`)
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}
}
