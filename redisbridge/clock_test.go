package redisbridge

import (
	"context"
	"testing"
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
	if stop := c.AfterFunc(time.Hour, func() { t.Error("fired") }); !stop() || stop() {
		t.Error("a timer that was stopped says otherwise")
	}
}
