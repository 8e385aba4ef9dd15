package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const second = int64(time.Second)

// made is a made-up log: two processes, one election, a TTL of 1 s, instants in seconds.
func made(lines ...string) *Log {
	l := &Log{
		Elections: []string{"e"}, Begin: second, Calm: 90 * second, End: 100 * second,
		Processes: []Process{{ID: "a"}, {ID: "b"}},
	}
	for _, text := range lines {
		l.Lines = append(l.Lines, script(text))
	}
	return l
}

// script reads "10.5 a won 7 until 11": an instant, a node, what it said, of which token.
// A "held" says its last yes, too: "10.8 a held 7 yes 10.7 until 11.7".
func script(text string) Line {
	words := strings.Fields(text)
	ns := func(word string) int64 {
		var s float64
		if _, err := fmt.Sscan(word, &s); err != nil {
			panic(err)
		}
		return int64(s * 1e9)
	}
	l := Line{ID: words[1], Process: int(words[1][0] - 'a'), Ev: words[2], At: ns(words[0]), Election: "e"}
	if len(words) > 3 {
		if _, err := fmt.Sscan(words[3], &l.Token); err != nil {
			panic(err)
		}
	}
	for i := 4; i+1 < len(words); i += 2 {
		if words[i] == "until" {
			l.Until = ns(words[i+1])
		} else {
			l.Yes = ns(words[i+1])
		}
	}
	return l
}

var bounds = Bounds{TTL: time.Second, VoteTimeout: time.Second, Nodes: 3}

// rules returns the rules that a log breaks, in the order of the violations.
func rules(l *Log, b Bounds) string {
	var names []string
	for _, v := range Check(l, b).Violations {
		names = append(names, v.Rule)
	}
	return strings.Join(names, " ")
}

func TestTheCheckerFindsWhatIsBroken(t *testing.T) {
	whole := "1 a won 7 until 200"
	for _, c := range []struct {
		name  string
		lines []string
		edit  func(l *Log)
		want  string
	}{
		{"one leader throughout", []string{whole}, nil, ""},
		{"a handover", []string{"1 a won 7 until 50", "40 a lost", "40.001 b won 8 until 200"}, nil, ""},
		{"two leaders", []string{whole, "40 b won 8 until 200"}, nil, "overlap"},
		{
			"a successor before the trust of a frozen leader has ended",
			[]string{"1 a won 7 until 41", "40.9 b won 8 until 200", "60 a lost"},
			nil, "overlap",
		},
		{
			"a successor just after the trust of a frozen leader has ended, long before it says so",
			[]string{"1 a won 7 until 41", "41 b won 8 until 200", "60 a lost"},
			nil, "",
		},
		{
			"a successor while the trust was prolonged",
			[]string{"1 a won 7 until 20", "10 a held 7 yes 10 until 41", "39 b won 8 until 200", "60 a lost"},
			nil, "overlap",
		},
		{
			"a yes after the trust has ended",
			[]string{"1 a won 7 until 41", "42 b won 8 until 200", "60 a lost", "60 a held 7 yes 43 until 41"},
			nil, "overlap",
		},
		{
			"a successor before the office was given up",
			[]string{"1 a won 7 until 200", "40 b won 8 until 200", "40.0002 a lost"},
			nil, "overlap",
		},
		{
			"a successor before the leader was killed",
			[]string{whole, "40 b won 8 until 200"},
			func(l *Log) { l.Processes[0].Ended, l.Processes[0].Killed = 41*second, true }, "overlap",
		},
		{
			"a successor after the leader was killed",
			[]string{whole, "42 b won 8 until 200"},
			func(l *Log) { l.Processes[0].Ended, l.Processes[0].Killed = 41*second, true }, "",
		},
		{
			"a successor of a leader whose trust had ended when it was killed",
			[]string{"1 a won 7 until 30", "31 b won 8 until 200"},
			func(l *Log) { l.Processes[0].Ended, l.Processes[0].Killed = 41*second, true }, "",
		},
		{"two terms of one process", []string{"1 a won 7 until 200", "40 a won 8 until 200"}, nil, ""},
		{"a token that falls", []string{"1 a won 7 until 40", "41 b won 6 until 200"}, nil, "token"},
		{"a token that is handed out twice", []string{"1 a won 7 until 40", "41 b won 7 until 200"}, nil, "token"},
		{"no leader for too long", []string{"1 a won 7 until 20", "60 b won 8 until 200"}, nil, "gap"},
		{"no leader at the end", []string{"1 a won 7 until 20"}, nil, "gap"},
		{
			"no leader for as long while Redis is away",
			[]string{"1 a won 7 until 20", "60 b won 8 until 200"},
			func(l *Log) { l.Faults = []Fault{{Kind: RedisStop, Began: 25 * second, Ended: 55 * second}} }, "",
		},
		{
			"no leader for as long after a fault of Redis",
			[]string{"1 a won 7 until 20", "60 b won 8 until 200"},
			func(l *Log) { l.Faults = []Fault{{Kind: FlushAll, Began: 21 * second, Ended: 22 * second}} }, "gap",
		},
		{
			"no leader for as long while one node is cut off",
			[]string{"1 a won 7 until 20", "60 b won 8 until 200"},
			func(l *Log) { l.Faults = []Fault{{Kind: Cut, Target: "a", Began: 19 * second, Ended: 61 * second}} }, "gap",
		},
		{
			"a process that ends by itself",
			[]string{whole},
			func(l *Log) { l.Processes[1].Ended, l.Processes[1].Code = 30*second, 1 }, "process",
		},
		{
			"a process that ends since it could not log in",
			[]string{whole},
			func(l *Log) {
				l.Processes[1].Ended, l.Processes[1].Code = 30*second, 1
				l.Faults = []Fault{{Kind: PasswordLost, Began: 29 * second, Ended: 31 * second}}
			}, "",
		},
		{
			"a process that was ready ends since its password was changed",
			[]string{whole, "2 b ready"},
			func(l *Log) {
				l.Processes[1].Ended, l.Processes[1].Code = 30*second, 1
				l.Faults = []Fault{{Kind: PasswordLost, Began: 29 * second, Ended: 31 * second}}
			}, "process",
		},
		{
			"a process that panics when it is told to end",
			[]string{whole},
			func(l *Log) {
				l.Processes[1] = Process{ID: "b", Ended: 30 * second, Told: true, Code: 2, Stderr: "panic: no"}
			}, "process",
		},
		{
			"lines that were lost",
			[]string{whole},
			func(l *Log) { l.Lines = append(l.Lines, Line{Ev: "error", ID: "a", Error: "3 lines were lost: ..."}) }, "evidence",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := made(c.lines...)
			if c.edit != nil {
				c.edit(l)
			}
			if got := rules(l, bounds); got != c.want {
				t.Errorf("broken: %q, want %q: %+v", got, c.want, Check(l, bounds).Violations)
			}
		})
	}
}

func TestTheHighestRankOfThoseThatLiveIsTheLastToTakeOffice(t *testing.T) {
	b := bounds
	b.Rank = func(id, _ string) int64 { return int64(id[0]) }
	l := made("1 a won 7 until 200")
	if got := rules(l, b); got != "right leader" {
		t.Errorf("broken: %q", got)
	}
	if got := rules(made("1 a won 7 until 95", "95 b won 8 until 99.9"), b); got != "" {
		t.Errorf("lapsed in the last instant: broken: %q", got)
	}
	l.Processes[1].Ended, l.Processes[1].Told = 50*second, true
	if got := rules(l, b); got != "" {
		t.Errorf("broken: %q", got)
	}
}

func TestOverlapsThatATakeoverAllowsAreCountedApart(t *testing.T) {
	b := bounds
	b.Overlap = time.Second
	l := made("1 a won 7 until 41", "40.5 b won 8 until 200")
	r := Check(l, b)
	if len(r.Violations) != 0 || len(r.Allowed) != 1 || r.Allowed[0] != 500*time.Millisecond {
		t.Errorf("%+v", r)
	}
	if got := rules(made("1 a won 7 until 41", "39 b won 8 until 200"), b); got != "overlap" {
		t.Errorf("broken: %q", got)
	}
}

func TestFiguresBlameTheLatestFaultThatCanHaveDoneIt(t *testing.T) {
	l := made("1 a won 7 until 41", "42 b won 8 until 60", "60 b lost", "61 a won 9 until 200")
	l.Faults = []Fault{
		{Kind: Stop, Target: "a", Began: 40 * second, Ended: 45 * second},
		{Kind: Reset, Target: "b", Began: 40*second + 1, Ended: 40*second + 1},
		{Kind: FlushAll, Began: 59 * second, Ended: 59 * second},
	}
	r := Check(l, bounds)
	for _, k := range r.Kinds {
		want := map[Kind]string{Stop: "1 [2s] [1s]", FlushAll: "1 [2s] [1s]"}[k.Kind]
		if want == "" {
			want = "0 [] []"
		}
		if got := fmt.Sprint(k.Ended, k.Failovers, k.Gaps); got != want {
			t.Errorf("%s: %s, want %s", k.Kind, got, want)
		}
	}
	// 2 of 89 s, and none of 10 s.
	if got := fmt.Sprintf("%.4f %.4f", r.Storm["e"], r.Quiet["e"]); got != "0.9775 1.0000" {
		t.Errorf("availability %s", got)
	}
}

func TestATimelineShowsWhatEverybodyDidAroundAViolation(t *testing.T) {
	l := made("1 a won 7 until 200", "40 b won 8 until 200", "50 b lost")
	for i := range l.Lines {
		l.Lines[i].Raw = fmt.Sprintf(`{"ev":%q,"id":"x","t":1,"mono_ns":1,"token":%d}`, l.Lines[i].Ev, l.Lines[i].Token)
	}
	l.Faults = []Fault{{Kind: Cut, Target: "a", Began: 39 * second, Ended: 45 * second}}
	v := Check(l, bounds).Violations
	if len(v) == 0 {
		t.Fatal("no violation")
	}
	got := strings.Join(l.Timeline(v[0], 3, 1), "\n")
	for _, want := range []string{"a#0            won", "*** cut begins", "39.0000  b#1            won  \"token\":8", "*** cut is over"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "lost") {
		t.Errorf("what came later is shown:\n%s", got)
	}
}
