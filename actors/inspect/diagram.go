package inspect

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"math"
	"net/http"
	"strings"

	"hustings/fsm"
)

// The drawing is made from fsm.Table: a box for each state, an arrow for each transition.
// Only where the boxes stand, and how arrows bend out of each other's way, is said here;
// a state or transition without such a hint is drawn all the same.

type point struct{ x, y float64 }

const (
	boxW, boxH   = 118.0, 46.0
	drawW, drawH = 800, 428
)

// places are the centres of the boxes: the way into office on top.
var places = map[fsm.State]point{
	fsm.Idle: {80, 210}, fsm.Voting: {268, 110}, fsm.Waiting: {478, 110}, fsm.Won: {706, 110},
	fsm.Inconclusive: {330, 316}, fsm.Lost: {640, 316},
}

// bends say how far an arrow's middle lies beside the straight line, to the left as one
// walks, and where along it the label stands.
var bends = map[[2]fsm.State]struct{ bend, label float64 }{
	{fsm.Idle, fsm.Voting}:         {-20, 0.55},
	{fsm.Voting, fsm.Waiting}:      {0, 0.5},
	{fsm.Waiting, fsm.Won}:         {0, 0.5},
	{fsm.Voting, fsm.Lost}:         {20, 0.8},
	{fsm.Waiting, fsm.Lost}:        {24, 0.5},
	{fsm.Won, fsm.Lost}:            {10, 0.5},
	{fsm.Inconclusive, fsm.Lost}:   {0, 0.5},
	{fsm.Voting, fsm.Inconclusive}: {-22, 0.62},
	{fsm.Waiting, fsm.Inconclusive}: {
		-10, 0.68,
	},
	{fsm.Lost, fsm.Voting}:         {18, 0.42},
	{fsm.Inconclusive, fsm.Voting}: {-22, 0.5},
}

// curve is a cubic Bézier curve.
type curve [4]point

func (c curve) at(t float64) point {
	u := 1 - t
	f := func(a, b, c, d float64) float64 { return u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d }
	return point{f(c[0].x, c[1].x, c[2].x, c[3].x), f(c[0].y, c[1].y, c[2].y, c[3].y)}
}

// route is an arrow's way from box to box, and where its label stands.
func route(from, to fsm.State, ev fsm.Event) (c curve, label point) {
	a, b := place(from), place(to)
	if ev == fsm.Withdraw {
		return home(a, b)
	}
	hint, ok := bends[[2]fsm.State{from, to}]
	if !ok {
		hint.bend, hint.label = 30, 0.5
	}
	dx, dy := b.x-a.x, b.y-a.y
	n := math.Hypot(dx, dy)
	mid := point{(a.x+b.x)/2 + dy/n*hint.bend*2, (a.y+b.y)/2 - dx/n*hint.bend*2}
	s, e := edge(a, mid, 2), edge(b, mid, 8)
	c = curve{s, towards(s, mid), towards(e, mid), e}
	return c, c.at(hint.label)
}

// towards is two thirds of the way from p to the control point of a quadratic curve.
func towards(p, q point) point { return point{p.x + (q.x-p.x)*2/3, p.y + (q.y-p.y)*2/3} }

// home is the way back to where an election begins: around the outside.
func home(a, b point) (curve, point) {
	up := a.y < b.y
	far := math.Abs(a.x - b.x)
	side, height := 1.0, 30+far*0.12
	if up {
		side = -1
	}
	s := point{a.x - boxW*0.16, a.y + side*(boxH/2+2)}
	e := point{b.x - boxW*0.30 + far*0.06, b.y + side*(boxH/2+8)}
	if far < 300 { // a neighbour: in at its side
		s = point{a.x - boxW/2 - 2, a.y - side*4}
		e = point{b.x + boxW*0.12 + far*0.02, b.y + side*(boxH/2+8)}
		c := curve{s, {s.x - 60, s.y + side*6}, {e.x, e.y + side*40}, e}
		return c, c.at(0.42)
	}
	y := a.y + side*(boxH/2+height)
	c := curve{s, {s.x - 20, y + side*12}, {e.x, y + side*24}, e}
	return c, c.at(0.4)
}

func place(s fsm.State) point {
	if p, ok := places[s]; ok {
		return p
	}
	return point{drawW / 2, drawH - 30 - float64(s)}
}

// edge is where the line from a box's centre to p leaves the box, and a gap further.
func edge(box, p point, gap float64) point {
	dx, dy := p.x-box.x, p.y-box.y
	n := math.Hypot(dx, dy)
	if n == 0 {
		return box
	}
	t := math.Min(boxW/2/math.Max(math.Abs(dx), 1e-9), boxH/2/math.Max(math.Abs(dy), 1e-9))
	t += gap / n
	return point{box.x + dx*t, box.y + dy*t}
}

// drawing is the machine as SVG, with no style of its own. The state named is marked
// current.
func drawing(current string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="machine" viewBox="0 0 %d %d" role="img" aria-label="The state machine of an election">`, drawW, drawH)
	for _, from := range fsm.Table.States {
		for _, ev := range fsm.Table.Events {
			if to, ok := fsm.Table.Next(from.State, ev.Event); ok {
				arrow(&b, from.State, to, ev)
			}
		}
	}
	for _, row := range fsm.Table.States {
		p, class := place(row.State), "state"
		if row.Name == current {
			class += " current"
		}
		fmt.Fprintf(&b, `<g class="%s %s" id="state-%s"><title>%s: %s</title>`, class, row.Name, row.Name, row.Name, html.EscapeString(row.About))
		fmt.Fprintf(&b, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="%.0f"/>`, p.x-boxW/2, p.y-boxH/2, boxW, boxH, boxH/2)
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" text-anchor="middle">%s</text></g>`, p.x, p.y+5, row.Name)
	}
	b.WriteString(`<circle class="token" r="7" cx="-20" cy="-20"/></svg>`)
	return b.String()
}

// arrow draws one transition.
func arrow(b *strings.Builder, from, to fsm.State, ev fsm.EventRow) {
	c, label := route(from, to, ev.Event)
	end, before := c[3], c.at(0.97)
	angle := math.Atan2(end.y-before.y, end.x-before.x)
	wing := func(turn float64) point {
		return point{end.x - 9*math.Cos(angle+turn), end.y - 9*math.Sin(angle+turn)}
	}
	l, r := wing(0.42), wing(-0.42)
	fmt.Fprintf(b, `<g class="edge %s" id="edge-%s-%s"><title>%s: from %s to %s</title>`, ev.Name, from, to, ev.Name, from, to)
	fmt.Fprintf(b, `<path class="line" d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"/>`,
		c[0].x, c[0].y, c[1].x, c[1].y, c[2].x, c[2].y, c[3].x, c[3].y)
	fmt.Fprintf(b, `<path class="tip" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ"/>`, end.x, end.y, l.x, l.y, r.x, r.y)
	fmt.Fprintf(b, `<text class="label" x="%.1f" y="%.1f" text-anchor="middle">%s</text></g>`, label.x, label.y+4, ev.Name)
}

// drawingStyle dresses the drawing that stands alone.
const drawingStyle = `svg{background:#fff;font:14px system-ui,sans-serif}
.line{fill:none;stroke:#8a94a3;stroke-width:1.4}.tip{fill:#8a94a3}
.withdraw .line{stroke-dasharray:2 4;stroke:#b5bcc7}.withdraw .tip{fill:#b5bcc7}
.label{font-size:11px;fill:#586374;stroke:#fff;stroke-width:4;paint-order:stroke}.withdraw .label{fill:#737d8b}
.state rect{fill:#fff;stroke:#67717f;stroke-width:1.4}.state text{fill:#1d2430;font-weight:600}
.current rect{fill:#0b6e5f;stroke:#0b6e5f}.current text{fill:#fff}.token{display:none}
@media(prefers-color-scheme:dark){svg{background:#12161c}.state rect{fill:#12161c;stroke:#8b96a5}.state text{fill:#e6eaf0}
.label{fill:#a9b3c1;stroke:#12161c}.withdraw .label{fill:#8a94a3}.current rect{fill:#4fd1b5;stroke:#4fd1b5}.current text{fill:#06231d}
.line{stroke:#6b7686}.tip{fill:#6b7686}.withdraw .line{stroke:#4a5462}.withdraw .tip{fill:#4a5462}}`

// drawingPolicy lets that one style through, by its hash.
var drawingPolicy = func() string {
	sum := sha256.Sum256([]byte(drawingStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'"
}()

// diagram serves /diagram.svg: the machine, for documents and dashboards. state names the
// state to mark; or election and node say whose.
func (p *Page) diagram(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	current := q.Get("state")
	if election := q.Get("election"); election != "" {
		p.board.mu.Lock()
		for _, s := range p.board.now.seats[election] {
			if s.Node == q.Get("node") || q.Get("node") == "" && s.State == fsm.Won {
				current = s.State.String()
			}
		}
		p.board.mu.Unlock()
	}
	w.Header().Set("Content-Security-Policy", drawingPolicy)
	w.Header().Set("Content-Type", "image/svg+xml")
	svg := drawing(current)
	at := strings.Index(svg, ">") + 1
	_, _ = fmt.Fprint(w, svg[:at], "<style>", drawingStyle, "</style>", svg[at:])
}
