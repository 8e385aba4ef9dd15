//go:build race

package actors_test

// slowly stretches short TTLs: under the race detector miniredis takes a tenth of a second
// to compile a script, and a command may take a third of the TTL.
const slowly = 4
