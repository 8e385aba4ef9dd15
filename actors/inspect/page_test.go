package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/actors/inspect"
	"hustings/fsm"
)

// cast puts a fleet of five on the board, of which web-5 leads billing.
func (r *rig) cast() {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	step := func(d time.Duration, from fsm.State, ev fsm.Event, token uint64, why fsm.Cause) fsm.Transition {
		to, _ := fsm.Table.Next(from, ev)
		return fsm.Transition{At: fsm.Instant{Wall: time.Duration(ago(d).UnixNano())}, From: from, Event: ev, To: to, Cause: why, Round: 1, Token: token}
	}
	for i := 1; i <= 5; i++ {
		id := fmt.Sprintf("web-%d", i)
		r.board.Node(ago(time.Minute), inspect.NodeState{ID: id, Rank: int64(10 * i), Here: true, Up: true, Link: true}, "good", id+" is in the fleet")
		r.board.View(ago(time.Minute), id, actors.View{Election: "billing", Rank: int64(10 * i)})
		r.board.Moved(id, "billing", step(50*time.Second, fsm.Idle, fsm.Canvass, 0, fsm.Cause{Code: fsm.CauseRun}))
		r.board.Moved(id, "billing", step(49*time.Second, fsm.Voting, fsm.Polled, 0, fsm.Cause{Code: fsm.CausePolled}))
		if i < 5 {
			r.board.Moved(id, "billing", step(48*time.Second, fsm.Waiting, fsm.Defeated, 0, fsm.Cause{Code: fsm.CauseKicked, Peer: "web-5", Rank: 50}))
		}
	}
	r.board.Moved("web-5", "billing", step(47*time.Second, fsm.Waiting, fsm.Elected, 1795387410, fsm.Cause{Code: fsm.CauseGranted}))
	for i, e := range []string{"mail", "reports"} {
		id := fmt.Sprintf("web-%d", i+1)
		r.board.View(ago(time.Minute), id, actors.View{Election: e, State: fsm.Won, Token: 9, Rank: 3, Leader: fsm.Leader{ID: id, Token: 9, Known: true}})
	}
	r.source.setTrust("web-5", 3*time.Second)
}

// kill ends web-5's term, and puts web-4 in its place.
func (r *rig) kill() {
	now := fsm.Instant{Wall: time.Duration(time.Now().UnixNano())}
	r.board.Stopped(now.Time(), "web-5", "killed")
	why := fsm.Cause{Code: fsm.CauseHolderEnded, Peer: "web-5", Rank: 50}
	for _, t := range []fsm.Transition{
		{From: fsm.Lost, Event: fsm.Canvass, To: fsm.Voting, Cause: why},
		{From: fsm.Voting, Event: fsm.Polled, To: fsm.Waiting, Cause: fsm.Cause{Code: fsm.CauseUnopposed}},
		{From: fsm.Waiting, Event: fsm.Elected, To: fsm.Won, Cause: fsm.Cause{Code: fsm.CauseGranted}, Token: 1795387411},
	} {
		t.At, t.Round = now, 2
		r.board.Moved("web-4", "billing", t)
	}
	r.source.setTrust("web-4", 3*time.Second)
}

func TestThePageShowsChangesObeysItsButtonsAndLooksBack(t *testing.T) {
	r := newRig(t, inspect.Options{Control: true, Title: "Fleet"})
	r.cast()
	b := newBrowser(t)
	b.open(r.url, 1280, 1000, "light")
	b.until(`document.getElementById("leader").textContent === "web-5 leads with token 1795387410"`)
	b.until(`document.querySelector("#state-won.current") && document.querySelectorAll(".current").length === 1`)
	b.until(`document.getElementById("trust-text").textContent.match(/^[0-3]\.\d s of trust left$/)`)

	begin := time.Now()
	r.kill()
	b.until(`document.getElementById("leader").textContent.startsWith("web-4 leads")`)
	t.Logf("a change was on the page %v after it happened", time.Since(begin).Round(time.Millisecond))
	b.until(`document.getElementById("candidates").firstChild.textContent.includes("killed")`)
	b.until(`document.getElementById("news").textContent.includes("web-4 takes office")`)

	b.eval(nil, `[...document.querySelectorAll("#candidates button")].find(b => b.textContent === "Resign").click()`)
	b.until(`document.getElementById("said").textContent === "done"`)
	r.source.mu.Lock()
	if n := len(r.source.orders); n != 1 || r.source.orders[0].Action != "resign" || r.source.orders[0].Election != "billing" {
		t.Errorf("orders: %+v", r.source.orders)
	}
	r.source.mu.Unlock()

	// Back to where web-4 was voting.
	b.eval(nil, `for (let i = 0; i < 1; i++) document.getElementById("back").click()`)
	b.until(`document.getElementById("past").textContent.includes("web-4 takes office")`)
	b.eval(nil, `document.getElementById("back").click()`)
	b.until(`document.getElementById("past").textContent.includes("from voting to waiting")`)
	b.until(`document.querySelector("#state-waiting.current") && document.querySelector("#edge-voting-waiting.taken")`)
	b.until(`document.getElementById("candidates").children[1].textContent.includes("waiting")`)
	b.eval(nil, `document.getElementById("now").click()`)
	b.until(`document.getElementById("past").hidden && document.querySelector("#state-won.current")`)
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}

	r.page.Close()
	b.until(`document.getElementById("live").textContent.includes("trying again")`)
}

func TestHostileIDsAndNamesStayText(t *testing.T) {
	r := newRig(t, inspect.Options{Control: true, Title: `</title><script>window.pwned=1</script>`})
	names := []string{
		`<img src=x onerror="window.pwned=1">`, `"><script>window.pwned=1</script>`, `javascript:window.pwned=1`,
		`'+alert(1)+'`, "\u202egnillib", `&lt;b&gt;`, `#state-won`, `__proto__`, strings.Repeat("x", 256),
	}
	for i, name := range names {
		r.board.Node(start, inspect.NodeState{ID: name, Here: true, Up: true, Link: true, Note: name}, "bad", name)
		r.elect(name, name, 10+i, uint64(i+1))
		r.board.Note(start, name, name, name, name)
	}
	b := newBrowser(t)
	for _, name := range names {
		b.open(r.url, 1280, 900, "light")
		b.eval(nil, fmt.Sprintf(`[...document.querySelectorAll("#rows button")].find(b => b.title === %q).click()`, name))
		b.until(fmt.Sprintf(`document.getElementById("name").textContent === %q && document.getElementById("leader").textContent.startsWith(%q)`, name, name))
		b.eval(nil, `new Promise(done => setTimeout(done, 400))`) // the countdown has run
		var bad bool
		b.eval(&bad, `window.pwned !== undefined || document.images.length > 0 || document.querySelectorAll("script").length !== 1`)
		if bad {
			t.Errorf("%q became markup", name)
		}
	}
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}
}

func TestTenThousandElectionsStayResponsive(t *testing.T) {
	r := newRig(t, inspect.Options{})
	for i := range 10_000 {
		r.board.View(start, "web-1", actors.View{Election: fmt.Sprintf("job-%05d", i), State: fsm.Lost, Rank: 1, Leader: fsm.Leader{Known: true}})
	}
	b := newBrowser(t)
	b.open(r.url, 1280, 1000, "light")
	b.until(`document.getElementById("range").textContent.endsWith("of 10,000")`)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // 500 changes a second
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			for k := range 10 {
				r.board.View(start, "web-1", actors.View{
					Election: fmt.Sprintf("job-%05d", (i*10+k)%10_000), State: fsm.Won, Rank: 1, Token: uint64(i + 1),
					Leader: fsm.Leader{ID: "web-1", Known: true, Token: uint64(i + 1)},
				})
			}
		}
	}()
	var frames []float64
	b.eval(&frames, `new Promise(done => {
		const list = []; let last = performance.now(); const end = last + 4000;
		const q = document.getElementById("q"); let typed = 0;
		requestAnimationFrame(function f(now) {
			list.push(now - last); last = now;
			if (list.length % 20 === 0) { q.value = "job-0" + (typed++ % 10); q.dispatchEvent(new Event("input")); }
			now < end ? requestAnimationFrame(f) : done(list);
		});
	})`)
	close(stop)
	<-stopped
	b.eval(nil, `(() => { const q = document.getElementById("q"); q.value = "job-0123"; q.dispatchEvent(new Event("input")); })()`)
	b.until(`document.getElementById("range").textContent === "1–10 of 10" && document.getElementById("rows").children.length === 10`)
	sort.Float64s(frames)
	p := func(f float64) float64 { return frames[int(f*float64(len(frames)-1))] }
	t.Logf("10,000 elections, 500 changes a second, searching: %d frames in 4 s, p50 %.1f ms, p95 %.1f ms, longest %.1f ms", len(frames), p(0.5), p(0.95), p(1))
	if p(0.5) > 250 {
		t.Errorf("half of the frames took longer than %.0f ms", p(0.5))
	}
	if said := b.console(); said != "" {
		t.Errorf("the console: %s", said)
	}
}

func TestThePageIsAccessibleInLightAndDarkAndOnAPhone(t *testing.T) {
	r := newRig(t, inspect.Options{Control: true, Links: []inspect.Link{{Title: "Live fleet", Href: "./"}, {Title: "Simulator", Href: "simulator/"}}})
	r.cast()
	b := newBrowser(t)
	axe, skipped := "", ""
	if dir := os.Getenv("HUSTINGS_AXE_DIR"); dir == "" {
		skipped = "no axe-core: name its folder in HUSTINGS_AXE_DIR"
	} else {
		text, err := os.ReadFile(filepath.Join(dir, "axe.min.js"))
		if err != nil {
			t.Fatal(err)
		}
		axe = string(text)
	}
	for _, view := range []struct {
		theme         string
		width, height int
	}{{"light", 1280, 1000}, {"dark", 1280, 1000}, {"phone", 390, 844}} {
		theme := view.theme
		if theme == "phone" {
			theme = "light"
		}
		b.open(r.url, view.width, view.height, theme)
		b.until(`document.querySelector("#state-won.current") && document.getElementById("story").children.length > 3`)
		b.shoot("page-" + view.theme + ".png")
		var wide bool
		b.eval(&wide, `document.documentElement.scrollWidth > innerWidth`)
		if wide {
			t.Errorf("%s: the page is wider than the screen", view.theme)
		}
		if axe == "" {
			continue
		}
		b.eval(nil, axe+"\n;0")
		var faults []string
		b.eval(&faults, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.filter(v => v.impact === "serious" || v.impact === "critical")
			.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; ")))`)
		for _, f := range faults {
			t.Errorf("%s: %s", view.theme, f)
		}
	}
	if skipped != "" {
		t.Skip(skipped)
	}
}
