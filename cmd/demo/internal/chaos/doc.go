// Package chaos breaks a fleet of real processes in every way it knows, and checks what
// they say of it. It is what "demo chaos" runs.
//
//	[Run]     starts a redis-server with a replica, a proxy for each node, and the
//	          nodes; makes trouble, as a seed says; then quiet; returns a [Log]
//	[Check]   reads a Log, of a run or made up, and returns a [Report]: rules that were
//	          broken, figures
//
// # What a process records
//
// A node writes lines with instants on the machine's monotonic clock, which all processes
// share (mono_ns). Of a term of office: won, with the end of the trust; held, each time the
// trust was prolonged; valid, when a poll of Valid (each millisecond) changes its answer;
// lost. From these a [Term] is made, in which Valid returned true or would have:
//
//   - It begins with the won line: the instant at which the grant was looked at.
//   - A term that lapsed ends when its trust did, as last prolonged. It may have been noticed
//     later, by a process that stood still, but Valid compares with the clock.
//   - A term that was given up ends with the step that closed it, which is the lost line's
//     instant. The release is sent after that.
//   - A term of a process that was killed ends just before the kill, or with the last trust
//     that its lines told, whichever is earlier.
//   - If a poll said yes later than all that, the term ends with that yes.
//
// So a term is never longer than it was: two that overlap are two leaders, whatever the
// load of the machine. It may be shorter by what the last lines of a killed process would
// have told, and by the microseconds between the reading of a clock and the next
// statement.
//
// # Rules
//
//   - overlap: two processes have no term of one election at one instant.
//   - token: in the order of their beginnings, terms have strictly rising tokens.
//   - gap: see [Bounds].
//   - right leader: the last to take office, after all faults, is the highest rank.
//   - process: no process ends by itself, or panics.
//   - evidence: no line was lost.
package chaos
