package redisbridge_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"

	"hustings/fsm"
	"hustings/redisbridge"
)

func survey(election string, round uint64) redisbridge.Call {
	return redisbridge.Call{Kind: redisbridge.CallSurvey, Gen: 7, Election: election, Round: round}
}

func release(election string, token uint64) redisbridge.Call {
	return redisbridge.Call{Kind: redisbridge.CallRelease, Gen: 7, Election: election, Token: token}
}

func quit(election string) redisbridge.Call {
	return redisbridge.Call{Kind: redisbridge.CallQuit, Gen: 7, Election: election}
}

func claim(election, birth string) redisbridge.Call {
	return redisbridge.Call{Kind: redisbridge.CallClaim, Gen: 7, Election: election, Tenancy: fsm.Tenancy{Birth: birth, Epoch: "e1"}}
}

func vote(election, to string, original bool) redisbridge.Call {
	return redisbridge.Call{
		Kind: redisbridge.CallPublish, Target: to, Original: original, Rank: 9,
		Control: &redisbridge.Control{Type: redisbridge.TypeVote, Election: election, ID: "me", Inc: "inc", Round: 3},
	}
}

func TestALoneCallGoesOutAtOnce(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	r.wantSent(c, "canvass {} 3000 1 a 0 ")
}

func TestWhatComesWhileAPipelineIsUnderWayTravelsTogetherInTheNext(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	r.call(vote("x", "peer", false))
	r.call(claim("c1", "b1"))
	r.call(survey("b", 2))
	r.call(quit("q"))
	r.call(survey("c", 3))
	r.call(release("r1", 5))
	r.call(vote("y", "peer", false))
	r.call(release("r2", 6))
	if len(c.cmds) != 1 {
		t.Fatalf("%d pipelines before the first was answered", len(c.cmds))
	}
	c.reply()
	// What gives something up goes before what asks for something.
	if got, want := c.names(), []string{"release", "quit", "canvass", "claim", "PUBLISH"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	sent := c.sent()
	for i, want := range []string{"release r1 5   r2 6  ", "quit 1 q", "canvass {} 3000 2 b 0  c 0 ", "claim "} {
		if !strings.HasPrefix(sent[i], want) {
			t.Errorf("%q, want %q", sent[i], want)
		}
	}
	if !strings.HasPrefix(sent[4], `PUBLISH p::bully:peer {"type":"batch","messages":[{"type":"vote","election":"x","me":9.5,"id":"me"`) {
		t.Errorf("two votes to one node: %s", sent[4])
	}
	if n := r.set.Counters.Batches.Load(); n != 2 {
		t.Errorf("%d pipelines counted", n)
	}
}

// After a loss of data: of who is no candidate Redis takes no office.
func TestARegistrationGoesBeforeTheReassertionsThatCameFirst(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("x", 1))
	r.call(redisbridge.Call{Kind: redisbridge.CallReassert, Election: "e", Token: 1})
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin, Entries: []redisbridge.Membership{{Election: "e", Rank: 1}}})
	c.reply()
	if got, want := c.names(), []string{"leave", "join", "reassert"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
}

func TestARegistrationThatWaitsDoesNotOutliveTheQuitBehindIt(t *testing.T) {
	r := newRig(t)
	c := r.up()
	register := func(election string) {
		s := survey(election, 1)
		s.Register = true
		r.call(s)
	}
	r.call(survey("x", 1))
	register("e")
	register("f")
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin, Entries: []redisbridge.Membership{{Election: "e", Rank: 1}, {Election: "f", Rank: 2}}})
	r.call(quit("e"))
	c.reply()
	r.wantSent(c, "quit 1 e", "leave f1 500", "join {} 1 f 2 1", "canvass {} 3000 2 e 0  f 0 r")
	register("e") // it stands again
	c.reply([]any{"ok", int64(1)})
	r.wantSent(c, "canvass {} 3000 1 e 0 r")
}

func TestAJoinsAnswerNamesWhatItRegistered(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("x", 1))
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin, Entries: []redisbridge.Membership{{Election: "e", Rank: 1}, {Election: "f", Rank: 2}, {Election: "g", Rank: 3}}})
	r.call(quit("e"))
	c.reply()
	r.take()
	r.wantSent(c, "quit 1 e", "leave f1 500", "join {} 2 f 2 g 3 1")
	c.reply([]any{"ok", int64(1)}, noneLeft, []any{"ok", int64(1)})
	got := r.take()
	want := []redisbridge.Membership{{Election: "f", Rank: 2}, {Election: "g", Rank: 3}}
	if a := got[len(got)-1].(*redisbridge.JoinAnswer); !slices.Equal(a.Entries, want) {
		t.Errorf("entries %v, want %v", a.Entries, want)
	}
}

func TestTheFirstJoinClearsWhatAFormerLifeLeft(t *testing.T) {
	r := newRig(t)
	c := r.up()
	join := func(replies ...any) error {
		t.Helper()
		r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
		c.reply(replies...)
		return r.take()[0].(*redisbridge.JoinAnswer).Err
	}
	if err := join(errBusy, []any{"ok", int64(1)}); !errors.Is(err, error(errBusy)) {
		t.Errorf("joined though nothing was cleared: %v", err)
	}
	if err := join([]any{"none", int64(0)}, []any{"none", int64(1)}); err == nil {
		t.Error("joined though there was no session to clear with")
	}
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	c.breaks(errLink)
	r.advance(time.Minute)
	c = r.accept()
	r.take()
	if err := join([]any{"ok", int64(0)}, []any{"ok", int64(1)}); err != nil {
		t.Error(err)
	}
	if err := join([]any{"ok", int64(1)}); err != nil || len(c.sent()) != 1 {
		t.Errorf("the second join: %v, %q", err, c.sent())
	}
}

// A second leave would undo the first join.
func TestSeveralFirstJoinsAreClearedForOnce(t *testing.T) {
	for cleared, fails := range map[string]bool{"ok": false, "stale": true} {
		r := newRig(t)
		c := r.up()
		r.call(survey("a", 1))
		for _, e := range []string{"e1", "e2"} {
			r.call(redisbridge.Call{Kind: redisbridge.CallJoin, Entries: []redisbridge.Membership{{Election: e, Rank: 1}}})
		}
		c.reply()
		r.wantSent(c, "leave f1 500", "join {} 1 e1 1 1") // the second waits
		r.take()
		c.reply([]any{cleared}, []any{"ok", int64(1)})
		if fails {
			r.wantSent(c, "leave f1 500", "join {} 1 e2 1 1")
			c.reply([]any{cleared}, []any{"ok", int64(1)})
		} else {
			r.wantSent(c, "join {} 1 e2 1")
			c.reply([]any{"ok", int64(1)})
		}
		got := r.take()
		if len(got) != 2 {
			t.Fatalf("%s: answers %v", cleared, got)
		}
		for i, a := range got {
			if a := a.(*redisbridge.JoinAnswer); (a.Err != nil) != fails {
				t.Errorf("%s: join %d: %+v", cleared, i, a)
			}
		}
		r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
		next := []string{"join {} 0"}
		if fails {
			next = []string{"leave f1 500", "join {} 0 1"}
		}
		r.wantSent(c, next...)
	}
}

func TestARegistrationThatWaitsDoesNotOutliveTheLeaveBehindIt(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("x", 1))
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave})
	c.reply()
	r.wantSent(c, "leave 0 500")
	if got := r.take(); len(got) != 2 || got[0].(*redisbridge.JoinAnswer).Err == nil {
		t.Errorf("the join was answered by %v", got)
	}
}

func TestAnswersGoToTheirCallersInOrder(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(claim("first", "b1"))
	c.reply()
	r.take()
	r.call(quit("x"))
	for i := range uint64(3) {
		call := claim("e", "b1")
		call.Round, call.Gen = i+1, 70+i
		r.call(call)
	}
	c.reply([]any{"ok", int64(1)})
	r.take()
	c.reply([]any{
		"ok", "b1", "e1", int64(4), "900", int64(0),
		[]any{[]any{"granted", "901", ""}, []any{"held", "n2", "17", int64(250), "i2-1", "44", "", ""}, []any{"quarantine", int64(99)}},
	})
	got := r.take()
	if len(got) != 3 {
		t.Fatalf("%d answers", len(got))
	}
	want := []fsm.Outcome{fsm.OutcomeGranted, fsm.OutcomeHeld, fsm.OutcomeQuarantine}
	for i, m := range got {
		a := m.(*redisbridge.Answer)
		if a.Gen != 70+uint64(i) || a.Input.Round != uint64(i)+1 || a.Input.Outcome != want[i] {
			t.Errorf("answer %d: %+v", i, a)
		}
	}
	h := got[1].(*redisbridge.Answer).Input.Holder
	if h.ID != "n2" || h.Inc != "i2" || h.Rank != 44 || h.Token != 17 || h.Left != 250*time.Millisecond {
		t.Errorf("holder %+v", h)
	}
	if r.set.Session.Token() != 900 {
		t.Errorf("the floor was not noted: %d", r.set.Session.Token())
	}
}

func TestClaimsOfDifferentTenanciesDoNotTravelTogether(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	for _, birth := range []string{"b1", "b1", "b2", "b1"} {
		r.call(claim("e", birth))
	}
	for range 3 {
		r.call(redisbridge.Call{Kind: redisbridge.CallReassert, Election: "e", Token: 1, Tenancy: fsm.Tenancy{Birth: "b2", Epoch: "e9"}})
	}
	c.reply()
	if got, want := c.names(), []string{"reassert", "claim", "claim", "claim"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	for i, want := range []string{" b1 e1 2 e 0  e 0 ", " b2 e1 1 e 0 ", " b1 e1 1 e 0 "} {
		if sent := c.sent()[i+1]; !strings.HasSuffix(sent, want) {
			t.Errorf("claim %d: %q, want …%q", i, sent, want)
		}
	}
}

func TestAnOriginalGetsItsMessagesOneByOne(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("a", 1))
	r.call(vote("x", "old", true))
	r.call(vote("y", "old", true))
	c.reply()
	if got, want := c.names(), []string{"PUBLISH", "PUBLISH"}; !slices.Equal(got, want) {
		t.Errorf("%q", c.sent())
	}
}

func TestAScriptCallAndAPipelineHaveABound(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	for range 256 + 512 + 1024 { // each that is full and answered at once doubles what the next may carry
		r.call(survey("e", 1))
	}
	c.reply()
	c.reply()
	c.reply()
	for range 600 {
		r.call(survey("e", 1))
	}
	for range 1000 {
		r.call(vote("e", "old", true))
	}
	c.reply()
	if got := c.names(); len(got) != 512 || got[2] != "canvass" || got[3] != "PUBLISH" {
		t.Errorf("%d commands: %q", len(got), got[:5])
	}
	c.reply()
	if got := c.names(); len(got) != 3+1000-512 {
		t.Errorf("then %d", len(got))
	}
}

func TestACallThatWasAnsweredIsForgotten(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("first", 1))
	calls := make([]weak.Pointer[redisbridge.Call], 3000)
	for i := range calls {
		call := survey("e", 1)
		calls[i] = weak.Make(&call)
		system.Root.Send(r.pid, &call)
	}
	for r.set.Counters.Read().Waiting > 0 || len(c.done) > 0 {
		c.reply()
	}
	runtime.GC()
	kept := 0
	for _, p := range calls {
		if p.Value() != nil {
			kept++
		}
	}
	if kept > 2 { // whatever the actor handled last
		t.Errorf("%d of %d are kept", kept, len(calls))
	}
}

func TestAQueueThatIsFullAnswersWithAFault(t *testing.T) {
	r := newRig(t) // no link: what is kept piles up
	for range 1 << 18 {
		system.Root.Send(r.pid, &redisbridge.Call{Kind: redisbridge.CallQuit, Election: "e"})
	}
	r.call(quit("owed")) // one an election: they are bounded by what there is to quit
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave})
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.LeaveAnswer).Err == nil {
		t.Errorf("%v", got)
	}
}

// Its own calls must not cost a node its session.
func TestAHeartbeatHasRoomInAQueueThatIsFull(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("busy", 1))
	for range 1 << 18 {
		system.Root.Send(r.pid, &redisbridge.Call{Kind: redisbridge.CallReassert, Election: "e"})
	}
	r.call(redisbridge.Call{Kind: redisbridge.CallHeartbeat})
	r.call(redisbridge.Call{Kind: redisbridge.CallJoin})
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.JoinAnswer).Err == nil {
		t.Errorf("%v", got)
	}
	c.reply([]any{})
	if got := c.names(); got[0] != "heartbeat" {
		t.Errorf("sent %q", got)
	}
}

func TestCallsThatWaitForABusyServerHaveTheSameBound(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(quit("e"))
	c.reply(errBusy)
	for range 1<<18 - 1 {
		system.Root.Send(r.pid, &redisbridge.Call{Kind: redisbridge.CallQuit, Election: "e"})
	}
	if got := r.set.Counters.Read().Waiting; got != 1<<18 {
		t.Errorf("%d wait", got)
	}
	r.call(quit("owed")) // one an election: they are bounded by what there is to quit
	r.call(redisbridge.Call{Kind: redisbridge.CallLeave})
	if got := r.take(); len(got) != 1 || got[0].(*redisbridge.LeaveAnswer).Err == nil {
		t.Errorf("%v", got)
	}
}

// TestAReplyOfAnUnexpectedFormIsAFaultAndNoPanic feeds each call what no script returns.
func TestAReplyOfAnUnexpectedFormIsAFaultAndNoPanic(t *testing.T) {
	odd := []any{
		nil, "OK", int64(5),
		[]any{},
		[]any{nil},
		[]any{"ok"},
		[]any{"extended"},
		[]any{"created", "x", "y", "z", []any{}},
		[]any{"ok", "b", "e", int64(1), "2", int64(0), []any{[]any{"granted"}}},
		[]any{"ok", "b", "e", int64(1), "2", int64(0), []any{"granted", "7"}},
		[]any{"ok", "b", "e", int64(1), int64(0), []any{[]any{"1", "h", nil, "x"}}},
		[]any{[]any{[]any{}}},
		[]any{int64(-5), "-7", []any{}, "{}", "x", int64(-1)},
		[]any{"5", int64(1), []any{"a", "", "", ""}},
	}
	for kind := redisbridge.CallHeartbeat; kind <= redisbridge.CallPublish; kind++ {
		for i, v := range odd {
			r := newRig(t)
			restarts := 0
			sub := system.EventStream.Subscribe(func(ev any) {
				if _, ok := ev.(*actor.SupervisorEvent); ok {
					restarts++
				}
			})
			c := r.up()
			r.call(redisbridge.Call{Kind: kind, Election: "e", Target: "peer", Watch: []string{"w"}, Token: 5})
			c.reply(v)
			system.EventStream.Unsubscribe(sub)
			if got := r.take(); len(got) != 1 || restarts != 0 {
				t.Errorf("kind %d, reply %d (%v): answers %v, %d restarts", kind, i, v, got, restarts)
			}
		}
	}
}

func TestAServersRefusalIsToldToTheCallerAndTheConnectionStays(t *testing.T) {
	for _, no := range []struct {
		code, want string
	}{
		{"ERR", "Redis refuses: ERR no"},
		{"NOPERM", "Redis refuses: NOPERM no"},
		{"OOM", "Redis can't do it now: OOM no"},
		{"BUSY", "Redis can't do it now: BUSY no"},
	} {
		r := newRig(t)
		c := r.up()
		r.call(survey("a", 1))
		c.reply(&redisbridge.ServerError{Code: no.code, Text: no.code + " no"})
		in := r.take()[0].(*redisbridge.Answer).Input
		if in.Survey == nil || in.Survey.Fault.String() != no.want || c.closed {
			t.Errorf("%s: %+v, closed %v", no.code, in, c.closed)
		}
	}
}

var errLink = errors.New("link broke")

func TestWhatTheServerRefusesIsLoggedOncePerKindAndCodeEveryTenSeconds(t *testing.T) {
	r := newRig(t)
	c := r.up()
	noperm := &redisbridge.ServerError{Code: "NOPERM", Text: "NOPERM this user has no permissions to run the 'exists' command"}
	for range 20 {
		r.call(redisbridge.Call{Kind: redisbridge.CallMembers})
		c.reply(noperm)
		r.advance(time.Second)
	}
	if n := strings.Count(r.log.String(), "call=members"); n != 2 {
		t.Errorf("logged %d times in 20 s, want 2:\n%s", n, r.log.String())
	}
	r.call(redisbridge.Call{Kind: redisbridge.CallMembers})
	c.reply(errBusy)
	r.call(survey("a", 1))
	c.reply(errBusy)
	if n := strings.Count(r.log.String(), "Redis refuses a call"); n != 4 || !strings.Contains(r.log.String(), "call=canvass") {
		t.Errorf("logged %d times, want 4:\n%s", n, r.log.String())
	}
}

// A Cluster whose slot nobody serves says one thing here and another thing there.
func TestRefusalsThatTakeTurnsAreEachLoggedEveryTenSeconds(t *testing.T) {
	r := newRig(t)
	c := r.up()
	for i := range 40 {
		r.call(redisbridge.Call{Kind: redisbridge.CallMembers})
		code := []string{"NOPERM", "WRONGTYPE"}[i%2]
		c.reply(&redisbridge.ServerError{Code: code, Text: code + " no"})
		r.advance(500 * time.Millisecond)
	}
	if n := strings.Count(r.log.String(), "call=members"); n != 4 {
		t.Errorf("logged %d times in 20 s, want each twice:\n%s", n, r.log.String())
	}
	// Codes are the server's words: it may have many.
	for i := range 1000 {
		r.call(redisbridge.Call{Kind: redisbridge.CallMembers})
		c.reply(&redisbridge.ServerError{Code: fmt.Sprint("C", i), Text: "no"})
	}
	if n := strings.Count(r.log.String(), "call=members"); n > 40 {
		t.Errorf("logged %d times for 1000 codes", n)
	}
}

func TestLooksAtOneNodeTravelTogether(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("busy", 1)) // under way: the next ones wait
	look := func(election, target string) {
		r.call(redisbridge.Call{Kind: redisbridge.CallPeer, Election: election, Target: target})
	}
	look("x", "them")
	look("z", "others") // elections take turns
	look("y", "them")
	look("", "others")
	c.reply(&redisbridge.ServerError{Code: "ERR", Text: "ERR no"})
	r.take()
	r.wantSent(c, "peer them x y", "peer others z", "peer others")
	saw := func(took int64, seats ...any) any {
		return []any{`{"pid":7}`, int64(900), "i-1", int64(1), took, took, seats}
	}
	c.reply(saw(-1, int64(1), "5", int64(0), ""), saw(-1, int64(1), "6"), saw(2))
	var got []string
	for _, m := range r.take() {
		a := m.(*redisbridge.PeerAnswer)
		got = append(got, fmt.Sprintf("%s of %s: %v, rank %d, %d of %d, %v", a.ID, a.Election, a.Candidate, a.Who.Rank, a.Stands, a.Participated, a.Err))
	}
	want := []string{
		"them of x: true, rank 5, -1 of -1, <nil>", "them of y: false, rank 0, -1 of -1, <nil>",
		"others of z: true, rank 6, -1 of -1, <nil>", "others of : false, rank 0, 2 of 2, <nil>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
}

func TestLooksAtManyNodesGoOutInFewCallsAndNoneIsLost(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(survey("busy", 1)) // under way: the next ones wait
	const nodes, elections = 70, 300
	want := map[string]int{}
	for i := range elections {
		for n := range nodes {
			call := redisbridge.Call{Kind: redisbridge.CallPeer, Election: fmt.Sprint("e", i), Target: fmt.Sprint("n", n)}
			want[call.Target+" "+call.Election]++
			r.call(call)
		}
	}
	c.reply(&redisbridge.ServerError{Code: "ERR", Text: "ERR no"})
	calls := 0
	for len(c.done) > 0 {
		var refused []any
		for _, cmd := range c.cmds[len(c.cmds)-1] {
			calls++
			for _, e := range cmd.Args[2:] {
				want[cmd.Args[1]+" "+e]--
			}
			refused = append(refused, &redisbridge.ServerError{Code: "ERR", Text: "ERR no"})
		}
		c.reply(refused...)
	}
	for look, n := range want {
		if n != 0 {
			t.Fatalf("%s: %d too few", look, n)
		}
	}
	if calls > 3*nodes { // two would do, if all could be sought behind the first
		t.Errorf("%d calls for %d nodes", calls, nodes)
	}
}

func TestAReleaseOfARecordWithoutATokenNamesNone(t *testing.T) {
	r := newRig(t)
	c := r.up()
	r.call(release("e", 0))
	r.wantSent(c, "release e   ")
}
