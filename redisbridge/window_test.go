package redisbridge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/redisbridge"
)

// items is how many surveys the last pipeline of a connection carries.
func items(c *rigConn) int {
	n := 0
	for _, cmd := range c.cmds[len(c.cmds)-1] {
		n += (len(cmd.Args) - 7) / 3 // prefix, id, inc, conn, details, quarantine, n
	}
	return n
}

// crowd has a survey go out, and n more wait for it.
func (r *rig) crowd(n int) {
	r.call(survey("first", 1))
	for range n {
		r.call(survey("e", 1))
	}
}

// A server that is slow is sent less at a time, and more again when it keeps up: the TTL is
// 3 s, so 200 ms are long and 50 ms short.
func TestAPipelineCarriesAsMuchAsTheServerKeepsUpWith(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.crowd(20_000)
	for i, step := range []struct {
		took time.Duration
		want int
	}{
		{0, 256},                     // the first was not full
		{50 * time.Millisecond, 512}, // quick
		{0, 1024},
		{200 * time.Millisecond, 512},
		{150 * time.Millisecond, 512}, // just right
		{50 * time.Millisecond, 1024},
		{time.Second, 512}, // halved, whatever it took
	} {
		r.now += step.took
		c.reply()
		if got := items(c); got != step.want {
			t.Fatalf("pipeline %d: %d, want %d", i, got, step.want)
		}
	}
	for range 10 {
		r.now += time.Second
		c.reply()
	}
	if got := items(c); got != 32 {
		t.Errorf("to a server that stays slow: %d", got)
	}
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Gen: 7, Req: 1})
	c.reply()
	if got := c.names(); got[0] != "heartbeat" {
		t.Errorf("%q goes before a heartbeat", got[0])
	}
}

func TestAPipelineHasAnEnd(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.crowd(40_000)
	most := 0
	for range 10 {
		c.reply()
		most = max(most, items(c))
	}
	if most != 4096 {
		t.Errorf("%d", most)
	}
}

func TestAfterALostLinkAPipelineCarriesLess(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	c.done[0](nil, errors.New("i/o timeout"))
	r.advance(time.Second)
	c = r.accept()
	r.crowd(4000)
	c.reply()
	if got := items(c); got != 64 { // instead of 256
		t.Errorf("%d", got)
	}
}

// A registration takes the server as long as its elections are many: a hundred of them at once,
// after a loss of data, kept the heartbeat from its answer.
func TestARegistrationCountsByItsElections(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	c.reply(noneLeft, []any{"ok", int64(1)})
	r.call(survey("first", 1))
	for range 7 {
		r.call(redisbridge.Call{Kind: redisbridge.CallJoin, Entries: make([]redisbridge.Membership, 1024)})
	}
	r.call(survey("e", 1))
	for i, want := range []string{"join", "join", "join", "join join", "join join canvass"} { // 256 items, and twice as many each time
		c.reply()
		if got := strings.Join(c.names(), " "); got != want {
			t.Errorf("pipeline %d: %s, want %s", i, got, want)
		}
	}
}

func text(to string, size int) redisbridge.Call {
	return redisbridge.Call{Kind: redisbridge.CallPublish, Gen: 7, Target: "p::comm:" + to, Payload: strings.Repeat("x", size)}
}

// payloads are the sizes of what the last pipeline publishes.
func payloads(c *rigConn) (sizes []int) {
	for _, cmd := range c.cmds[len(c.cmds)-1] {
		if cmd.Script == nil && cmd.Args[0] == "PUBLISH" && strings.HasPrefix(cmd.Args[1], "p::comm:") {
			sizes = append(sizes, len(cmd.Args[2]))
		}
	}
	return sizes
}

// On a slow link 300 messages of 0.9 MB in one pipeline kept the heartbeat from its answer.
func TestLargeMessagesGoOutAFewAtATime(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	const kib = 1 << 10
	for _, size := range []int{900 * kib, 900 * kib, 100 * kib, 100 * kib, 100 * kib, 56 * kib, 1, 256 * kib, 0, 1, 1000 * kib} {
		r.call(text("peer", size))
	}
	for i, want := range [][]int{
		{900 * kib},
		{900 * kib},
		{100 * kib, 100 * kib},
		{100 * kib, 56 * kib, 1},
		{256 * kib, 0},
		{1},
		{1000 * kib},
	} {
		c.reply()
		if got := payloads(c); !slices.Equal(got, want) {
			t.Errorf("pipeline %d: %d, want %d", i, got, want)
		}
	}
	c.reply()
	if n := len(r.take()); n != 1+11 {
		t.Errorf("%d answers", n)
	}
}

func TestHeartbeatsAndControlMessagesDoNotWaitForLargeOnes(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	for _, to := range []string{"a", "b", "c"} {
		r.call(text(to, 900<<10))
		r.call(vote("e", to, false))
	}
	c.reply()
	if got, want := c.names(), []string{"PUBLISH", "PUBLISH", "PUBLISH", "PUBLISH"}; !slices.Equal(got, want) || len(payloads(c)) != 1 {
		t.Errorf("%q with %d", got, payloads(c))
	}
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Gen: 7, Req: 1})
	for _, to := range []string{"b", "c"} {
		c.reply()
		cmds := c.cmds[len(c.cmds)-1]
		last := cmds[len(cmds)-1]
		if (len(cmds) == 2) != (to == "b") || last.Args[1] != "p::comm:"+to {
			t.Errorf("%q to %s", c.names(), last.Args[1])
		}
	}
	if got := c.cmds[2][0].Script; got != redisbridge.HeartbeatScript {
		t.Errorf("%v goes before a heartbeat", got)
	}
}

// The window is about how many items a server keeps up with.
func TestLargeMessagesAreNoReasonToSendMoreItemsAtOnce(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	for range 10 {
		r.call(text("peer", 900<<10))
	}
	for range 10 {
		c.reply()
	}
	c.reply()
	r.crowd(4000)
	c.reply()
	if got := items(c); got != 256 {
		t.Errorf("%d", got)
	}
}
