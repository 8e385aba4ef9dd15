package inspect_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"hustings/actors/inspect"
	"hustings/fsm"
)

func TestTheDrawingHasABoxForEachStateAndAnArrowForEachTransition(t *testing.T) {
	r := newRig(t, inspect.Options{})
	resp, svg := r.get("diagram.svg?state=won")
	if resp.Header.Get("Content-Type") != "image/svg+xml" || strings.Contains(resp.Header.Get("Content-Security-Policy"), "unsafe") {
		t.Errorf("headers: %v", resp.Header)
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	ids := map[string]int{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("it is not well-formed: %v", err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "id":
					ids[a.Value]++
				case "style", "onclick", "href":
					t.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
	want := 0
	for _, s := range fsm.Table.States {
		want++
		if ids["state-"+s.Name] != 1 {
			t.Errorf("no box for %s", s.Name)
		}
		for _, e := range fsm.Table.Events {
			if to, ok := fsm.Table.Next(s.State, e.Event); ok {
				want++
				if ids["edge-"+s.Name+"-"+to.String()] != 1 {
					t.Errorf("no arrow from %s to %s", s.Name, to)
				}
			}
		}
	}
	if len(ids) != want {
		t.Errorf("%d things are drawn, want %d: %v", len(ids), want, ids)
	}
	if n := strings.Count(svg, `class="state current`); n != 1 || !strings.Contains(svg, `class="state current won"`) {
		t.Errorf("%d states are marked", n)
	}
	r.elect("web-1", "billing", 3, 7)
	for query, want := range map[string]string{"election=billing": "current won", "election=billing&node=web-1": "current won", "election=none": "", `state="><script>`: ""} {
		_, svg := r.get("diagram.svg?" + query)
		if strings.Contains(svg, "state current") != (want != "") || !strings.Contains(svg, want) || strings.Contains(svg, "<script") {
			t.Errorf("%s: %s", query, svg)
		}
	}
}
