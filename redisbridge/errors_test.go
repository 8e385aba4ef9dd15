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

func TestServerErrorsDoNotRepeatSecrets(t *testing.T) {
	e := newServerError("ERR unknown command 'HELLO', with args beginning with: '2' 'AUTH' 'u' 'other'", nil)
	if e.Code != "ERR" || strings.Contains(e.Text, "other") {
		t.Error(e)
	}
	if e = newServerError("ERR what is hunter2?", []string{"hunter2"}); e.Text != "ERR what is ***?" {
		t.Error(e)
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
