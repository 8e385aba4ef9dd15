package bench

import (
	"slices"
	"time"

	"hustings/cmd/demo/internal/floor"
	"hustings/cmd/demo/internal/gauge"
)

// floors are the middles of what was measured last.
type floors struct {
	ping, script, publish, handover time.Duration
}

// measureFloor reports the floor.
func (r *run) measureFloor() error {
	return r.takeFloor(some(r, 2000, 500), func(what string, list []time.Duration) {
		r.latencies("floor", what, list, "", 0)
	})
}

// freshFloor takes it again, since a machine drifts: what is measured next is compared with
// this one.
func (r *run) freshFloor() error { return r.takeFloor(200, func(string, []time.Duration) {}) }

func (r *run) takeFloor(n int, report func(what string, list []time.Duration)) error {
	const warm = 50
	probe, err := floor.New(r.ctx, r.client, r.name("bench-floor"))
	if err != nil {
		return err
	}
	defer func() { _ = probe.Close(r.ctx) }()
	into := map[string]*time.Duration{
		floor.Ping: &r.floor.ping, floor.Claim: &r.floor.script,
		floor.Publish: &r.floor.publish, floor.Handover: &r.floor.handover,
	}
	for _, kind := range floor.Kinds {
		list := make([]time.Duration, 0, warm+n)
		for range warm + n {
			took, err := probe.Once(r.ctx, kind)
			if err != nil {
				return err
			}
			list = append(list, took)
		}
		list = list[warm:]
		report(kind, list)
		slices.Sort(list)
		*into[kind] = gauge.Quantile(list, 50)
	}
	return nil
}
