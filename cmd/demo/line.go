package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"hustings/fsm"
)

// line is one line of output: what happened, when, and its members in order.
type line struct {
	ev      string
	at      fsm.Instant
	members []member
}

type member struct {
	name  string
	value any
}

// newLine makes one. The rest are names and values in turn, as in log/slog.
func newLine(ev string, at fsm.Instant, pairs ...any) *line {
	l := &line{ev: ev, at: at}
	return l.with(pairs...)
}

// with adds members.
func (l *line) with(pairs ...any) *line {
	for i := 0; i < len(pairs); i += 2 {
		l.members = append(l.members, member{pairs[i].(string), pairs[i+1]})
	}
	return l
}

// withText adds a member unless it is empty.
func (l *line) withText(name, value string) *line {
	if value == "" {
		return l
	}
	return l.with(name, value)
}

// json writes the line as one JSON object.
func (l *line) json(id string) []byte {
	out := []byte(`{"ev":`)
	out = append(out, encode(l.ev)...)
	out = append(out, `,"id":`...)
	out = append(out, encode(id)...)
	out = fmt.Appendf(out, `,"t":%s,"mono_ns":%d`, unixMS(l.at), monoNS(l.at))
	for _, m := range l.members {
		out = fmt.Appendf(out, ",%q:%s", m.name, encode(m.value))
	}
	return append(out, '}', '\n')
}

// text writes the line for people.
func (l *line) text(id string) []byte {
	out := fmt.Appendf(nil, "%s  %s  %-12s", l.at.Time().Format("15:04:05.000"), id, l.ev)
	for _, m := range l.members {
		value, isText := m.value.(string)
		if s, ok := m.value.(fmt.Stringer); ok {
			value, isText = s.String(), true
		}
		if !isText {
			value = string(encode(m.value))
		} else if strings.ContainsAny(value, " \"=") || strings.ContainsFunc(value, unicode.IsControl) || value == "" {
			value = fmt.Sprintf("%q", value)
		}
		out = fmt.Appendf(out, " %s=%s", m.name, value)
	}
	return append(bytes.TrimRight(out, " "), '\n')
}

// encode writes a value as JSON on one line. What has no JSON form becomes its text.
func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		out, _ = json.Marshal(fmt.Sprint(v))
	}
	return out
}
