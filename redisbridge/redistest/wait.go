package redistest

import (
	"time"

	"hustings/redisbridge"
)

// Sleep waits for d of real time.
func Sleep(d time.Duration) {
	done := make(chan struct{})
	redisbridge.SystemClock{}.AfterFunc(d, func() { close(done) })
	<-done
}

// within reports whether done was closed before d of real time had passed.
func within(d time.Duration, done <-chan struct{}) bool {
	late := make(chan struct{})
	timer := redisbridge.SystemClock{}.AfterFunc(d, func() { close(late) })
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-late:
		return false
	}
}

// retry calls f until it succeeds or d of real time has passed; it returns the
// last error.
func retry(d time.Duration, f func() error) error {
	clock := redisbridge.SystemClock{}
	end := clock.Now().Mono + d
	for {
		err := f()
		if err == nil || clock.Now().Mono > end {
			return err
		}
		Sleep(5 * time.Millisecond)
	}
}
