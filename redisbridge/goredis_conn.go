package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// errNoReply says that go-redis gave a command neither a reply nor an error.
var errNoReply = errors.New("redisbridge: no reply")

// errOneDo says that the caller broke Conn's rule.
var errOneDo = errors.New("redisbridge: a Do is under way on this connection already")

// job is one Do.
type job struct {
	cmds []Command
	done func([]Reply, error)
}

// conn is a Conn. One goroutine (run) connects, then executes the jobs one after
// the other until the link is closed or fails; it alone calls the callbacks of
// jobs that it took.
type conn struct {
	*link
	epochKey string
	caution  string
	jobs     chan job // holds the one Do under way, so sending never blocks

	doing struct {
		sync.Mutex
		pending bool
		over    error // set once the goroutine takes no more jobs
	}
}

// Do implements Conn.
func (c *conn) Do(cmds []Command, done func([]Reply, error)) {
	c.doing.Lock()
	defer c.doing.Unlock()
	switch {
	case c.doing.over != nil:
		go done(nil, c.doing.over)
	case c.doing.pending:
		go done(nil, errOneDo)
	default:
		c.doing.pending = true
		c.jobs <- job{cmds, done}
	}
}

// Close implements Conn.
func (c *conn) Close() { c.close() }

func (c *conn) run(done func(Conn, error)) {
	client, rc, err := c.connect()
	if err != nil {
		c.close()
		done(nil, err)
		return
	}
	defer func() {
		c.close()
		_ = rc.Close()
		_ = client.Close()
	}()
	done(c, nil)
	for {
		select {
		case <-c.ctx.Done():
			c.finish(c.ended())
			return
		case j := <-c.jobs:
			replies, err := c.do(rc, j.cmds)
			if err != nil {
				c.close()
				c.finish(fmt.Errorf("%w: it failed before", ErrConnClosed))
				j.done(nil, err)
				return
			}
			c.doing.Lock()
			c.doing.pending = false
			c.doing.Unlock()
			j.done(replies, nil)
		}
	}
}

// finish refuses further jobs and answers one that came in too late.
func (c *conn) finish(err error) {
	c.doing.Lock()
	c.doing.over = err
	c.doing.Unlock()
	select {
	case j := <-c.jobs:
		j.done(nil, err)
	default:
	}
}

// connect finds the server, opens the connection, proves it with a PING and loads those
// scripts that the server does not have yet, all within one timeout.
func (c *conn) connect() (*redis.Client, *redis.Conn, error) {
	ctx, cancel := c.bounded()
	defer cancel()
	client, err := c.client(ctx, "connecting to Redis")
	if err != nil {
		return nil, nil, err
	}
	rc := client.Conn()
	pipe := rc.Pipeline()
	ping := pipe.Ping(ctx)
	there := pipe.ScriptExists(ctx, scriptHashes()...)
	memory := pipe.Info(ctx, "memory")
	_, failed := pipe.Exec(ctx)
	err = ping.Err()
	if err == nil && ping.Val() == "" {
		// A refused log-in is an error of the pipeline and of none of its commands.
		err = failed
	}
	if err == nil {
		err = c.load(ctx, rc, there)
	}
	if err != nil {
		_ = rc.Close()
		_ = client.Close()
		return nil, nil, c.fail("connecting to Redis", err)
	}
	c.caution = evicts(memory.Val()) // "" where INFO is refused
	return client, rc, nil
}

// load loads the scripts that are not there. All of them are many times what else is said on
// a new connection, and after an outage a whole fleet comes back at once.
func (c *conn) load(ctx context.Context, rc *redis.Conn, exist *redis.BoolSliceCmd) error {
	there, err := exist.Result()
	if err != nil && !c.unscripted(err) {
		return err
	}
	pipe := rc.Pipeline()
	var loads []*redis.StringCmd
	for i, s := range Scripts {
		if i >= len(there) || !there[i] {
			loads = append(loads, pipe.ScriptLoad(ctx, s.Source))
		}
	}
	if len(loads) == 0 {
		return nil
	}
	_, _ = pipe.Exec(ctx) // each command knows its own error
	for _, load := range loads {
		if err := load.Err(); err != nil && !c.unscripted(err) {
			return err
		}
	}
	return nil
}

// unscripted reports whether the server does not do SCRIPT for us. Who may not, or can't, may
// still EVAL: Do heals that.
func (c *conn) unscripted(err error) bool {
	said := serverError(err, c.b.secrets)
	return said != nil && (said.Code == "NOPERM" || strings.Contains(said.Text, unknownCommand))
}

// Caution implements Cautious.
func (c *conn) Caution() string { return c.caution }

// evicts says whether a server may throw keys away when its memory is full, which would
// give an office away that somebody holds. Sessions have a TTL, so no policy spares them.
// The text is read here because go-redis's InfoMap panics where a proxy leaves the headings
// of the sections out.
func evicts(info string) string {
	settings := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			settings[k] = v
		}
	}
	policy := settings["maxmemory_policy"]
	if limit := settings["maxmemory"]; limit == "" || limit == "0" || policy == "" || policy == "noeviction" {
		return ""
	}
	return "maxmemory-policy is " + policy + ": when memory is full, Redis may delete what offices rest on, and two may lead; set it to noeviction"
}

// do sends the commands as one pipeline. Scripts that the server has forgotten
// (SCRIPT FLUSH, a restart behind a proxy) were not executed: they are sent again with their
// text, and so are the scripts behind them, which may be repeated, for the order counts; a
// WAIT at the end is for what was written before it, and nothing else is repeated.
func (c *conn) do(rc *redis.Conn, cmds []Command) ([]Reply, error) {
	ctx := until(c.ctx, c.b.cfg.Timeout)
	replies := make([]Reply, len(cmds))
	all := make([]int, len(cmds))
	for i := range all {
		all[i] = i
	}
	if err := c.exchange(ctx, rc, cmds, all, "evalsha", replies); err != nil {
		return nil, err
	}
	var again []int
	for i := range replies {
		var said *ServerError
		forgotten := errors.As(replies[i].Err, &said) && said.Code == "NOSCRIPT"
		if cmds[i].Script != nil && (forgotten || len(again) > 0) {
			again = append(again, i)
		}
	}
	if len(again) == 0 {
		return replies, nil
	}
	if last := len(cmds) - 1; cmds[last].Script == nil && cmds[last].Args[0] == "WAIT" {
		again = append(again, last)
	}
	if err := c.exchange(ctx, rc, cmds, again, "eval", replies); err != nil {
		return nil, err
	}
	return replies, nil
}

// nonLocalKey is what a server of a Cluster says of a script whose first key it has, and another not.
const nonLocalKey = "non local key in a cluster node"

// clusterAdvice is for whom a server of a Cluster sends elsewhere: one address does not tell it
// from a server that stands alone.
const clusterAdvice = "this is a server of a Redis Cluster: set IsClusterMode (cluster=true in a URL), and a prefix with a hash tag, as {ipc}"

// exchange sends the commands at the given places and puts their replies there.
// Its error is of the link, never of the server.
func (c *conn) exchange(ctx context.Context, rc *redis.Conn, cmds []Command, places []int, verb string, replies []Reply) error {
	if len(places) == 0 {
		return nil
	}
	pipe := rc.Pipeline()
	sent := make([]*redis.Cmd, len(places))
	for k, i := range places {
		sent[k] = pipe.Do(ctx, c.words(cmds[i], verb)...)
	}
	_, failed := pipe.Exec(ctx)
	for k, i := range places {
		// Each command knows its own error. One without error and value (a nil
		// reply is redis.Nil) was not answered, whatever the reason.
		value, err := sent[k].Result()
		switch said := serverError(err, c.b.secrets); {
		case err == nil && value == nil:
			return c.fail("talking to Redis", errors.Join(errNoReply, failed))
		case err == nil:
			replies[i] = Reply{Value: normal(value)}
		case errors.Is(err, redis.Nil):
			replies[i] = Reply{}
		case said != nil:
			if !c.b.cfg.cluster() && (said.Code == "MOVED" || strings.Contains(said.Text, nonLocalKey)) {
				said.Text += "; " + clusterAdvice
			}
			replies[i] = Reply{Err: said}
			if said.Code == "READONLY" {
				c.b.demoted(c.link)
			}
		default:
			return c.fail("talking to Redis", err)
		}
	}
	return nil
}

// words returns what goes over the wire for one command.
func (c *conn) words(cmd Command, verb string) []any {
	words := make([]any, 0, 4+len(cmd.Args))
	if s := cmd.Script; s != nil {
		name := s.Hash
		if verb == "eval" {
			name = s.Source
		}
		words = append(words, verb, name, 1, c.epochKey)
	}
	for i := range cmd.Args {
		if cmd.Script == nil {
			words = append(words, cmd.Args[i]) // go-redis looks at what a plain command says
		} else {
			words = append(words, &cmd.Args[i]) // it only writes these: no copy of each
		}
	}
	return words
}

// normal narrows a value of go-redis to what Reply promises. RESP2 has nothing
// else but errors inside arrays, which become their text.
func normal(value any) any {
	switch v := value.(type) {
	case nil, string, int64:
		return v
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
		return value
	case error:
		return v.Error()
	default:
		return fmt.Sprint(v)
	}
}
