// Package fsm is the pure core of hustings: what one candidate does in one election,
// and when a lease may be believed. It has no clock, no goroutine, no I/O and no
// randomness of its own.
//
// # Authority
//
// Messages may choose who tries to lead; only the lease in Redis decides who leads.
// A [Machine] is fed with one [Input] at a time and returns [Effect] values, which its
// owner performs in order. What it concludes from messages can at worst delay an
// election. A term of office begins with a granted claim and with nothing else.
//
// # What local time may decide
//
// Local time may only end things: a round that waits too long, a term whose trust is
// over. It never starts or prolongs a term.
//
//	trusted until = instant just before the heartbeat was sent + TTL - margin
//	margin        = TTL/10, at least 50 ms
//
// The send time is before Redis sees the request, so Redis lets the session live at
// least until then plus TTL. The margin covers clocks that run at slightly different
// rates. Trust is kept for each tenancy (the session's birth and the dataset's epoch,
// as Redis names them in its reply) as the maximum over its answered heartbeats; lost,
// late and reordered replies change nothing. It is kept on the monotonic and on the
// wall clock, and whichever ends first ends it. A lapse is final.
//
// # The states
//
// docs/states.md has the table and the diagram; both are made from [Table].
//
// # What goes wrong, and what follows
//
//   - No answer to a vote from somebody who outranks us: the round is inconclusive and
//     tried again; from the third round on the silent one is passed over. The lease
//     keeps that safe.
//   - The outcome of a claim is unknown: it is repeated. Every grant has a new token. If
//     the round is lost meanwhile, we look for a record that names us, and release it.
//   - A grant comes after its round, or in a tenancy that is not trusted: it is no
//     leadership, and is released.
//   - The session's trust ends: the term ends first, then whatever arrived is looked at.
//   - Redis has a new dataset: the leader re-asserts its record until its trust ends;
//     others wait out the quarantine.
//   - A second grant overtakes a term: the record carries its token, so the term ends, and
//     only then is the grant released.
//   - A message is lost, late, repeated or forged: every wait has a deadline, after which
//     Redis itself is asked.
//
// # What is not promised
//
// The core does not promise that the highest-ranked candidate leads at every instant,
// nor that there is a leader at every instant. It promises that a [Lease] which answers
// Valid is the only one of its election that does, under the assumptions that
// docs/guarantees.md lists.
//
// # Concurrent use
//
// One goroutine owns a Machine. A [Lease], a [Trust] and the readers of a [Session] may
// be asked from any goroutine.
package fsm
