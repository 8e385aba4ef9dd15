package redistest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hustings/redisbridge"
)

// node calls the scripts as a node of hustings does, and takes their replies
// apart. Types are checked strictly: text is never an integer, nor the reverse.
type node struct {
	f          *Fixture
	id, inc    string
	conn, req  int
	ttl        time.Duration
	quarantine time.Duration
	rank       string
	details    string
}

// node returns one that has not started. The incarnation differs with n.
func (f *Fixture) node(id string, n int) *node {
	inc := fmt.Sprintf("%s%031d", strconv.FormatInt(int64(len(id)), 16)[:1], n)
	return &node{
		f: f, id: id, inc: inc, conn: 1, ttl: 30 * time.Second, rank: "100",
		details: `{"process":1,"v":1,"inc":"` + inc + `"}`,
	}
}

// online returns a node with a session that stands for the elections.
func (f *Fixture) online(id, rank string, elections ...string) *node {
	f.T.Helper()
	n := f.node(id, 1)
	n.rank = rank
	n.beat(beat{})
	n.join(elections...)
	return n
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func (n *node) head(args ...string) []string {
	return append([]string{string(n.f.keys()), n.id, n.inc, strconv.Itoa(n.conn)}, args...)
}

func (f *Fixture) keys() redisbridge.Keys {
	if f.Keys == "" {
		return redisbridge.DefaultPrefix
	}
	return f.Keys
}

// beat is what a heartbeat may carry.
type beat struct {
	info, newName, number, name, token, probe string
	watch                                     []string
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// pulse is the reply of a heartbeat.
type pulse struct {
	verdict, birth, epoch  string
	number                 int64
	floor                  string
	left, version, members int64
	vacant                 []string
	watched                []watched
	// pttl and details are of the other, when taken; when replaced, ours and the
	// successor's.
	pttl    int64
	details string
}

type watched struct {
	pttl  int64
	birth string
}

func (n *node) beatArgs(b beat) []string {
	n.req++
	args := n.head(strconv.Itoa(n.req), millis(n.ttl), or(b.info, "0"), or(b.newName, "first"),
		or(b.number, "0"), b.name, or(b.token, "0"), millis(n.quarantine), b.probe)
	return append(args, b.watch...)
}

func (n *node) beat(b beat) pulse {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.HeartbeatScript, n.beatArgs(b)...)
	p := pulse{verdict: r.text()}
	switch p.verdict {
	case "stale":
	case "replaced":
		p.pttl, p.details = r.number(), r.text()
	case "taken":
		p.pttl, p.birth, p.details = r.number(), r.text(), r.text()
	default:
		p.birth, p.epoch, p.number, p.floor = r.text(), r.text(), r.number(), r.text()
		p.left, p.version, p.members = r.number(), r.number(), r.number()
		p.vacant = r.list().texts()
		for w := r.list(); !w.done(); {
			p.watched = append(p.watched, watched{w.number(), w.text()})
		}
		between(n.f, "us of the present millisecond", r.number(), 0, 999)
	}
	r.end()
	return p
}

// replace marks the session of another incarnation.
func (n *node) replace(inc string) int64 {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.ReplaceScript, string(n.f.keys()), n.id, n.inc, inc, n.details)
	marked := r.number()
	r.end()
	return marked
}

func (n *node) join(elections ...string) (status string, version int64) {
	n.f.T.Helper()
	return n.joins("", elections...)
}

// joins is join; first is "1" for the first of a start.
func (n *node) joins(first string, elections ...string) (status string, version int64) {
	n.f.T.Helper()
	args := n.head(n.details, strconv.Itoa(len(elections)))
	for _, e := range elections {
		args = append(args, e, n.rank)
	}
	if first != "" {
		args = append(args, first)
	}
	r := n.f.reply(redisbridge.JoinScript, args...)
	status, version = r.text(), r.number()
	r.end()
	return status, version
}

func (n *node) reassert(epoch, election, token string) (status, word string) {
	n.f.T.Helper()
	return n.reassertFor(epoch, election, token, "")
}

func (n *node) reassertFor(epoch, election, token, flags string) (status, word string) {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.ReassertScript, n.head(epoch, millis(n.quarantine), "1", election, token, flags)...)
	status = r.text()
	_, _, _ = r.text(), r.text(), r.number()
	if words := r.list().texts(); len(words) > 0 {
		word = words[0]
	}
	r.end()
	return status, word
}

func (n *node) release(election, token, heir string, flags ...string) (word, chosen string) {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.ReleaseScript, string(n.f.keys()), n.id, n.inc, "1", election, token, heir, strings.Join(flags, ""))
	i := r.list()
	word, chosen = i.text(), i.text()
	i.end()
	r.end()
	return word, chosen
}

func (n *node) quit(elections ...string) (status string, done int64) {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.QuitScript, n.head(append([]string{strconv.Itoa(len(elections))}, elections...)...)...)
	status, done = r.text(), r.number()
	r.end()
	return status, done
}

// leave takes leave in one call.
func (n *node) leave(end string) string {
	n.f.T.Helper()
	status, more := n.leavePart(end, 500)
	want(n.f, "elections left", more, 0)
	return status
}

func (n *node) leavePart(end string, most int) (status string, more int64) {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.LeaveScript, n.head(end, strconv.Itoa(most))...)
	status, more = r.text(), r.number()
	r.end()
	return status, more
}

// purge purges in one call.
func (n *node) purge(target, kind string, elections ...string) int64 {
	n.f.T.Helper()
	done, more := n.purgePart(target, kind, 500, elections...)
	want(n.f, "elections left", more, 0)
	return done
}

func (n *node) purgePart(target, kind string, most int, elections ...string) (done, more int64) {
	n.f.T.Helper()
	r := n.f.reply(redisbridge.PurgeScript, n.head(append([]string{target, kind, strconv.Itoa(most)}, elections...)...)...)
	done, more = r.number(), r.number()
	r.end()
	return done, more
}

// entry is a line of the members' log.
type entry struct {
	id, kind, details string
	pttl              int64
}

func (f *Fixture) members(since int64) (version, full int64, entries []entry) {
	f.T.Helper()
	r := f.reply(redisbridge.MembersScript, string(f.keys()), strconv.FormatInt(since, 10))
	version, full = r.number(), r.number()
	for l := r.list(); !l.done(); {
		entries = append(entries, entry{l.text(), l.text(), l.text(), l.number()})
	}
	want(f, "how many have details", any(r.number()), f.Plain("HLEN", f.keys().Details()))
	r.end()
	return version, full, entries
}

// portrait is the reply of peer.
type portrait struct {
	candidate     int64
	rank, details string
	pttl          int64
	birth         string
	numsub        int64
	took, stands  int64
}

func (f *Fixture) peer(election, id string) portrait {
	f.T.Helper()
	args := []string{string(f.keys()), id}
	if election != "" {
		args = append(args, election)
	}
	r := f.reply(redisbridge.PeerScript, args...)
	p := portrait{details: r.text(), pttl: r.number(), birth: r.text(), numsub: r.number(), took: r.number(), stands: r.number()}
	if seats := r.list(); election != "" {
		p.candidate, p.rank = seats.number(), seats.text()
	}
	r.end()
	return p
}
