package redisbridge

import (
	"slices"
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
