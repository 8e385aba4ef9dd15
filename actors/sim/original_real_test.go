package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hustings/actors/sim"
	"hustings/redisbridge/redistest"
)

// odd is what is said to an original on its bully channel, in this order. It stands in "e"
// alone, has won, and its number is 1000.
var odd = []string{
	``, `5`, `true`, `"s"`, `[]`, `{}`, `{"type":"hustings"}`, `{"type":7}`, `{"type":"VOTE","me":1,"id":"spy","election":"e"}`,
	`{"type":"vote","me":900,"id":"spy","election":"e"}`,
	`{"type":"vote","me":1000,"id":"spy","election":"e"}`,
	`{"type":"vote","me":"900","id":"spy","election":"e"}`,
	`{"type":"vote","me":-5,"id":"spy","election":"e"}`,
	`{"type":"vote","me":null,"id":"spy","election":"e"}`,
	`{"type":"vote","me":"abc","id":"spy","election":"e"}`,
	`{"type":"vote","me":{},"id":"spy","election":"e"}`,
	`{"type":"vote","id":"spy","election":"e"}`,
	`{"type":"voteack","id":"spy","election":"e"}`,
	`{"type":"voteack","me":1,"id":7,"election":"e"}`,
	` {"type":"vote","type":"vote","me":999.5,"id":"spy","election":"e","rank":3} `,
	`{"type":"vote","me":1000.5,"id":"spy","election":"e"}`, // lost
	`{"type":"vote","me":1000.5,"id":"spy","election":"e"}`, // no news
	`{"type":"vote","me":"99999999","id":"spy","election":"e"}`,
	`{"type":"vote","me":[99999999],"id":"spy","election":"e"}`,
	`{"type":"vote","me":1e999,"id":"spy","election":"e"}`,
	`{"type":"vote","me":900,"election":"e"}`,
	`{"type":"vote","me":900,"id":null,"election":"e"}`,
	`{"type":"vote","me":900,"id":7,"election":"e"}`,
	`{"type":"vote","me":900,"id":{},"election":"e"}`,
	`{"type":"vote","me":2000,"id":"spy","election":"x"}`, // lost, of an election it is not in
	`{"type":"vote","me":2000,"id":"spy"}`,
	`{"type":"vote","me":900,"id":"spy","election":5}`,
	`{"type":"votekick","me":2000,"id":"spy","election":"y"}`,
	`{"type":"votekick"}`,
}

// deadly is what ends it.
var deadly = []string{
	`null`, `{"type":"voteack","me":1,"id":"spy","election":"x"}`, `{"type":"voteack","me":1,"id":"spy"}`,
}

// answered is where its answers go.
var answered = []string{
	"ipc::bully:spy", "ipc::bully:undefined", "ipc::bully:null", "ipc::bully:7", "ipc::bully:[object Object]",
}

// The model of the original answers and tells what the package does.
func TestTheModelledOriginalTakesWhatTheRealOneTakesAndAnswersTheSame(t *testing.T) {
	redistest.NeedOriginal(t)
	t.Parallel()
	model := modelAnswers(t)
	real := realAnswers(t, model)
	for i, text := range odd {
		if real[i] != model[i] {
			t.Errorf("%s\n real: %s\nmodel: %s", text, real[i], model[i])
		}
	}
	if n := strings.Count(strings.Join(real, ""), "ipc::bully:"); n < 10 {
		t.Errorf("hardly anything was said: %q", real)
	}
}

func TestTheModelledOriginalDiesOfWhatTheRealOneDiesOf(t *testing.T) {
	redistest.NeedOriginal(t)
	t.Parallel()
	server := redistest.NewServer(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	for i, text := range deadly {
		id := fmt.Sprint("old", i)
		o := redistest.NewOriginal(t, redistest.OriginalConfig{Addr: server.Addr, ID: id, PID: 1000, Run: []string{"e"}})
		client.Publish(context.Background(), "ipc::bully:"+id, text)
		if _, ok := o.Await(30*time.Second, 0, func(ev redistest.OriginalEvent) bool { return ev.Kind == "died" }); !ok {
			t.Errorf("the real one outlives %s", text)
		}
		w := sim.New(t, 1)
		m := w.Original(id, 1000, sim.OriginalConfig{Run: []string{"e"}})
		w.Run(time.Second)
		behind(t, w, "PUBLISH", "ipc::bully:"+id, text)
		w.Run(time.Second)
		if m.Alive() {
			t.Errorf("the model outlives %s", text)
		}
	}
}

func modelAnswers(t *testing.T) (list []string) {
	w := sim.New(t, 1)
	o := w.Original("old", 1000, sim.OriginalConfig{Run: []string{"e"}})
	spies := map[string]*[]string{}
	for _, c := range answered {
		spies[c] = spy(w, c)
	}
	w.Run(15 * time.Second)
	for _, text := range odd {
		events := len(o.Events())
		behind(t, w, "PUBLISH", "ipc::bully:old", text)
		w.Run(100 * time.Millisecond)
		var said []string
		for _, c := range answered {
			for _, payload := range *spies[c] {
				said = append(said, c+" "+payload)
			}
			*spies[c] = nil
		}
		for _, ev := range o.Events()[events:] {
			said = append(said, ev.Kind)
		}
		list = append(list, fmt.Sprint(strings.Join(said, " "), " result ", int(o.LastResult("e"))))
	}
	return list
}

// realAnswers are those of a real original. Its events come when its process gets to it, so
// for those that are expected it waits.
func realAnswers(t *testing.T, expected []string) (list []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server := redistest.NewServer(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1})
	defer client.Close() //nolint:errcheck // a test's
	heard := client.Subscribe(ctx, append([]string{"ipc::comm:end"}, answered...)...)
	defer heard.Close() //nolint:errcheck // a test's
	o := redistest.NewOriginal(t, redistest.OriginalConfig{Addr: server.Addr, ID: "old", PID: 1000, Speed: 5, Run: []string{"e"}})
	if _, ok := o.Await(30*time.Second, 0, func(ev redistest.OriginalEvent) bool { return ev.Kind == "won" }); !ok {
		t.Fatal("it does not win")
	}
	for i, text := range odd {
		events := len(o.Events())
		client.Publish(ctx, "ipc::bully:old", text)
		// What it hears next, it hears after this; what it sends then comes after its answers.
		client.Publish(ctx, "ipc::comm:old", i)
		if _, ok := o.Await(30*time.Second, events, func(ev redistest.OriginalEvent) bool {
			return ev.Kind == "message" && string(ev.Value) == fmt.Sprint(i)
		}); !ok {
			t.Fatalf("it is silent after %s: %+v", text, o.Events()[events:])
		}
		if _, err := o.Do("send", map[string]any{"id": "end", "value": i}); err != nil {
			t.Fatal(err)
		}
		said := map[string][]string{}
		for {
			m, err := heard.ReceiveMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if m.Channel == "ipc::comm:end" {
				break
			}
			said[m.Channel] = append(said[m.Channel], m.Channel+" "+m.Payload)
		}
		answer := func() string {
			var all []string
			for _, c := range answered {
				all = append(all, said[c]...)
			}
			for _, ev := range o.Events()[events:] {
				if ev.Kind != "message" && ev.Kind != "stalled" { // the machine was busy
					all = append(all, ev.Kind)
				}
			}
			result, err := o.Do("result", map[string]any{"election": "e"})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(strings.Join(all, " "), " result ", string(result))
		}
		got := answer()
		for late := time.Now().Add(10 * time.Second); got != expected[i] && time.Now().Before(late); got = answer() {
			time.Sleep(10 * time.Millisecond)
		}
		list = append(list, got)
	}
	return list
}
