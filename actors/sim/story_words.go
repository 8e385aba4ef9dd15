package sim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hustings/actors"
)

// words are the arguments of a command: plain ones, and settings as in ttl=6s.
type words struct {
	plain []string
	set   map[string]string
	err   error
}

func parse(args []string) *words {
	w := &words{set: make(map[string]string)}
	for _, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok {
			w.set[k] = v
		} else {
			w.plain = append(w.plain, a)
		}
	}
	return w
}

func (w *words) at(i int) string {
	if i < len(w.plain) {
		return w.plain[i]
	}
	w.fault(errWords)
	return ""
}

func (w *words) fault(err error) {
	if err != nil && w.err == nil {
		w.err = err
	}
}

func (w *words) whole(i int) int {
	n, err := strconv.Atoi(w.at(i))
	w.fault(err)
	return n
}

func (w *words) has(word string) bool {
	for _, p := range w.plain {
		if p == word {
			return true
		}
	}
	return false
}

func (w *words) duration(key string) time.Duration {
	if w.set[key] == "" {
		return 0
	}
	d, err := time.ParseDuration(w.set[key])
	w.fault(err)
	return d
}

// verb is one command. Those that are heard change the world and are told as a line.
type verb struct {
	do    func(s *Story, a *words)
	heard bool
}

var verbs = map[string]verb{
	"node":     {do: (*Story).doNode},
	"original": {do: (*Story).doOriginal},
	"stand":    {do: (*Story).doStand},
	"run":      {do: (*Story).doRun},
	"status":   {do: (*Story).doStatus},
	"show":     {do: func(s *Story, a *words) { s.shown[a.at(0)] = true }},
	"hide":     {do: func(s *Story, a *words) { delete(s.shown, a.at(0)) }},
	"redis":    {do: func(s *Story, a *words) { s.line("redis", "%s -> %s", strings.Join(a.plain, " "), s.redis(a.plain...)) }},

	"crash":   {heard: true, do: onProcess((*Process).Crash)},
	"restart": {heard: true, do: onProcess((*Process).Restart)},
	"pause":   {heard: true, do: onProcess(func(p *Process) { p.Pause(0) })},
	"resume":  {heard: true, do: onProcess((*Process).Resume)},
	"suspend": {heard: true, do: func(s *Story, a *words) {
		d := a.duration("for")
		s.on(a, 0, func(n *told) { n.Suspend(d) })
	}},

	"quit":      {heard: true, do: (*Story).doQuit},
	"standdown": {heard: true, do: tell(&actors.StandDown{})},
	"standup":   {heard: true, do: tell(&actors.Stand{})},
	"resign":    {heard: true, do: (*Story).doResign},
	"stop":      {heard: true, do: func(s *Story, a *words) { s.on(a, 0, func(n *told) { n.Send(n.pid, &actors.Stop{}) }) }},
	"send":      {heard: true, do: (*Story).doSend},
	"broadcast": {heard: true, do: (*Story).doBroadcast},

	"partition": {heard: true, do: (*Story).doPartition},
	"repair":    {heard: true, do: onProcess(func(p *Process) { p.world.Repair(p) })},
	"hold":      {heard: true, do: (*Story).doHold},
	"release":   {heard: true, do: onProcess(func(p *Process) { p.world.Release(p) })},
	"deafen":    {heard: true, do: (*Story).doDeafen},
	"drop":      {heard: true, do: onProcess(func(p *Process) { p.world.redis.DropSubscribers(p) })},
	"forget":    {heard: true, do: onProcess(func(p *Process) { p.world.redis.ForgetSubscribers(p) })},
	"weather":   {heard: true, do: (*Story).doWeather},

	"new-redis":     {do: func(s *Story, _ *words) { s.w.redis.store.clear() }},
	"flushall":      {heard: true, do: func(s *Story, _ *words) { s.w.redis.FlushAll() }},
	"crash-redis":   {heard: true, do: func(s *Story, _ *words) { s.w.redis.Crash() }},
	"restart-redis": {heard: true, do: func(s *Story, a *words) { s.w.redis.Restart(a.set["data"] == "lost") }},
	"replicas":      {heard: true, do: func(s *Story, a *words) { s.w.redis.SetReplicas(a.whole(0)) }},
	"split":         {heard: true, do: func(s *Story, a *words) { s.on(a, 0, func(n *told) { s.w.redis.Split(a.duration("lag"), n.Process) }) }},
	"rejoin":        {heard: true, do: onProcess(func(p *Process) { p.world.Rejoin(p) })},
	"failover":      {heard: true, do: func(s *Story, a *words) { s.w.redis.Failover(a.duration("lag"), a.duration("skew")) }},
}

// obey does one command.
func (s *Story) obey(word string, args []string) error {
	v, ok := verbs[word]
	if !ok {
		return errors.New("no such command; docs/traces/README.md lists them")
	}
	if v.heard {
		s.line("-----", "%s", strings.Join(append([]string{word}, args...), " "))
	}
	a := parse(args)
	v.do(s, a)
	if a.err == nil && s.w.Err() != nil {
		a.err = s.w.Err()
	}
	return a.err
}

// on runs f for the node that the word at i names.
func (s *Story) on(a *words, i int, f func(*told)) {
	name := a.at(i)
	if n := s.nodes[name]; n != nil {
		f(n)
	} else {
		a.fault(fmt.Errorf("there is no node %q", name))
	}
}

// onProcess runs f for the process that the first word names: of a node or an original.
func onProcess(f func(*Process)) func(*Story, *words) {
	return func(s *Story, a *words) {
		if p := s.w.byID[a.at(0)]; p != nil {
			f(p)
		} else {
			a.fault(fmt.Errorf("there is no node %q", a.at(0)))
		}
	}
}

func tell(message any) func(*Story, *words) {
	return func(s *Story, a *words) { s.on(a, 0, func(n *told) { n.Tell(a.at(1), message) }) }
}

func (s *Story) doNode(a *words) {
	rank, err := strconv.ParseInt(or(a.set["rank"], "0"), 10, 64)
	a.fault(err)
	cfg := actors.Config{
		ID: a.set["id"], Rank: &rank, TTL: a.duration("ttl"), MaxTTL: a.duration("max-ttl"),
		VoteTimeout: a.duration("vote-timeout"), Interval: a.duration("interval"),
	}
	if a.has("not-mixed") {
		cfg.Mixed = new(false)
	}
	if a.set["min-replicas"] != "" {
		cfg.MinReplicas, err = strconv.Atoi(a.set["min-replicas"])
		a.fault(err)
	}
	cfg.ReplaceDuplicate = a.has("replace-duplicate")
	if name := a.at(0); name != "" {
		cfg.Host = name
		s.node(name, cfg)
	}
}

func (s *Story) doOriginal(a *words) {
	pid, err := strconv.ParseInt(or(a.set["pid"], "1"), 10, 64)
	a.fault(err)
	if name := a.at(0); name != "" {
		s.original(name, pid, OriginalConfig{Wait: a.duration("wait"), Interval: a.duration("interval")})
	}
}

func (s *Story) doStand(a *words) {
	if o := s.olds[a.at(0)]; o != nil {
		o.Online(func() { o.Run(a.at(1)) })
		return
	}
	s.on(a, 0, func(n *told) {
		name, work := a.at(1), a.duration("work")
		if n.election[name] != nil {
			n.Tell(name, &actors.Run{})
			return
		}
		n.work[name] = work
		policy := actors.OnExpiry
		if a.has("on-disconnect") {
			policy = actors.OnDisconnect
		}
		n.Stand(actors.ElectionConfig{
			Takeover: policy, EvictGrace: a.duration("grace"),
			Name: name, Run: true, Sticky: a.has("sticky"), MinTenure: a.duration("min-tenure"),
			Drains: work > 0, DrainTimeout: a.duration("drain-timeout"),
		})
	})
}

func (s *Story) doQuit(a *words) {
	if o := s.olds[a.at(0)]; o != nil {
		o.Quit(a.at(1))
		return
	}
	tell(&actors.Quit{})(s, a)
}

func (s *Story) doRun(a *words) {
	d, err := time.ParseDuration(a.at(0))
	a.fault(err)
	s.w.Run(d)
}

// doResign resigns, in favour of to=ID if that is given. A refusal is told.
func (s *Story) doResign(a *words) {
	s.on(a, 0, func(n *told) {
		n.Ask(a.at(1), &actors.Resign{To: a.set["to"]}, func(err error) {
			if err != nil {
				s.line(n.name, "resign refused: %v", err)
			}
		})
	})
}

// doStatus tells what a node thinks of an election at this instant.
func (s *Story) doStatus(a *words) {
	s.on(a, 0, func(n *told) {
		h, name := n.Handle(), a.at(1)
		if h == nil {
			s.line(n.name, "status: it does not run")
			return
		}
		v, err := h.View(name)
		if err != nil {
			s.line(n.name, "status: %v", err)
			return
		}
		text := v.State.String()
		if l := h.Leadership(name); l != nil {
			now := n.Now()
			until := l.Until()
			left := min(until.Mono-now.Mono, until.Wall-now.Wall).Round(time.Millisecond)
			text += fmt.Sprintf(", token %d, valid %v, trusted for %v", l.Token(), l.Valid(), max(left, 0))
		} else {
			text += ", " + leaderOf(h, name)
		}
		s.line(n.name, "status: %s", text)
	})
}

// leaderOf says who leads, as far as a node knows.
func leaderOf(h *actors.Node, election string) string {
	l, err := h.Leader(election)
	switch {
	case errors.Is(err, actors.ErrNoLeader):
		return "nobody leads"
	case err != nil:
		return "leader unknown"
	case l.Original:
		return "leader " + l.ID + ", an original"
	}
	return fmt.Sprintf("leader %s, token %d", l.ID, l.Token)
}

// atOnce is a context that is over already: the handle sends its message and does not
// wait for the answer, which nobody in a story could.
var atOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (s *Story) doSend(a *words) {
	s.on(a, 0, func(n *told) {
		_, _ = n.Handle().Send(atOnce, a.at(1), strings.Join(a.plain[min(2, len(a.plain)):], " "))
	})
}

func (s *Story) doBroadcast(a *words) {
	s.on(a, 0, func(n *told) { _, _ = n.Handle().Broadcast(atOnce, strings.Join(a.plain[1:], " ")) })
}
