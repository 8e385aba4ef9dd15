// Package actors is what users of hustings import: a [Node] is one member of a fleet of
// processes that share a Redis, elects leaders with the others, and exchanges messages
// with them. It is used through plain calls ([Start], [Node.Lead]), or as actors that
// are spawned from an actor system of the user's own ([NodeProps], [ElectionProps]).
//
// # Authority
//
// Messages between nodes choose who tries to lead. Only the lease in Redis decides who
// leads. A term of office begins with a claim that Redis granted, and with nothing else.
//
// A node has one session in Redis, which its heartbeats renew, and all its leaderships
// rest on it: many elections cost one renewal, and one death frees them all.
//
// # What local time may decide
//
// Local time may only end things. A term is trusted until
//
//	the instant just before the last answered heartbeat was sent + TTL - margin
//
// where the margin is TTL/10, at least 50 ms. [Leadership.Valid] compares that with the
// clocks at each call, and a timer of the node ends the term at that instant, which is
// before Redis lets anybody else in. Package fsm says more; docs/guarantees.md has the
// argument and its assumptions.
//
// # Actors
//
// Each actor alone touches its state; there is no mutex in this package. What other
// goroutines read (the view of an election, the members, the trust) are atomic values
// with one writer.
//
//   - The node's actor, of [NodeProps], owns the session, the timers of heartbeats,
//     trust and watched sessions, the list of members, the subscribers, and its children.
//     It is fed by the bridge (answers to its calls, the state of the link, application
//     messages), by its elections (events, whose session to watch), by its timers, and by
//     users (Stop, Subscribe, Unsubscribe, Ack, and what the plain calls send).
//   - An election's actor, of [ElectionProps] or made by the plain calls, owns one state
//     machine, its one timer, the [Leadership] of the present term, and those who wait
//     for it. It is fed by the bridge (answers, control messages of other nodes), by the
//     node (ends of trust and of sessions, the link), by its timer, and by users (Run,
//     Quit, Resign, StandDown, Stand, Inspect, Drained). It decodes, steps the machine, and performs what
//     the machine returns, in that order. All rules are the machine's, in package fsm.
//   - The bridge, a child of the node, talks to Redis; see package redisbridge.
//
// A timer's function only sends a message. The goroutines that this package starts are
// those on which a node's actors run, a few a node; one for each [Node.Observe]; and those
// of context.AfterFunc: one when the context of [Node.Subscribe] or of Lead's work ends. The work of [Node.Lead] runs on the
// goroutine that called Lead, never on an actor's.
//
// # Messages
//
// To a node's PID:
//
//	Stop         quit every election, leave the fleet, stop; answered with Done
//	Subscribe    send events to a PID
//	Unsubscribe  end that; the node does so itself when the subscriber has stopped
//	Ack          a subscriber with a Window has taken N events
//	Handle       give me a *Node, as Attach does
//
// To an election's PID:
//
//	Run      stand; answered with Done once heard, not once decided
//	Quit     withdraw; answered with Done when Redis knows, after draining
//	Resign   give up the office, stay a candidate; answered with Done when
//	         released, with ErrNotLeader by who does not lead. To names who is asked
//	         first: ErrSuccessor, and nothing has changed, if it can't take over
//	StandDown  withdraw, and do not stand before Stand; answered as Quit is. Run and
//	         contenders are remembered, who leads is followed
//	Stand    end that; answered with Done once heard
//	Inspect  answered with a *Snapshot
//	Drained  the work of the term with this token has stopped (see Drains)
//
// Done and Snapshot go to the sender: use Request, not Send, to be answered. They come from
// the PID that was asked, and events from the node's: ctx.Sender() says which. All messages
// are sent as pointers (&actors.Run{}). A value, and a message that is sent to the other kind
// of PID, is ignored: Done says so, and the log does of the first.
//
// An actor cannot use [Node.Send] and [Node.Broadcast] without blocking, and there are no
// messages for them: take a *Node by Handle and call them on a goroutine. To learn of the
// end of a node, Watch its PID, or subscribe with a channel, which is closed then; an actor
// that subscribed is told Lost for the terms that end with it, and nothing of the end itself.
// (Its parent is told by protoactor without a Watch, and twice with one. That may come before
// the Done of Stop.)
//
// NodeProps and ElectionProps may be configured further, with middleware say. What these actors
// send goes through the system's Root: sender middleware there sees it, that of their Props does
// not. Headers are not passed on.
//
// # Events
//
// All are pointers and implement [Event]. Those of an election name it.
//
//	Won            this node leads; with token and until when that is trusted
//	Ending         it leads still, and its work must stop
//	Lost           it does not lead
//	Inconclusive   a round had no result; once per cause until one has
//	LeaderChanged  what is known here of who leads has changed
//	DrainOverdue   the work did not return in time; the office was released
//	Moved          a transition of the state machine (with Transitions)
//	Status         the present state of an election, whenever it changed
//	PeerUp, PeerLeft, PeerDead   who came, took its leave, or died
//	Message        an application message
//	LinkChanged    the link to Redis is up or down, or deaf
//	Failed         the node, or an election's actor, failed; with the error
//	Missed         so many events were dropped: the subscriber was too slow
//
// A new subscriber is first told the present: the link, the members, the state of each
// election. Won and Lost are sent when the last decided result changes, not for every
// round. Whoever quits while leading is sent Lost, then nothing more of that election.
// Events of a node come in one order, the same for all subscribers. No subscriber can
// block an election: each has a queue with a bound, and Missed says what it lost.
//
// # The work and the end of a term
//
// When a term has to end while it is still trusted (Quit, Resign, Stop, a higher
// candidate), the context is cancelled first and the office is kept until the work has
// returned, at most DrainTimeout. Meanwhile [Leadership.Valid] is true, and nobody else
// can lead. Who has the work tells when it has returned: Lead does so itself; after
// [Node.Campaign] call [Leadership.Release]; an actor sets [ElectionConfig].Drains and
// sends Drained. If nobody was handed the leadership there is nothing to wait for.
//
// Nor is there when an election's actor is stopped by protoactor (Stop, Poison, the end of its
// parent): the term is over, and the office given away. Send Quit first, and stop it when Done
// has come.
//
// When trust ends first, there is no waiting: the term is over at that instant, and work
// that goes on is on its own. Its token is then older than its successor's, and a store
// that checks tokens refuses it.
//
// # What goes wrong, and what follows
//
//   - Redis is away, or does not answer: heartbeats fail, LinkChanged tells, the bridge
//     reconnects with back-off. Terms last as long as they are trusted, less than one
//     TTL, and are Lost then. When Redis is back, candidates go on by themselves.
//   - Redis is away while something is to be given up (Quit, Resign, Stop, the end of
//     Lead's context): that is kept and repeated until Redis has answered. Stop, Quit
//     and Resign return then, or when their context ends; give them one that does.
//     Campaign and Lead return at the latest after a TTL.
//   - Redis lost its data, or went back in time: the node registers again, its trusted
//     terms re-assert their records, everybody else's claims are refused for MaxTTL.
//   - This process stood still (SIGSTOP, a suspended machine, a long pause of the
//     collector): Valid and the context's Err say no from the first call after it, also
//     before any timer or message of the node was handled.
//   - Another process has our id: a node that starts waits for the other session to end,
//     and fails with [ErrDuplicateID] if it is renewed twice instead, later than two TTLs
//     after the first look. A node in service that is told that its id is taken gets no
//     more trust, and fails with [ErrReplaced], which is ErrDuplicateID too, if the other
//     started later or renews its session. (It may be a former life of its own that a
//     failover brought back; that one ends by itself.)
//   - The work panics: Lead returns it as an error ([ErrPanic]), the office is given up.
//   - RankFor, Steps or the function of a Handle panics: it is logged and counted, and
//     costs no term. An election whose RankFor panics tells Failed and answers with
//     the error until the node is started again.
//   - An actor of ours panics: it is restarted at once, at most 10 times in 10 s. An
//     election steps down first, tells Failed, gives up its record, and is idle; it
//     stands again if its config says Run or somebody contends in it, after a pause that
//     grows with the restarts. A node begins again with a new incarnation and the same
//     elections and subscribers. An election that panics more often is stopped, taken
//     out of the candidates, and Failed says so.
//   - The user's own supervision applies to what the user spawned: a node or an election
//     under the user's parent is restarted or stopped as that parent's strategy says.
//     Terms end with the panic, however late it decides; and Resume is a restart.
//     If the parent itself panics or is stopped, protoactor stops its children. For a node
//     that is a crash: its session runs out, handles on it have stopped, and the next node
//     under this id waits for that session. So spawn nodes under the root, or under a
//     parent that does nothing else.
//   - The actor system is shut down: that stops no actor. Stop the nodes first.
//   - A fault that cannot heal, before a node was ready once: Start returns the error;
//     with NodeProps, Failed is sent. After that it is an outage like any other, but for
//     an id that is taken.
//   - A node that has failed leads nothing and answers with the error until it is stopped:
//     docs/operations.md says what a program does then.
//
// # What is not promised
//
//   - That there is a leader at every instant, or that the highest rank leads at every
//     instant.
//
//   - That the work has stopped when somebody else's begins, if it ignores its context
//     for longer than DrainTimeout, or for longer than its trust lasts.
//
//   - That a message arrives. Delivery is at most once.
//
//   - That a message's sender is who it says it is. Anybody who may PUBLISH can forge
//     one; it can delay an election, not decide it. With a SharedKey votes, acks and
//     kicks are signed; application messages are not.
//
//   - [Node.Leader] says what is known here. Ask the leader's [Leadership.Valid], or
//     check tokens where it matters.
//
//   - Under [OnDisconnect], which is for fenced work, that at most one is trusted: a
//     leader that Redis lost sight of, and that does not know of it, is until its next
//     heartbeat is answered.
//
// # Concurrent use
//
// All methods of [Node] and [Leadership] may be called from any goroutine, at any time,
// also after the end. A Config is copied when it is used; do not change what its
// pointers point to. RankFor is called on actor goroutines and must not block.
package actors
