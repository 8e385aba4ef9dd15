package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// machineClock reads CLOCK_MONOTONIC, which all processes of the machine share.
func machineClock() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("demo: CLOCK_MONOTONIC: " + err.Error())
	}
	return time.Duration(ts.Nano())
}
