package sim_test

import (
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Worlds live for milliseconds and hold a few megabytes: collecting as soon as that has
	// doubled takes two fifths of a sweep's time.
	debug.SetGCPercent(800)
	goleak.VerifyTestMain(m)
}
