// Command peers measures hustings beside other Go libraries by which one of several
// processes can lead: in one run, on one redis-server, in turns.
//
//	go run -C cmd/demo/peers .
//
// Each library is used as its own documentation has it, and does the same thing: a Go call
// asks for an office (an election, a lock), and returns when it is held; another gives it
// up. What is measured lies between such calls in this process. A round measures the floor
// and each contender once, in an order that rotates, so that a machine that drifts does so
// for all. Before each of them, the floor too, nothing happens for a while: an office changes
// hands seldom, and finds processors asleep. Participants of all contenders are there the
// whole time; those of hustings beat, 0.6 times a second each, also while others are measured.
// Every participant has connections of its own, as a process of its own would, and
// all share this process and its processors with the server.
//
// A participant that crashes is cut off as by SIGKILL: its sockets are closed, no other is
// let through, and its goroutines end. Its key in Redis runs out.
//
// What it does not show: what a library promises. A lock that polls may be fast in a round
// that suits it; whether two can hold it is another matter (docs/guarantees.md).
//
// The files: contender.go has the interface, hustings.go, rueidislock.go, redislock.go and
// redsync.go an adapter each; run.go runs, race.go has participants ask for offices, latency.go, steady.go and many.go
// measure; wire.go counts what is sent and cuts it off; table.go prints.
package main
