package fsm_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The core starts no goroutine; this is what says so.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
