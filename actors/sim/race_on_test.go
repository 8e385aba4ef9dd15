//go:build race

package sim_test

// raced: the race detector makes a seed take about eight times as long, and has little to
// say about a world that runs on one goroutine.
const raced = true
