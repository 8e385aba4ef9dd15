// Package bench measures hustings on a real redis-server, for demo bench.
//
// A run begins with the floor: what the same client, server and machine need for a plain
// round trip, for a script, for a publication to arrive. Every latency is printed with its
// ratio to that, since machines differ and drift; figures of two runs compare by it. The
// floor that a section is compared with is taken again just before it.
//
// All nodes live in this process, each with its own connections, and share its processors
// and the server's: on a machine with few cores a fleet's latency is that of its
// processor time. A node that "crashes" is cut off with its sockets closed, as the kernel
// does after SIGKILL, and its actors are dropped: its session runs out in Redis.
//
// docs/performance.md says what the figures mean and has a full run.
package bench
