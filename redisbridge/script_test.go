package redisbridge

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestScriptParts: a script carries the parts of common.lua that it uses, those that they
// use, and no others.
func TestScriptParts(t *testing.T) {
	common := "local a = 1\nlocal function b()\n  return a\nend\nlocal function c()\n  return b()\nend\nlocal function d()\nend\n"
	for body, want := range map[string]string{
		"return c()": "local a = 1\nlocal function b()\n  return a\nend\nlocal function c()\n  return b()\nend\n",
		"return a":   "local a = 1\n",
		"d()":        "local function d()\nend\n",
		"return 1":   "",
	} {
		if got := used(common, body); got != want {
			t.Errorf("for %q: %q, want %q", body, got, want)
		}
	}
}

// TestTheSizeOfAllScriptsIsInTheDocs: who has a slow link reckons with it.
func TestTheSizeOfAllScriptsIsInTheDocs(t *testing.T) {
	size := 0
	for _, s := range Scripts {
		size += len(s.Source)
	}
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	told := regexp.MustCompile(`scripts, (\d+) KB`).FindAllStringSubmatch(string(page), -1)
	if len(told) != 2 {
		t.Fatalf("docs/operations.md has it %d times, want 2", len(told))
	}
	for _, m := range told {
		if kb, err := strconv.Atoi(m[1]); err != nil || kb < size/1000 || kb > size/1000+2 {
			t.Errorf("docs/operations.md has %s KB, the scripts are %d bytes", m[1], size)
		}
	}
}

// TestScriptsAreWhole: of the values that common.lua defines, none that a script's text
// names is missing from it, and each stands before its use.
func TestScriptsAreWhole(t *testing.T) {
	all := parts(mustRead("common"))
	if got := strings.Join(all, ""); got != mustRead("common") {
		t.Fatal("cutting common.lua loses text")
	}
	for _, s := range Scripts {
		body := mustRead(s.Name)
		head, whole := strings.CutSuffix(s.Source, body)
		if !whole {
			t.Fatalf("%s does not end with its own text", s.Name)
		}
		words := luaWord.FindAllString(luaText.ReplaceAllString(s.Source, ""), -1)
		for _, part := range all {
			name := luaWord.FindString(strings.TrimPrefix(strings.TrimPrefix(part, "local "), "function "))
			if slices.Contains(words, name) && !strings.Contains(head, part) {
				t.Errorf("%s names %s and does not have it", s.Name, name)
			}
		}
	}
}
