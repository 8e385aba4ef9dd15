package sim_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Worlds live for milliseconds and hold a few megabytes: collecting as soon as that has
	// doubled takes two fifths of a sweep's time. Memory is bounded where there are many cores.
	debug.SetGCPercent(3200)
	debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), max(1<<30, int64(runtime.GOMAXPROCS(0))<<26)))
	goleak.VerifyTestMain(m)
}
