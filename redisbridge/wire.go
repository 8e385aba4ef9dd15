package redisbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"hustings/fsm"
)

// MessageType is the `type` of a control message.
type MessageType string

// The control messages; docs/protocol.md has their members.
const (
	TypeVote   MessageType = "vote"
	TypeAck    MessageType = "voteack"
	TypeKick   MessageType = "votekick"
	TypeLeader MessageType = "leader"
	TypeVacant MessageType = "vacant"
	TypeProbe  MessageType = "probe"
	TypeBatch  MessageType = "batch"
)

// Control is a control message, checked for form: whoever sent it may still be
// lying.
type Control struct {
	Type     MessageType
	Election string
	// ID and Inc say who sent it; Inc is "" for an original.
	ID, Inc string
	// Number is `me`; it has a meaning for vote, voteack and votekick only.
	Number float64
	Round  uint64
	Token  uint64
	Heir   string
	// Draining is how long the sender of a voteack may yet lead, and for how long that of
	// a votekick stays before it may be asked again; an hour at most.
	Draining time.Duration
	// N is the request number that a probe echoes, or the number of a signed message.
	N      uint64
	signed signature
}

// wireMessage is the JSON form. Members that the original does not know are left
// out when they are empty.
type wireMessage struct {
	Type     MessageType     `json:"type"`
	Election *string         `json:"election,omitempty"`
	Me       json.Number     `json:"me,omitempty"`
	ID       json.RawMessage `json:"id,omitempty"`
	Inc      string          `json:"inc,omitempty"`
	Round    uint64          `json:"round,omitempty"`
	Token    string          `json:"token,omitempty"`
	Heir     string          `json:"heir,omitempty"`
	Draining int64           `json:"draining_ms,omitempty"`
	N        uint64          `json:"n,omitempty"`
	At       int64           `json:"at,omitempty"`
	Sig      string          `json:"sig,omitempty"`
	Messages []wireMessage   `json:"messages,omitempty"`
}

// Faults of received messages. Their texts are the reasons under which dropped
// messages are counted.
var (
	errTooLarge    = errors.New("larger than 1 MiB")
	errNotObject   = errors.New("not a JSON object of a control message")
	errUnknownType = errors.New("unknown type")
	errBadID       = errors.New("id is missing or not a valid server id")
	errBadElection = errors.New("election is missing or not a valid name")
	errBadNumber   = errors.New("me is missing or not a number")
	errBadToken    = errors.New("token is not a number below 2^53")
	errNested      = errors.New("batch inside a batch")
	errTooMany     = errors.New("more than 1,024 messages in a batch")
)

// maxDraining bounds what a peer may make us wait.
const maxDraining = time.Hour

// drainingMillis is Draining as it is written and signed: within what its reader takes, since
// what the reader cuts would not be what was signed. Only no time at all is 0: a kick without
// one is for the whole term.
func (c *Control) drainingMillis() int64 {
	if c.Draining <= 0 {
		return 0
	}
	return max(min(c.Draining, maxDraining).Milliseconds(), 1)
}

// DecodeControl reads a payload of a bully channel. A batch gives several messages.
// It never panics, whatever the payload; what is wrong with one message of a batch
// drops the batch.
func DecodeControl(payload string) ([]Control, error) {
	if len(payload) > MaxPayload {
		return nil, errTooLarge
	}
	if len(payload) > len(`{}`)*maxBatch && objects(payload) > maxBatch+1 {
		return nil, errTooMany
	}
	if list, ok := quickControls(payload); ok {
		return list, nil
	}
	return slowControls(payload)
}

// maxBatch bounds the messages of one batch: to read very many takes longer than to send
// them. Ours have 500 at most.
const maxBatch = 1024

// objects counts the objects of a JSON text, without looking whether it is one.
func objects(s string) (n int) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++ // whatever is escaped
		case !quoted && c == '{':
			n++
		}
	}
	return n
}

// slowControls reads whatever is JSON.
func slowControls(payload string) ([]Control, error) {
	var w wireMessage
	if !looksLikeObject(payload) || json.Unmarshal([]byte(payload), &w) != nil {
		return nil, errNotObject
	}
	if w.Type != TypeBatch {
		c, err := w.control()
		if err != nil {
			return nil, err
		}
		return []Control{c}, nil
	}
	out := make([]Control, 0, len(w.Messages))
	for i := range w.Messages {
		if w.Messages[i].Type == TypeBatch {
			return nil, errNested
		}
		c, err := w.Messages[i].control()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func looksLikeObject(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\n', '\r':
		default:
			return s[i] == '{'
		}
	}
	return false
}

// members are those of one message, read but not checked.
type members struct {
	kind               MessageType
	election, id, inc  string
	me, token, heir    string
	sig                string
	at                 int64
	round, n           uint64
	draining           int64
	hasElection, hasID bool
}

func (w *wireMessage) control() (Control, error) {
	m := members{
		kind: w.Type, inc: w.Inc, me: string(w.Me), token: w.Token, heir: w.Heir,
		round: w.Round, n: w.N, draining: w.Draining, sig: w.Sig, at: w.At,
	}
	if w.Election != nil {
		m.election, m.hasElection = *w.Election, true
	}
	id, err := textOf(w.ID)
	m.id, m.hasID = id, err == nil
	return m.control()
}

// control checks the form of a message.
func (m *members) control() (Control, error) {
	c := Control{Type: m.kind, Inc: m.inc, Round: m.round, Heir: m.heir, N: m.n}
	switch m.kind {
	case TypeVote, TypeAck, TypeKick, TypeLeader, TypeVacant, TypeProbe:
	default:
		return c, errUnknownType
	}
	if c.ID = m.id; !m.hasID || !m.named() {
		return c, errBadID
	}
	if m.kind == TypeProbe {
		return c, nil
	}
	if !m.hasElection || CheckName(m.election) != nil {
		return c, errBadElection
	}
	c.Election = m.election
	var err error
	switch m.kind {
	case TypeLeader, TypeVacant:
		if c.Token, err = parseToken(m.token); err != nil {
			return c, errBadToken
		}
	default:
		c.Number, err = strconv.ParseFloat(m.me, 64)
		if err != nil || math.IsNaN(c.Number) || math.IsInf(c.Number, 0) {
			return c, errBadNumber
		}
		if m.sig != "" {
			c.signed = signature{me: m.me, mac: m.sig, at: m.at}
		}
	}
	if m.draining > 0 {
		c.Draining = min(time.Duration(min(m.draining, int64(maxDraining/time.Millisecond)))*time.Millisecond, maxDraining)
	}
	return c, nil
}

// named reports whether the id may be one of who sends such a message: what originals send
// comes from whatever their applications take for an id.
func (m *members) named() bool {
	switch m.kind {
	case TypeVote, TypeAck, TypeKick:
		return m.inc == "" && originalID(m.id) || CheckName(m.id) == nil
	default:
		return CheckName(m.id) == nil
	}
}

// textOf takes an id as the original sends it: a string, or a number where the
// application gave one.
func textOf(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", errBadID
	}
	if raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	}
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		return string(raw), nil
	}
	return "", errBadID
}

func parseToken(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n >= 1<<53 {
		return 0, errBadToken
	}
	return n, nil
}

func marshal(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("redisbridge: own message is not JSON: " + err.Error())
	}
	return string(bytes.TrimRight(buf.Bytes(), "\n"))
}

// MaxName is the longest server id or election name, in bytes.
const MaxName = 256

// MaxOriginalID is the longest id of an original, in bytes, that is taken notice of.
const MaxOriginalID = 4096

// originalID reports whether an original may have this id. The package checks none.
func originalID(s string) bool { return s != "" && len(s) <= MaxOriginalID }

// CheckReceiver checks the id of whom a message is for: an original may have any, of at most
// [MaxOriginalID] bytes.
func CheckReceiver(id string) error {
	switch {
	case id == "":
		return errors.New("is empty: name a node")
	case !originalID(id):
		return errors.New("has " + strconv.Itoa(len(id)) + " bytes: nobody's has more than " + strconv.Itoa(MaxOriginalID))
	}
	return nil
}

// CheckName checks a server id or an election name: 1 to 256 bytes of valid UTF-8
// without control characters and white space.
func CheckName(s string) error {
	switch {
	case s == "":
		return errors.New("is empty: give 1 to 256 bytes")
	case len(s) > MaxName:
		return errors.New("has " + strconv.Itoa(len(s)) + " bytes: use at most 256")
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8: re-encode it")
	}
	for _, r := range s {
		if isSpaceOrControl(r) {
			return errors.New("contains white space or a control character (" + strconv.QuoteRune(r) + "): remove it")
		}
	}
	return nil
}

// Details is a member's entry in the details hash. Nothing in it is checked but by who uses
// it: anybody who may write keys may have written it.
type Details struct {
	// Process is the number by which originals rank: their process id, or `me` of ours.
	Process json.Number `json:"process"`
	// Timestamp is when the entry was written, by its writer's wall clock: UTC, ISO 8601
	// with milliseconds, as in 2026-11-29T12:00:00.000Z.
	Timestamp string `json:"timestamp"`
	// Inc is the incarnation, 32 hex digits; V the version of the entry, 1. An original's
	// entry has neither, nor what follows.
	Inc string `json:"inc,omitempty"`
	V   int    `json:"v,omitempty"`
	// Rank is the node's rank (Config.Rank) as decimal digits, whatever RankFor says.
	Rank string `json:"rank,omitempty"`
	// TTL and MaxTTL are the node's, in milliseconds.
	TTL    int64 `json:"ttl,omitempty"`
	MaxTTL int64 `json:"max_ttl,omitempty"`
	// Host and PID say which process it is, Start since when, in the form of Timestamp.
	Host  string `json:"host,omitempty"`
	PID   int    `json:"pid,omitempty"`
	Start string `json:"start,omitempty"`
}

// ParseDetails reads a details entry; ok is false for what is not one. Members of
// unexpected types are an original's privilege: all that counts of it is process.
func ParseDetails(s string) (d Details, ok bool) {
	if d, ok := quickDetails(s); ok {
		return d, true
	}
	return slowDetails(s)
}

// slowDetails is ParseDetails by way of encoding/json.
func slowDetails(s string) (d Details, ok bool) {
	if !looksLikeObject(s) {
		return d, false
	}
	if json.Unmarshal([]byte(s), &d) == nil {
		return d, true
	}
	var p struct {
		Process json.Number `json:"process"`
	}
	if json.Unmarshal([]byte(s), &p) != nil {
		return Details{}, false
	}
	return Details{Process: p.Process}, true
}

// Text writes the entry as it goes into the hash.
func (d Details) Text() string { return marshal(d) }

// Original reports whether the entry is that of a node of the npm package.
func (d Details) Original() bool { return d.V == 0 }

// Candidate makes a candidate of the entry of id.
func (d Details) Candidate(id string) fsm.Candidate {
	c := fsm.Candidate{ID: id, Inc: d.Inc, Original: d.Original()}
	if n, err := strconv.ParseInt(d.Rank, 10, 64); err == nil && !c.Original && n >= 0 && n < fsm.MaxRank {
		c.Rank = n
		return c
	}
	f, err := d.Process.Float64()
	if err != nil || math.IsNaN(f) {
		f = 0
	}
	c.Rank = RankOf(f)
	return c
}

// RankOf is the rank that a number on the wire stands for: ours say rank + 0.5 or
// the rank, originals their process id.
func RankOf(number float64) int64 {
	return int64(math.Floor(min(max(number, 0), fsm.MaxRank-1)))
}
