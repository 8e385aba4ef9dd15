package redisbridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hustings/redisbridge"
)

// beat sends a heartbeat and answers it; the probe is what came through before the reply.
func (r *rig) beat(c *rigConn, req uint64, probe bool) {
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: req})
	if probe {
		r.probe(r.sub(), req)
	}
	c.reply(beatReply("extended"))
}

func (r *rig) probe(s *rigSub, req uint64) {
	s.h.Message("p::bully:me", fmt.Sprintf(`{"type":"probe","id":"me","inc":"inc","n":%d}`, req))
}

func beatReply(verdict string) any {
	return []any{verdict, "inc-1", "e1", int64(1), "0", int64(0), int64(1), int64(1), []any{}, []any{}, int64(0)}
}

func TestAHeartbeatCarriesItsProbe(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: 9, Watch: []string{"n1"}})
	args := c.cmds[0][0].Args
	if !slices.Contains(args, `{"type":"probe","id":"me","inc":"inc","n":9}`) || args[len(args)-1] != "n1" {
		t.Errorf("%q", args)
	}
}

func TestASubscriptionThatHearsItsProbesStays(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for req := range uint64(20) {
		r.beat(c, req+1, true)
	}
	if len(r.subs) != 1 || r.sub().closed {
		t.Error("it was dropped")
	}
}

func TestAProbeMayComeAfterItsReply(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for req := range uint64(20) {
		r.beat(c, req+1, false)
		r.probe(r.sub(), req+1)
	}
	if len(r.subs) != 1 {
		t.Error("it was dropped")
	}
}

func TestADeafSubscriptionIsDroppedByTheNextAnsweredHeartbeat(t *testing.T) {
	r := newRig(t)
	c := r.up()
	dead := r.sub()
	r.beat(c, 1, true)
	r.links()
	r.beat(c, 2, false)
	if dead.closed {
		t.Fatal("dropped though the probe may be on its way")
	}
	r.beat(c, 3, false)
	if !dead.closed {
		t.Fatal("kept though two heartbeats were answered and no probe came")
	}
	if got := r.links(); len(got) != 1 || got[0].Up || !got[0].Commands || got[0].Err == nil {
		t.Errorf("links %+v", got)
	}
	dead.h.Ended(redisbridge.ErrConnClosed)
	r.advance(50 * time.Millisecond)
	if len(r.subs) != 2 {
		t.Fatalf("%d subscriptions", len(r.subs))
	}
	r.sub().h.Confirmed()
	if got := r.links(); len(got) != 1 || !got[0].Up {
		t.Errorf("links %+v", got)
	}
}

func TestHeartbeatsSentBeforeTheConfirmationProveNothing(t *testing.T) {
	r := newRig(t)
	c := r.accept()
	r.beat(c, 1, false)
	r.beat(c, 2, false)
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: 3})
	r.sub().h.Confirmed()
	c.reply(beatReply("extended"))
	r.beat(c, 4, false)
	if r.sub().closed {
		t.Error("it was dropped by probes that it could not hear")
	}
	r.beat(c, 5, false)
	if !r.sub().closed {
		t.Error("and then it was kept")
	}
}

func TestASubscriptionThatDeliversIsGivenATTLToCatchUp(t *testing.T) {
	r := newRig(t)
	c := r.up()
	slow := r.sub()
	r.beat(c, 1, false)
	for req := range uint64(20) { // each probe comes two heartbeats late
		slow.h.Message("p::public", `"flood"`)
		r.beat(c, req+2, false)
		if req >= 1 {
			r.probe(slow, req)
		}
	}
	if slow.closed {
		t.Fatal("dropped though it delivers and its probes arrive")
	}
	for req := range uint64(5) { // no more probes, but messages as before
		slow.h.Message("p::public", `"flood"`)
		r.beat(c, req+22, false)
	}
	if !slow.closed {
		t.Error("kept though its probes do not come")
	}
}

func TestAHeartbeatThatPublishedNoProbeProvesNothing(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for req := range uint64(5) {
		r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: req + 1})
		c.reply([]any{"stale"})
		r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: req + 100})
		c.reply([]any{"taken", int64(100), "other-1", ""})
	}
	if r.sub().closed {
		t.Error("it was dropped")
	}
}

func TestAForgedProbeIsNoSignOfLife(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for req := range uint64(5) {
		r.sub().h.Message("p::bully:me", `{"type":"probe","id":"me","inc":"other","n":999}`)
		r.sub().h.Message("p::bully:me", `{"type":"probe","id":"you","inc":"inc","n":999}`)
		r.beat(c, req+1, false)
	}
	if !r.subs[0].closed {
		t.Error("it was kept")
	}
}

func TestWhoMayNotSubscribeIsDeafAndUp(t *testing.T) {
	r := newRig(t)
	r.accept()
	r.links()
	r.sub().h.Ended(&redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM no channels"})
	if got := r.links(); len(got) != 1 || !got[0].Up || !got[0].Deaf {
		t.Fatalf("%+v", got)
	}
	if got := r.next(); got != 5*time.Second {
		t.Errorf("it tries again after %v", got)
	}
	r.advance(5 * time.Second)
	r.sub().h.Confirmed()
	if got := r.links(); len(got) != 1 || !got[0].Up || got[0].Deaf {
		t.Errorf("%+v", got)
	}
}

func TestMessagesGoWhereTheirChannelSays(t *testing.T) {
	r := newRig(t)
	r.up()
	s := r.sub()
	if want := []string{"p::comm:me", "p::bully:me", "p::public"}; !slices.Equal(s.channels, want) {
		t.Errorf("channels %q", s.channels)
	}
	drain(&r.told)
	s.h.Message("p::comm:me", `{"hustings":1,"from":"n1","inc":"i","data":5}`)
	s.h.Message("p::public", `"x"`)
	got := drain(&r.told)
	if len(got) != 2 {
		t.Fatalf("%v", got)
	}
	if m := got[0].(*redisbridge.AppMessage); m.Broadcast || m.Payload.From != "n1" || string(m.Payload.Data) != "5" {
		t.Errorf("%+v", m)
	}
	if m := got[1].(*redisbridge.AppMessage); !m.Broadcast || m.Payload.From != "" || string(m.Payload.Data) != `"x"` {
		t.Errorf("%+v", m)
	}
}

func TestControlMessagesGoToTheirElectionsRoute(t *testing.T) {
	r := newRig(t)
	r.up()
	s := r.sub()
	message := `{"type":"batch","messages":[{"type":"vote","election":"a","me":1,"id":"n1"},{"type":"votekick","election":"b","me":2,"id":"n2"}]}`
	s.h.Message("p::bully:me", message)
	if got := r.take(); len(got) != 0 || r.set.Counters.Read().Dropped != 2 {
		t.Errorf("without a route: %v, %d dropped", got, r.set.Counters.Read().Dropped)
	}
	for _, m := range []string{`"leader","election":"c","id":"n1","token":"9"`, `"vacant","election":"d","id":"n1","token":"9"`, `"voteack","election":"e","me":1,"id":"n1"`} {
		s.h.Message("p::bully:me", `{"type":`+m+`}`)
	}
	var told []string // the owner: it may be a candidate and not know it
	for _, m := range drain(&r.told) {
		if h, ok := m.(*redisbridge.Heard); ok {
			told = append(told, string(h.Control.Type)+" "+h.Control.Election)
		}
	}
	if want := []string{"vote a", "leader c", "vacant d"}; !slices.Equal(told, want) {
		t.Errorf("the owner was told of %q, want %q", told, want)
	}
	r.routes["a"], r.routes["b"] = r.caller, r.caller
	s.h.Message("p::bully:me", message)
	got := r.take()
	if len(got) != 2 || got[0].(*redisbridge.Heard).Control.Type != redisbridge.TypeVote || got[1].(*redisbridge.Heard).Control.Election != "b" {
		t.Errorf("%v", got)
	}
	delete(r.routes, "b")
	s.h.Message("p::bully:me", message)
	if got := r.take(); len(got) != 1 {
		t.Errorf("after the route of b ended: %v", got)
	}
}

func TestMessagesInOurOwnNameAreDropped(t *testing.T) {
	r := newRig(t)
	r.up()
	r.routes["a"] = r.caller
	for _, typ := range []string{"vote", "voteack", "votekick"} {
		r.sub().h.Message("p::bully:me", `{"type":"`+typ+`","election":"a","me":9,"id":"me"}`)
	}
	if got := r.take(); len(got) != 0 || r.set.Counters.Read().Dropped != 3 {
		t.Errorf("%v, %d dropped", got, r.set.Counters.Read().Dropped)
	}
	r.sub().h.Message("p::bully:me", `{"type":"leader","election":"a","id":"me","token":"9"}`)
	if got := r.take(); len(got) != 0 || r.set.Counters.Read().Dropped != 3 {
		t.Errorf("our own announcement: %v, %d dropped", got, r.set.Counters.Read().Dropped)
	}
}

func TestWhatIsDroppedIsCountedAndLoggedOnceASecondWithASample(t *testing.T) {
	r := newRig(t)
	r.up()
	r.log.Reset()
	hostile := []string{"null", "garbage", "\xff\xfe", strings.Repeat("x", 10<<20)}
	for range 250 {
		for _, p := range hostile {
			r.sub().h.Message("p::bully:me", p)
		}
		r.advance(10 * time.Millisecond)
	}
	if n := r.set.Counters.Read().Dropped; n != 1000 {
		t.Errorf("%d counted", n)
	}
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	if len(lines) != 3 {
		t.Errorf("%d lines in 2.5 s", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(line, "sample=null") || !strings.Contains(line, "reason=") || len(line) > 400 {
			t.Errorf("line %.500s", line)
		}
	}
	if !strings.Contains(lines[1], "dropped_since_last=400") {
		t.Errorf("the second line does not say how many: %s", lines[1])
	}
	r.advance(time.Second)
	r.log.Reset()
	r.sub().h.Message("p::public", strings.Repeat("y", 10<<20))
	if line := r.log.String(); len(line) > 500 || !strings.Contains(line, "bytes=10485760") {
		t.Errorf("a long sample: %.600s", line)
	}
}

// PTTL counts whole milliseconds from the beginning of the present one. Without what has
// passed of it a session would seem to end up to a millisecond late.
func TestWhatIsLeftOfASessionIsKnownToTheMicrosecond(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for _, x := range []struct {
		pttl, us int64
		want     time.Duration
	}{
		{1000, 0, time.Second},
		{1000, 999, 999001 * time.Microsecond},
		{1, 400, 600 * time.Microsecond},
		{0, 400, 0},
		{-2, 400, 0},
		{1000, -5, time.Second},
		{1000, 5000, time.Second}, // no server says that
	} {
		r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat, Req: 1, Watch: []string{"n"}})
		reply := beatReply("extended").([]any)
		reply[9], reply[10] = []any{x.pttl, "n-1"}, x.us
		c.reply(reply)
		got := r.take()[0].(*redisbridge.HeartbeatAnswer)
		if got.Err != nil || got.Watched[0].Left != x.want {
			t.Errorf("%d ms, %d us in: %v, want %v (%v)", x.pttl, x.us, got.Watched[0].Left, x.want, got.Err)
		}
	}
}
