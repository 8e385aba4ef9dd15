package actors_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hustings/actors"
	"hustings/redisbridge/redistest"
)

// Who reads a line of the log finds it in docs/operations.md, in the same words: up to the
// first colon, what follows says what is done about it.
func TestEveryLineOfTheLogIsInTheDocs(t *testing.T) {
	page := read(t, "../docs/operations.md")
	_, table, ok := strings.Cut(page, "| level | message | means |")
	if !ok {
		t.Fatal("docs/operations.md has no table of the log")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	line := regexp.MustCompile(`[lL]og(?:ger)?\.(?:Info|Warn|Error|Debug|Log|LogAttrs)\((?:nil, )?(?:slog\.Level[A-Za-z]+, )?"([^"]+)"`)
	found := 0
	for _, pattern := range []string{"*.go", "../redisbridge/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range line.FindAllStringSubmatch(read(t, file), -1) {
				found++
				words, _, _ := strings.Cut(m[1], ":")
				if !strings.Contains(table, "`"+words+"`") && !strings.Contains(table, "`"+words+":") {
					t.Errorf("%s logs %q, which is not in docs/operations.md", file, words)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d lines found", found)
	}
}

// A lost subscription costs no heartbeat: who reads the log then must not take the session for
// endangered.
func TestALostSubscriptionIsNotLoggedAsASessionThatIsNotRenewed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, redistest.NewServer(t).Addr)
	p := f.start("a", 1)
	if err := f.client.Do(bg(t), "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	next(p, func(ev *actors.LinkChanged) bool { return !ev.Up })
	next(p, func(ev *actors.LinkChanged) bool { return ev.Up })
	if log := f.logs.String(); !strings.Contains(log, "bridge down") || strings.Contains(log, "the session is not renewed") {
		t.Error(log)
	}
}
