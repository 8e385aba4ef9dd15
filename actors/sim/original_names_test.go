package sim_test

import (
	"strings"
	"testing"
	"time"
)

// The package takes whatever the application gives for an id.
func TestOriginalsOfOddIDsAreAskedAndAnswered(t *testing.T) {
	for name, id := range map[string]string{
		"white space": "web 1", "a tab": "a\tb", "a line feed": "a\nb", "quotes": `q"uo'te\x`, "an escape": "\x1b[2J", "long": strings.Repeat("x", 4096),
	} {
		for _, pid := range []int64{10, 30} {
			t.Run(name, func(t *testing.T) {
				onMixed(t, 3, func(f *mixedFleet) {
					ours := f.our("ours", 20)
					f.w.Run(20 * time.Second)
					f.require("ours")
					peers := peersOf(ours)
					o := f.original(id, pid)
					want := "ours"
					if pid > 20 {
						want = id
					}
					f.w.Run(100 * time.Second)
					f.require(want)
					if pid > 20 {
						o.Crash()
						f.soon("ours", 80*time.Second)
						f.w.Run(5 * time.Second)
						f.tells(peers, id, "up", "dead")
					}
				})
			})
		}
	}
}
