package main

import (
	"fmt"
	"time"

	"hustings/cmd/demo/internal/gauge"
)

// traffic is what was sent and done so far.
type traffic struct {
	requests float64 // that the fleet sent
	commands float64 // that Redis executed, those inside scripts included
	bytes    float64 // that Redis got and sent
	at       time.Duration
}

func (f *fleet) traffic() (traffic, error) {
	server, err := gauge.ReadTraffic(f.r.ctx, f.r.client)
	return traffic{
		requests: float64(f.requests.Load()), commands: server.Executed, bytes: server.In + server.Out, at: f.r.clock.Now().Mono,
	}, err
}

// measureSteady: three participants, one of which has all offices while the others wait
// for them. What that sends while nothing happens. No other contender is there.
func (r *run) measureSteady() error {
	for _, offices := range some(r, []int{1, 100}, []int{100}) {
		for _, c := range r.contenders {
			if err := r.steady(c, offices); err != nil {
				return fmt.Errorf("%s: %w", c.name(), err)
			}
		}
	}
	return nil
}

func (r *run) steady(c contender, offices int) error {
	f, err := r.fleet(c, 3, r.ttl)
	if err != nil {
		return err
	}
	defer f.stop()
	names := r.names(offices)
	top, others := f.top()
	held := f.race([]*member{top}, names, offices, now)
	terms, err := held.all(offices)
	defer func() { held.end(terms...) }()
	if err != nil {
		return err
	}
	waiting := f.race(others, names, offices, now)
	defer waiting.end()
	// hustings' followers look once more, some 15 s after the last grant.
	if err := r.wait(some(r, 20*time.Second, 200*time.Millisecond)); err != nil {
		return err
	}
	before, err := f.traffic()
	if err != nil {
		return err
	}
	if err := r.wait(some(r, 20*time.Second, time.Second)); err != nil {
		return err
	}
	after, err := f.traffic()
	if err != nil {
		return err
	}
	took := (after.at - before.at).Seconds()
	name := fmt.Sprintf("steady cost, one has %d, 2 wait for each", offices)
	if offices == 1 {
		name = "steady cost, one has an office, 2 wait"
	}
	r.add(name, c, "requests/s sent", (after.requests-before.requests)/took)
	r.add(name, c, "commands/s in Redis", (after.commands-before.commands)/took)
	r.add(name, c, "KB/s of Redis, both ways", (after.bytes-before.bytes)/1000/took)
	return nil
}
