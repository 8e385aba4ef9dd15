package main

import (
	"strings"
	"testing"
)

func TestReportsWhatAPersonWants(t *testing.T) {
	for _, c := range []struct {
		name, in string
		ok       bool
		want     []string
		wantNot  string
	}{
		{
			name: "all pass",
			in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.01s\n"}
{"Action":"pass","Package":"p"}
{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}
`,
			ok:      true,
			want:    []string{"ok  \tp\t0.01s\n", "?   \tq\t[no test files]\n", "\n1 passed, 0 failed, 0 skipped\n"},
			wantNot: "chatter",
		},
		{
			name: "a skip is a failure and is named with its reason",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: no server\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}
`,
			want: []string{"skipped: p TestA (a_test.go:3: no server)\n", "0 passed, 0 failed, 1 skipped\n"},
		},
		{
			name: "a failure is printed and counted once, not again for its package",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"two leaders\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.01s\n"}
{"Action":"fail","Package":"p"}
`,
			want: []string{"two leaders\n", "FAIL\tp\t0.01s\n", "0 passed, 1 failed, 0 skipped\n"},
		},
		{
			name: "a package that fails beside its tests counts",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"goleak: found unexpected goroutines\n"}
{"Action":"fail","Package":"p"}
`,
			want: []string{"goleak: found", "1 passed, 1 failed, 0 skipped\n"},
		},
		{
			name: "a build failure shows the compiler's words",
			in: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p/a.go:3: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`,
			want: []string{"undefined: x\n", "[build failed]\n", "0 passed, 1 failed, 0 skipped\n"},
		},
		{
			name: "a stream that breaks off fails",
			in:   `{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"out`,
			want: []string{"p TestA did not end", "0 passed, 1 failed, 0 skipped\n"},
		},
		{
			name: "a test that never ended fails with its package, once",
			in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p"}
`,
			want: []string{"p TestA did not end", "timed out\n", "0 passed, 1 failed, 0 skipped\n"},
		},
		{
			name: "nothing at all fails",
			want: []string{"no test ran\n0 passed, 0 failed, 0 skipped\n"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			ok, err := report(strings.NewReader(c.in), &out)
			if ok != c.ok || err != nil {
				t.Errorf("ok %v, err %v; want %v, nil", ok, err, c.ok)
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in:\n%s", w, out.String())
				}
			}
			if c.wantNot != "" && strings.Contains(out.String(), c.wantNot) {
				t.Errorf("%q in:\n%s", c.wantNot, out.String())
			}
		})
	}
}
