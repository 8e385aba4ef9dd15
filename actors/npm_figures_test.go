package actors_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// An original that is kicked before the timer of its round is armed forgets the kick and
// wins (B1). So it does in every round if the replies to its commands come later than what
// is published. Our second kick prevents it. HUSTINGS_NPM_MINUTES, of the originals, makes
// figures of it, HUSTINGS_NPM_LAG_MS, of theirs, makes the replies later or less late.
func TestFalseWinsOfRealOriginalsArePreventedByOurSecondKick(t *testing.T) {
	minutes := time.Duration(setting("HUSTINGS_NPM_MINUTES", 1))
	lag := time.Duration(setting("HUSTINGS_NPM_LAG_MS", 600)) * time.Millisecond
	for name, change := range map[string][]func(*actors.Config){"twice": nil, "once": {actors.KickOriginalsOnce}} {
		t.Run(name, func(t *testing.T) {
			mixed(t, func(t *testing.T, f *npmFleet) {
				f.speed = 10                // replies are late by chance, too, where the machine is busy
				f.our("3", 3000, change...) // integers come in ascending order: it is the last one
				f.ids.Store("1", true)
				low := redistest.NewOriginal(t, redistest.OriginalConfig{
					Addr: f.addr, ID: "1", PID: 1000, Speed: float64(f.speed), Lag: f.scaled(lag), Run: []string{"e"},
				})
				f.olds = append(f.olds, low)
				time.Sleep(f.scaled(minutes*time.Minute + 20*time.Second))
				wins, longest := 0, time.Duration(0)
				now := redisbridge.SystemClock{}.Now().Mono
				for _, w := range oldTerms(low) {
					wins++
					longest = max(longest, cmp.Or(w.to, now)-w.from)
				}
				t.Logf("FIGURE kicked %s: %d false wins in %d rounds, the longest %.1f s of the originals", name, wins, minutes+1, (longest * f.speed).Seconds())
				if l := f.ours[0].Leadership("e"); l == nil || !l.Valid() {
					t.Error("ours does not lead")
				}
				switch {
				case lag != 600*time.Millisecond:
				case name == "once" && wins == 0:
					t.Error("the fault that the second kick is for did not show")
				case name == "twice" && longest > f.scaled(15*time.Second):
					t.Error("the second kick did not end it")
				}
				f.nobodyDied()
			})
		})
	}
}

// How many messages and commands an interval costs, by INFO commandstats.
func TestMessagesOfAnIntervalInFleetsOfOursAndOfRealOriginals(t *testing.T) {
	for _, size := range [][2]int{{2, 0}, {8, 0}, {1, 3}, {3, 3}} {
		t.Run(fmt.Sprintf("%d of ours, %d originals", size[0], size[1]), func(t *testing.T) {
			mixed(t, func(t *testing.T, f *npmFleet) {
				for i := range size[1] {
					f.old(fmt.Sprint("old", i), 10+i)
				}
				before := f.calls("publish")
				for i := range size[0] {
					f.our(fmt.Sprint("ours", i), int64(100+i))
				}
				top := fmt.Sprint("ours", size[0]-1)
				f.soon("joined", top)
				join := f.calls("publish") - before
				time.Sleep(f.scaled(20 * time.Second))
				before, script := f.calls("publish"), f.calls("evalsha")
				beats := f.probes()
				time.Sleep(f.scaled(3 * time.Minute))
				steady, scripts := f.calls("publish")-before, f.calls("evalsha")-script
				beats = f.probes() - beats
				t.Logf("FIGURE %s: %d PUBLISH until settled; in 3 intervals %d, of which probes to oneself about %d; %d scripts",
					t.Name(), join, steady, beats, scripts)
				if size[1] == 0 && steady > beats+2*size[0] {
					t.Errorf("%d PUBLISH while nothing happens, %d heartbeats", steady, beats)
				}
				f.nobodyDied()
			})
		})
	}
}

// calls is how often the server has executed a command, in scripts too.
func (f *npmFleet) calls(command string) (n int) {
	f.t.Helper()
	info := f.client.Info(bg(f.t), "commandstats").Val()
	for _, line := range strings.Split(info, "\r\n") {
		if rest, ok := strings.CutPrefix(line, "cmdstat_"+command+":calls="); ok {
			_, _ = fmt.Sscanf(rest, "%d", &n)
		}
	}
	return n
}

// probes is how many messages to themselves our nodes have received, a heartbeat each; a
// few others are among them.
func (f *npmFleet) probes() (n int) {
	for _, p := range f.ours {
		n += int(p.Counts().MessagesIn) //nolint:gosec // small
	}
	return n
}
