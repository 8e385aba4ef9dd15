package sim

import (
	"slices"
	"time"

	"hustings/redisbridge"
)

// Redis is the world's Redis: a server with a keyspace, a clock of its own and
// channels, executing one command at a time, and everything that befalls servers.
// It belongs to the goroutine of its world.
type Redis struct {
	world  *World
	store  *store
	offset time.Duration // of its wall clock
	up     bool
	open   []*wire // the server's ends, in the order in which they came

	refuseClients error // what AUTH is answered with
	refuseAll     *redisbridge.ServerError
	former        *dataset // what the primary before the last failover holds
}

func newRedis(w *World, random *Rand) *Redis {
	r := &Redis{world: w, up: true}
	now := func() time.Duration { return w.sched.now }
	r.store = newStore(r.Now, now, random, w.options.history)
	return r
}

// Now reads Redis's wall clock, since the Unix epoch; TIME is this.
func (r *Redis) Now() time.Duration { return r.world.options.wall + r.world.sched.now + r.offset }

// Up reports whether the server runs.
func (r *Redis) Up() bool { return r.up }

// Do executes a command at once, as by a client that is neither far nor unlucky.
// It is for tests that look into Redis or change it behind everyone's back. What
// is published is delivered over the network.
func (r *Redis) Do(words ...string) (any, error) {
	r.world.scenarios()
	reply := r.exec(redisbridge.Command{Args: words})
	return reply.Value, reply.Err
}

// Eval calls a script at once, as [Redis.Do] does a command.
func (r *Redis) Eval(script *redisbridge.Script, args ...string) (any, error) {
	r.world.scenarios()
	reply := r.exec(redisbridge.Command{Script: script, Args: args})
	return reply.Value, reply.Err
}

// exec executes a command and sends out what it published.
func (r *Redis) exec(cmd redisbridge.Command) redisbridge.Reply {
	if r.refuseAll != nil {
		return redisbridge.Reply{Err: r.refuseAll}
	}
	reply := r.store.exec(cmd)
	r.world.observer.executed(cmd, reply)
	if r.world.tap != nil {
		r.world.tap(cmd, reply)
	}
	for i, m := range r.store.outbox {
		r.world.publish(m)
		r.store.outbox[i] = posted{}
	}
	r.store.outbox = r.store.outbox[:0]
	return reply
}

// drop forgets a server's end of a connection.
func (r *Redis) drop(c *wire) {
	if i := slices.Index(r.open, c); i >= 0 {
		r.open = slices.Delete(r.open, i, i+1)
	}
}

// disconnect closes every connection from the server's side.
func (r *Redis) disconnect() {
	for _, c := range slices.Clone(r.open) {
		c.breakUp()
	}
}

// Crash kills the server. Its clients are told as soon as their links allow;
// the data stays until [Redis.Restart] decides about it.
func (r *Redis) Crash() {
	if !r.up {
		return
	}
	r.note("redis crashes", 0)
	r.up = false
	r.disconnect()
}

// Restart starts the server, crashing it first if it runs: with the data that it
// had (AOF), or with none. Either way the server has a new master_replid.
func (r *Redis) Restart(lose bool) {
	r.Crash()
	if lose {
		r.note("redis starts empty", 0)
		r.store.clear()
	} else {
		r.note("redis starts", 0)
	}
	r.store.newReplid()
	r.up = true
}

// Bounce crashes the server and restarts it after d.
func (r *Redis) Bounce(d time.Duration, lose bool) {
	r.Crash()
	r.world.After(d, func() {
		if !r.up {
			r.Restart(lose)
		}
	})
}

// Failover promotes a replica that is lag behind and whose clock differs by skew:
// what was written in the last lag is lost, the replid is new, all connections
// break. lag is at most what [ReplicaHistory] keeps; nothing older is undone.
func (r *Redis) Failover(lag, skew time.Duration) {
	r.note("redis fails over", int64(lag))
	data := r.store.snapshot()
	r.former = &data
	r.disconnect()
	r.store.rollback(lag)
	r.store.newReplid()
	r.offset += skew
	r.up = true
}

// Failback returns clients to the primary that was replaced by the last
// [Redis.Failover], with the data and the replid that it had then. Without one
// it does nothing.
func (r *Redis) Failback() {
	if r.former == nil {
		return
	}
	r.note("redis fails back", 0)
	old := *r.former
	data := r.store.snapshot()
	r.former = &data
	r.disconnect()
	r.store.keys.reset(old.keys)
	r.store.replid, r.store.undo = old.replid, nil
}

// FlushAll is FLUSHALL: the data goes, server and replid stay.
func (r *Redis) FlushAll() {
	r.note("redis is flushed", 0)
	r.store.flush()
}

// NewReplid changes master_replid without any loss, as Redis does an hour after
// its last replica left.
func (r *Redis) NewReplid() { r.store.newReplid() }

// StepClock sets Redis's clock forward, or back if d is negative.
func (r *Redis) StepClock(d time.Duration) {
	r.note("redis clock steps", int64(d))
	r.offset += d
}

// SetReplicas sets what WAIT answers. Default 0.
func (r *Redis) SetReplicas(n int) { r.store.replicas = int64(n) }

// Forbid refuses commands by ACL: "INFO", "PUBSUB" (inside scripts too), "SUBSCRIBE",
// "EVALSHA", or any plain command.
func (r *Redis) Forbid(names ...string) {
	for _, name := range names {
		if _, plain := commands[name]; !plain && name != "EVALSHA" && name != "SUBSCRIBE" {
			r.world.helper()
			r.world.misused("Redis.Forbid: nobody sends a command %q here: names are in capital letters", name)
		}
	}
	r.store.forbidden = append(r.store.forbidden, names...)
}

// Permit takes back every [Redis.Forbid].
func (r *Redis) Permit() { r.store.forbidden = nil }

// RefuseClients answers new connections with an error such as WRONGPASS; nil
// lets them in again. Connections that are open stay.
func (r *Redis) RefuseClients(err *redisbridge.ServerError) {
	r.refuseClients = nil
	if err != nil {
		r.refuseClients = err
	}
}

// RefuseAll answers every command with an error such as LOADING or READONLY;
// nil ends that.
func (r *Redis) RefuseAll(err *redisbridge.ServerError) { r.refuseAll = err }

// DropSubscribers closes the subscriptions of a process from the server's side,
// as CLIENT KILL TYPE pubsub or a full output buffer does. It reports how many.
func (r *Redis) DropSubscribers(p *Process) int {
	n := 0
	for _, c := range slices.Clone(r.open) {
		if _, ok := c.server.(*subscriber); ok && c.link.proc == p {
			c.breakUp()
			n++
		}
	}
	return n
}

// ForgetSubscribers is [Redis.DropSubscribers] without a word to the process, as when a
// connection is cut whose end does not get through: nothing arrives on the
// subscriptions that it has now, and nobody tells it.
func (r *Redis) ForgetSubscribers(p *Process) int {
	n := 0
	for _, c := range slices.Clone(r.open) {
		if _, ok := c.server.(*subscriber); ok && c.link.proc == p {
			c.silent = true
			c.closeServer()
			n++
		}
	}
	return n
}

// Kill closes all connections of a process from the server's side.
func (r *Redis) Kill(p *Process) {
	for _, c := range slices.Clone(r.open) {
		if c.link.proc == p {
			c.breakUp()
		}
	}
}

// Silence makes the connections that a process has now go silent: nothing
// arrives on them any more, in neither direction, and neither end is told.
func (r *Redis) Silence(p *Process) {
	for _, c := range slices.Clone(r.open) {
		if c.link.proc == p {
			c.hush()
		}
	}
}

func (r *Redis) note(what string, n int64) {
	r.world.scenarios()
	r.world.trace.note(nil, what, "", "", n)
}
