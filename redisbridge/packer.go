package redisbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode"

	"github.com/vmihailenco/msgpack/v5"
)

// Packer says how application messages are written.
type Packer uint8

// The packers. What is received is recognised whatever was sent.
const (
	// JSON is the default, and the only one that originals read.
	JSON Packer = iota
	// MessagePack is smaller. A payload is always a map, so that its first byte
	// tells it from JSON. Maps in a value should have keys that are strings: others can
	// be decoded into a map of just that type only, and have no JSON.
	MessagePack
)

func (p Packer) String() string {
	if p == MessagePack {
		return "MessagePack"
	}
	return "JSON"
}

// Payload is a received application message.
type Payload struct {
	// From and Inc say who sent it; they are "" for an original's message, which
	// does not name its sender.
	From, Inc string
	// Packer is the format of Data.
	Packer Packer
	// Data is one JSON value, or one MessagePack value.
	Data []byte
}

// Decode reads Data into v, by its format. A MessagePack struct uses its json tags. A
// MessagePack map whose keys are not strings is an error unless v has a map of that type.
func (p Payload) Decode(v any) error {
	if p.Packer == JSON {
		return json.Unmarshal(p.Data, v)
	}
	return unpack(p.Data, v)
}

// JSON returns Data as JSON, converted if need be. A MessagePack map whose keys are not
// strings can't be converted, which is an error.
func (p Payload) JSON() (json.RawMessage, error) {
	if p.Packer == JSON {
		return p.Data, nil
	}
	var v any
	if err := unpack(p.Data, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// ErrNoForm is wrapped by the error for a value that the packer cannot write.
var ErrNoForm = errors.New("hustings: the value has no form in this packer: send what encoding/json or msgpack can write")

// envelope is how messages travel among ours.
type envelope struct {
	Hustings int             `json:"hustings" msgpack:"hustings"`
	From     string          `json:"from" msgpack:"from"`
	Inc      string          `json:"inc" msgpack:"inc"`
	Data     json.RawMessage `json:"data" msgpack:"-"`
}

type packedEnvelope struct {
	Hustings int                `msgpack:"hustings"`
	From     string             `msgpack:"from"`
	Inc      string             `msgpack:"inc"`
	Data     msgpack.RawMessage `msgpack:"data"`
}

// Pack writes an application message of the sender. bare leaves the envelope away and
// writes JSON, as originals expect it.
func Pack(p Packer, from, inc string, value any, bare bool) (string, error) {
	if p == MessagePack && !bare {
		data, err := pack(value)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoForm, err)
		}
		out, err := pack(packedEnvelope{1, from, inc, data})
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoForm, err)
		}
		return string(out), nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoForm, err)
	}
	if bare {
		return string(data), nil
	}
	return marshal(envelope{1, from, inc, data}), nil
}

var errNoMessage = errors.New("not JSON and not a MessagePack map")

// Unpack reads a payload of a comm channel or the public one.
func Unpack(payload string) (Payload, error) {
	if len(payload) > MaxPayload {
		return Payload{}, errTooLarge
	}
	if payload == "" {
		return Payload{}, errNoMessage
	}
	if b := payload[0]; b >= 0x80 && b <= 0x8f || b == 0xde || b == 0xdf {
		return unpackMap(payload)
	}
	if !json.Valid([]byte(payload)) {
		return Payload{}, errNoMessage
	}
	var e envelope
	if looksLikeObject(payload) && json.Unmarshal([]byte(payload), &e) == nil && e.Hustings == 1 && CheckName(e.From) == nil && len(e.Data) > 0 {
		return Payload{From: e.From, Inc: e.Inc, Data: e.Data}, nil
	}
	return Payload{Data: []byte(payload)}, nil
}

// packedNil is nil in MessagePack.
var packedNil = msgpack.RawMessage{0xc0}

func unpackMap(payload string) (Payload, error) {
	var e packedEnvelope
	if err := unpack([]byte(payload), &e); err == nil && e.Hustings == 1 && CheckName(e.From) == nil {
		if len(e.Data) == 0 {
			e.Data = packedNil // the decoder drops a nil
		}
		return Payload{From: e.From, Inc: e.Inc, Packer: MessagePack, Data: e.Data}, nil
	}
	var any map[string]any
	if err := unpack([]byte(payload), &any); err != nil {
		return Payload{}, errNoMessage
	}
	return Payload{Packer: MessagePack, Data: []byte(payload)}, nil
}

func pack(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.SetCustomStructTag("json")
	err := enc.Encode(v)
	return buf.Bytes(), err
}

// unpack reads one MessagePack value and nothing after it.
func unpack(data []byte, v any) error {
	if err := checkNesting(data); err != nil {
		return err
	}
	r := bytes.NewReader(data)
	dec := msgpack.NewDecoder(r)
	dec.SetCustomStructTag("json")
	return dec.Decode(v)
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
