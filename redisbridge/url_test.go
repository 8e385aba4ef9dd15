package redisbridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRedactHidesEveryPassword(t *testing.T) {
	for in, want := range map[string]string{
		"redis://h:1/2":                            "redis://h:1/2",
		"redis://[::1]:6379":                       "redis://[::1]:6379",
		"redis://u:hunter2@h:1":                    "redis://u:***@h:1",
		"redis://:hunter2@h":                       "redis://:***@h",
		"redis://hunter2@h":                        "redis://***@h",
		"redis://u:hunter@2/hunter2#hunter2@h:1/0": "redis://u:***@h:1/0",
		"u:hunter2@h:1":                            "u:***@h:1",
		"redis://u:hunter2":                        "redis://u:***",
		"redis://h?sentinel_password=hunter2&a=b":  "redis://h?sentinel_password=***&a=b",
		"": "",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRedactNeverShowsThePassword(f *testing.F) {
	f.Add("hunter2", "h:1/0")
	f.Fuzz(func(t *testing.T, password, rest string) {
		// A short one may be part of the host or the scheme.
		if len(password) < 4 || strings.Contains("redis://user:***@"+rest, password) {
			return
		}
		if got := Redact("redis://user:" + password + "@" + rest); strings.Contains(got, password) {
			t.Errorf("%q shows %q", got, password)
		}
	})
}

func TestParseURL(t *testing.T) {
	o, err := ParseURL("rediss://u:p%40ss@[::1]/3?addr=b:2&master=m&client_name=c&sentinel_user=su&sentinel_password=sp")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(o.Addrs, o.Username, o.Password, o.DB, o.MasterName, o.ClientName, o.SentinelUsername, o.SentinelPassword, o.TLSConfig.ServerName)
	if want := "[[::1]:6379 b:2]up@ss3mcsusp"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got %s", got)
	}
	o, err = ParseURL("redis://h?cluster=true")
	if err != nil || !o.IsClusterMode || o.TLSConfig != nil || o.Addrs[0] != "h:6379" {
		t.Errorf("%+v %v", o, err)
	}
}

func TestErrorsOfParseURLSayWhatToDoAndHideTheRest(t *testing.T) {
	for _, in := range []string{
		"", "hunter2", "http://u:hunter2@h", "redis://u:hunter2", "redis://u:hunter2@", "redis://u:hunter2@h:x",
		"redis://u:hunter2@h:0", "redis://u:hunter2@h:1/hunter2", "redis://u:hunter2%@h", "redis://u:hunter2/x@h",
		"redis://u:hunter2@h?hunter2=1", "redis://u:hunter2@h?cluster=hunter2", "redis://u:hunter2@h?%hunter2", "redis://u:hunter2#@h",
		"redis://u:hunter2@h/-1",
	} {
		o, err := ParseURL(in)
		if !errors.Is(err, ErrBackendConfig) {
			t.Errorf("ParseURL(%q) = %+v, %v, want an error", in, o, err)
		} else if s := err.Error(); strings.Contains(s, "hunter2") || !strings.Contains(s, "write redis://") {
			t.Errorf("ParseURL(%q): %s", in, s)
		}
	}
}
