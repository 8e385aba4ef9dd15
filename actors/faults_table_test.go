package actors_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// fault is something that is done to a fleet, and undone.
type fault struct {
	name string
	// users: each node logs in with a user of its own.
	users bool
	// server are options of the server.
	server []string
	// ttls is how long it lasts, in TTLs; what is over in an instant has as long to show.
	ttls   float64
	begin  func(s *storm)
	finish func(s *storm)
	// everybody: it is done to all nodes, not only to the one in office (and the child).
	everybody bool
	// down: a link of those that it is done to must go down, or deaf.
	down bool
	// says is in the log or in what events say is the cause.
	says string
}

// In TTLs: long is well beyond the trust of a leader, and a moment lets everybody beat.
const moment, long = 1.2, 2

var faults = append([]fault{
	{
		name: "black hole towards Redis", ttls: long, down: true, says: "bridge down",
		begin: func(s *storm) { s.hit(func(p *redistest.Proxy) { p.Hold(redistest.ToServer) }) },
		finish: func(s *storm) {
			s.hit(func(p *redistest.Proxy) { p.Release(redistest.ToServer) })
		},
	},
	{
		name: "black hole from Redis", ttls: long, down: true, says: "bridge down",
		begin:  func(s *storm) { s.hit(func(p *redistest.Proxy) { p.Hold(redistest.ToClient) }) },
		finish: func(s *storm) { s.hit(func(p *redistest.Proxy) { p.Release(redistest.ToClient) }) },
	},
	{
		name: "black hole both ways, for all", ttls: long, everybody: true, down: true, says: "bridge down",
		begin: func(s *storm) {
			s.hit(func(p *redistest.Proxy) { p.Hold(redistest.ToClient); p.Hold(redistest.ToServer) })
		},
		finish: func(s *storm) {
			s.hit(func(p *redistest.Proxy) { p.Release(redistest.ToClient); p.Release(redistest.ToServer) })
		},
	},
	{
		name: "connections reset", ttls: moment, everybody: true, down: true, says: "connection reset",
		begin: func(s *storm) { s.hit((*redistest.Proxy).Reset) },
	},
	{
		name: "reset and refused", ttls: long, down: true, says: "bridge down",
		begin: func(s *storm) {
			s.hit(func(p *redistest.Proxy) { p.Refuse(); p.Reset() })
		},
		finish: func(s *storm) {
			s.hit(func(p *redistest.Proxy) {
				if err := p.Accept(); err != nil {
					s.t.Fatal(err)
				}
			})
		},
	},
	{
		name: "slow link, within the timeout", ttls: long, everybody: true,
		begin:  func(s *storm) { s.delay(s.ttl / 20) },
		finish: func(s *storm) { s.delay(0) },
	},
	{
		name: "slow link, beyond the timeout", ttls: long, down: true, says: "bridge down",
		begin:  func(s *storm) { s.delay(s.ttl / 2) },
		finish: func(s *storm) { s.delay(0) },
	},
	{
		name: "one lost reply", ttls: moment, everybody: true, down: true, says: "connection reset",
		begin: func(s *storm) { s.hit(func(p *redistest.Proxy) { p.Lose(redistest.ToClient) }) },
	},
	{
		name: "output buffer of subscribers overrun", ttls: long, everybody: true, down: true, says: "bridge down",
		begin: func(s *storm) {
			s.do("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1kb 0 0")
			s.flood()
		},
		finish: func(s *storm) { s.do("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60") },
	},
	{
		name: "output buffer of commands overrun", ttls: long, everybody: true, down: true, says: "bridge down",
		begin: func(s *storm) {
			s.do("CONFIG", "SET", "client-output-buffer-limit", "normal 1kb 0 0")
			// Whoever reads the members gets more than that.
			s.do("HSET", s.key("server:details"), "big", strings.Repeat("x", 1<<20))
		},
		finish: func(s *storm) {
			s.do("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
			s.do("HDEL", s.key("server:details"), "big")
		},
	},
	{
		name: "CLIENT KILL TYPE pubsub", ttls: moment, everybody: true, down: true, says: "bridge down",
		begin: func(s *storm) { s.do("CLIENT", "KILL", "TYPE", "pubsub") },
	},
	{
		name: "CLIENT KILL TYPE normal", ttls: moment, everybody: true, down: true, says: "bridge down",
		begin: func(s *storm) { s.do("CLIENT", "KILL", "TYPE", "normal") },
	},
	{
		name: "Redis stands still (SIGSTOP)", ttls: long, everybody: true, down: true, says: "bridge down",
		begin:  func(s *storm) { s.server.Pause() },
		finish: func(s *storm) { s.server.Resume() },
	},
	{
		name: "CLIENT PAUSE ALL", ttls: long, everybody: true, down: true, says: "bridge down",
		begin: func(s *storm) { s.do("CLIENT", "PAUSE", int64(long*s.ttl/time.Millisecond), "ALL") },
	},
	{
		name: "CLIENT PAUSE WRITE", ttls: long, everybody: true, down: true, says: "bridge down",
		begin:  func(s *storm) { s.do("CLIENT", "PAUSE", 60000, "WRITE") },
		finish: func(s *storm) { s.do("CLIENT", "UNPAUSE") },
	},
	{
		name: "Redis killed, back with its data", ttls: long, everybody: true, down: true, says: "bridge down",
		server: []string{"--appendonly", "yes", "--appendfsync", "always"},
		begin:  func(s *storm) { s.server.Kill() },
		finish: func(s *storm) { s.restart() },
	},
	{
		name: "Redis killed, back without data", ttls: long, everybody: true, down: true, says: "bridge down",
		begin:  func(s *storm) { s.server.Kill() },
		finish: func(s *storm) { s.restart() },
	},
	{
		name: "Redis restarted at once with its data", ttls: moment, everybody: true, down: true, says: "Redis names another tenancy",
		server: []string{"--appendonly", "yes", "--appendfsync", "always"},
		begin:  func(s *storm) { s.server.Kill(); s.restart() },
	},
	{
		name: "Redis restarted at once without data", ttls: moment, everybody: true, down: true, says: "Redis names another tenancy",
		begin: func(s *storm) { s.server.Kill(); s.restart() },
	},
	{
		name: "FLUSHALL", ttls: moment, everybody: true, says: "Redis names another tenancy",
		begin: func(s *storm) { s.do("FLUSHALL") },
	},
	{
		name: "SCRIPT FLUSH", ttls: moment, everybody: true,
		begin: func(s *storm) { s.do("SCRIPT", "FLUSH") },
	},
	{
		name: "a password is set (NOAUTH)", ttls: long, everybody: true, down: true, says: "NOAUTH",
		begin:  func(s *storm) { s.do("CONFIG", "SET", "requirepass", "new"); s.disconnect() },
		finish: func(s *storm) { s.do("CONFIG", "SET", "requirepass", "") },
	},
	{
		name: "the password is changed (WRONGPASS)", users: true, ttls: long, down: true, says: "WRONGPASS",
		begin:  func(s *storm) { s.rights("resetpass", ">another"); s.disconnect() },
		finish: func(s *storm) { s.rights("resetpass", ">"+userPassword) },
	},
	{
		name: "SUBSCRIBE is not permitted", users: true, ttls: long, everybody: true, down: true, says: "deaf",
		begin:  func(s *storm) { s.rights("-subscribe"); s.do("CLIENT", "KILL", "TYPE", "pubsub") },
		finish: func(s *storm) { s.rights("+subscribe") },
	},
	{
		name: "PUBLISH is not permitted to one", users: true, ttls: long, says: "the session is not renewed",
		begin:  func(s *storm) { s.rights("-publish") },
		finish: func(s *storm) { s.rights("+publish") },
	},
	{
		name: "PUBLISH is not permitted to anybody", users: true, ttls: long, everybody: true, says: "the session is not renewed",
		begin:  func(s *storm) { s.rights("-publish") },
		finish: func(s *storm) { s.rights("+publish") },
	},
	{
		name: "no rights at all", users: true, ttls: long, says: "NOPERM",
		begin:  func(s *storm) { s.rights("-@all") },
		finish: func(s *storm) { s.rights("+@all") },
	},
	{
		name: "READONLY: the primary becomes a replica", ttls: long, everybody: true, down: true, says: "READONLY",
		begin:  func(s *storm) { s.do("REPLICAOF", "127.0.0.1", "1") },
		finish: func(s *storm) { s.do("REPLICAOF", "NO", "ONE") },
	},
	{
		name: "LOADING", ttls: moment, everybody: true, down: true, says: "LOADING",
		// 400 keys at 3 ms.
		server: []string{"--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"},
		begin: func(s *storm) {
			for i := range 400 {
				s.do("SET", fmt.Sprint("filler", i), strings.Repeat("x", 1024))
			}
			if err := s.server.Restart(true); err != nil {
				s.t.Fatal(err)
			}
		},
	},
	{
		name: "OOM", ttls: long, everybody: true, says: "OOM",
		begin:  func(s *storm) { s.do("CONFIG", "SET", "maxmemory", "1") },
		finish: func(s *storm) { s.do("CONFIG", "SET", "maxmemory", "0") },
	},
	{
		name: "writes refused (NOREPLICAS)", ttls: long, everybody: true, says: "NOREPLICAS",
		begin:  func(s *storm) { s.do("CONFIG", "SET", "min-replicas-to-write", "1") },
		finish: func(s *storm) { s.do("CONFIG", "SET", "min-replicas-to-write", "0") },
	},
	{
		name: "a script that does not end (BUSY)", ttls: long, everybody: true, says: "BUSY",
		server: []string{"--busy-reply-threshold", "50"},
		begin: func(s *storm) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = s.admin.Eval(context.Background(), "while true do end", nil).Err()
			}()
			s.held = append(s.held, func() { <-ended })
		},
		finish: func(s *storm) {
			_ = s.admin.ScriptKill(context.Background()).Err()
			for _, wait := range s.held {
				wait()
			}
			s.held = nil
		},
	},
}, wrongTypes()...)

// wrongTypes are faults in which another program has put something of another type where
// a key of ours should be. What was there is put back afterwards, since a record or a
// session that is deleted alone is more than is promised to be survived.
func wrongTypes() (list []fault) {
	k := redisbridge.Keys(redisbridge.DefaultPrefix)
	for _, c := range []struct{ what, key string }{
		{"session", k.Session("node-2")},
		{"leader", k.Leader(stormElection)},
		{"candidates", k.Candidates(stormElection)},
		{"ranks", k.Ranks(stormElection)},
		{"participated", k.Participated("node-2")},
		{"details", k.Details()},
		{"list", k.List()},
		{"epoch", k.Epoch()},
		{"sessions", k.Sessions()},
		{"members", k.Members()},
		{"vacant", k.Vacant()},
		{"winner", k.Winner()},
	} {
		says := ""
		if slices.Contains([]string{"session", "details", "epoch", "sessions", "members", "vacant"}, c.what) {
			says = "WRONGTYPE" // the heartbeat uses it
		}
		list = append(list, fault{
			name: "wrong type: " + c.what, ttls: long, everybody: true, says: says,
			begin: func(s *storm) {
				// In one step, or a heartbeat makes it anew in between.
				s.do("EVAL", `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
					redis.call('GEOADD', KEYS[1], 1, 1, 'junk') if ARGV[1] == 'zset' then redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[1], 'junk') end`,
					2, c.key, "aside", map[bool]string{true: "zset"}[c.what == "ranks" || c.what == "sessions" || c.what == "members"])
			},
			finish: func(s *storm) {
				s.do("EVAL", `redis.call('DEL', KEYS[1]) if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end`,
					2, c.key, "aside")
			},
		})
	}
	return list
}

func (s *storm) key(name string) string { return s.prefix + "::" + name }

func (s *storm) delay(d time.Duration) {
	s.hit(func(p *redistest.Proxy) { p.Delay(redistest.ToServer, d); p.Delay(redistest.ToClient, d) })
}

func (s *storm) restart() {
	s.t.Helper()
	if err := s.server.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// rights changes what the victims' users may do.
func (s *storm) rights(words ...any) {
	s.t.Helper()
	for _, i := range s.victims {
		s.do(append([]any{"ACL", "SETUSER", users[i]}, words...)...)
	}
}

// disconnect ends all clients' connections but the administrator's.
func (s *storm) disconnect() {
	s.t.Helper()
	s.do("CLIENT", "KILL", "TYPE", "pubsub")
	s.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
}

// flood publishes more on each victim's channels than a subscriber may have waiting.
func (s *storm) flood() {
	s.t.Helper()
	for _, i := range s.victims {
		id := "child"
		if i < len(s.nodes) {
			id = s.nodes[i].ID()
		}
		s.do("PUBLISH", s.key("bully:"+id), strings.Repeat("x", 1<<20))
	}
}
