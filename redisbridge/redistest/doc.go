// Package redistest starts Redis servers and breaks the way to them, for tests
// of programs that use hustings and for hustings' own:
//
//   - [Server] is a real redis-server on the loopback interface, with TLS too,
//   - [Replicated] is a primary with replicas and Sentinels, [Cluster] a Redis Cluster,
//   - [Mini] is miniredis with a clock that runs,
//   - [Proxy] is a TCP proxy that can lose, hold, delay, refuse, reset and lead elsewhere,
//   - [Conformance] is the suite that every implementation of redisbridge.Backend
//     and of the scripts must pass, the simulated one included.
//
// Servers and proxies are stopped by what they return or, if they were started
// with a testing.TB, when the test ends.
package redistest
