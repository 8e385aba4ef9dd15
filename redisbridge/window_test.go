package redisbridge_test

import (
	"errors"
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

// A server that is slow is sent less at a time, and more again when it keeps up: the TTL is
// 3 s, so 200 ms are long and 50 ms short.
func TestAPipelineCarriesAsMuchAsTheServerKeepsUpWith(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	for range 20_000 {
		r.call(survey("e", 1))
	}
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

func TestAfterALostLinkAPipelineCarriesLess(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	c.done[0](nil, errors.New("i/o timeout"))
	r.advance(time.Second)
	c = r.accept()
	r.call(survey("first", 1))
	for range 4000 {
		r.call(survey("e", 1))
	}
	c.reply()
	if got := items(c); got != 64 { // instead of 256
		t.Errorf("%d", got)
	}
}
