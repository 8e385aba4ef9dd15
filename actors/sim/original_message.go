package sim

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// heard takes a published message.
func (o *Original) heard(channel, payload string) {
	var v any
	if decode(payload, &v) != nil {
		return // logged
	}
	if channel != o.keys.Bully(o.cfg.ID) {
		o.emit(OriginalEvent{Kind: "message", Text: encode(v)})
		return
	}
	if v == nil {
		o.die("TypeError: cannot read a property of null")
		return
	}
	m, _ := v.(map[string]any)
	switch m["type"] {
	case "vote":
		o.onVote(m)
	case "voteack":
		o.onAck(m)
	case "votekick":
		e := textOf(m, "election")
		if o.pending[e] != nil {
			o.pending[e] = []string{}
		}
		o.lose(e)
	}
}

// onVote answers by the number alone: in any election, whoever asks. Who has the same
// number, or none, gets no answer.
func (o *Original) onVote(m map[string]any) {
	e, to := textOf(m, "election"), o.keys.Bully(textOf(m, "id"))
	me, known := m["me"]
	if !known {
		return
	}
	switch n := numberOf(me); {
	case n > float64(o.pid):
		o.client.publish(to, o.echo("voteack", m), func(int64, error) { o.lose(e) })
	case n < float64(o.pid):
		o.client.publish(to, o.echo("votekick", m), func(int64, error) {})
	}
}

// onAck takes one entry off the list, whoever sent it and whatever round it answers.
func (o *Original) onAck(m map[string]any) {
	e := textOf(m, "election")
	if o.pending[e] == nil {
		o.die("TypeError: no list of who is pending in election %q", e)
		return
	}
	if id, ok := m["id"].(string); ok {
		o.strike(e, id)
	}
}

// say writes a message of the package, as it does.
func (o *Original) say(kind, election, id string) string {
	return `{"type":"` + kind + `","election":` + encode(election) +
		`,"me":` + strconv.FormatInt(o.pid, 10) + `,"id":` + encode(id) + `}`
}

// echo writes the answer to a vote; the election is echoed as it came.
func (o *Original) echo(kind string, vote map[string]any) string {
	s := `{"type":"` + kind + `","me":` + strconv.FormatInt(o.pid, 10) + `,"id":` + encode(o.cfg.ID)
	if e, ok := vote["election"]; ok {
		s += `,"election":` + encode(e)
	}
	return s + "}"
}

func decode(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return strconv.ErrSyntax
	}
	return nil
}

func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// numberOf is a JSON value as JavaScript compares it with a number; NaN compares with nothing.
func numberOf(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 1
		}
		return 0
	case json.Number:
		return parsed(v.String())
	case string:
		return parsed(v)
	case []any:
		switch len(v) {
		case 0:
			return 0
		case 1:
			if _, isBool := v[0].(bool); !isBool {
				return numberOf(v[0])
			}
		}
	}
	return math.NaN()
}

func parsed(s string) float64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// textOf is a member of a message as JavaScript puts it into a key.
func textOf(m map[string]any, name string) string {
	v, ok := m[name]
	if !ok {
		return "undefined"
	}
	return asText(v)
}

func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			if x != nil {
				parts[i] = asText(x)
			}
		}
		return strings.Join(parts, ",")
	default:
		return "[object Object]"
	}
}
