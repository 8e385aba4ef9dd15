package redisbridge

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"hustings/fsm"
)

// flight is one command of the pipeline that is under way, and the calls it carries.
type flight struct {
	kind  CallKind
	calls []*Call
}

var (
	errQueueFull  = errors.New("redisbridge: too many calls are waiting")
	errNotCleared = errors.New("redisbridge: the session ended before the node was registered")
	errLeft       = errors.New("redisbridge: the node has left meanwhile")
)

// enqueue takes a call. A lone call goes out at once; what comes while a pipeline is
// under way goes out together in the next one.
func (b *Bridge) enqueue(c *Call) {
	b.set.Counters.Requests.Add(1)
	switch {
	case b.queued+len(b.retry) >= maxQueue:
		b.answer(c, fault(c, errQueueFull))
		return
	case c.Kind.kept() && len(b.retry) > 0:
		// What gives something up keeps its order: an older one that the server
		// could not do must not come after this one.
		b.retry = append(b.retry, c)
		return
	case b.conn == nil && !c.Kind.kept():
		b.answer(c, fault(c, b.downErr()))
		return
	}
	b.overtake(c)
	b.queue[c.Kind] = append(b.queue[c.Kind], c)
	b.queued++
	b.flush()
}

// overtake: a quit or a leave goes out before registrations that wait, though it came
// after them. They must not undo it.
func (b *Bridge) overtake(c *Call) {
	b.seq++
	c.seq = b.seq
	switch c.Kind {
	case CallQuit:
		if len(b.queue[CallSurvey])+len(b.queue[CallJoin]) > 0 {
			b.quits[c.Election] = c.seq
		}
	case CallLeave:
		for _, s := range b.queue[CallSurvey] {
			s.Register = false
		}
		joins := b.queue[CallJoin]
		b.queue[CallJoin] = nil
		b.queued -= len(joins)
		for _, j := range joins {
			b.answer(j, fault(j, errLeft))
		}
	default:
	}
}

// stands reports whether a call may register us in an election: no later quit of it went
// out before.
func (b *Bridge) stands(c *Call, election string) bool { return c.seq >= b.quits[election] }

// flush sends what waits, if the connection is free. Kinds go out in the order of
// their numbers: what gives something up before what asks for something.
func (b *Bridge) flush() {
	if b.conn == nil || b.flying != nil || b.queued == 0 {
		return
	}
	var cmds []Command
	for k := CallKind(0); k < numCalls && len(cmds) < maxCommands; k++ {
		for len(b.queue[k]) > 0 && len(cmds) < maxCommands {
			var calls []*Call
			if k == CallPublish {
				calls = b.takeControls()
			} else {
				calls = b.take(k, b.together(k))
			}
			if k == CallJoin && !b.set.cleared {
				// In front of the first one: see Settings.cleared.
				cmds = append(cmds, Command{Script: LeaveScript, Args: append(b.head(1), flag(false))})
				b.flying = append(b.flying, flight{kind: CallJoin})
			}
			cmds = append(cmds, b.compose(k, calls))
			b.flying = append(b.flying, flight{k, calls})
			for _, bids := range eager(k, calls) {
				cmds = append(cmds, b.composeClaim(bids))
				b.flying = append(b.flying, flight{CallClaim, bids})
			}
		}
	}
	if len(b.queue[CallSurvey])+len(b.queue[CallJoin]) == 0 {
		clear(b.quits)
	}
	if b.waited = b.set.MinReplicas > 0 && slices.ContainsFunc(b.flying, replicated); b.waited {
		cmds = append(cmds, b.composeWait())
	}
	b.set.Counters.Batches.Add(1)
	b.set.Counters.Commands.Add(uint64(len(cmds)))
	n, send := b.number, b.send
	b.conn.Do(cmds, func(replies []Reply, err error) { send(&landed{number: n, replies: replies, err: err}) })
}

// together is how many of the waiting calls of a kind one command can carry. Claims
// and re-assertions name a tenancy: only those of the same one travel together. Looks at
// one node do that name an election.
func (b *Bridge) together(k CallKind) int {
	switch k {
	case CallSurvey, CallRelease, CallQuit:
		return maxItems
	case CallClaim, CallReassert:
		return b.alike(k, func(c, first *Call) bool { return c.Tenancy == first.Tenancy })
	case CallPeer:
		return b.alike(k, func(c, first *Call) bool {
			return c.Target == first.Target && c.Election != "" && first.Election != ""
		})
	default:
		return 1
	}
}

// alike is how many of the waiting calls of a kind, from the first one on, are like it.
func (b *Bridge) alike(k CallKind, like func(c, first *Call) bool) int {
	q := b.queue[k]
	n := 1
	for n < len(q) && n < maxItems && like(q[n], q[0]) {
		n++
	}
	return n
}

// eager returns the claims that go out right behind the surveys among calls, by tenancy. A
// candidate that nobody outranks has its office in one round trip.
func eager(k CallKind, calls []*Call) [][]*Call {
	var groups [][]*Call
	for _, c := range calls {
		if k != CallSurvey || !c.Claim {
			continue
		}
		bid := *c
		bid.Kind = CallClaim
		i := slices.IndexFunc(groups, func(g []*Call) bool { return g[0].Tenancy == c.Tenancy })
		if i < 0 {
			i = len(groups)
			groups = append(groups, make([]*Call, 0, len(calls)))
		}
		groups[i] = append(groups[i], &bid)
	}
	return groups
}

func (b *Bridge) take(k CallKind, n int) []*Call {
	q := b.queue[k]
	n = min(n, len(q))
	calls := q[:n:n]
	if b.queue[k] = q[n:]; len(q) == n {
		b.queue[k] = nil
	}
	b.queued -= n
	return calls
}

// takeControls takes the next publication. Control messages that go to the same node
// of ours travel together.
func (b *Bridge) takeControls() []*Call {
	first := b.queue[CallPublish][0]
	if first.Control == nil || first.Original {
		return b.take(CallPublish, 1)
	}
	var calls, rest []*Call
	for _, c := range b.queue[CallPublish] {
		if c.Control != nil && !c.Original && c.Target == first.Target && len(calls) < maxItems {
			calls = append(calls, c)
		} else {
			rest = append(rest, c)
		}
	}
	b.queue[CallPublish] = rest
	b.queued -= len(calls)
	return calls
}

// onLanded: a pipeline was answered, or the connection failed under it.
func (b *Bridge) onLanded(m *landed) {
	if m.number != b.number || b.conn == nil {
		return
	}
	if m.err != nil {
		b.failed(m.err)
		return
	}
	replies := m.replies
	b.short = nil
	if n := len(replies) - 1; b.waited && n >= 0 {
		replies, b.short = replies[:n], b.acknowledged(replies[n])
	}
	if len(replies) != len(b.flying) {
		b.failed(errShape)
		return
	}
	flying := b.flying
	b.flying = nil
	var fatal error
	for i, f := range flying {
		r := replies[i]
		if r.Err != nil && Classify(r.Err) == Reconnect && fatal == nil {
			fatal = r.Err
		}
		if r.Err != nil {
			b.refusal(f.kind, r.Err)
		}
		if f.kind == CallJoin && !b.set.cleared {
			b.landFirst(f, r)
			continue
		}
		if f.kind.kept() && passing(r.Err) {
			b.later(f.calls)
			continue
		}
		b.land(f, r)
	}
	switch {
	case fatal != nil:
		b.failed(fatal) // it reads the wrong server
	default:
		b.flush()
	}
}

// landFirst: the first join counts only if what went before it was cleared.
func (b *Bridge) landFirst(f flight, r Reply) {
	if f.calls == nil {
		b.set.cleared = r.Err == nil && newList(r.Value).text(0) == "ok"
		b.unclear = errors.Join(errNotCleared, r.Err)
		return
	}
	for _, c := range f.calls {
		b.answer(c, fault(c, b.unclear))
	}
}

// passing reports whether an error will pass, so that a kept call is to be tried again.
func passing(err error) bool {
	switch Classify(err) {
	case Reconnect, Busy, Outage:
		return true
	default:
		return false
	}
}

// head is what most scripts begin with.
func (b *Bridge) head(extra int) []string {
	args := make([]string, 0, 4+extra)
	return append(args, string(b.set.Keys), b.set.ID, b.set.Session.Inc(), utoa(b.number))
}

// dataset is what heartbeat and claim say of the dataset: whether to read the replid,
// a name for a new epoch, what was seen before, and the highest token.
func (b *Bridge) dataset(args []string) []string {
	e := b.set.Session.Epoch()
	info := "0"
	if b.set.MaxTTL > 0 {
		info = "1"
	}
	return append(args, info, b.newName(), utoa(e.Number), e.Name, utoa(b.set.Session.Token()), b.quarantine())
}

func (b *Bridge) newName() string { return strconv.FormatUint(b.set.Entropy(), 16) }

func (b *Bridge) quarantine() string { return strconv.FormatInt(b.set.MaxTTL.Milliseconds(), 10) }

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// compose writes the command for calls of one kind.
func (b *Bridge) compose(k CallKind, calls []*Call) Command {
	c := calls[0]
	switch k {
	case CallHeartbeat:
		return b.composeHeartbeat(c)
	case CallSurvey:
		return b.composeSurvey(calls)
	case CallClaim:
		return b.composeClaim(calls)
	case CallReassert:
		args := append(b.head(3+3*len(calls)), c.Tenancy.Epoch, b.quarantine(), strconv.Itoa(len(calls)))
		for _, c := range calls {
			args = append(args, c.Election, utoa(c.Token), graceFlag(c.Grace))
		}
		return Command{Script: ReassertScript, Args: args}
	case CallRelease:
		args := append(b.head(1 + 4*len(calls))[:3], strconv.Itoa(len(calls)))
		for _, c := range calls {
			flags := ""
			if c.Keep {
				flags = "k"
			}
			args = append(args, c.Election, utoa(c.Token), c.Heir, flags)
		}
		return Command{Script: ReleaseScript, Args: args}
	case CallQuit:
		args := append(b.head(1+len(calls)), strconv.Itoa(len(calls)))
		for _, c := range calls {
			args = append(args, c.Election)
		}
		return Command{Script: QuitScript, Args: args}
	case CallLeave:
		return Command{Script: LeaveScript, Args: append(b.head(1), flag(c.End))}
	case CallJoin:
		entries := slices.DeleteFunc(c.Entries, func(e Membership) bool { return !b.stands(c, e.Election) })
		args := append(b.head(2+2*len(entries)), b.set.Details, strconv.Itoa(len(entries)))
		for _, e := range entries {
			args = append(args, e.Election, strconv.FormatInt(e.Rank, 10))
		}
		return Command{Script: JoinScript, Args: args}
	case CallEvict:
		args := append(b.head(2+3*len(c.Doubts)), b.quarantine(), strconv.Itoa(len(c.Doubts)))
		for _, d := range c.Doubts {
			args = append(args, d.ID, d.Birth, strconv.FormatInt(d.Grace.Milliseconds(), 10))
		}
		return Command{Script: EvictScript, Args: args}
	case CallPeer:
		args := append(make([]string, 0, 2+len(calls)), string(b.set.Keys), c.Target)
		for _, c := range calls {
			if c.Election != "" {
				args = append(args, c.Election)
			}
		}
		return Command{Script: PeerScript, Args: args}
	case CallMembers:
		return Command{Script: MembersScript, Args: []string{string(b.set.Keys), utoa(c.Since)}}
	case CallPurge:
		kind := "ours"
		if c.Original {
			kind = "original"
		}
		args := append(b.head(3), c.Target, kind)
		if c.Election != "" {
			args = append(args, c.Election)
		}
		return Command{Script: PurgeScript, Args: args}
	case CallReplace:
		args := append(b.head(2)[:3], c.Target, b.set.Details)
		return Command{Script: ReplaceScript, Args: args}
	case CallSubscribers:
		args := []string{"PUBSUB", "NUMSUB"}
		for _, id := range c.Watch {
			args = append(args, b.set.Keys.Bully(id))
		}
		return Command{Args: args}
	case CallRestore:
		return Command{Script: RestoreScript, Args: []string{string(b.set.Keys), c.Election, c.Target, c.Payload}}
	case CallWinner:
		return Command{Args: []string{"SET", b.set.Keys.Winner(), c.Payload}}
	default:
		return b.composePublish(calls)
	}
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func (b *Bridge) composeHeartbeat(c *Call) Command {
	if b.heard && b.armed == 0 {
		b.armed = c.Req
	}
	args := append(b.head(10+len(c.Watch)), utoa(c.Req), strconv.FormatInt(b.set.Session.TTL().Milliseconds(), 10))
	args = b.dataset(args)
	args = append(args, b.probeText(c.Req))
	return Command{Script: HeartbeatScript, Args: append(args, c.Watch...)}
}

func (b *Bridge) composeSurvey(calls []*Call) Command {
	args := append(b.head(3+3*len(calls)), b.set.Details, b.quarantine(), strconv.Itoa(len(calls)))
	for _, c := range calls {
		flags := ""
		if c.Register && b.stands(c, c.Election) {
			flags += "r"
		}
		if c.Light {
			flags += "l"
		}
		if c.Mixed {
			flags += "m"
		}
		args = append(args, c.Election, strconv.FormatInt(c.Rank, 10), flags)
	}
	return Command{Script: CanvassScript, Args: args}
}

func (b *Bridge) composeClaim(calls []*Call) Command {
	t := calls[0].Tenancy
	args := b.dataset(b.head(9 + 3*len(calls)))
	args = append(args, t.Birth, t.Epoch, strconv.Itoa(len(calls)))
	token := utoa(b.set.Session.Token())
	for _, c := range calls {
		flags := graceFlag(c.Grace)
		if c.Claim {
			flags += "t"
		}
		args = append(args, c.Election, token, flags)
	}
	return Command{Script: ClaimScript, Args: args}
}

// graceFlag says to a script that the holder may be evicted, and after how long.
func graceFlag(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return "d" + strconv.FormatInt(d.Milliseconds(), 10)
}

func (b *Bridge) composePublish(calls []*Call) Command {
	c := calls[0]
	b.set.Counters.MessagesOut.Add(uint64(len(calls)))
	if c.Control == nil {
		return Command{Args: []string{"PUBLISH", c.Channel, c.Payload}}
	}
	return Command{Args: []string{"PUBLISH", b.set.Keys.Bully(c.Target), b.controls(calls)}}
}

// controls writes the control messages of calls to one destination.
func (b *Bridge) controls(calls []*Call) string {
	if len(calls) == 1 {
		return string(b.appendSigned(make([]byte, 0, 256), calls[0]))
	}
	text := append(make([]byte, 0, 256*len(calls)), batchHead...)
	for i, c := range calls {
		if i > 0 {
			text = append(text, ',')
		}
		text = b.appendSigned(text, c)
	}
	return string(append(text, batchTail...))
}

func quote(s string) string { return marshal(s) }

// fault is the answer to a call that could not be carried out, or of which nobody
// knows whether it was.
func fault(c *Call, err error) any {
	down := fsm.Cause{Code: fsm.CauseUnreachable, Detail: err.Error()}
	in := fsm.Input{Round: c.Round, Token: c.Token}
	switch c.Kind {
	case CallHeartbeat:
		return &HeartbeatAnswer{Req: c.Req, Err: err}
	case CallSurvey:
		in.Kind, in.Survey = fsm.InSurveyed, &fsm.Survey{Fault: down}
	case CallClaim:
		in.Kind = fsm.InClaimed
	case CallReassert:
		in.Kind = fsm.InReasserted
	case CallRelease:
		in.Kind, in.Cause = fsm.InReleased, down
	case CallQuit:
		in.Kind, in.Cause = fsm.InWithdrawn, down
	case CallLeave:
		return &LeaveAnswer{Err: err}
	case CallEvict:
		return &EvictAnswer{Err: err}
	case CallJoin:
		return &JoinAnswer{Err: err}
	case CallPeer:
		return &PeerAnswer{Gen: c.Gen, Election: c.Election, ID: c.Target, Err: err}
	case CallMembers:
		return &MembersAnswer{Err: err}
	case CallPurge:
		return &PurgeAnswer{Err: err, Target: c.Target}
	case CallSubscribers:
		return &SubscribersAnswer{Err: err}
	default:
		return &Published{Gen: c.Gen, Err: err}
	}
	return &Answer{Gen: c.Gen, Input: in}
}

func (b *Bridge) answer(c *Call, m any) {
	if c.ReplyTo != nil {
		b.root.Send(c.ReplyTo, m)
	}
}
