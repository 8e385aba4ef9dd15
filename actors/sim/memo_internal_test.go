package sim

import (
	"fmt"
	"maps"
	"testing"
)

func TestAMemoAnswersAsAMapDoes(t *testing.T) {
	var keys []string
	for i := range 200 { // more than there are spots
		keys = append(keys, fmt.Sprintf("k%d", i), fmt.Sprintf("ipc::election:n%d:participated", i))
	}
	keys = append(keys, "", "1234567", "12345678")
	r := NewRand(1)
	var m memo[int]
	plain := map[string]int{}
	for n := range 100_000 {
		key := keys[r.IntN(len(keys))]
		switch r.IntN(8) {
		case 0:
			m.set(key, n)
			plain[key] = n
		case 1:
			m.remove(key)
			delete(plain, key)
		case 2:
			if r.Chance(0.01) {
				m.reset(maps.Clone(plain))
			}
		default:
			got, known := m.get(key)
			if want, there := plain[key]; got != want || known != there {
				t.Fatalf("after %d steps %q is %d, %v, want %d, %v", n, key, got, known, want, there)
			}
		}
	}
	if !maps.Equal(m.all, plain) {
		t.Error("the map differs")
	}
}
