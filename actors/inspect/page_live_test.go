package inspect_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sort"
	"sync"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/redisbridge/redistest"
)

// press presses a button of a candidate, when it is there.
func (b *browser) press(node, label string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("#candidates > li")].find(li => li.dataset.key === %q)?.querySelectorAll("button") ?? []`, node)
	button := fmt.Sprintf(`[...%s].find(b => b.textContent === %q)`, "("+find+")", label)
	b.until(button)
	b.eval(nil, button+".click()")
}

// seat waits until a candidate's line contains something.
func (b *browser) seat(node, words string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`[...document.querySelectorAll("#candidates > li")].find(li => li.dataset.key === %q)?.textContent.includes(%q)`, node, words))
}

func (b *browser) leads(node string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.getElementById("leader").textContent.startsWith(%q)`, node+" leads"))
}

func TestAVisitorStandsNodesDownAndHasThemStandAgain(t *testing.T) {
	b := newBrowser(t)
	addr := redistest.NewMini(t).Addr()
	low, high := begin(t, addr, "low", 1, time.Second), begin(t, addr, "high", 2, time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), late)
	defer cancel()
	for _, n := range []*actors.Node{low, high} {
		if err := n.Run(ctx, "billing"); err != nil {
			t.Fatal(err)
		}
	}
	r := over(t, inspect.NewFleet(low, high), inspect.Options{Control: true})
	b.open(r.url, 1280, 1000, "light")
	b.leads("high")
	b.press("high", "Stand down")
	b.leads("low")
	b.seat("high", "stood down")
	b.until(`document.getElementById("said").textContent === "high has stood down"`)
	var offered string
	b.eval(&offered, `[...document.querySelectorAll("#candidates > li")].map(li => li.dataset.key + ": " + [...li.querySelectorAll("button")].map(b => b.textContent).join(", ")).join("; ")`)
	if want := "high: Stand again, Quit; low: Resign, Stand down, Quit"; offered != want {
		t.Errorf("buttons: %s; want %s", offered, want)
	}
	b.press("high", "Stand again")
	b.leads("high")
	b.press("low", "Appoint")
	b.leads("low")
	b.press("low", "Quit")
	b.leads("high")
	b.seat("low", "idle")
	b.press("low", "Run")
	b.seat("low", "lost")
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}
}

func TestTheLanesShowWhoLedAndLookBackByMouseAndKeyboard(t *testing.T) {
	r := newRig(t, inspect.Options{})
	r.cast()
	b := newBrowser(t)
	b.open(r.url, 1280, 1000, "light")
	b.leads("web-5")
	r.kill()
	b.leads("web-4")
	b.until(`document.querySelectorAll("#lanes-svg .name").length === 5 && document.querySelectorAll("#lanes-svg rect.won").length === 2`)
	// A click in the middle of web-5's term looks at that time.
	b.eval(nil, `(() => {
		const box = document.querySelector("#lanes-svg rect.won").getBoundingClientRect();
		document.getElementById("lanes-svg").dispatchEvent(new MouseEvent("click", { clientX: box.left + box.width / 2, clientY: box.top + 3, bubbles: true }));
	})()`)
	b.until(`!document.getElementById("past").hidden && document.querySelector("#lanes-svg .cursor")`)
	b.leads("web-5")
	// The same by keyboard, from the slider.
	key := func(name string, code int) {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": name, "code": name, "windowsVirtualKeyCode": code})
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code})
	}
	b.eval(nil, `document.getElementById("slider").focus()`)
	key("End", 35)
	b.until(`document.getElementById("past").hidden`)
	b.leads("web-4")
	key("Home", 36)
	b.until(`!document.getElementById("past").hidden && document.getElementById("slider").value === "0"`)
	key("ArrowRight", 39)
	b.until(`document.getElementById("slider").value === "1"`)
	b.eval(nil, `document.activeElement.blur()`)
	key("Tab", 9)
	b.until(`document.activeElement !== document.body`)
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}
}

// restartable is a server that can be ended and begun again at one address.
type restartable struct {
	t    *testing.T
	addr string
	end  func()
}

func (s *restartable) begin(h *inspect.Page) {
	s.t.Helper()
	var l net.Listener
	soon(s.t, "the address is free", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", s.addr)
		return err == nil
	})
	s.addr = l.Addr().String()
	server := &http.Server{Handler: h, ReadHeaderTimeout: late}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	s.end = sync.OnceFunc(func() { _ = server.Close(); <-done; h.Close() })
	s.t.Cleanup(s.end)
}

func TestThePageGoesOnAfterTheServerRestarted(t *testing.T) {
	b := newBrowser(t)
	source := newFake()
	s := &restartable{t: t, addr: "127.0.0.1:0"}
	page := inspect.Handler(source, inspect.Options{})
	r := &rig{t: t, source: source, page: page, board: <-source.watched}
	r.cast()
	s.begin(page)
	b.open("http://"+s.addr+"/", 1280, 1000, "light")
	b.leads("web-5")
	s.end()
	<-source.ended
	b.until(`document.getElementById("live").textContent.includes("trying again")`)
	// Another process: it has seen other things, and counts from 1 again.
	source = newFake()
	page = inspect.Handler(source, inspect.Options{})
	r.source, r.page, r.board = source, page, <-source.watched
	r.cast()
	r.kill()
	s.begin(page)
	b.until(`document.getElementById("live").textContent === "live"`)
	b.leads("web-4")
	r.board.Stopped(time.Now(), "web-4", "killed")
	b.seat("web-4", "killed")
	s.end()
	<-source.ended
}

func TestANodeWithTenThousandElectionsIsWatchedWithEase(t *testing.T) {
	if testing.Short() {
		t.Skip("it elects 10,000 times")
	}
	b := newBrowser(t)
	n := begin(t, redistest.NewServer(t).Addr, "busy", 1, 10*time.Second)
	r := over(t, inspect.Node(n), inspect.Options{Control: true})
	ctx, cancel := context.WithTimeout(context.Background(), 2*late)
	defer cancel()
	const many = 10_000
	run := make(chan string, many)
	for i := range many {
		run <- fmt.Sprintf("job-%05d", i)
	}
	close(run)
	began := time.Now()
	var standing sync.WaitGroup
	for range 32 {
		standing.Go(func() {
			for name := range run {
				if err := n.Run(ctx, name); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	standing.Wait()
	b.open(r.url, 1280, 1000, "light")
	b.until(`document.getElementById("summary").textContent === "10,000 led"`)
	t.Logf("all are led, and the page says so, %v after the first was told to run", time.Since(began).Round(time.Millisecond))

	// What happens to one is on the page soon, also while one searches and all the
	// others' trust is renewed.
	b.eval(nil, `(() => { const q = document.getElementById("q"); q.value = "job-07777"; q.dispatchEvent(new Event("input")); })()`)
	b.until(`document.getElementById("rows").children.length === 1`)
	b.eval(nil, `document.querySelector("#rows button").click()`)
	b.leads("busy")
	var frames []float64
	began = time.Now()
	b.eval(nil, `window.frames_ = []; (() => { let last = performance.now(); requestAnimationFrame(function f(now) { frames_.push(now - last); last = now; window.stop_ || requestAnimationFrame(f); }); })()`)
	var delays []time.Duration
	for range 5 {
		at := time.Now()
		if err := n.Quit(ctx, "job-07777"); err != nil {
			t.Fatal(err)
		}
		b.seat("busy", "idle")
		delays = append(delays, time.Since(at))
		at = time.Now()
		if err := n.Run(ctx, "job-07777"); err != nil {
			t.Fatal(err)
		}
		b.seat("busy", "won")
		delays = append(delays, time.Since(at))
	}
	b.eval(&frames, `(window.stop_ = true, frames_)`)
	sort.Float64s(frames)
	sort.Slice(delays, func(i, j int) bool { return delays[i] < delays[j] })
	at := time.Now()
	r.state("q=job-0777")
	t.Logf("changes were on the page after %v (median) and %v (longest); %d frames in %v, p50 %.1f ms, longest %.1f ms; state.json took %v",
		delays[len(delays)/2].Round(time.Millisecond), delays[len(delays)-1].Round(time.Millisecond), len(frames), time.Since(began).Round(time.Millisecond),
		frames[len(frames)/2], frames[len(frames)-1], time.Since(at).Round(time.Microsecond))
	if d := delays[len(delays)/2]; d > time.Second {
		t.Errorf("half of the changes took longer than %v to be seen", d)
	}
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}
}
