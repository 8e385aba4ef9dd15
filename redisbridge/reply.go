package redisbridge

import (
	"strconv"
	"time"
)

// list reads script replies without trusting their form: what is missing or of another
// type reads as zero and is remembered.
type list struct {
	items []any
	bad   *bool
}

func newList(v any) list {
	items, ok := v.([]any)
	bad := !ok
	return list{items, &bad}
}

func (l list) at(i int) any {
	if i >= len(l.items) {
		*l.bad = true
		return nil
	}
	return l.items[i]
}

func (l list) text(i int) string {
	switch v := l.at(i).(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		*l.bad = true
		return ""
	}
}

func (l list) number(i int) int64 {
	switch v := l.at(i).(type) {
	case int64:
		return v
	case string:
		if v == "" {
			return 0
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			*l.bad = true
		}
		return n
	default:
		*l.bad = true
		return 0
	}
}

func (l list) unsigned(i int) uint64 { return uint64(max(l.number(i), 0)) } //nolint:gosec // not negative

func (l list) millis(i int) time.Duration {
	return time.Duration(max(l.number(i), 0)) * time.Millisecond
}

func (l list) list(i int) list {
	items, ok := l.at(i).([]any)
	if !ok {
		*l.bad = true
	}
	return list{items, l.bad}
}

func (l list) fault() error {
	if *l.bad {
		return errShape
	}
	return nil
}
