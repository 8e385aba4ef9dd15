package main

import (
	"context"
	"strconv"
	"time"

	"hustings/fsm"
	"hustings/redisbridge"
)

// clock is the one that the library uses too.
var clock redisbridge.SystemClock

// monoBase is what CLOCK_MONOTONIC says when clock.Now().Mono is 0, so that an instant of
// the library's can be told on a clock that all processes of a machine share.
var monoBase = measureBase()

// measureBase reads both clocks, one between two readings of the other, and keeps the
// pair that was read fastest.
func measureBase() time.Duration {
	best, base := time.Duration(-1), time.Duration(0)
	for range 16 {
		before := clock.Now().Mono
		mono := machineClock()
		after := clock.Now().Mono
		if d := after - before; best < 0 || d < best {
			best, base = d, mono-before-d/2
		}
	}
	return base
}

// monoNS tells an instant on the machine's monotonic clock, in nanoseconds.
func monoNS(at fsm.Instant) int64 { return int64(monoBase + at.Mono) }

// unixMS tells an instant as Unix milliseconds, with microseconds.
func unixMS(at fsm.Instant) string {
	return strconv.FormatFloat(float64(at.Wall.Microseconds())/1e3, 'f', 3, 64)
}

// pause waits for d and reports whether it could: false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
