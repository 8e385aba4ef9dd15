package actors_test

import (
	"errors"
	"strings"
	"testing"

	"hustings/actors"
	"hustings/redisbridge"
)

func TestAMessageReachesItsReceiverWithItsSender(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a, b := f.start("a", 1), f.start("b", 2)
		want := map[string]any{"n": 1.5, "text": "<ü>", "list": []any{true, nil}}
		n, err := a.Send(bg(t), "b", want)
		if err != nil || n != 1 {
			t.Errorf("%d receivers, %v", n, err)
		}
		m := next[*actors.Message](b, nil)
		var got map[string]any
		if m.From != "a" || m.Broadcast || m.Payload.Decode(&got) != nil || got["text"] != "<ü>" || got["n"] != 1.5 {
			t.Errorf("%+v: %v", m, got)
		}
	})
}

func TestAMessageToNobodyHasNoReceiver(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		if n, err := a.Send(bg(t), "nobody", 1); !errors.Is(err, actors.ErrNoReceiver) || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := a.Send(bg(t), "", 1); !errors.Is(err, actors.ErrConfig) {
			t.Errorf("a bad id: %v", err)
		}
		if _, err := a.Send(bg(t), "a", make(chan int)); !errors.Is(err, redisbridge.ErrNoForm) {
			t.Errorf("a value without a form: %v", err)
		}
		if _, err := a.Send(bg(t), "a", strings.Repeat("x", redisbridge.MaxPayload)); !errors.Is(err, actors.ErrConfig) {
			t.Errorf("a huge value: %v", err)
		}
		if n, err := a.Send(bg(t), "a", nil); err != nil || n != 1 {
			t.Errorf("to oneself: %d, %v", n, err)
		}
		if m := next[*actors.Message](a, nil); m.From != "a" || string(m.JSON()) != "null" {
			t.Errorf("%+v", m)
		}
	})
}

func TestABroadcastReachesEverybodyTheSenderIncluded(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		all := []*peer{f.start("a", 1), f.start("b", 2), f.start("c", 3)}
		n, err := all[0].Broadcast(bg(t), []int{1, 2})
		if err != nil || n != 3 {
			t.Errorf("%d receivers, %v", n, err)
		}
		for _, p := range all {
			if m := next[*actors.Message](p, nil); m.From != "a" || !m.Broadcast || string(m.JSON()) != "[1,2]" {
				t.Errorf("%s got %+v", p.ID(), m)
			}
		}
	})
}

func TestMessagePackTravelsAmongNodesOfEitherPacker(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		packed, plain := f.start("packed", 1, func(c *actors.Config) { c.Packer = redisbridge.MessagePack }), f.start("plain", 2)
		type order struct {
			Item string `json:"item"`
			Data []byte `json:"data"`
		}
		want := order{"x", []byte{0, 255}}
		_, err := packed.Send(bg(t), "plain", want)
		packed.must(err)
		m := next[*actors.Message](plain, nil)
		var got order
		if err := m.Payload.Decode(&got); err != nil || m.Payload.Packer != redisbridge.MessagePack || m.From != "packed" || got.Item != "x" || string(got.Data) != string(want.Data) {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = plain.Broadcast(bg(t), want)
		plain.must(err)
		m = next[*actors.Message](packed, nil)
		if err := m.Payload.Decode(&got); err != nil || m.Payload.Packer != redisbridge.JSON || m.From != "plain" {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func TestAMessageInAnothersNameIsDropped(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		b := f.start("b", 2) // it knows a from the start
		forged, err := redisbridge.Pack(redisbridge.JSON, "a", "another-incarnation", "forged", false)
		a.must(err)
		for _, channel := range []string{f.keys.Comm("b"), f.keys.Public()} {
			a.must(f.client.Publish(bg(t), channel, forged).Err())
		}
		_, err = a.Send(bg(t), "b", "true")
		a.must(err)
		if m := next[*actors.Message](b, nil); string(m.JSON()) != `"true"` {
			t.Errorf("%+v", m)
		}
		eventually(t, "both are counted", func() bool { return b.Counts().Dropped == 2 })
	})
}

// An original's application hears as soon as it is connected, and after its process went
// offline. It could not tell an envelope from what it is sent.
func TestWhatIsSentToAnOriginalThatIsNotListedIsBare(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		a := f.start("a", 1)
		old := f.original("old one", 7)
		f.client.HDel(bg(t), f.keys.Details(), "old one")
		f.client.SRem(bg(t), f.keys.List(), "old one")
		if n, err := a.Send(bg(t), "old one", "hello"); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if w := receive(t, "a message", old.inbox); w.payload != `"hello"` {
			t.Errorf("%s", w.payload)
		}
	})
}
