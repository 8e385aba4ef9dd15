package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"hustings/redisbridge"
)

// online is markProcessOnline. Who is listed already is taken off first, and put on again
// only if that comes to an end.
func (o *Original) online(done func()) {
	o.client.one(func(v any, _ error) {
		if v == int64(1) {
			o.offline(o.cfg.ID, func() { o.register(done) })
			return
		}
		o.register(done)
	}, "SISMEMBER", o.keys.List(), o.cfg.ID)
}

func (o *Original) register(done func()) {
	at := time.Unix(0, int64(o.Now().Wall)).UTC().Format("2006-01-02T15:04:05.000Z")
	details := fmt.Sprintf(`{"process":%d,"timestamp":%q}`, o.pid, at)
	o.client.do(func([]redisbridge.Reply, error) { // a failed command counts as done
		if done != nil {
			done()
		}
	}, []string{"SADD", o.keys.List(), o.cfg.ID}, []string{"HSET", o.keys.Details(), o.cfg.ID, details})
}

// offline is markProcessOffline; id is "" if the application named none. The callback
// hangs on the elections in which the id took part: without any it is never called.
func (o *Original) offline(id string, done func()) {
	own, asked := cmp.Or(id, o.cfg.ID), cmp.Or(id, "undefined")
	o.client.do(func([]redisbridge.Reply, error) {
		o.client.set(func(elections []string, _ error) {
			left := len(elections)
			for _, e := range elections {
				o.client.one(func(any, error) {
					if left--; left == 0 && done != nil {
						done()
					}
				}, "SREM", o.keys.Candidates(e), own)
			}
		}, "SMEMBERS", o.keys.Participated(asked))
	}, []string{"SREM", o.keys.List(), own}, []string{"HDEL", o.keys.Details(), own})
}

// run is runForPresident: a round at once and one every interval, however often it is called.
func (o *Original) run(e string) {
	o.client.do(func([]redisbridge.Reply, error) {
		if o.pending[e] == nil {
			o.pending[e] = []string{}
		}
		o.intervals[e] = o.every(o.cfg.Interval, func() { o.round(e) })
		o.round(e)
	}, []string{"SADD", o.keys.Participated(o.cfg.ID), e}, []string{"SADD", o.keys.Candidates(e), o.cfg.ID})
}

// quit is quitElection. The timer and the last result stay.
func (o *Original) quit(e string) {
	i := o.intervals[e]
	if i == nil {
		return
	}
	o.client.do(func([]redisbridge.Reply, error) {
		i.cleared = true
		if o.intervals[e] == i {
			delete(o.intervals, e)
		}
	}, []string{"SREM", o.keys.Participated(o.cfg.ID), e}, []string{"SREM", o.keys.Candidates(e), o.cfg.ID})
}

// round asks every other candidate. Who was dealt with is not counted: the timer hangs on
// the last of the members.
func (o *Original) round(e string) {
	o.client.set(func(members []string, _ error) {
		o.inHashOrder(members)
		for i, id := range members {
			last := i == len(members)-1
			o.client.one(func(v any, err error) {
				text, _ := v.(string)
				o.consider(e, id, text, last)
			}, "HGET", o.keys.Details(), id)
		}
	}, "SMEMBERS", o.keys.Candidates(e))
}

// consider deals with one member by its details.
func (o *Original) consider(e, id, details string, last bool) {
	var d any
	if decode(details, &d) != nil || d == nil {
		return // if it is the last one the round has no end
	}
	fields, _ := d.(map[string]any)
	if process, ok := fields["process"]; ok && numberOf(process) == float64(o.pid) {
		if last {
			o.wait(e)
		}
		return
	}
	o.pending[e] = append(o.pending[e], id)
	vote := o.say("vote", e, o.cfg.ID)
	o.client.publish(o.keys.Bully(id), vote, func(n int64, err error) {
		if n == 0 || err != nil {
			o.strike(e, id)
			process, _ := json.Marshal(fields["process"])
			if fields["process"] == nil {
				process = nil
			}
			o.emit(OriginalEvent{Kind: "dead", ID: id, Text: string(process)})
			o.offline(id, nil)
		}
		if last {
			o.wait(e)
		}
	})
}

// strike takes the first entry of an id off the pending list.
func (o *Original) strike(e, id string) {
	if i := slices.Index(o.pending[e], id); i >= 0 {
		o.pending[e] = slices.Delete(o.pending[e], i, i+1)
	}
}

// wait arms the timer of a round. One that is armed already is forgotten, not stopped.
func (o *Original) wait(e string) {
	o.timers[e] = o.Clock().AfterFunc(o.cfg.Wait, func() {
		delete(o.timers, e)
		if len(o.pending[e]) > 0 {
			o.pending[e] = []string{}
			o.result[e] = ResultInconclusive
			return
		}
		if o.LastResult(e) != ResultWon {
			o.emit(OriginalEvent{Kind: "won", Election: e})
		}
		o.result[e] = ResultWon
	})
}

// lose is what a higher vote and any kick do.
func (o *Original) lose(e string) {
	if o.LastResult(e) != ResultLost {
		o.emit(OriginalEvent{Kind: "lost", Election: e})
	}
	o.result[e] = ResultLost
	if timer := o.timers[e]; timer != nil {
		timer.Stop()
		delete(o.timers, e)
	}
}

// inHashOrder puts members into the order in which Redis gives them: ascending if all are
// integers, else by a hash that the server draws when it starts. All clients see the same.
func (o *Original) inHashOrder(members []string) {
	integers := true
	for _, m := range members {
		if _, err := strconv.ParseInt(m, 10, 64); err != nil {
			integers = false
		}
	}
	slices.SortFunc(members, func(a, b string) int {
		if integers {
			x, _ := strconv.ParseInt(a, 10, 64)
			y, _ := strconv.ParseInt(b, 10, 64)
			return cmp.Compare(x, y)
		}
		return cmp.Or(cmp.Compare(o.hash(a), o.hash(b)), cmp.Compare(a, b))
	})
}

func (o *Original) hash(member string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", member, o.world.seed)
	return h.Sum64() * 0x9e3779b97f4a7c15
}
