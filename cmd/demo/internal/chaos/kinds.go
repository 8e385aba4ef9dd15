package chaos

import (
	"fmt"
	"strings"
	"time"

	"hustings/redisbridge/redistest"
)

// Kind is a kind of fault.
type Kind string

// The kinds, as flags and tables spell them.
const (
	Kill         Kind = "kill"
	Stop         Kind = "stop"
	Terminate    Kind = "term"
	Join         Kind = "join"
	Resign       Kind = "resign"
	Withdraw     Kind = "withdraw"
	HoleOut      Kind = "hole-out"
	HoleIn       Kind = "hole-in"
	Cut          Kind = "cut"
	Reset        Kind = "reset"
	Lose         Kind = "lose"
	Delay        Kind = "delay"
	Refuse       Kind = "refuse"
	ClientKill   Kind = "client-kill"
	RedisStop    Kind = "redis-stop"
	RestartKeep  Kind = "restart-keep"
	RestartLose  Kind = "restart-lose"
	FlushAll     Kind = "flushall"
	ScriptFlush  Kind = "script-flush"
	Failover     Kind = "failover"
	FailoverLag  Kind = "failover-lag"
	PasswordLost Kind = "password"
)

// kindTable is every kind: what it does, for how long (in TTLs), and how. do has found its
// target free, or Redis; it calls begun when the fault begins and returns when it is over.
var kindTable = []struct {
	kind     Kind
	about    string
	from, to float64
	node     func(r *run, p *plan, n *node)
	redis    func(r *run, p *plan, begun func(note string)) error
}{
	{kind: Kill, about: "SIGKILL; started again", from: 0, to: 3, node: (*run).killNode},
	{kind: Stop, about: "SIGSTOP, then SIGCONT", from: 0.1, to: 4, node: (*run).stopNode},
	{kind: Terminate, about: "SIGTERM: a graceful end; started again", from: 0, to: 2, node: (*run).termNode},
	{kind: Join, about: "a node of higher rank joins, and is ended or killed", from: 0.5, to: 3},
	{kind: Resign, about: "told to resign", node: (*run).resignNode},
	{kind: Withdraw, about: "told to quit the election, then to run in it", from: 0, to: 1, node: (*run).withdrawNode},
	{kind: HoleOut, about: "nothing reaches Redis from a node", from: 0.1, to: 4, node: hold(HoleOut, redistest.ToServer)},
	{kind: HoleIn, about: "nothing reaches a node from Redis", from: 0.1, to: 4, node: hold(HoleIn, redistest.ToClient)},
	{kind: Cut, about: "neither direction", from: 0.1, to: 4, node: hold(Cut, redistest.ToServer, redistest.ToClient)},
	{kind: Reset, about: "a node's connections are reset", node: (*run).resetNode},
	{kind: Lose, about: "what comes next on each connection is lost, and the connection with it", node: (*run).loseNode},
	{kind: Delay, about: "all that passes is late, up to 0.4 TTL", from: 0.5, to: 3, node: (*run).delayNode},
	{kind: Refuse, about: "connections reset, new ones refused", from: 0.1, to: 3, node: (*run).refuseNode},
	{kind: ClientKill, about: "CLIENT KILL of all commands' or all subscriptions' connections", redis: (*run).clientKill},
	{kind: RedisStop, about: "SIGSTOP of Redis, then SIGCONT", from: 0.1, to: 3, redis: (*run).stopRedis},
	{kind: RestartKeep, about: "Redis restarts with its data", redis: (*run).restartKeep},
	{kind: RestartLose, about: "Redis is killed and starts empty", from: 0, to: 2, redis: (*run).restartLose},
	{kind: FlushAll, about: "FLUSHALL", redis: (*run).flushAll},
	{kind: ScriptFlush, about: "SCRIPT FLUSH", redis: (*run).scriptFlush},
	{kind: Failover, about: "the primary dies, its replica is promoted", redis: (*run).failover},
	{kind: FailoverLag, about: "the same, and the replica lagged", from: 0.2, to: 3, redis: (*run).failover},
	{kind: PasswordLost, about: "the nodes' password is changed, and put back", from: 0.1, to: 2, redis: (*run).loseLogin},
}

// Kinds returns all kinds.
func Kinds() []Kind {
	list := make([]Kind, len(kindTable))
	for i, k := range kindTable {
		list[i] = k.kind
	}
	return list
}

// About says what a kind is.
func About(k Kind) string {
	for _, t := range kindTable {
		if t.kind == k {
			return t.about
		}
	}
	return ""
}

// ParseKinds reads a list of kinds, all or none.
func ParseKinds(text string) ([]Kind, error) {
	switch text {
	case "all":
		return Kinds(), nil
	case "none":
		return nil, nil
	}
	var list []Kind
	for _, word := range strings.Split(text, ",") {
		if About(Kind(word)) == "" {
			names := make([]string, 0, len(kindTable))
			for _, k := range Kinds() {
				names = append(names, string(k))
			}
			return nil, fmt.Errorf("%q is unknown: use all, none, or some of %s", word, strings.Join(names, ","))
		}
		list = append(list, Kind(word))
	}
	return list, nil
}

// plan is a fault as it was drawn; the fleet's state decides only which node leads.
type plan struct {
	kind         Kind
	offset, hold time.Duration
	election     string // its leader is the target, if lead
	lead         bool
	node         int // else this one
	coin         int // 0 to 99, for what else there is to choose
}

// draw draws the next fault: the kinds come in turns, shuffled, so that none is rare.
func (r *run) draw() plan {
	if len(r.deck) == 0 {
		r.deck = append(r.deck, r.o.Kinds...)
		r.rng.Shuffle(len(r.deck), func(i, j int) { r.deck[i], r.deck[j] = r.deck[j], r.deck[i] })
	}
	k := r.deck[0]
	r.deck = r.deck[1:]
	p := plan{
		kind: k, offset: r.ttls(0, 1),
		election: r.elections[r.rng.IntN(len(r.elections))], lead: r.rng.IntN(10) < 7,
		node: r.rng.IntN(r.o.Nodes), coin: r.rng.IntN(100),
	}
	for _, t := range kindTable {
		if t.kind == k {
			p.hold = r.ttls(t.from, t.to)
		}
	}
	return p
}

// ttls draws a time.
func (r *run) ttls(from, to float64) time.Duration {
	return time.Duration((from + (to-from)*r.rng.Float64()) * float64(r.o.TTL))
}
