package redisbridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

func TestACallWithoutALinkFailsAtOnceUnlessItIsKept(t *testing.T) {
	r := newRig(t)
	for kind := redisbridge.CallHeartbeat; kind <= redisbridge.CallPublish; kind++ {
		r.call(redisbridge.Call{Kind: kind, Gen: 5, Req: 9, Round: 4, Token: 3, Election: "e", Target: "n"})
		got := r.take()
		kept := kind == redisbridge.CallRelease || kind == redisbridge.CallQuit || kind == redisbridge.CallLeave
		if kept != (len(got) == 0) {
			t.Errorf("kind %d: %v", kind, got)
		}
	}
	c := r.accept()
	if got, want := c.names(), []string{"release", "quit", "leave"}; !slices.Equal(got, want) {
		t.Errorf("then went out %q, want %q", got, want)
	}
}

func TestAFaultSaysWhatItIsAFaultOf(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for kind := redisbridge.CallHeartbeat; kind <= redisbridge.CallPublish; kind++ {
		r.call(redisbridge.Call{Kind: kind, Gen: 5, Req: 9, Round: 4, Token: 3, Election: "e", Target: "n"})
	}
	c.reply(errBusy) // the heartbeat; then the rest is under way
	r.take()
	c.breaks(errLink)
	kinds := []fsm.InputKind{}
	for _, m := range r.take() {
		switch m := m.(type) {
		case *redisbridge.Answer:
			kinds = append(kinds, m.Input.Kind)
			if m.Gen != 5 || m.Input.Outcome != fsm.OutcomeUnknown {
				t.Errorf("%+v", m)
			}
		case *redisbridge.JoinAnswer, *redisbridge.MembersAnswer, *redisbridge.PurgeAnswer, *redisbridge.PeerAnswer, *redisbridge.RestoreAnswer, *redisbridge.RollAnswer, *redisbridge.SubscribersAnswer, *redisbridge.Published, *redisbridge.EvictAnswer:
		default:
			t.Errorf("unexpected %T", m)
		}
	}
	// The survey had to wait for the leave.
	if want := []fsm.InputKind{fsm.InReasserted, fsm.InClaimed, fsm.InSurveyed}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

var errBusy = &redisbridge.ServerError{Code: "BUSY", Text: "BUSY Redis is busy running a script"}

func TestWhatIsKeptGoesOutAgainInOrderOnTheNextConnection(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(quit("a"))
	r.call(quit("b"))
	r.call(quit("c"))
	c.reply([]any{"ok", int64(1)})
	r.take()
	r.call(quit("d"))
	r.call(release("r", 1))
	c.breaks(errLink)
	if got := r.take(); len(got) != 0 {
		t.Fatalf("answered: %v", got)
	}
	r.advance(time.Minute)
	next := r.accept()
	r.wantSent(next, "release r 1  ", "quit 3 b c d")
	next.reply([]any{[]any{"released", ""}}, []any{"ok", int64(3)})
	if got := r.take(); len(got) != 4 {
		t.Errorf("answers: %v", got)
	}
}

// An outage may see names without end, and of one of which nothing has gone out nothing is
// to be taken back.
func TestAQuitOfWhatNothingHasGoneOutForIsAnsweredWithoutALink(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	gone := quit("a")
	gone.Since = r.set.Counters.Registering()
	r.call(gone)
	if got := r.take(); len(got) != 0 {
		t.Fatalf("answered while something is under way: %v", got)
	}
	c.breaks(errLink)
	r.take() // the survey's fault
	r.advance(time.Minute)
	c = r.accept()
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat}) // it registers nobody
	c.breaks(errLink)
	r.take()
	r.call(gone)
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.Answer).Input.Kind != fsm.InWithdrawn {
		t.Errorf("answered with %v", got)
	}
	gone.Since--
	r.call(gone) // something has gone out since
	r.call(quit("b"))
	if got := r.take(); len(got) != 0 {
		t.Errorf("answered: %v", got)
	}
	r.advance(time.Minute)
	r.wantSent(r.accept(), "quit 3 a a b")
}

// After an outage a node has a release to send for each term that it had.
func TestNothingIsReleasedThatIsOfASessionWhichHasEnded(t *testing.T) {
	r := newRig(t)
	c := r.up()
	over := func(election, birth string) redisbridge.Call {
		call := release(election, 1)
		call.Tenancy.Birth = birth
		return call
	}
	r.call(survey("busy", 1))
	for range 3 {
		r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat})
	}
	for i := range 300 { // one pipeline has no room for them all
		r.call(over(fmt.Sprint(i), "inc-0"))
	}
	r.call(over("mine", "inc-1"))
	r.call(release("resigned", 1))
	c.reply([]any{})
	r.take()
	if got := c.names(); !slices.Equal(got, []string{"heartbeat", "heartbeat", "heartbeat", "release"}) {
		t.Fatalf("sent %q", got)
	}
	c.reply(beatReply("stale"), beatReply("extended"), beatReply("extended"), []any{})
	released := 0
	for _, m := range r.take() {
		if a, ok := m.(*redisbridge.Answer); ok && a.Input.Kind == fsm.InReleased && a.Input.Cause == (fsm.Cause{}) {
			released++
		}
	}
	if released != 300 {
		t.Errorf("%d of 300 are answered", released)
	}
	r.wantSent(c, "release mine 1   resigned 1  ")
}

func TestWhatIsKeptIsTriedAgainWhileTheServerIsBusy(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for _, call := range []redisbridge.Call{quit("a"), release("a", 1), {Kind: redisbridge.CallLeave}} {
		r.call(call)
		c.reply(errBusy)
		if got := r.take(); len(got) != 0 {
			t.Errorf("it was answered though the server did nothing: %v", got)
		}
		if len(c.done) != 0 {
			t.Error("it was sent again without a pause")
		}
		r.advance(5 * time.Second)
		if len(c.done) != 1 {
			t.Fatal("it was never sent again")
		}
		c.reply([]any{"ok", int64(0)})
		if got := r.take(); len(got) != 1 {
			t.Errorf("answers: %v", got)
		}
	}
}

// One election that Redis can't do it for must not keep the others from being given up, and
// is tried again for as long as it takes.
func TestWhatIsOwedIsTriedAgainWhereRedisRefusesItAndHoldsUpNothingElse(t *testing.T) {
	no := &redisbridge.ServerError{Code: "WRONGTYPE", Text: "WRONGTYPE Operation against a key holding the wrong kind of value"}
	r := newRig(t)
	c := r.up()
	r.call(survey("busy", 1))
	for _, call := range []redisbridge.Call{quit("a"), quit("bad"), quit("b")} {
		r.call(call)
	}
	c.reply(no)
	r.take()
	r.wantSent(c, "quit 3 a bad b")
	c.reply(no)
	r.wantSent(c, "quit 1 a", "quit 1 bad", "quit 1 b")
	c.reply([]any{"ok", int64(1)}, no, []any{"ok", int64(1)})
	told := func() (done, refused int) {
		for _, m := range r.take() {
			switch in := m.(*redisbridge.Answer).Input; in.Cause.Code {
			case fsm.CauseNone:
				done++
			case fsm.CauseRefused:
				refused++
			}
		}
		return done, refused
	}
	if done, refused := told(); done != 2 || refused != 1 {
		t.Errorf("%d done, %d refused", done, refused)
	}
	for range 3 {
		if n := r.set.Counters.Read().Waiting; n != 1 {
			t.Errorf("%d wait for another try, want 1", n)
		}
		r.advance(2 * time.Second)
		r.wantSent(c, "quit 1 bad")
		c.reply(no)
		if done, refused := told(); done != 0 || refused != 1 {
			t.Errorf("again: %d done, %d refused", done, refused)
		}
	}
	r.call(quit("c"))
	r.wantSent(c, "quit 1 c")
	c.reply([]any{"ok", int64(1)})
	r.take()
	r.advance(2 * time.Second)
	c.reply([]any{"ok", int64(1)})
	if done, _ := told(); done != 1 {
		t.Error("it is not done at last")
	}
	r.advance(time.Minute)
	if len(c.done) != 0 {
		t.Error("it is tried still")
	}
}

// Who quits again, as the successor of an actor that was lost does, stands when that is done.
// The first quit, refused and still to be tried, would take the new term's record.
func TestAQuitThatWasRefusedIsNotDoneAfterALaterOneOfItsElection(t *testing.T) {
	no := &redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM this user has no permissions to run the 'hdel' command"}
	r := newRig(t)
	c := r.up()
	r.call(quit("e"))
	c.reply(no)
	r.call(quit("other"))
	c.reply(no)
	r.call(release("e", 4))
	c.reply(no)
	r.take()
	r.call(quit("e"))
	r.wantSent(c, "quit 1 e")
	c.reply([]any{"ok", int64(1)})
	if got := r.take(); len(got) != 2 {
		t.Errorf("answers %v, want one to each quit", got)
	}
	r.advance(2 * time.Second)
	r.wantSent(c, "release e 4  ", "quit 1 other")
}

func TestAQuitOfAStaleConnectionIsSentAgain(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(quit("a"))
	c.reply([]any{"stale", int64(0)})
	r.advance(5 * time.Second)
	r.wantSent(c, "quit 1 a")
	c.reply([]any{"ok", int64(1)})
	if got := r.take(); len(c.cmds) != 2 || len(got) != 1 {
		t.Errorf("%d pipelines, answers %v", len(c.cmds), got)
	}
}

func TestAServerThatIsNoPrimaryEndsTheConnection(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("x", 1))
	r.call(quit("a"))
	r.call(survey("b", 1))
	c.reply()
	r.take()
	readonly := &redisbridge.ServerError{Code: "READONLY", Text: "READONLY You can't write against a read only replica."}
	c.reply(readonly, readonly)
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.Answer).Input.Kind != fsm.InSurveyed {
		t.Errorf("answers: %v", got)
	}
	if !c.closed {
		t.Error("the connection was kept")
	}
	r.advance(time.Minute)
	r.wantSent(r.accept(), "quit 1 a")
}

func TestDialsBackOffFrom50MillisecondsTo2SecondsOrHalfTheTTL(t *testing.T) {
	r := newRig(t) // its TTL is 3 s
	r.sub().h.Confirmed()
	for i, want := range []time.Duration{50, 100, 200, 400, 800, 1500, 1500, 1500} {
		r.lastDial()(nil, errLink)
		if got := r.next(); got != want*time.Millisecond {
			t.Errorf("after failure %d it waits %v, want %v", i+1, got, want*time.Millisecond)
		}
		dials := len(r.dials)
		r.advance(r.next())
		if len(r.dials) != dials+1 {
			t.Fatalf("%d dials after failure %d", len(r.dials), i+1)
		}
	}
	c := r.accept()
	r.call(survey("a", 1))
	c.reply()
	r.call(survey("a", 1))
	c.breaks(errLink)
	if got := r.next(); got != 50*time.Millisecond {
		t.Errorf("after a success it waits %v", got)
	}
}

// A fleet whose server loads its dataset for a minute must not dial it twenty times a
// second and node meanwhile; nor may it notice late that it serves again.
func TestAServerThatTakesConnectionsAndServesNothingIsDialledEveryTenthOfTheTTL(t *testing.T) {
	loading := &redisbridge.ServerError{Code: "LOADING", Text: "LOADING Redis is loading the dataset in memory"}
	for name, spoil := range map[string]func(*rigConn){
		"it loads":              func(c *rigConn) { c.reply(loading) },
		"a proxy that hangs up": func(c *rigConn) { c.breaks(errLink) },
	} {
		r := newRig(t) // its TTL is 3 s
		r.sub().h.Confirmed()
		for i, want := range []time.Duration{50, 100, 200, 300, 300, 300} {
			c := r.accept()
			r.call(survey("a", 1))
			spoil(c)
			if got := r.next(); got != want*time.Millisecond {
				t.Errorf("%s: after attempt %d it waits %v, want %v", name, i+1, got, want*time.Millisecond)
			}
			r.advance(r.next())
		}
	}
}

func TestNumbersOfConnectionsRise(t *testing.T) {
	r := newRig(t)
	last := ""
	for range 5 {
		c := r.accept()
		r.call(quit("a"))
		if n := c.number(); n <= last {
			t.Errorf("number %s after %s", n, last)
		}
		last = c.number()
		c.breaks(errLink)
		r.advance(time.Minute)
	}
}

func TestNewsOfWhatWasGivenUpIsIgnored(t *testing.T) {
	r := newRig(t)
	r.lastDial()(nil, errLink)
	late := &rigConn{r: r}
	r.dials[0](late, nil) // breaks the seam's promise; it must not matter
	if !late.closed {
		t.Error("a connection that nobody waits for stays open")
	}
	r.advance(time.Minute)
	c := r.up()
	r.call(survey("a", 1))
	done := c.done[0]
	c.breaks(errLink)
	r.take()
	r.advance(time.Minute)
	next := r.accept()
	r.call(survey("b", 2))
	done([]redisbridge.Reply{{Value: []any{}}}, nil)
	if got := r.take(); len(got) != 0 || len(next.done) != 1 {
		t.Errorf("an old pipeline's reply was taken for the new one's: %v", got)
	}
	old := r.sub()
	old.h.Ended(errLink)
	r.advance(time.Minute)
	old.h.Confirmed()
	old.h.Message("p::public", `"x"`)
	old.h.Ended(errLink)
	drain(&r.told)
	r.sub().h.Confirmed()
	if got := r.links(); len(got) != 1 || !got[0].Up {
		t.Errorf("links %+v", got)
	}
}

// A server that takes connections and serves nothing is up and down many times a second.
func TestTheLogIsToldOfAKindOfOutageThreeTimesInTenSeconds(t *testing.T) {
	r := newRig(t)
	r.up()
	began := r.now
	for r.now-began < 30*time.Second {
		c := r.accept()
		r.sub().h.Confirmed()
		r.call(survey("a", 1))
		c.reply(&redisbridge.ServerError{Code: "READONLY", Text: "READONLY You can't write against a read only replica."})
		r.advance(r.next())
	}
	if n := strings.Count(r.log.String(), "bridge down"); n < 9 || n > 12 {
		t.Errorf("told %d times that it is down", n)
	}
	r.accept()
	r.sub().h.Confirmed()
	if n := strings.Count(r.log.String(), "bridge up"); n < 1 || n > 13 {
		t.Errorf("told %d times that it is up", n)
	}
	for range 5 {
		r.advance(5 * time.Second)
		r.lastDial()(nil, errLink) // another kind, which lasts
	}
	if !strings.Contains(r.log.String(), errLink.Error()) {
		t.Error("another cause is not told")
	}
}

// Two losses in one outage are two lines; the third line of its kind is said, the fourth is not.
func TestWhoWasToldThatItIsDownIsToldThatItIsUp(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for range 2 {
		r.sub().h.Ended(errLink)
		r.call(survey("a", 1))
		c.breaks(errLink)
		r.advance(time.Second)
		c = r.accept()
		r.sub().h.Confirmed()
	}
	if down, up := strings.Count(r.log.String(), "bridge down"), strings.Count(r.log.String(), "bridge up"); down != 3 || up != 3 {
		t.Errorf("told %d times that it is down, and %d times that it is up:\n%s", down, up, r.log.String())
	}
	r.sub().h.Ended(errLink) // nobody is told of this one
	r.advance(time.Second)
	r.sub().h.Confirmed()
	if up := strings.Count(r.log.String(), "bridge up"); up != 3 {
		t.Errorf("told %d times that it is up:\n%s", up, r.log.String())
	}
}

// A connection that broke, and a server that is not there any more: who asks why hears of the latter.
func TestAnOutageIsToldAgainWhenTheServerTurnsOutToBeGone(t *testing.T) {
	gone := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	r := newRig(t)
	r.up()
	r.links()
	r.sub().h.Ended(io.EOF)
	for range 3 {
		r.advance(5 * time.Second)
		r.sub().h.Ended(gone)
	}
	if got := r.links(); len(got) != 2 || !errors.Is(got[0].Err, io.EOF) || !errors.Is(got[1].Err, syscall.ECONNREFUSED) {
		t.Fatalf("told %v", got)
	}
}

func TestKindsOfOutages(t *testing.T) {
	for want, err := range map[string]error{
		"outage":             fmt.Errorf("talking to Redis: %w", io.EOF),
		"connection refused": fmt.Errorf("connecting to Redis: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}),
		"no answer":          fmt.Errorf("connecting to Redis: %w", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}),
		"no such host":       fmt.Errorf("connecting to Redis: %w", &net.DNSError{Err: "no such host", IsNotFound: true}),
		"LOADING":            &redisbridge.ServerError{Code: "LOADING"},
		"healthy":            nil,
	} {
		if got := redisbridge.Kind(err); got != want {
			t.Errorf("%v is %q, not %q", err, got, want)
		}
	}
	if got := redisbridge.Kind(context.DeadlineExceeded); got != "no answer" {
		t.Error(got)
	}
}

func TestTheOwnerIsToldEachChangeOnce(t *testing.T) {
	r := newRig(t)
	r.lastDial()(nil, errLink)
	r.advance(50 * time.Millisecond)
	r.lastDial()(nil, errLink)
	got := r.links()
	if len(got) != 1 || got[0].Up || got[0].Err == nil || got[0].Permanent {
		t.Fatalf("down: %+v", got)
	}
	r.advance(time.Minute)
	c := r.accept()
	if got = r.links(); len(got) != 1 || got[0].Up || !got[0].Commands {
		t.Errorf("half: %+v", got)
	}
	r.sub().h.Confirmed()
	if got = r.links(); len(got) != 1 || !got[0].Up || got[0].Epoch != 1 || got[0].Err != nil {
		t.Errorf("up: %+v", got)
	}
	r.call(survey("a", 1))
	c.breaks(errLink)
	r.advance(time.Minute)
	r.accept()
	if got = r.links(); len(got) != 2 || got[0].Up || !got[1].Up || got[1].Epoch != 2 {
		t.Errorf("again: %+v", got)
	}
}

func TestWhoIsRefusedIsToldWhyThereIsNoCommandConnection(t *testing.T) {
	r := newRig(t)
	r.lastDial()(nil, errLink)
	refused := func(when string) {
		t.Helper()
		r.call(survey("a", 1))
		if why := r.take()[0].(*redisbridge.Answer).Input.Survey.Fault.Detail; !strings.Contains(why, errLink.Error()) {
			t.Errorf("%s: %s", when, why)
		}
	}
	r.sub().h.Confirmed()
	refused("the subscription is there, and no connection")
	r.sub().h.Ended(errors.New("of the subscription"))
	refused("the subscription is gone, too")
}

func TestAnOutageThatChangesItsCauseIsToldOncePerCause(t *testing.T) {
	r := newRig(t)
	r.up()
	r.links()
	loading := &redisbridge.ServerError{Code: "LOADING", Text: "LOADING Redis is loading the dataset in memory"}
	r.sub().h.Ended(errLink)
	for range 3 {
		r.advance(5 * time.Second)
		r.sub().h.Ended(loading)
		r.advance(5 * time.Second)
		r.sub().h.Ended(errLink)
	}
	got := r.links()
	if len(got) != 2 || !errors.Is(got[0].Err, errLink) || !errors.Is(got[1].Err, loading) {
		t.Fatalf("told %v", got)
	}
	if n := strings.Count(r.log.String(), "bridge down"); n != 2 {
		t.Errorf("logged %d times:\n%s", n, r.log.String())
	}
	r.advance(5 * time.Second)
	r.sub().h.Confirmed()
	r.sub().h.Ended(loading)
	if got := r.links(); len(got) != 2 || !got[0].Up || got[1].Up || !errors.Is(got[1].Err, loading) {
		t.Errorf("in the next outage told %v", got)
	}
}

func TestAWrongPasswordIsToldAsPermanent(t *testing.T) {
	r := newRig(t)
	r.lastDial()(nil, &redisbridge.ServerError{Code: "WRONGPASS", Text: "WRONGPASS invalid username-password pair"})
	if got := r.links(); len(got) != 1 || !got[0].Permanent {
		t.Errorf("%+v", got)
	}
}

func TestAStoppedBridgeGivesEverythingBack(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	c.breaks(errLink)
	r.advance(time.Minute)
	c, s := r.accept(), r.sub()
	system.Root.Stop(r.pid)
	if !c.closed || !s.closed || r.next() >= 0 {
		t.Errorf("connection closed: %v, subscription: %v, next timer: %v", c.closed, s.closed, r.next())
	}
}

func TestASettingThatPutsOfficesAtRiskIsLoggedOnce(t *testing.T) {
	r := newRig(t)
	connect := func(caution string) *rigConn {
		c := &rigConn{r: r, caution: caution}
		r.lastDial()(c, nil)
		return c
	}
	logged := func() int { return strings.Count(r.log.String(), "Redis may evict") }
	for i, step := range []struct {
		caution string
		logged  int
	}{{"lru", 1}, {"lru", 1}, {"", 1}, {"lfu", 2}} {
		c := connect(step.caution)
		if logged() != step.logged {
			t.Errorf("connection %d: logged %d times, want %d", i, logged(), step.logged)
		}
		r.call(survey("a", 1))
		c.done[0](nil, errors.New("gone"))
		r.advance(3 * time.Second)
	}
}
