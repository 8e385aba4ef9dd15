package redisbridge_test

import (
	"testing"
	"time"

	"hustings/redisbridge"
)

// What the receiver cuts must not be what was signed: its signature would be wrong.
func TestASignedMessageIsBelievedHoweverLongItsSenderDrains(t *testing.T) {
	key := [][]byte{[]byte("0123456789abcdef")}
	for announced, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 0: 0, time.Minute: time.Minute, time.Hour: time.Hour,
		time.Hour + time.Second: time.Hour, 24 * time.Hour: time.Hour, 1<<63 - 1: time.Hour,
	} {
		sender, receiver := newRig(t), newRig(t)
		sender.set.SharedKeys, receiver.set.SharedKeys = key, key
		sender.set.ID = "other"
		c := sender.up()
		receiver.up()
		receiver.routes["e"] = receiver.caller
		sender.call(redisbridge.Call{
			Kind: redisbridge.CallPublish, Target: "me", TargetInc: "inc", Rank: 5,
			Control: &redisbridge.Control{
				Type: redisbridge.TypeKick, Election: "e", ID: "other", Inc: "inc", Round: 3, Draining: announced,
			},
		})
		args := c.cmds[0][0].Args
		receiver.sub().h.Message(args[1], args[2])
		got := receiver.take()
		if len(got) != 1 || got[0].(*redisbridge.Heard).Control.Draining != want {
			t.Errorf("%v: heard %+v, dropped %v, want %v", announced, got, receiver.set.Counters.Read().DroppedFor, want)
		}
	}
}
