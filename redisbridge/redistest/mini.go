package redistest

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// Mini is a miniredis whose keys expire as time passes: by itself it would keep
// them for ever. It differs from Redis in that INFO is refused, its script cache
// survives, error codes of scripts are lost, and a subscriber that does not read
// blocks everybody.
type Mini struct {
	*miniredis.Miniredis
}

// NewMini starts a miniredis on the loopback interface and stops it when the
// test ends.
func NewMini(t testing.TB) *Mini {
	t.Helper()
	m := miniredis.RunT(t)
	m.ClockTTL(true)
	return &Mini{m}
}
