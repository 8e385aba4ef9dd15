package actors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"hustings/actors"
)

func replacing(c *actors.Config) { c.ReplaceDuplicate = true }

func TestAReplacedNodeEndsItsWorkAndSaysByWhomItWasReplaced(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		f.ttl = slowly * 900 * time.Millisecond
		a := f.start("n", 1)
		events := a.Subscribe(bg(t), actors.SubscribeOptions{})
		working, ended := make(chan struct{}), make(chan error, 1)
		returned := make(chan struct{})
		go func() {
			ended <- a.Lead(bg(t), "e", func(ctx context.Context, _ *actors.Leadership) error {
				close(working)
				<-ctx.Done()
				time.Sleep(50 * time.Millisecond) // its last write
				close(returned)
				return nil
			})
		}()
		receive(t, "work", working)
		b := f.start("n", 1, replacing)
		b.run("e").won("e")
		select {
		case <-returned:
		default:
			t.Error("its successor began before the work had ended")
		}
		err := receive(t, "the end of Lead", ended)
		if !errors.Is(err, actors.ErrReplaced) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
			t.Errorf("Lead: %v", err)
		}
		for ev := range events {
			if failed, ok := ev.(*actors.Failed); ok {
				if !errors.Is(failed.Err, actors.ErrReplaced) {
					t.Errorf("Failed: %v", failed.Err)
				}
				break
			}
		}
		if !errors.Is(a.Err(), actors.ErrReplaced) {
			t.Errorf("Err: %v", a.Err())
		}
		if err := a.Run(bg(t), "e"); !errors.Is(err, actors.ErrReplaced) {
			t.Errorf("Run: %v", err)
		}
		if err := a.Stop(bg(t)); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if f.client.Exists(bg(t), f.keys.Session("n")).Val() != 1 {
			t.Error("the older one's end took the session of the newer one with it")
		}
	})
}
