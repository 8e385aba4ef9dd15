package actors

import (
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Against a map, with names that come and go and come again.
func TestARegisterFindsWhatIsInItAndNothingElse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, want := newRegister(), map[string]*entry{}
		for range rapid.IntRange(1, 400).Draw(rt, "steps") {
			name := fmt.Sprint("e", rapid.IntRange(0, 60).Draw(rt, "name"))
			switch rapid.IntRange(0, 20).Draw(rt, "step") {
			case 0:
				r.clear()
				clear(want)
			case 1, 2, 3, 4, 5, 6, 7, 8:
				r.remove(name)
				delete(want, name)
			default:
				e := &entry{name: name}
				r.put(e)
				want[name] = e
			}
			if got := r.find(name); got != want[name] {
				rt.Fatalf("%s: found %v, want %v", name, got, want[name])
			}
		}
		found := map[string]*entry{}
		r.each(func(e *entry) { found[e.name] = e })
		if fmt.Sprint(found) != fmt.Sprint(want) || r.live != len(want) {
			rt.Fatalf("has %v (%d), want %v", found, r.live, want)
		}
	})
}

// A register that elections pass through for ever does not grow.
func TestARegisterReusesTheRoomOfWhatIsRemoved(t *testing.T) {
	r := newRegister()
	for i := range 100_000 {
		name := fmt.Sprint("e", i)
		r.put(&entry{name: name})
		if i >= 10 {
			r.remove(fmt.Sprint("e", i-10))
		}
	}
	if n := len(*r.slots.Load()); n > 64 {
		t.Errorf("%d slots for 10 entries", n)
	}
}

// Readers on other goroutines find what stays in it all along, whatever comes and goes.
func TestReadersOfARegisterNeedNotWait(t *testing.T) {
	r := newRegister()
	stays := &entry{name: "stays"}
	r.put(stays)
	var readers sync.WaitGroup
	over := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if r.find("stays") != stays || r.find("never") != nil {
					t.Error("not found, or found what was never there")
					return
				}
			}
		})
	}
	for i := range 20_000 {
		r.put(&entry{name: fmt.Sprint("e", i%5000)})
		if i%3 == 0 {
			r.remove(fmt.Sprint("e", i%4999))
		}
	}
	close(over)
	readers.Wait()
}

// Whoever looks again only after a turn misses nothing: each change of what a lookup can
// find is one.
func TestEveryChangeOfTheRegisterIsATurn(t *testing.T) {
	r := newRegister()
	for what, change := range map[string]func(){
		"put":     func() { r.put(&entry{name: "b"}) },
		"replace": func() { r.put(&entry{name: "a"}) },
		"remove":  func() { r.remove("a") },
		"clear":   r.clear,
	} {
		r.put(&entry{name: "a"})
		before := r.turns.Load()
		change()
		if r.turns.Load() == before {
			t.Errorf("%s is none", what)
		}
	}
}
