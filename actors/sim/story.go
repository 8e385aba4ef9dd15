package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// Story is a world that is told what to do in words and answers in words: a line for
// each thing that happens, with the instant, the node, what came to it, and what it made
// of it. docs/traces/README.md lists the words. Stories are tests that can be read
// without knowing Go. A Story belongs to one goroutine.
//
// A Redis that has been in use for longer than any quarantine is there from the start,
// and every message takes one millisecond each way, unless the story says otherwise.
// What happens at one instant happens in the order of its causes.
type Story struct {
	w     *World
	nodes map[string]*told
	order []*told
	olds  map[string]*Original
	shown map[string]bool
	out   strings.Builder
}

// told is a node of a story.
type told struct {
	*Node
	story *Story
	name  string
	work  map[string]time.Duration // by election: how long work takes to stop
	up    bool                     // the link is, as far as was told
	began bool                     // it was up once, in this life
	life  int
	away  map[string]bool // by election: Redis is unreachable, that was told
}

// storyWall is the wall clock's reading when a story begins: not 0, so that Redis can
// be older than the story; and round, so that tokens, which are Redis's clock in
// milliseconds, show when they were granted: 105003 at 5.003 s.
const storyWall = 100 * time.Second

// NewStory begins a story in a world of that seed.
func NewStory(t T, seed uint64, opts ...Option) *Story {
	opts = append([]Option{WallStart(storyWall), Latency(time.Millisecond, time.Millisecond)}, opts...)
	w := New(t, seed, opts...)
	w.sched.ties = nil // a story must not become another one because a message more is sent
	s := &Story{w: w, nodes: make(map[string]*told), olds: make(map[string]*Original), shown: make(map[string]bool)}
	r := s.w.redis.store
	s.redis("HSET", "ipc::epoch", "name", "old", "number", "1", "replid", r.replid, "since", "0", "floor", "0")
	s.w.tap = s.tapped
	return s
}

// World returns the story's world, for what no word says.
func (s *Story) World() *World { return s.w }

// Do obeys commands, one a line, and returns what was to be seen meanwhile, a line each.
// What can't be obeyed is a line that begins with "error:".
func (s *Story) Do(commands string) string {
	for line := range strings.Lines(commands) {
		if words := strings.Fields(line); len(words) > 0 {
			if err := s.obey(words[0], words[1:]); err != nil {
				fmt.Fprintf(&s.out, "error: %s: %v\n", strings.TrimSpace(line), err)
			}
		}
	}
	text := s.out.String()
	s.out.Reset()
	return text
}

// line writes what happened.
func (s *Story) line(who, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	at := s.w.sched.now.Round(time.Millisecond)
	fmt.Fprintf(&s.out, "%7.3fs  %-6s %s\n", at.Seconds(), who, text)
}

// redis does a command behind everybody's back.
func (s *Story) redis(words ...string) string {
	v, err := s.w.redis.Do(words...)
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprint(v)
}

// node makes a node. The id is the process's name unless another is given: two
// processes may have one id.
func (s *Story) node(name string, cfg actors.Config) *told {
	n := &told{story: s, name: name, work: make(map[string]time.Duration), away: make(map[string]bool)}
	cfg.Steps = func(step actors.Step) { s.step(n, step) }
	n.Node = s.w.Node(name, cfg)
	n.Watch(n.event)
	s.nodes[name] = n
	s.order = append(s.order, n)
	return n
}

// event tells what the node tells its subscribers, beyond what its steps show.
func (n *told) event(ev actors.Event) {
	s := n.story
	switch e := ev.(type) {
	case *actors.LinkChanged:
		n.linkChanged(e)
	case *actors.Failed:
		s.line(n.name, "fails for good: %v", e.Err)
	case *actors.Message:
		s.line(n.name, "message from %s: %s", or(e.From, "an original"), e.JSON())
	case *actors.PeerUp:
		n.peer("is here", e.Peer)
	case *actors.PeerLeft:
		n.peer("has left", e.Peer)
	case *actors.PeerDead:
		n.peer("is dead", e.Peer)
	case *actors.Ending:
		if d := n.work[e.Election]; d > 0 {
			s.line(n.name, "its work takes %v to stop", d)
			n.Clock().AfterFunc(d, func() { n.Tell(e.Election, &actors.Drained{Token: e.Token}) })
		}
	}
}

func (n *told) peer(what string, m actors.Member) {
	if n.story.shown["peers"] {
		n.story.line(n.name, "%s %s", m.ID, what)
	}
}

// linkChanged tells of the link; that it comes up at the beginning is no news.
func (n *told) linkChanged(e *actors.LinkChanged) {
	if life := n.Life(); life != n.life {
		n.life, n.up, n.began = life, false, false
	}
	was := n.up
	n.up = e.Up
	switch {
	case e.Up && n.began && !was:
		n.story.line(n.name, "link to Redis up")
	case was && !e.Up:
		n.story.line(n.name, "link to Redis down: %v", e.Err)
	}
	n.began = n.began || e.Up
}

// tapped sees what Redis executes: heartbeats, if they are to be shown, and what
// originals say, of which no step tells.
func (s *Story) tapped(cmd redisbridge.Command, reply redisbridge.Reply) {
	switch {
	case cmd.Script == redisbridge.HeartbeatScript:
		if list, ok := reply.Value.([]any); ok && len(list) > 0 && s.shown["heartbeats"] {
			s.line("redis", "heartbeat of %s -> %v", cmd.Args[1], list[0])
		}
	case cmd.Script == redisbridge.EvictScript:
		s.evictions(cmd, reply)
	case cmd.Script == nil && len(cmd.Args) == 3 && cmd.Args[0] == "PUBLISH" && len(s.olds) > 0:
		var m struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		}
		_, to, control := strings.Cut(cmd.Args[1], "::bully:")
		if control && json.Unmarshal([]byte(cmd.Args[2]), &m) == nil && s.olds[m.ID] != nil {
			s.line(m.ID, "says %s to %s", or(strings.TrimPrefix(m.Type, "vote"), "vote"), to)
		}
	}
}

// evictions tells who is evicted; looks that come to nothing are not told.
func (s *Story) evictions(cmd redisbridge.Command, reply redisbridge.Reply) {
	list, ok := reply.Value.([]any)
	if !ok {
		return
	}
	for i, it := range list[1].([]any) {
		if item := it.([]any); item[0] == "evicted" {
			s.line("redis", "%s has %s evicted; its session had %v to live", cmd.Args[1], cmd.Args[6+3*i], time.Duration(item[1].(int64))*time.Millisecond)
		}
	}
}

// original makes a node of the npm package.
func (s *Story) original(name string, pid int64, cfg OriginalConfig) {
	o := s.w.Original(name, pid, cfg)
	s.olds[name] = o
	o.Watch(func(ev OriginalEvent) {
		switch ev.Kind {
		case "dead":
			s.line(name, "finds %s dead", ev.ID)
		case "message":
			s.line(name, "message %s", ev.Text)
		case "died":
			s.line(name, "dies: %s", ev.Text)
		default:
			s.line(name, "%s", ev.Kind)
		}
	})
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

var errWords = errors.New("words are missing; docs/traces/README.md lists the commands")
