package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestClassify(t *testing.T) {
	for text, want := range map[string]Class{
		"NOAUTH Authentication required.":           Permanent,
		"WRONGPASS invalid username-password pair":  Permanent,
		"NOPERM this user has no permissions":       Permanent,
		"CROSSSLOT Keys in request":                 Permanent,
		"WRONGTYPE Operation against a key":         Permanent,
		"ERR unknown command 'EVALSHA'":             Permanent,
		"ERR DB index is out of range":              Permanent,
		"ERR Client names cannot contain spaces":    Permanent,
		"READONLY You can't write":                  Reconnect,
		"MOVED 1 127.0.0.1:1":                       Reconnect,
		"ASK 1 127.0.0.1:1":                         Reconnect,
		"LOADING Redis is loading":                  Reconnect,
		"MASTERDOWN Link with MASTER is down":       Reconnect,
		"CLUSTERDOWN The cluster is down":           Reconnect,
		"BUSY Redis is busy running a script":       Busy,
		"OOM command not allowed":                   Busy,
		"MISCONF Redis is configured to save":       Busy,
		"NOREPLICAS Not enough good replicas":       Busy,
		"TRYAGAIN Multiple keys":                    Busy,
		"ERR max number of clients reached":         Outage,
		"ERR wrong number of arguments":             Refused,
		"ERR user_script:1: attempt to compare nil": Refused,
	} {
		err := fmt.Errorf("doing: %w", newServerError(text, nil))
		if got := Classify(err); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for err, want := range map[error]Class{
		nil: Healthy, io.EOF: Outage, context.DeadlineExceeded: Outage, ErrConnClosed: Outage,
		errors.New("what?"): Outage, ErrBackendConfig: Permanent,
	} {
		if got := Classify(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if got := Class(99).String() + Busy.String(); got != "class 99busy" {
		t.Error(got)
	}
}

// The texts are those of Redis 7, of servers before it, and of Redis 7.2 and its forks, for the
// same errors.
func TestAnErrorInsideAScriptIsJudgedByItsOwnCode(t *testing.T) {
	const six, seven = "ERR Error running script (call to f_0a9f75e9): @user_script:38: ", " script: 0a9f75e9, on @user_script:38."
	for said, want := range map[string]struct {
		code  string
		class Class
	}{
		"READONLY You can't write against a read only replica." + seven:                                                      {"READONLY", Reconnect},
		six + "@user_script: 38: -READONLY You can't write against a read only replica.":                                     {"READONLY", Reconnect},
		"OOM command not allowed when used memory > 'maxmemory'." + seven:                                                    {"OOM", Busy},
		six + "@user_script: 38: -OOM command not allowed when used memory > 'maxmemory'. ":                                  {"OOM", Busy},
		six + "@user_script: 38: -MISCONF Redis is configured to save RDB snapshots":                                         {"MISCONF", Busy},
		"NOREPLICAS Not enough good replicas to write." + seven:                                                              {"NOREPLICAS", Busy},
		six + "@user_script: 38: -NOREPLICAS Not enough good replicas to write.":                                             {"NOREPLICAS", Busy},
		"WRONGTYPE Operation against a key holding the wrong kind of value" + seven:                                          {"WRONGTYPE", Permanent},
		six + "WRONGTYPE Operation against a key holding the wrong kind of value":                                            {"WRONGTYPE", Permanent},
		six + "NOPERM this user has no permissions":                                                                          {"NOPERM", Permanent},
		"ERR Unknown Redis command called from script" + seven:                                                               {"ERR", Permanent},
		six + "@user_script: 38: Unknown Redis command called from Lua script":                                               {"ERR", Permanent},
		"ERR Unknown command called from script script: on @user_script:1.":                                                  {"ERR", Permanent},
		"ERR The user executing the script can't run this command or subcommand" + seven:                                     {"NOPERM", Permanent},
		"ERR The user executing the script can't access at least one of the keys mentioned in the command arguments" + seven: {"NOPERM", Permanent},
		six + "@user_script: 38: The user executing the script can't run this command or subcommand":                         {"NOPERM", Permanent},
		"ERR ACL failure in script: User u has no permissions to run the 'set' command" + seven:                              {"NOPERM", Permanent},
		"ERR ACL failure in script: No permissions to access a channel script: on @user_script:1.":                           {"NOPERM", Permanent},
		"ERR user_script:38: a text of somebody's: ACL failure in script: yes" + seven:                                       {"ERR", Refused},
		six + "ERR value is not an integer or out of range":                                                                  {"ERR", Refused},
		six + "user_script:38: attempt to compare nil with number":                                                           {"ERR", Refused},
		six + "user_script:38: a text of somebody's: -READONLY yes":                                                          {"ERR", Refused},
		six + "@user_script: 38: Wrong number of args calling Redis command From Lua script":                                 {"ERR", Refused},
		"ERR user_script:1: Error running script (call to f_1): @user_script:1: -READONLY in a text" + seven:                 {"ERR", Refused},
		"ERR Error running script (call to f_x): @enable_strict_lua:15: user_script:1: Script attempted to access -A":        {"ERR", Refused},
	} {
		e := newServerError(said, nil)
		if got := Classify(e); got != want.class || e.Code != want.code || e.Text != said {
			t.Errorf("%s: code %s, %v, want %v", said, e.Code, got, want)
		}
		// As by a Backend that takes the first word for the code.
		first, _, _ := strings.Cut(said, " ")
		if got := Classify(&ServerError{Code: first, Text: said}); got != want.class {
			t.Errorf("%s: %v, want %v", said, got, want.class)
		}
	}
}

func TestServerErrorsDoNotRepeatSecrets(t *testing.T) {
	e := newServerError("ERR unknown command 'HELLO', with args beginning with: '2' 'AUTH' 'u' 'other'", nil)
	if e.Code != "ERR" || strings.Contains(e.Text, "other") {
		t.Error(e)
	}
	if e = newServerError("ERR what is hunter2?", []string{"hunter2"}); e.Text != "ERR what is ***?" {
		t.Error(e)
	}
	for _, c := range []struct{ said, secret, want string }{
		{"NOPERM this user can't access one of the keys", "a", "NOPERM this user can't access one of the keys"},
		{"ERR no AUTH 'a' here, a", "a", "ERR no AUTH '***' here, ***"},
		{"ERR AUTH sesame sesames sesame", "sesame", "ERR AUTH *** sesames ***"},
		{"ERR AUTH x#!x!", "#!", "ERR AUTH x***x!"},
		{"ERR aaa aa", "aa", "ERR aaa ***"},
	} {
		if e = newServerError(c.said, []string{c.secret}); e.Text != c.want {
			t.Errorf("%q without %q: %q, want %q", c.said, c.secret, e.Text, c.want)
		}
	}
	if serverError(redis.Nil, nil) != nil || serverError(io.EOF, nil) != nil || serverError(nil, nil) != nil {
		t.Error("not of the server, but taken for it")
	}
}

func TestAFaultWithoutALinkIsOneLine(t *testing.T) {
	for _, err := range []error{down(nil), down(errors.New("i/o timeout"))} {
		if !errors.Is(err, ErrDown) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q", err)
		}
	}
}
