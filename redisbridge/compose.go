package redisbridge

import (
	"slices"
	"strconv"
	"time"
)

// head is what most scripts begin with.
func (b *Bridge) head(extra int) []string {
	return append(b.scratch.args(4+extra), string(b.set.Keys), b.set.ID, b.set.Session.Inc(), b.name)
}

// dataset is what heartbeat and claim say of the dataset: whether to read the replid,
// a name for a new epoch, what was seen before, and the highest token.
func (b *Bridge) dataset(args []string) []string {
	e := b.set.Session.Epoch()
	info := "0"
	if b.set.MaxTTL > 0 {
		info = "1"
	}
	return append(args, info, b.newName(), utoa(e.Number), e.Name, b.token(), b.quarantine())
}

// token is the highest token that was seen, as scripts get it. It changes with a term of
// somebody's, and every heartbeat names it.
func (b *Bridge) token() string {
	if n := b.set.Session.Token(); n != b.topToken || b.topText == "" {
		b.topToken, b.topText = n, utoa(n)
	}
	return b.topText
}

func (b *Bridge) newName() string { return strconv.FormatUint(b.set.Entropy(), 16) }

// quarantine is the fleet's, as scripts get it.
func (b *Bridge) quarantine() string { return b.maxTTL }

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// compose writes the command for calls of one kind.
func (b *Bridge) compose(k CallKind, calls []*Call) Command {
	c := calls[0]
	switch k {
	case CallHeartbeat:
		return b.composeHeartbeat(c)
	case CallSurvey:
		if bids(calls) {
			return b.composeBid(calls)
		}
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
			token := utoa(c.Token)
			if c.Token == 0 {
				token = "" // of a record in which none can be read
			}
			args = append(args, c.Election, token, c.Target, flags)
		}
		return Command{Script: ReleaseScript, Args: args}
	case CallQuit:
		args := append(b.head(1+len(calls)), strconv.Itoa(len(calls)))
		for _, c := range calls {
			args = append(args, c.Election)
		}
		return Command{Script: QuitScript, Args: args}
	case CallLeave:
		return b.composeLeave(flag(c.End))
	case CallJoin:
		c.Entries = slices.DeleteFunc(c.Entries, func(e Membership) bool { return !b.stands(c, e.Election) })
		args := append(b.head(3+2*len(c.Entries)), b.set.Details, strconv.Itoa(len(c.Entries)))
		for _, e := range c.Entries {
			args = append(args, e.Election, strconv.FormatInt(e.Rank, 10))
		}
		if !b.set.cleared {
			args = append(args, flag(true))
		}
		return Command{Script: JoinScript, Args: args}
	case CallEvict:
		args := append(b.head(2+3*len(c.Doubts)), b.quarantine(), strconv.Itoa(len(c.Doubts)))
		for _, d := range c.Doubts {
			args = append(args, d.ID, d.Birth, millis(d.Grace))
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
		args := append(b.head(4), c.Target, kind, portion)
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
	case CallRoll:
		return b.composeRoll(c)
	case CallWinner:
		return Command{Args: []string{"SET", b.set.Keys.Winner(), c.Payload}}
	default:
		return b.composePublish(calls)
	}
}

// composeLeave writes one portion of a leave.
func (b *Bridge) composeLeave(end string) Command {
	return Command{Script: LeaveScript, Args: append(b.head(2), end, portion)}
}

// portion is maxStruck as scripts get it.
var portion = strconv.Itoa(maxStruck)

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
	probe, number := b.probeText(c.Req)
	args := b.dataset(append(b.head(10+len(c.Watch)), number, b.ttl))
	args = append(args, probe)
	return Command{Script: HeartbeatScript, Args: append(args, c.Watch...)}
}

func (b *Bridge) composeSurvey(calls []*Call) Command {
	args := append(b.head(3+3*len(calls)), b.set.Details, b.quarantine(), strconv.Itoa(len(calls)))
	return Command{Script: CanvassScript, Args: b.appendSurveys(args, calls)}
}

// composeRoll writes a canvass of all the elections of a call, which registers us in each.
func (b *Bridge) composeRoll(c *Call) Command {
	args := append(b.head(3+3*len(c.Entries)), b.set.Details, b.quarantine(), strconv.Itoa(len(c.Entries)))
	for _, e := range c.Entries {
		one := Call{Register: true, Original: c.Original, Election: e.Election, seq: c.seq}
		args = append(args, e.Election, strconv.FormatInt(e.Rank, 10), b.surveyFlags(&one))
	}
	return Command{Script: CanvassScript, Args: args}
}

// composeBid writes surveys some of which claim, all in one tenancy.
func (b *Bridge) composeBid(calls []*Call) Command {
	t := calls[slices.IndexFunc(calls, (*Call).bids)].Tenancy
	args := b.dataset(b.head(10 + 3*len(calls)))
	args = append(args, t.Birth, t.Epoch, b.set.Details, strconv.Itoa(len(calls)))
	return Command{Script: BidScript, Args: b.appendSurveys(args, calls)}
}

func (b *Bridge) appendSurveys(args []string, calls []*Call) []string {
	for _, c := range calls {
		args = append(args, c.Election, strconv.FormatInt(c.Rank, 10), b.surveyFlags(c))
	}
	return args
}

func (b *Bridge) surveyFlags(c *Call) string {
	flags := ""
	if c.Register && b.stands(c, c.Election) {
		flags = "r"
	}
	if c.Claim { // refused where we do not register
		flags += "t" + graceFlag(c.Grace)
	}
	if c.Light {
		flags += "l"
	}
	if c.Original {
		flags += "m"
	}
	return flags
}

// bids reports whether a survey claims, too.
func (c *Call) bids() bool { return c.Claim }

// bids reports whether any of the surveys does.
func bids(calls []*Call) bool { return slices.ContainsFunc(calls, (*Call).bids) }

func (b *Bridge) composeClaim(calls []*Call) Command {
	t := calls[0].Tenancy
	args := b.dataset(b.head(9 + 3*len(calls)))
	args = append(args, t.Birth, t.Epoch, strconv.Itoa(len(calls)))
	token := b.token()
	for _, c := range calls {
		args = append(args, c.Election, token, graceFlag(c.Grace))
	}
	return Command{Script: ClaimScript, Args: args}
}

// graceFlag says to a script that the holder may be evicted, and after how long.
func graceFlag(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return "d" + millis(d)
}

func (b *Bridge) composePublish(calls []*Call) Command {
	c := calls[0]
	b.set.Counters.MessagesOut.Add(uint64(len(calls)))
	if c.Control == nil {
		return Command{Args: []string{"PUBLISH", c.Target, c.Payload}}
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
