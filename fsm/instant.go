package fsm

import (
	"fmt"
	"time"
)

// Instant is a reading of two clocks at once. The monotonic one never jumps but
// stands still while a virtual machine is suspended; the wall clock runs on then
// but may be set. Leases are kept on both, and whichever ends first ends them.
type Instant struct {
	// Mono is the monotonic reading, since an arbitrary start.
	Mono time.Duration
	// Wall is the wall clock, since the Unix epoch.
	Wall time.Duration
}

// Add returns the instant d later on both clocks.
func (i Instant) Add(d time.Duration) Instant { return Instant{i.Mono + d, i.Wall + d} }

// Sub returns the monotonic time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return i.Mono - j.Mono }

// MarshalJSON writes the wall clock's reading, for people, and the monotonic one, which
// compares with others of the same process.
func (i Instant) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"time":%q,"mono_ns":%d}`, i.String(), int64(i.Mono)), nil
}

// String is the wall clock's reading, as in JSON.
func (i Instant) String() string { return i.Time().UTC().Format(time.RFC3339Nano) }

// Time returns the wall clock's reading as a time.Time.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i.Wall)) }
