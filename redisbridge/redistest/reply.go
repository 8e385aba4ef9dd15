package redistest

import (
	"strings"

	"hustings/redisbridge"
)

// reply is an array of a script's reply, read member by member.
type reply struct {
	f     *Fixture
	of    string
	items []any
	at    int
}

func (f *Fixture) reply(s *redisbridge.Script, args ...string) *reply {
	f.T.Helper()
	v := f.Call(s, args...)
	items, ok := v.([]any)
	if !ok {
		f.T.Fatalf("%s %q: %v is no array", s.Name, args, v)
	}
	return &reply{f: f, of: s.Name + " " + strings.Join(args, " "), items: items}
}

func (r *reply) next() any {
	r.f.T.Helper()
	if r.done() {
		r.f.T.Fatalf("%s: only %d members: %v", r.of, len(r.items), r.items)
	}
	r.at++
	return r.items[r.at-1]
}

func (r *reply) text() string {
	r.f.T.Helper()
	s, ok := r.next().(string)
	if !ok {
		r.f.T.Fatalf("%s: member %d of %v is no text", r.of, r.at, r.items)
	}
	return s
}

func (r *reply) number() int64 {
	r.f.T.Helper()
	n, ok := r.next().(int64)
	if !ok {
		r.f.T.Fatalf("%s: member %d of %v is no integer", r.of, r.at, r.items)
	}
	return n
}

func (r *reply) list() *reply {
	r.f.T.Helper()
	l, ok := r.next().([]any)
	if !ok {
		r.f.T.Fatalf("%s: member %d of %v is no array", r.of, r.at, r.items)
	}
	return &reply{f: r.f, of: r.of, items: l}
}

func (r *reply) texts() []string {
	r.f.T.Helper()
	var s []string
	for !r.done() {
		s = append(s, r.text())
	}
	return s
}

func (r *reply) done() bool { return r.at == len(r.items) }

func (r *reply) end() {
	r.f.T.Helper()
	if !r.done() {
		r.f.T.Fatalf("%s: %d members too many: %v", r.of, len(r.items)-r.at, r.items)
	}
}
