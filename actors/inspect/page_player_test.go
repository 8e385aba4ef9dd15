package inspect_test

import (
	"fmt"
	"reflect"
	"testing"

	"hustings/actors/inspect"
)

// The controls of a simulated world, as demo serve has one, give the orders that they say.
func TestThePlayersControlsGiveTheirOrders(t *testing.T) {
	r := newRig(t, inspect.Options{Control: true})
	r.cast()
	show := func(playing bool, at int) {
		r.board.Player(map[string]any{
			"seed": 7, "nodes": 5, "chosen": []string{"pauses"}, "kinds": []string{"crashes", "pauses"}, "hazards": []string{"pauses"},
			"playing": playing, "speed": 1, "at_ms": at, "end_ms": 60000, "events": 1234, "error": "",
		})
	}
	show(false, 12000)
	b := newBrowser(t)
	b.open(r.url, 1280, 1000, "light")
	b.until(`document.querySelector("#player .clock")?.textContent === "12.0 s"`)
	click := func(label string) {
		b.eval(nil, fmt.Sprintf(`[...document.querySelectorAll("#player button")].find(b => b.textContent === %q).click()`, label))
	}
	last := func(want map[string]string) {
		t.Helper()
		var got map[string]string
		soon(t, fmt.Sprint(want), func() bool {
			r.source.mu.Lock()
			defer r.source.mu.Unlock()
			if n := len(r.source.orders); n > 0 {
				got = r.source.orders[n-1].Args
			}
			return reflect.DeepEqual(got, want)
		})
	}
	click("Play")
	last(map[string]string{"action": "play"})
	show(true, 12500)
	b.until(`document.querySelector("#player button.main").textContent === "Pause"`)
	click("Pause")
	last(map[string]string{"action": "pause"})
	show(false, 12500)
	click("Step")
	last(map[string]string{"action": "step"})
	b.until(`document.querySelector("#player .clock").textContent === "12.5 s"`)
	click("−10 s")
	last(map[string]string{"action": "seek", "to_ms": "2500"})
	b.eval(nil, `(() => { const s = document.querySelector("#player select"); s.value = "10"; s.dispatchEvent(new Event("change")); })()`)
	last(map[string]string{"action": "speed", "speed": "10"})
	b.eval(nil, `(() => { const s = document.querySelector("#player input[type=range]"); s.value = "30000"; s.dispatchEvent(new Event("input")); s.dispatchEvent(new Event("change")); })()`)
	last(map[string]string{"action": "seek", "to_ms": "30000"})
	b.eval(nil, `document.querySelector("#player input[value=crashes]").click()`)
	click("Start this world")
	last(map[string]string{"action": "new", "seed": "7", "nodes": "5", "faults": "crashes,pauses"})
	click("Next seed")
	last(map[string]string{"action": "new", "seed": "8", "nodes": "5", "faults": "crashes,pauses"})
}
