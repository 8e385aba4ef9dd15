package sim

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hustings/redisbridge"
)

// guard looks at the worlds of a [Bubble] from outside, in real time. Go code that never
// waits, or waits for what is not of its bubble, holds its world up for ever: no event comes
// to find that out, and nothing in Go can end it. So the guard says which seed it is, and
// where, and leaves the end to the test's timeout.
type guard struct {
	out     io.Writer
	present atomic.Pointer[outside] // of the present world

	mu    sync.Mutex
	over  bool              // guarded by mu, as all that follows
	timer redisbridge.Timer // the next look
	last  *outside          // what was looked at, and how far it was
	rests uint64
	still int // looks since then
}

// A world stands still when so many looks in a row find it where it was. They are counted,
// so that neither a debugger nor a suspended machine makes them many.
const (
	guardEvery = time.Second
	standstill = 10
)

// begin has the guard look until the function that it returns is called.
func (g *guard) begin() (end func()) {
	g.arm()
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.over = true
		g.timer.Stop()
	}
}

// arm sets the timer of the next look. It is called outside of bubbles only, whose timers
// would go by their own time.
func (g *guard) arm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.timer = redisbridge.SystemClock{}.AfterFunc(guardEvery, func() { g.look(); g.arm() })
	}
}

func (g *guard) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.present.Load()
	if o == nil || g.over {
		return
	}
	if rests := o.rests.Load(); o != g.last || rests != g.rests {
		g.last, g.rests, g.still = o, rests, 0
		return
	}
	if g.still++; g.still == standstill {
		_, _ = io.WriteString(g.out, o.standing())
	}
}

// standing says that a world stands still, and who does not wait in it.
func (o *outside) standing() string {
	var busy []string
	for s := range strings.SplitSeq(bubbled(o.name), "\n\n") {
		if head, _, _ := strings.Cut(s, "\n"); !strings.Contains(head, "(durable)") {
			busy = append(busy, s)
		}
	}
	return fmt.Sprintf("sim: seed %d has stood still for %v of real time, since %v of its world. Its Go code never waits (a loop around Lead, say, that "+
		"looks neither at the error nor at its context), or waits for what is not of the bubble (a channel that was made outside, a mutex, "+
		"the network). Only the test's timeout ends that. Again with %s=%d. Its goroutines that do not wait in the bubble:\n%s\n",
		o.seed, standstill*guardEvery, time.Duration(o.at.Load()), seedVariable, o.seed, strings.Join(busy, "\n\n"))
}
