// Package sim is a fleet in one goroutine: simulated processes with their clocks,
// a network, a Redis, and everything that goes wrong with them, in virtual time
// and all of it drawn from one seed. What runs in it is the real thing, actors on
// proto.actor and hustings nodes, on a dispatcher, a mailbox, a clock and a
// redisbridge.Backend of the simulation. An hour takes milliseconds, and a seed
// that finds a fault finds it again.
//
//	func TestTheWorkerSurvivesAnything(t *testing.T) {
//		sim.Test(t, 1000, func(w *sim.World) {
//			for _, id := range []string{"a", "b", "c"} {
//				w.Process(id).Boot(func(p *sim.Process) {
//					p.Spawn(workerProps(p.Clock(), p.Backend()))
//				})
//			}
//			w.Every("one worker at most", atMostOne)
//			w.Storm(time.Minute, sim.Storm{})
//			w.Run(90 * time.Second)
//			w.Require("a worker in the end", someWorker())
//		})
//	}
//
// # Worlds
//
// [New] makes a world for a seed; [Test] makes one for each of many seeds and
// runs them on all cores. A world belongs to one goroutine, and nothing happens
// in it but inside [World.Run] and [World.RunUntil]. Worlds share nothing.
//
// All events of a world are on one agenda, in the order of their virtual instant;
// at one instant the seed decides. One event is one message to one actor, one
// timer, or the arrival of one packet. So the order of everything that could
// happen in another order is another one in the next seed, and the same in the
// next run of this one. [World.Hash] digests a run; with HUSTINGS_TWICE=1 [Test]
// runs each seed twice and compares.
//
// After every event the checks of [World.Every] are looked at. A failure names the
// seed, the rule and the last lines of the trace; HUSTINGS_SEED=n runs it again.
// More than 100,000 events at one instant are a failure too.
//
// # Processes
//
// [World.Process] makes a machine with one process; [Process.Boot] says what runs
// in it, now and after each restart. It must take everything that it needs from
// the Process: [Process.Clock], [Process.Backend], [Process.Rand],
// [Process.System]. Actors spawned there, and their children, run as events of the
// process ([Adopt]). What a former life left behind evaporates at a crash, or
// stays in Redis.
//
// Each process has its own actor system: a PID of one names nobody in another.
//
// Code under simulation must not use package time's clock, goroutines, channels
// that it waits for, select, the global random source, or the order of maps, and
// of proto.actor not: blocking on a Future, timeouts of Futures and StopFuture (a
// RequestFuture with a timeout fails the world; with -1 and ReenterAfter it works),
// SetReceiveTimeout (which fails it, too), the scheduler package, bounded mailboxes, exponential
// back-off, routers, remote and cluster. A panic fails the world, unless
// [TolerateWhen] leaves it to the supervision; where the user names no strategy
// that restarts without counting, since the stock one counts in real seconds.
//
// # Nodes
//
// [World.Node] runs a real hustings node in a process, [Node.Stand] opens elections
// on it, [Node.Tell] sends them actors.Run, Quit, Resign, StandDown…, [Node.Watch] sees its
// events, and [Node.Handle] gives what does not block of the plain-Go interface.
// In a world of [Bubble], [Node.Go] runs ordinary Go code beside them: goroutines, channels,
// contexts, package time, actors.Start and all calls of actors.Node. It may call [World.Now], [World.Fail],
// [World.Err], [World.Seed] and [Node.Working], and does in [Process.Do] what only a scenario
// may; checks are looked at when all of it waits ([World.Every]). What a call would do in
// vain fails the world.
//
// [World.Original] runs a model of a process with npm ipc@0.0.1 beside them.
//
// # Clocks
//
// A process has a monotonic and a wall clock. [Process.SetDrift] makes both run at
// another speed, [Process.JumpWall] sets the wall clock, [Process.Suspend] stops
// the monotonic one while the wall clock runs on. Redis has a clock of its own
// ([Redis.StepClock]). [World.Now] is the time of the world, which nobody in it
// can read.
//
// # Redis
//
// [Redis] is a model: the keys, plain commands and pub/sub that hustings uses, and
// the scripts of docs/protocol.md as Go functions. It is held to real servers by
// the conformance suite of redisbridge/redistest and by random sequences of
// commands compared with a real server's answers. [Redis.Do] and [Redis.Eval] look
// into it, or change it behind everyone's back.
//
// # What goes wrong
//
//   - Single messages: [World.SetWeather]. A lost command or reply breaks the
//     connection or leaves it silent until the client's timeout. A reply may be
//     lost when the command took effect. Published messages are lost, late,
//     doubled, overtaken. [Process.Intercept] picks single commands and replies.
//   - Links: [World.Partition], [World.PartitionOneway], [World.Repair];
//     [World.Hold], [World.HoldOneway], [World.Release]. What a client sent before
//     it gave a connection up may take effect up to [Lateness] later.
//   - Connections: [Redis.Kill], [Redis.DropSubscribers], [Redis.Silence].
//   - Processes: [Process.Crash], [Process.Restart], [Process.Bounce],
//     [Process.Pause], [Process.Resume], [Process.Suspend], [Process.Slow].
//   - Redis: [Redis.Crash], [Redis.Restart], [Redis.Bounce], [Redis.Failover] to a
//     replica that lags, [Redis.Split] (both sides of a partition have a primary), [Redis.Failback], [Redis.FlushAll], [Redis.NewReplid];
//     refusals by [Redis.Forbid], [Redis.RefuseClients], [Redis.RefuseAll].
//   - All of it: [World.Storm] draws hazards from the seed and strikes at random;
//     [World.Calm] ends everything that can end.
//
// # Stories
//
// A [Story] is a world that obeys words and answers in lines that can be read without
// knowing Go: docs/traces is full of them, and they are tests.
//
// # What is not simulated
//
// Redis Cluster and Sentinel (a failover is one event), replicas that can be read,
// output buffer limits, memory, the network's bandwidth, the cost of computing
// ([Process.Slow] apart), and data races: run the same code under -race elsewhere.
package sim
