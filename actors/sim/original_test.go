package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors/sim"
)

// originals starts processes of the original, the highest number last, that stand in "e".
func originals(w *sim.World, count int) []*sim.Original {
	list := make([]*sim.Original, count)
	for i := range list {
		list[i] = w.Original(fmt.Sprintf("o%d", i), int64(1000+i), sim.OriginalConfig{Run: []string{"e"}})
	}
	return list
}

// told is what an original's application was told, without messages.
func told(o *sim.Original) string {
	var s []string
	for _, ev := range o.Events() {
		if ev.Kind != "message" {
			s = append(s, strings.TrimSpace(ev.Kind+" "+ev.ID))
		}
	}
	return strings.Join(s, ", ")
}

// within reports whether an event came within a tenth of a second after an instant.
func within(at, want time.Duration) bool { return at >= want && at < want+100*time.Millisecond }

// behind is a Redis command behind everyone's back.
func behind(t testing.TB, w *sim.World, words ...string) any {
	t.Helper()
	v, err := w.Redis().Do(words...)
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	return v
}

// spy subscribes a process of its own to a channel.
func spy(w *sim.World, channel string) *[]string {
	heard := &[]string{}
	w.Process("spy "+channel).Backend().Subscribe([]string{channel}, handler(func(_, payload string) {
		*heard = append(*heard, payload)
	}))
	return heard
}

func TestOriginalsElectTheHighestTenSecondsAfterTheirRun(t *testing.T) {
	for _, count := range []int{1, 3, 5} {
		w := sim.New(t, 1)
		list := originals(w, count)
		w.Run(30 * time.Second)
		for i, o := range list[:count-1] {
			if told(o) != "lost" {
				t.Errorf("%d of %d: %s", i, count, told(o))
			}
		}
		last := list[count-1]
		if ev := last.Events(); len(ev) != 1 || ev[0].Kind != "won" || !within(ev[0].At, 10*time.Second) {
			t.Errorf("highest of %d: %+v", count, ev)
		}
	}
}

func TestAnOriginalsRoundCosts3NMinus1Commands(t *testing.T) {
	for count, want := range map[int]int{1: 2, 2: 5, 3: 8, 5: 14} {
		w := sim.New(t, 1)
		list := originals(w, count)
		w.Run(40 * time.Second)
		before := list[0].Commands()
		w.Run(time.Minute)
		if got := list[0].Commands() - before; got != want {
			t.Errorf("%d candidates: %d commands an interval, want %d", count, got, want)
		}
	}
}

func TestOriginalsMessagesAreThoseOnTheWire(t *testing.T) {
	w := sim.New(t, 1)
	higher, lower := spy(w, "ipc::bully:n3"), spy(w, "ipc::bully:n1")
	w.Original("n2", 16562, sim.OriginalConfig{Run: []string{"default"}})
	behind(t, w, "SADD", "ipc::election:default:candidates", "n3")
	behind(t, w, "HSET", "ipc::server:details", "n3", `{"process":16580}`)
	w.Run(time.Second)
	if got := fmt.Sprint(*higher); got != `[{"type":"vote","election":"default","me":16562,"id":"n2"}]` {
		t.Error(got)
	}
	behind(t, w, "PUBLISH", "ipc::bully:n2", `{"type":"vote","election":"default","me":16580,"id":"n3"}`)
	behind(t, w, "PUBLISH", "ipc::bully:n2", ` {"type":"vote","election":7,"me":"-5","id":"n1","more":true}`)
	w.Run(time.Second)
	if got := (*higher)[1]; got != `{"type":"voteack","me":16562,"id":"n2","election":"default"}` {
		t.Error(got)
	}
	if got := fmt.Sprint(*lower); got != `[{"type":"votekick","me":16562,"id":"n2","election":7}]` {
		t.Error(got)
	}
	details := behind(t, w, "HGET", "ipc::server:details", "n2").(string)
	if !strings.HasPrefix(details, `{"process":16562,"timestamp":"20`) || !strings.HasSuffix(details, `Z"}`) {
		t.Error(details)
	}
}

func TestADeadOriginalLeaderIsFoundByTheNextRoundsAndReplacedTenSecondsLater(t *testing.T) {
	w := sim.New(t, 1)
	list := originals(w, 3)
	w.Run(15 * time.Second)
	list[2].Crash()
	w.Run(2 * time.Minute)
	if told(list[1]) != "lost, dead o2, won" || !strings.HasPrefix(told(list[0]), "lost") {
		t.Errorf("%s; %s", told(list[0]), told(list[1]))
	}
	events := list[1].Events()
	if !within(events[1].At, 60*time.Second) || !within(events[2].At, 70*time.Second) || events[1].Text != "1002" {
		t.Errorf("%+v", events)
	}
	if v := behind(t, w, "SISMEMBER", "ipc::election:o2:participated", "e"); v != int64(1) {
		t.Error("a purge removed the participated set") // B23
	}
}

func TestAHigherOriginalThatJoinsDeposesTheLeaderAtOnceAndWinsTenSecondsLater(t *testing.T) {
	w := sim.New(t, 1)
	low := originals(w, 1)[0]
	w.Run(20 * time.Second)
	high := w.Original("high", 2000, sim.OriginalConfig{Run: []string{"e"}})
	w.Run(20 * time.Second)
	if told(low) != "won, lost" || !within(low.Events()[1].At, 20*time.Second) {
		t.Errorf("%+v", low.Events())
	}
	if told(high) != "won" || !within(high.Events()[0].At, 30*time.Second) {
		t.Errorf("%+v", high.Events())
	}
}

func TestAnOriginalTakesMessagesAsThePackageDoes(t *testing.T) {
	for payload, want := range map[string]string{
		"":                                   "won",
		"x{":                                 "won",
		"5":                                  "won",
		"[]":                                 "won",
		`{"type":"Vote"}`:                    "won",
		`{"type":"leader"}`:                  "won",
		"null":                               "won, died",
		`{"type":"votekick"}`:                "won, lost",
		`{"type":"votekick","election":"e"}`: "won, lost",
		`{"type":"voteack","election":"other","id":"o1"}`:           "won, died",
		`{"type":"voteack"}`:                                        "won, died",
		`{"type":"voteack","election":"e","id":7}`:                  "won",
		`{"type":"vote","election":"e","me":"99999999","id":"x"}`:   "won, lost",
		`{"type":"vote","election":"e","me":99999999.5,"id":"x"}`:   "won, lost",
		`{"type":"vote","election":"e","me":1e999,"id":"x"}`:        "won, lost",
		`{"type":"vote","election":"e","me":[99999999],"id":"x"}`:   "won, lost",
		`{"type":"vote","election":"new","me":99999999,"id":"x"}`:   "won, lost",
		`{"type":"vote","election":"e","me":null,"id":"x"}`:         "won",
		`{"type":"vote","election":"e","me":"abc","id":"x"}`:        "won",
		`{"type":"vote","election":"e","id":"x"}`:                   "won",
		`{"type":"vote","type":"votekick","election":"e"}`:          "won, lost",
		`{"type":"vote","election":"e","me":1000,"id":"same pid"}`:  "won",
		`{"type":"vote","election":"e","me":999.5,"id":"fraction"}`: "won",
	} {
		w := sim.New(t, 1)
		o := originals(w, 1)[0]
		w.Run(20 * time.Second)
		behind(t, w, "PUBLISH", "ipc::bully:o0", payload)
		w.Run(20 * time.Second)
		if told(o) != want {
			t.Errorf("%s: %s, want %s", payload, told(o), want)
		}
		w.Close()
	}
}

func TestAnswersToOddVotesGoWhereThePackageSendsThem(t *testing.T) {
	for id, channel := range map[string]string{"": "undefined", `,"id":null`: "null", `,"id":7`: "7", `,"id":{}`: "[object Object]", `,"id":"a:b c"`: "a:b c"} {
		w := sim.New(t, 1)
		heard := spy(w, "ipc::bully:"+channel)
		originals(w, 1)
		w.Run(time.Second)
		behind(t, w, "PUBLISH", "ipc::bully:o0", `{"type":"vote","election":"e","me":true`+id+`}`)
		w.Run(time.Second)
		if len(*heard) != 1 || !strings.Contains((*heard)[0], "votekick") {
			t.Errorf("%s: %q", channel, *heard)
		}
		w.Close()
	}
}

func TestOriginalsMessageEachOther(t *testing.T) {
	w := sim.New(t, 1)
	list := originals(w, 2)
	var counts []int64
	count := func(n int64, err error) { counts = append(counts, n) }
	w.Run(time.Second)
	list[0].Send("o1", `{"a":1}`, count)
	list[0].Send("absent", `1`, count)
	list[0].Broadcast(`null`, count)
	list[0].Broadcast(`undefined`, count) // B22
	w.Run(time.Second)
	if fmt.Sprint(counts) != "[1 0 2 2]" || list[0].Count("message") != 1 || list[1].Count("message") != 2 {
		t.Errorf("%v; %+v; %+v", counts, list[0].Events(), list[1].Events())
	}
}

// What an original is asked for in the instant of its start is done when it has started, in order.
func TestAnOriginalThatIsStartedAgainDoesWhatItIsAskedAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		w := sim.New(t, seed)
		o := w.Original("o", 1, sim.OriginalConfig{})
		w.Run(time.Second)
		o.Run("former")
		o.Restart()
		o.Online(nil)
		o.Run("e")
		w.Run(20 * time.Second)
		if got := told(o); got != "won" {
			t.Fatalf("seed %d: it was told %q", seed, got)
		}
	}
}
