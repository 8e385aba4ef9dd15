package redisbridge

import "testing"

func TestWhatAnInfoSaysOfEvictionIsReadFromAnyText(t *testing.T) {
	for text, risk := range map[string]bool{
		"": false, "\r\n": false, "# Memory": false, ":\r\n::": false,
		"# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n": true,
		"maxmemory:1048576\nmaxmemory_policy:allkeys-lru":                   true, // a proxy's, without the heading
		"maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n":              false,
		"maxmemory:1048576\r\n":                                             false,
	} {
		if said := evicts(text); (said != "") != risk {
			t.Errorf("%q: %q", text, said)
		}
	}
}
