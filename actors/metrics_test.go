package actors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	prom "go.opentelemetry.io/otel/exporters/prometheus"
	api "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"hustings/actors"
	"hustings/redisbridge"
	"hustings/redisbridge/redistest"
)

// collect reads the instruments by name.
func collect(t *testing.T, r *metric.ManualReader) map[string]metricdata.Metrics {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	all := map[string]metricdata.Metrics{}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// sum adds up the points of an instrument whose attributes fit; pairs are keys (without
// "hustings.") and values.
func sum(t *testing.T, all map[string]metricdata.Metrics, name string, pairs ...string) (total float64) {
	t.Helper()
	fits := func(set attribute.Set) bool {
		for i := 0; i < len(pairs); i += 2 {
			if v, _ := set.Value(attribute.Key("hustings." + pairs[i])); v.AsString() != pairs[i+1] {
				return false
			}
		}
		return true
	}
	m, ok := all[name]
	if !ok {
		t.Errorf("%s: nothing measured", name)
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			if fits(p.Attributes) {
				total += float64(p.Value)
			}
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			if fits(p.Attributes) {
				total += float64(p.Value)
			}
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			if fits(p.Attributes) {
				total += p.Value
			}
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			if fits(p.Attributes) {
				total += float64(p.Count)
			}
		}
	}
	return total
}

func TestMetricsTellWhatTheNodeDoes(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		// A node learns of members with its heartbeats, which come every third of it; a term
		// that lapses for want of a processor is not what is measured here.
		f.ttl = 6 * time.Second
		reader := metric.NewManualReader()
		provider := metric.NewMeterProvider(metric.WithReader(reader))
		a := f.start("a", 2, func(c *actors.Config) { c.MeterProvider = provider }).run("billing")
		a.won("billing")
		b := f.start("b", 1).run("billing")
		b.lost("billing")
		a.must(a.Resign(bg(t), "billing"))
		b.won("billing")
		a.follows("billing", "b")
		b.must(b.Resign(bg(t), "billing"))
		a.won("billing")
		_, err := a.Broadcast(bg(t), map[string]string{"hello": "all"})
		a.must(err)
		eventually(t, "both members known", func() bool { return len(a.Members()) == 2 })

		want := []struct {
			name  string
			pairs []string
			least float64
		}{
			{"hustings.transitions", []string{"election", "billing", "to", "won"}, 2},
			{"hustings.transitions", []string{"cause", "resigned"}, 1},
			{"hustings.rounds", []string{"outcome", "won"}, 2},
			{"hustings.leader.changes", []string{"election", "billing"}, 3},
			{"hustings.vacancy.duration", []string{"election", "billing"}, 2},
			{"hustings.heartbeat.duration", []string{"verdict", "created"}, 1},
			{"hustings.claim.duration", []string{"outcome", "granted"}, 2},
			{"hustings.elections", []string{"state", "won", "node", "a"}, 1},
			{"hustings.leading", []string{"election", "billing"}, 1},
			{"hustings.members", nil, 2},
			{"hustings.link.up", nil, 1},
			{"hustings.messages", []string{"direction", "in"}, 1},
			{"hustings.messages", []string{"direction", "out"}, 1},
			{"hustings.redis.requests", nil, 1},
			{"hustings.redis.commands", nil, 1},
			{"hustings.redis.connects", nil, 1},
		}
		// An event may be heard before the actor that sent it has measured.
		var all map[string]metricdata.Metrics
		var missing []string
		for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			all, missing = collect(t, reader), nil
			for _, c := range want {
				got := 0.0
				if _, measured := all[c.name]; measured {
					got = sum(t, all, c.name, c.pairs...)
				}
				if got < c.least {
					missing = append(missing, fmt.Sprintf("%s%v = %v, want at least %v", c.name, c.pairs, got, c.least))
				}
			}
			if len(missing) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("not in %v: %s", patience, strings.Join(missing, "; "))
			}
		}
		if got := sum(t, all, "hustings.elections"); got != 1 {
			t.Errorf("%v elections, want 1", got)
		}
		if got := sum(t, all, "hustings.trust.remaining"); got <= 0 || got > f.ttl.Seconds() {
			t.Errorf("trusted for %v s, want up to the TTL of %v", got, f.ttl)
		}
		// Everything that was posted was taken, or will be: the depth comes back to zero.
		eventually(t, "no message waits", func() bool {
			return sum(t, collect(t, reader), "hustings.mailbox.depth") == 0
		})
	})
}

// The view of docs/metrics.md for many elections.
var manyElections = metric.WithView(func(i metric.Instrument) (metric.Stream, bool) {
	s := metric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit}
	s.AttributeFilter = attribute.NewDenyKeysFilter("hustings.election")
	return s, i.Scope.Name == "hustings" && i.Name != "hustings.leading"
})

// Of a gauge the value of one election would be left: nobody would seem to lead where all are led.
func TestTheViewForManyElectionsLeavesWhoLeadsAlone(t *testing.T) {
	const from, to = "metric.WithView(", "\n})\n"
	if want, got := between(t, read(t, "metrics_test.go"), from, to), between(t, read(t, "../docs/metrics.md"), from, to); got != want {
		t.Errorf("docs/metrics.md has\n%s\nand metrics_test.go\n%s\nmake them the same", got, want)
	}
	f := newFleet(t, servers["miniredis"])
	reader := metric.NewManualReader()
	a := f.start("a", 2, func(c *actors.Config) {
		c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader), manyElections)
	})
	for _, name := range []string{"e1", "e2", "e3"} {
		a.run(name).won(name)
	}
	eventually(t, "three rounds are counted", func() bool { return sum(t, collect(t, reader), "hustings.rounds") == 3 })
	all := collect(t, reader)
	if n := len(all["hustings.rounds"].Data.(metricdata.Sum[int64]).DataPoints); n != 1 {
		t.Errorf("hustings.rounds has %d series, want 1", n)
	}
	for _, name := range []string{"e1", "e2", "e3"} {
		if got := sum(t, all, "hustings.leading", "election", name); got != 1 {
			t.Errorf("hustings.leading of %s is %v, want 1", name, got)
		}
	}
}

// What counts from nothing to one in its first sample has not increased, to Prometheus: the
// alerts would miss the first lapse, drain and panic of a process, and most have no second.
func TestWhatTheAlertsAskForIsThereAtZeroBeforeItHappens(t *testing.T) {
	f := newFleet(t, servers["miniredis"])
	reader := metric.NewManualReader()
	a := f.start("a", 2, func(c *actors.Config) { c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader)) })
	points := func(name string) int {
		m, _ := collect(t, reader)[name].Data.(metricdata.Sum[int64])
		return len(m.DataPoints)
	}
	for _, name := range []string{"hustings.panics", "hustings.events.missed"} {
		if points(name) != 1 {
			t.Errorf("%s is not there from the start", name)
		}
	}
	a.run("billing").won("billing")
	for _, name := range []string{"hustings.lapses", "hustings.drain.overdue"} {
		eventually(t, name+" is there from the first term", func() bool { return points(name) == 1 })
		if got := sum(t, collect(t, reader), name, "election", "billing"); got != 0 {
			t.Errorf("%s = %v, want 0", name, got)
		}
	}
}

// An election that nobody stands in any more has no leader for good: an alert would page for ever.
func TestAnElectionThatWasQuitIsNotShownAsLeaderless(t *testing.T) {
	f := newFleet(t, servers["miniredis"])
	reader := metric.NewManualReader()
	a := f.start("a", 2, func(c *actors.Config) { c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader)) })
	shown := func() (all []string) {
		m, _ := collect(t, reader)["hustings.leading"].Data.(metricdata.Gauge[int64])
		for _, p := range m.DataPoints {
			name, _ := p.Attributes.Value("hustings.election")
			all = append(all, fmt.Sprint(name.AsString(), " ", p.Value))
		}
		slices.Sort(all)
		return all
	}
	is := func(want ...string) {
		t.Helper()
		eventually(t, fmt.Sprint("shown are ", want), func() bool { return slices.Equal(shown(), want) })
	}
	for _, name := range []string{"order-1", "order-2", "down"} {
		a.run(name).won(name)
	}
	_, err := a.Observe(bg(t), "watched")
	a.must(err)
	is("down 1", "order-1 1", "order-2 1", "watched 0")
	a.must(a.Quit(bg(t), "order-1"))
	a.must(a.StandDown(bg(t), "down"))
	is("down 0", "order-2 1", "watched 0")
}

// Where Redis is away from the start nobody leads what is to be stood in, and that is shown.
func TestAnElectionThatWaitsForRedisIsShownAsLeaderless(t *testing.T) {
	proxy := redistest.NewProxy(t, servers["miniredis"])
	proxy.Refuse()
	f := newFleet(t, proxy.Addr)
	reader := metric.NewManualReader()
	pid := system.Root.Spawn(actors.NodeProps(f.config("a", 1, func(c *actors.Config) {
		c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	})))
	n, err := actors.Attach(bg(t), system, pid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bg(t))
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx, "billing") }()
	eventually(t, "it is shown", func() bool {
		m, _ := collect(t, reader)["hustings.leading"].Data.(metricdata.Gauge[int64])
		return len(m.DataPoints) == 1 && m.DataPoints[0].Value == 0
	})
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if err := n.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
}

func TestMetricsOfALinkThatIsDownAndOfALapse(t *testing.T) {
	f := newFleet(t, redistest.NewMini(t).Addr())
	f.ttl = slowly * 600 * time.Millisecond
	reader := metric.NewManualReader()
	link := redistest.NewProxy(t, f.addr)
	a := f.start("a", 2, func(c *actors.Config) {
		c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
		c.Redis.Options.Addrs = []string{link.Addr}
	}).run("billing")
	a.won("billing")
	link.Refuse()
	link.Reset()
	a.lost("billing")
	all := collect(t, reader)
	if got := sum(t, all, "hustings.lapses", "election", "billing"); got != 1 {
		t.Errorf("%v lapses, want 1", got)
	}
	if up, left := sum(t, all, "hustings.link.up"), sum(t, all, "hustings.trust.remaining"); up != 0 || left != 0 {
		t.Errorf("without a link: up %v, trusted for %v s; want 0 and 0", up, left)
	}
	if err := link.Accept(); err != nil {
		t.Fatal(err)
	}
	a.won("billing")
	// Commands work before the subscription is confirmed, and are enough to be elected.
	eventually(t, "the link is up", func() bool { return sum(t, collect(t, reader), "hustings.link.up") == 1 })
}

func TestDroppedMessagesAreCountedByReason(t *testing.T) {
	onEachRedis(t, func(t *testing.T, f *fleet) {
		reader := metric.NewManualReader()
		a := f.start("a", 2, func(c *actors.Config) { c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader)) }).run("e")
		a.won("e")
		for payload, reason := range map[string]string{
			`garbage`: "malformed",
			`{"type":"vote","election":"e","me":900,"id":"a"}`:                     "own_name",
			`{"type":"vote","election":"e","me":900,"id":"nobody"}`:                "stranger",
			`{"type":"vote","election":"elsewhere","me":900,"id":"nobody"}`:        "not_ours",
			`{"type":"voteack","election":"e","me":900,"id":"nobody","round":900}`: "unexpected",
			`{"type":"probe","id":"nobody","inc":"x","n":1}`:                       "unexpected",
		} {
			before := sum(t, collect(t, reader), "hustings.messages.dropped", "reason", reason)
			if err := f.client.Publish(bg(t), f.keys.Bully("a"), payload).Err(); err != nil {
				t.Fatal(err)
			}
			eventually(t, payload+" is "+reason, func() bool {
				return sum(t, collect(t, reader), "hustings.messages.dropped", "reason", reason) == before+1
			})
		}
		n := a.Counts()
		if total := sum(t, collect(t, reader), "hustings.messages.dropped"); total != 6 || n.Dropped != 6 || n.DroppedFor["unexpected"] != 2 {
			t.Errorf("%v dropped in all; counted: %+v; want 6, two of them unexpected", total, n)
		}
	})
}

func TestEveryReasonForDroppingIsInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| reason | means |")
	table, _, _ = strings.Cut(table, "\n## ")
	var told []string
	for line := range strings.Lines(table) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok {
			for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(first, -1) {
				told = append(told, m[1])
			}
		}
	}
	var all []string
	for _, r := range redisbridge.DropReasons() {
		all = append(all, r.String())
	}
	slices.Sort(told)
	slices.Sort(all)
	if !slices.Equal(told, all) {
		t.Errorf("docs/metrics.md has %v, the code %v", told, all)
	}
	alerts, err := os.ReadFile("../docs/prometheus-alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`hustings_reason=~"([a-z_|]+)"`).FindStringSubmatch(string(alerts))
	if asked == nil {
		t.Fatal("no alert asks for reasons")
	}
	for _, r := range strings.Split(asked[1], "|") {
		if !slices.Contains(all, r) {
			t.Errorf("an alert asks for %s, which is no reason", r)
		}
	}
}

func TestAStoppedNodeIsNotObservedAnyMore(t *testing.T) {
	f := newFleet(t, servers["miniredis"])
	reader := metric.NewManualReader()
	n, err := actors.Start(bg(t), system, f.config("a", 1, func(c *actors.Config) {
		c.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := sum(t, collect(t, reader), "hustings.link.up"); got != 1 {
		t.Fatalf("running: up %v, want 1", got)
	}
	if err := n.Stop(bg(t)); err != nil {
		t.Fatal(err)
	}
	<-n.Done()
	if m, ok := collect(t, reader)["hustings.link.up"]; ok && len(m.Data.(metricdata.Gauge[int64]).DataPoints) > 0 {
		t.Errorf("stopped: %v", m)
	}
}

// instruments is a provider that measures nothing and notes what is made.
type instruments struct {
	noop.MeterProvider
	meter recorder
}

// recorder is its meter.
type recorder struct {
	noop.Meter
	made map[string]func(api.Meter) // makes it elsewhere, with one measurement
}

func (p *instruments) Meter(string, ...api.MeterOption) api.Meter { return &p.meter }

func (p *recorder) Int64Counter(name string, o ...api.Int64CounterOption) (api.Int64Counter, error) {
	p.made[name] = func(m api.Meter) {
		c, _ := m.Int64Counter(name, o...)
		c.Add(context.Background(), 1)
	}
	return p.Meter.Int64Counter(name, o...)
}

func (p *recorder) Float64Histogram(name string, o ...api.Float64HistogramOption) (api.Float64Histogram, error) {
	p.made[name] = func(m api.Meter) {
		h, _ := m.Float64Histogram(name, o...)
		h.Record(context.Background(), 1)
	}
	return p.Meter.Float64Histogram(name, o...)
}

func (p *recorder) Int64ObservableGauge(name string, o ...api.Int64ObservableGaugeOption) (api.Int64ObservableGauge, error) {
	p.made[name] = func(m api.Meter) {
		_, _ = m.Int64ObservableGauge(name, append(o, api.WithInt64Callback(func(_ context.Context, ob api.Int64Observer) error {
			ob.Observe(1)
			return nil
		}))...)
	}
	return p.Meter.Int64ObservableGauge(name, o...)
}

func (p *recorder) Float64ObservableGauge(name string, o ...api.Float64ObservableGaugeOption) (api.Float64ObservableGauge, error) {
	p.made[name] = func(m api.Meter) {
		_, _ = m.Float64ObservableGauge(name, append(o, api.WithFloat64Callback(func(_ context.Context, ob api.Float64Observer) error {
			ob.Observe(1)
			return nil
		}))...)
	}
	return p.Meter.Float64ObservableGauge(name, o...)
}

func (p *recorder) Int64ObservableCounter(name string, o ...api.Int64ObservableCounterOption) (api.Int64ObservableCounter, error) {
	p.made[name] = func(m api.Meter) {
		_, _ = m.Int64ObservableCounter(name, append(o, api.WithInt64Callback(func(_ context.Context, ob api.Int64Observer) error {
			ob.Observe(1)
			return nil
		}))...)
	}
	return p.Meter.Int64ObservableCounter(name, o...)
}

// made starts a node and returns what instruments it makes.
func made(t *testing.T) map[string]func(api.Meter) {
	t.Helper()
	p := &instruments{meter: recorder{made: map[string]func(api.Meter){}}}
	newFleet(t, servers["miniredis"]).start("a", 1, func(c *actors.Config) { c.MeterProvider = p })
	return p.meter.made
}

func TestEveryInstrumentIsInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(hustings\\.[a-z.]+)`").FindAllStringSubmatch(string(page), -1) {
		told[m[1]] = true
	}
	all := made(t)
	for name := range all {
		if !told[name] {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("docs/metrics.md has %s, which no node makes", name)
	}
	if len(all) < 15 {
		t.Errorf("only %d instruments seen", len(all))
	}
}

// TestTheDashboardAndTheAlertsAskForWhatThereIs makes every instrument in a real
// provider, exports them for Prometheus, and looks each name up that the two files use.
func TestTheDashboardAndTheAlertsAskForWhatThereIs(t *testing.T) {
	registry := prometheus.NewRegistry()
	exporter, err := prom.New(prom.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	meter := metric.NewMeterProvider(metric.WithReader(exporter)).Meter("hustings")
	for _, make := range made(t) {
		make(meter)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for _, f := range families {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			exported[f.GetName()+suffix] = true
		}
	}
	labels := []string{
		"hustings_fleet", "hustings_node", "hustings_election", "hustings_from", "hustings_to", "hustings_cause",
		"hustings_outcome", "hustings_verdict", "hustings_state", "hustings_direction", "hustings_reason",
	}
	for _, file := range []string{"../docs/grafana-dashboard.json", "../docs/prometheus-alerts.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is not JSON", file)
		}
		found := 0
		for _, name := range regexp.MustCompile(`hustings_[a-z_]+`).FindAllString(string(text), -1) {
			if slices.Contains(labels, name) {
				continue
			}
			found++
			if !exported[name] {
				t.Errorf("%s asks for %s, which no node exports", file, name)
			}
		}
		if found < 10 {
			t.Errorf("%s: only %d names found", file, found)
		}
	}
}
