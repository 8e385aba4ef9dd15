package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"hustings/cmd/demo/internal/gauge"
	"hustings/redisbridge"
)

// Options of a run.
type Options struct {
	Redis *redis.UniversalOptions
	// Quick measures less of everything, in less than a minute.
	Quick bool
	// Progress gets a line that is written over and over; nil for none.
	Progress io.Writer
	// Only the sections whose names contain this.
	Only string
}

// Report is what a run has found.
type Report struct {
	Machine string `json:"machine"`
	Server  string `json:"server"`
	Go      string `json:"go"`
	Quick   bool   `json:"quick,omitempty"`
	Rows    []Row  `json:"rows"`
}

// run is a run under way. It belongs to one goroutine.
type run struct {
	Options
	ctx    context.Context
	client redis.UniversalClient
	system *actor.ActorSystem
	report Report
	floor  floors
	fleets map[time.Duration]string // prefixes by TTL, each of a known dataset
	unique int
	clock  redisbridge.SystemClock
}

// section is a part of a run.
type section struct {
	name string
	run  func(*run) error
}

var sections = []section{
	{"floor", (*run).measureFloor},
	{"first leader", (*run).measureFirstLeader},
	{"handover", (*run).measureHandover},
	{"failover", (*run).measureFailover},
	{"failover cost", (*run).measureFailoverCost},
	{"steady cost", (*run).measureSteady},
	{"all at once", (*run).measureArrival},
	{"many elections", (*run).measureMany},
	{"mass failover", (*run).measureMassFailover},
	{"mass outage", (*run).measureMassOutage},
}

// Check says what is wrong with the options.
func (o *Options) Check() error {
	names := make([]string, len(sections))
	for i, s := range sections {
		if names[i] = s.name; strings.Contains(s.name, o.Only) {
			return nil
		}
	}
	return fmt.Errorf("no section's name contains %q: they are %s", o.Only, strings.Join(names, ", "))
}

// Run measures. A report that is not nil holds what was measured before an error.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &run{
		Options: o, ctx: ctx, client: redis.NewUniversalClient(o.Redis), fleets: map[time.Duration]string{},
		system: actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		})),
	}
	defer r.system.Shutdown()
	defer func() { _ = r.client.Close() }()
	r.report = Report{
		Machine: fmt.Sprintf("%d processors, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		Go:      runtime.Version(), Quick: o.Quick,
	}
	info, err := gauge.Info(ctx, r.client, "server")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r.report.Server = "Redis " + info["redis_version"]
	for i, s := range sections {
		if i > 0 && !strings.Contains(s.name, o.Only) {
			continue
		}
		r.progress(i, s.name)
		var err error // of the floor, which the first section takes itself
		if i > 0 {
			err = r.freshFloor()
		}
		if err == nil {
			err = s.run(r)
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = cause
			}
			return &r.report, fmt.Errorf("bench: %s: %w", s.name, err)
		}
	}
	r.progress(len(sections), "done")
	if r.Progress != nil {
		fmt.Fprintln(r.Progress)
	}
	return &r.report, nil
}

// progress shows how far the run is.
func (r *run) progress(done int, doing string) {
	if r.Progress != nil {
		fmt.Fprintf(r.Progress, "\r[%s%s] %-30.30s", strings.Repeat("#", 3*done), strings.Repeat(".", 3*(len(sections)-done)), doing)
	}
}

// some returns how much of something is measured: less of it in a quick run.
func some[T any](r *run, full, quick T) T {
	if r.Quick {
		return quick
	}
	return full
}

// since is the time that has passed on the monotonic clock.
func (r *run) since(start time.Duration) time.Duration { return r.clock.Now().Mono - start }

// wait waits, or until the run is called off.
func (r *run) wait(d time.Duration) error {
	done := make(chan struct{})
	defer r.clock.AfterFunc(d, func() { close(done) }).Stop()
	select {
	case <-done:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}
