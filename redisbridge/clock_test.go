package redisbridge

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSystemClockRunsAndItsTimersFireOrStop(t *testing.T) {
	var c Clock = SystemClock{}
	before := c.Now()
	ctx, fired := context.WithTimeout(context.Background(), 10*time.Second)
	c.AfterFunc(time.Millisecond, fired)
	<-ctx.Done()
	after := c.Now()
	if after.Sub(before) < time.Millisecond || after.Wall == before.Wall {
		t.Errorf("from %v to %v", before, after)
	}
	if year := after.Time().Year(); year < 2025 {
		t.Errorf("the wall clock reads %d", year)
	}
	if timer := c.AfterFunc(time.Hour, func() { t.Error("fired") }); !timer.Stop() || timer.Stop() {
		t.Error("a timer that was stopped says otherwise")
	}
	again := make(chan struct{})
	timer := c.AfterFunc(time.Hour, func() { close(again) })
	if !timer.Reset(time.Millisecond) {
		t.Error("a timer that was to come says otherwise")
	}
	<-again
}

func TestSystemClockReadsPositiveInABubble(t *testing.T) {
	// Whatever stands for "none" or "not yet" is 0.
	if !strings.Contains(started.String(), "m=") {
		t.Errorf("%v has lost its monotonic reading", started)
	}
	synctest.Test(t, func(t *testing.T) {
		begin := SystemClock{}.Now()
		time.Sleep(time.Hour)
		end := SystemClock{}.Now()
		if begin.Mono <= 0 || end.Mono-begin.Mono != time.Hour || end.Wall-begin.Wall != time.Hour {
			t.Errorf("from %+v to %+v", begin, end)
		}
	})
}
