package actors_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// original plays a node of npm ipc@0.0.1: a plain client that knows its five keys and
// three messages. What it answers is up to the test.
type original struct {
	f     *fleet
	id    string
	pid   int
	inbox chan wire
}

// wire is what came on one of its channels.
type wire struct {
	channel, payload string
	at               time.Time
	vote             struct {
		Type, Election string
		ID             string
		Me             float64
	}
}

// original subscribes, then registers as markProcessOnline does.
func (f *fleet) original(id string, pid int) *original {
	f.t.Helper()
	o := &original{f: f, id: id, pid: pid, inbox: make(chan wire, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	sub := f.client.Subscribe(ctx)
	channels := []string{f.keys.Comm(id), f.keys.Bully(id), f.keys.Public()}
	if err := sub.Subscribe(ctx, channels...); err != nil {
		f.t.Fatal(err)
	}
	confirmed, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		o.listen(ctx, sub, len(channels), confirmed)
	}()
	f.t.Cleanup(func() {
		cancel()
		_ = sub.Close()
		<-ended
	})
	receive(f.t, "the subscription is confirmed", confirmed)
	o.do(f.client.SAdd(ctx, f.keys.List(), id))
	o.do(f.client.HSet(ctx, f.keys.Details(), id, fmt.Sprintf(`{"process":%d,"timestamp":"2026-11-22T16:53:00.960Z"}`, pid)))
	return o
}

func (o *original) listen(ctx context.Context, sub *redis.PubSub, left int, confirmed chan struct{}) {
	for {
		m, err := sub.Receive(ctx)
		switch m := m.(type) {
		case *redis.Subscription:
			if left--; left == 0 {
				close(confirmed)
			}
		case *redis.Message:
			w := wire{channel: m.Channel, payload: m.Payload, at: time.Now()}
			_ = json.Unmarshal([]byte(m.Payload), &w.vote)
			o.inbox <- w
		default:
			if err != nil {
				return
			}
		}
	}
}

func (o *original) do(cmd redis.Cmder) {
	o.f.t.Helper()
	if err := cmd.Err(); err != nil {
		o.f.t.Fatal(err)
	}
}

// runs makes it a candidate.
func (o *original) runs(election string) *original {
	ctx := context.Background()
	o.do(o.f.client.SAdd(ctx, o.f.keys.Participated(o.id), election))
	o.do(o.f.client.SAdd(ctx, o.f.keys.Candidates(election), o.id))
	return o
}

// says publishes a control message to a node.
func (o *original) says(typ, to, election string) {
	o.f.t.Helper()
	o.f.publish(o.f.keys.Bully(to), fmt.Sprintf(`{"type":%q,"election":%q,"me":%d,"id":%q}`, typ, election, o.pid, o.id))
}

// hears waits for a control message of one type.
func (o *original) hears(typ string) wire {
	o.f.t.Helper()
	for {
		if w := receive(o.f.t, o.id+" hears "+typ, o.inbox); w.channel == o.f.keys.Bully(o.id) && w.vote.Type == typ {
			return w
		}
	}
}

func (f *fleet) publish(channel, payload string) {
	f.t.Helper()
	if err := f.client.Publish(bg(f.t), channel, payload).Err(); err != nil {
		f.t.Fatal(err)
	}
}

// wantVote checks the form that originals need.
func wantVote(t testing.TB, w wire, id, election string, me float64) {
	t.Helper()
	if w.vote.ID != id || w.vote.Election != election || w.vote.Me != me {
		t.Errorf("%s", w.payload)
	}
}
