//go:build !linux

package main

import "time"

// machineClock stands in for a monotonic clock that all processes of the machine share:
// it is the wall clock, which is read once, at the start.
func machineClock() time.Duration { return clock.Now().Wall }
